"""Bright balls at known points of the patient, three in the slice of each oedema.

Found again in a picture, they tell where the picture's right and bottom point in the patient,
from its pixels alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tests.orientation import knee
from tests.orientation.scan import Scan, Vector

RADIUS_MM = 7.5
LEVELS = (260.0, 320.0, 420.0)
"""Signal of the three: told apart in the picture by their order of brightness."""

FIELD_MM = 55.0
"""A picture shows this far to each side of its spot."""

OUT_OF_SIGHT_MM = 16.0
"""A ball this far off a slice is not cut by it, nor by its neighbours of 5 mm."""

CLEARANCE_MM = 4.0
"""Balls keep this far from bone."""


@dataclass(frozen=True)
class Markers:
    """Three balls about an oedema; ``centres`` is (3, 3) LPS, dimmest first."""

    about: knee.Oedema
    middle: Vector
    centres: Vector


def place_markers(scan: Scan) -> tuple[Markers, ...]:
    """Three balls for each oedema, in soft tissue, seen in the picture of no other oedema."""
    middles = [scan.lie.to_patient(np.array(one.centre)) for one in knee.OEDEMAS]
    return tuple(
        _about(scan, one, middle, [other for other in middles if other is not middle])
        for one, middle in zip(knee.OEDEMAS, middles, strict=True)
    )


def paint(scan: Scan, image: Vector, markers: tuple[Markers, ...]) -> Vector:
    """The image with the balls in it."""
    painted = image.copy()
    for one in markers:
        for centre, level in zip(one.centres, LEVELS, strict=True):
            # Edges are as soft as a pixel is wide: the middle is then found to a third of one.
            depth = RADIUS_MM - np.linalg.norm(scan.points - centre, axis=-1)
            share = np.clip(depth / max(scan.across_mm, scan.down_mm) + 0.5, 0, 1)
            painted += share * (level - painted)
    return painted


def _about(scan: Scan, one: knee.Oedema, middle: Vector, others: list[Vector]) -> Markers:
    steps = np.arange(-44.0, 45.0, 5.5)
    u, v = np.meshgrid(steps, steps, indexing="ij")
    offsets = np.stack([u.ravel(), v.ravel()], axis=-1)
    points = middle + offsets @ np.stack([scan.row, scan.column])
    good = _in_grid(scan, points) & _clear_of_bone(scan, points)
    for other in others:
        good &= ~_seen_about(scan, points, other)
    best = max(_far_apart(offsets[good]), key=lambda three: _area(offsets[good][list(three)]))
    return Markers(one, middle, points[good][list(best)])


def _in_grid(scan: Scan, points: Vector) -> np.ndarray:
    far = scan.lps(*(np.array(n - 1) for n in scan.size))
    inside = np.ones(len(points), dtype=bool)
    for along in (scan.row, scan.column):
        low, high = sorted((scan.origin @ along, far @ along))
        inside &= (points @ along > low + RADIUS_MM) & (points @ along < high - RADIUS_MM)
    return inside


def _clear_of_bone(scan: Scan, points: Vector) -> np.ndarray:
    reach = RADIUS_MM + CLEARANCE_MM
    shell = np.array([(a, b, c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)])
    shell = shell / np.maximum(np.linalg.norm(shell, axis=1, keepdims=True), 1) * reach
    near = scan.lie.to_rest(points[:, None, :] + shell)
    return ~(knee.labels(near) > 0).any(axis=1)


def _seen_about(scan: Scan, points: Vector, other: Vector) -> np.ndarray:
    """Whether a ball would stand in the picture of another oedema."""
    gap = points - other
    near = np.abs(gap @ scan.normal) < OUT_OF_SIGHT_MM
    for along in (scan.row, scan.column):
        near &= np.abs(gap @ along) < FIELD_MM + RADIUS_MM + 5
    return near


def _far_apart(offsets: Vector) -> list[tuple[int, int, int]]:
    """Threes out of the outermost candidates: no two of them touch."""
    few = _spread(offsets)
    return [
        three
        for three in combinations(few, 3)
        if min(np.linalg.norm(offsets[a] - offsets[b]) for a, b in combinations(three, 2)) > 20
    ]


def _spread(offsets: Vector, count: int = 10) -> list[int]:
    """Candidates that lie far from each other, the farthest from the middle first."""
    chosen = [int(np.argmax(np.linalg.norm(offsets, axis=1)))]
    while len(chosen) < min(count, len(offsets)):
        gaps = np.linalg.norm(offsets[:, None] - offsets[chosen], axis=-1).min(axis=1)
        chosen.append(int(np.argmax(gaps)))
    return chosen


def _area(three: Vector) -> float:
    (ax, ay), (bx, by) = three[1] - three[0], three[2] - three[0]
    return float(abs(ax * by - ay * bx))
