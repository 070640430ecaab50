"""The size that a compressed stream says it has, before anything is decoded.

A decoder makes room for what the stream claims: four altered bytes can claim gigabytes. JPEG and
JPEG-LS say it in their frame header (ISO/IEC 10918-1, B.2.2), JPEG 2000 in the segment that
follows the first marker (ISO/IEC 15444-1, A.5.1).
"""

from __future__ import annotations

import struct

_START_OF_CODESTREAM = b"\xff\x4f\xff\x51"
_START_OF_IMAGE = b"\xff\xd8"
_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""Markers of a frame header, the last that of JPEG-LS; the three are tables and a reserve."""


def stream_size(stream: bytes) -> tuple[int, int] | None:
    """(rows, columns) of a JPEG, JPEG-LS or JPEG 2000 stream; ``None`` where it says none."""
    try:
        if stream.startswith(_START_OF_CODESTREAM):
            right, bottom, left, top = struct.unpack_from(">4L", stream, 8)
            return bottom - top, right - left
        if stream.startswith(_START_OF_IMAGE):
            return _jpeg_size(stream)
    except struct.error:
        pass
    return None


def _jpeg_size(stream: bytes) -> tuple[int, int] | None:
    at = len(_START_OF_IMAGE)
    while True:
        fill, marker, length = struct.unpack_from(">BBH", stream, at)
        if fill != 0xFF:
            return None
        if marker == 0xFF:
            at += 1  # any number of fill bytes may stand before a marker
        elif marker in _FRAMES:
            rows, columns = struct.unpack_from(">HH", stream, at + 5)
            return rows, columns
        else:
            at += 2 + length
