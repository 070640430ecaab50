"""Numbers that say what an image looks like: noise, texture, edges, histogram.

Every function is pure. Images are 2-D arrays of one slice or ``(slice, row, column)``; lengths
come out in millimetres where a pixel size goes in, frequencies in cycles a pixel. What cannot
be measured is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Image = NDArray[np.floating]
Numbers = NDArray[np.float64]

PATCH = 16
"""Side in pixels of the squares in which noise and texture are measured: 9 mm at usual pixels,
small enough to lie inside muscle and marrow, with eight frequencies."""

MAX_PATCHES = 400
"""More squares do not change a median in its third digit."""

FINE_FREQUENCY = 0.25
"""Half of the highest frequency of a pixel grid. White noise has 0.8 of its power above it;
images that a scanner interpolated or filtered have far less."""

TEN_TO_NINETY = 2.0 * np.log(9.0)
"""From 10 to 90 % of a logistic edge, in units of its scale."""

EDGE_STEP_MM = 0.2
EDGE_FIT = 0.6
"""Profiles whose logistic explains less of the variance than this cross no clean edge."""

MAX_PROFILES = 1500


def patches(data: Image, mask: Mask, side: int = PATCH) -> Numbers:
    """(n, side, side) squares of an image that lie wholly inside a mask.

    Evenly taken, at most :data:`MAX_PATCHES`, overlapping by half.
    """
    starts = [
        (k, i, j)
        for k in np.flatnonzero(mask.any(axis=(1, 2)))
        for i in range(0, data.shape[1] - side + 1, side // 2)
        for j in range(0, data.shape[2] - side + 1, side // 2)
        if mask[k, i : i + side, j : j + side].all()
    ]
    every = max(1, len(starts) // MAX_PATCHES)
    squares = [data[k, i : i + side, j : j + side] for k, i, j in starts[::every]]
    return np.asarray(squares, dtype=np.float64).reshape(-1, side, side)


def detrended(squares: Numbers) -> Numbers:
    """Squares without their mean and slope, which are shading and not texture."""
    side = squares.shape[-1]
    i, j = np.meshgrid(*(np.linspace(-1, 1, side),) * 2, indexing="ij")
    basis = np.stack([np.ones(side * side), i.ravel(), j.ravel()], axis=1)
    flat = squares.reshape(len(squares), -1)
    return np.asarray((flat - (flat @ np.linalg.pinv(basis).T) @ basis.T).reshape(squares.shape))


def typical_deviation(squares: Numbers) -> float:
    """Median over squares of the standard deviation about a plane."""
    return float(np.median(detrended(squares).std(axis=(1, 2)))) if len(squares) else np.nan


def variation(squares: Numbers) -> float:
    """Median coefficient of variation about a plane."""
    if not len(squares):
        return np.nan
    return float(np.median(detrended(squares).std(axis=(1, 2)) / squares.mean(axis=(1, 2))))


def fine_share(squares: Numbers) -> float:
    """Share of power above :data:`FINE_FREQUENCY`."""
    if not len(squares):
        return np.nan
    radius, power = _power(squares)
    return float(power[radius > FINE_FREQUENCY].sum() / max(power[radius > 0].sum(), 1e-30))


def spectrum_slope(squares: Numbers) -> float:
    """Slope of log power over log frequency, from two cycles a square to 0.45; 0 is white."""
    if not len(squares):
        return np.nan
    radius, power = _power(squares)
    bins = np.arange(2, 0.45 * PATCH) / PATCH
    ring = np.abs(radius[..., None] - bins) <= 0.5 / PATCH
    mean = np.array([power[ring[..., n]].mean() for n in range(len(bins))])
    return float(np.polyfit(np.log(bins), np.log(np.maximum(mean, 1e-30)), 1)[0])


def _power(squares: Numbers) -> tuple[Numbers, Numbers]:
    """Radial frequency and mean power, (side, side), under a Hann window."""
    side = squares.shape[-1]
    window = np.outer(np.hanning(side), np.hanning(side))
    power = (np.abs(np.fft.fft2(detrended(squares) * window)) ** 2).mean(axis=0)
    f = np.fft.fftfreq(side)
    return np.hypot(*np.meshgrid(f, f, indexing="ij")), power


def correlation_length_mm(squares: Numbers, pixel_mm: float) -> float:
    """Distance at which autocorrelation falls to 1/e, mean of both directions."""
    if not len(squares):
        return np.nan
    flat = detrended(squares)
    total = (flat**2).mean()
    if total == 0:
        return np.nan
    lags = np.arange(squares.shape[-1] // 2)
    n = squares.shape[-1]
    both = []
    for lag in lags:
        down = (flat[:, lag:] * flat[:, : n - lag]).mean()
        along = (flat[..., lag:] * flat[..., : n - lag]).mean()
        both.append((down + along) / (2 * total))
    below = np.flatnonzero(np.asarray(both) < np.exp(-1))
    if len(below) == 0:
        return float(lags[-1] * pixel_mm)
    one = int(below[0])
    high, low = both[one - 1], both[one]
    return float((one - 1 + (high - np.exp(-1)) / (high - low)) * pixel_mm)


def entropy_bits(values: Image) -> float:
    """Entropy of a histogram of 64 bins from 0 to the 99.5th percentile."""
    if values.size == 0:
        return np.nan
    top = max(float(np.percentile(values, 99.5)), 1e-9)
    counts = np.histogram(np.clip(values, 0, top), 64, (0, top))[0]
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log2(p)).sum())


def edge_width_mm(
    data: Image, mask: Mask, pixel_mm: float, window_mm: tuple[float, float]
) -> float:
    """Median 10 to 90 % width of the edge at a mask's border, within slices.

    Along the normal of every border pixel a logistic step is fitted with free place, width and
    both levels; profiles that hold no clean step are left out, and so are
    those that fall inwards: inside is the brighter side. An outline drawn a little off is no
    matter, because the place is free.

    Parameters
    ----------
    data, mask
        ``(slice, row, column)``.
    window_mm
        How far outside (negative) and inside of the border the profile runs.
    """
    offsets = np.arange(window_mm[0], window_mm[1] + 1e-6, EDGE_STEP_MM)
    profiles = _profiles(data, mask, pixel_mm, offsets)
    if not len(profiles):
        return np.nan
    widths, fits = _fit_steps(profiles, offsets)
    good = fits > EDGE_FIT
    return float(np.median(widths[good])) if np.count_nonzero(good) >= 10 else np.nan


def _profiles(data: Image, mask: Mask, pixel_mm: float, offsets: Numbers) -> Numbers:
    """(n, offsets) intensities across the border, from outside to inside."""
    found = []
    for plane, inside in zip(data, mask, strict=True):
        if not inside.any() or inside.all():
            continue
        level = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
        level = ndimage.gaussian_filter(level, 1.5)
        border = inside & ~ndimage.binary_erosion(inside, border_value=1)
        at = np.argwhere(border)
        slope = np.stack(np.gradient(level), axis=-1)[border]
        size = np.linalg.norm(slope, axis=1, keepdims=True)
        at, slope = at[size[:, 0] > 0.5], (slope / np.maximum(size, 1e-9))[size[:, 0] > 0.5]
        where = at[:, None] + slope[:, None] * (offsets / pixel_mm)[None, :, None]
        fits = ((where >= 0) & (where <= np.array(plane.shape) - 1)).all(axis=(1, 2))
        found.append(ndimage.map_coordinates(plane, where[fits].transpose(2, 0, 1), order=1))
    every = np.concatenate(found) if found else np.empty((0, len(offsets)))
    return np.asarray(every[:: max(1, len(every) // MAX_PROFILES)], dtype=np.float64)


def _fit_steps(profiles: Numbers, offsets: Numbers) -> tuple[Numbers, Numbers]:
    """10 to 90 % width and share of variance explained of the best logistic step of each."""
    centred = profiles - profiles.mean(axis=1, keepdims=True)
    total = np.maximum((centred**2).sum(axis=1), 1e-12)
    best, width = np.full(len(profiles), -1.0), np.zeros(len(profiles))
    reach = 0.35 * (offsets[-1] - offsets[0])
    middle = (offsets[-1] + offsets[0]) / 2
    for each in np.geomspace(0.4, 12.0, 24):
        for centre in np.arange(middle - reach, middle + reach, 0.4):
            step = 1.0 / (1.0 + np.exp(-(offsets - centre) * TEN_TO_NINETY / each))
            step -= step.mean()
            rise = np.maximum(centred @ step, 0.0)
            explained = rise**2 / (step @ step) / total
            better = explained > best
            best, width = np.where(better, explained, best), np.where(better, each, width)
    return width, best
