"""What T1 says of the fat in a bone's marrow, and what follows for the fluid-sensitive series.

Oedema, red marrow and tumour take the place of fat, and T1 falls by as much; where fat
suppression failed on the other series, T1 is as bright as ever. It is the one measurement that
tells the two apart within the bone itself. Marrow that kept its fat is normal marrow however
bright it is: what it shows of failed suppression is divided out of its surroundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.anatomy.bones import Bone
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Series, Weighting
from marrowtrail.imaging.volume import Volume, bounding_box, resample
from marrowtrail.lesions.fat_suppression import FAILED
from marrowtrail.lesions.marrow import (
    CORTEX_MM,
    MIN_MARROW_VOXELS,
    MarrowModel,
    depth_mm,
    end_slices,
    polynomials,
)

KEPT_FAT = 0.95
"""Marrow whose T1 is above this share of normal kept its fat: smoothed over a few millimetres,
normal marrow varies by 0.03 about 1, and oedema that readers call brings it to 0.7 to 0.9."""

BRIGHTEST_FAT = 1.4
"""Nor is marrow brighter than all its fat would make it: that is metal, blood or a bad guess."""

BRIGHT = 1.3
"""Marrow this much brighter than expected on the fluid-sensitive series does not say what T1 of
normal marrow is, unless its T1 turns out to be normal."""

ENOUGH_SHARE = 0.2
"""With less of the marrow left than this, the T1 of all of it stands for normal."""

RIDGE = 0.01
"""Holds the field of T1 flat where no normal marrow says otherwise, as through an oedematous
femoral head."""

FEW_VOXELS = 30
"""A bone too small for a field is held against its own median, if so many voxels show it."""

SETTLE_ROUNDS, FIT_ROUNDS = 3, 12
OUTLIER_SPREADS = 3.0
FIT_VOXELS = 20_000

SMOOTHING_MM = 1.5
"""Width (sigma) of smoothing within slices: T1 of normal marrow varies by 0.06 to 0.13 from
pixel to pixel and by a third of that over a few millimetres."""

KNOWN_SHARE = 0.2
"""T1 speaks for an area if it shows at least this much of it away from the cortex."""

DARKEST = 1e-3
"""Signal is not taken to be darker than this share of the bright end of the series."""

GLOW_MM = 7.0
GLOW_SHARE = 0.35
"""Width (sigma) over which fatty marrow speaks for its surroundings (suppression fails across one
or two centimetres), and how much of the marrow there must be fatty."""


@dataclass(frozen=True, slots=True, eq=False)
class MarrowFat:
    """T1 signal over that of the bone's normal marrow, on the T1 series' own grid.

    About 1 where fat is whole, 0.7 to 0.9 in most oedema; NaN outside the inner marrow.
    """

    ratio: Volume

    def within(self, area: Volume) -> float | None:
        """Median over an area, a mask of the same frame; ``None`` where too little is shown."""
        there = _nearest(self.ratio, area.geometry.to_lps(np.argwhere(area.data)))
        known = there[np.isfinite(there)]
        if len(known) < max(1.0, KNOWN_SHARE * len(there)):
            return None
        return float(np.median(known))

    def over(self, geometry: Geometry) -> NDArray[np.float64]:
        """(i, j, k) the ratio on a grid of the same frame; NaN where it is not known."""
        there = resample(self.ratio, geometry, order=0, fill=np.nan)
        return np.asarray(there.data, dtype=np.float64)


def marrow_fat(seen: Sequence[tuple[Series, Bone]], brightness: Volume) -> MarrowFat | None:
    """From the T1 series that shows most of a bone.

    Parameters
    ----------
    seen
        Series of the visit that show the bone, with the bone as they show it.
    brightness
        Of a fluid-sensitive series: signal over what normal marrow would have, on the bone's
        crop. Series of another frame of reference cannot be compared with it.

    Returns
    -------
    MarrowFat or None
        ``None`` without a T1-weighted series before contrast agent that leaves fat bright, or
        with too little of the bone on it.
    """
    shown = [(one, bone) for one, bone in seen if shows_fat(one, brightness.geometry)]
    if not shown:
        return None
    series, bone = max(shown, key=lambda pair: (pair[1].volume_mm3, pair[0].id))
    block = bounding_box(np.asarray(bone.mask.data, dtype=bool))
    mask = np.asarray(bone.mask.crop(*block).data, dtype=bool)
    spacing = series.volume.geometry.spacing_mm
    marrow = (depth_mm(mask, spacing) > CORTEX_MM) & ~end_slices(mask, spacing)
    piece = series.volume.crop(*block)
    bright_end = float(np.percentile(piece.data[mask], 99))
    count = np.count_nonzero(marrow)
    if count < FEW_VOXELS or bright_end <= 0:
        return None
    signal = np.log(np.maximum(np.asarray(piece.data, dtype=np.float64), DARKEST * bright_end))
    signal = _smooth(signal, marrow, spacing)
    basis = polynomials(mask.shape)
    if count < MIN_MARROW_VOXELS:
        basis = basis[..., :1]
    points = piece.geometry.to_lps(np.argwhere(marrow))
    is_bright = np.nan_to_num(_nearest(brightness, points), nan=1.0) > BRIGHT
    every = max(1, len(points) // FIT_VOXELS)
    field = _fit(basis[marrow][::every], signal[marrow][::every], is_bright[::every])
    return MarrowFat(Volume(np.exp(signal - basis @ field), piece.geometry))


def with_fat(model: MarrowModel, signal: Volume, fat: MarrowFat) -> MarrowModel:
    """A model of normal marrow that follows what marrow with its fat shows about each voxel.

    ``signal`` is the series on the model's crop. Where fatty marrow is near, none is left out of
    the interior any more: T1 says whether brightness is oedema.
    """
    spacing = signal.geometry.spacing_mm
    left = np.nan_to_num(fat.over(signal.geometry))
    kept = model.marrow & (left > KEPT_FAT) & (left < BRIGHTEST_FAT)
    sigma = [GLOW_MM / one for one in spacing]
    weight = ndimage.gaussian_filter(kept.astype(np.float64), sigma)
    near = ndimage.gaussian_filter(model.marrow.astype(np.float64), sigma)
    brighter = np.log(np.maximum(signal.data / model.expected, DARKEST))
    value = ndimage.gaussian_filter(np.where(kept, brighter, 0.0), sigma)
    known = weight > GLOW_SHARE * np.maximum(near, 1e-6)
    glow = np.where(known, value / np.maximum(weight, 1e-9), 0.0)
    failed = model.marrow & np.where(known, glow >= np.log(FAILED), ~model.interior)
    return replace(
        model,
        expected=model.expected * np.exp(glow),
        interior=model.interior | (model.marrow & known),
        unsuppressed_share=float(np.count_nonzero(failed) / np.count_nonzero(model.marrow)),
    )


def shows_fat(one: Series, fluid: Geometry) -> bool:
    """T1-weighted, before contrast agent, its fat bright, in the frame of another series."""
    contrast = one.contrast
    is_t1 = contrast.weighting is Weighting.T1 and contrast.fat_suppressed is False
    return is_t1 and not contrast.after_agent and one.volume.geometry.shares_frame(fluid)


def _fit(
    basis: NDArray[np.float64], signal: NDArray[np.float64], is_bright: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Coefficients of log T1 of normal marrow.

    First from marrow that is dark on the fluid-sensitive series, then also from what is bright
    there and has the T1 of the rest: fat that was not suppressed. From round to round the field
    is so drawn on into a glow, where it was only guessed before.
    """
    if (~is_bright).mean() < ENOUGH_SHARE:
        is_bright = np.zeros_like(is_bright)
    used = ~is_bright
    field: NDArray[np.float64] = np.zeros(basis.shape[1])
    for number in range(FIT_ROUNDS):
        chosen = basis[used]
        ridge = RIDGE * len(chosen) * np.eye(basis.shape[1])
        ridge[0, 0] = 0.0
        field = np.asarray(np.linalg.solve(chosen.T @ chosen + ridge, chosen.T @ signal[used]))
        residual = signal - basis @ field
        spread = 1.4826 * float(np.median(np.abs(residual[used]))) + 1e-6
        is_fatty = (number >= SETTLE_ROUNDS) & (residual > np.log(KEPT_FAT))
        used = (~is_bright | is_fatty) & (np.abs(residual) < OUTLIER_SPREADS * spread)
    return field


def _smooth(
    values: NDArray[np.float64], known: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Smoothed within thick slices over what is known; NaN elsewhere."""
    sigma = [SMOOTHING_MM / one if one < 2.0 * SMOOTHING_MM else 0.0 for one in spacing_mm]
    weight = ndimage.gaussian_filter(known.astype(np.float64), sigma)
    value = ndimage.gaussian_filter(np.where(known, values, 0.0), sigma)
    return np.where(known, value / np.maximum(weight, 1e-6), np.nan)


def _nearest(volume: Volume, points_lps: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) the nearest voxel's value for (n, 3) points; NaN outside the grid."""
    ijk = np.rint(volume.geometry.to_ijk(points_lps)).astype(int)
    inside = np.all((ijk >= 0) & (ijk < np.asarray(volume.geometry.shape)), axis=-1)
    values = np.full(len(points_lps), np.nan)
    values[inside] = volume.data[tuple(ijk[inside].T)]
    return values
