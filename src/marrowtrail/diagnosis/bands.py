"""How far each number could move with better literature: rates drawn given the case.

The posterior of all rates given the findings is a mixture: the diagnosis is d with its posterior
probability, a block's severity is at a node with its weight there, and in d's cells the findings
were seen once more. So a draw picks d and the nodes, adds that one patient to d's cells and draws
every cell from its Beta; of the course it draws a point of the grid, given what was seen for d and
from the literature for the others. No Markov chain is needed. The mean of the posterior over such
draws is the closed form exactly. Drawing the rates without the case and averaging would be another,
biased quantity: in one example 0.46 for an exact 0.87.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marrowtrail.diagnosis.arrays import Floats, Indices
from marrowtrail.diagnosis.composites import Hypotheses
from marrowtrail.diagnosis.course import CoursePart
from marrowtrail.diagnosis.engine import (
    Group,
    Part,
    Severity,
    likelihood,
    mean_rates,
    piece_likelihoods,
    posterior,
    severity_of,
)
from marrowtrail.diagnosis.knowledge_base import Knowledge

DRAWS = 2000
"""Draws behind an interval."""

BAR_DRAWS = 500
"""Draws behind the interval of a bar, which is read off a drawing."""

SEED = 0
"""Fixed, so that the same case gives the same bytes."""

INTERVAL = (10.0, 90.0)
"""Percentiles of an interval: four in five. Rates known from a word alone are so uncertain that
nineteen in twenty would span nearly everything and tell a reader nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """Draws given the case.

    ``posteriors`` is (S, D), composites folded in; ``likelihoods`` (B, D, G), of rates drawn from
    the literature alone.
    """

    posteriors: Floats
    likelihoods: Floats

    def interval(self, rows: Sequence[int]) -> tuple[float, float]:
        """Interval of the summed probability of some diagnoses."""
        low, high = np.percentile(self.posteriors[:, rows].sum(axis=1), INTERVAL)
        return float(low), float(high)


def draw_bands(
    groups: Sequence[Part],
    known: Hypotheses,
    closed_form: Floats,
    knowledge: Knowledge,
    *,
    power: float = 1.0,
    draws: int = DRAWS,
) -> Bands:
    """Draw rates given the case, and given the literature alone.

    Parameters
    ----------
    known
        The H hypotheses with their prior.
    closed_form
        (H,) probabilities after the findings.
    power
        Power of the likelihoods. The mean of the draws is the closed form where it is 1.
    """
    rng = np.random.default_rng(SEED)
    hypothesis = rng.choice(len(closed_form), size=draws, p=closed_form)
    given_case = np.empty((draws, len(knowledge.diagnoses), len(groups)))
    bar_draws = min(draws, BAR_DRAWS)
    from_literature = np.empty((bar_draws, *given_case.shape[1:]))
    means = mean_rates(knowledge)
    for g, group in enumerate(groups):
        picked = known.rows[hypothesis, g]
        if isinstance(group, CoursePart):
            given_case[..., g] = group.draw(picked, draws, rng) ** power
            from_literature[..., g] = group.draw(None, bar_draws, rng) ** power
            continue
        severity = severity_of(group, means[:, group.columns])
        seen = _patient_added(group, severity, means, picked, rng)
        conditioned = _draw(group, knowledge, rng, seen, picked)
        unseen = np.zeros_like(seen[:, :bar_draws])
        free = _draw(group, knowledge, rng, unseen, picked[:bar_draws])
        given_case[..., g] = likelihood(group, conditioned, severity) ** power
        from_literature[..., g] = likelihood(group, free, severity) ** power
    drawn = posterior(known.prior, known.spread(given_case))
    return Bands(known.fold(drawn), from_literature)


def _patient_added(
    group: Group, severity: Severity, means: Floats, picked: Indices, rng: np.random.Generator
) -> Floats:
    """(2, S, J) the case itself as a patient of the picked diagnosis: with, and without it."""
    rates = means[:, group.columns]
    at_nodes = piece_likelihoods(group, rates, severity)
    node_weights = at_nodes.prod(axis=1) * severity.weights
    node_weights /= node_weights.sum(axis=1, keepdims=True)
    chosen = rng.random(len(picked))[:, None] > np.cumsum(node_weights, axis=1)[picked]
    nodes = np.minimum(chosen.sum(axis=1), node_weights.shape[1] - 1)
    u = np.array([e.present_weight for e in group.evidence])
    with_finding = u * rates[picked] * severity.present[picked, :, nodes]
    chance = with_finding / at_nodes[picked, :, nodes]
    had_it = rng.random(chance.shape) < chance
    return np.stack([had_it, ~had_it]).astype(np.float64)


def _draw(
    group: Group,
    knowledge: Knowledge,
    rng: np.random.Generator,
    seen: Floats,
    picked: Indices,
) -> Floats:
    """(S, D, J) rates, with the patients ``seen`` (2, S, J) added to the picked cells."""
    table, columns, draws = knowledge.table, group.columns, len(picked)
    owner = table.owner[:, columns]
    alpha = np.tile(table.alpha[:, columns], (draws, 1, 1))
    beta = np.tile(table.beta[:, columns], (draws, 1, 1))
    rows, pieces = np.arange(draws)[:, None], np.arange(len(columns))[None, :]
    held_by = owner[picked]
    alpha[rows, held_by, pieces] += seen[0]
    beta[rows, held_by, pieces] += seen[1]
    drawn: Floats = rng.beta(alpha, beta)[:, owner, pieces]
    return drawn
