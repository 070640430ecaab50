"""Where the coil hears well: smooth shading, and the profile of a coil about a joint."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.ranges import Range

COARSE_PX = 8
"""Profiles are smooth: they are worked out on every eighth pixel and interpolated."""

RING_MM = Range(low=85.0, high=105.0)
"""Distance of the loops from the axis of a knee or foot coil."""

LOOP_MM = Range(low=58.0, high=80.0)
"""Radius of a loop: its sensitivity along its own axis falls as (1 + (d/r)^2)^-1.5."""

LENGTH_MM = Range(low=85.0, high=115.0)
"""Half the length of the coil along the limb; beyond it signal is lost."""

LOOPS = 8


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


def coil_profile(geometry: Geometry, rng: np.random.Generator) -> Field:
    """Sensitivity of a ring of loops about the middle of the grid, 1 there.

    The root of the summed squares of loops whose axes point at the limb's axis, which is
    taken to run along z of LPS: brighter near the loops, fading beyond the coil's ends.
    """
    coarse, steps = _coarse(geometry)
    i, j, k = np.ogrid[tuple(slice(0, n) for n in coarse.shape)]
    x, y, z = (
        (row[0] * i + row[1] * j + row[2] * k + row[3]).astype(np.float32)
        for row in coarse.affine[:3]
    )
    centre = geometry.to_lps((np.asarray(geometry.shape) - 1) / 2) + rng.uniform(-12, 12, 3)
    x, y, z = x - centre[0], y - centre[1], z - centre[2]
    ring, loop, length = RING_MM.draw(rng), LOOP_MM.draw(rng), LENGTH_MM.draw(rng)
    total = np.zeros(coarse.shape, dtype=np.float32)
    for angle, gain in zip(
        2 * np.pi * (np.arange(LOOPS) + rng.random()) / LOOPS,
        rng.uniform(0.8, 1.2, LOOPS),
        strict=True,
    ):
        distance2 = (x - ring * np.cos(angle)) ** 2 + (y - ring * np.sin(angle)) ** 2
        total += np.float32(gain**2) * (1.0 + distance2 / loop**2) ** -3
    ends = 1.0 / (1.0 + (z / length) ** 4)
    profile = np.sqrt(total) * ends
    middle = profile[tuple(n // 2 for n in coarse.shape)]
    return _fine(profile / middle, steps, geometry.shape)


def _coarse(geometry: Geometry) -> tuple[Geometry, tuple[float, float, float]]:
    """A grid that starts and ends where another does, with every eighth pixel in the plane."""
    shape = [max(2, -(-n // COARSE_PX)) for n in geometry.shape[:2]] + [geometry.shape[2]]
    i, j, k = (
        (n - 1) / (m - 1) if m > 1 else 1.0 for n, m in zip(geometry.shape, shape, strict=True)
    )
    affine = geometry.affine @ np.diag([i, j, k, 1.0])
    return Geometry((shape[0], shape[1], shape[2]), affine), (i, j, k)


def _fine(coarse: Field, steps: tuple[float, float, float], shape: tuple[int, ...]) -> Field:
    read: Field = ndimage.affine_transform(
        coarse.astype(np.float32),
        1.0 / np.asarray(steps),
        output_shape=shape,
        order=1,
        mode="nearest",
        prefilter=False,
    )
    return read
