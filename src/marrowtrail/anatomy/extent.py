"""How much of a bone the field of view holds: which of its ends are in view, and its width.

A knee series cuts the femur above and the tibia below, an ankle series the tibia above.
Regions are measured from an end that is *in view*; an end that the field of view cut off
is no landmark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume

EDGE_VOXELS = 1
EDGE_MM = 1.0
"""A bone within this many voxels of the border of the image, and within this distance, is cut by
it: masks drawn by readers and by networks often leave the outermost slice empty. By voxels
alone, a shaft that leaves an image of 0.5 mm pixels would count less than one of 1 mm."""

END_SLAB_MM = 8.0
"""Height of the slab whose voxels decide whether the image cuts an end. It is thicker than
one slice of an axial series with gap (up to 6 mm) and thinner than any epiphysis."""

CUT_SHARE = 0.08
"""An end is cut by the image when more than this share of its slab lies at the border: a
shaft leaving the image fills its slab's outer layer (0.2 and more in the label maps of
knees), a condyle that grazes the border at one side does not."""

FACING = 0.6
"""Cosine between a direction and a face of the image that looks that way: within 53 degrees,
which no turn of a bone against the slices exceeds for its own end and any does for its side."""

GRAZED = 2.0
"""Of two ends that both touch the side of the image, the one that touches it with twice the share
is where the bone leaves it; the other one is grazed."""

HEAVIER = 1.15
"""The half of a piece of long bone that holds its articular end has more volume than the
half of the shaft: 1.3 to 2.6 times in the label maps of knees. A mask may end in mid-shaft
without touching the border of the image; its light end is then no end of the bone."""

SIDE_SHARE = 0.3
"""An end of which less than this touches the border, and no face of the image across the bone, is
grazed at its side: a malleolus at the last slice. A shaft that leaves touches with more."""

WHOLE_BONE_MM = 250.0
"""A femur, tibia or fibula longer than this in the image shows both of its ends."""


@dataclass(frozen=True, slots=True)
class EndsInView:
    """Whether the end towards the trunk and the end away from it are in view."""

    proximal: bool
    distal: bool


def at_border(mask: Volume) -> NDArray[np.bool_]:
    """Voxels of the mask that lie at the border of the image, as a boolean array."""
    inner = np.zeros(mask.geometry.shape, dtype=bool)
    i, j, k = (slice(margin, -margin) for margin in _margins(mask.geometry))
    inner[i, j, k] = True
    return np.asarray(mask.data, dtype=bool) & ~inner


def _margins(geometry: Geometry) -> list[int]:
    """Thickness of the border in voxels along each axis."""
    return [max(EDGE_VOXELS, round(EDGE_MM / one)) for one in geometry.spacing_mm]


def at_faces(
    geometry: Geometry, ijk: NDArray[np.integer], direction: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(n,) voxels at those faces of the image that look in an LPS direction.

    A field of view that cuts the side of a bone leaves its end in view, so an end is judged by
    the faces across the bone alone (:data:`FACING`).
    """
    cosines = direction @ geometry.directions
    at = np.zeros(len(ijk), dtype=bool)
    for axis, (cosine, margin) in enumerate(zip(cosines, _margins(geometry), strict=True)):
        if cosine > FACING:
            at |= ijk[:, axis] >= geometry.shape[axis] - margin
        elif cosine < -FACING:
            at |= ijk[:, axis] < margin
    return at


def is_cut(geometry: Geometry, ijk: NDArray[np.integer], direction: NDArray[np.float64]) -> bool:
    """Whether the image ends before a bone does, in an LPS direction.

    ``ijk`` holds (n, 3) indices of the bone's voxels.
    """
    along_mm = geometry.to_lps(ijk) @ direction
    slab = along_mm > along_mm.max() - END_SLAB_MM
    return bool(at_faces(geometry, ijk[slab], direction).mean() >= CUT_SHARE)


def ends_in_view(
    mask: Volume,
    ijk: NDArray[np.integer],
    height_mm: NDArray[np.float64],
    proximal: NDArray[np.float64] | None = None,
) -> EndsInView:
    """Which ends of a bone the image holds.

    Parameters
    ----------
    mask
        The bone.
    ijk
        (n, 3) indices of its voxels.
    height_mm
        (n,) their coordinate along the bone, growing towards the trunk.
    proximal
        (3,) LPS direction in which it grows. Where the border of the image touches both ends,
        it tells the faces across the bone, which cut an end, from those that cut its side.
    """
    top, bottom = height_mm.max(), height_mm.min()
    border = at_border(mask)[tuple(ijk.T)]
    at_top = float(border[height_mm > top - END_SLAB_MM].mean())
    at_bottom = float(border[height_mm < bottom + END_SLAB_MM].mean())
    seen = EndsInView(at_top < CUT_SHARE, at_bottom < CUT_SHARE)
    if proximal is not None and not (seen.proximal or seen.distal):
        seen = EndsInView(
            not is_cut(mask.geometry, ijk, proximal), not is_cut(mask.geometry, ijk, -proximal)
        )
        if (
            seen.proximal
            and seen.distal
            and max(at_top, at_bottom) > GRAZED * min(at_top, at_bottom)
        ):
            # A bent limb leaves by a side of the image; there nearly all of its section touches.
            seen = EndsInView(at_top < at_bottom, at_bottom < at_top)
    heavy = _heavy_end(height_mm)
    if seen.proximal and seen.distal:
        return seen if top - bottom > WHOLE_BONE_MM else heavy
    if proximal is None or heavy != EndsInView(seen.distal, seen.proximal):
        return seen
    # The light end alone is in view: it is none if the heavy one is only grazed.
    away, touching = (-proximal, at_bottom) if heavy.distal else (proximal, at_top)
    is_grazed = touching < SIDE_SHARE and not is_cut(mask.geometry, ijk, away)
    return heavy if is_grazed else seen


def _heavy_end(height_mm: NDArray[np.float64]) -> EndsInView:
    """The end whose half has more bone; neither where both have as much."""
    middle = (height_mm.max() + height_mm.min()) / 2
    upper = int(np.count_nonzero(height_mm > middle))
    lower = len(height_mm) - upper
    return EndsInView(upper > HEAVIER * lower, lower > HEAVIER * upper)


def profile_mm2(
    height_mm: NDArray[np.float64], voxel_mm3: float, step_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cross-section along a bone: (m,) heights of slab centres and (m,) areas in mm2."""
    low = np.floor(height_mm.min() / step_mm) * step_mm
    edges = np.arange(low, height_mm.max() + step_mm, step_mm)
    counts, edges = np.histogram(height_mm, bins=edges)
    return (edges[:-1] + edges[1:]) / 2, counts * voxel_mm3 / step_mm


def span_mm(values: NDArray[np.float64]) -> tuple[float, float]:
    """Extent of a coordinate, with the outermost half per cent left out as mask noise."""
    low, high = np.percentile(values, [0.5, 99.5])
    return float(low), float(high)
