"""Scores of ranked categories: shares with intervals, log score, Brier score, calibration slope.

A ranking is right by the labels that the case counts as right in its view. Where several are
right, their probabilities are added: the log score is that of the sum, and the Brier score treats
them as one outcome.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel
from scipy.optimize import minimize_scalar
from scipy.stats import chi2, norm

Z_95 = float(norm.ppf(0.975))

FLOOR = 1e-9
"""Least probability that enters a logarithm."""

SLOPES = (0.05, 5.0)
"""Range in which a calibration slope is looked for."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Probabilities of all categories for one case, which are right, and how it is grouped."""

    case: str
    probabilities: tuple[tuple[str, float], ...]
    right: tuple[str, ...]
    category: str
    family: str
    difficulty: str
    tier: str

    def is_within(self, places: int) -> bool:
        """Whether a right label stands among the first ``places``."""
        ordered = sorted(self.probabilities, key=lambda one: -one[1])
        return any(name in self.right for name, _ in ordered[:places])

    @property
    def right_probability(self) -> float:
        """Summed probability of the right labels."""
        return math.fsum(p for name, p in self.probabilities if name in self.right)


def ordered(shares: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Largest first; by name where two are the same, so that the order is always the same."""
    return tuple(sorted(shares, key=lambda one: (-one[1], one[0])))


def family_sums(
    probabilities: Iterable[tuple[str, float]], family_of: Mapping[str, str]
) -> tuple[tuple[str, float], ...]:
    """Probabilities of families, each the sum over its categories, likeliest first."""
    sums: dict[str, float] = {}
    for name, probability in probabilities:
        sums[family_of[name]] = sums.get(family_of[name], 0.0) + probability
    return ordered(sums.items())


def of_families(ranking: Ranking, family_of: Mapping[str, str]) -> Ranking:
    """The ranking of the families of a ranking of categories; right are those of right labels.

    A right label that is no category has no family.
    """
    right = dict.fromkeys(family_of[name] for name in ranking.right if name in family_of)
    return replace(
        ranking,
        probabilities=family_sums(ranking.probabilities, family_of),
        right=tuple(right),
        category=ranking.family,
    )


class Share(BaseModel):
    """A share with its 95 % interval (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""

    share: float
    low: float
    high: float
    right: int
    n: int


class Slope(BaseModel):
    """The power of the probabilities that suits the cases best, with a 95 % profile interval.

    1 is calibrated; below 1 the probabilities are too sure of themselves, above 1 too timid.
    """

    slope: float
    low: float
    high: float


class GroupScore(BaseModel):
    """Scores of the cases of one group."""

    n: int
    top1: float
    top3: float


class ViewScores(BaseModel):
    """Scores of one view of all cases."""

    n: int
    top1: float
    top3: float
    top1_interval: Share
    top3_interval: Share
    macro_top1: float
    macro_top3: float
    log_loss: float
    brier: float
    slope: Slope
    by_family: dict[str, GroupScore]
    by_difficulty: dict[str, GroupScore]
    by_tier: dict[str, GroupScore]


def score(rankings: Sequence[Ranking]) -> ViewScores | None:
    """All scores; ``None`` without cases."""
    if not rankings:
        return None
    top1, top3 = (wilson(sum(r.is_within(k) for r in rankings), len(rankings)) for k in (1, 3))
    families = _groups(rankings, [r.family for r in rankings])
    return ViewScores(
        n=len(rankings),
        top1=top1.share,
        top3=top3.share,
        top1_interval=top1,
        top3_interval=top3,
        macro_top1=float(np.mean([one.top1 for one in families.values()])),
        macro_top3=float(np.mean([one.top3 for one in families.values()])),
        log_loss=log_loss(rankings),
        brier=float(np.mean([_brier(r) for r in rankings])),
        slope=calibration_slope(rankings),
        by_family=families,
        by_difficulty=_groups(rankings, [r.difficulty for r in rankings]),
        by_tier=_groups(rankings, [r.tier for r in rankings]),
    )


def wilson(right: int, n: int) -> Share:
    """A share of ``n`` > 0 with its Wilson interval."""
    share = right / n
    centre = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 * math.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2)) / (1 + Z_95**2 / n)
    return Share(share=share, low=centre - half, high=centre + half, right=right, n=n)


def log_loss(rankings: Sequence[Ranking], slope: float = 1.0) -> float:
    """Mean negative logarithm of the right probability, after raising all to a power."""
    losses = []
    for ranking in rankings:
        powers = np.array([slope * math.log(max(p, FLOOR)) for _, p in ranking.probabilities])
        scaled = np.exp(powers - powers.max())
        scaled /= scaled.sum()
        is_right = [name in ranking.right for name, _ in ranking.probabilities]
        losses.append(-math.log(max(float(scaled[is_right].sum()), FLOOR)))
    return float(np.mean(losses))


def calibration_slope(rankings: Sequence[Ranking]) -> Slope:
    """The slope of least log loss, and the slopes that a likelihood-ratio test cannot refute."""
    n = len(rankings)

    def loss(slope: float) -> float:
        return log_loss(rankings, slope)

    best = minimize_scalar(loss, bounds=SLOPES, method="bounded")
    allowed = float(best.fun) + float(chi2.ppf(0.95, 1)) / (2 * n)
    grid = np.linspace(*SLOPES, 200)
    inside = [float(s) for s in grid if loss(float(s)) <= allowed] or [float(best.x)]
    return Slope(slope=float(best.x), low=min(inside), high=max(inside))


def _brier(ranking: Ranking) -> float:
    others = math.fsum(p**2 for name, p in ranking.probabilities if name not in ranking.right)
    return (1.0 - ranking.right_probability) ** 2 + others


def _groups(rankings: Sequence[Ranking], keys: Sequence[str]) -> dict[str, GroupScore]:
    groups: dict[str, GroupScore] = {}
    for key in sorted(set(keys)):
        mine = [r for r, k in zip(rankings, keys, strict=True) if k == key]
        groups[key] = GroupScore(
            n=len(mine),
            top1=sum(r.is_within(1) for r in mine) / len(mine),
            top3=sum(r.is_within(3) for r in mine) / len(mine),
        )
    return groups
