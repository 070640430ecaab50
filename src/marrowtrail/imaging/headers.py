"""The header of one image: the few facts that sorting needs, without pixels.

Values are decoded once, when the file is opened, and kept as text. One that breaks the
standard's rules is treated as missing: it must not cost the file, let alone the run.
"""

from __future__ import annotations

import math
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from marrowtrail.imaging.elements import Found, Irregular, Item, find_elements
from marrowtrail.imaging.slice_place import SlicePlace, slice_place
from marrowtrail.imaging.tags import SEQUENCES, TAGS

DAMAGE = (
    AttributeError,
    BytesLengthException,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What pydicom and zipfile raise on files that are cut short or altered: they have no one class
for them. Found by cutting and altering files at random, as the tests still do."""

_STARTS_WITHOUT_PREAMBLE = (b"\x08\x00", b"\x02\x00", b"\x00\x08")
"""Files written without the 128-byte preamble begin with group 0008 or 0002."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's and highdicom's remarks on odd values off the user's terminal.

    Files from hospitals break many small rules (a decimal with 17 characters, a UID with a
    leading zero). What matters for reading is checked in this room and said in its own
    words; the rest would bury it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@dataclass(frozen=True, slots=True)
class Rejected:
    """What something in the folder is, and why it is not used."""

    what: str
    reason: str


NOT_DICOM = Rejected("other files", "they are not DICOM images")
DAMAGED = Rejected("damaged files", "they begin as DICOM and cannot be read; copy them again")
UNREADABLE = Rejected("unreadable files", "they cannot be opened")


@dataclass(frozen=True, slots=True)
class PixelPlace:
    """Where a file keeps its pixels, as the scan found it.

    Parameters
    ----------
    offset
        Bytes from the start of the file.
    length
        In bytes; ``None`` where compressed pixels come in fragments.
    stamp
        Size of the file in bytes and time of its last change in ns: the offset holds only as
        long as they do. ``None`` for a member of an archive.
    """

    offset: int
    length: int | None
    stamp: tuple[int, int] | None = None

    @property
    def is_cut_short(self) -> bool:
        """The file ends before its pixels do; not known of archives and fragments."""
        if self.stamp is None or self.length is None:
            return False
        return self.offset + self.length > self.stamp[0]


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """One image, be it a file or a frame of one: where it is, and its header without pixels.

    ``place`` is ``None`` where the header does not say where the slice lies. ``members`` leads
    through archives to the file (the outermost first), ``frame`` counts from 0 and is ``None``
    in a single-frame file, ``pixels`` is ``None`` where only pydicom finds them.
    """

    path: Path
    transfer_syntax: UID
    values: Mapping[str, tuple[str, ...]]
    place: SlicePlace | None
    members: tuple[str, ...] = ()
    frame: int | None = None
    pixels: PixelPlace | None = None

    def text(self, name: str) -> str:
        """A tag as text; empty where it is missing."""
        return " ".join(self.values.get(name, ())).strip()

    def number(self, name: str) -> float | None:
        """A tag as a finite number (its first value); ``None`` where it is none."""
        values = self.values.get(name)
        try:
            number = float(values[0]) if values else math.nan
        except ValueError:
            return None
        return number if math.isfinite(number) else None

    def words(self, name: str) -> tuple[str, ...]:
        """A tag with several values as upper-case words."""
        return tuple(word for one in self.values.get(name, ()) if (word := one.strip().upper()))


@dataclass(frozen=True, slots=True, eq=False)
class FileRead:
    """A file's header, its sequences, and the class that its file header names.

    ``has_pixels`` is also true where only reading them will tell.
    """

    header: Header
    item: Item
    media_class: str
    has_pixels: bool


def read_file(
    stream: BinaryIO,
    path: Path,
    members: tuple[str, ...] = (),
    stamp: tuple[int, int] | None = None,
) -> FileRead | Rejected:
    """The header of an open file, or why it has none. Call it within :func:`quiet`.

    ``path``, ``members`` and ``stamp`` go into the header, which is read from ``stream``.
    """
    try:
        found = find_elements(stream)
    except Irregular:
        return read_irregular(stream, path, members)
    except DAMAGE:
        return DAMAGED
    if not found.item.values and not found.media_class:
        return NOT_DICOM
    is_placed = found.offset is not None and found.syntax != DeflatedExplicitVRLittleEndian
    pixels = PixelPlace(found.offset or 0, found.length, stamp) if is_placed else None
    return _file(found, path, members, pixels, has_pixels=found.offset is not None)


def header_of(
    path: Path,
    syntax: UID,
    values: Mapping[str, tuple[str, ...]],
    members: tuple[str, ...],
    frame: int | None,
    pixels: PixelPlace | None,
) -> Header:
    """A header with the place that its values describe."""
    return Header(path, syntax, values, _place(values), members, frame, pixels)


def transfer_syntax_in_use(dataset: FileDataset) -> UID:
    """The encoding of a dataset whose file does not name it, as pydicom found it."""
    implicit, little = dataset.original_encoding
    if little is False:
        return ExplicitVRBigEndian
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _file(
    found: Found,
    path: Path,
    members: tuple[str, ...],
    pixels: PixelPlace | None,
    *,
    has_pixels: bool,
) -> FileRead:
    header = header_of(path, found.syntax, found.item.values, members, None, pixels)
    return FileRead(header, found.item, found.media_class, has_pixels)


def read_irregular(stream: BinaryIO, path: Path, members: tuple[str, ...]) -> FileRead | Rejected:
    """The same by pydicom, which copes with more and takes its time."""
    try:
        stream.seek(0)
        dataset = _by_pydicom(stream)
        if dataset is None:
            return NOT_DICOM
        item = _item(dataset)
        media_class = str(dataset.file_meta.get("MediaStorageSOPClassUID", ""))
        syntax = _transfer_syntax(dataset)
    except InvalidDicomError:
        return NOT_DICOM
    except DAMAGE:
        return DAMAGED
    if not item.values and not media_class:
        return DAMAGED if _has_preamble(stream) else NOT_DICOM
    found = Found(item, syntax, media_class, None, None)
    return _file(found, path, members, None, has_pixels=True)


def _by_pydicom(stream: BinaryIO) -> FileDataset | None:
    if not _has_preamble(stream) and stream.read(2) not in _STARTS_WITHOUT_PREAMBLE:
        return None
    stream.seek(0)
    if _is_deflated(stream):
        # It is regular or damaged: pydicom would inflate it without any limit.
        raise EOFError
    wanted = list(TAGS + SEQUENCES)
    return pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=wanted, force=True)


