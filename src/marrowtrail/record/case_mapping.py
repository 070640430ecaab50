"""The table from entries of the case to findings, validated.

``vocabularies/case_findings.yaml`` explains its own form. A rule that names an unknown
finding or an entry that cannot exist is an error, not a rule that never fires.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from marrowtrail.record.case_entries import Entry, known_addresses
from marrowtrail.record.findings import FindingState
from marrowtrail.record.knowledge import checked, read_knowledge
from marrowtrail.record.vocabulary import vocabulary

NOT_COVERED = "no finding of the vocabulary covers it"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Row):
    """One kind of entry, and how its words or numbers are read."""

    entry: str
    present: tuple[str, ...] = (FindingState.PRESENT.value,)
    absent: tuple[str, ...] = (FindingState.ABSENT.value,)
    at_least: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _reads_one_way(self) -> Source:
        if both := set(self.present) & set(self.absent):
            raise ValueError(f"{self.entry}: {', '.join(sorted(both))} cannot mean both")
        return self

    def state_of(self, entry: Entry) -> FindingState | None:
        """What an entry says; ``None`` when it says nothing about this finding."""
        if self.at_least is not None or self.below is not None:
            return self._band(entry.number)
        if entry.word in self.present:
            return FindingState.PRESENT
        if entry.word in self.absent:
            return FindingState.ABSENT
        shared = (FindingState.EQUIVOCAL, FindingState.NOT_DONE)
        return next((state for state in shared if entry.word == state.value), None)

    def _band(self, number: float | None) -> FindingState | None:
        if number is None:
            return None
        inside = (self.at_least is None or number >= self.at_least) and (
            self.below is None or number < self.below
        )
        return FindingState.PRESENT if inside else FindingState.ABSENT


class Rule(_Row):
    """A finding and the entries that speak of it."""

    finding: str
    absence: Literal["any", "all", "never"] = "any"
    sources: tuple[Source, ...] = Field(min_length=1)

    def source(self, address: str) -> Source | None:
        """The source for entries of an address."""
        return next((source for source in self.sources if source.entry == address), None)


class Unmapped(_Row):
    """A kind of entry that no finding covers; ``entry`` may name a whole block."""

    entry: str
    reason: str


class CaseMapping(_Row):
    """All rules."""

    rules: tuple[Rule, ...]
    unmapped: tuple[Unmapped, ...]

    @model_validator(mode="after")
    def _names_exist(self) -> CaseMapping:
        findings = [rule.finding for rule in self.rules]
        known = {term.key for term in vocabulary().findings}
        if missing := sorted(set(findings) - known):
            raise ValueError(f"no finding of the vocabulary: {', '.join(missing)}")
        if twice := sorted({key for key in findings if findings.count(key) > 1}):
            raise ValueError(f"two rules for {', '.join(twice)}")
        addresses = known_addresses()
        entries = {source.entry for rule in self.rules for source in rule.sources}
        if unknown := sorted(entries - addresses):
            raise ValueError(f"no entry has the address {', '.join(unknown)}")
        for row in self.unmapped:
            if not any(_covers(row.entry, address) for address in addresses):
                raise ValueError(f"no entry has the address {row.entry}")
        return self

    def reason_unmapped(self, address: str) -> str:
        """Why no finding covers entries of an address."""
        rows = (row.reason for row in self.unmapped if _covers(row.entry, address))
        return next(rows, NOT_COVERED)


def _covers(block: str, address: str) -> bool:
    return address == block or address.startswith(f"{block}.")


@cache
def case_mapping() -> CaseMapping:
    """The table of this version, read and validated once."""
    return checked(CaseMapping, read_knowledge("case_findings"))
