"""Words that come from outside and become part of a path or a query."""

from __future__ import annotations

import re

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID = 64
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,15}")


def is_uid(text: str) -> bool:
    """Digits and single dots, at most 64 characters (PS3.5 9.1).

    Leading zeros, which the standard forbids and scanners write, are let through: they lead
    nowhere. A slash, two dots or an empty word would, in a path as in an address.
    """
    return len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None


def is_code(text: str) -> bool:
    """A DICOM code string of one word, as a modality is: safe to print, whoever wrote it."""
    return _CODE.fullmatch(text) is not None
