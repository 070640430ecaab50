"""From findings to a ranked differential: the story of this room on one screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from marrowtrail.diagnosis.answering import ledger_for
from marrowtrail.diagnosis.arrays import Floats
from marrowtrail.diagnosis.bands import Bands, draw_bands
from marrowtrail.diagnosis.bars import bars_for, leading_diseases
from marrowtrail.diagnosis.composites import hypotheses
from marrowtrail.diagnosis.concluding import (
    NO_OEDEMA,
    WORTH_NAMING,
    Disease,
    conclude,
    what_may_be_said,
    withheld_labels,
)
from marrowtrail.diagnosis.differential import Cause, Differential, TwoDiseases
from marrowtrail.diagnosis.evidence import Reading
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.next_steps import next_steps
from marrowtrail.diagnosis.outlook import LEAST_LABEL, outlook
from marrowtrail.diagnosis.red_flags import red_flags
from marrowtrail.diagnosis.schema import Claim, Family
from marrowtrail.diagnosis.standing import NOTHING_STANDS_OUT, standing_of
from marrowtrail.diagnosis.turning import odds_to_flip, turns, under_settings
from marrowtrail.diagnosis.weighing import Weighing, weigh
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.treatments import Given

DEFAULT_SETTING = "musculoskeletal_mri"


def diagnose(
    findings: Sequence[Finding],
    knowledge: Knowledge,
    *,
    setting: str = DEFAULT_SETTING,
    as_of: date | None = None,
    given: Sequence[Given] = (),
) -> Differential:
    """Rank the causes of the oedema, with reasons, ledger and next steps.

    Parameters
    ----------
    findings
        In any order; the caller chooses whether unconfirmed ones are among them.
    setting
        A setting of the priors.
    as_of
        Findings of later visits are left out, as if nobody had seen them yet; those without a
        date always count.
    given
        Treatments: one that changes the course counts from its first day on.

    Raises
    ------
    InputError
        If there is no such setting.
    """
    known = known_by(findings, as_of)
    case = weigh(known, knowledge, setting, given)
    if case.reading.oedema is FindingState.ABSENT:
        return _nothing_to_explain(case, knowledge, setting, as_of)
    power = knowledge.calibration.likelihood_power
    bands = draw_bands(case.groups, case.hypotheses, case.weighed, knowledge, power=power)

    causes = _causes(case.closed_form, bands, knowledge)
    diseases = _diseases(case.closed_form, bands, causes, case.reading, knowledge)
    bars = bars_for(
        case.groups, case.hypotheses, case.weighed, case.likelihoods, bands.likelihoods, knowledge
    )
    ledger = ledger_for(diseases[0].lead, case.reading, case.closed_form, knowledge)
    standing, why = standing_of(diseases[0], ledger)
    chosen = knowledge.setting(setting)
    assert chosen is not None  # weigh() has refused an unknown setting
    return Differential(
        setting=setting,
        as_of=as_of,
        causes=causes,
        bars=bars,
        ledger=ledger,
        next_steps=next_steps(case.reading, case.closed_form, knowledge),
        red_flags=red_flags(case.reading, knowledge),
        conclusion=conclude(diseases, bars, ledger, case.reading, chosen, case.joints),
        unused=case.reading.unused,
        knowledge_version=knowledge.version,
        knowledge_hash=knowledge.hash,
        composites=_two_diseases(case, knowledge),
        standing=standing,
        standing_why=why,
        turns=turns(case, known, knowledge, setting),
        under_settings=under_settings(case, knowledge),
        odds_to_flip=odds_to_flip(case.closed_form),
        outlook=outlook(diseases, case.reading, case.closed_form, knowledge),
        notes=case.reading.notes,
        withheld=withheld_labels(knowledge.families, case.reading),
    )


def known_by(findings: Sequence[Finding], as_of: date | None) -> list[Finding]:
    """Findings without those of later visits; those without a date always count."""
    return [f for f in findings if as_of is None or f.visit is None or f.visit <= as_of]


def _two_diseases(case: Weighing, knowledge: Knowledge) -> tuple[TwoDiseases, ...]:
    known = case.hypotheses
    found = [
        TwoDiseases(c.key, c.label, knowledge.diagnoses[row], c.second, float(probability))
        for c, row, probability in zip(
            known.composites, known.counts_for, case.weighed, strict=True
        )
        if c is not None and probability >= WORTH_NAMING
    ]
    return tuple(sorted(found, key=lambda one: (-one.probability, one.key, one.diagnosis)))


def _nothing_to_explain(
    case: Weighing, knowledge: Knowledge, setting: str, as_of: date | None
) -> Differential:
    """Without oedema nothing is weighed: the causes are the prior, and the conclusion says so."""
    starting = case.starting
    unread = hypotheses(starting, (), knowledge)
    bands = draw_bands((), unread, unread.prior, knowledge, draws=1)
    return Differential(
        setting=setting,
        as_of=as_of,
        causes=_causes(starting, bands, knowledge),
        bars=(),
        ledger=(),
        next_steps=(),
        red_flags=red_flags(case.reading, knowledge),
        conclusion=NO_OEDEMA,
        unused=case.reading.unused,
        knowledge_version=knowledge.version,
        knowledge_hash=knowledge.hash,
        standing_why=NOTHING_STANDS_OUT,
        notes=case.reading.notes,
    )


def probabilities(
    findings: Sequence[Finding], knowledge: Knowledge, *, setting: str = DEFAULT_SETTING
) -> Floats:
    """(D,) posterior in the order of ``knowledge.diagnoses``: the closed form alone."""
    return weigh(findings, knowledge, setting).closed_form


def _causes(closed_form: Floats, bands: Bands, knowledge: Knowledge) -> tuple[Cause, ...]:
    causes = []
    for row in np.argsort(-closed_form, kind="stable"):
        key, probability = knowledge.diagnoses[row], float(closed_form[row])
        low, high = bands.interval([int(row)])
        low, high = min(low, probability), max(high, probability)
        causes.append(Cause(key, knowledge.labels[key], probability, low, high))
    return tuple(causes)


def _diseases(
    closed_form: Floats,
    bands: Bands,
    causes: Sequence[Cause],
    reading: Reading,
    knowledge: Knowledge,
) -> tuple[Disease, ...]:
    """Diseases under all their labels, likeliest first."""
    by_key = {cause.diagnosis: cause for cause in causes}
    found = []
    for row in leading_diseases(closed_form, knowledge, count=len(closed_form)):
        lead = by_key[knowledge.diagnoses[row]]
        family = knowledge.family_of(lead.diagnosis)
        if family is None:
            found.append(_spoken_of_as(lead, None))
            continue
        is_claimed, withheld = what_may_be_said(lead, family, reading)
        if is_claimed and lead is causes[0]:
            found.append(_spoken_of_as(lead, withheld))
        else:
            found.append(_under_all_labels(lead, family, closed_form, bands, withheld, knowledge))
    return tuple(found)


def _spoken_of_as(cause: Cause, withheld: Claim | None) -> Disease:
    return Disease(cause.diagnosis, cause.label, cause.probability, cause.low, cause.high, withheld)


def _under_all_labels(
    lead: Cause,
    family: Family,
    closed_form: Floats,
    bands: Bands,
    withheld: Claim | None,
    knowledge: Knowledge,
) -> Disease:
    rows = [knowledge.diagnoses.index(d) for d in knowledge.disease(lead.diagnosis)]
    probability = float(closed_form[rows].sum())
    low, high = bands.interval(rows)
    low, high = min(low, probability), max(high, probability)
    named = sorted(
        (r for r in rows if closed_form[r] >= LEAST_LABEL), key=lambda r: -closed_form[r]
    )
    summed = tuple(knowledge.labels[knowledge.diagnoses[row]] for row in named)
    return Disease(lead.diagnosis, family.label, probability, low, high, withheld, summed)
