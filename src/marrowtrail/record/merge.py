"""What a reader confirmed wins over what the program proposes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from marrowtrail.record.findings import Finding
from marrowtrail.record.sites import Site

ACCEPTED_BY_OPTION = "accepted as proposed (--accept-proposed)"
"""Stands in ``confirmed_by`` where nobody looked at each finding."""

_Place = tuple[str, Site | None, date | None]


def merge_findings(
    proposed: Iterable[Finding], from_reader: Iterable[Finding]
) -> tuple[Finding, ...]:
    """Proposed findings, each replaced by the reader's of the same key, site and visit.

    A reader's entry without a visit (as ``--no-dates`` writes them) holds for the whole
    record and stands in for every visit's proposal. Findings that only the reader has are
    added. An entry of the reader's file that is still a bare proposal gives nothing: the
    program proposes it anew, or no longer does.
    """
    readers = {_place(one): one for one in from_reader if one.is_confirmed}
    merged: list[Finding] = []
    used: set[_Place] = set()
    for one in proposed:
        dated, undated = _place(one), (one.key, one.site, None)
        place = dated if dated in readers else undated
        if place in used:
            continue
        merged.append(readers.get(place, one))
        used |= {place} & readers.keys()
    return (*merged, *(one for place, one in readers.items() if place not in used))


def accept_all(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Every proposed finding, recorded as accepted unread."""
    return tuple(
        one if one.is_confirmed else replace(one, confirmed_by=ACCEPTED_BY_OPTION)
        for one in findings
    )


def _place(finding: Finding) -> _Place:
    return finding.key, finding.site, finding.visit
