"""What the engine is compared with: four simpler ways to rank the same findings.

All start from the same prior and read the same evidence; none has blocks, shrinkage, composites or
a fitted power.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marrowtrail.diagnosis.cells import WORD_RATE
from marrowtrail.diagnosis.evidence import Reading
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.schema import CellRow
from marrowtrail.record.findings import FindingState

Floats = NDArray[np.float64]

CAP = 0.02
"""Rates of the plain product stay this far from 0 and 1, so that no finding settles a case."""

NOT_ANNOTATED, NEVER_IN_IT = 1 / 100, 1 / 1000
"""Likelihood ratios of a present finding that a diagnosis is not annotated with, and of one that
it excludes: constants of the code of LIRICAL, whose method is Robinson 2020
(doi:10.1016/j.ajhg.2020.06.021)."""

LEAST_RATIO = 0.01
"""Least likelihood ratio of an absent finding there."""


Said = Sequence[tuple[str, FindingState]]
"""Findings with their states."""


def said_of(reading: Reading, knowledge: Knowledge) -> Said:
    """What a reading says, the course as findings: shortest time to healing, longest without.

    They have no course in time, so they count a finding of the course as any other.
    """
    said = [(piece.finding, piece.state) for piece in reading.evidence]
    rules = knowledge.course.rules
    terms = {entry.finding: entry.days for entry in rules.healed_by}
    course = {f.key: f.state for f in reading.states if f.key in rules.findings}
    for state, first in ((FindingState.PRESENT, min), (FindingState.ABSENT, max)):
        shown = [key for key in terms if course.get(key) is state]
        said += [(first(shown, key=lambda key: terms[key]), state)] if shown else []
    return [*said, *((key, state) for key, state in course.items() if key not in terms)]


def plain_product(said: Said, prior: Floats, knowledge: Knowledge) -> Floats:
    """(D,) posterior of a product of point estimates; silence is the mean of the described."""
    logs = np.log(prior)
    for finding, state in said:
        rates = np.clip(_filled(_point_rates(finding, knowledge)), CAP, 1 - CAP)
        if state is FindingState.PRESENT:
            logs += np.log(rates)
        elif state is FindingState.ABSENT:
            logs += np.log(1.0 - rates)
    return _normalised(logs)


def by_constants(said: Said, prior: Floats, knowledge: Knowledge) -> Floats:
    """(D,) post-test odds with constants for what is not annotated, in LIRICAL's manner."""
    logs = np.log(prior)
    for finding, state in said:
        rates = _point_rates(finding, knowledge)
        known = ~np.isnan(rates)
        background = float(np.clip(np.mean(rates[known]), CAP, 1 - CAP)) if known.any() else 0.5
        if state is FindingState.PRESENT:
            ratios = np.where(known, np.nan_to_num(rates) / background, NOT_ANNOTATED)
            ratios = np.where(known & (np.nan_to_num(rates) == 0.0), NEVER_IN_IT, ratios)
            logs += np.log(ratios)
        elif state is FindingState.ABSENT:
            ratios = np.where(known, (1.0 - np.nan_to_num(rates)) / (1.0 - background), 1.0)
            logs += np.log(np.maximum(ratios, LEAST_RATIO))
    return _normalised(logs)


def _point_rates(finding: str, knowledge: Knowledge) -> Floats:
    """(D,) rates at face value; NaN where the literature is silent."""
    rows = [knowledge.rows_behind(diagnosis, finding) for diagnosis in knowledge.diagnoses]
    return np.array([_face_value(behind) if behind else np.nan for behind in rows])


def _face_value(rows: Sequence[CellRow]) -> float:
    counted = [(row.k, row.n) for row in rows if row.k is not None and row.n is not None]
    if counted:
        return sum(k for k, _ in counted) / sum(n for _, n in counted)
    return float(
        np.mean(
            [
                row.percent / 100.0
                if row.percent is not None
                else WORD_RATE[row.ordinal]
                if row.ordinal is not None
                else np.nan
                for row in rows
            ]
        )
    )


def _filled(rates: Floats) -> Floats:
    known = rates[~np.isnan(rates)]
    mean = float(np.mean(known)) if len(known) else 0.5
    return np.where(np.isnan(rates), mean, rates)


def _normalised(logs: Floats) -> Floats:
    scaled = np.exp(logs - logs.max())
    result: Floats = scaled / scaled.sum()
    return result
