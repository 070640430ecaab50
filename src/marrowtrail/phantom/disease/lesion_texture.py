"""How unevenly a lesion shines: patches, and a gradient.

A strength multiplies the water of a lesion from place to place; its mean is about 1. The
building family has patches of one size and more water towards the joint surface; the
evaluation family has noise of all sizes, as a power law, and a gradient from the centre.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from marrowtrail.phantom.body.limb import STEP_MM
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.ranges import Range

PATCH_MM = Range(low=2.5, high=5.0)
PATCHES = Range(low=0.05, high=0.20)
GRADIENT = Range(low=-0.05, high=0.28)

POWER = Range(low=1.2, high=2.2)
POWER_SPREAD = Range(low=0.07, high=0.22)
CENTRAL = Range(low=-0.15, high=0.25)

WEAKEST, STRONGEST = 0.45, 1.4


def draw_strength(
    upwards: Field, offset: Field, family: Family, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Strength for every voxel of a bone's grid.

    ``upwards`` is the distance from the lesion's centre towards the joint surface and
    ``offset`` that in any direction, both in units of the lesion's radius.
    """
    if family is Family.EVALUATION:
        spread, gradient = POWER_SPREAD.draw(rng), CENTRAL.draw(rng)
        noise = power_noise(offset.shape, POWER.draw(rng), rng)
        slope = np.float32(1.0) - np.float32(2.0) * np.clip(offset, 0.0, 1.0)
    else:
        spread, gradient = PATCHES.draw(rng), GRADIENT.draw(rng)
        noise = smooth_noise(offset.shape, PATCH_MM.draw(rng), rng)
        slope = np.clip(upwards, -1.0, 1.0)
    strength = 1.0 + np.float32(spread) * noise + np.float32(gradient) * slope
    return np.asarray(np.clip(strength, WEAKEST, STRONGEST), dtype=np.float32)


def smooth_noise(
    shape: tuple[int, ...], scale_mm: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Noise of one size on a bone's grid, mean near 0 and standard deviation 1."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    noise = ndimage.gaussian_filter(noise, scale_mm / STEP_MM)
    return np.asarray(noise / noise.std(), dtype=np.float32)


def power_noise(
    shape: tuple[int, ...], power: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Noise whose amplitude falls as that power of the frequency, standard deviation 1."""
    spectrum = fft.rfftn(rng.standard_normal(shape, dtype=np.float32))
    axes = np.meshgrid(
        *(fft.fftfreq(n) for n in shape[:-1]), fft.rfftfreq(shape[-1]), indexing="ij", sparse=True
    )
    frequency = np.sqrt(sum(axis**2 for axis in axes))
    frequency[0, 0, 0] = np.inf
    noise = fft.irfftn(spectrum * frequency**-power, s=shape)
    return np.asarray(noise / noise.std(), dtype=np.float32)
