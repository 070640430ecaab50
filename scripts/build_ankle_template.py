"""Build the ankle's template from coarse bone surfaces, smoothed.

    python scripts/build_ankle_template.py SURFACES --out src/marrowtrail/phantom/shapes/ankle.npz

``SURFACES`` is ``data/bone-surfaces``: closed surfaces of a right limb in one frame,
millimetres, x to the front, y up, z to the right. A point's side of a surface is read from
its winding number, its distance from a dense sample of the surface.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.template import CLIP_MM, BoneTemplate, JointTemplate, save_template

BONES = {
    "tibia": ("tibia",),
    "fibula": ("fibula",),
    "talus": ("talus",),
    "calcaneus": ("calcaneus",),
    "navicular": ("navicular",),
    "cuboid": ("cuboid",),
    "cuneiforms": ("cuneiform_medial", "cuneiform_intermediate", "cuneiform_lateral"),
    "metatarsals": tuple(f"metatarsal_{n}" for n in range(1, 6)),
}
STEP_MM = 1.5
MARGIN_MM = 10.0
SMOOTH_MM = 1.2
"""Rounds the facets of the surfaces, whose edges are 5 to 10 mm long."""
GROW_MM = {"talus": 3.2, "navicular": 2.0, "cuboid": 2.5, "cuneiforms": 1.5, "metatarsals": 0.8}
"""The source draws these bones too small for their neighbours (a talus of 13 cm3, where 30 to
40 is usual); growing them closes most of the gaps."""
GAP_MM = 2.4
"""Left between settled bones: the cartilage of both."""
LEG_MM = 115.0
"""How much of tibia and fibula is kept above the joint."""
FOREFOOT_MM = 60.0
"""How much of the metatarsals is kept: what a field of view at the ankle may reach."""


def read_ply(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices in LPS millimetres and triangles of a little-endian binary PLY with normals."""
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
    return np.column_stack([-z, -x, y]), rows["v"].astype(np.int64)


def winding(
    points: NDArray[np.float64], vertices: NDArray[np.float64], faces: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Generalised winding number, near +-1 inside (Van Oosterom 1983, 10.1109/TBME.1983.325207)."""
    total = np.zeros(len(points))
    for a, b, c in vertices[faces]:
        u, v, w = a - points, b - points, c - points
        lu, lv, lw = (np.linalg.norm(q, axis=1) for q in (u, v, w))
        numerator = np.einsum("ij,ij->i", u, np.cross(v, w))
        denominator = (
            lu * lv * lw
            + np.einsum("ij,ij->i", u, v) * lw
            + np.einsum("ij,ij->i", v, w) * lu
            + np.einsum("ij,ij->i", w, u) * lv
        )
        total += np.arctan2(numerator, denominator)
    return total / (2 * np.pi)


def surface_sample(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], per_mm2: float = 3.0
) -> NDArray[np.float64]:
    """Points spread over the triangles, about ``per_mm2`` to a square millimetre."""
    rng = np.random.default_rng(0)
    a, b, c = (vertices[faces[:, n]] for n in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    face = rng.choice(len(faces), int(area.sum() * per_mm2), p=area / area.sum())
    r, s = np.sqrt(rng.random(len(face))), rng.random(len(face))
    weights = np.stack([1 - r, r * (1 - s), r * s], axis=-1)
    return np.einsum("nk,nkd->nd", weights, vertices[faces[face]])


def signed_distance(
    points: NDArray[np.float64], vertices: NDArray[np.float64], faces: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Distance to a closed surface, negative inside."""
    far = cKDTree(surface_sample(vertices, faces)).query(points, distance_upper_bound=20.0)[0]
    far = np.minimum(far, 20.0)
    near_box = ((points > vertices.min(axis=0)) & (points < vertices.max(axis=0))).all(axis=1)
    inside = np.zeros(len(points), dtype=bool)
    inside[near_box] = np.abs(winding(points[near_box], vertices, faces)) > 0.5
    return np.where(inside, -far, far)


def bone_map(
    parts: list[tuple[NDArray[np.float64], NDArray[np.int64]]],
    window: NDArray[np.float64],
    grow_mm: float,
) -> tuple[Geometry, NDArray[np.float32]]:
    """Smoothed signed distances of the union of surfaces, inside a (2, 3) window."""
    everything = np.concatenate([vertices for vertices, _ in parts])
    low = np.maximum(everything.min(axis=0) - MARGIN_MM, window[0])
    high = np.minimum(everything.max(axis=0) + MARGIN_MM, window[1])
    shape = np.ceil((high - low) / STEP_MM).astype(int) + 1
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = low
    grid = Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)
    points = grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1)).reshape(-1, 3)
    maps = np.min([signed_distance(points, v, f) for v, f in parts], axis=0).reshape(grid.shape)
    smooth = ndimage.gaussian_filter(maps, SMOOTH_MM / STEP_MM) - grow_mm
    return grid, smooth.astype(np.float32)


def surface_points(grid: Geometry, surface: NDArray[np.float32]) -> NDArray[np.float64]:
    """Voxels within a step of a bone's surface."""
    return grid.to_lps(np.argwhere(np.abs(surface) < STEP_MM / 2))


