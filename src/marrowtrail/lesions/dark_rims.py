"""Dark rims about a piece of marrow under a joint surface: what demarcation looks like.

From a point under the surface rays run into the bone, in one slice. A rim is the path across all
rays on which marrow is darkest against what lies within and without it, found by dynamic
programming: it may wind, and it must close towards the joint on both sides. Fat keeps its signal
on these series (T1, or PD and T2 without fat suppression), so that dead marrow within is bright.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.joint_strips import ALONG_MM, JointStrip

CENTRE_DEPTHS_MM = (2.5, 5.0)
"""Rays start this deep under the surface; dead segments are open towards the joint and their
middle lies near it."""

EVERY_MM = 2.5
"""Points of the surface under which a rim is looked for are this far apart."""

ANGLES_DEG = np.arange(-80.0, 81.0, 5.0)
"""Directions of the rays, against the one straight into the bone: beyond these they run along the
plate."""

RADII_MM = np.arange(3.0, 26.0, 0.5)
"""Where rims are looked for: a segment is 6 mm to 5 cm wide."""

RADIUS_STEP_MM = 0.5
WITHIN_MM = (1.0, 4.0)
"""Marrow to compare with lies this far to either side of the middle of a band (1 to 4 mm thick)."""

STEPS = 2
"""From ray to ray a rim moves by at most so many steps of its radius."""

BESIDE_MM = 3.0
"""Oedema this near to a rim lies beside it."""

SMOOTHED_MM = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class DarkRim:
    """The best rim under one stretch of surface in one slice.

    Parameters
    ----------
    slice_index
        Along the series' axis through the slices.
    points_lps
        (n, 3), one for each ray.
    contrast
        (n,) how much darker it is than the darker of both sides, as a share of normal marrow.
    within
        Usual signal inside it, as a share of normal marrow.
    thickness_mm
        Its width at half its depth, median over the rays.
    area_mm2
        Of what it encloses in the slice.
    in_lesion
        Share of it with oedema within 3 mm.
    """

    slice_index: int
    points_lps: NDArray[np.float64]
    contrast: NDArray[np.float64]
    within: float
    thickness_mm: float
    area_mm2: float
    in_lesion: float

    @property
    def closed(self) -> float:
        """Contrast that all but a sixth of it has: a rim with a gap is no rim."""
        return float(np.percentile(self.contrast, 16.7))


def find_rims(
    image: Volume, bone: Volume, lesion: Volume, strips: Sequence[JointStrip], level: float
) -> tuple[DarkRim, ...]:
    """The best rim of each slice, whether good or not.

    ``level`` is the signal of normal marrow of the bone in the series.
    """
    through = image.geometry.through_plane_axis
    across = image.geometry.directions[:, through]
    near = ndimage.maximum_filter(
        np.asarray(lesion.data, dtype=np.uint8), _in_plane(image.geometry.spacing_mm, through)
    )
    # Once: a copy of a 3-D series for every strip takes longer than all the rest.
    solid = bone.with_data(bone.data.astype(np.float32))
    best: dict[int, DarkRim] = {}
    for strip in strips:
        for depth in CENTRE_DEPTHS_MM:
            rim = _best(image, solid, near, strip, across, depth, level)
            if rim is None:
                continue
            held = best.get(strip.slice_index)
            if held is None or rim.closed > held.closed:
                best[strip.slice_index] = rim
    return tuple(best[index] for index in sorted(best))


def _in_plane(spacing: tuple[float, float, float], through: int) -> tuple[int, int, int]:
    """Voxels of a box of 3 mm to either side in the slice."""
    i, j, k = (
        1 if axis == through else 2 * round(BESIDE_MM / step) + 1
        for axis, step in enumerate(spacing)
    )
    return i, j, k


def _best(
    image: Volume,
    bone: Volume,
    near: NDArray[np.uint8],
    strip: JointStrip,
    across: NDArray[np.float64],
    depth_mm: float,
    level: float,
) -> DarkRim | None:
    """The most closed rim about any point at one depth under a strip."""
    rows = np.arange(0, len(strip.points_lps), round(EVERY_MM / ALONG_MM))
    inward = strip.inward_lps[rows]
    centres = strip.points_lps[rows] + depth_mm * inward
    aside = np.cross(across, inward)
    angle = np.radians(ANGLES_DEG)
    ways = np.cos(angle)[:, None] * inward[:, None, :] + np.sin(angle)[:, None] * aside[:, None, :]
    points = centres[:, None, None, :] + RADII_MM[:, None] * ways[:, :, None, :]
    ijk = np.moveaxis(image.geometry.to_ijk(points), -1, 0)
    signal = ndimage.map_coordinates(image.data, ijk, order=1, mode="nearest") / level
    inside = ndimage.map_coordinates(bone.data, ijk, order=1) > 0.5
    inside = np.logical_and.accumulate(inside, axis=2)
    smooth = ndimage.gaussian_filter1d(signal, SMOOTHED_MM / RADIUS_STEP_MM, axis=2)
    depth = _darker(np.where(inside, smooth, -np.inf))
    radius, found = _paths(depth)
    closed = np.percentile(found, 16.7, axis=1)
    index = int(np.argmax(closed))
    if closed[index] <= 0:
        return None
    path = radius[index]
    rays = np.arange(len(ANGLES_DEG))
    on = points[index, rays, path]
    voxel = np.round(image.geometry.to_ijk(on)).astype(int)
    voxel = np.clip(voxel, 0, np.asarray(near.shape) - 1)
    within = [smooth[index, ray, : max(1, path[ray] - 3)] for ray in rays]
    return DarkRim(
        strip.slice_index,
        on,
        found[index],
        float(np.median(np.concatenate(within))),
        float(np.median([_width(smooth[index, ray], int(path[ray])) for ray in rays])),
        _area(RADII_MM[path], depth_mm),
        float(near[tuple(voxel.T)].mean()),
    )


def _darker(smooth: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much darker each point of a ray is than both sides; negative infinity outside bone."""
    first, last = (round(one / RADIUS_STEP_MM) for one in WITHIN_MM)
    inner = np.full(smooth.shape, -np.inf)
    outer = np.full(smooth.shape, -np.inf)
    for step in range(first, last + 1):
        inner[..., step:] = np.maximum(inner[..., step:], smooth[..., :-step])
        outer[..., :-step] = np.maximum(outer[..., :-step], smooth[..., step:])
    flank = np.minimum(inner, outer)
    usable = np.isfinite(flank) & np.isfinite(smooth)
    return np.where(usable, np.where(usable, flank, 0.0) - np.where(usable, smooth, 0.0), -1.0)


