"""Dark stripes in a straightened joint surface: what a subchondral fracture line looks like there.

A stripe is darker than marrow above and below it, at about one depth, over some millimetres. How
much darker is its contrast: the share of the darker flank's signal that it lacks. The plate itself
has no marrow above and is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.lesions.joint_strips import ALONG_MM, DEEP_MM, DEPTHS_MM, JointStrip

SHALLOWEST_MM, DEEPEST_MM = 1.25, 6.5
"""A line lies below the plate (0.5 to 1.5 mm thick) and within 5 mm of it: further down it is a
fracture of another kind, a growth plate's scar or the edge of a dead segment."""

FLANK_MM = 2.25
"""Marrow is looked for this far to either side of a line; a line is up to 2 mm thick."""

SMOOTHED_MM = (1.0, 0.3)
"""Blur along the surface and into the bone: lines run on for millimetres, and are thin."""

WEAK, STRONG = 0.10, 0.22
"""Contrast that a stripe has all along, and somewhere."""

STEP_ALONG = 2
"""A stripe may move by a step into the bone for each of these along it: it is parallel to the
plate within 14 degrees, with jogs."""

SHORTEST_MM = 3.0
"""A stripe in one slice is no shorter; shorter ones are grain."""

NOISE_FROM_MM, NOISE_TO_MM = 6.5, 11.0
"""Depths at which stripes are chance: what they reach there is the noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Stripe:
    """A dark stripe under one stretch of joint surface in one slice, n points long.

    Parameters
    ----------
    slice_index
        Along the series' axis through the slices.
    points_lps
        (n, 3) its middle, in the frame of the series.
    depth_mm, contrast, thickness_mm
        (n,) below the surface of the bone; share of the flank's signal that it lacks; how thick a
        fully dark line would be that takes away as much signal.
    over_noise
        Mean contrast over that of chance stripes in the same series.
    in_lesion
        Share of it that has oedema beside it.
    """

    slice_index: int
    points_lps: NDArray[np.float64]
    depth_mm: NDArray[np.float64]
    contrast: NDArray[np.float64]
    thickness_mm: NDArray[np.float64]
    over_noise: float
    in_lesion: float

    @property
    def length_mm(self) -> float:
        """Along the surface."""
        return len(self.depth_mm) * ALONG_MM


def find_stripes(strips: Sequence[JointStrip]) -> tuple[Stripe, ...]:
    """All stripes under a bone's joint surface in one series."""
    maps = [_contrast(strip) for strip in strips]
    noise = _chance(strips, maps)
    return tuple(
        stripe
        for strip, contrast in zip(strips, maps, strict=True)
        for stripe in _in_strip(strip, contrast, noise)
    )


def _smooth(strip: JointStrip) -> NDArray[np.float64]:
    sigma = (SMOOTHED_MM[0] / ALONG_MM, SMOOTHED_MM[1] / DEEP_MM)
    return np.asarray(ndimage.gaussian_filter(strip.signal, sigma, mode="nearest"))


def _contrast(strip: JointStrip) -> NDArray[np.float64]:
    """(n, m) how much darker each point is than its darker flank, as a share; never negative."""
    smooth = _smooth(strip)
    above, below = _flanks(smooth, strip.bone)
    flank = np.minimum(above, below)
    level = np.maximum(flank, 1e-6)
    return np.asarray(np.clip((flank - smooth) / level, 0.0, 1.0))


def _flanks(
    smooth: NDArray[np.float64], bone: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, m) each: the brightest marrow within reach above and below, none above the plate.

    Fluid or fat behind a thin bone is no marrow, nor is its blur in the far cortex: with it that
    cortex would be a line.
    """
    reach, first = round(FLANK_MM / DEEP_MM), int(np.searchsorted(DEPTHS_MM, 0.75))
    inside = bone.copy()
    inside[:, :-first] &= bone[:, first:]
    marrow = np.where(inside, smooth, -np.inf)
    marrow[:, :first] = -np.inf
    above = np.full(smooth.shape, -np.inf)
    below = np.full(smooth.shape, -np.inf)
    for step in range(1, reach + 1):
        above[:, step:] = np.maximum(above[:, step:], marrow[:, :-step])
        below[:, :-step] = np.maximum(below[:, :-step], marrow[:, step:])
    return above, below


def _chance(strips: Sequence[JointStrip], maps: Sequence[NDArray[np.float64]]) -> float:
    """Contrast that the strongest tenth of points reaches by chance, deep under the surface."""
    deep = (DEPTHS_MM >= NOISE_FROM_MM) & (DEPTHS_MM <= NOISE_TO_MM)
    values = [
        contrast[strip.is_read][:, deep][strip.bone[strip.is_read][:, deep]]
        for strip, contrast in zip(strips, maps, strict=True)
    ]
    every = np.concatenate(values) if values else np.zeros(0)
    return float(np.percentile(every, 90)) if len(every) else 1.0


def _in_strip(strip: JointStrip, contrast: NDArray[np.float64], noise: float) -> list[Stripe]:
    there = (DEPTHS_MM >= SHALLOWEST_MM) & (DEPTHS_MM <= DEEPEST_MM)
    lowest = contrast >= ndimage.maximum_filter1d(contrast, 5, axis=1)
    ridge = lowest & (contrast > WEAK) & there & strip.bone & strip.is_read[:, None]
    joined = ndimage.binary_dilation(ridge, np.ones((2 * STEP_ALONG + 1, 3)))
    pieces, count = ndimage.label(joined)
    stripes = []
    for number in range(1, count + 1):
        on = ridge & (pieces == number)
        rows = np.flatnonzero(on.any(axis=1))
        if len(rows) * ALONG_MM < SHORTEST_MM:
            continue
        column = np.argmax(np.where(on, contrast, -1.0), axis=1)[rows]
        found = contrast[rows, column]
        if np.percentile(found, 75) < STRONG:
            continue
        depth = DEPTHS_MM[column]
        near = ndimage.maximum_filter(strip.lesion, size=(1, round(2 * FLANK_MM / DEEP_MM) + 1))
        stripes.append(
            Stripe(
                strip.slice_index,
                strip.points_lps[rows] + strip.inward_lps[rows] * depth[:, None],
                depth,
                found,
                _thickness(strip, rows, column),
                float(found.mean() / max(noise, 1e-3)),
                float(near[rows, column].mean()),
            )
        )
    return stripes


def _thickness(
    strip: JointStrip, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float64]:
    """(n,) signal that is missing across a line over what a dark one of 1 mm would take away.

    Blur widens a thin line and fills it up, and leaves this as it is.
    """
    smooth = ndimage.gaussian_filter1d(strip.signal, SMOOTHED_MM[0] / ALONG_MM, axis=0)
    above, below = _flanks(smooth, strip.bone)
    reach = round(FLANK_MM / DEEP_MM)
    thick = np.zeros(len(rows))
    for at, (row, column) in enumerate(zip(rows, columns, strict=True)):
        flank = min(above[row, column], below[row, column])
        window = smooth[row, max(0, column - reach) : column + reach + 1]
        middle = min(column, reach)
        lacking = np.clip(flank - window, 0.0, None)
        first = (
            middle - int(np.argmax(lacking[middle::-1] <= 0))
            if (lacking[: middle + 1] <= 0).any()
            else 0
        )
        after = lacking[middle:] <= 0
        last = middle + int(np.argmax(after)) if after.any() else len(window)
        thick[at] = lacking[first:last].sum() * DEEP_MM / max(flank, 1e-6)
    return thick
