"""Errors that a user meets, and cautions that travel with a result.

Every message answers four questions: what was expected, what came, where (file,
series or visit), and what to do about it. The library never prints and never exits;
the command line turns :class:`InputError` into exit code 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class InputError(ValueError):
    """The input cannot be used.

    Parameters
    ----------
    what
        What was expected and what came instead.
    where
        File, series or visit, in words a user recognises.
    remedy
        What to do about it.
    """

    def __init__(self, what: str, *, where: str, remedy: str) -> None:
        super().__init__(f"{what}\n  where: {where}\n  what to do: {remedy}")
        self.what = what
        self.where = where
        self.remedy = remedy


class Severity(StrEnum):
    """How much a warning weighs."""

    NOTE = "note"
    """Worth knowing; the result stands (exit code 0)."""
    UNVERIFIED = "unverified"
    """Something in the result is not verified; exit code 3."""


@dataclass(frozen=True, slots=True)
class Caution:
    """Something the reader of a result must know.

    ``code`` is stable and machine-readable; the three sentences follow the pattern of
    :class:`InputError`.
    """

    code: str
    severity: Severity
    what: str
    where: str
    remedy: str