def _paths(
    depth: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """(c, rays) radius of the best path of each centre, and how dark it is there."""
    centres, rays, radii = depth.shape
    total = depth[:, 0].copy()
    came = np.zeros(depth.shape, dtype=np.intp)
    at = np.arange(radii)
    for ray in range(1, rays):
        padded = np.pad(total, ((0, 0), (STEPS, STEPS)), constant_values=-np.inf)
        shifted = np.stack([padded[:, k : k + radii] for k in range(2 * STEPS + 1)])
        choice = np.argmax(shifted, axis=0)
        came[:, ray] = np.clip(at + choice - STEPS, 0, radii - 1)
        total = np.max(shifted, axis=0) + depth[:, ray]
    path = np.zeros((centres, rays), dtype=np.intp)
    path[:, -1] = np.argmax(total, axis=1)
    every = np.arange(centres)
    for ray in range(rays - 1, 0, -1):
        path[:, ray - 1] = came[every, ray, path[:, ray]]
    return path, depth[every[:, None], np.arange(rays), path]


def _width(ray: NDArray[np.float64], at: int) -> float:
    """Millimetres over which a ray lies below half the depth of its darkest point."""
    last = round(WITHIN_MM[1] / RADIUS_STEP_MM)
    low, high = max(0, at - last), min(len(ray), at + last + 1)
    fine = np.interp(np.arange(low, high - 1, 0.2), np.arange(low, high), ray[low:high])
    middle = round((at - low) / 0.2)
    half = (
        fine[min(middle, len(fine) - 1)]
        + min(fine[: middle + 1].max(), fine[middle:].max(initial=-np.inf))
    ) / 2
    dark = fine < half
    if middle >= len(dark) or not dark[middle]:
        return 0.0
    pieces, _ = ndimage.label(dark)
    return float(np.count_nonzero(pieces == pieces[middle]) * 0.2 * RADIUS_STEP_MM)


def _area(radius_mm: NDArray[np.float64], depth_mm: float) -> float:
    """Of the sector within a rim, and of the strip between it and the surface."""
    step = np.radians(ANGLES_DEG[1] - ANGLES_DEG[0])
    sector = 0.5 * float((radius_mm**2).sum()) * step
    beside = depth_mm * float(radius_mm[0] + radius_mm[-1])
    return float(sector + beside)
