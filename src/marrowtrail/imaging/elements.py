"""The elements of a DICOM file that this room reads, straight from its bytes, up to the pixels.

A general reader builds an object for each of a scanner's two hundred elements; sorting needs
sixty of them as text, and reading was eight times slower than dcm2niix. This walk (PS3.5, 7)
steps over the rest. It knows the regular forms only: explicit and implicit, little and big
endian, deflated. Where anything is irregular it raises :class:`Irregular`, and
:mod:`marrowtrail.imaging.headers` asks pydicom, which is also its oracle in the tests.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import BinaryIO, Final

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from marrowtrail.imaging.tags import SEQUENCES, TAGS

FIRST_READ = 1 << 16
"""Bytes that hold the header of nearly every single-frame file; more are read as needed."""

MAX_HEADER = 1 << 28
"""Bytes before the pixels; the functional groups of ten thousand frames have a tenth of it."""

MAX_INFLATED = 1 << 30
"""A deflated file may not grow beyond this: a gigabyte is a hundred times the largest series
of a joint, and a few kilobytes could ask for all memory."""

_DEEPEST = 12
"""Sequences within sequences; functional groups need four."""

_UNDEFINED: Final = 0xFFFFFFFF
_PIXELS: Final = 0x7FE00010
_CHARACTER_SET: Final = "SpecificCharacterSet"
_SYNTAX: Final = 0x00020010
_MEDIA_CLASS: Final = 0x00020002
_DELIMITERS: Final = 0xFFFE
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_NUMBERS = {b"US": "H", b"SS": "h", b"UL": "L", b"SL": "l", b"FL": "f", b"FD": "d"}
_DECIMALS = (b"DS", b"IS")
_UNSAID = (b"", b"UN")
_ASCII_ONLY = frozenset(b"AE AS CS DA DS DT IS TM UI".split())


def _wanted(names: tuple[str, ...]) -> dict[int, tuple[str, bytes]]:
    table: dict[int, tuple[str, bytes]] = {}
    for name in names:
        tag = tag_for_keyword(name)
        if tag is None:
            raise ValueError(f"{name} is no keyword of the DICOM dictionary.")
        table[tag] = (name, dictionary_VR(tag).encode())
    return table


_TABLE = _wanted(TAGS + SEQUENCES)


class Irregular(Exception):  # noqa: N818 (not an error: another reader takes over)
    """The file is not in one of the regular forms."""


class _TooShort(Exception):  # noqa: N818
    """The bytes end within an element."""


@dataclass(frozen=True, slots=True)
class Item:
    """Wanted elements of a dataset or of one item of a sequence, by keyword.

    Values are text without padding; one that its representation does not allow is left out.
    """

    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sequences: dict[str, tuple[Item, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds: its elements, and where its pixels begin.

    ``offset`` counts bytes from the start of the file (of the inflated dataset where the file
    is deflated); it and ``length`` are ``None`` where there are no pixels, and ``length``
    where they come in fragments.
    """

    item: Item
    syntax: UID
    media_class: str
    offset: int | None
    length: int | None


@dataclass(frozen=True, slots=True)
class _Form:
    """How elements are written."""

    order: str
    is_implicit: bool
    head: struct.Struct
    tag_and_length: struct.Struct
    length: struct.Struct

    @classmethod
    def of(cls, order: str, *, is_implicit: bool) -> _Form:
        """The form with the byte order of :mod:`struct`."""
        return cls(
            order,
            is_implicit,
            struct.Struct(order + "HH2sH"),
            struct.Struct(order + "HHL"),
            struct.Struct(order + "L"),
        )


_EXPLICIT = _Form.of("<", is_implicit=False)
_FORMS = {
    str(ImplicitVRLittleEndian): _Form.of("<", is_implicit=True),
    str(ExplicitVRBigEndian): _Form.of(">", is_implicit=False),
}


def find_elements(stream: BinaryIO) -> Found:
    """Wanted elements of a file, read no further than needed.

    Raises
    ------
    Irregular
        If the file is not written in a regular form, or is none of DICOM.
    """
    data = stream.read(FIRST_READ)
    while True:
        try:
            return _find(data, is_whole=False)
        except _TooShort:
            if len(data) > MAX_HEADER:
                raise Irregular("the header is far too long") from None
            more = stream.read(3 * len(data))
        if not more:
            break
        data += more
    try:
        return _find(data, is_whole=True)
    except _TooShort as error:
        raise Irregular("an element reaches beyond the end of the file") from error


