"""What stands on the sheets of the PDF, ready to be laid out, and how much room there is for it."""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.report.pdf_drawings import Drawing, SlicePicture
from marrowtrail.report.tables import Table


@dataclass(frozen=True, slots=True)
class Room:
    """How much of each kind fits; a fuller document is cut further until its pages do."""

    trail_mm: float
    visits: int
    spots: int
    warnings: int
    rows: int
    reasons: int


ROOMS = (
    Room(trail_mm=128.0, visits=4, spots=4, warnings=8, rows=40, reasons=5),
    Room(trail_mm=104.0, visits=4, spots=3, warnings=8, rows=20, reasons=5),
    Room(trail_mm=104.0, visits=4, spots=2, warnings=5, rows=12, reasons=4),
    Room(trail_mm=96.0, visits=3, spots=1, warnings=3, rows=8, reasons=3),
    Room(trail_mm=80.0, visits=3, spots=1, warnings=2, rows=4, reasons=2),
)


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to know before relying on the result; ``tone`` as of a cell."""

    tone: str
    what: str
    more: str


@dataclass(frozen=True, slots=True)
class VisitText:
    """A visit in words, with the colour of its number."""

    number: int
    colour: str
    when: str
    imaged: str
    lines: tuple[tuple[str, str], ...]
    quiet: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BarText:
    """A cause with its share, from 0 to 1, and its interval in words."""

    label: str
    text: str
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RankingText:
    """A ranking under the heading of what it rests on."""

    heading: str
    is_confirmed: bool
    conclusion: str
    bars: tuple[BarText, ...]
    rest: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One place through some visits."""

    title: str
    pictures: tuple[SlicePicture, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """Everything on the sheets; the template only lays it out."""

    language: str
    region: str
    language_note: str
    words: dict[str, str]
    title: str
    patient: str
    identity: str
    period: str
    notice: str
    is_synthetic: bool
    headline: str
    basis: str
    confirmed_leader: str
    alerts: tuple[Alert, ...]
    verdict: str
    trail: Drawing | None
    trail_mm: float
    visits: tuple[VisitText, ...]
    visits_note: str
    volumes: Drawing | None
    legend: tuple[tuple[str, str], ...]
    elsewhere: tuple[str, ...]
    follow_up: Table | None
    strips: tuple[Strip, ...]
    strips_note: str
    standing: tuple[str, str, str]
    against: tuple[str, ...]
    against_none: str
    turns: Table | None
    rankings: tuple[RankingText, ...]
    supporting: tuple[str, ...]
    leading: str
    ledger: Table
    next_steps: Table
    outlook: Table
    unknown: tuple[tuple[str, str], ...]
    known: tuple[tuple[str, str], ...]
    signs: Table
    provenance: tuple[tuple[str, str], ...]
    limits: tuple[str, ...]
    left_out: str