def settled(
    moving: list[NDArray[np.float64]],
    fixed: list[tuple[Geometry, NDArray[np.float32]]],
    direction: tuple[float, float, float],
) -> NDArray[np.float64]:
    """The shift along a direction that leaves GAP_MM between moving and fixed bones.

    Surfaces of the source do not touch; a real joint does but for its cartilage.
    """
    points = np.concatenate(moving)
    step = np.asarray(direction) / np.linalg.norm(direction)

    def gap(way: float) -> float:
        near = [
            np.percentile(
                ndimage.map_coordinates(
                    surface, grid.to_ijk(points + way * step).T, order=1, cval=20.0
                ),
                0.5,
            )
            for grid, surface in fixed
        ]
        return float(min(near))

    ways = np.arange(-6.0, 12.0, 0.1)
    gaps = np.array([gap(way) for way in ways])
    first_close = np.flatnonzero(gaps < GAP_MM)
    return step * ways[first_close[0]] if len(first_close) else np.zeros(3)


def regions_of(
    bone: str, p: NDArray[np.float64], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Paint the regions of a bone over its whole box; ``p`` (..., 3) limb-frame points."""
    low, high = p[inside].min(axis=0), p[inside].max(axis=0)
    x, y, z = p[..., 0], p[..., 1], p[..., 2]
    empty = np.zeros(inside.shape, dtype=np.uint8)
    if bone == "tibia":
        plafond = plafond_z(p, inside)
        regions = np.where(z < plafond + 13, 1, np.where(z < plafond + 50, 2, 3))
        return regions.astype(np.uint8), ("distal_epiphysis", "distal_metaphysis", "shaft")
    if bone == "fibula":
        return np.where(z < low[2] + 30, 1, 2).astype(np.uint8), ("distal_epiphysis", "shaft")
    if bone == "talus":
        middle_x = (low[0] + high[0]) / 2
        neck = y < low[1] + 0.38 * (high[1] - low[1])
        roof = np.where(inside, z, -np.inf).max(axis=2, keepdims=True)
        roof = np.maximum(roof, high[2] - 10)
        dome = (z > roof - 8) & ~neck
        regions = np.where(dome, np.where(x > middle_x, 1, 2), np.where(neck, 4, 3))
        return regions.astype(np.uint8), ("medial_dome", "lateral_dome", "body", "neck_and_head")
    if bone == "calcaneus":
        back = y > high[1] - 0.36 * (high[1] - low[1])
        return np.where(back, 1, 2).astype(np.uint8), ("tuberosity", "body")
    return empty, ()


def plafond_z(p: NDArray[np.float64], inside: NDArray[np.bool_]) -> float:
    """Height of the tibia's weight-bearing surface: the median lower end, malleolus aside."""
    lowest = np.where(inside, p[..., 2], np.inf).min(axis=2)
    return float(np.median(lowest[np.isfinite(lowest)]))


Map = tuple[Geometry, NDArray[np.float32]]


def settled_shifts(maps: dict[str, Map]) -> dict[str, NDArray[np.float64]]:
    """How far each bone moves so that the joint closes; the talus stays."""
    points = {bone: surface_points(*found) for bone, found in maps.items()}
    shifts = {bone: np.zeros(3) for bone in maps}

    def settle(bones: list[str], against: list[str], direction: tuple[float, float, float]) -> None:
        fixed = []
        for name in against:
            grid, surface = maps[name]
            affine = grid.affine.copy()
            affine[:3, 3] += shifts[name]
            fixed.append((Geometry(grid.shape, affine), surface))
        start = shifts[bones[0]]
        way = settled([points[bone] + start for bone in bones], fixed, direction)
        for bone in bones:
            shifts[bone] = shifts[bone] + way

    midfoot = ["navicular", "cuboid", "cuneiforms", "metatarsals"]
    settle(["tibia"], ["talus"], (0.0, 0.0, -1.0))
    shifts["fibula"] = shifts["tibia"]
    settle(["fibula"], ["talus", "tibia"], (1.0, 0.0, 0.0))
    settle(["calcaneus"], ["talus"], (0.0, 0.0, 1.0))
    settle(midfoot, ["talus", "calcaneus"], (0.0, 1.0, 0.15))
    settle(["cuneiforms", "metatarsals"], ["navicular", "cuboid"], (0.0, 1.0, 0.0))
    return shifts


def template_of(bone: str, grid: Geometry, surface: NDArray[np.float32]) -> BoneTemplate:
    """A bone of one shape, with its painted regions."""
    points = grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1))
    regions, names = regions_of(bone, points, surface < 0)
    still = np.zeros((0, *grid.shape), dtype=np.float32)
    return BoneTemplate(bone, grid, surface, still, None, None, regions, names)


def main() -> None:
    """Voxelise, settle, paint and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("surfaces", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    talus, _ = read_ply(options.surfaces / "talus.ply")
    origin = np.append((talus.min(axis=0) + talus.max(axis=0))[:2] / 2, talus[:, 2].max())
    window = np.array([[-90.0, -FOREFOOT_MM - 60.0, -90.0], [90.0, 110.0, LEG_MM]])
    maps = {}
    for bone, names in BONES.items():
        parts = [read_ply(options.surfaces / f"{name}.ply") for name in names]
        maps[bone] = bone_map([(v - origin, f) for v, f in parts], window, GROW_MM.get(bone, 0.0))
    shifts = settled_shifts(maps)
    bones = []
    for bone, (grid, surface) in maps.items():
        affine = grid.affine.copy()
        affine[:3, 3] += shifts[bone]
        placed = Geometry(grid.shape, affine)
        bones.append(template_of(bone, placed, np.clip(surface, -CLIP_MM, CLIP_MM)))
        volume = (surface < 0).sum() * STEP_MM**3 / 1000
        print(f"{bone}: {volume:.1f} cm3, moved {shifts[bone].round(1)} mm")
    save_template(JointTemplate("ankle", tuple(bones)), options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
