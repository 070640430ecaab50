"""Noise of the receiver, in the two families.

Building: white noise in the part of k-space that is sampled, so that filling with zeros
leaves it smooth at the scale of a pixel. Evaluation: parallel imaging raises it in bands
across the phase direction, and a filter that spares edges works on the magnitude.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.phantom.grids import Field

Complex = NDArray[np.complex64]

BANDS = (0.35, 0.9)
"""Extra noise in the worst band of parallel imaging, as a share (g-factor less 1)."""

FILTER_PX = 5


def complex_noise(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> Complex:
    """White noise whose real and imaginary parts have that standard deviation."""
    noise = np.empty(shape, dtype=np.complex64)
    noise.real = rng.standard_normal(shape, dtype=np.float32)
    noise.imag = rng.standard_normal(shape, dtype=np.float32)
    noise *= np.float32(sigma)
    return noise


def geometry_factor(shape: tuple[int, ...], axis: int, rng: np.random.Generator) -> Field:
    """Noise of parallel imaging relative to none: 1 and more, in bands along an axis."""
    axes = np.ogrid[tuple(slice(-1, 1, complex(0, n)) for n in shape)]
    along, across = axes[axis], axes[1 - axis]
    extra, folds, phase = rng.uniform(*BANDS), rng.integers(2, 4), rng.uniform(0, np.pi)
    band = np.cos(0.5 * np.pi * folds * along + phase) ** 2 * np.exp(-(across**2) / 0.5)
    return np.asarray(1.0 + extra * band + 0.0 * axes[2], dtype=np.float32)


def edge_sparing(magnitude: Field, sigma: float) -> Field:
    """Smooth where an image is even, and leave it where it is not (Lee's filter).

    Every pixel moves to the mean of its surroundings by the share of their variance that
    noise explains (Lee, 10.1109/TPAMI.1980.4766994).
    """
    size = (FILTER_PX, FILTER_PX, 1)
    mean = ndimage.uniform_filter(magnitude, size, mode="nearest")
    square = ndimage.uniform_filter(magnitude * magnitude, size, mode="nearest")
    variance = np.maximum(square - mean * mean, np.float32(1e-12))
    signal = np.clip(1.0 - np.float32(1.2 * sigma**2) / variance, 0.25, 1.0)
    return np.asarray(mean + signal * (magnitude - mean), dtype=np.float32)