def inflate(data: bytes) -> bytes:
    """A deflated dataset, at most :data:`MAX_INFLATED` bytes of it.

    Raises
    ------
    Irregular
        If it is damaged or grows beyond that.
    """
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = engine.decompress(data, MAX_INFLATED)
    except zlib.error as error:
        raise Irregular("the deflated dataset is damaged") from error
    if engine.unconsumed_tail or not engine.eof:
        raise Irregular("the deflated dataset is cut short or far too large")
    return plain


def dataset_start(data: bytes) -> int:
    """Where the dataset of a file with a preamble begins; the file header must be whole."""
    return _file_header(data, 132)[0]


def _find(data: bytes, *, is_whole: bool) -> Found:
    start, syntax, media_class = _beginning(data)
    if syntax == DeflatedExplicitVRLittleEndian:
        if not is_whole:
            raise _TooShort
        data, start = inflate(data[start:]), 0
    walk = _Walk(data, _FORMS.get(str(syntax), _EXPLICIT), is_whole)
    item = Item()
    try:
        walk.elements(start, None, item, 0)
    except struct.error as error:
        raise _TooShort from error
    if walk.offset is None and not is_whole:
        raise _TooShort
    return Found(item, syntax, media_class, walk.offset, walk.length)


def _beginning(data: bytes) -> tuple[int, UID, str]:
    """Where the dataset begins, its syntax, and the class that the file header names."""
    if data[128:132] == b"DICM":
        return _file_header(data, 132)
    if data[:2] == b"\x02\x00":
        return _file_header(data, 0)
    explicit = data[4:6] in _SHORT or data[4:6] in _LONG
    if data[:2] == b"\x08\x00":
        return 0, ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian, ""
    if data[:2] == b"\x00\x08" and explicit:
        return 0, ExplicitVRBigEndian, ""
    raise Irregular("it does not begin as DICOM")


def _file_header(data: bytes, at: int) -> tuple[int, UID, str]:
    found: dict[int, str] = {}
    try:
        while True:
            group, element, kind, length = _EXPLICIT.head.unpack_from(data, at)
            if group != 2:
                break
            at += 8
            if kind in _LONG:
                (length,) = _EXPLICIT.length.unpack_from(data, at)
                at += 4
            elif kind not in _SHORT:
                raise Irregular("the file header is not explicit")
            if kind == b"UI":
                found[group << 16 | element] = (
                    data[at : at + length].decode("latin-1").rstrip("\0 ")
                )
            at += length
    except struct.error as error:
        raise _TooShort from error
    if not found.get(_SYNTAX):
        raise Irregular("the file header names no transfer syntax")
    return at, _uid(found[_SYNTAX]), found.get(_MEDIA_CLASS, "")


@lru_cache(maxsize=64)
def _uid(name: str) -> UID:
    """A UID, checked once: a folder has a few syntaxes and pydicom would check each file's."""
    return UID(name)


