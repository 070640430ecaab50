"""Areas of low signal on the subchondral plate, where fat keeps its signal.

Under a plate of normal thickness marrow begins about a millimetre below the surface of the bone.
Where the signal stays low for longer, with oedema beneath, the plate has an area of low signal on
it: how thick and how long it is tells whether a condyle will hold (thicker than 4 mm or longer than
14 mm: 10.1186/s13244-023-01495-6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from marrowtrail.lesions.joint_strips import ALONG_MM, DEEP_MM, DEPTHS_MM, JointStrip
from marrowtrail.lesions.subchondral_line import JOINED_MM, extent_mm

PLATE_MM = 1.2
"""The surface of a bone to its marrow: cortex of about 0.9 mm, and half of the blur beneath it."""

BEGINS_MM = 2.2
"""An area lies on the plate: it begins within a millimetre of it."""

BENEATH_MM = (6.5, 10.0)
"""Marrow beneath an area, to compare with: areas reach 7 mm at most."""

DARK = 0.5
"""Below this share of the marrow beneath, half way between it and no signal, an area is dark."""

THINNEST_MM = 1.3
"""Thinner ones are a plate that stands obliquely in its slice, or a line that touches it."""

SHORTEST_MM = 4.0
SMOOTHED_MM = (1.0, 0.25)
THICK_AT = 90
"""Thickness is this percentile over the area: areas are lens-shaped."""

BESIDE_OEDEMA = 0.6
"""Share of an area that has oedema beneath it."""


@dataclass(frozen=True, slots=True, eq=False)
class LowSignal:
    """An area of low signal in one series.

    Parameters
    ----------
    slices
        Those that show it.
    points_lps
        (n, 3) its middle, half way down.
    length_mm, thickness_mm
        Greatest extent; from the plate down.
    area_mm2
        Along the surface.
    darkness
        1 for no signal at all, 0 for that of the marrow beneath; mean over its middle.
    """

    slices: tuple[int, ...]
    points_lps: NDArray[np.float64]
    length_mm: float
    thickness_mm: float
    area_mm2: float
    darkness: float


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    slice_index: int
    points_lps: NDArray[np.float64]
    thick_mm: NDArray[np.float64]
    darkness: NDArray[np.float64]


def find_low_signal(strips: Sequence[JointStrip], spacing_mm: float) -> tuple[LowSignal, ...]:
    """Areas of a bone's joint surface in a series, the largest first.

    ``spacing_mm`` lies between its slices.
    """
    groups: list[list[_Run]] = []
    reach = float(np.hypot(spacing_mm, JOINED_MM))
    for run in (run for strip in strips for run in _runs(strip)):
        tree = cKDTree(run.points_lps)
        mine = [
            group
            for group in groups
            if any(
                abs(one.slice_index - run.slice_index) == 1
                and tree.query(one.points_lps)[0].min() <= reach
                for one in group
            )
        ]
        joined = [run, *(one for group in mine for one in group)]
        groups = [group for group in groups if group not in mine] + [joined]
    areas = [_area(group, spacing_mm) for group in groups]
    return tuple(sorted(areas, key=lambda one: -one.area_mm2))


def has_marrow_beneath(strips: Sequence[JointStrip]) -> bool:
    """Most of the surface that could be read has bone deep enough to compare its plate with."""
    deep = [_is_deep(strip)[strip.is_read] for strip in strips]
    return bool(deep) and bool(np.concatenate(deep).sum() * 2 > sum(len(one) for one in deep))


def _is_deep(strip: JointStrip) -> NDArray[np.bool_]:
    """(n,) bone, and not what lies behind a thin one, is read beneath the plate."""
    beneath = (BENEATH_MM[0] <= DEPTHS_MM) & (BENEATH_MM[1] >= DEPTHS_MM)
    return np.asarray(strip.bone[:, beneath].mean(axis=1) > 0.5)


def _runs(strip: JointStrip) -> list[_Run]:
    sigma = (SMOOTHED_MM[0] / ALONG_MM, SMOOTHED_MM[1] / DEEP_MM)
    smooth = ndimage.gaussian_filter(strip.signal, sigma, mode="nearest")
    beneath = (BENEATH_MM[0] <= DEPTHS_MM) & (BENEATH_MM[1] >= DEPTHS_MM)
    level = np.median(smooth[:, beneath], axis=1)
    ill = strip.lesion[:, BENEATH_MM[1] >= DEPTHS_MM].mean(axis=1) > 0.3
    dark = smooth < DARK * level[:, None]
    last = _dark_until(dark)
    middle = np.clip(last // 2 + round(PLATE_MM / DEEP_MM / 2), 0, smooth.shape[1] - 1)
    darkness = 1.0 - smooth[np.arange(len(smooth)), middle] / np.maximum(level, 1e-6)
    thick = DEPTHS_MM[last] - PLATE_MM
    there = (thick >= THINNEST_MM) & strip.is_read & (DEPTHS_MM[last] < BENEATH_MM[0] + 1.5)
    there &= _is_deep(strip)
    pieces, count = ndimage.label(ndimage.binary_closing(np.pad(there, 3), np.ones(3))[3:-3])
    runs = []
    for number in range(1, count + 1):
        at = np.flatnonzero((pieces == number) & there)
        if len(at) * ALONG_MM < SHORTEST_MM or ill[at].mean() < BESIDE_OEDEMA:
            continue
        middle_mm = PLATE_MM + thick[at, None] / 2
        points = strip.points_lps[at] + middle_mm * strip.inward_lps[at]
        runs.append(_Run(strip.slice_index, points, thick[at], darkness[at]))
    return runs


def _dark_until(dark: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(n,) index at which a dark run that begins near the plate ends; 0 where none does."""
    first, latest = (int(np.searchsorted(DEPTHS_MM, one)) for one in (0.75, BEGINS_MM))
    last = np.zeros(len(dark), dtype=np.intp)
    for row, line in enumerate(dark):
        at = first
        while at < len(line):
            if not line[at]:
                at += 1
                if at > latest:
                    break
                continue
            end = at
            while end < len(line) and line[end]:
                end += 1
            last[row] = max(last[row], end - 1)
            at = end
    return last


def _area(runs: Sequence[_Run], spacing_mm: float) -> LowSignal:
    points = np.concatenate([one.points_lps for one in runs])
    thick = np.concatenate([one.thick_mm for one in runs])
    return LowSignal(
        tuple(sorted({one.slice_index for one in runs})),
        points,
        extent_mm(points),
        float(np.percentile(thick, THICK_AT)),
        len(points) * ALONG_MM * spacing_mm,
        float(np.concatenate([one.darkness for one in runs]).mean()),
    )
