"""UIDs: those that are made, and whether one that came can be referred to."""

from __future__ import annotations

import hashlib
import re

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST = 64
_DIGITS = 39
"""Of a number of 128 bits whose first bit is set."""


def derived_uid(*parts: object) -> str:
    """A UID under 2.25 from a hash of what the object is.

    The number has the form of a UUID of version 8 (RFC 9562), as PS3.5 B.2 asks for, and always
    the same length.
    """
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:16]
    value = int.from_bytes(digest, "big")
    value = value & ~(0xF << 76) | (0x8 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    value |= 0x1 << 127
    return f"2.25.{value}"


def stand_in(number: int) -> str:
    """Of the length of every derived UID, and none itself: it takes the place of one in a file."""
    return f"2.25.{10 ** (_DIGITS - 1) + number}"


def is_uid(text: str) -> bool:
    """Digits and dots, 64 at most.

    A leading zero in a component breaks the standard and is common; such a UID is still the only
    name that the image has, so it is referred to as it is.
    """
    return len(text) <= _LONGEST and _UID.fullmatch(text) is not None
