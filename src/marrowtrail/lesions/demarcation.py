"""Demarcation of a dead segment put together from the dark rims of neighbouring slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.lesions.dark_rims import DarkRim
from marrowtrail.lesions.subchondral_line import extent_mm

BESIDE_OEDEMA = 0.5
"""At least this share of a rim has oedema beside it. Dead marrow without any is not looked for."""

FAT_WITHIN = 0.7
"""What a rim encloses keeps this share of the signal of normal marrow: it is fat. A dark area or a
tumour has no rim about marrow."""

NEAR_MM = 6.0
"""Rims of neighbouring slices are one where their middles lie this near, seen along the slices."""

LEAST_CLOSED = 0.04
"""Fainter rims join no others."""


@dataclass(frozen=True, slots=True, eq=False)
class Demarcation:
    """A rim over one slice or more of one series.

    Parameters
    ----------
    rims
        Of slices that follow each other.
    evidence
        How dark all but a sixth of it is against both sides, as a share of normal marrow: in the
        better of two neighbouring slices no less than in the other. Of a single slice, half.
    length_mm, thickness_mm
        Greatest extent; median width.
    volume_mm3
        Of what it encloses.
    """

    rims: tuple[DarkRim, ...]
    evidence: float
    length_mm: float
    thickness_mm: float
    volume_mm3: float

    @property
    def points_lps(self) -> NDArray[np.float64]:
        """(n, 3) of all rims."""
        return np.concatenate([one.points_lps for one in self.rims])

    @property
    def slices(self) -> tuple[int, ...]:
        """Those that show it."""
        return tuple(one.slice_index for one in self.rims)


def join_rims(rims: Sequence[DarkRim], spacing_mm: float) -> Demarcation | None:
    """The best demarcation of a series, or ``None``. ``spacing_mm`` lies between its slices."""
    fit = [
        one
        for one in rims
        if one.in_lesion >= BESIDE_OEDEMA
        and one.within >= FAT_WITHIN
        and one.closed >= LEAST_CLOSED
    ]
    runs: list[list[DarkRim]] = []
    for rim in sorted(fit, key=lambda one: one.slice_index):
        if runs and _follows(runs[-1][-1], rim, spacing_mm):
            runs[-1].append(rim)
        else:
            runs.append([rim])
    found = [_demarcation(run, spacing_mm) for run in runs]
    return max(found, key=lambda one: one.evidence, default=None)


def _follows(before: DarkRim, after: DarkRim, spacing_mm: float) -> bool:
    apart = np.linalg.norm(before.points_lps.mean(axis=0) - after.points_lps.mean(axis=0))
    return bool(
        after.slice_index - before.slice_index == 1 and apart <= np.hypot(spacing_mm, NEAR_MM)
    )


def _demarcation(run: Sequence[DarkRim], spacing_mm: float) -> Demarcation:
    closed = np.array([one.closed for one in run])
    pairs = np.minimum(closed[:-1], closed[1:])
    evidence = float(pairs.max()) if len(pairs) else 0.5 * float(closed[0])
    sure = [one for one in run if one.closed >= 0.5 * closed.max()]
    return Demarcation(
        tuple(sure),
        evidence,
        extent_mm(np.concatenate([one.points_lps for one in sure])),
        float(np.median([one.thickness_mm for one in sure])),
        float(sum(one.area_mm2 for one in sure)) * spacing_mm,
    )
