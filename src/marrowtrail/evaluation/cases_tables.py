"""The tables that translate published cases: words and places to findings, categories to diagnoses.

They are data (``tables/case_words.yaml`` and ``tables/case_gold.yaml``), validated when first
used: a word of the vocabulary or a diagnosis that does not exist is an error at once.
"""

from __future__ import annotations

import re
from functools import cache, cached_property
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from marrowtrail.record.findings import FindingState
from marrowtrail.record.vocabulary import vocabulary


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Statuses(_Row):
    """Words of a status by what they mean."""

    present: tuple[str, ...]
    absent: tuple[str, ...]
    equivocal: tuple[str, ...]
    raised: tuple[str, ...]
    lowered: tuple[str, ...]

    def state_of(self, word: str, reads: str) -> FindingState | None:
        """The state that a status says; ``None`` for a word that is not known.

        ``reads`` is ``raised`` or ``lowered`` for values that may leave the normal range on one
        side, of which the other side is absent; otherwise ``present``.
        """
        if reads != "present" and word in getattr(self, reads):
            return FindingState.PRESENT
        if reads != "present" and word in (*self.raised, *self.lowered):
            return FindingState.ABSENT
        for state in (FindingState.PRESENT, FindingState.ABSENT, FindingState.EQUIVOCAL):
            if word in getattr(self, state.value):
                return state
        return None


class WordRow(_Row):
    """An entry of a case and what it says of one finding."""

    entry: str
    finding: str
    present: FindingState | None = FindingState.PRESENT
    absent: FindingState | None = FindingState.ABSENT
    reads: Literal["present", "raised", "lowered"] = "present"
    where: Literal["anywhere", "surface"] = "anywhere"
    modalities: tuple[str, ...] = Field(default=(), alias="on")

    def state(self, said: FindingState) -> FindingState | None:
        """The state of the finding where the entry is in the state ``said``."""
        if said is FindingState.PRESENT:
            return self.present
        if said is FindingState.ABSENT:
            return self.absent
        return FindingState.EQUIVOCAL if self.present is FindingState.PRESENT else None


class Unused(_Row):
    """Entries that no finding takes up, and why."""

    reason: str
    entries: tuple[str, ...]


class CodePattern(_Row):
    """What a free code says; ``finding`` is null where it is known to say nothing."""

    pattern: str
    finding: str | None
    state: FindingState


class CodeList(_Row):
    """A list of free codes; a code that fits no pattern is unused for the reason ``otherwise``."""

    name: str = Field(alias="list")
    otherwise: str
    patterns: tuple[CodePattern, ...]


class Limit(_Row):
    """A limit for a value that comes without a word."""

    entry: str
    unit: str
    above: float | None = None
    below: float | None = None


class BonePattern(_Row):
    """A bone of a case as one of the vocabulary; ``joint`` where the region does not tell."""

    pattern: str
    bone: str | None
    region: str | None = None
    joint: str | None = None


class RegionPattern(_Row):
    """A region of a bone; ``surface`` marks one under a joint surface."""

    bone: str
    pattern: str
    region: str | None
    joint: str
    surface: bool = False


class JointPattern(_Row):
    """A painful site as a joint and as a finding."""

    pattern: str
    joint: str
    finding: str | None


class Mark(_Row):
    """A place that is a finding of its own; both patterns must fit."""

    bone: str
    region: str
    finding: str


class CaseWords(_Row):
    """``tables/case_words.yaml``."""

    statuses: Statuses
    rows: tuple[WordRow, ...]
    unused: tuple[Unused, ...]
    codes: tuple[CodeList, ...]
    limits: tuple[Limit, ...]
    bones: tuple[BonePattern, ...]
    regions: tuple[RegionPattern, ...]
    joints: tuple[JointPattern, ...]
    marks: tuple[Mark, ...]

    @model_validator(mode="after")
    def _findings_exist_and_patterns_compile(self) -> CaseWords:
        known = {term.key for term in vocabulary().findings}
        codes = [pattern for listed in self.codes for pattern in listed.patterns]
        named = {row.finding for row in self.rows} | {mark.finding for mark in self.marks}
        named |= {code.finding for code in codes if code.finding}
        named |= {joint.finding for joint in self.joints if joint.finding}
        if missing := sorted(named - known):
            raise ValueError(f"no finding of the vocabulary: {', '.join(missing)}")
        both = {row.entry for row in self.rows} & self.reasons.keys()
        if both:
            raise ValueError(f"both used and unused: {', '.join(sorted(both))}")
        for pattern in (
            *(one.pattern for one in codes),
            *(one.pattern for one in self.bones),
            *(one.pattern for one in self.regions),
            *(one.pattern for one in self.joints),
        ):
            re.compile(pattern)
        return self

    @cached_property
    def rows_of(self) -> dict[str, tuple[WordRow, ...]]:
        """Rows by entry."""
        entries = dict.fromkeys(row.entry for row in self.rows)
        return {e: tuple(row for row in self.rows if row.entry == e) for e in entries}

    @cached_property
    def reasons(self) -> dict[str, str]:
        """Why an entry is unused."""
        return {entry: row.reason for row in self.unused for entry in row.entries}

    def codes_of(self, name: str) -> CodeList | None:
        """The patterns of a list of codes."""
        return next((one for one in self.codes if one.name == name), None)


class Category(_Row):
    """A category of published cases."""

    family: str
    diagnoses: tuple[str, ...]


class Outside(_Row):
    """Diagnoses of no category, and why."""

    diagnoses: tuple[str, ...]
    reason: str


class CaseGold(_Row):
    """``tables/case_gold.yaml``."""

    categories: dict[str, Category]
    outside: tuple[Outside, ...]
    red_flags: dict[str, str]
    left_out_always: tuple[str, ...]

    @property
    def family_of(self) -> dict[str, str]:
        """Family of a category."""
        return {name: category.family for name, category in self.categories.items()}

    @model_validator(mode="after")
    def _every_diagnosis_has_one_place(self) -> CaseGold:
        listed = [d for c in self.categories.values() for d in c.diagnoses]
        listed += [d for row in self.outside for d in row.diagnoses]
        known = [term.key for term in vocabulary().diagnoses]
        if sorted(listed) != sorted(known):
            wrong = sorted(set(listed) ^ set(known)) or sorted(listed)
            raise ValueError(f"listed twice, missing or unknown: {', '.join(wrong)}")
        if not set(self.red_flags.values()) <= self.categories.keys():
            raise ValueError("a red flag of no category")
        return self


@cache
def case_words() -> CaseWords:
    """The table of words of this version."""
    return CaseWords.model_validate(_read("case_words"))


@cache
def case_gold() -> CaseGold:
    """The table of categories of this version."""
    return CaseGold.model_validate(_read("case_gold"))


def _read(name: str) -> object:
    path = resources.files("marrowtrail.evaluation") / "tables" / f"{name}.yaml"
    # the C loader knows the same YAML and is twenty times as fast
    return yaml.load(path.read_bytes(), yaml.CSafeLoader)
