"""What the scanner adds: shading by the coil, noise, its own scale."""

from __future__ import annotations

import numpy as np

from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.painting import Layers, Levels
from marrowtrail.phantom.protocol import Acquisition
from marrowtrail.phantom.tissue import Tissue

PIXEL_MAX = 1400.0
"""Stored value of the brightest tissue at full gain; scanners stay well inside 12 bits."""

GAIN = (0.35, 0.8)
"""The receiver is set anew for every series."""

BRIGHT = (Tissue.FAT, Tissue.MUSCLE, Tissue.OEDEMA)
"""Tissues whose signal sets the scale: one of them is bright in any sequence."""


def with_imperfections(
    layers: Layers,
    acquisition: Acquisition,
    level: Levels,
    rng: np.random.Generator,
) -> Field:
    """Shade, add noise, scale.

    Noise is Rician: a magnitude of two Gaussian channels, its standard deviation the signal
    of the brightest tissue over the series' signal-to-noise ratio.
    """
    picture = layers.sum(axis=0)
    reference = max(float(level[tissue].sum()) for tissue in BRIGHT)
    shaded = picture * shading_field(picture.shape, acquisition.shading, rng)
    sigma = np.float32(reference / acquisition.snr)
    real = shaded + sigma * rng.standard_normal(picture.shape, dtype=np.float32)
    imaginary = sigma * rng.standard_normal(picture.shape, dtype=np.float32)
    gain = np.float32(PIXEL_MAX / reference * rng.uniform(*GAIN))
    return np.asarray(np.hypot(real, imaginary) * gain, dtype=np.float32)


def shading_field(shape: tuple[int, ...], strength: float, rng: np.random.Generator) -> Field:
    """Smooth sensitivity about 1: the exponential of a random polynomial of degree two.

    ``strength`` bounds the polynomial: 0.3 lets the signal vary between 0.74 and 1.35.
    """
    field = np.zeros(shape, dtype=np.float32)
    for slope, bend, axis in zip(
        rng.uniform(-1, 1, 3),
        rng.uniform(-1, 0.3, 3),
        np.ogrid[tuple(slice(-1, 1, complex(0, n)) for n in shape)],
        strict=True,
    ):
        field += np.asarray(slope * axis + bend * axis**2, dtype=np.float32)
    field -= field.mean()
    peak = max(float(np.abs(field).max()), 1e-6)
    return np.asarray(np.exp(np.float32(strength / peak) * field), dtype=np.float32)
