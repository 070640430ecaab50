"""What a search leads to: the studies of one patient, and in them the objects that are wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.model import (
    Archive,
    Instance,
    LeftOut,
    Level,
    Listing,
    PatientKey,
    Row,
    Search,
    patient_key,
)
from marrowtrail.exchange.pacs.names import is_code, is_uid
from marrowtrail.imaging.folder import ENHANCED_MR_IMAGES, MR_IMAGE

MR = "MR"

_PATIENT = ("PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")
_COUNTED = "NumberOfSeriesRelatedInstances"
"""What a server may tell of a series: a list that is shorter lacks something."""

_NO_UID = "their identifier is no UID, which is no name for a file"
_NOT_LISTED = "the archive counts them and does not list them"
_MATCHES_SEVERAL = frozenset("*?\\")
"""Signs that make a search match more than it says (PS3.4 C.2.2.2)."""

_LONGEST = 64
"""Letters of a patient id (PS3.5 6.2, LO)."""


def checked(search: Search) -> Search:
    """The search without blanks around its words.

    Raises
    ------
    InputError
        If it could match more than one patient by design, or nothing.
    """
    texts = (search.patient_id.strip(), search.accession.strip())
    if sum(map(bool, (*texts, search.study_uids))) != 1:
        raise _no_search("One of patient id, accession number and study UID was expected.")
    if any(_MATCHES_SEVERAL & set(text) or not text.isprintable() for text in texts):
        raise _no_search("A patient id or accession number holds no *, ? or backslash.")
    if any(len(text) > _LONGEST for text in texts):
        raise _no_search(f"A patient id or accession number has at most {_LONGEST} letters.")
    if not all(is_uid(uid) for uid in search.study_uids):
        raise _no_search("A study UID is digits and dots, at most 64 characters.")
    return Search(*texts, tuple(dict.fromkeys(search.study_uids)))


def list_images(archive: Archive, search: Search, modalities: Sequence[str]) -> Listing:
    """Find the objects of a patient.

    Parameters
    ----------
    archive
        Whom to ask.
    search
        As :func:`checked` returns it.
    modalities
        Of series that are wanted. In series of MR, only images are.

    Raises
    ------
    InputError
        If nothing matches, several patients do, or no series is wanted.
    Dropped
        If the archive does not answer.
    """
    studies = _studies(archive, search)
    if not studies:
        raise InputError(
            "No study in the archive matches.",
            where=archive.where,
            remedy="check the number, letter by letter, and whether the archive shows the study "
            "to this computer",
        )
    patient = _one_patient(studies, archive.where)
    found = _Found(archive, frozenset(modalities))
    for row in studies:
        found.add_study(row)
    if not found.instances:
        seen = ", ".join(f"{one.count} {one.what}" for one in found.left_out()) or "nothing"
        raise InputError(
            f"The studies that match ({len(studies)}) hold no {' or '.join(modalities)} images: "
            f"{seen}.",
            where=archive.where,
            remedy="check that these are the studies that you mean; --modality asks for others",
        )
    return Listing(patient, tuple(sorted(set(found.instances))), found.left_out())


@dataclass(slots=True)
class _Found:
    """What was found so far."""

    archive: Archive
    modalities: frozenset[str]
    instances: list[Instance] = field(default_factory=list)
    aside: Counter[tuple[str, str, bool]] = field(default_factory=Counter)

    def add_study(self, row: Row) -> None:
        uid = row.get("StudyInstanceUID", "")
        if not is_uid(uid):
            self.aside["studies", _NO_UID, True] += 1
            return
        wanted = ("SeriesInstanceUID", "Modality", _COUNTED)
        for one in self.archive.find(Level.SERIES, {"StudyInstanceUID": uid}, wanted):
            self._add_series(uid, one)

    def _add_series(self, study_uid: str, row: Row) -> None:
        uid, modality = row.get("SeriesInstanceUID", ""), row.get("Modality", "")
        if modality not in self.modalities:
            name = modality if is_code(modality) else "of no known kind"
            self.aside[f"series {name}", "another kind than was asked for", False] += 1
            return
        if not is_uid(uid):
            self.aside["series", _NO_UID, True] += 1
            return
        keys = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": uid}
        found = self.archive.find(Level.IMAGE, keys, ("SOPInstanceUID", "SOPClassUID"))
        for one in found:
            self._add_instance(study_uid, uid, one, only_images=modality == MR)
        counted = row.get(_COUNTED, "")
        unlisted = int(counted) - len(found) if counted.isdecimal() else 0
        if unlisted > 0:
            self.aside["objects", _NOT_LISTED, True] += unlisted

    def _add_instance(self, study: str, series: str, row: Row, *, only_images: bool) -> None:
        uid, kind = row.get("SOPInstanceUID", ""), row.get("SOPClassUID", "")
        # A server need not tell the kind; then the file itself will.
        if only_images and kind and kind != MR_IMAGE and kind not in ENHANCED_MR_IMAGES:
            self.aside["objects in MR series", "they are no MR images", False] += 1
        elif not is_uid(uid):
            self.aside["objects", _NO_UID, True] += 1
        else:
            self.instances.append(Instance(study, series, uid))

    def left_out(self) -> tuple[LeftOut, ...]:
        rows = sorted(self.aside.items())
        return tuple(LeftOut(what, count, why, doubt) for (what, why, doubt), count in rows)


def _studies(archive: Archive, search: Search) -> tuple[Row, ...]:
    """Studies that match to the letter: servers match more freely, or overlook a key."""
    returned = ("StudyInstanceUID", "AccessionNumber", *_PATIENT)
    rows = [
        row
        for key, value in _keys(search)
        for row in archive.find(Level.STUDY, {key: value}, returned)
        if row.get(key, "").strip() == value
    ]
    unique = {row.get("StudyInstanceUID", ""): row for row in rows}
    missing = set(search.study_uids) - unique.keys()
    if missing and unique:
        raise InputError(
            f"Of the studies asked for, {len(missing)} are not in the archive.",
            where=", ".join(sorted(missing)),
            remedy="check these UIDs, or leave them out",
        )
    return tuple(unique[uid] for uid in sorted(unique))


def _keys(search: Search) -> Iterator[tuple[str, str]]:
    if search.patient_id:
        yield "PatientID", search.patient_id
    elif search.accession:
        yield "AccessionNumber", search.accession
    else:
        yield from (("StudyInstanceUID", uid) for uid in search.study_uids)


def _one_patient(studies: Sequence[Row], where: str) -> PatientKey:
    """The patient of all studies, with what any of them tells.

    Raises
    ------
    InputError
        If there are several, or if without an id nobody can tell.
    """
    keys = [patient_key(partial(_value, row)) for row in studies]
    several = any(one.contradicts(two) for one in keys for two in keys)
    if several or (len(studies) > 1 and not keys[0].patient_id):
        why = "belong to several patients" if several else "carry no patient id"
        listed = [row.get("StudyInstanceUID", "") for row in studies]
        raise InputError(
            f"The {len(studies)} studies that match {why}; nothing was fetched.",
            where=f"{where}, studies {', '.join(uid for uid in listed if is_uid(uid))}",
            remedy="fetch each patient into a folder of their own, with --study UID (several "
            "times for several studies of one patient)",
        )
    return PatientKey(
        keys[0].patient_id,
        _any(one.issuer for one in keys),
        _any(one.birth_date for one in keys),
        _any(one.sex for one in keys),
    )


def _value(row: Row, keyword: str) -> str:
    return row.get(keyword, "")


def _any(values: Iterable[str]) -> str:
    return next(filter(None, values), "")


def _no_search(what: str) -> InputError:
    return InputError(
        what, where="the search", remedy="give exactly one of --patient, --accession and --study"
    )
