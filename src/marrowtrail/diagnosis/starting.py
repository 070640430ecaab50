"""Where reasoning starts: the prior of a setting at the joint where the oedema began."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from marrowtrail.diagnosis.arrays import Floats
from marrowtrail.diagnosis.course import label_shares
from marrowtrail.diagnosis.joints import joints_of_site
from marrowtrail.diagnosis.knowledge_base import NONE_OF_THESE, Knowledge
from marrowtrail.diagnosis.schema import Family, JointPrior, Setting, Weights
from marrowtrail.errors import InputError
from marrowtrail.record.findings import Finding, FindingState

LOWER_LIMB = ("hip", "knee", "ankle_foot")


def prior(
    knowledge: Knowledge, setting_key: str, joints: Sequence[str], days_followed: float = 0.0
) -> Floats:
    """(D,) starting probabilities, the class for none of these last.

    Parameters
    ----------
    setting_key
        A setting of the priors.
    joints
        Where the oedema began, as the priors list joints; the mean of the lower limb's where
        that is not known.
    days_followed
        From the first oedema to the last look at its course: the longer, the more of a disease
        that moves has moved.

    Raises
    ------
    InputError
        If there is no such setting.
    """
    setting = knowledge.setting(setting_key)
    if setting is None:
        names = ", ".join(s.key for s in knowledge.priors.settings)
        raise InputError(
            f"No setting {setting_key!r} in the priors.",
            where="setting",
            remedy=f"Choose one of {names}.",
        )
    by_joint = {entry.joint: entry for entry in knowledge.priors.joints}
    listed = [by_joint[j] for j in joints if j in by_joint] or [by_joint[j] for j in LOWER_LIMB]
    named = [d for d in knowledge.diagnoses if d != NONE_OF_THESE]
    known = label_shares(knowledge.course, knowledge.diagnoses, days_followed)
    shares = np.mean([_shares(entry, setting, knowledge, named, known) for entry in listed], axis=0)
    rest = knowledge.priors.none_of_these
    starting: Floats = np.append((1.0 - rest) * shares, rest)
    return starting


def joints_of_onset(findings: Sequence[Finding], knowledge: Knowledge) -> tuple[str, ...]:
    """Joints where oedema was first seen, as the priors list them; else where it began to hurt.

    Empty if neither is known.
    """
    return _joints_seen(findings) or _joints_told(findings, knowledge)


def _joints_told(findings: Iterable[Finding], knowledge: Knowledge) -> tuple[str, ...]:
    told = {f.key for f in findings if f.state is FindingState.PRESENT}
    by_finding = knowledge.priors.joint_of_finding
    return tuple(sorted({joint for key, joint in by_finding.items() if key in told}))


def _joints_seen(findings: Iterable[Finding]) -> tuple[str, ...]:
    present = [f for f in findings if f.state is FindingState.PRESENT]
    seen = [f for f in present if f.key == "bme_present"] or [f for f in present if f.site]
    first = min((f.visit for f in seen if f.visit), default=None)
    sites = [f.site for f in seen if f.site and (first is None or f.visit in (first, None))]
    return tuple(sorted({joint for site in sites for joint in joints_of_site(site)}))


def _shares(
    entry: JointPrior,
    setting: Setting,
    knowledge: Knowledge,
    named: Sequence[str],
    labels: Mapping[str, float],
) -> Floats:
    """(D - 1,) shares of the named diagnoses at one joint."""
    weights = np.array(
        [
            _weight(entry, d, knowledge.priors.weights, flat=setting.flat)
            * setting.multipliers.get(d, 1.0)
            for d in named
        ]
    )
    for family in knowledge.families:
        _share_out(weights, family, named, labels, knowledge)
    shares: Floats = weights / weights.sum()
    for known in setting.families:
        is_member = np.array([knowledge.groups[d] == known.family for d in named])
        shares[is_member] *= known.share / shares[is_member].sum()
        shares[~is_member] *= (1.0 - known.share) / shares[~is_member].sum()
    return shares


def _share_out(
    weights: Floats,
    family: Family,
    named: Sequence[str],
    labels: Mapping[str, float],
    knowledge: Knowledge,
) -> None:
    """Give the labels of a disease their known shares of its weight; the rest keep their ratios."""
    members = [named.index(d) for d in named if knowledge.groups[d] == family.key]
    known = {i: labels[named[i]] for i in members if named[i] in labels}
    total = weights[members].sum()
    others = [i for i in members if i not in known]
    weights[others] *= (1.0 - sum(known.values())) * total / weights[others].sum()
    for i, share in known.items():
        weights[i] = share * total


def _weight(entry: JointPrior, diagnosis: str, weights: Weights, *, flat: bool) -> float:
    for word in ("very_common", "common", "uncommon", "rare", "very_rare"):
        if diagnosis in getattr(entry, word):
            return 1.0 if flat else float(getattr(weights, word))
    return weights.not_listed
