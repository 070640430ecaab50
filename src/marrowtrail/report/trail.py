"""The trail: where oedema was at each visit and where it went, on a drawn limb.

A summary limb carries every visit's lesions with arrows for the shifts; beside it one small
limb for each visit shows what was imaged and what was found. The area of a marker is
proportional to the lesion's volume, down to a smallest one that still holds its number; minor
lesions are dots without name or arrow. This module only places
things; ``templates/trail.html.j2`` draws them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from textwrap import wrap

from marrowtrail.record.sites import Side
from marrowtrail.report.arrows import Arrow, arrow_between
from marrowtrail.report.coverage import is_new_ground
from marrowtrail.report.language import counted, message
from marrowtrail.report.limb import Window, limb_map
from marrowtrail.report.weight import minor_lesions
from marrowtrail.report.words import is_lower_limb, ml_interval, region_name
from marrowtrail.result.model import LesionRow, ResultDocument, VisitRow

LARGEST_RADIUS = 22.0
"""Drawing units: a third of the knee's width, so that both condyles stay apart."""

SMALLEST_RADIUS = 8.0
"""Drawing units: still holds a digit."""

MINOR_RADIUS = 3.5
"""Drawing units: a dot without a number, for lesions that do not carry the story."""

TEXT_STEP = 15.0
"""Drawing units between the days of two arrows that end beside each other."""

LABEL_WIDTH = 224.0
"""Drawing units beside the limb for names and volumes; the longest name of a region fits."""

LABEL_STEP = 42.0
"""Drawing units between two labels: two lines of text and a gap."""

MARGIN = 92.0
"""Drawing units on the side of the arrows: the widest swing, with its days, still fits."""

NOTE_LETTERS = 12
"""Longest line of a note beside an arrow."""

NOTE_WIDTH = 40.0
"""Drawing units by which such a line is longer than the days of an arrow."""

GAP = 2.0
"""Drawing units between the markers of one region."""

SIDES = (Side.RIGHT, Side.LEFT)
"""In the order in which the viewer sees them."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A lesion on the drawing; ``visit`` is its number, counted from 1."""

    lesion: str
    visit: int
    x: float
    y: float
    radius: float
    title: str
    is_minor: bool


@dataclass(frozen=True, slots=True)
class Label:
    """Name and volume of a lesion beside the limb, with a line from its marker."""

    visit: int
    x: float
    y: float
    anchor: str
    leader: tuple[float, float, float, float]
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class DrawnLimb:
    """One limb of a panel. ``windows`` are empty where all of it is shown alike."""

    side: Side
    offset_x: float
    windows: tuple[Window, ...]

    @property
    def letter(self) -> str:
        """R or L, the patient's."""
        return self.side.value[0].upper()

    @property
    def is_mirrored(self) -> bool:
        """The drawing is of a right limb."""
        return self.side is Side.LEFT


