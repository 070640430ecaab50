"""The story of the visits: what was imaged, what was found, where it came from."""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.follow_up.track import ShiftKind
from marrowtrail.report.trail import Panel, Trail
from marrowtrail.report.words import (
    capital,
    joint_name,
    ml_interval,
    region_name,
    visit_when,
)
from marrowtrail.result.model import LesionRow, ResultDocument, ShiftRow, VisitRow

SHIFTS = {
    ShiftKind.WITHIN_BONE: "within the bone",
    ShiftKind.WITHIN_JOINT: "within the joint",
    ShiftKind.BETWEEN_JOINTS: "to another joint",
}


@dataclass(frozen=True, slots=True)
class LesionLine:
    """A lesion in words, where it came from, if from anywhere, and what speaks for that."""

    site: str
    volume: str
    arrivals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VisitStory:
    """One visit. ``verdict`` says what no lesion means; it is empty where there are some."""

    number: int
    when: str
    day: int
    imaged: str
    lesions: tuple[LesionLine, ...]
    verdict: str
    panel: Panel | None


def tell(document: ResultDocument, trail: Trail) -> tuple[VisitStory, ...]:
    """Every visit in order of date."""
    panels = trail.visits or (None,) * len(document.visits)
    return tuple(
        _visit(n, visit, panel, document)
        for n, (visit, panel) in enumerate(zip(document.visits, panels, strict=True), 1)
    )


def _visit(
    number: int, visit: VisitRow, panel: Panel | None, document: ResultDocument
) -> VisitStory:
    imaged = dict.fromkeys(joint_name(series.body_part, series.side) for series in visit.series)
    here = [row for row in document.lesions if row.visit == visit.id]
    verdict = "No oedema in the bones that were read."
    if not any(row.is_read for row in visit.bones):
        verdict = "No bone could be read for oedema."
    return VisitStory(
        number=number,
        when=visit_when(visit),
        day=visit.day,
        imaged=capital(" and ".join(imaged)) or "Nothing usable",
        lesions=tuple(_lesion(row, document) for row in here),
        verdict="" if here else verdict,
        panel=panel,
    )


def _lesion(row: LesionRow, document: ResultDocument) -> LesionLine:
    sites = {other.id: other for other in document.lesions}
    arrivals = tuple(
        _arrival(shift, sites[shift.from_]) for shift in document.shifts if shift.to == row.id
    )
    return LesionLine(
        capital(region_name(row.bone, row.region, row.side)),
        ml_interval(row.volume_mm3, row.volume_low_mm3, row.volume_high_mm3),
        arrivals,
    )


def _arrival(shift: ShiftRow, start: LesionRow) -> str:
    site = region_name(start.bone, start.region, start.side)
    days = "1 day" if shift.days == 1 else f"{shift.days} days"
    doubt = "" if shift.verified else "; not verified"
    return f"moved from the {site} in {days} ({SHIFTS[shift.kind]}{doubt})"