class _Walk:
    """One walk through the elements of a dataset."""

    __slots__ = ("_data", "_encodings", "_form", "_is_whole", "length", "offset")

    def __init__(self, data: bytes, form: _Form, is_whole: bool) -> None:
        self._data = data
        self._form = form
        self._is_whole = is_whole
        self._encodings: list[str] | None = None
        self.offset: int | None = None
        self.length: int | None = None

    def elements(self, at: int, end: int | None, into: Item | None, depth: int) -> int:
        """Walk to ``end``, to the end of an item, or (at depth 0) to the pixels or the end.

        ``into`` is ``None`` where nothing is wanted and only the end is looked for.
        """
        data, size = self._data, len(self._data)
        head, wanted = self._form.head.unpack_from, _TABLE.get
        while at != end:
            if at >= size:
                if depth or at > size or not self._is_whole:
                    raise _TooShort
                break
            group, element, kind, length = head(data, at)
            tag = group << 16 | element
            at += 8
            if kind not in _SHORT or self._form.is_implicit or group == _DELIMITERS:
                at, kind, length = self._long_head(at, kind, group)
            if group == _DELIMITERS or (tag == _PIXELS and depth == 0):
                self._check_end(tag, at, length, is_open=bool(depth) and end is None)
                break
            name = wanted(tag) if into is not None else None
            if length == _UNDEFINED or (name and name[1] == b"SQ"):
                if kind not in (b"SQ", b""):
                    raise Irregular("a value of undefined length is no sequence")
                at, items = self._items(at, length, record=name is not None, depth=depth)
                if name and into is not None:
                    into.sequences[name[0]] = items
                continue
            if name and into is not None:
                self._take(into, name, kind, data[at : at + length], length)
            at += length
        return at

    def _long_head(self, at: int, kind: bytes, group: int) -> tuple[int, bytes, int]:
        """Where the value begins, its representation (empty where none is said), its length."""
        if self._form.is_implicit or group == _DELIMITERS:
            return at, b"", self._form.length.unpack_from(self._data, at - 4)[0]
        if kind not in _LONG:
            raise Irregular("a value representation is unknown")
        return at + 4, kind, self._form.length.unpack_from(self._data, at)[0]

    def _check_end(self, tag: int, at: int, length: int, *, is_open: bool) -> None:
        """The pixels end a dataset, and a delimiter an item of undefined length."""
        if tag == _PIXELS:
            self.offset, self.length = at, None if length == _UNDEFINED else length
        elif tag != _ITEM_END or not is_open:
            raise Irregular("an item begins or ends where none should")

    def _take(
        self, into: Item, name: tuple[str, bytes], kind: bytes, raw: bytes, length: int
    ) -> None:
        if len(raw) < length:
            raise _TooShort
        if name[0] == _CHARACTER_SET:
            names = [one.strip(" \0") for one in raw.decode("latin-1").split("\\")]
            self._encodings = convert_encodings(names)
        values = self._values(raw, kind, name[1])
        if values:
            into.values[name[0]] = values

    def _items(
        self, at: int, length: int, *, record: bool, depth: int
    ) -> tuple[int, tuple[Item, ...]]:
        if depth >= _DEEPEST:
            raise Irregular("sequences are nested too deeply")
        end = None if length == _UNDEFINED else at + length
        items: list[Item] = []
        while at != end:
            group, element, size = self._form.tag_and_length.unpack_from(self._data, at)
            tag = group << 16 | element
            at += 8
            if tag == _SEQUENCE_END and end is None:
                break
            if tag != _ITEM or (end is not None and at > end):
                raise Irregular("a sequence holds something other than items")
            item = Item() if record else None
            stop = None if size == _UNDEFINED else at + size
            at = self.elements(at, stop, item, depth + 1)
            if item is not None:
                items.append(item)
        return at, tuple(items)

    def _values(self, raw: bytes, kind: bytes, known: bytes) -> tuple[str, ...]:
        """A value as text; empty where it is not what its representation says."""
        kind = known if kind in _UNSAID else kind
        if kind in _NUMBERS:
            return _numbers(raw, self._form.order + _NUMBERS[kind])
        if kind == b"AT":
            pairs = _numbers(raw, self._form.order + "H")
            return tuple(
                f"{int(a):04X}{int(b):04X}" for a, b in zip(pairs[::2], pairs[1::2], strict=False)
            )
        if raw.isascii() and b"\x1b" not in raw:
            text = raw.decode("ascii")
        elif kind in _ASCII_ONLY:
            text = raw.decode("latin-1")
        else:
            text = decode_bytes(raw, self._encodings or ["iso8859"], {0x5C})
        if "\\" in text:
            parts = tuple([part.strip(" \0") for part in text.split("\\")])
        else:
            parts = (text.strip(" \0"),)
        if kind in _DECIMALS and not _are_decimals(parts):
            return ()
        return parts if any(parts) else ()


def _numbers(raw: bytes, form: str) -> tuple[str, ...]:
    """Binary numbers of one :mod:`struct` form, as text; none where bytes are left over."""
    count, rest = divmod(len(raw), struct.calcsize(form))
    return () if rest else tuple(map(str, struct.unpack(f"{form[0]}{count}{form[1]}", raw)))


def _are_decimals(parts: tuple[str, ...]) -> bool:
    try:
        for part in parts:
            if part:
                float(part)
    except ValueError:
        return False
    return True
