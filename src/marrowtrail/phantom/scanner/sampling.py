"""From a picture to k-space and back: resolution, ringing, motion and noise."""

from __future__ import annotations

import numpy as np
from scipy import fft

from marrowtrail.phantom.family import Family
from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.scanner.acquisition import Acquisition, Sampling
from marrowtrail.phantom.scanner.motion import shot_phase
from marrowtrail.phantom.scanner.noise import Complex, complex_noise, edge_sparing, geometry_factor

ROLL_OFF = 0.75
"""The outer share of k-space over which the strongest window falls to nothing."""


def magnitude_of(
    picture: Field, acquisition: Acquisition, sigma: float, rng: np.random.Generator
) -> Field:
    """The magnitude image of a picture, with noise of that standard deviation per channel."""
    sampling, flaws = acquisition.sampling, acquisition.flaws
    space = fft.fft2(picture.astype(np.complex64), axes=(0, 1))
    if flaws.motion_px > 0.0:
        axis = sampling.phase_axis
        lines, slices = picture.shape[axis], picture.shape[2]
        phase = shot_phase(lines, flaws.motion_px, acquisition.echo_train, slices, rng)
        space *= np.expand_dims(phase, 1 - axis)
    window = _window(sampling, picture.shape)
    building = acquisition.family is Family.BUILDING
    # Zeros take part of the noise away; what is left has the standard deviation asked for.
    power = float(np.mean(window**2))
    scale = sigma * np.sqrt(picture.shape[0] * picture.shape[1] / power)
    noise = complex_noise(picture.shape, scale, rng)
    if building:
        space += noise
        space *= window
        return _magnitude(fft.ifft2(space, axes=(0, 1), overwrite_x=True))
    raised = geometry_factor(picture.shape, sampling.phase_axis, rng)
    heard = fft.ifft2(space * window, axes=(0, 1))
    heard += raised * fft.ifft2(noise * window, axes=(0, 1))
    return edge_sparing(_magnitude(heard), sigma)


def _magnitude(heard: Complex) -> Field:
    return np.asarray(np.abs(heard), dtype=np.float32)


def _window(sampling: Sampling, shape: tuple[int, ...]) -> Field:
    """(i, j, 1) weight of every point of k-space, in the order of ``fft``."""
    shares = dict(zip((sampling.read_axis, sampling.phase_axis), sampling.acquired, strict=True))
    rows, columns = (_window_along(shape[a], shares[a], sampling.softened) for a in (0, 1))
    return rows[:, None, None] * columns[None, :, None]


def _window_along(count: int, share: float, softened: float) -> Field:
    """1 in the middle, rolled off as a cosine towards the end of what is sampled, 0 beyond."""
    at = np.abs(np.fft.fftfreq(count)) / (0.5 * share)
    width = ROLL_OFF * softened
    fall = np.clip((at - (1.0 - width)) / width, 0.0, 1.0) if width > 0.0 else np.zeros(count)
    return np.asarray(np.where(at <= 1.0, 0.5 + 0.5 * np.cos(np.pi * fall), 0), dtype=np.float32)
