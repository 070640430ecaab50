"""Slow twins of the engine: plain loops over diagnoses, nodes and outcomes, nothing shared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from marrowtrail.diagnosis.evidence import Evidence
from marrowtrail.diagnosis.knowledge_base import Knowledge

NORMAL = NormalDist()


def slow_likelihood(evidence: Sequence[Evidence], row: int, knowledge: Knowledge) -> float:
    """Likelihood of all evidence in one diagnosis, block by block, node by node."""
    nodes, raw = np.polynomial.hermite_e.hermegauss(15)
    weights = [float(w) / math.sqrt(2 * math.pi) for w in raw]
    total = 1.0
    for block in {knowledge.block_of.get(e.finding) for e in evidence}:
        members = [e for e in evidence if knowledge.block_of.get(e.finding) is block]
        if block is None or len(members) == 1:
            for e in members:
                total *= _state(e, _rate(e, row, knowledge))
            continue
        averaged = 0.0
        for z, weight in zip(nodes, weights, strict=True):
            product = weight
            for e in members:
                sign = -1 if e.finding in block.minus else 1
                threshold = NORMAL.inv_cdf(_rate(e, row, knowledge))
                moved = (threshold + sign * math.sqrt(block.rho) * float(z)) / math.sqrt(
                    1 - block.rho
                )
                product *= _state(e, 0.5 * math.erfc(-moved / math.sqrt(2)))
            averaged += product
        total *= averaged
    return total


def slow_posterior(
    evidence: Sequence[Evidence], prior: Sequence[float], knowledge: Knowledge
) -> list[float]:
    """Prior times likelihood, diagnosis by diagnosis."""
    joint = [start * slow_likelihood(evidence, row, knowledge) for row, start in enumerate(prior)]
    return [value / math.fsum(joint) for value in joint]


def _rate(e: Evidence, row: int, knowledge: Knowledge) -> float:
    alpha = float(knowledge.table.alpha[row, e.column])
    return alpha / (alpha + float(knowledge.table.beta[row, e.column]))


def _state(e: Evidence, rate: float) -> float:
    return e.present_weight * rate + e.absent_weight * (1.0 - rate)
