"""The closed vocabularies: bones and their regions, joints, diagnoses, findings.

They are data (``vocabularies/*.yaml``), validated when first used; adding a region or a
diagnosis changes no code. A code stands beside a word only where it was verified in a
released file; ``verified: false`` marks one that was not.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

from marrowtrail.record.closed_lists import nearest
from marrowtrail.record.knowledge import checked, read_knowledge


class UnknownWordError(KeyError):
    """A word that the vocabulary does not hold."""

    def __str__(self) -> str:
        return str(self.args[0])


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Code(_Entry):
    """A code of a terminology, as ``SCT 71341001``."""

    scheme: str
    value: str
    meaning: str
    verified: bool


class Joint(_Entry):
    """A joint; ``level`` orders joints of the lower limb from the trunk down."""

    key: str
    label: str
    level: int
    lower_limb: bool


class Uncoded(StrEnum):
    """Why a part of a bone has no code.

    ``NOT_FOUND``: in none of the lists that were searched (DICOM PS3.16, FHIR's value set
    body-site, Uberon). ``OF_A_SCORE``: a score divides the bone so, anatomy does not.
    ``SEVERAL_PARTS``: it joins parts that have codes of their own.
    """

    NOT_FOUND = "not_found"
    OF_A_SCORE = "of_a_score"
    SEVERAL_PARTS = "several_parts"


class _Part(_Entry):
    """What region and subregion have in common: codes, or why there are none."""

    key: str
    label: str
    codes: tuple[Code, ...] = ()
    uncoded: Uncoded | None = None

    @model_validator(mode="after")
    def _has_codes_or_a_reason(self) -> Self:
        if self.codes and self.uncoded:
            raise ValueError(f"{self.key} has codes and says that it is uncoded")
        return self


class Subregion(_Part):
    """A finer part that lies in one region."""


class Region(_Part):
    """A named part of a bone and the joint it belongs to (``None`` for a shaft).

    ``subregions`` are finer parts of it; they need not fill it.
    """

    joint: str | None
    subregions: tuple[Subregion, ...] = ()


class BoneTerm(_Entry):
    """A bone, the name a clinician uses, and its regions.

    ``pieces`` is 1 for a single bone and more for a group that is named together, as the
    metatarsals.
    """

    key: str
    label: str
    adjective: str
    joints: tuple[str, ...]
    lower_limb: bool
    codes: tuple[Code, ...]
    regions: tuple[Region, ...]
    pieces: int = 1

    @property
    def subregions(self) -> tuple[Subregion, ...]:
        """Those of all regions, in their order."""
        return tuple(one for region in self.regions for one in region.subregions)

    def region(self, key: str) -> Region:
        """The region of that key.

        Raises
        ------
        UnknownWordError
            If the bone has no such region.
        """
        for region in self.regions:
            if region.key == key:
                return region
        raise UnknownWordError(
            f"The {self.label} has no region {key!r}; it has "
            f"{', '.join(r.key for r in self.regions)}."
        )


class DiagnosisTerm(_Entry):
    """A diagnosis, its family, and what clinicians call it."""

    key: str
    label: str
    short: str
    group: str
    synonyms: tuple[str, ...] = ()
    codes: tuple[Code, ...] = ()


class FindingTerm(_Entry):
    """A finding: its plain-language label, where it comes from, and how it behaves in time.

    ``domain`` is ``imaging``, ``clinical``, ``laboratory``, ``demographic``, ``history``,
    ``course`` or ``treatment``.
    """

    key: str
    label: str
    domain: str
    codes: tuple[Code, ...] = ()


_T = TypeVar("_T", BoneTerm, Joint, DiagnosisTerm, FindingTerm)


class Vocabulary(_Entry):
    """All words, each list in the order of its file."""

    bones: tuple[BoneTerm, ...]
    joints: tuple[Joint, ...]
    diagnoses: tuple[DiagnosisTerm, ...]
    findings: tuple[FindingTerm, ...]

    @model_validator(mode="after")
    def _words_are_unique_and_joints_exist(self) -> Vocabulary:
        for name in ("bones", "joints", "diagnoses", "findings"):
            keys = [entry.key for entry in getattr(self, name)]
            twice = sorted({key for key in keys if keys.count(key) > 1})
            if twice:
                raise ValueError(f"{name}: {', '.join(twice)} stands there twice")
        joints = {joint.key for joint in self.joints}
        for bone in self.bones:
            nested = [one.key for one in bone.subregions]
            if len(set(nested)) < len(nested):
                raise ValueError(f"{bone.key}: a subregion stands there twice")
            used = set(bone.joints) | {r.joint for r in bone.regions if r.joint}
            if not used <= joints:
                raise ValueError(f"{bone.key}: unknown joint {', '.join(sorted(used - joints))}")
        return self

    def bone(self, key: str) -> BoneTerm:
        """The bone of that key, or :class:`UnknownWordError`."""
        return _find(self.bones, key, "bone")

    def joint(self, key: str) -> Joint:
        """The joint of that key, or :class:`UnknownWordError`."""
        return _find(self.joints, key, "joint")

    def diagnosis(self, key: str) -> DiagnosisTerm:
        """The diagnosis of that key, or :class:`UnknownWordError`."""
        return _find(self.diagnoses, key, "diagnosis")

    def finding(self, key: str) -> FindingTerm:
        """The finding of that key, or :class:`UnknownWordError`."""
        return _find(self.findings, key, "finding")

    def joint_of(self, bone: str, region: str) -> str | None:
        """The joint that a region belongs to; ``None`` for a shaft or an unnamed region."""
        term = self.bone(bone)
        for candidate in term.regions:
            if candidate.key == region:
                return candidate.joint
        return term.joints[0] if len(term.joints) == 1 else None


@cache
def vocabulary() -> Vocabulary:
    """The words of this version, read and validated once."""
    names = ("bones", "joints", "diagnoses", "findings")
    return checked(Vocabulary, {name: read_knowledge(name) for name in names})


def _find(entries: tuple[_T, ...], key: str, kind: str) -> _T:
    for entry in entries:
        if entry.key == key:
            return entry
    meant = nearest(key, [entry.key for entry in entries])
    hint = f" Did you mean {meant!r}?" if meant else ""
    raise UnknownWordError(f"{key!r} is no {kind} of the vocabulary.{hint}")
