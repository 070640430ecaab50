"""Stored pixels of one frame, from the bytes of its file in any encoding that MR comes in.

Native pixels are taken from where the scan found them. Compressed ones are decoded by
imagecodecs, which has every codec of the standard's images and survives damaged streams (gdcm,
the other library that has them all, ends the process on some).
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import generate_frames
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from marrowtrail.imaging.archives import Opener
from marrowtrail.imaging.elements import dataset_start, find_elements, inflate
from marrowtrail.imaging.headers import Header, Rejected, read_file
from marrowtrail.imaging.stream_size import stream_size

_JPEG, _JPEG_LS, _JPEG_2000, _RLE = "jpeg", "jpeg-ls", "jpeg-2000", "rle"

NATIVE_SYNTAXES = frozenset(
    {
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.2",
    }
)
COMPRESSED_SYNTAXES: Mapping[str, str] = {
    "1.2.840.10008.1.2.4.50": _JPEG,
    "1.2.840.10008.1.2.4.51": _JPEG,
    "1.2.840.10008.1.2.4.57": _JPEG,
    "1.2.840.10008.1.2.4.70": _JPEG,
    "1.2.840.10008.1.2.4.80": _JPEG_LS,
    "1.2.840.10008.1.2.4.81": _JPEG_LS,
    "1.2.840.10008.1.2.4.90": _JPEG_2000,
    "1.2.840.10008.1.2.4.91": _JPEG_2000,
    "1.2.840.10008.1.2.4.201": _JPEG_2000,
    "1.2.840.10008.1.2.4.202": _JPEG_2000,
    "1.2.840.10008.1.2.4.203": _JPEG_2000,
    "1.2.840.10008.1.2.5": _RLE,
}
"""Syntaxes of single images: JPEG (baseline, extended, lossless), JPEG-LS, JPEG 2000 (also high
throughput) and RLE. What is left are films, volumes in wavelets over slices, and references to
other servers."""

READABLE_SYNTAXES = NATIVE_SYNTAXES | COMPRESSED_SYNTAXES.keys()

_ALWAYS_LOSSY = frozenset(
    {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81"}
)

_END_OF_JPEG = b"\xff\xd9"
"""A stream without it was cut short; libjpeg would fill the rest with grey and say nothing. The
other decoders refuse such a stream themselves (OpenJPEG also reads high-throughput streams;
OpenJPH, made for them, returns half of one), but CharLS may take seconds for it: it counts the
zeros that it puts in place of what is missing."""

_LARGEST = 1 << 28
"""Pixels of one frame; a header or a stream that claims more is damaged."""


class SizeMismatch(Exception):  # noqa: N818 (said in the words of the reader's own error)
    """A frame has (rows, columns) other than its header says."""

    def __init__(self, got: tuple[int, ...], expected: tuple[int, int]) -> None:
        super().__init__(f"{got} is not {expected}")
        self.got, self.expected = got, expected


def is_lossy(header: Header) -> bool:
    """Compressed with loss, now or before: the syntax or the header says so."""
    said = header.text("LossyImageCompression") == "01"
    return said or str(header.transfer_syntax) in _ALWAYS_LOSSY


@dataclass(frozen=True, slots=True)
class _Storage:
    """How a file stores a frame's pixels."""

    syntax: UID
    rows: int
    columns: int
    frames: int
    allocated: int
    stored: int
    high: int
    is_signed: bool

    @classmethod
    def of(cls, header: Header) -> _Storage:
        def whole(name: str, missing: int) -> int:
            number = header.number(name)
            return missing if number is None else int(number)

        allocated = whole("BitsAllocated", 16)
        stored = whole("BitsStored", allocated)
        storage = cls(
            header.transfer_syntax,
            whole("Rows", 0),
            whole("Columns", 0),
            max(1, whole("NumberOfFrames", 1)),
            allocated,
            stored,
            whole("HighBit", stored - 1),
            whole("PixelRepresentation", 0) == 1,
        )
        if not 0 < storage.rows * storage.columns <= _LARGEST:
            raise ValueError("the size of the frame makes no sense")
        if allocated not in (8, 16, 32) or not 0 < stored <= allocated:
            raise ValueError("the number of bits makes no sense")
        return storage

    @property
    def dtype(self) -> np.dtype[Any]:
        order = ">" if self.syntax == ExplicitVRBigEndian else "<"
        return np.dtype(f"{order}{'i' if self.is_signed else 'u'}{self.allocated // 8}")

    @property
    def frame_bytes(self) -> int:
        return self.rows * self.columns * self.allocated // 8


