"""From a result's ``dicom/`` into an archive: segmentations, reports, the PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.failures import Dropped, NotOffered
from marrowtrail.exchange.pacs.hush import hushed
from marrowtrail.exchange.pacs.model import (
    Archive,
    Instance,
    Level,
    Outgoing,
    State,
    Verdict,
)
from marrowtrail.exchange.pacs.patience import Patience, Say, given_up, persist
from marrowtrail.imaging.headers import DAMAGE
from marrowtrail.result.stored import ANOTHER_RUN, read_stored


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of each object; ``stopped`` says why the rest was not sent."""

    verdicts: tuple[Verdict, ...]
    stopped: InputError | None = None

    @property
    def is_complete(self) -> bool:
        """The archive has every object."""
        return all(one.is_stored for one in self.verdicts)

    @property
    def has_warnings(self) -> bool:
        """The archive accepted something and changed or doubted it."""
        return any(one.state is State.WARNED for one in self.verdicts)

    def failure(self, where: str) -> InputError:
        """What is to be said where the archive does not have every object."""
        missing = [one for one in self.verdicts if not one.is_stored]
        why = f" {self.stopped.what}" if self.stopped else ""
        return InputError(
            f"Of {len(self.verdicts)} objects, {len(missing)} are not in the archive: "
            f"{', '.join(one.name for one in missing)}.{why}",
            where=where,
            remedy=self.stopped.remedy
            if self.stopped
            else "see what the archive said of each; given again, the command sends only these",
        )


def push(
    archive: Archive,
    result: Path,
    *,
    patience: Patience | None = None,
    say: Say = lambda _: None,
) -> Pushed:
    """Store the DICOM objects of a result; those that the archive has are not sent again.

    An object that differs in anything has another identifier, so one that is there is the same.

    Parameters
    ----------
    archive
        Where to.
    result
        The output folder of a run.
    patience
        How often to try.
    say
        Told what is being done.

    Raises
    ------
    InputError
        If nothing was sent: no result, no objects in it, or no way to the archive. Once anything
        was sent, what stopped the rest is in the answer instead.
    """
    patience = patience or Patience()
    with hushed():
        objects = outgoing(result)
        say("asking what is there already")
        there = persist(lambda: _there(archive, objects), patience, say, archive.where)
        pending = tuple(one for one in objects if one.instance not in there)
        said = {one.instance: _already(one) for one in objects if one.instance in there}
        stopped = _send(archive, pending, said, patience, say)
    verdicts = tuple(said.get(one.instance) or _unsent(one) for one in objects)
    if stopped is not None and all(one.state is State.UNSENT for one in verdicts):
        raise stopped
    return Pushed(verdicts, stopped)


def outgoing(result: Path) -> tuple[Outgoing, ...]:
    """The DICOM objects of a result, in the order of their names.

    Raises
    ------
    InputError
        If there is none, or a file is no DICOM object.
    """
    read_stored(result)
    paths = sorted(path for path in (result / "dicom").glob("*.dcm") if path.is_file())
    if not paths:
        raise InputError(
            "The result holds nothing in dicom/: its images did not come as DICOM.",
            where=str(result),
            remedy=ANOTHER_RUN,
        )
    return tuple(map(_read, paths))


def _read(path: Path) -> Outgoing:
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        instance = Instance(
            str(header.StudyInstanceUID), str(header.SeriesInstanceUID), str(header.SOPInstanceUID)
        )
        syntax = str(header.file_meta.TransferSyntaxUID)
        return Outgoing(path, instance, str(header.SOPClassUID), syntax)
    except (InvalidDicomError, *DAMAGE) as damage:
        raise InputError(
            "A DICOM object of the result cannot be read; nothing was sent.",
            where=str(path),
            remedy=ANOTHER_RUN,
        ) from damage


def _there(archive: Archive, objects: Sequence[Outgoing]) -> frozenset[Instance]:
    """Objects that the archive has; of one that cannot be searched, nobody knows."""
    try:
        return frozenset(one.instance for one in objects if _has(archive, one.instance))
    except NotOffered:
        return frozenset()


def _has(archive: Archive, one: Instance) -> bool:
    keys = {
        "StudyInstanceUID": one.study_uid,
        "SeriesInstanceUID": one.series_uid,
        "SOPInstanceUID": one.sop_uid,
    }
    rows = archive.find(Level.IMAGE, keys, ("SOPInstanceUID",))
    return any(row.get("SOPInstanceUID") == one.sop_uid for row in rows)


def _send(
    archive: Archive,
    pending: Sequence[Outgoing],
    said: dict[Instance, Verdict],
    patience: Patience,
    say: Say,
) -> InputError | None:
    """Send what is left until nothing is; what the archive says goes into ``said``."""
    failures, left = 0, tuple(pending)
    while left:
        try:
            for one, verdict in zip(left, archive.store(left), strict=True):
                said[one.instance] = verdict
                say(f"sending, {one.path.name}: {verdict.state}")
        except InputError as error:
            return error
        except Dropped as dropped:
            still = tuple(one for one in left if one.instance not in said)
            failures = failures + 1 if len(still) == len(left) else 1
            left = still
            if patience.is_over(failures):
                return given_up(dropped.reason, failures, archive.where)
            patience.wait(failures, dropped.reason, say)
        else:
            return None
    return None


def _already(one: Outgoing) -> Verdict:
    return Verdict(one.path.name, one.instance.sop_uid, State.THERE)


def _unsent(one: Outgoing) -> Verdict:
    return Verdict(one.path.name, one.instance.sop_uid, State.UNSENT)
