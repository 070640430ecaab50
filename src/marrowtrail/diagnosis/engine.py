"""The posterior in closed form: prior times the likelihood of each piece of evidence.

Beside the groups of findings stand the parts of the course (:mod:`marrowtrail.diagnosis.course`),
whose uncertain rates are summed out over a grid.

With independent cells, integrating the uncertain rates out equals putting in their means, so the
posterior is one exact number. Evidence of one block shares a hidden severity z ~ N(0, 1): in
diagnosis d a member with mean rate p is present with probability P(z) = Phi((Phi^-1(p) +-
sqrt(rho) z) / sqrt(1 - rho)), the product is averaged over z (Gauss-Hermite), and each member
alone keeps its rate p. A block of which one member is known is that member.

Where a rate is uncertain, severity multiplies it by P(z) / p and its complement by (1 - P(z)) /
(1 - p). The likelihood so stays linear in every rate, which keeps the closed form and the draws
of :mod:`marrowtrail.diagnosis.bands` exact with blocks too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from marrowtrail.diagnosis.arrays import Floats
from marrowtrail.diagnosis.course import CoursePart
from marrowtrail.diagnosis.evidence import Evidence
from marrowtrail.diagnosis.knowledge_base import Knowledge

NODES = 15
"""Quadrature nodes for the hidden severity; 15 and 31 agree to 1e-5 in the posterior."""

_Z, _RAW_WEIGHTS = np.polynomial.hermite_e.hermegauss(NODES)
_W: Floats = _RAW_WEIGHTS / _RAW_WEIGHTS.sum()

RATE_FLOOR = 1e-6
"""Rates drawn closer to 0 or 1 than this are moved there, where Phi^-1 is still finite."""


@dataclass(frozen=True, slots=True)
class Group:
    """Evidence that is weighed together: one piece alone, or the known members of a block.

    ``signs`` are +1 or -1 as a member rises or falls with the block's severity; ``rho`` is 0
    for a piece alone.
    """

    evidence: tuple[Evidence, ...]
    signs: tuple[int, ...]
    rho: float
    label: str

    @property
    def columns(self) -> list[int]:
        """Columns of the table, one for each piece."""
        return [e.column for e in self.evidence]

    @property
    def findings(self) -> tuple[str, ...]:
        """Findings of the pieces."""
        return tuple(e.finding for e in self.evidence)


Part = Group | CoursePart
"""What is weighed as one: a group of findings, or a part of the course."""


def group_evidence(evidence: Sequence[Evidence], knowledge: Knowledge) -> tuple[Group, ...]:
    """Gather evidence of one block; groups come in the order of their first finding."""
    gathered: dict[str, list[Evidence]] = {}
    for piece in evidence:
        joined = knowledge.block_of.get(piece.finding)
        gathered.setdefault(joined.key if joined else piece.finding, []).append(piece)
    return tuple(_group(pieces, knowledge) for pieces in gathered.values())


def _group(pieces: Sequence[Evidence], knowledge: Knowledge) -> Group:
    block = knowledge.block_of.get(pieces[0].finding)
    if block is None or len(pieces) == 1:
        return Group(tuple(pieces), (1,), 0.0, knowledge.finding_labels[pieces[0].finding])
    signs = tuple(block.sign(piece.finding) for piece in pieces)
    return Group(tuple(pieces), signs, block.rho, block.label)


@dataclass(frozen=True, slots=True, eq=False)
class Severity:
    """How severity changes the rates of a group's J pieces at each of Q nodes.

    ``present`` and ``absent`` are (D, J, Q) factors on the rate and on its complement;
    ``weights`` is (Q,). A piece alone has one node with factors of 1.
    """

    present: Floats
    absent: Floats
    weights: Floats


def severity_of(group: Group, means: Floats) -> Severity:
    """Factors for a group whose pieces have mean rates ``means`` (D, J)."""
    if len(group.evidence) == 1:
        ones = np.ones((*means.shape, 1))
        return Severity(ones, ones, np.ones(1))
    at_nodes = np.stack(
        [rates_at_severity(means[:, j], sign, group.rho) for j, sign in enumerate(group.signs)],
        axis=1,
    )
    # each member's average over nodes is its own rate, so the factors average to 1
    mean = np.clip(means, RATE_FLOOR, 1.0 - RATE_FLOOR)[..., None]
    return Severity(at_nodes / mean, (1.0 - at_nodes) / (1.0 - mean), severity_weights())


def piece_likelihoods(group: Group, rates: Floats, severity: Severity) -> Floats:
    """(..., D, J, Q) likelihood of each piece at each node for rates (..., D, J)."""
    u = np.array([e.present_weight for e in group.evidence])[:, None]
    v = np.array([e.absent_weight for e in group.evidence])[:, None]
    likelihoods: Floats = (
        u * rates[..., None] * severity.present + v * (1.0 - rates[..., None]) * severity.absent
    )
    return likelihoods


def likelihood(group: Group, rates: Floats, severity: Severity) -> Floats:
    """(..., D) likelihood of a group for rates (..., D, J) of its pieces."""
    joint = piece_likelihoods(group, rates, severity).prod(axis=-2)
    averaged: Floats = joint @ severity.weights
    return averaged


def rates_at_severity(rates: Floats, sign: int, rho: float) -> Floats:
    """(..., Q) rates at each node of the severity, whose average over nodes is ``rates``."""
    threshold = ndtri(np.clip(rates, RATE_FLOOR, 1.0 - RATE_FLOOR))[..., None]
    at_nodes: Floats = ndtr((threshold + sign * np.sqrt(rho) * _Z) / np.sqrt(1.0 - rho))
    return at_nodes


def severity_weights() -> Floats:
    """(Q,) weights of the nodes."""
    return _W.copy()


def posterior(prior: Floats, likelihoods: Floats) -> Floats:
    """Prior (D,) times likelihoods (..., D, G) of all groups, scaled to sum to 1 over D."""
    # sums of logarithms: the product of 40 likelihoods of 0.02 is 1e-68 and would still do, but
    # a cohort's record may hold more
    logs = np.log(prior) + np.log(likelihoods).sum(axis=-1)
    scaled = np.exp(logs - logs.max(axis=-1, keepdims=True))
    result: Floats = scaled / scaled.sum(axis=-1, keepdims=True)
    return result


def group_likelihoods(groups: Sequence[Part], means: Floats, power: float = 1.0) -> Floats:
    """(D, G) likelihoods of groups and parts of the course, raised to a power.

    ``means`` is (D, F), the mean rates of all findings.

    Shrunken rates make likelihoods timid; the power undoes that as far as cases with known answers
    say, and is the one number that is fitted to them.
    """
    if not groups:
        return np.ones((means.shape[0], 0))
    columns = [
        g.likelihood()
        if isinstance(g, CoursePart)
        else likelihood(g, means[:, g.columns], severity_of(g, means[:, g.columns]))
        for g in groups
    ]
    raised: Floats = np.stack(columns, axis=-1) ** power
    return raised


def mean_rates(knowledge: Knowledge) -> Floats:
    """(D, F) mean rate of every cell."""
    table = knowledge.table
    means: Floats = table.alpha / (table.alpha + table.beta)
    return means


def state_likelihood(piece: Evidence, rates: Floats) -> Floats:
    """Likelihood of a piece's state where its finding is present at ``rates`` (...)."""
    return piece.present_weight * rates + piece.absent_weight * (1.0 - rates)
