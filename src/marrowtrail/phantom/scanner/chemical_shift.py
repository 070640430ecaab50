"""Fat lies shifted along the read-out: it precesses more slowly than water."""

from __future__ import annotations

import numpy as np
from scipy import fft

from marrowtrail.phantom.grids import Field


def shifted(fat: Field, axis: int, pixels: float) -> Field:
    """An image moved along an axis by a number of pixels that need not be whole.

    By a phase ramp on its spectrum, as the scanner does it. What leaves at one end enters
    at the other.
    """
    if pixels == 0.0:
        return fat
    count = fat.shape[axis]
    spectrum = fft.rfft(fat, axis=axis)
    turns = np.arange(spectrum.shape[axis]) / count * pixels
    ramp = np.exp(-2j * np.pi * turns).astype(np.complex64)
    spectrum *= ramp.reshape([-1 if a == axis else 1 for a in range(fat.ndim)])
    moved: Field = fft.irfft(spectrum, n=count, axis=axis)
    return moved
