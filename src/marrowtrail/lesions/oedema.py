"""Marrow oedema in one bone of one fluid-sensitive series.

Voxels brighter than normal marrow by a margin that noise and texture do not reach are
seeds; each area is then followed out to half the height between normal marrow and its own
plateau. For a blurred edge that half is where the true border lies, whatever the contrast,
so faint and bright lesions of one size measure alike. The interval of the volume is what
the same rule gives a quarter and three quarters up the edge, widened by half a voxel layer
where slices are thick.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.lesions.lesion import VolumeEstimate
from marrowtrail.lesions.marrow import MarrowModel

SMOOTHING_MM = 0.9
"""Width (sigma) of the smoothing within slices before seeds are looked for: it lowers noise
about threefold at usual pixels and hardly blurs a lesion of 5 mm."""

SEED_SPREADS = 3.0
"""A seed is brighter than normal marrow by this many spreads of the smoothed marrow, so that
a bone of 100,000 voxels has none by chance in a connected group."""

SEED_CONTRAST = 1.35
"""And by this ratio at least: below it readers of fat-suppressed images do not call oedema
(red marrow and uneven suppression reach 1.2 to 1.3)."""

SMALLEST_LESION_MM3 = 60.0
"""Smaller areas are vessels and noise; it is a ball of 5 mm."""

RIM_ONLY_MM = 3.0
"""An area that nowhere reaches this deep is joint fluid or partial volume at the surface."""

EDGE_LEVELS = (0.25, 0.5, 0.75)
"""Heights on the edge, from normal marrow to the lesion's plateau, for the upper limit, the
volume itself and the lower limit."""


NOISE_FLOOR_SPREADS = 1.5
"""No edge is followed below normal marrow plus this many spreads of the smoothed marrow:
further down the quarter level of a faint lesion would leak through texture."""


@dataclass(frozen=True, slots=True, eq=False)
class OedemaArea:
    """One area of oedema on the crop of its bone.

    ``contrast`` is the plateau of its signal over what normal marrow would have there.
    """

    mask: NDArray[np.bool_]
    volume: VolumeEstimate
    contrast: float


def find_oedema(
    signal: NDArray[np.floating],
    bone: NDArray[np.bool_],
    depth: NDArray[np.float64],
    model: MarrowModel,
    spacing_mm: tuple[float, float, float],
) -> tuple[OedemaArea, ...]:
    """Areas of oedema in a bone, largest first.

    Parameters
    ----------
    signal, bone, depth
        The series, the bone and the depth below its surface, on the model's crop.
    model
        Normal marrow of that bone and series.
    spacing_mm
        Of the crop.
    """
    ratio = np.asarray(signal, dtype=np.float64) / model.expected
    smooth = _smooth_in_bone(ratio, bone, spacing_mm)
    spread = _smoothed_spread(smooth, model)
    limit = max(SEED_CONTRAST, 1.0 + SEED_SPREADS * spread)
    floor = 1.0 + NOISE_FLOOR_SPREADS * spread
    pieces, count = ndimage.label((smooth > limit) & model.interior, np.ones((3, 3, 3)))
    voxel_mm3 = float(np.prod(spacing_mm))
    areas = []
    for number, where in enumerate(ndimage.find_objects(pieces), start=1):
        seed = pieces == number
        if where is None or _is_negligible(seed, depth, voxel_mm3):
            continue
        areas.append(_grow(seed, smooth, bone, floor, spacing_mm))
    return _without_overlap(sorted(areas, key=lambda a: -a.volume.mm3)) if count else ()


def _smooth_in_bone(
    ratio: NDArray[np.float64], bone: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Smooth within slices, with bone's own voxels only: fluid next door does not leak in."""
    through = int(np.argmax(spacing_mm))
    is_thick = spacing_mm[through] > 2.0 * min(spacing_mm)
    sigma = [SMOOTHING_MM / spacing for spacing in spacing_mm]
    if is_thick:
        sigma[through] = 0.0
    inside = bone.astype(np.float64)
    weight = ndimage.gaussian_filter(inside, sigma)
    value = ndimage.gaussian_filter(np.where(bone, ratio, 0.0), sigma)
    return np.where(bone, value / np.maximum(weight, 1e-6), 0.0)


def _smoothed_spread(smooth: NDArray[np.float64], model: MarrowModel) -> float:
    """Spread of normal marrow after smoothing, from its dark half."""
    inside = smooth[model.interior]
    dark = 1.0 - inside[inside < 1.0]
    return 1.4826 * float(np.median(dark)) if len(dark) > 10 else model.spread


def _is_negligible(seed: NDArray[np.bool_], depth: NDArray[np.float64], voxel_mm3: float) -> bool:
    too_small = np.count_nonzero(seed) * voxel_mm3 < SMALLEST_LESION_MM3
    return bool(too_small or depth[seed].max() < RIM_ONLY_MM)


def _grow(
    seed: NDArray[np.bool_],
    smooth: NDArray[np.float64],
    bone: NDArray[np.bool_],
    floor: float,
    spacing_mm: tuple[float, float, float],
) -> OedemaArea:
    """Follow a seed out to half its height, and to the two levels of the interval."""
    plateau = float(np.percentile(smooth[seed], 70))
    edges = [max(floor, 1.0 + level * (plateau - 1.0)) for level in EDGE_LEVELS]
    masks = [_reached(seed, bone & (smooth > edge)) for edge in edges]
    voxel_mm3 = float(np.prod(spacing_mm))
    high, middle, low = (float(np.count_nonzero(mask)) * voxel_mm3 for mask in masks)
    ends = _end_slices_mm3(masks[1], spacing_mm)
    return OedemaArea(
        masks[1],
        VolumeEstimate(middle, max(0.0, min(low, middle - ends)), max(high, middle + ends)),
        plateau,
    )


def _reached(seed: NDArray[np.bool_], allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What of ``allowed`` hangs together with the seed, holes filled slice by slice."""
    pieces, _ = ndimage.label(allowed | seed)
    numbers = np.unique(pieces[seed])
    return np.asarray(np.isin(pieces, numbers[numbers > 0]) & allowed)


def _end_slices_mm3(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> float:
    """Half the volume of a lesion's first and last slice: how far its ends are not known."""
    through = int(np.argmax(spacing_mm))
    others = tuple(axis for axis in range(3) if axis != through)
    areas = mask.sum(axis=others)
    filled = np.flatnonzero(areas)
    if len(filled) == 0:
        return 0.0
    return float(0.25 * (areas[filled[0]] + areas[filled[-1]]) * np.prod(spacing_mm))


def _without_overlap(areas: list[OedemaArea]) -> tuple[OedemaArea, ...]:
    """Seeds that grew into one area are one lesion: the first of them keeps it."""
    kept: list[OedemaArea] = []
    for area in areas:
        if not any((area.mask & other.mask).any() for other in kept):
            kept.append(area)
    return tuple(kept)