def _has_preamble(stream: BinaryIO) -> bool:
    stream.seek(0)
    start = stream.read(132)
    stream.seek(0)
    return start[128:] == b"DICM"


def _is_deflated(stream: BinaryIO) -> bool:
    start = stream.read(4096)
    stream.seek(0)
    return str(DeflatedExplicitVRLittleEndian).encode() in start


def _transfer_syntax(dataset: FileDataset) -> UID:
    named = dataset.file_meta.get("TransferSyntaxUID")
    return UID(str(named)) if named else transfer_syntax_in_use(dataset)


def _item(dataset: Dataset) -> Item:
    values = {name: text for name in TAGS if (text := _values(dataset, name))}
    sequences = {}
    for name in SEQUENCES:
        try:
            items = dataset.get(name)
            if items is not None:
                sequences[name] = tuple(_item(one) for one in items)
        except DAMAGE:
            continue
    return Item(values, sequences)


def _values(dataset: Dataset, name: str) -> tuple[str, ...]:
    try:
        value = dataset.get(name)
    except DAMAGE:
        return ()
    if value is None:
        return ()
    several = value if isinstance(value, MultiValue) else (value,)
    texts = tuple("" if one is None else _text(one) for one in several)
    return texts if any(texts) else ()


def _text(value: object) -> str:
    return f"{value:08X}" if isinstance(value, BaseTag) else str(value).strip(" \0")


def _numbers(values: tuple[str, ...]) -> tuple[float, ...]:
    """All values as finite numbers; none at all if one of them is not."""
    try:
        numbers = tuple(float(value) for value in values)
    except ValueError:
        return ()
    return numbers if all(math.isfinite(number) for number in numbers) else ()


def _place(values: Mapping[str, tuple[str, ...]]) -> SlicePlace | None:
    names = ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "Columns", "Rows")
    orientation, position, spacing, columns, rows = (_numbers(values.get(n, ())) for n in names)
    return slice_place(
        orientation=orientation, position=position, pixel_spacing=spacing, size=columns + rows
    )
