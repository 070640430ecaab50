"""What one series looks like, as numbers that do not depend on its scale.

Levels are shares of the median of marrow; widths are mm. A number that a series cannot give (no
oedema, no air) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.evaluation.image_statistics import (
    correlation_length_mm,
    edge_width_mm,
    entropy_bits,
    fine_share,
    patches,
    spectrum_slope,
    typical_deviation,
    variation,
)
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.implants.tissue_samples import (
    BONE_MARGIN_MM,
    TissueSamples,
    pixel_mm,
    slices_first,
)

Mask = NDArray[np.bool_]
Image = NDArray[np.float32]

FLUID_PERCENTILE = 99.8
"""The brightest fifth of a per cent of the body: fluid where fluid is bright."""

SKIN_MM, CORTEX_MM, OEDEMA_MM = (-5.0, 2.5), (-1.5, 5.0), (-7.0, 7.0)
"""Where profiles run across skin and air, cortex and marrow, oedema and marrow."""

MIN_VOXELS = 100


class Feature(StrEnum):
    """What is measured; its value is how the table calls it."""

    FAT = "subcutaneous fat : marrow"
    MUSCLE = "muscle : marrow"
    FLUID = "brightest fluid : marrow"
    OEDEMA = "oedema : marrow"
    CORTEX = "cortex : marrow"
    AIR = "air : marrow"
    AIR_ZERO = "share of air that is 0"
    NOISE = "deviation in muscle : marrow"
    AIR_NOISE = "deviation in air : marrow"
    AIR_FINE = "air: power above half the top frequency"
    MUSCLE_FINE = "muscle: power above half the top frequency"
    MARROW_FINE = "marrow: power above half the top frequency"
    MUSCLE_SLOPE = "muscle: slope of log power over log frequency"
    MARROW_SLOPE = "marrow: slope of log power over log frequency"
    MARROW_VARIATION = "marrow: coefficient of variation"
    FAT_VARIATION = "fat: coefficient of variation"
    MUSCLE_VARIATION = "muscle: coefficient of variation"
    MARROW_LENGTH = "marrow: autocorrelation length (mm)"
    MUSCLE_LENGTH = "muscle: autocorrelation length (mm)"
    MARROW_UNEVEN = "marrow: variation from place to place"
    OEDEMA_VARIATION = "oedema: coefficient of variation"
    SKIN_EDGE = "edge of skin to air (mm)"
    CORTEX_EDGE = "edge of cortex to marrow (mm)"
    OEDEMA_EDGE = "edge of oedema to marrow (mm)"
    SKIN_EDGE_PIXELS = "edge of skin to air (pixels)"
    CORTEX_EDGE_PIXELS = "edge of cortex to marrow (pixels)"
    ENTROPY = "entropy of the body's histogram (bits)"
    AIR_SHARE = "share of the image: air"
    FAT_SHARE = "share of the body: bright tissue"
    MUSCLE_SHARE = "share of the body: muscle, sampled"


OF_ANATOMY = frozenset(
    {
        Feature.FAT,
        Feature.MUSCLE,
        Feature.FLUID,
        Feature.OEDEMA,
        Feature.CORTEX,
        Feature.MARROW_UNEVEN,
        Feature.ENTROPY,
        Feature.AIR_SHARE,
        Feature.FAT_SHARE,
        Feature.MUSCLE_SHARE,
        Feature.SKIN_EDGE,
        Feature.SKIN_EDGE_PIXELS,
    }
)
"""Features that depend on which part of the body is imaged: the marrow of a pelvis is half red,
that of a knee yellow, and a pelvis fills its image."""


def measure_series(
    series: Volume, samples: TissueSamples, bone: Mask | None, oedema: Mask | None
) -> Mapping[Feature, float]:
    """Every feature that the series gives.

    Parameters
    ----------
    series
        Any weighting.
    samples
        Of the same grid.
    bone, oedema
        ``(slice, row, column)`` on the same grid where known; ``samples.marrow`` must hold no
        oedema. Without ``bone`` the border of marrow is that of its sample, widened.
    """
    data, pixel = slices_first(series), pixel_mm(series.geometry)
    marrow = _median(data, samples.marrow)
    if not marrow > 0:
        return {}
    every = {
        **_levels(data, samples, marrow, bone, pixel),
        **_noise(data, samples, marrow, pixel),
        **_edges(data, samples, bone, oedema, pixel),
        **_shares(data, samples),
    }
    if oedema is not None and np.count_nonzero(oedema) >= MIN_VOXELS:
        core = ndimage.binary_erosion(oedema, np.ones((1, 3, 3)))
        every[Feature.OEDEMA] = _median(data, core) / marrow
        every[Feature.OEDEMA_VARIATION] = float(data[core].std() / data[core].mean())
    return {name: value for name, value in every.items() if np.isfinite(value)}


def _median(data: Image, mask: Mask) -> float:
    return float(np.median(data[mask])) if np.count_nonzero(mask) >= MIN_VOXELS else np.nan


def _levels(
    data: Image, samples: TissueSamples, marrow: float, bone: Mask | None, pixel: float
) -> dict[Feature, float]:
    edge = _border(samples, bone, pixel)
    return {
        Feature.FAT: _median(data, samples.fat) / marrow,
        Feature.MUSCLE: _median(data, samples.muscle) / marrow,
        Feature.FLUID: float(np.percentile(data[samples.body], FLUID_PERCENTILE)) / marrow,
        Feature.CORTEX: float(np.percentile(data[edge], 5)) / marrow if edge.any() else np.nan,
        Feature.AIR: _median(data, samples.air) / marrow,
        Feature.MARROW_UNEVEN: _uneven(data, samples.marrow, pixel),
    }


def _border(samples: TissueSamples, bone: Mask | None, pixel: float) -> Mask:
    """A rim of 2 mm about the surface of bone, inside the body."""
    within = _bone(samples, bone, pixel)
    wide = np.ones((1, *(2 * max(1, round(1.0 / pixel)) + 1,) * 2), dtype=bool)
    rim = ndimage.binary_dilation(within, wide) & ~ndimage.binary_erosion(within, wide)
    return np.asarray(rim & samples.body)


def _bone(samples: TissueSamples, bone: Mask | None, pixel: float) -> Mask:
    if bone is not None:
        return bone
    back = max(1, round(BONE_MARGIN_MM / pixel))
    grown = [
        ndimage.distance_transform_edt(~plane) <= back if plane.any() else plane
        for plane in samples.marrow
    ]
    return np.stack(grown)


def _uneven(data: Image, mask: Mask, pixel: float) -> float:
    """Variation of the mean of squares of about 9 mm."""
    means = patches(data, mask, max(8, round(9.0 / pixel))).mean(axis=(1, 2))
    return float(means.std() / means.mean()) if len(means) > 10 else np.nan


def _noise(
    data: Image, samples: TissueSamples, marrow: float, pixel: float
) -> dict[Feature, float]:
    muscle, bone, fat = (patches(data, m) for m in (samples.muscle, samples.marrow, samples.fat))
    if not len(fat):
        fat = patches(data, samples.fat, 8)
    air = patches(data, samples.air & (data > 0))
    empty = samples.air.any()
    return {
        Feature.AIR_ZERO: float((data[samples.air] == 0).mean()) if empty else np.nan,
        Feature.NOISE: typical_deviation(muscle) / marrow,
        Feature.AIR_NOISE: typical_deviation(air) / marrow,
        Feature.AIR_FINE: fine_share(air),
        Feature.MUSCLE_FINE: fine_share(muscle),
        Feature.MARROW_FINE: fine_share(bone),
        Feature.MUSCLE_SLOPE: spectrum_slope(muscle),
        Feature.MARROW_SLOPE: spectrum_slope(bone),
        Feature.MARROW_VARIATION: variation(bone),
        Feature.FAT_VARIATION: variation(fat),
        Feature.MUSCLE_VARIATION: variation(muscle),
        Feature.MARROW_LENGTH: correlation_length_mm(bone, pixel),
        Feature.MUSCLE_LENGTH: correlation_length_mm(muscle, pixel),
    }


def _edges(
    data: Image, samples: TissueSamples, bone: Mask | None, oedema: Mask | None, pixel: float
) -> dict[Feature, float]:
    skin = edge_width_mm(data, samples.body, pixel, SKIN_MM)
    cortex = edge_width_mm(data, _bone(samples, bone, pixel), pixel, CORTEX_MM)
    found = {
        Feature.SKIN_EDGE: skin,
        Feature.SKIN_EDGE_PIXELS: skin / pixel,
        Feature.CORTEX_EDGE: cortex,
        Feature.CORTEX_EDGE_PIXELS: cortex / pixel,
    }
    if oedema is not None:
        found[Feature.OEDEMA_EDGE] = edge_width_mm(data, oedema, pixel, OEDEMA_MM)
    return found


def _shares(data: Image, samples: TissueSamples) -> dict[Feature, float]:
    body = samples.body
    total = max(int(np.count_nonzero(body)), 1)
    return {
        Feature.ENTROPY: entropy_bits(data[body]),
        Feature.AIR_SHARE: 1.0 - total / body.size,
        Feature.FAT_SHARE: int(np.count_nonzero(samples.bright)) / total,
        Feature.MUSCLE_SHARE: int(np.count_nonzero(samples.muscle)) / total,
    }
