"""The arithmetic of one case, once: prior, evidence, hypotheses and their probabilities.

Everything that explains a ranking (what would turn it, other priors, the audit sheet) starts here,
so that no explanation can disagree with the number it explains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marrowtrail.diagnosis.arrays import Floats
from marrowtrail.diagnosis.composites import Hypotheses, hypotheses
from marrowtrail.diagnosis.course import course_parts
from marrowtrail.diagnosis.engine import (
    Part,
    group_evidence,
    group_likelihoods,
    mean_rates,
    posterior,
)
from marrowtrail.diagnosis.evidence import Reading, read_findings
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.starting import joints_of_onset, prior
from marrowtrail.record.findings import Finding
from marrowtrail.record.treatments import Given


@dataclass(frozen=True, slots=True, eq=False)
class Weighing:
    """One case weighed.

    Parameters
    ----------
    starting
        (D,) starting probability of each diagnosis.
    likelihoods
        (D, G) of each group or part of the course, raised to the power of the knowledge.
    weighed
        (H,) probability of each hypothesis.
    closed_form
        (D,) probability of each diagnosis, composites folded in.
    """

    reading: Reading
    joints: tuple[str, ...]
    groups: tuple[Part, ...]
    starting: Floats
    hypotheses: Hypotheses
    likelihoods: Floats
    weighed: Floats
    closed_form: Floats
    given: tuple[Given, ...] = ()


def weigh(
    findings: Sequence[Finding], knowledge: Knowledge, setting: str, given: Sequence[Given] = ()
) -> Weighing:
    """Weigh a case in closed form; ``given`` are the treatments.

    Raises
    ------
    InputError
        If there is no such setting.
    """
    reading = read_findings(findings, knowledge, given)
    joints = joints_of_onset(findings, knowledge)
    groups: tuple[Part, ...] = (
        *group_evidence(reading.evidence, knowledge),
        *course_parts(reading.course, knowledge.course, knowledge.diagnoses),
    )
    starting = prior(knowledge, setting, joints, reading.days_followed)
    known = hypotheses(starting, groups, knowledge, reading.days_followed)
    power = knowledge.calibration.likelihood_power
    likelihoods = group_likelihoods(groups, mean_rates(knowledge), power)
    weighed = posterior(known.prior, known.spread(likelihoods))
    return Weighing(
        reading,
        joints,
        groups,
        starting,
        known,
        likelihoods,
        weighed,
        known.fold(weighed),
        tuple(given),
    )


def under_another_prior(case: Weighing, knowledge: Knowledge, setting: str) -> Floats:
    """(D,) probabilities of the same evidence under another setting's prior."""
    starting = prior(knowledge, setting, case.joints, case.reading.days_followed)
    known = hypotheses(starting, case.groups, knowledge, case.reading.days_followed)
    return known.fold(posterior(known.prior, known.spread(case.likelihoods)))
