"""Ghosts along the phase direction: of a limb that moves, of an artery that pulsates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.scanner.acquisition import Acquisition

ARTERY_MM = 3.2
"""Radius of the popliteal artery; those of hip and ankle are taken alike."""

REACH_MM = 7.0
"""Nothing is drawn further from the artery's middle: its edge is down to a thousandth there."""

ORDERS = 3
"""Ghosts to either side; further ones are lost in noise."""

FEWEST_SHOTS = 12


def shot_phase(
    lines: int, motion_px: float, echo_train: int, slices: int, rng: np.random.Generator
) -> NDArray[np.complex64]:
    """(lines, slices) factor of every line of k-space when the limb moves between shots.

    Each shot fills every n-th line. The limb drifts and twitches from shot to shot; a
    displacement of *d* pixels turns the phase of line *k* by 2 pi *k d* / lines. Lines are
    in the order of ``fft``.
    """
    shots = max(FEWEST_SHOTS, lines // max(echo_train, 1))
    drift = np.cumsum(rng.normal(0.0, 1.0, (shots, slices)), axis=0)
    drift -= drift.mean(axis=0)
    drift /= np.maximum(np.abs(drift).max(axis=0), 1e-6)
    twitch = rng.standard_normal((shots, slices)) * (rng.random((shots, slices)) < 0.08)
    moved = motion_px * (0.6 * drift + 0.7 * twitch)
    frequency = np.fft.fftfreq(lines)
    shot_of_line = np.round(frequency * lines).astype(int) % shots
    turns = frequency[:, None] * moved[shot_of_line]
    return np.asarray(np.exp(-2j * np.pi * turns), dtype=np.complex64)


def pulsation(acquisition: Acquisition, brightest: float, rng: np.random.Generator) -> Field | None:
    """Ghosts of the artery on the grid of the series, to be added; ``None`` for none."""
    strength, course = acquisition.flaws.pulsation, acquisition.artery_lps
    if strength <= 0.0 or course is None:
        return None
    artery = _artery(acquisition, course)
    axis = acquisition.sampling.phase_axis
    step = int(acquisition.geometry.shape[axis] * rng.uniform(0.09, 0.23))
    ghosts = np.zeros_like(artery)
    for order in range(1, ORDERS + 1):
        beat = np.cos(rng.uniform(0, 2 * np.pi, artery.shape[2])).astype(np.float32)
        level = np.float32(strength * brightest / order**1.3) * beat
        for way in (-1, 1):
            ghosts += level * np.roll(artery, way * order * step, axis=axis)
    return ghosts


def _artery(acquisition: Acquisition, course: NDArray[np.float64]) -> Field:
    """Share of the artery at every voxel; a smooth tube along its course."""
    geometry = acquisition.geometry
    width2 = 2 * (0.6 * ARTERY_MM) ** 2
    artery = np.zeros(geometry.shape, dtype=np.float32)
    reach = np.ceil(REACH_MM / np.asarray(geometry.spacing_mm))
    for point in geometry.to_ijk(course):
        low = np.clip(np.floor(point - reach), 0, geometry.shape).astype(int)
        high = np.clip(np.ceil(point + reach) + 1, 0, geometry.shape).astype(int)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        away = [
            (axis - p) * s
            for axis, p, s in zip(np.ogrid[box], point, geometry.spacing_mm, strict=True)
        ]
        square = away[0] ** 2 + away[1] ** 2 + away[2] ** 2
        np.maximum(artery[box], np.exp(-square / width2), out=artery[box])
    return artery
