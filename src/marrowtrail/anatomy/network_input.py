"""Intensities as the bone networks see them: one scale for any scanner and sequence.

Training and inference import this one module, so that a network never meets a scale it was not
trained on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BODY_SHARE = 0.02
"""Voxels above this share of the brightest are tissue; below it lie air and what a scanner
blanks, whose amount depends on the field of view alone and must not move the scale."""

BRIGHTEST_PERCENTILE = 99.9
"""Stands for the maximum: a single hot pixel would otherwise make air of all tissue."""

CLIPPED_PERCENTILES = (0.5, 99.5)
"""Of the tissue; what lies beyond (vessels with inflow, metal, a coil's near field) is clipped."""

OUTSIDE = -0.5
"""What the networks see outside the image and in air: the least of :func:`normalised`."""

MOST_SAMPLES = 1_000_000
"""Percentiles of a larger image are taken from every n-th voxel, evenly, which moves them by less
than a tenth of a percentile and saves a second on a 3-D series."""


def intensity_range(data: NDArray[Any]) -> tuple[float, float]:
    """Intensities that become -0.5 and 0.5; equal ones where the image holds no contrast.

    Parameters
    ----------
    data
        Intensities of any shape, in any unit. Values that are not finite are left out.
    """
    samples = np.ravel(data)[:: max(1, data.size // MOST_SAMPLES)]
    samples = samples[np.isfinite(samples)]
    if samples.size == 0:
        return 0.0, 0.0
    brightest = float(np.percentile(samples, BRIGHTEST_PERCENTILE))
    brightest = brightest if brightest > 0 else float(samples.max())
    tissue = samples[samples > BODY_SHARE * brightest]
    if tissue.size == 0:
        return 0.0, 0.0
    low, high = np.percentile(tissue, CLIPPED_PERCENTILES)
    return float(low), float(high)


def normalised(
    data: NDArray[Any], limits: tuple[float, float] | None = None
) -> NDArray[np.float32]:
    """Intensities between -0.5 and 0.5, of the same shape.

    Parameters
    ----------
    data
        Intensities of any shape, in any unit.
    limits
        What :func:`intensity_range` said of the whole series, where ``data`` is a part of it.

    Notes
    -----
    An image without contrast is :data:`OUTSIDE` everywhere, and so is what is not finite.
    """
    low, high = intensity_range(data) if limits is None else limits
    if not high > low:
        return np.full(data.shape, OUTSIDE, dtype=np.float32)
    scaled: NDArray[np.float32] = np.array(data, dtype=np.float32)
    scaled -= np.float32(low)
    scaled /= np.float32(high - low)
    np.nan_to_num(scaled, copy=False, nan=0.0)
    np.clip(scaled, 0.0, 1.0, out=scaled)
    scaled += np.float32(OUTSIDE)
    return scaled
