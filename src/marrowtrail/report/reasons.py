"""Why a cause ranks where it does: evidence against it first, then for it, with sources.

Sources are numbered in the order in which the page shows them, each once. A source that
nobody has read again (``read`` is false) is marked wherever its number stands.
"""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.diagnosis.differential import Bar, Cause, Citation
from marrowtrail.report.language import message
from marrowtrail.report.stored import told
from marrowtrail.report.words import capital, signed, spoken, times
from marrowtrail.result.model import ResultDocument

MOST_CAUSES = 6
"""Causes whose reasons are spelled out; the rest stands in ``result.json``."""

FULL_SCALE = 2.0
"""log10 of the ratio at the end of a bar: a hundred times as often, or as rarely."""

TELLS_NOTHING = 0.05
"""A smaller log10 ratio (within 12 % of 1) says neither for nor against."""


@dataclass(frozen=True, slots=True)
class Footnote:
    """A numbered source."""

    number: int
    citation: Citation


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding's bar, positions in percent of the width from the left."""

    label: str
    value: str
    words: str
    interval: str
    start: float
    length: float
    whisker_start: float
    whisker_length: float
    footnotes: tuple[Footnote, ...]
    note: str

    @property
    def is_for(self) -> bool:
        """The bar runs to the right."""
        return self.start >= 50


@dataclass(frozen=True, slots=True)
class Reasons:
    """All evidence on one cause; the strongest of each side comes first."""

    cause: Cause
    against: tuple[Reason, ...]
    supporting: tuple[Reason, ...]
    neutral: tuple[str, ...]


class Footnotes:
    """Numbers sources in order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[Citation, int] = {}

    def number(self, citations: tuple[Citation, ...]) -> tuple[Footnote, ...]:
        """Footnotes of some sources, each source once."""
        return tuple(
            Footnote(self._numbers.setdefault(citation, len(self._numbers) + 1), citation)
            for citation in dict.fromkeys(citations)
        )

    @property
    def all(self) -> tuple[Footnote, ...]:
        """Every source so far, in order of its number."""
        return tuple(Footnote(number, citation) for citation, number in self._numbers.items())


def reasons(document: ResultDocument, footnotes: Footnotes) -> tuple[Reasons, ...]:
    """The reasons of the leading causes that have any, most probable first."""
    found = []
    for cause in document.differential[:MOST_CAUSES]:
        bars = [bar for bar in document.bars if bar.diagnosis == cause.diagnosis]
        if bars:
            found.append(_of_cause(cause, bars, footnotes))
    return tuple(found)


def _of_cause(cause: Cause, bars: list[Bar], footnotes: Footnotes) -> Reasons:
    against = sorted((b for b in bars if b.log10_ratio <= -TELLS_NOTHING), key=_strength)
    supporting = sorted((b for b in bars if b.log10_ratio >= TELLS_NOTHING), key=_strength)
    neutral = tuple(told(b.label) for b in bars if abs(b.log10_ratio) < TELLS_NOTHING)
    return Reasons(
        cause,
        tuple(_reason(bar, footnotes) for bar in against),
        tuple(_reason(bar, footnotes) for bar in supporting),
        neutral,
    )


def _strength(bar: Bar) -> tuple[float, str]:
    return -abs(bar.log10_ratio), bar.label


def _reason(bar: Bar, footnotes: Footnotes) -> Reason:
    value, low, high = (_place(v) for v in (bar.log10_ratio, bar.low, bar.high))
    return Reason(
        label=capital(told(bar.label)),
        value=signed(bar.log10_ratio),
        words=times(bar.log10_ratio),
        interval=message("number.range", low=signed(bar.low), high=signed(bar.high)),
        start=min(50.0, value) if value < 50 else 50.0,
        length=abs(value - 50),
        whisker_start=min(low, high),
        whisker_length=abs(high - low),
        footnotes=footnotes.number(bar.citations),
        note=spoken(bar.note),
    )


def _place(log10_ratio: float) -> float:
    """Percent of the width; 50 is a ratio of 1, the ends are :data:`FULL_SCALE`."""
    share = max(-1.0, min(1.0, log10_ratio / FULL_SCALE))
    return round(50 + 50 * share, 1)
