"""What is searched, found, fetched and stored. Nothing here shows a patient when it is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

Row = Mapping[str, str]
"""One answer to a search: DICOM keywords with their first value as text."""

Take = Callable[[bytes], None]
"""Takes a DICOM file that was sent; raises ``Unwanted`` or ``InputError``."""


class Level(StrEnum):
    """What a search looks for, in the words of the query model."""

    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"


@dataclass(frozen=True, slots=True)
class Search:
    """One of: the patient's id, an accession number, studies by their UID."""

    patient_id: str = field(default="", repr=False)
    accession: str = field(default="", repr=False)
    study_uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PatientKey:
    """What tells patients apart, as in ``imaging.patients``; a name does not."""

    patient_id: str = field(repr=False)
    issuer: str = field(repr=False)
    birth_date: str = field(repr=False)
    sex: str = field(repr=False)

    def contradicts(self, other: PatientKey) -> bool:
        """Two patients: other ids, or under one id another issuer, birth date or sex.

        What one of them leaves out contradicts nothing, but for the id.
        """
        pairs = (
            (self.issuer, other.issuer),
            (self.birth_date, other.birth_date),
            (self.sex, other.sex),
        )
        told = (one != two for one, two in pairs if one and two)
        return self.patient_id != other.patient_id or any(told)


def patient_key(value: Callable[[str], str]) -> PatientKey:
    """The key of what ``value`` reads by keyword: a header, or an answer to a search."""
    sex = value("PatientSex").strip().upper()
    return PatientKey(
        value("PatientID").strip(),
        value("IssuerOfPatientID").strip(),
        value("PatientBirthDate").strip(),
        sex if sex in ("F", "M") else "",
    )


@dataclass(frozen=True, slots=True, order=True)
class Instance:
    """One object in the archive, by UIDs that ``names.is_uid`` has let through."""

    study_uid: str
    series_uid: str
    sop_uid: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is in the archive and was not asked for; ``is_doubtful`` where it may be missed."""

    what: str
    count: int
    reason: str
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What a search leads to, of one patient."""

    patient: PatientKey
    instances: tuple[Instance, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def studies(self) -> int:
        """Number of studies with an object."""
        return len({one.study_uid for one in self.instances})

    @property
    def series(self) -> int:
        """Number of series with an object."""
        return len({(one.study_uid, one.series_uid) for one in self.instances})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A DICOM file on its way to the archive."""

    path: Path
    instance: Instance
    sop_class_uid: str
    transfer_syntax_uid: str


class State(StrEnum):
    """What became of an object that was to be stored."""

    ACCEPTED = "accepted"
    WARNED = "accepted with a warning"
    THERE = "there already"
    REFUSED = "refused"
    UNSENT = "not sent"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the server said of one object."""

    name: str
    sop_uid: str
    state: State
    said: str = ""

    @property
    def is_stored(self) -> bool:
        """The archive has it."""
        return self.state not in (State.REFUSED, State.UNSENT)


class Archive(Protocol):
    """An archive, whichever protocol it speaks.

    Every method raises ``Dropped`` where another try may help, and ``InputError`` where not.
    """

    @property
    def where(self) -> str:
        """The address, without anything secret."""

    def find(self, level: Level, keys: Row, returned: Sequence[str]) -> tuple[Row, ...]:
        """Search a level. ``keys`` holds the UIDs of the levels above."""

    def fetch(self, wanted: Sequence[Instance], take: Take) -> None:
        """Have objects sent, each to ``take``; some may be missing afterwards."""

    def store(self, objects: Iterable[Outgoing]) -> Iterable[Verdict]:
        """Send objects, one verdict after the other."""

    def close(self) -> None:
        """End the connection."""
