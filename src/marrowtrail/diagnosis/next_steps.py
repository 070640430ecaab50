"""What to do next: tests not done yet, by the information that each is expected to bring.

The information is the expected fall of the posterior's entropy, in bits, over all outcomes of
the findings that a test answers. Findings of one block are weighed together, given what is known
of that block already. Delay and burden stand beside it and are never folded into one score: by
bits alone, waiting a year beats most tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from marrowtrail.diagnosis.arrays import Floats
from marrowtrail.diagnosis.course_ahead import labels_ahead, outcomes_ahead, still_to_see
from marrowtrail.diagnosis.differential import NextStep
from marrowtrail.diagnosis.engine import (
    mean_rates,
    rates_at_severity,
    severity_weights,
    state_likelihood,
)
from marrowtrail.diagnosis.evidence import Reading, is_evidence
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.ledger_schema import Test
from marrowtrail.diagnosis.schema import Block
from marrowtrail.diagnosis.weights import state_weights
from marrowtrail.record.findings import FindingState

FEWEST_BITS = 0.01
"""A test that brings less is not listed."""

STEPS = 6
"""Tests listed."""


def next_steps(reading: Reading, closed_form: Floats, knowledge: Knowledge) -> tuple[NextStep, ...]:
    """Tests that would still tell something, the most informative first."""
    steps = []
    for test in knowledge.tests:
        asked = unanswered(test, reading, knowledge)
        bits = bits_of_test(test, reading, closed_form, knowledge)
        if bits >= FEWEST_BITS:
            named = ", ".join(knowledge.finding_labels[f] for f in asked)
            why = f"Would answer: {named}."
            step = NextStep(test.key, test.label, bits, test.delay, test.burden, why, test.cost)
            steps.append(step)
    return tuple(sorted(steps, key=lambda step: (-step.bits, step.key))[:STEPS])


def bits_of_test(test: Test, reading: Reading, closed_form: Floats, knowledge: Knowledge) -> float:
    """Bits that a test is expected to bring; 0 where it would answer nothing new."""
    asked = unanswered(test, reading, knowledge)
    if not asked:
        return 0.0
    course, known = knowledge.course, reading.course
    fixed = [f for f in asked if f not in course.rules.findings]
    outcomes = _outcomes(fixed, reading, mean_rates(knowledge), knowledge)
    later = closed_form
    ahead = [f for f in asked if f in course.rules.findings]
    if ahead:
        days, error = float(test.after_days), knowledge.reading_error[ahead[0]]
        later = labels_ahead(closed_form, known, course, knowledge.diagnoses, days)
        shown = outcomes_ahead(ahead, known, course, knowledge.diagnoses, days, error)
        outcomes = (outcomes[:, None, :] * shown[None, :, :]).reshape(-1, len(later))
    return expected_bits(later, outcomes)


def unanswered(test: Test, reading: Reading, knowledge: Knowledge) -> list[str]:
    """Findings of a test that nobody has spoken of yet, or that waiting may still show."""
    present = [f.key for f in reading.states if f.state is FindingState.PRESENT]
    ahead = still_to_see(test.findings, present, knowledge.course) if test.after_days else []
    return [f for f in test.findings if f in ahead or _is_unanswered(f, reading, knowledge)]


def expected_bits(probabilities: Floats, outcomes: Floats) -> float:
    """Expected fall of entropy, in bits.

    Parameters
    ----------
    probabilities
        (D,) as they stand.
    outcomes
        (O, D) probability of each outcome given each diagnosis; columns sum to 1.
    """
    joint = outcomes * probabilities
    chance = joint.sum(axis=1)
    after = joint[chance > 0] / chance[chance > 0, None]
    return max(0.0, _entropy(probabilities) - float(chance[chance > 0] @ _entropies(after)))


def _is_unanswered(finding: str, reading: Reading, knowledge: Knowledge) -> bool:
    state = reading.state_of(finding)
    return is_evidence(finding, knowledge) and state in (None, FindingState.NOT_DONE)


def _outcomes(
    asked: Sequence[str], reading: Reading, rates: Floats, knowledge: Knowledge
) -> Floats:
    """(O, D) probability of each joint outcome of the findings asked, given each diagnosis."""
    by_block: dict[str, list[str]] = {}
    for finding in asked:
        block = knowledge.block_of.get(finding)
        by_block.setdefault(block.key if block else finding, []).append(finding)
    joint = np.ones((1, rates.shape[0]))
    for members in by_block.values():
        block = knowledge.block_of.get(members[0])
        shown = np.stack([rates[:, knowledge.table.findings.index(f)] for f in members])
        errors = [knowledge.reading_error[f] for f in members]
        part = (
            _alone(shown[0], errors[0])
            if block is None
            else _in_block(members, shown, errors, block, reading, rates)
        )
        joint = (joint[:, None, :] * part[None, :, :]).reshape(-1, rates.shape[0])
    return joint


def _alone(shown: Floats, error: float) -> Floats:
    """(2, D) outcomes of one finding outside any block."""
    present, absent = state_weights(FindingState.PRESENT, error)
    read_present = present * shown + absent * (1.0 - shown)
    return np.stack([read_present, 1.0 - read_present])


def _in_block(
    members: Sequence[str],
    shown: Floats,
    errors: Sequence[float],
    block: Block,
    reading: Reading,
    rates: Floats,
) -> Floats:
    """(2^n, D) outcomes of n members of a block, given the members already known.

    ``shown`` is (n, D).
    """
    nodes = _severity_given(block, members, reading, rates)
    at_nodes = [
        rates_at_severity(rate, block.sign(member), block.rho)
        for member, rate in zip(members, shown, strict=True)
    ]
    read = [
        (1.0 - error) * rate + error * (1.0 - rate)
        for rate, error in zip(at_nodes, errors, strict=True)
    ]
    outcomes = []
    for pattern in product((True, False), repeat=len(members)):
        chance = nodes.copy()
        for rate, is_present in zip(read, pattern, strict=True):
            chance *= rate if is_present else 1.0 - rate
        outcomes.append(chance.sum(axis=1))
    return np.stack(outcomes)


def _severity_given(block: Block, asked: Sequence[str], reading: Reading, rates: Floats) -> Floats:
    """(D, Q) weights of the block's severity given its members already known."""
    nodes = np.tile(severity_weights(), (rates.shape[0], 1))
    for piece in reading.evidence:
        if piece.finding in (*block.plus, *block.minus) and piece.finding not in asked:
            at_nodes = rates_at_severity(
                rates[:, piece.column], block.sign(piece.finding), block.rho
            )
            nodes *= state_likelihood(piece, at_nodes)
    scaled: Floats = nodes / nodes.sum(axis=1, keepdims=True)
    return scaled


def _entropies(probabilities: Floats) -> Floats:
    # 0 log 0 is 0
    logs = np.log2(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    entropies: Floats = -np.sum(probabilities * logs, axis=-1)
    return entropies


def _entropy(probabilities: Floats) -> float:
    return float(_entropies(probabilities[None, :])[0])