@dataclass(slots=True)
class FrameReader:
    """Reads frames one after the other; a file with several is opened and parted once.

    Use it within :class:`~.archives.Opener`'s context. Its methods raise one of
    :data:`~.headers.DAMAGE` where a file cannot be decoded.
    """

    opener: Opener
    _of: tuple[object, ...] | None = field(default=None, init=False)
    _content: list[bytes] = field(default_factory=list, init=False)
    _header: Header | None = field(default=None, init=False)

    def read(self, header: Header) -> NDArray[Any]:
        """(rows, columns) stored values of one image.

        Raises
        ------
        SizeMismatch
            If the file's frames have another size than the header says.
        """
        expected = header.place.size[::-1] if header.place else (0, 0)
        if not self._is_open(header):
            direct = self._direct(header)
            if direct is not None:
                return _of_size(direct, expected)
            self._open(header)
        index = header.frame or 0
        storage = _Storage.of(self._header or header)
        if str(storage.syntax) in NATIVE_SYNTAXES:
            start = index * storage.frame_bytes
            whole = memoryview(self._content[0])[start : start + storage.frame_bytes]
            return _of_size(_native(whole, storage), expected)
        return _of_size(_decoded(self._content[index], storage), expected)

    def _direct(self, header: Header) -> NDArray[Any] | None:
        """Native pixels from their place in an unchanged file; ``None`` where they are not so."""
        place = header.pixels
        if place is None or place.stamp is None or place.length is None:
            return None
        if str(header.transfer_syntax) not in NATIVE_SYNTAXES:
            return None
        storage = _Storage.of(header)
        offset = (header.frame or 0) * storage.frame_bytes
        if offset + storage.frame_bytes > place.length:
            raise EOFError("the pixels end early")
        with self.opener.open(header.path) as stream:
            if stamp_of(stream) != place.stamp:
                return None
            stream.seek(place.offset + offset)
            return _native(stream.read(storage.frame_bytes), storage)

    def _is_open(self, header: Header) -> bool:
        return self._of == (header.path, header.members)

    def _open(self, header: Header) -> None:
        with self.opener.open(header.path, header.members) as stream:
            data = stream.read()
            stream.seek(0)
            again = read_file(stream, header.path, header.members)
        if isinstance(again, Rejected):
            raise EOFError("the file is no longer an image")
        self._header = again.header
        self._content = _contents(data, again.header)
        self._of = (header.path, header.members)


def stamp_of(stream: BinaryIO) -> tuple[int, int]:
    """Size of an open file in bytes, and time of its last change in ns."""
    status = os.fstat(stream.fileno())
    return status.st_size, status.st_mtime_ns


def _contents(data: bytes, header: Header) -> list[bytes]:
    """All native pixels as one piece, or one piece for each compressed frame."""
    place = header.pixels
    if header.transfer_syntax == DeflatedExplicitVRLittleEndian:
        return [_deflated_pixels(data)]
    if place is None:
        dataset = pydicom.dcmread(io.BytesIO(data), force=True)
        pixels = bytes(dataset.PixelData)
    else:
        end = None if place.length is None else place.offset + place.length
        pixels = data[place.offset : end]
    if str(header.transfer_syntax) in NATIVE_SYNTAXES:
        return [pixels]
    frames = _Storage.of(header).frames
    return list(generate_frames(pixels, number_of_frames=frames))


def _deflated_pixels(data: bytes) -> bytes:
    found = find_elements(io.BytesIO(data))
    if found.offset is None or found.length is None:
        raise EOFError("the deflated dataset holds no native pixels")
    plain = inflate(data[dataset_start(data) :])
    return plain[found.offset : found.offset + found.length]


def _native(raw: bytes | memoryview, storage: _Storage) -> NDArray[Any]:
    """(rows, columns) values of native bytes."""
    if len(raw) < storage.frame_bytes:
        raise EOFError("the pixels end early")
    if storage.allocated == 8 and storage.dtype.byteorder == ">":
        raise NotImplementedError("bytes in big-endian words")
    flat = np.frombuffer(raw, dtype=storage.dtype, count=storage.rows * storage.columns)
    return _meaningful(flat.reshape(storage.rows, storage.columns), storage)


def _meaningful(values: NDArray[Any], storage: _Storage) -> NDArray[Any]:
    """Without what stands in the bits that are not the pixel's: overlays, or rubbish."""
    above = storage.allocated - 1 - storage.high
    below = storage.high + 1 - storage.stored
    if above < 0 or below < 0:
        raise ValueError("the bits of a pixel do not fit into its bytes")
    if not above and not below:
        return values
    width = np.dtype(f"{'i' if storage.is_signed else 'u'}{storage.allocated // 8}")
    return np.asarray((values.astype(width) << above) >> (above + below))


def _decoded(frame: bytes, storage: _Storage) -> NDArray[Any]:
    """(rows, columns) values of one compressed frame."""
    kind = COMPRESSED_SYNTAXES[str(storage.syntax)]
    if kind == _RLE:
        plain = imagecodecs.dicomrle_decode(frame, storage.dtype.newbyteorder("<"))
        return _native(bytes(plain), storage)
    decode = {
        _JPEG: imagecodecs.jpeg8_decode,
        _JPEG_LS: imagecodecs.jpegls_decode,
        _JPEG_2000: imagecodecs.jpeg2k_decode,
    }[kind]
    if not _is_whole(frame, kind):
        raise EOFError("the stream ends early")
    size = stream_size(frame)
    if size is None or size[0] * size[1] > _LARGEST:
        raise ValueError("the stream does not say its size, or a size that makes no sense")
    values = np.asarray(decode(frame))
    if values.ndim != 2 or values.dtype.kind not in "iu":
        raise ValueError("the stream holds something other than one plane of integers")
    return _as_the_header_says(values, storage)


def _is_whole(frame: bytes, kind: str) -> bool:
    """Whether a JPEG or JPEG-LS stream reaches its end; the others' decoders look themselves.

    What follows the end of a JPEG-LS stream is nobody's concern, and its samples cannot look
    like the end: a byte after 0xff has its highest bit clear there.
    """
    if kind == _JPEG_LS:
        return _END_OF_JPEG in frame
    return kind != _JPEG or frame.rstrip(b"\0").endswith(_END_OF_JPEG)


def _as_the_header_says(values: NDArray[Any], storage: _Storage) -> NDArray[Any]:
    """Decoders give the bits of a sample; whether the highest is a sign, the header says."""
    if storage.is_signed:
        spare = 32 - storage.stored
        return np.asarray((values.astype(np.int32) << spare) >> spare)
    if values.dtype.kind == "i":
        return np.asarray(values.astype(np.int64) & ((1 << storage.stored) - 1))
    return values


def _of_size(values: NDArray[Any], expected: tuple[int, int]) -> NDArray[Any]:
    if values.shape != expected:
        raise SizeMismatch(values.shape, expected)
    return values
