"""The sphere of a ball joint, found in one bone's mask: a femoral head, or the socket for it.

Every piece of the bone's surface votes for centres along its own normal, inward for a head and
outward for a socket; a sphere is where many agree. Neither the pose of the bone nor where the
field of view cuts it matters, as long as the joint is in view. A least-squares sphere through the
surface that agrees refines it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.volume import Volume, bounding_box

Points = NDArray[np.float64]

RADII_MM = (18.0, 31.0)
"""Femoral heads of adults have a radius of 20 to 28 mm; a bony socket is wider by the cartilage of
both bones."""

RADIUS_STEP_MM = 1.0
CELL_MM = 3.0
SMOOTHED_MM = 2.0
"""Blur before normals are taken: half a thick slice, so that its steps do not tilt them."""

NEAR_MM, ALIGNED = 3.0, 0.8
"""Surface within this of the sphere, its normal within 37 degrees of the radius, belongs to it."""

MIN_SHARE = 0.12
"""Least share of the whole sphere's area that must be seen: a head shows half, a socket a third of
its sphere, a field of view may take half of that."""

ROUNDS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Sphere:
    """Centre in LPS, and radius."""

    centre_lps: NDArray[np.float64]
    radius_mm: float


def head_sphere(mask: Volume) -> Sphere | None:
    """The ball that a bone's surface bulges around; ``None`` where there is none."""
    return _sphere(mask, inward=True)


def socket_sphere(mask: Volume) -> Sphere | None:
    """The ball that a bone's surface is hollowed around; ``None`` where there is none."""
    return _sphere(mask, inward=False)


def _sphere(mask: Volume, *, inward: bool) -> Sphere | None:
    points, normals, area_mm2 = surface(mask)
    if len(points) < 50:
        return None
    ways = -normals if inward else normals
    radii = np.arange(RADII_MM[0], RADII_MM[1] + RADIUS_STEP_MM, RADIUS_STEP_MM)
    sphere = _voted(points, ways, area_mm2, radii)
    for _ in range(ROUNDS):
        chosen = _belonging(points, ways, sphere)
        if np.count_nonzero(chosen) < 30:
            return None
        sphere = _fitted(points[chosen])
    if not RADII_MM[0] <= sphere.radius_mm <= RADII_MM[1]:
        return None
    seen_mm2 = float(area_mm2[_belonging(points, ways, sphere)].sum())
    whole_mm2 = 4.0 * np.pi * sphere.radius_mm**2
    return sphere if seen_mm2 >= MIN_SHARE * whole_mm2 else None


def surface(mask: Volume) -> tuple[Points, Points, NDArray[np.float64]]:
    """(n, 3) LPS surface voxels, their outward unit normals, and the area in mm2 of each.

    Where the image cuts the bone there is no surface.
    """
    spacing = np.asarray(mask.geometry.spacing_mm)
    margin = [int(np.ceil(3 * SMOOTHED_MM / step)) for step in spacing]
    start, stop = bounding_box(np.asarray(mask.data, dtype=bool), (margin[0], margin[1], margin[2]))
    block = mask.crop(start, stop)
    inside = np.asarray(block.data, dtype=bool)
    smooth = ndimage.gaussian_filter(
        inside.astype(np.float32), SMOOTHED_MM / spacing, mode="nearest"
    )
    slopes = [
        np.gradient(smooth, step, axis=axis) if smooth.shape[axis] > 1 else np.zeros_like(smooth)
        for axis, step in enumerate(spacing)
    ]
    eroded = ndimage.binary_erosion(inside, border_value=1)
    at = np.argwhere(inside & ~eroded)
    inward = np.stack([slope[tuple(at.T)] for slope in slopes], axis=1)
    lengths = np.linalg.norm(inward, axis=1)
    kept = lengths > 1e-3
    at, inward = at[kept], inward[kept] / lengths[kept, None]
    # A voxel's face looks along one axis; its share of the surface is the face over the cosine.
    faces = np.prod(spacing) / spacing
    area = 1.0 / np.max(np.abs(inward) / faces, axis=1)
    return block.geometry.to_lps(at), -inward @ block.geometry.directions.T, area


def _voted(
    points: Points, ways: Points, area_mm2: NDArray[np.float64], radii: NDArray[np.float64]
) -> Sphere:
    """The centre and radius that most surface agrees on."""
    low = points.min(axis=0) - RADII_MM[1]
    shape = np.ceil((points.max(axis=0) + RADII_MM[1] - low) / CELL_MM).astype(int) + 1
    best, peak = Sphere(points.mean(axis=0), float(radii[0])), -1.0
    for radius in radii:
        cells = np.floor((points + radius * ways - low) / CELL_MM).astype(int)
        votes = np.bincount(
            np.ravel_multi_index(tuple(cells.T), tuple(shape)), area_mm2, int(np.prod(shape))
        ).reshape(shape)
        # A larger ball has more surface to vote with, by its square.
        votes = ndimage.uniform_filter(votes, 3, mode="constant") / radius**2
        if votes.max() > peak:
            peak = float(votes.max())
            cell = np.array(np.unravel_index(int(np.argmax(votes)), votes.shape))
            best = Sphere(low + (cell + 0.5) * CELL_MM, float(radius))
    return best


def _belonging(points: Points, ways: Points, sphere: Sphere) -> NDArray[np.bool_]:
    """(n,) surface that lies on a sphere and looks the right way."""
    off = sphere.centre_lps - points
    away = np.linalg.norm(off, axis=1)
    cosine = np.einsum("ij,ij->i", off, ways) / np.maximum(away, 1e-6)
    return np.asarray((np.abs(away - sphere.radius_mm) < NEAR_MM) & (cosine > ALIGNED))


def _fitted(points: Points) -> Sphere:
    """Least-squares sphere through (n, 3) points."""
    middle = points.mean(axis=0)
    off = points - middle
    design = np.column_stack([2.0 * off, np.ones(len(off))])
    solution = np.linalg.lstsq(design, (off**2).sum(axis=1), rcond=None)[0]
    radius = np.sqrt(max(float(solution[3] + solution[:3] @ solution[:3]), 1.0))
    return Sphere(middle + solution[:3], float(radius))
