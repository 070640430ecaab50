"""What normal marrow looks like in one bone of one series.

Signal of fat-suppressed marrow varies slowly through a bone with the sensitivity of the
coil and the strength of fat suppression, and from voxel to voxel with noise and trabecular
texture. Both are estimated from the bone itself, robustly against the oedema in it: a
smooth field fitted to log signal with weights that let bright voxels go, and the spread
taken from the dark half of what is left, which oedema does not reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume, bounding_box
from marrowtrail.lesions.fat_suppression import FAILED, FatSuppression

CORTEX_MM = 2.0
"""Depth of the rim left out of the model: cortex (1 to 2 mm) and the partial volume of the
pixel beside it are dark, joint fluid and chemical shift at the surface are bright."""

FIELD_ORDER = 2
"""A quadratic field follows a surface coil over a bone end (8 cm) within 3 %; a cubic one
begins to follow lesions of 3 cm."""

MIN_MARROW_VOXELS = 200
"""Fewer voxels do not support ten field coefficients and a spread."""

BRIGHT_LIMIT = 1.5
"""Voxels brighter than the field by this many spreads lose all weight in the fit. Normal
marrow rarely is; the blurred rim of a lesion is, and would lift the field beside it."""

DARK_LIMIT = 4.0
"""Voxels darker by this many spreads lose all weight (Tukey's biweight): the thick cortex of a
shaft and sclerosis would pull the field down beside normal marrow, which then looks bright."""

FIELD_RANGE = (0.6, 1.7)
"""The field stays within this ratio of the bone's usual signal: coil shading of 40 % either way
and no more, so that a quadratic does not run off where few voxels hold it."""

FIT_ROUNDS = 12
"""The weights settle within eight rounds in phantoms with a third of the bone oedematous."""

FIT_VOXELS = 20_000
"""Voxels that the fit uses at most, evenly taken: ten coefficients and a spread come out the
same to the third digit, five times faster than from a whole femur."""

SOUND_SHARE = 0.3
"""Normal marrow is learned where fat is suppressed, if that is at least so much of the bone."""

TEXTURE_FLOOR = 0.05
"""Smallest spread believed, as a share of normal signal; noise-free phantoms have less, real
marrow never (0.08 to 0.25 in the normal marrow of the sacroiliac series)."""


@dataclass(frozen=True, slots=True, eq=False)
class MarrowModel:
    """Normal marrow of one bone.

    Parameters
    ----------
    expected
        Signal that normal marrow would have at each voxel, on the cropped grid of ``block``.
    spread
        Standard deviation of normal marrow as a share of ``expected``.
    block
        Start and stop indices of the crop in the series.
    interior
        Marrow without its rim, on the crop, and without what ``unsuppressed_share`` counts.
    marrow
        Marrow without its rim, all of it.
    normal_share
        Share of the interior that fits the model.
    unsuppressed_share
        Share of the marrow that is left out because fat suppression failed there.
    """

    expected: NDArray[np.float64]
    spread: float
    block: tuple[tuple[int, int, int], tuple[int, int, int]]
    interior: NDArray[np.bool_]
    marrow: NDArray[np.bool_]
    normal_share: float
    unsuppressed_share: float = 0.0


def model_marrow(
    series: Volume, bone: Volume, suppression: FatSuppression | None = None
) -> MarrowModel | None:
    """Fit normal marrow, or ``None`` where too little of the bone's interior is imaged.

    Where fat outside the bone says that suppression failed, marrow is expected to be brighter
    too, by as much as the marrow itself bears out. Where that is much, it is left out of the
    interior: what is bright there may be either.
    """
    bone.on_grid_of(series)
    block = bounding_box(np.asarray(bone.data, dtype=bool), margin=(2, 2, 1))
    mask = np.asarray(bone.crop(*block).data, dtype=bool)
    depth = depth_mm(mask, series.geometry.spacing_mm)
    marrow = (depth > CORTEX_MM) & ~end_slices(mask, series.geometry.spacing_mm)
    if np.count_nonzero(marrow) < MIN_MARROW_VOXELS:
        return None
    signal = np.asarray(series.crop(*block).data, dtype=np.float64)
    floor = max(1e-6, 0.02 * float(np.median(signal[marrow])))
    log_signal = np.log(np.maximum(signal, floor))
    basis = polynomials(mask.shape)
    every = max(1, int(np.count_nonzero(marrow)) // FIT_VOXELS)
    chosen, values = basis[marrow][::every], log_signal[marrow][::every]
    brighter = _log_brighter(series.geometry.crop(*block), suppression)
    beside = brighter[marrow][::every]
    sound = beside < np.log(FAILED)
    if sound.mean() < SOUND_SHARE:
        sound[:] = True
    field, spread, weights = _fit(chosen[sound], values[sound])
    brighter *= _follows(values - chosen @ field, beside)
    interior = marrow & (brighter < np.log(FAILED))
    if np.count_nonzero(interior) < MIN_MARROW_VOXELS:
        return None
    usual = float(np.median(chosen[sound] @ field))
    field_part = np.clip(basis @ field, *(usual + np.log(FIELD_RANGE)))
    return MarrowModel(
        np.exp(field_part + brighter),
        max(spread, TEXTURE_FLOOR),
        block,
        interior,
        marrow,
        float(weights.mean()),
        1.0 - float(np.count_nonzero(interior)) / float(np.count_nonzero(marrow)),
    )


def _log_brighter(geometry: Geometry, suppression: FatSuppression | None) -> NDArray[np.float64]:
    """How much brighter unsuppressed fat beside the bone is, as a logarithm; 0 where unknown."""
    if suppression is None:
        return np.zeros(geometry.shape)
    return np.asarray(np.log(np.maximum(suppression.over(geometry), 1.0)), dtype=np.float64)


def _follows(residual: NDArray[np.float64], beside: NDArray[np.float64]) -> float:
    """How far marrow follows the fat beside it, from 0 (not at all) to 1.

    Judged by the darker marrow where that fat is bright: oedema there is bright anyway.
    """
    failed = beside >= np.log(FAILED)
    if np.count_nonzero(failed) < MIN_MARROW_VOXELS // 10:
        return 0.0
    share = np.percentile(residual[failed] / beside[failed], 25)
    return float(np.clip(share, 0.0, 1.0))


def depth_mm(
    mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Distance of each voxel of a mask to the nearest voxel outside it.

    The border of the array counts as inside: where the image cuts a bone there is no cortex.
    Thick slices lie farther from their neighbours than the cortex is deep, so depth is taken
    within slices, which is where the surface can be seen.
    """
    through = int(np.argmax(spacing_mm))
    in_plane = [spacing_mm[axis] for axis in range(3) if axis != through]
    is_thick = spacing_mm[through] > 2.0 * max(in_plane)
    if not is_thick:
        padded = np.pad(mask, 1, mode="edge")
        inside = ndimage.distance_transform_edt(padded, sampling=spacing_mm)
        return np.asarray(inside[1:-1, 1:-1, 1:-1])
    slices = np.moveaxis(mask, through, 0)
    depth = np.zeros(slices.shape)
    for number, plane in enumerate(slices):
        padded = np.pad(plane, 1, mode="edge")
        inside = ndimage.distance_transform_edt(padded, sampling=in_plane)
        depth[number] = inside[1:-1, 1:-1]
    return np.moveaxis(depth, 0, through)


def end_slices(
    mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Voxels with no bone before or behind them in the direction of thick slices.

    There the surface runs through the slice itself, and its signal is part muscle or fluid.
    The first and last slice of the image count as continued.
    """
    through = int(np.argmax(spacing_mm))
    slices = np.pad(np.moveaxis(mask, through, 0), ((1, 1), (0, 0), (0, 0)), mode="edge")
    inner = slices[:-2] & slices[2:]
    return np.asarray(mask & ~np.moveaxis(inner, 0, through))


def polynomials(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """(..., 10) polynomials up to second order in coordinates scaled to -1..1."""
    x, y, z = np.meshgrid(*(np.linspace(-1.0, 1.0, n) for n in shape), indexing="ij")
    powers = [
        x**a * y**b * z**c
        for a in range(FIELD_ORDER + 1)
        for b in range(FIELD_ORDER + 1 - a)
        for c in range(FIELD_ORDER + 1 - a - b)
    ]
    return np.stack(powers, axis=-1)


def _fit(
    basis: NDArray[np.float64], log_signal: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Field coefficients, spread and weights, by least squares that lets bright voxels go."""
    weights = np.ones(len(log_signal))
    start = np.zeros(basis.shape[1])
    start[0] = _mode(log_signal)
    field, spread = start, _dark_spread(log_signal - start[0])
    for _ in range(FIT_ROUNDS):
        residual = log_signal - basis @ field
        spread = _dark_spread(residual - _mode(residual))
        offset = residual - _mode(residual)
        dark = np.clip(1.0 - (offset / (DARK_LIMIT * spread)) ** 2, 0.0, 1.0) ** 2
        weights = np.where(offset < 0, dark, 1.0)
        weights[offset > BRIGHT_LIMIT * spread] = 0.0
        ridge = 1e-3 * weights.sum() * np.eye(basis.shape[1])
        ridge[0, 0] = 0.0
        normal = basis.T @ (basis * weights[:, None]) + ridge
        field = np.linalg.solve(normal, basis.T @ (weights * log_signal))
    # Leaving out the bright side biases the mean downwards; the mode puts it right.
    residual = log_signal - basis @ field
    field = field.copy()
    field[0] += _mode(residual)
    residual = log_signal - basis @ field
    spread = _dark_spread(residual)
    return field, spread, (np.abs(residual) < 2.5 * spread).astype(np.float64)


def _mode(values: NDArray[np.float64]) -> float:
    """The half-sample mode, coarsened: the centre of the densest tenth of the lower part.

    Where oedema fills a third of a bone, the median of all its voxels is shifted and the
    mode is not.
    """
    ordered = np.sort(values)
    size = max(10, len(ordered) // 4)
    widths = ordered[size - 1 :] - ordered[: len(ordered) - size + 1]
    return float(np.median(ordered[int(np.argmin(widths)) :][:size]))


def _dark_spread(residual: NDArray[np.float64]) -> float:
    """Standard deviation from the values below zero, as if the other side mirrored them."""
    dark = -residual[residual < 0]
    return 1.4826 * float(np.median(dark)) if len(dark) > 10 else TEXTURE_FLOOR
