"""The words of ``case.yaml`` beside the vocabularies: risks, illnesses, tests, treatments.

They are data (``vocabularies/case_words.yaml``), validated when first used. What a word
means for a finding is told by ``vocabularies/case_findings.yaml``.
"""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

from marrowtrail.record.knowledge import checked, read_knowledge
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary

COMMON_STATES = ("equivocal", "not_done")
"""Words that a laboratory or DXA result may have beside its own."""


class _Word(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    label: str


class NamedWord(_Word):
    """A word with nothing to it but its label."""


class LaboratoryTest(_Word):
    """A test, the words its result may have, and the units of its value."""

    states: tuple[str, ...]
    units: tuple[str, ...] = ()


class TreatmentWord(_Word):
    """A treatment and the class whose response the literature reports."""

    treatment_class: str


class StructureWord(_Word):
    """A meniscus, ligament, tendon or cartilage of a joint."""

    joint: str
    tissue: str


class ChangeWord(_Word):
    """What may be wrong with a structure, and with which tissues it goes."""

    tissues: tuple[str, ...]


_W = TypeVar("_W", bound=_Word)


class CaseWords(BaseModel):
    """All lists, each in the order of its file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    risk_factors: tuple[NamedWord, ...]
    comorbidities: tuple[NamedWord, ...]
    laboratory: tuple[LaboratoryTest, ...]
    treatments: tuple[TreatmentWord, ...]
    structures: tuple[StructureWord, ...]
    changes: tuple[ChangeWord, ...]
    dxa_sites: tuple[NamedWord, ...]

    @model_validator(mode="after")
    def _lists_agree(self) -> CaseWords:
        for name in type(self).model_fields:
            keys = self.keys(name)
            twice = sorted({key for key in keys if keys.count(key) > 1})
            if twice:
                raise ValueError(f"{name}: {', '.join(twice)} stands there twice")
        joints = {joint.key for joint in vocabulary().joints}
        tissues = {structure.tissue for structure in self.structures}
        for structure in self.structures:
            if structure.joint not in joints:
                raise ValueError(f"{structure.key}: {structure.joint!r} is no joint")
        for change in self.changes:
            if not set(change.tissues) <= tissues:
                raise ValueError(f"{change.key}: a tissue that no structure has")
        return self

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys of one list, as ``comorbidities``."""
        return tuple(word.key for word in getattr(self, name))

    def laboratory_test(self, key: str) -> LaboratoryTest:
        """The test of that key, or :class:`UnknownWordError`."""
        return _find(self.laboratory, key)

    def treatment(self, key: str) -> TreatmentWord:
        """The treatment of that key, or :class:`UnknownWordError`."""
        return _find(self.treatments, key)

    def structure(self, key: str) -> StructureWord:
        """The structure of that key, or :class:`UnknownWordError`."""
        return _find(self.structures, key)

    def changes_of(self, tissue: str) -> tuple[str, ...]:
        """Keys of the changes that a tissue may have."""
        return tuple(change.key for change in self.changes if tissue in change.tissues)

    def label(self, name: str, key: str) -> str:
        """The plain-language label of a word of one list, or :class:`UnknownWordError`."""
        entries: tuple[_Word, ...] = getattr(self, name)
        return _find(entries, key).label


@cache
def case_words() -> CaseWords:
    """The lists of this version, read and validated once."""
    return checked(CaseWords, read_knowledge("case_words"))


def _find(entries: tuple[_W, ...], key: str) -> _W:
    for entry in entries:
        if entry.key == key:
            return entry
    raise UnknownWordError(f"{key!r} is no word of the case record.")
