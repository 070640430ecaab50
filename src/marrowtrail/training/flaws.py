"""What a scanner adds to a whole image: shading, noise, a curve of grey levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marrowtrail.training.samples import Field


@dataclass(frozen=True, slots=True)
class Flaws:
    """Flaws of one image. ``shade`` is log shading per half of the field of view."""

    shade: tuple[float, float, float, float, float, float]
    noise: float
    gamma: float
    ghost: float
    low: float
    high: float


def draw_flaws(rng: np.random.Generator) -> Flaws:
    """Coils shade by up to about two, noise is 0.4 to 6 % of the brightest tissue."""
    shade = tuple(float(one) for one in rng.normal(0.0, 0.28, 6))
    return Flaws(
        (shade[0], shade[1], shade[2], shade[3] / 2, shade[4] / 2, shade[5] / 2),
        noise=float(np.exp(rng.uniform(np.log(0.004), np.log(0.06)))),
        gamma=float(np.exp(rng.normal(0.0, 0.2))),
        ghost=float(rng.uniform(0.0, 0.12)) if rng.random() < 0.15 else 0.0,
        low=float(rng.uniform(0.0, 0.06)),
        high=float(rng.uniform(0.75, 1.25)),
    )


def with_flaws(image: Field, place_mm: Field, flaws: Flaws, rng: np.random.Generator) -> Field:
    """An image as it is stored. ``place_mm`` (3, ...) is about the centre of the patch."""
    x, y, z = place_mm / np.float32(80.0)
    a, b, c, d, e, f = flaws.shade
    log = a * x + b * y + c * z + d * x * x + e * y * y + f * z * z
    image = image * np.exp(np.clip(log, -1.5, 1.5))
    if flaws.ghost:
        axis = int(rng.integers(image.ndim - 1, image.ndim))
        image = image + flaws.ghost * np.roll(image, image.shape[axis] // 3, axis=axis)
    real = image + rng.standard_normal(image.shape, dtype=np.float32) * np.float32(flaws.noise)
    imaginary = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(flaws.noise)
    image = np.sqrt(real * real + imaginary * imaginary)
    return np.asarray(image ** np.float32(flaws.gamma), dtype=np.float32)
