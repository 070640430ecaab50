"""Whether a region without a lesion was found clear, could not be read, or was not imaged.

No lesion at a visit means different things, and only one is news: the same place was read and
is clear, which follow-up alone knows (``TrackRow.clear_at``). Why it is not known otherwise is
told here: the tibia of a knee examination says nothing of the ankle's end of it, so a region
counts as imaged only by an examination of its own joint.
"""

from __future__ import annotations

from enum import StrEnum

from marrowtrail.follow_up.track import Before, Change, Verification
from marrowtrail.record.findings import FindingState
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary
from marrowtrail.report.language import message
from marrowtrail.result.follow_up_rows import ShiftRow, TrackRow
from marrowtrail.result.model import BoneRow, ResultDocument, VisitRow


class Coverage(StrEnum):
    """What a visit says of a place that has no lesion there."""

    CLEAR = "clear"
    POSSIBLE = "possible"
    """Something there may be oedema, which a reader must decide."""
    NOT_FOLLOWED = "not_followed"
    """Imaged and read, but the place could not be found again."""
    NOT_READABLE = "not_readable"
    OUTSIDE = "outside"
    """The bone was read and aligned, and the image does not reach to the place."""
    NOT_IMAGED = "not_imaged"

    @property
    def words(self) -> str:
        """As the page says it."""
        return message(f"coverage.{self.value}")


def shown(document: ResultDocument, visit: VisitRow, track: TrackRow, region: str) -> Coverage:
    """What a visit without a lesion of a track says of its region, as far as the document tells."""
    said = coverage(visit, track, region)
    if said is not Coverage.NOT_FOLLOWED:
        return said
    doubts = [
        row
        for row in document.findings
        if row.finding == "bme_present"
        and row.state is FindingState.EQUIVOCAL
        and (row.bone, row.side) == (track.bone, track.side)
        and row.region in (None, region)
    ]
    if any(row.visit == visit.date for row in doubts if row.visit is not None):
        return Coverage.POSSIBLE
    is_undated = any(row.visit is None for row in doubts)
    return (
        said if is_undated or not _is_aligned(document, visit, track, region) else Coverage.OUTSIDE
    )


def coverage(visit: VisitRow, track: TrackRow, region: str) -> Coverage:
    """What a visit without a lesion of a track says of its region, by itself and the track."""
    if visit.id in track.clear_at:
        return Coverage.CLEAR
    if _is_doubtful(visit, track):
        return Coverage.POSSIBLE
    here = _rows_of_region(visit, track.bone, region, track.side)
    if not here:
        return Coverage.NOT_IMAGED
    is_read = any(row.is_read for row in here)
    return Coverage.NOT_FOLLOWED if is_read else Coverage.NOT_READABLE


def _is_doubtful(visit: VisitRow, track: TrackRow) -> bool:
    """An interval that begins or ends there is left to a reader, since no lesion is certain."""
    return any(
        step.change is Change.UNCLEAR
        and (
            (step.from_visit == visit.id and not step.earlier)
            or (step.to_visit == visit.id and not step.later)
        )
        for step in track.steps
    )


def _is_aligned(document: ResultDocument, visit: VisitRow, track: TrackRow, region: str) -> bool:
    """Verified alignments lead from a sighting to a visit, straight or over other visits.

    That of a bone's other end says nothing.
    """
    ends = ("", _joint_of(track.bone, region))
    reached = {row.visit for row in document.lesions if row.id in track.lesions}
    steps = [
        {row.from_visit, row.to_visit}
        for row in document.registrations
        if (row.bone, row.side) == (track.bone, track.side)
        and row.end in ends
        and row.verification == Verification.VERIFIED.value
    ]
    for _ in document.visits:
        for step in steps:
            if step & reached:
                reached |= step
    return visit.id in reached


def is_new_ground(document: ResultDocument, shift: ShiftRow) -> bool:
    """Nobody had imaged the place that oedema went to before it was seen there.

    Whether it had been clear until then is not known.
    """
    order = {visit.id: number for number, visit in enumerate(document.visits)}
    arrived = next(order[row.visit] for row in document.lesions if row.id == shift.to)
    clear = {
        visit for track in document.tracks if shift.to in track.lesions for visit in track.clear_at
    }
    return shift.before is Before.NOT_IMAGED and all(order[visit] > arrived for visit in clear)


def is_imaged(visit: VisitRow, bone: str, region: str, side: Side) -> bool:
    """Whether a visit has an examination of the joint that a region belongs to."""
    return bool(_rows_of_region(visit, bone, region, side))


def _rows_of_region(visit: VisitRow, bone: str, region: str, side: Side) -> list[BoneRow]:
    parts = {series.id: series.body_part for series in visit.series}
    joint = _joint_of(bone, region)
    return [
        row
        for row in visit.bones
        if row.bone == bone and row.side == side and _images(row, joint, parts)
    ]


def _images(row: BoneRow, joint: str | None, parts: dict[str, str]) -> bool:
    if joint is None:
        return False
    if row.end:
        return row.end == joint
    part = parts.get(row.series) if row.series is not None else None
    if part is None:
        return joint in parts.values()
    return part == joint


def _joint_of(bone: str, region: str) -> str | None:
    try:
        return vocabulary().joint_of(bone, region)
    except UnknownWordError:
        return None
