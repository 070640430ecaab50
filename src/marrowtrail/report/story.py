"""The story of the visits: what was imaged, what was found, where it came from."""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.follow_up.track import ShiftKind
from marrowtrail.record.findings import FindingState
from marrowtrail.report.trail import Panel, Trail
from marrowtrail.report.weight import counted_sites, minor_lesions
from marrowtrail.report.words import (
    capital,
    joint_name,
    ml,
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
    """One visit.

    ``smaller`` names minor lesions in one line. ``verdict`` says what no lesion means; either
    is empty where it does not apply.
    """

    number: int
    when: str
    day: int
    imaged: str
    lesions: tuple[LesionLine, ...]
    smaller: str
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
    minor = minor_lesions(document)
    large = sorted((row for row in here if row.id not in minor), key=lambda r: -r.volume_mm3)
    verdict = "No oedema in the bones that were read."
    if may_be_oedema(visit, document):
        verdict = "No certain oedema in the bones that were read; a reader must decide."
    if not any(row.is_read for row in visit.bones):
        verdict = "No bone could be read for oedema."
    return VisitStory(
        number=number,
        when=visit_when(visit),
        day=visit.day,
        imaged=capital(" and ".join(imaged)) or "Nothing usable",
        lesions=tuple(_lesion(row, document) for row in large),
        smaller=_smaller([row for row in here if row.id in minor], alone=not large),
        verdict="" if here else verdict,
        panel=panel,
    )


def may_be_oedema(visit: VisitRow, document: ResultDocument) -> bool:
    """Whether an area of a visit may be oedema and is left to a reader."""
    return any(
        row.finding == "bme_present"
        and row.state is FindingState.EQUIVOCAL
        and row.visit == visit.date
        for row in document.findings
    )


def _smaller(rows: list[LesionRow], *, alone: bool) -> str:
    if not rows:
        return ""
    count = "1 small area" if len(rows) == 1 else f"{len(rows)} small areas"
    volume = ml(sum(row.volume_mm3 for row in rows))
    start = f"Only {count}" if alone else f"And {count}"
    return f"{start}, together {volume} ml: {counted_sites(rows)}"


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
