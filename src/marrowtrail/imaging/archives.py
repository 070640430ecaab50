"""Zip archives: their members are read where they are, never unpacked into the folder.

Nothing of an archive reaches the disk while a folder is scanned, so a member's name can lead
nowhere. Only an archive that is itself the patient is unpacked, into a private temporary
folder that is gone at the end (:func:`patient_folder`), because case records name files.
"""

from __future__ import annotations

import io
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, BinaryIO, Self, cast

from marrowtrail.errors import InputError
from marrowtrail.imaging.headers import DAMAGE, Rejected

MAX_MEMBERS = 200_000
"""Files in one archive: a patient with ten visits has some ten thousand."""

MAX_MEMBER_BYTES = 2 << 30
"""Of one unpacked file: the largest enhanced MR in use has a few hundred megabytes."""

MAX_ARCHIVE_BYTES = 32 << 30
"""Of all unpacked files of one archive."""

MAX_RATIO = 400.0
RATIO_COUNTS_FROM = 64 << 20
"""Images shrink two- to tenfold, empty masks a few hundredfold and are small; a larger file
that shrank more than that is made to fill a disk."""

MAX_DEPTH = 2
"""An archive, and archives directly in it, as a portal exports a download of downloads."""

_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_OTHER_STARTS = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf'\x1c",
    b"Rar!\x1a\x07",
    b"(\xb5/\xfd",
)
_TAR_AT, _TAR = 257, b"ustar"

ENCRYPTED = Rejected(
    "encrypted files in zip archives", "unpack the archive with its password first"
)
BROKEN = Rejected("damaged zip archives", "they cannot be read; copy or export them again")
BROKEN_MEMBER = Rejected(
    "damaged files in zip archives", "they cannot be unpacked; copy or export the archive again"
)
BOMB = Rejected(
    "zip archives too large to trust",
    "unpacked they would fill memory or disk; unpack them by hand if they are what you expect",
)
TOO_DEEP = Rejected("archives within archives within archives", "unpack the outer ones first")
OTHER_ARCHIVE = Rejected("other archives", "only zip archives are looked into; unpack them first")

LOST = frozenset({ENCRYPTED, BROKEN, BROKEN_MEMBER, BOMB, TOO_DEEP, OTHER_ARCHIVE})
"""Behind these may lie images that a run then lacks."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: the names that lead to it, and its bytes as a stream."""

    names: tuple[str, ...]
    stream: BinaryIO


def is_zip(start: bytes) -> bool:
    """Whether a file begins as a zip archive does, whatever it is called."""
    return start.startswith(_ZIP_STARTS)


