"""A finding as ``case.yaml`` and ``findings.yaml`` write it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from marrowtrail.record.closed_lists import unknown_word
from marrowtrail.record.contradictions import Contradiction, Part
from marrowtrail.record.field_types import (
    AnySide,
    BoneWord,
    Day,
    FindingWord,
    Reason,
    RegionWord,
    State,
    words,
)
from marrowtrail.record.findings import SOFTWARE, Finding, FindingState
from marrowtrail.record.sites import Side, Site
from marrowtrail.record.vocabulary import vocabulary

READER = "reader"
CASE_FILE = "case.yaml"

Confirmer = Annotated[
    str,
    Field(
        min_length=1,
        max_length=80,
        description="Who stands behind a proposed finding: a role or code, never a name.",
    ),
]


class SiteEntry(Part):
    """A bone, its side and, where known, a region of that bone."""

    bone: BoneWord
    side: AnySide = Side.UNKNOWN
    region: RegionWord | None = None

    @field_validator("region")
    @classmethod
    def _region_of_the_bone(cls, region: str | None, info: ValidationInfo) -> str | None:
        bone = info.data.get("bone")
        if region is not None and bone is not None:
            regions = [term.key for term in vocabulary().bone(bone).regions]
            if region not in regions:
                raise unknown_word("region", region, regions)
        return region

    def as_site(self) -> Site:
        """The value object that the other rooms use."""
        return Site(self.bone, self.side, self.region)


class FindingEntry(Part):
    """A finding in any of its four states, and who stands behind it."""

    finding: FindingWord
    state: State
    reason: Reason | None = None
    site: SiteEntry | None = None
    visit: Day | None = None
    explanation: Annotated[str, Field(max_length=2000)] = ""
    entered_by: Annotated[str, words("author", READER, CASE_FILE, SOFTWARE)] = READER
    confirmed_by: Confirmer | None = None

    def contradictions(self) -> Iterable[Contradiction]:
        """Not done needs a reason; nothing else has one."""
        return reason_contradictions(self.state, self.reason is not None)

    def as_finding(self) -> Finding:
        """The value object that reasoning takes."""
        return Finding(
            key=self.finding,
            state=self.state,
            site=self.site.as_site() if self.site else None,
            visit=self.visit,
            reason=self.reason,
            explanation=self.explanation,
            entered_by=self.entered_by,
            confirmed_by=self.confirmed_by,
        )

    @classmethod
    def from_finding(cls, finding: Finding) -> FindingEntry:
        """The entry that writes a finding down."""
        site = finding.site
        return cls(
            finding=finding.key,
            state=finding.state,
            reason=finding.reason,
            site=SiteEntry(bone=site.bone, side=site.side, region=site.region) if site else None,
            visit=finding.visit,
            explanation=finding.explanation,
            entered_by=finding.entered_by,
            confirmed_by=finding.confirmed_by,
        )


def reason_contradictions(state: str | None, has_reason: bool) -> Iterable[Contradiction]:
    """The one rule of reasons: *not_done* has one, everything else has none."""
    if state == FindingState.NOT_DONE and not has_reason:
        yield Contradiction(
            ("state",),
            "is not_done without a reason; add reason: not_performed, "
            "not_assessable or not_reported",
        )
    if state != FindingState.NOT_DONE and has_reason:
        yield Contradiction(("reason",), "belongs to state: not_done only")
