"""Where fat suppression works and where it does not.

Saturation needs fat at its frequency. Susceptibility shifts it where tissue meets air at a
curved surface (about the patella, below it, at the toes) and towards the ends of the magnet;
a bad shim shifts it on one side of the image. An inversion does not ask for frequency, but
for an even radio-frequency field.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Dixon
from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.painting.layers import Layers
from marrowtrail.phantom.scanner.acquisition import Acquisition
from marrowtrail.phantom.scanner.coil import shading_field

STRIDE_PX = 6
"""The field is smooth: it is worked out on every sixth pixel and interpolated."""

CURVATURE_MM = 14.0
"""Air within about this distance shifts the field."""

EDGE = 0.08
"""How fast suppression fails across the border, in units of the field's own range: over one or
two centimetres in a knee."""

DEPTH = (0.45, 1.0)
"""How far it fails in the worst place."""

UNEVEN_INVERSION = 0.45
"""Log range of what an inversion leaves of fat from place to place."""

TISSUE = 0.02
"""Signal, as a share of the brightest, above which there is tissue."""


def share_failing(layers: Layers, acquisition: Acquisition, rng: np.random.Generator) -> Field:
    """How far suppression fails at every voxel of the painted grid, 0 (works) to 1 (not at all)."""
    flaws, geometry = acquisition.flaws, acquisition.painted
    if flaws.fat_failing <= 0.0:
        return np.zeros((1, 1, 1), dtype=np.float32)
    if flaws.fat_failing >= 1.0:
        return np.ones((1, 1, 1), dtype=np.float32)
    whole = layers[:, ::STRIDE_PX, ::STRIDE_PX].sum(axis=0)
    tissue = whole > TISSUE * whole.max()
    off = _off_resonance(tissue, geometry, flaws.fails_aside, rng)
    if not tissue.any():
        return np.zeros((1, 1, 1), dtype=np.float32)
    low, border, high = np.quantile(off[tissue], [0.01, 1.0 - flaws.fat_failing, 0.99])
    steep = np.float32(EDGE * max(high - low, 1e-6))
    failing = 1.0 / (1.0 + np.exp(np.clip((border - off) / steep, -30, 30)))
    failing *= rng.uniform(*DEPTH)
    return _to_full(failing.astype(np.float32), geometry.shape)


def suppressed(
    layers: Layers, acquisition: Acquisition, failing: Field, rng: np.random.Generator
) -> Layers:
    """The layers as suppression really left them."""
    timing = acquisition.timing
    water, fat = layers
    if acquisition.images != (None,):
        return np.stack([water + failing * (fat - water), fat + failing * (water - fat)])
    if timing.inversion_ms is not None:
        uneven = shading_field(fat[::STRIDE_PX, ::STRIDE_PX].shape, UNEVEN_INVERSION, rng)
        return np.stack([water, fat * _to_full(uneven, fat.shape)])
    if not timing.is_fat_suppressed:
        return layers
    left = np.float32(timing.fat_left)
    return np.stack([water, fat * (1.0 + failing * (1.0 / left - 1.0))])


def calculated(layers: Layers, image: Dixon | None) -> Field:
    """The image that is made of the two layers."""
    water: Field = layers[0]
    fat: Field = layers[1]
    if image is Dixon.WATER:
        return water
    if image is Dixon.FAT:
        return fat
    both = np.abs(water - fat) if image is Dixon.OPPOSED_PHASE else water + fat
    return np.asarray(both, dtype=np.float32)


def _off_resonance(
    tissue: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    geometry: Geometry,
    aside: bool,
    rng: np.random.Generator,
) -> Field:
    """Field offset in arbitrary units on every sixth pixel."""
    i_mm, j_mm, k_mm = geometry.spacing_mm
    sigma = CURVATURE_MM / np.array([STRIDE_PX * i_mm, STRIDE_PX * j_mm, k_mm])
    air = ndimage.gaussian_filter((~tissue).astype(np.float32), sigma, mode="nearest")
    axes = np.ogrid[tuple(slice(-1, 1, complex(0, n)) for n in tissue.shape)]
    slope = sum(s * axis for s, axis in zip(rng.uniform(-1, 1, 3), axes, strict=True))
    bent = sum(b * axis**2 for b, axis in zip(rng.uniform(0, 0.6, 3), axes, strict=True))
    weights = (0.5, 1.6, 0.3) if aside else (1.6, 0.25, 0.3)
    return np.asarray(weights[0] * air + weights[1] * slope + weights[2] * bent, dtype=np.float32)


def _to_full(coarse: Field, shape: tuple[int, ...]) -> Field:
    step = np.array([1.0 / STRIDE_PX, 1.0 / STRIDE_PX, 1.0])
    read: Field = ndimage.affine_transform(
        coarse, step, output_shape=shape, order=1, mode="nearest", prefilter=False
    )
    return read