@dataclass(frozen=True, slots=True)
class Panel:
    """Limbs with what lies on them, in drawing units from the top left."""

    width: float
    height: float
    limbs: tuple[DrawnLimb, ...]
    markers: tuple[Marker, ...]
    arrows: tuple[Arrow, ...] = ()
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Lesions of one visit that the drawing cannot show, and why."""

    visit: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Trail:
    """The summary, one panel for each visit, and what is named in text instead.

    Without any side to draw ``summary`` is ``None`` and ``visits`` is empty.
    """

    summary: Panel | None
    visits: tuple[Panel, ...]
    elsewhere: tuple[Elsewhere, ...]


def draw_trail(document: ResultDocument) -> Trail:
    """Place everything that the trail shows."""
    sides = tuple(side for side in SIDES if side in _sides(document))
    numbers = {visit.id: n for n, visit in enumerate(document.visits, 1)}
    elsewhere = _elsewhere(document, numbers)
    if not sides:
        return Trail(None, (), elsewhere)
    drawn = tuple(row for row in document.lesions if _site(row) is not None)
    scale = _Scale.of(drawn, numbers, minor_lesions(document))
    return Trail(
        _summary(document, drawn, sides, scale),
        tuple(_visit_panel(visit, drawn, sides, scale) for visit in document.visits),
        elsewhere,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """Numbers of the visits and the radius of a volume, the same in every panel."""

    numbers: dict[str, int]
    largest_mm3: float
    minor: frozenset[str]

    @classmethod
    def of(
        cls, lesions: tuple[LesionRow, ...], numbers: dict[str, int], minor: frozenset[str]
    ) -> _Scale:
        return cls(numbers, max((row.volume_mm3 for row in lesions), default=0.0), minor)

    def radius(self, row: LesionRow) -> float:
        if row.id in self.minor:
            return MINOR_RADIUS
        if self.largest_mm3 <= 0:
            return SMALLEST_RADIUS
        share = max(0.0, row.volume_mm3 / self.largest_mm3)
        return max(SMALLEST_RADIUS, LARGEST_RADIUS * float(share**0.5))


def _summary(
    document: ResultDocument, drawn: tuple[LesionRow, ...], sides: tuple[Side, ...], scale: _Scale
) -> Panel:
    """Names stand on the viewer's right of one limb, and outside of two."""
    width = limb_map().width
    two = len(sides) == 2
    has_note = any(is_new_ground(document, shift) for shift in document.shifts)
    left = LABEL_WIDTH if two else MARGIN + NOTE_WIDTH * has_note
    offsets = {side: left + n * width for n, side in enumerate(sides)}
    markers = _markers(drawn, offsets, scale)
    total = left + len(sides) * width + LABEL_WIDTH
    rows = {row.id: row for row in drawn}
    on_left = {m.lesion for m in markers if two and rows[m.lesion].side is Side.RIGHT}
    named = [m for m in markers if not m.is_minor]
    outer = [m for m in named if m.lesion in on_left]
    inner = [m for m in named if m.lesion not in on_left]
    labels = (
        *_labels(outer, rows, LABEL_WIDTH - 8, "end"),
        *_labels(inner, rows, total - LABEL_WIDTH + 8, "start"),
    )
    limbs = tuple(DrawnLimb(side, offsets[side], ()) for side in sides)
    arrows = _arrows(document, markers, on_left)
    return Panel(total, limb_map().height, limbs, markers, arrows, labels)


def _visit_panel(
    visit: VisitRow, drawn: tuple[LesionRow, ...], sides: tuple[Side, ...], scale: _Scale
) -> Panel:
    width = limb_map().width
    offsets = {side: n * width for n, side in enumerate(sides)}
    here = tuple(row for row in drawn if row.visit == visit.id)
    limbs = tuple(DrawnLimb(side, offsets[side], _windows(visit, side)) for side in sides)
    markers = _markers(here, offsets, scale)
    return Panel(len(sides) * width, limb_map().height, limbs, markers)


def _markers(
    rows: tuple[LesionRow, ...], offsets: dict[Side, float], scale: _Scale
) -> tuple[Marker, ...]:
    """Markers of one region stand in a row, in order of the visits."""
    groups: dict[tuple[float, float, Side], list[LesionRow]] = {}
    for row in sorted(rows, key=lambda row: (scale.numbers[row.visit], row.id)):
        site = _site(row)
        if site is not None:
            groups.setdefault((*site, row.side), []).append(row)
    markers: list[Marker] = []
    for (x, y, side), members in groups.items():
        radii = [scale.radius(row) for row in members]
        left = offsets[side] + x - sum(radii) - GAP * (len(radii) - 1) / 2
        for row, radius in zip(members, radii, strict=True):
            number = scale.numbers[row.visit]
            title = message("trail.marker", number=number, what=_detail(row, name=True))
            minor = row.id in scale.minor
            markers.append(Marker(row.id, number, left + radius, y, radius, title, minor))
            left += 2 * radius + GAP
    return tuple(markers)


def _labels(
    markers: list[Marker], rows: dict[str, LesionRow], x: float, anchor: str
) -> tuple[Label, ...]:
    """Two lines for each marker, from the top down and never on one another."""
    height = limb_map().height
    step = min(LABEL_STEP, height / max(1, len(markers)))
    ordered = sorted(markers, key=lambda m: (m.y, m.visit, m.x))
    heights: list[float] = []
    for marker in ordered:
        lowest = heights[-1] + step if heights else step / 2
        heights.append(max(marker.y, lowest))
    overflow = max(0.0, heights[-1] - (height - step / 2)) if heights else 0.0
    for n in range(len(heights) - 1, -1, -1):
        ceiling = heights[n + 1] - step if n + 1 < len(heights) else heights[n] - overflow
        heights[n] = min(heights[n], ceiling)
    return tuple(
        _label(marker, rows[marker.lesion], x, y, anchor)
        for marker, y in zip(ordered, heights, strict=True)
    )


