"""The patient's folder on this side: files are put there whole, and known again.

``dicom/STUDY/SERIES/INSTANCE.dcm``, by UIDs that were checked. Beside them ``.pulled`` lists each
with its size and SHA-256, so that what is there and unaltered is not asked for again. Nothing of
another patient gets in.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.failures import Unwanted, not_written
from marrowtrail.exchange.pacs.model import Instance, PatientKey, patient_key
from marrowtrail.imaging.folder import scan
from marrowtrail.imaging.headers import FileRead, Header, read_file
from marrowtrail.result.folder import DOCUMENT

LIST = ".pulled"
IMAGES = "dicom"
_UNFINISHED = ".part"


@dataclass(frozen=True, slots=True)
class _Written:
    """A file as it was when it was put there."""

    size: int
    sha256: str


@dataclass(slots=True)
class Shelf:
    """A patient's folder. ``patient`` is whose objects it takes."""

    folder: Path
    patient: PatientKey = field(repr=False)
    _written: dict[str, _Written] = field(default_factory=dict)
    _whole: set[Instance] = field(default_factory=set)
    _ends_well: bool = True

    @classmethod
    def open(cls, folder: Path, patient: PatientKey) -> Shelf:
        """The folder as an earlier pull, or nobody, left it.

        Raises
        ------
        InputError
            If it is a result, no folder, or holds images of another patient.
        """
        if folder.exists() and not folder.is_dir():
            raise _not_a_place(folder, "A folder was expected, and a file of that name is there.")
        if (folder / DOCUMENT).is_file():
            raise _not_a_place(folder, "The folder holds a result, not a patient's images.")
        shelf = cls(folder, patient)
        try:
            shelf._read_list()
            for leftover in (folder / IMAGES).rglob(f".*{_UNFINISHED}"):
                leftover.unlink()
        except OSError as error:
            raise not_written(error, str(folder)) from error
        if folder.is_dir():
            for header in (one for found in _images(folder) for one in found):
                shelf._check_patient(header, "the folder, before anything was fetched")
        return shelf

    def missing(self, instances: Iterable[Instance]) -> tuple[Instance, ...]:
        """Those that are not there, or not as they were sent."""
        return tuple(one for one in instances if not self._holds(one))

    @property
    def whole(self) -> int:
        """Number of objects that are known to be there."""
        return len(self._whole)

    def put(self, content: bytes, wanted: frozenset[Instance]) -> None:
        """Put a file in its place, whole or not at all.

        Raises
        ------
        Unwanted
            If it is none of those that are wanted, or not whole.
        InputError
            If it is of another patient, or cannot be written.
        """
        header = _header(content)
        if header is None:
            raise Unwanted("the archive sent a damaged object")
        instance = _identity(header)
        if instance not in wanted:
            raise Unwanted("the archive sent an object that was not asked for")
        self._check_patient(header, f"the object {instance.sop_uid} as the archive sent it")
        path = self.folder / _place(instance)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, instance, content)
        except OSError as error:
            raise not_written(error, str(self.folder)) from error
        self._whole.add(instance)

    def _write(self, path: Path, instance: Instance, content: bytes) -> None:
        handle, name = tempfile.mkstemp(prefix=".", suffix=_UNFINISHED, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                # A power cut must not leave an empty file under the final name.
                os.fsync(stream.fileno())
            # First listed, then named: a file under its final name is always on the list.
            self._note(instance, _Written(len(content), hashlib.sha256(content).hexdigest()))
            os.replace(name, path)  # noqa: PTH105 (one call, as in the standard's words)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _holds(self, instance: Instance) -> bool:
        if instance in self._whole:
            return True
        place = _place(instance)
        said, path = self._written.get(place), self.folder / place
        if said is None or not path.is_file() or path.stat().st_size != said.size:
            return False
        with path.open("rb") as stream:
            is_whole = hashlib.file_digest(stream, "sha256").hexdigest() == said.sha256
        if is_whole:
            self._whole.add(instance)
        return is_whole

    def _check_patient(self, header: Header, where: str) -> None:
        if patient_key(header.text).contradicts(self.patient):
            raise InputError(
                "Expected one patient, and there are two: the images differ in patient id, "
                "issuer, birth date or sex. No image of another patient was written.",
                where=where,
                remedy="give each patient a folder of their own with --out; if they are one, have "
                "the archive's entries corrected first",
            )

    def _read_list(self) -> None:
        path = self.folder / LIST
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        self._ends_well = not text or text.endswith("\n")
        for line in text.splitlines():
            entry = _entry(line)
            if entry is not None:
                self._written[entry[0]] = entry[1]

    def _note(self, instance: Instance, written: _Written) -> None:
        place = _place(instance)
        line = json.dumps({"file": place, "bytes": written.size, "sha256": written.sha256})
        with (self.folder / LIST).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n" if self._ends_well else f"\n{line}\n")
        self._ends_well = True
        self._written[place] = written


def _place(instance: Instance) -> str:
    return f"{IMAGES}/{instance.study_uid}/{instance.series_uid}/{instance.sop_uid}.dcm"


def _entry(line: str) -> tuple[str, _Written] | None:
    """A line of the list; one that a full disk or a killed program cut short is none."""
    try:
        said = json.loads(line)
        return str(said["file"]), _Written(int(said["bytes"]), str(said["sha256"]))
    except (ValueError, KeyError, TypeError):
        return None


def _images(folder: Path) -> tuple[tuple[Header, ...], ...]:
    found = scan(folder)
    return found.images, found.segmentations


def _header(content: bytes) -> Header | None:
    """What a file says of itself, as ``run`` will read it; ``None`` if it is not whole."""
    read = read_file(BytesIO(content), Path(), (), (len(content), 0))
    if not isinstance(read, FileRead):
        return None
    pixels = read.header.pixels
    return None if pixels is not None and pixels.is_cut_short else read.header


def _identity(header: Header) -> Instance:
    words = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    return Instance(*map(header.text, words))


def _not_a_place(folder: Path, what: str) -> InputError:
    return InputError(what, where=str(folder), remedy="choose another folder with --out")
