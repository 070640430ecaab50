"""Sentences without their dates, for ``--no-dates``.

Reasoning needs dates and names them in the ledger ("on 14 March 2020"); what is written under
``--no-dates`` keeps the sentence and loses the day.
"""

from __future__ import annotations

import re
from dataclasses import replace

from marrowtrail.diagnosis.differential import LedgerLine, RedFlag

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DAY = rf"(\d{{1,2}} ({_MONTHS}) \d{{4}}|\d{{4}}-\d\d-\d\d)"
_DATE = re.compile(
    rf"\s+dated {_DAY}, which is\b"
    rf"|\s*\({_DAY}\)"
    rf"|\s*\b((on|of|at|since|dated)\s+)?{_DAY}"
)
"""A day with the words that only lead to it; what stands in brackets or before a clause by
itself goes with them, so that no empty brackets and no "dated, which is" are left."""


def undated(text: str) -> str:
    """The sentence without any day that it names."""
    return _DATE.sub("", text)


def undated_ledger(lines: tuple[LedgerLine, ...]) -> tuple[LedgerLine, ...]:
    """The same lines, their explanations without days."""
    return tuple(replace(line, explanation=undated(line.explanation)) for line in lines)


def undated_flags(flags: tuple[RedFlag, ...]) -> tuple[RedFlag, ...]:
    """The same flags, their explanations without days."""
    return tuple(replace(flag, explanation=undated(flag.explanation)) for flag in flags)