def is_other_archive(start: bytes) -> bool:
    """Whether a file begins as gzip, bzip2, xz, 7z, rar, zstandard or tar does."""
    return start.startswith(_OTHER_STARTS) or start[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR


def is_skipped(name: str, endings: frozenset[str]) -> bool:
    """A hidden file, what a Mac adds to an archive, or one with an ending of no image."""
    parts = _parts(name)
    if not parts or "__MACOSX" in parts or parts[-1].startswith("."):
        return True
    return PurePosixPath(parts[-1]).suffix.lower() in endings


def _parts(name: str) -> tuple[str, ...]:
    """A member's path; some programs part it in the way of Windows."""
    return PurePosixPath(name.replace("\\", "/")).parts


def members(
    archive: Path | BinaryIO, skipped_endings: frozenset[str], before: tuple[str, ...] = ()
) -> Iterator[Member | Rejected]:
    """Every file of an archive and of archives directly in it, or why it cannot be read.

    A stream is good until the next member is asked for. ``before`` leads to the archive.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            infos = [one for one in opened.infolist() if not one.is_dir()]
            if _is_bomb(infos):
                yield BOMB
                return
            for info in infos:
                if not is_skipped(info.filename, skipped_endings):
                    yield from _member(opened, info, skipped_endings, before)
    except DAMAGE:
        yield BROKEN


def _member(
    opened: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    skipped_endings: frozenset[str],
    before: tuple[str, ...],
) -> Iterator[Member | Rejected]:
    if info.flag_bits & 1:
        yield ENCRYPTED
        return
    names = (*before, info.filename)
    try:
        with opened.open(info) as stream:
            start = stream.read(512)
        if is_other_archive(start):
            yield OTHER_ARCHIVE
        elif not is_zip(start):
            with opened.open(info) as stream:
                yield Member(names, cast(BinaryIO, stream))
        elif len(names) >= MAX_DEPTH:
            yield TOO_DEEP
        else:
            yield from members(io.BytesIO(opened.read(info)), skipped_endings, names)
    except DAMAGE:
        yield BROKEN_MEMBER


def _is_bomb(infos: list[zipfile.ZipInfo]) -> bool:
    """Sizes are those of the directory; zipfile unpacks no byte beyond them."""
    if len(infos) > MAX_MEMBERS or sum(one.file_size for one in infos) > MAX_ARCHIVE_BYTES:
        return True
    return any(
        one.file_size > MAX_MEMBER_BYTES
        or (
            one.file_size > RATIO_COUNTS_FROM
            and one.file_size > MAX_RATIO * max(one.compress_size, 1)
        )
        for one in infos
    )


class Opener:
    """Opens files, and members of archives, keeping the last archive open between them.

    Use it as a context; a member comes whole, as bytes in memory.
    """

    def __init__(self) -> None:
        self._key: tuple[Path, tuple[str, ...]] | None = None
        self._archive: zipfile.ZipFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def open(self, path: Path, names: tuple[str, ...] = ()) -> BinaryIO:
        """A file from its start. Raises one of :data:`~.headers.DAMAGE` where it is gone."""
        if not names:
            return path.open("rb")
        key = (path, names[:-1])
        if self._archive is None or key != self._key:
            self._close()
            self._archive, self._key = _archive_at(path, names[:-1]), key
        return io.BytesIO(self._archive.read(names[-1]))

    def _close(self) -> None:
        if self._archive is not None:
            self._archive.close()
        self._archive = self._key = None


def _archive_at(path: Path, names: tuple[str, ...]) -> zipfile.ZipFile:
    source: Path | IO[bytes] = path
    for name in names:
        with zipfile.ZipFile(source) as outer:
            source = io.BytesIO(outer.read(name))
    return zipfile.ZipFile(source)


@contextmanager
def patient_folder(patient: Path) -> Iterator[Path]:
    """The patient's folder; for a zip archive a private copy, gone when the context ends.

    An archive that holds one folder and nothing else stands for that folder.

    Raises
    ------
    InputError
        If the archive is encrypted, damaged or too large to trust.
    """
    if not patient.is_file() or not _begins_as_zip(patient):
        yield patient
        return
    with tempfile.TemporaryDirectory(prefix="marrowtrail-") as name:
        folder = Path(name)
        _unpack(patient, folder)
        inside = list(folder.iterdir())
        folder = inside[0] if len(inside) == 1 and inside[0].is_dir() else folder
        try:
            yield folder
        except InputError as error:
            where = error.where.replace(str(folder), str(patient))
            raise InputError(error.what, where=where, remedy=error.remedy) from error


def _begins_as_zip(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return is_zip(stream.read(4))
    except OSError:
        return False


def _unpack(patient: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(patient) as opened:
            infos = [one for one in opened.infolist() if not one.is_dir()]
            if _is_bomb(infos):
                raise _refused(BOMB, patient)
            if any(one.flag_bits & 1 for one in infos):
                raise _refused(ENCRYPTED, patient)
            for info in infos:
                _unpack_one(opened, info, folder)
    except InputError:
        raise
    except DAMAGE as error:
        raise _refused(BROKEN, patient) from error


def _unpack_one(opened: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> None:
    """One file below the folder; names that lead elsewhere, links and Mac extras are left out."""
    parts = _parts(info.filename)
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    if not parts or is_link or is_skipped(info.filename, frozenset()):
        return
    target = folder.joinpath(*(part for part in parts if part not in ("/", "..", ".")))
    if not target.resolve().is_relative_to(folder.resolve()):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(info) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy)


def _refused(why: Rejected, patient: Path) -> InputError:
    return InputError(
        f"Expected a zip archive with a patient's images; got one of {why.what}.",
        where=str(patient),
        remedy=why.reason,
    )
