"""From rows of the literature to a distribution over the grid of course rates, per diagnosis.

Healing: each row that says how many had healed by some days makes points of the grid likelier
whose curve passes there (binomial, with the study discount of :mod:`marrowtrail.diagnosis.cells`);
so a count at 3 months and one at a year bear on one curve. What is known of the other diagnoses
stands behind that as the prior, a share of it flat, and alone where the literature is silent. Two
readings of one study at different times count as two: a small overcount.

Collapse and moves: the rate of a cell as it is compiled for any other finding, laid over the bins
of the grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from marrowtrail.diagnosis.arrays import Floats, Indices
from marrowtrail.diagnosis.cells import FLAT_SHARE, Counts
from marrowtrail.diagnosis.course_chain import (
    COLLAPSE_EDGES,
    HEALING_DAYS,
    HEALING_SHARES,
    MOVE_EDGES,
    PlaceGrid,
    healed_share,
)
from marrowtrail.diagnosis.course_schema import CourseRules, OneDisease, Scope, Transition
from marrowtrail.diagnosis.schema import CellRow

RELAPSES = 1
"""Index of those who relapse on the grid."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A compiled cell: parameters of its Beta distribution."""

    alpha: float
    beta: float


@dataclass(frozen=True, eq=False)
class Course:
    """The course of every diagnosis, compiled.

    Parameters
    ----------
    rules
        As they stand in the knowledge.
    place
        (D, P) weights over the points of :class:`PlaceGrid`, each row summing to 1.
    moved
        By scope, (D, Q T) weights over shares who move and time constants.
    owner
        (D,) row that holds the weights: labels of one disease share them.
    rows
        The rows behind a diagnosis's course by (diagnosis, finding).
    disease_of
        By diagnosis that is a stage of one disease, the disease.
    """

    rules: CourseRules
    place: Floats
    moved: Mapping[Scope, Floats]
    owner: Indices
    rows: Mapping[tuple[str, str], tuple[CellRow, ...]]
    disease_of: Mapping[str, OneDisease]

    @property
    def grid(self) -> PlaceGrid:
        """The grid of the chain at the first place."""
        return PlaceGrid(self.rules.collapse.days, self.rules.relapse.mean_days)

    def transition(self, key: str) -> Transition:
        """The transition of that key."""
        return next(t for t in self.rules.transitions if t.key == key)

    def days_before(self, diagnosis: str) -> float:
        """Days that a disease has run when it is first seen; 0 where no label depends on it."""
        disease = self.disease_of.get(diagnosis)
        return disease.days_before_first_scan if disease else 0.0


def healing_weights(counts: Sequence[Mapping[float, Counts]]) -> Floats:
    """(D, S, M) weights over shares that heal and mean days.

    Parameters
    ----------
    counts
        For each of D diagnoses, effective counts healed by days.
    """
    fits = np.stack([_log_fit(known) for known in counts])
    size = fits[0].size
    flat = np.full(fits[0].shape, 1.0 / size)
    described = [_scaled(fit) for fit, known in zip(fits, counts, strict=True) if known]
    common = np.mean(described, axis=0) if described else flat
    prior = (1.0 - FLAT_SHARE) * common + FLAT_SHARE * flat
    return np.stack([_scaled(fit + np.log(prior)) for fit in fits])


def collapse_weights(rate: Rate) -> Floats:
    """(C,) weights of the shares that give way."""
    return _binned(rate, COLLAPSE_EDGES)


def move_weights(rate: Rate, constants: int) -> Floats:
    """(Q T,) weights of the shares who move and of so many time constants, all equally likely."""
    shares = _binned(rate, MOVE_EDGES)
    weights: Floats = np.repeat(shares / constants, constants)
    return weights


def place_weights(healing: Floats, collapse: Floats, relapse: float) -> Floats:
    """(P,) weights over the whole grid at the first place from (S, M), (C,) and a share."""
    relapses = np.array([1.0 - relapse, relapse])
    joint = healing[:, :, None, None] * collapse[None, None, :, None] * relapses
    flat: Floats = joint.reshape(-1)
    return flat


def _log_fit(counts: Mapping[float, Counts]) -> Floats:
    fit = np.zeros((len(HEALING_SHARES), len(HEALING_DAYS)))
    for days, cell in counts.items():
        share = np.clip(healed_share(days), 1e-4, 1.0 - 1e-4)
        fit += cell.present * np.log(share) + (cell.assessed - cell.present) * np.log(1.0 - share)
    return fit


def _scaled(logs: Floats) -> Floats:
    weights = np.exp(logs - logs.max())
    scaled: Floats = weights / weights.sum()
    return scaled


def _binned(rate: Rate, edges: Sequence[float]) -> Floats:
    binned: Floats = np.diff(betainc(rate.alpha, rate.beta, np.array(edges)))
    return binned
