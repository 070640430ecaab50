"""The story of the visits: what was imaged, what was found, where it came from."""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.follow_up.track import ShiftKind
from marrowtrail.record.findings import FindingState
from marrowtrail.report.coverage import is_new_ground
from marrowtrail.report.language import counted, message
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
from marrowtrail.result.follow_up_rows import ShiftRow
from marrowtrail.result.model import LesionRow, ResultDocument, VisitRow

SHIFTS = {
    ShiftKind.WITHIN_BONE: "shift.within_bone",
    ShiftKind.WITHIN_JOINT: "shift.within_joint",
    ShiftKind.BETWEEN_JOINTS: "shift.between_joints",
    ShiftKind.CONTRALATERAL: "shift.contralateral",
}
"""Texts of the catalogue."""


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
    verdict = message("story.clear")
    if may_be_oedema(visit, document):
        verdict = message("story.possible")
    if not any(row.is_read for row in visit.bones):
        verdict = message("story.unread")
    return VisitStory(
        number=number,
        when=visit_when(visit),
        day=visit.day,
        imaged=capital(message("join.and").join(imaged)) or message("story.nothing_usable"),
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
    return message(
        "story.only_small" if alone else "story.and_small",
        areas=counted("story.small", len(rows)),
        volume=ml(sum(row.volume_mm3 for row in rows)),
        sites=counted_sites(rows),
    )


def _lesion(row: LesionRow, document: ResultDocument) -> LesionLine:
    sites = {other.id: other for other in document.lesions}
    arrivals = tuple(
        _arrival(shift, sites[shift.from_], document)
        for shift in document.shifts
        if shift.to == row.id
    )
    return LesionLine(
        capital(region_name(row.bone, row.region, row.side)),
        ml_interval(row.volume_mm3, row.volume_low_mm3, row.volume_high_mm3),
        arrivals,
    )


def _arrival(shift: ShiftRow, start: LesionRow, document: ResultDocument) -> str:
    notes = [message(SHIFTS[shift.kind])]
    if not shift.verified:
        notes.append(message("story.not_verified"))
    if is_new_ground(document, shift):
        notes.append(message("story.not_imaged_before"))
    return message(
        "story.arrival",
        origin=region_name(start.bone, start.region, start.side, "from"),
        days=counted("time.days", shift.days),
        notes="; ".join(notes),
    )
