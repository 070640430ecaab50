"""Axes of talus and calcaneus, from the direction in which they are long.

A foot points down by anything from 0 to 60 degrees, so the frame does not tell which part of a
talus is its front. Its long axis does; it lies at a fixed angle to the axis of the foot, which
is what front and back are measured on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import BoneAxes
from marrowtrail.anatomy.directions import MAX_TURN_DEG

Points = NDArray[np.float64]

MAX_PITCH_DEG = 75.0
"""A foot does not point further down than this; a cut bone's long axis may seem to."""

MIN_LONG = 1.3
"""Least ratio of the first to the second variance at which there is a long axis: 1.8 and more in
whole tali, 3 and more in calcanei; a bone of which a part is in view may have none."""


@dataclass(frozen=True, slots=True)
class _LongAxis:
    """Where a bone's long axis points in its own frame: to the lateral side, and up."""

    yaw_deg: float
    pitch_deg: float


TALUS = _LongAxis(-27.0, -4.5)
"""Neck and head point to the medial side of the foot's axis; mean of drawn tali of both families
(-18 to -35 and -11 to 0 degrees)."""

CALCANEUS = _LongAxis(6.5, 9.7)
"""It rises to the front, and a little outward; mean of drawn bones (-2 to 10, 6 to 12 degrees)."""


def axes_of_talus(axes: BoneAxes, points: Points) -> BoneAxes:
    """Along the foot, from the long axis of the talus; ``points`` are (n, 3) LPS."""
    return _by_long_axis(axes, points, TALUS)


def axes_of_calcaneus(axes: BoneAxes, points: Points) -> BoneAxes:
    """Along the foot, from the long axis of the calcaneus; ``points`` are (n, 3) LPS."""
    return _by_long_axis(axes, points, CALCANEUS)


def _by_long_axis(axes: BoneAxes, points: Points, expected: _LongAxis) -> BoneAxes:
    """Turn the foot outward, then bend it, so that its bone's long axis points as it does.

    How far it is rolled about that axis stays as the frame has it.
    """
    values, vectors = np.linalg.eigh(np.cov(axes.coordinates_mm(points).T))
    if values[2] < MIN_LONG * values[1]:
        return axes
    long = vectors[:, 2] * np.sign(vectors[1, 2])
    yaw, pitch = np.radians(expected.yaw_deg), np.radians(expected.pitch_deg)
    seen = np.arcsin(np.clip(long[0] / np.cos(pitch), -1.0, 1.0))
    turn = float(seen - yaw)
    rest = np.arctan2(np.sin(pitch), np.cos(pitch) * np.cos(seen))
    bend = float(np.arctan2(long[2], long[1]) - rest)
    if abs(np.degrees(turn)) > MAX_TURN_DEG or abs(np.degrees(bend)) > MAX_PITCH_DEG:
        return axes
    frame = np.stack([axes.lateral, axes.anterior, axes.proximal])
    about_proximal = np.array(
        [
            [np.cos(turn), -np.sin(turn), 0.0],
            [np.sin(turn), np.cos(turn), 0.0],
            [0.0, 0.0, 1.0],
        ]
    )
    about_lateral = np.array(
        [
            [1.0, 0.0, 0.0],
            [0.0, np.cos(bend), np.sin(bend)],
            [0.0, -np.sin(bend), np.cos(bend)],
        ]
    )
    lateral, anterior, proximal = about_proximal @ about_lateral @ frame
    return BoneAxes(axes.origin_lps, lateral, anterior, proximal)
