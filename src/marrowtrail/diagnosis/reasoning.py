"""From findings to a ranked differential: the story of this room on one screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from marrowtrail.diagnosis.answering import ledger_for
from marrowtrail.diagnosis.bands import Bands, draw_bands
from marrowtrail.diagnosis.bars import bars_for, leading_diseases
from marrowtrail.diagnosis.composites import Hypotheses, hypotheses
from marrowtrail.diagnosis.concluding import (
    NO_OEDEMA,
    WORTH_NAMING,
    Disease,
    conclude,
    what_may_be_said,
)
from marrowtrail.diagnosis.differential import Cause, Differential, TwoDiseases
from marrowtrail.diagnosis.engine import (
    Floats,
    group_evidence,
    group_likelihoods,
    mean_rates,
    posterior,
)
from marrowtrail.diagnosis.evidence import Reading, read_findings
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.next_steps import next_steps
from marrowtrail.diagnosis.red_flags import red_flags
from marrowtrail.diagnosis.schema import Claim, Family
from marrowtrail.diagnosis.starting import joints_of_onset, prior
from marrowtrail.record.findings import Finding, FindingState

DEFAULT_SETTING = "musculoskeletal_mri"


def diagnose(
    findings: Sequence[Finding],
    knowledge: Knowledge,
    *,
    setting: str = DEFAULT_SETTING,
    as_of: date | None = None,
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

    Raises
    ------
    InputError
        If there is no such setting.
    """
    told = [f for f in findings if as_of is None or f.visit is None or f.visit <= as_of]
    reading = read_findings(told, knowledge)
    joints = joints_of_onset(told)
    starting = prior(knowledge, setting, joints)
    if reading.oedema is FindingState.ABSENT:
        return _nothing_to_explain(starting, reading, knowledge, setting, as_of)
    groups = group_evidence(reading.evidence, knowledge)
    power = knowledge.calibration.likelihood_power
    likelihoods = group_likelihoods(groups, mean_rates(knowledge), power)
    known = hypotheses(starting, groups, knowledge)
    weighed = posterior(known.prior, known.spread(likelihoods))
    closed_form = known.fold(weighed)
    bands = draw_bands(groups, known, weighed, knowledge, power=power)

    causes = _causes(closed_form, bands, knowledge)
    diseases = _diseases(closed_form, bands, causes, reading, knowledge)
    bars = bars_for(groups, known, weighed, likelihoods, bands.likelihoods, knowledge)
    ledger = ledger_for(diseases[0].lead, reading, closed_form, knowledge)
    chosen = knowledge.setting(setting)
    assert chosen is not None  # prior() has refused an unknown setting
    return Differential(
        setting=setting,
        as_of=as_of,
        causes=causes,
        bars=bars,
        ledger=ledger,
        next_steps=next_steps(reading, closed_form, knowledge),
        red_flags=red_flags(reading, knowledge),
        conclusion=conclude(diseases, bars, ledger, reading, chosen, joints),
        unused=reading.unused,
        knowledge_version=knowledge.version,
        knowledge_hash=knowledge.hash,
        composites=_two_diseases(known, weighed, knowledge),
    )


def _two_diseases(
    known: Hypotheses, weighed: Floats, knowledge: Knowledge
) -> tuple[TwoDiseases, ...]:
    found = [
        TwoDiseases(c.key, c.label, knowledge.diagnoses[row], c.second, float(probability))
        for c, row, probability in zip(known.composites, known.counts_for, weighed, strict=True)
        if c is not None and probability >= WORTH_NAMING
    ]
    return tuple(sorted(found, key=lambda one: (-one.probability, one.key, one.diagnosis)))


def _nothing_to_explain(
    starting: Floats, reading: Reading, knowledge: Knowledge, setting: str, as_of: date | None
) -> Differential:
    """Without oedema nothing is weighed: the causes are the prior, and the conclusion says so."""
    known = hypotheses(starting, (), knowledge)
    bands = draw_bands((), known, known.prior, knowledge, draws=1)
    return Differential(
        setting=setting,
        as_of=as_of,
        causes=_causes(starting, bands, knowledge),
        bars=(),
        ledger=(),
        next_steps=(),
        red_flags=red_flags(reading, knowledge),
        conclusion=NO_OEDEMA,
        unused=reading.unused,
        knowledge_version=knowledge.version,
        knowledge_hash=knowledge.hash,
    )


def probabilities(
    findings: Sequence[Finding], knowledge: Knowledge, *, setting: str = DEFAULT_SETTING
) -> Floats:
    """(D,) posterior in the order of ``knowledge.diagnoses``: the closed form alone."""
    reading = read_findings(findings, knowledge)
    groups = group_evidence(reading.evidence, knowledge)
    power = knowledge.calibration.likelihood_power
    likelihoods = group_likelihoods(groups, mean_rates(knowledge), power)
    known = hypotheses(prior(knowledge, setting, joints_of_onset(findings)), groups, knowledge)
    return known.fold(posterior(known.prior, known.spread(likelihoods)))


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
    return Disease(lead.diagnosis, family.label, probability, low, high, withheld)
