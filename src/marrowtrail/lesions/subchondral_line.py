"""A subchondral fracture line put together from the dark stripes of neighbouring slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist

from marrowtrail.lesions.joint_strips import ALONG_MM
from marrowtrail.lesions.stripes import Stripe

BESIDE_OEDEMA = 0.5
"""A line lies in or beside oedema: at least this share of it does."""

JOINED_MM = 3.0
"""Stripes of neighbouring slices are one line where they come this near, seen along the slices."""

CORE = 0.5
"""Thickness is that of the better half of a line: it tapers at its ends, and where the surface
stands obliquely in a slice it is blurred."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line in one series.

    Parameters
    ----------
    stripes
        One or more, of slices that follow each other.
    evidence_mm2
        Area of the line times its contrast: what is weighed against chance.
    length_mm
        Greatest extent.
    thickness_mm, depth_mm
        Of its better half; depth below the surface of the bone.
    contrast, over_noise
        Means over its length.
    """

    stripes: tuple[Stripe, ...]
    evidence_mm2: float
    length_mm: float
    thickness_mm: float
    depth_mm: float
    contrast: float
    over_noise: float

    @property
    def slices(self) -> tuple[int, ...]:
        """Those that show it."""
        return tuple(sorted({one.slice_index for one in self.stripes}))


def join_stripes(stripes: Sequence[Stripe], spacing_mm: float) -> tuple[Line, ...]:
    """Lines of a series, the strongest first. ``spacing_mm`` lies between its slices."""
    beside = [one for one in stripes if one.in_lesion >= BESIDE_OEDEMA]
    parent = list(range(len(beside)))

    def root(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    trees = [cKDTree(one.points_lps) for one in beside]
    reach = float(np.hypot(spacing_mm, JOINED_MM))
    for i, one in enumerate(beside):
        for j in range(i):
            apart = abs(one.slice_index - beside[j].slice_index)
            if apart == 1 and trees[i].count_neighbors(trees[j], reach):
                parent[root(i)] = root(j)
    groups: dict[int, list[Stripe]] = {}
    for index, one in enumerate(beside):
        groups.setdefault(root(index), []).append(one)
    lines = [_line(group, spacing_mm) for group in groups.values()]
    return tuple(sorted(lines, key=lambda line: -line.evidence_mm2))


def _line(stripes: Sequence[Stripe], spacing_mm: float) -> Line:
    contrast = np.concatenate([one.contrast for one in stripes])
    thickness = np.concatenate([one.thickness_mm for one in stripes])
    depth = np.concatenate([one.depth_mm for one in stripes])
    core = contrast >= np.quantile(contrast, 1.0 - CORE)
    points = np.concatenate([one.points_lps for one in stripes])
    weights = [one.length_mm for one in stripes]
    return Line(
        tuple(stripes),
        float(contrast.sum()) * ALONG_MM * spacing_mm,
        extent_mm(points),
        float(np.median(thickness[core])),
        float(np.median(depth[core])),
        float(contrast.mean()),
        float(np.average([one.over_noise for one in stripes], weights=weights)),
    )


def extent_mm(points: NDArray[np.float64]) -> float:
    """Greatest distance between two of (n, 3) points, 0 for fewer than two."""
    if len(points) < 2:
        return 0.0
    thinned = points[:: max(1, len(points) // 400)]
    return float(pdist(thinned).max()) + ALONG_MM
