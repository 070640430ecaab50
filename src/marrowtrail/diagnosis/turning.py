"""What would change the answer: single findings, and other starting probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marrowtrail.diagnosis.arrays import Floats
from marrowtrail.diagnosis.bars import leading_diseases
from marrowtrail.diagnosis.composites import hypotheses
from marrowtrail.diagnosis.differential import Shown, Turn, UnderSetting
from marrowtrail.diagnosis.engine import (
    Group,
    group_evidence,
    likelihood,
    mean_rates,
    posterior,
    severity_of,
)
from marrowtrail.diagnosis.evidence import Evidence, Reading, is_evidence
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.turning_ahead import turns_ahead
from marrowtrail.diagnosis.weighing import Weighing, under_another_prior
from marrowtrail.diagnosis.weights import state_weights
from marrowtrail.diagnosis.wording import describe
from marrowtrail.record.findings import Finding, FindingState

TURNS = 5
"""Findings listed."""

LEAST_CHANCE = 0.01
"""Findings expected more rarely than this are not listed."""

SHOWN = 3
"""Causes shown for each setting."""


def turns(
    case: Weighing, findings: Sequence[Finding], knowledge: Knowledge, setting: str
) -> tuple[Turn, ...]:
    """Single findings, not known yet, that would put another disease first; likeliest first.

    Those that can be found today, and what a later scan may show of the course. ``findings`` and
    ``setting`` are those that ``case`` was weighed from.
    """
    before = leading_diseases(case.closed_form, knowledge, count=1)[0]
    found = []
    for key in _still_to_ask(case.reading, knowledge):
        for state in (FindingState.PRESENT, FindingState.ABSENT):
            after, chance = _with(case, key, state, knowledge)
            lead = leading_diseases(after, knowledge, count=1)[0]
            mine = knowledge.disease(knowledge.diagnoses[before])
            if knowledge.diagnoses[lead] in mine or chance < LEAST_CHANCE:
                continue
            diagnosis = knowledge.diagnoses[lead]
            labels = [knowledge.diagnoses.index(d) for d in knowledge.disease(diagnosis)]
            turn = Turn(
                key,
                state,
                describe(key, state, knowledge),
                diagnosis,
                knowledge.labels[diagnosis],
                float(after[labels].sum()),
                chance,
            )
            found.append(turn)
    later = turns_ahead(case, findings, knowledge, setting)
    found += [turn for turn in later if turn.chance >= LEAST_CHANCE]
    return tuple(sorted(found, key=lambda turn: (-turn.chance, turn.finding))[:TURNS])


def under_settings(case: Weighing, knowledge: Knowledge) -> tuple[UnderSetting, ...]:
    """The first causes under every setting's prior, in the order of the knowledge."""
    found = []
    for setting in knowledge.priors.settings:
        probabilities = under_another_prior(case, knowledge, setting.key)
        first = np.argsort(-probabilities, kind="stable")[:SHOWN]
        named = [knowledge.diagnoses[row] for row in first]
        causes = tuple(
            Shown(d, knowledge.labels[d], float(probabilities[row]))
            for d, row in zip(named, first, strict=True)
        )
        found.append(UnderSetting(setting.key, setting.label, setting.basis, causes))
    return tuple(found)


def odds_to_flip(closed_form: Floats) -> float:
    """How many times commoner the second cause would have to be to draw level with the first."""
    second, first = np.sort(closed_form)[-2:]
    return float(first / second)


def _still_to_ask(reading: Reading, knowledge: Knowledge) -> list[str]:
    """Findings of the tests that nobody has spoken of and that can be weighed alone."""
    asked = dict.fromkeys(f for test in knowledge.tests for f in test.findings)
    grouped = knowledge.exclusive_of.keys()
    return [
        f
        for f in asked
        if f not in grouped
        and reading.state_of(f) in (None, FindingState.NOT_DONE)
        and is_evidence(f, knowledge)
    ]


def _with(
    case: Weighing, key: str, state: FindingState, knowledge: Knowledge
) -> tuple[Floats, float]:
    """(D,) probabilities with one more finding, and the chance of finding it so."""
    column = knowledge.table.findings.index(key)
    u, v = state_weights(state, knowledge.reading_error[key])
    piece = Evidence(key, column, state, u, v)
    block = knowledge.block_of.get(key)
    joined = [
        g
        for g, group in enumerate(case.groups)
        if block is not None and knowledge.block_of.get(group.findings[0]) is block
    ]
    alone = case.groups[joined[0]] if joined else None
    before = alone.evidence if isinstance(alone, Group) else ()
    (group,) = group_evidence([*before, piece], knowledge)
    rest = [g for g in range(len(case.groups)) if g not in joined]
    means, power = mean_rates(knowledge), knowledge.calibration.likelihood_power
    weight = _likelihood(group, means)
    columns = np.column_stack([case.likelihoods[:, rest], weight**power])
    kept = (*(case.groups[g] for g in rest), group)
    known = hypotheses(case.starting, kept, knowledge, case.reading.days_followed)
    after = known.fold(posterior(known.prior, known.spread(columns)))
    without = _likelihood(alone, means) if isinstance(alone, Group) else np.ones(len(weight))
    return after, float(case.closed_form @ (weight / without))


def _likelihood(group: Group, means: Floats) -> Floats:
    rates = means[:, group.columns]
    return likelihood(group, rates, severity_of(group, rates))
