"""Closed surfaces: reading, rounding, and the signed distance from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from marrowtrail.imaging.geometry import Geometry
from shape_building.maps import Map, grid_over, points_of

REACH_MM = 15.0
"""Distances are kept up to here."""

Points = NDArray[np.float64]
Faces = NDArray[np.int64]


@dataclass(frozen=True)
class Surface:
    """A closed triangulated surface: (n, 3) points in LPS mm and (m, 3) faces."""

    points: Points
    faces: Faces

    def moved(self, scale: tuple[float, float, float], shift: Points) -> Surface:
        """Scaled about its middle, then shifted."""
        middle = (self.points.min(axis=0) + self.points.max(axis=0)) / 2
        return Surface((self.points - middle) * scale + middle + shift, self.faces)


def read_ply(path: Path) -> Surface:
    """A surface from a little-endian binary PLY with normals, whose x is front, y up, z right."""
    content = path.read_bytes()
    start = content.index(b"end_header\n") + len(b"end_header\n")
    header = content[:start].decode()
    vertices, faces = (
        int(header.split(f"element {name} ")[1].split()[0]) for name in ("vertex", "face")
    )
    points = np.frombuffer(content, "<f4", vertices * 6, start).reshape(vertices, 6)[:, :3]
    rows = np.frombuffer(
        content, np.dtype([("n", "u1"), ("v", "<i4", 3)]), faces, start + vertices * 24
    )
    x, y, z = points.astype(np.float64).T
    return Surface(np.column_stack([-z, -x, y]), rows["v"].astype(np.int64))


def rounded(surface: Surface, rounds: int = 2) -> Surface:
    """Loop's subdivision: four faces for each, on a smooth limit surface without facets."""
    for _ in range(rounds):
        surface = _subdivided(surface)
    return surface


def _subdivided(surface: Surface) -> Surface:
    points, faces = surface.points, surface.faces
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    across = np.concatenate([faces[:, 2], faces[:, 0], faces[:, 1]])
    unique, which = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True)
    opposite = np.zeros((len(unique), 3))
    np.add.at(opposite, which, points[across])
    middle = 0.375 * points[unique].sum(axis=1) + 0.125 * opposite
    count, around = np.zeros(len(points)), np.zeros_like(points)
    for one, other in ((0, 1), (1, 0)):
        np.add.at(count, unique[:, one], 1)
        np.add.at(around, unique[:, one], points[unique[:, other]])
    beta = (0.625 - (0.375 + 0.25 * np.cos(2 * np.pi / count)) ** 2) / count
    old = (1 - count * beta)[:, None] * points + beta[:, None] * around
    a, b, c = faces.T
    ab, bc, ca = which.reshape(3, -1) + len(points)
    finer = [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]
    return Surface(
        np.concatenate([old, middle]), np.concatenate([np.column_stack(each) for each in finer])
    )


def volume_mm3(surface: Surface) -> float:
    """Volume within a closed surface."""
    a, b, c = (surface.points[surface.faces[:, n]] for n in range(3))
    return float(abs(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6)


def areas_of(surface: Surface) -> NDArray[np.float64]:
    """(m,) areas of the faces."""
    a, b, c = (surface.points[surface.faces[:, n]] for n in range(3))
    return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)


def surface_sample(surface: Surface, per_mm2: float = 2.0) -> Points:
    """Points spread over the triangles, about ``per_mm2`` to a square millimetre."""
    rng = np.random.default_rng(0)
    area = areas_of(surface)
    face = rng.choice(len(surface.faces), int(area.sum() * per_mm2), p=area / area.sum())
    r, s = np.sqrt(rng.random(len(face))), rng.random(len(face))
    weights = np.stack([1 - r, r * (1 - s), r * s], axis=-1)
    return np.asarray(np.einsum("nk,nkd->nd", weights, surface.points[surface.faces[face]]))


def distance_map(coarse: Surface, window: Points, step_mm: float, margin_mm: float) -> Map:
    """Signed distances from the rounded surface, negative inside, on a grid in a (2, 3) window.

    Rounding shrinks a coarse surface; the distances are offset until the volume is the source's
    where the window holds all of it.
    """
    surface = rounded(coarse)
    low = np.maximum(surface.points.min(axis=0) - margin_mm, window[0])
    high = np.minimum(surface.points.max(axis=0) + margin_mm, window[1])
    grid = grid_over(low, high, step_mm)
    points = points_of(grid)
    tree = cKDTree(surface_sample(surface))
    near = tree.query(points.reshape(-1, 3), distance_upper_bound=REACH_MM, workers=-1)[0]
    distance = np.minimum(near, REACH_MM).reshape(grid.shape)
    inside = inside_of(surface, grid)
    area = areas_of(surface).sum()
    lost = (volume_mm3(coarse) - volume_mm3(surface)) / area
    return Map(grid, (np.where(inside, -distance, distance) - lost).astype(np.float32))


def inside_of(surface: Surface, grid: Geometry) -> NDArray[np.bool_]:
    """Voxels within a closed surface: those with an odd number of faces below them.

    The columns of the grid, whose axes are those of the frame, are set off by a ten-thousandth
    of a millimetre, so that none runs through an edge.
    """
    step, low = grid.spacing_mm[0], grid.affine[:3, 3] + 1e-4
    crossed = np.zeros((*grid.shape[:2], grid.shape[2] + 1), dtype=np.int32)
    corners = (surface.points[surface.faces] - low) / step
    first = np.maximum(np.ceil(corners[:, :, :2].min(axis=1)), 0).astype(int)
    last = np.minimum(np.floor(corners[:, :, :2].max(axis=1)), np.array(grid.shape[:2]) - 1)
    for (a, b, c), start, end in zip(corners, first, last.astype(int), strict=True):
        if (start > end).any():
            continue
        ij = np.stack(np.mgrid[start[0] : end[0] + 1, start[1] : end[1] + 1], axis=-1)
        ij = ij.reshape(-1, 2)
        edges = np.column_stack([b[:2] - a[:2], c[:2] - a[:2]])
        if abs(np.linalg.det(edges)) < 1e-12:
            continue
        share = np.linalg.solve(edges, (ij - a[:2]).T)
        hit = (share >= 0).all(axis=0) & (share.sum(axis=0) <= 1)
        height = a[2] + share[0] * (b[2] - a[2]) + share[1] * (c[2] - a[2])
        k = np.clip(np.ceil(height[hit]), 0, grid.shape[2]).astype(int)
        np.add.at(crossed, (*ij[hit].T, k), 1)
    return np.asarray(np.cumsum(crossed, axis=2)[:, :, :-1] % 2 == 1)
