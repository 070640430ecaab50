"""Provisional or established: what the leading diagnosis may be called, beside its probability."""

from __future__ import annotations

from collections.abc import Sequence

from marrowtrail.diagnosis.concluding import STANDS_OUT_FROM, Disease
from marrowtrail.diagnosis.differential import LedgerLine, LedgerStatus, Standing
from marrowtrail.diagnosis.knowledge_base import NONE_OF_THESE
from marrowtrail.diagnosis.wording import capital, inside, listed

UNTESTED_AT_MOST = 0.01
"""An alternative that no test excludes may be left with this much."""

ESTABLISHED_FROM = 0.9
"""A diagnosis less likely than this is not called established, whatever the ledger says."""


NOTHING_STANDS_OUT = "No cause stands out."


def standing_of(lead: Disease, ledger: Sequence[LedgerLine]) -> tuple[Standing, str]:
    """The standing of the leading disease, and what is missing to a firmer one."""
    if lead.probability < STANDS_OUT_FROM or lead.lead == NONE_OF_THESE:
        return Standing.UNDECIDED, NOTHING_STANDS_OUT
    missing = _missing(lead, ledger)
    if missing:
        return Standing.PROVISIONAL, missing
    return Standing.ESTABLISHED, "Every alternative of the ledger is answered."


def _missing(lead: Disease, ledger: Sequence[LedgerLine]) -> str:
    """What keeps the leading disease provisional; empty where nothing does."""
    still = [x for x in ledger if x.status in (LedgerStatus.OPEN, LedgerStatus.SUPPORTED)]
    if still:
        return f"{_named(still)} must be answered first."
    unread = [x for x in ledger if x.status is LedgerStatus.EXCLUDED_IF_CONFIRMED]
    if unread:
        return f"{_named(unread)}: excluded only if a reader confirms what the program found."
    untested = [
        x for x in ledger if x.status is LedgerStatus.UNLIKELY and x.probability > UNTESTED_AT_MOST
    ]
    if untested:
        return f"{_named(untested)}: unlikely, but no test excludes it yet."
    if lead.withheld is not None:
        return f"{capital(lead.withheld.unclaimed)}."
    if lead.probability < ESTABLISHED_FROM:
        return "No alternative is open, but others are still likely together."
    return ""


def _named(lines: Sequence[LedgerLine]) -> str:
    return capital(listed([inside(line.label) for line in lines]))