def _label(marker: Marker, row: LesionRow, x: float, y: float, anchor: str) -> Label:
    inward = 1 if anchor == "start" else -1
    leader = (marker.x + inward * (marker.radius + 1), marker.y, x - inward * 5, y)
    name = region_name(row.bone, row.region, Side.UNKNOWN)
    return Label(
        marker.visit,
        x,
        y,
        anchor,
        leader,
        name,
        message("trail.label", number=marker.visit, what=_detail(row, name=False)),
    )


def _arrows(
    document: ResultDocument, markers: tuple[Marker, ...], on_left: set[str]
) -> tuple[Arrow, ...]:
    """Shifts between lesions that carry the story."""
    at = {marker.lesion: marker for marker in markers if not marker.is_minor}
    arrows: list[Arrow] = []
    for shift in document.shifts:
        start, end = at.get(shift.from_), at.get(shift.to)
        if start is None or end is None:
            continue
        bulge_right = shift.from_ in on_left
        arrow = arrow_between(
            (start.x, start.y, start.radius), (end.x, end.y, end.radius), bulge_right=bulge_right
        )
        days = counted("time.days", shift.days)
        text = days if shift.verified else message("trail.doubtful", days=days)
        is_new = is_new_ground(document, shift)
        arrows.append(
            replace(
                arrow,
                text=text,
                note=tuple(wrap(message("trail.not_imaged_before"), NOTE_LETTERS)) * is_new,
                verified=shift.verified,
                is_dashed=is_new or not shift.verified,
            )
        )
    return _spread(arrows)


def _spread(arrows: list[Arrow]) -> tuple[Arrow, ...]:
    """Move texts down until no two lie on one another."""
    placed: list[Arrow] = []
    for arrow in sorted(arrows, key=lambda arrow: arrow.text_y):
        beside = [p for p in placed if abs(p.text_x - arrow.text_x) < LABEL_WIDTH / 3]
        lowest = max((p.text_y + TEXT_STEP * (1 + len(p.note)) for p in beside), default=0.0)
        placed.append(replace(arrow, text_y=max(arrow.text_y, lowest)))
    return tuple(placed)


def _windows(visit: VisitRow, side: Side) -> tuple[Window, ...]:
    """What was imaged of a side; a series of no known side shows the sides of its bones."""
    joints: dict[str, None] = {}
    for series in visit.series:
        sides = {row.side for row in visit.bones if row.series == series.id} & set(SIDES)
        if side in (sides or {series.side}):
            joints[series.body_part] = None
    windows = (limb_map().window(joint, side) for joint in joints)
    return tuple(window for window in windows if window is not None)


def _sides(document: ResultDocument) -> set[Side]:
    """Sides with a lesion that can be drawn; without any, the sides that were imaged."""
    affected = {row.side for row in document.lesions if _site(row) is not None}
    if affected:
        return affected
    return {side for side in SIDES for visit in document.visits if _windows(visit, side)}


def _site(row: LesionRow) -> tuple[float, float] | None:
    return limb_map().site(row.bone, row.region, row.side)


def _elsewhere(document: ResultDocument, numbers: dict[str, int]) -> tuple[Elsewhere, ...]:
    groups: dict[tuple[int, str], list[str]] = {}
    for row in document.lesions:
        if _site(row) is None:
            key = numbers[row.visit], _why_not_drawn(row)
            groups.setdefault(key, []).append(_detail(row, name=True))
    return tuple(Elsewhere(visit, "; ".join(texts), why) for (visit, why), texts in groups.items())


def _why_not_drawn(row: LesionRow) -> str:
    if not is_lower_limb(row.bone):
        return message("trail.outside")
    return message("trail.no_side")


def _detail(row: LesionRow, *, name: bool) -> str:
    volume = ml_interval(row.volume_mm3, row.volume_low_mm3, row.volume_high_mm3)
    if not name:
        return volume
    return message("trail.site", site=region_name(row.bone, row.region, row.side), volume=volume)
