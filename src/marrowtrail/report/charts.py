"""Volumes and probabilities over time, placed for drawing.

Time runs to the right in days from the first visit, so that a year looks four times as long
as a quarter. ``templates/charts.html.j2`` draws what is placed here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from marrowtrail.report.language import message
from marrowtrail.report.stored import told
from marrowtrail.report.weight import minor_lesions
from marrowtrail.report.words import (
    capital,
    ml_interval,
    number,
    percent,
    percent_interval,
    region_name,
)
from marrowtrail.result.follow_up_rows import TrackRow
from marrowtrail.result.model import LesionRow, ResultDocument, VisitRow

WIDTH, HEIGHT = 420.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 16.0, 14.0, 50.0
"""Margins of the plot: room for the values on the left and two rows of days below."""

CROWDED = 52.0
"""Two day labels closer than this stand in two rows."""

MOST_CAUSES = 5
"""Lines in the course of the ranking; more cannot be told apart."""

STEPS = (1.0, 2.0, 5.0, 10.0)
"""Round numbers for the axis, times a power of ten."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value with its interval in drawing units. ``hollow``: read, and none was there."""

    x: float
    y: float
    low_y: float
    high_y: float
    hollow: bool
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """Points of one colour, ``index`` from 0; ``path`` joins them."""

    index: int
    name: str
    points: tuple[Point, ...]

    @property
    def path(self) -> str:
        """The line as SVG."""
        return "M" + "L".join(f"{p.x:.1f},{p.y:.1f}" for p in self.points)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis."""

    at: float
    text: str
    row: int = 0


@dataclass(frozen=True, slots=True)
class Chart:
    """A plot of lines over days."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    days: tuple[Tick, ...]
    values: tuple[Tick, ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    floor: float = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class _Axes:
    """From days and values to drawing units."""

    last_day: int
    top_value: float

    def x(self, day: int) -> float:
        inset = 14.0
        start, end = LEFT + inset, WIDTH - RIGHT - inset
        return start + (end - start) * (day / self.last_day if self.last_day else 0.5)

    def y(self, value: float) -> float:
        floor = HEIGHT - BOTTOM
        return floor - (floor - TOP) * min(value, self.top_value) / self.top_value


def volume_chart(document: ResultDocument) -> Chart | None:
    """Volume of each lesion at each visit in ml; ``None`` without a lesion or a second visit.

    Minor lesions are left to the tables.
    A visit that read the region and found nothing counts as zero; one that did not image it
    leaves a gap in time and no point.
    """
    if not document.lesions or len(document.visits) < 2:
        return None
    highest = max(row.volume_high_mm3 for row in document.lesions) / 1000
    step = _round_step(highest)
    axes = _Axes(_last_day(document), max(step, math.ceil(highest / step) * step))
    rows = {row.id: row for row in document.lesions}
    minor = minor_lesions(document)
    tracks = [t for t in _named_tracks(document, rows) if not minor.issuperset(t[0].lesions)]
    lines = tuple(
        _volume_line(n, track, name, document.visits, rows, axes)
        for n, (track, name) in enumerate(tracks)
    )
    count = round(axes.top_value / step)
    values = tuple(Tick(axes.y(n * step), number(n * step, "g")) for n in range(count + 1))
    title, unit = message("chart.volume"), message("chart.ml")
    return Chart(title, unit, lines, _days(document.visits, axes), values)


def course_chart(document: ResultDocument) -> Chart | None:
    """Probability of the leading causes after each visit; ``None`` before there is a course."""
    if not document.course:
        return None
    axes = _Axes(_last_day(document), 1.0)
    labels: dict[str, str] = {}
    peak: dict[str, float] = {}
    for step in document.course:
        for cause in step.causes:
            labels[cause.diagnosis] = told(cause.label)
            peak[cause.diagnosis] = max(peak.get(cause.diagnosis, 0.0), cause.probability)
    last = {c.diagnosis: c.probability for c in document.course[-1].causes}
    leading = sorted(peak, key=lambda key: (-peak[key], key))[:MOST_CAUSES]
    leading.sort(key=lambda key: -last.get(key, 0.0))
    lines = tuple(
        Line(
            n,
            capital(labels[key]),
            tuple(_cause_points(document, key, axes)),
        )
        for n, key in enumerate(leading)
    )
    values = tuple(Tick(axes.y(part), percent(part)) for part in (0.0, 0.25, 0.5, 0.75, 1.0))
    return Chart(message("chart.probability"), "", lines, _days(document.visits, axes), values)


def _cause_points(document: ResultDocument, key: str, axes: _Axes) -> list[Point]:
    points = []
    for n, step in enumerate(document.course, 1):
        cause = next((c for c in step.causes if c.diagnosis == key), None)
        if cause is None:
            continue
        text = percent_interval(cause.probability, cause.low, cause.high)
        points.append(
            Point(
                axes.x(step.day),
                axes.y(cause.probability),
                axes.y(cause.low),
                axes.y(cause.high),
                hollow=False,
                title=message(
                    "chart.cause", cause=capital(told(cause.label)), number=n, share=text
                ),
            )
        )
    return points


def _volume_line(
    index: int,
    track: TrackRow,
    name: str,
    visits: tuple[VisitRow, ...],
    rows: dict[str, LesionRow],
    axes: _Axes,
) -> Line:
    lesions = [rows[key] for key in track.lesions]
    points = []
    for visit in visits:
        here = [row for row in lesions if row.visit == visit.id]
        if here or visit.id in track.clear_at:
            points.append(_volume_point(here, visit, name, axes))
    return Line(index, name, tuple(points))


def _volume_point(here: list[LesionRow], visit: VisitRow, name: str, axes: _Axes) -> Point:
    """Parts of one track at one visit (a split) add up, and so do their bounds."""
    volume = sum(row.volume_mm3 for row in here)
    low = sum(row.volume_low_mm3 for row in here)
    high = sum(row.volume_high_mm3 for row in here)
    text = ml_interval(volume, low, high) if here else message("chart.no_oedema")
    return Point(
        axes.x(visit.day),
        axes.y(volume / 1000),
        axes.y(low / 1000),
        axes.y(high / 1000),
        hollow=not here,
        title=message("chart.point", name=name, day=visit.day, volume=text),
    )


def _named_tracks(
    document: ResultDocument, rows: dict[str, LesionRow]
) -> list[tuple[TrackRow, str]]:
    """Each track with the name of its region; a second one of that name gets a number."""
    named: list[tuple[TrackRow, str]] = []
    seen: dict[str, int] = {}
    for track in document.tracks:
        largest = max((rows[key] for key in track.lesions), key=lambda row: row.volume_mm3)
        name = capital(region_name(largest.bone, largest.region, largest.side))
        seen[name] = seen.get(name, 0) + 1
        named.append((track, _counted(name, seen[name])))
    return named


def _counted(name: str, count: int) -> str:
    return name if count == 1 else message("place.counted", place=name, count=count)


def _days(visits: Sequence[VisitRow], axes: _Axes) -> tuple[Tick, ...]:
    ticks: list[Tick] = []
    for visit in visits:
        x = axes.x(visit.day)
        crowded = bool(ticks) and x - ticks[-1].at < CROWDED
        row = 1 - ticks[-1].row if crowded else 0
        ticks.append(Tick(x, message("time.day", day=visit.day), row))
    return tuple(ticks)


def _last_day(document: ResultDocument) -> int:
    return max((visit.day for visit in document.visits), default=0)


def _round_step(highest: float) -> float:
    """The smallest round number that makes at most five steps up to the highest value."""
    rough = max(highest, 1e-3) / 5
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in STEPS if step * power >= rough * (1 - 1e-9))
