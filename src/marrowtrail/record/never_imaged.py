"""Findings about a place that no image of the record shows."""

from __future__ import annotations

from collections.abc import Iterable

from marrowtrail.record.case import Case
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.sites import Site
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary


def never_imaged(case: Case, findings: Iterable[Finding]) -> tuple[str, ...]:
    """A sentence for each finding whose joint none of the listed series shows.

    Nothing is said where the record lists no series: then nobody knows what was imaged. The
    findings keep their weight, since a reader may have seen images that the record does not list.
    """
    imaged = {series.body_part for visit in case.visits for series in visit.series}
    if not imaged:
        return ()
    said = []
    for finding in findings:
        joints = _joints(finding.site) if finding.site else ()
        if joints and not imaged & set(joints) and finding.state is not FindingState.NOT_DONE:
            words = vocabulary()
            label, joint = words.finding(finding.key).label, words.joint(joints[0]).label
            said.append(f"{label}: no series of the record shows the {joint}; taken as entered")
    return tuple(dict.fromkeys(said))


def _joints(site: Site) -> tuple[str, ...]:
    words = vocabulary()
    try:
        joint = words.joint_of(site.bone, site.region) if site.region else None
        return (joint,) if joint else words.bone(site.bone).joints
    except UnknownWordError:
        return ()
