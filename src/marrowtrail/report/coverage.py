"""Whether a region without a lesion was found clear, could not be read, or was not imaged.

No lesion at a visit means different things, and only one is news: the same place was read and
is clear, which follow-up alone knows (``TrackRow.clear_at``). Why it is not known otherwise is
told here: the tibia of a knee examination says nothing of the ankle's end of it, so a region
counts as imaged only by an examination of its own joint.
"""

from __future__ import annotations

from enum import StrEnum

from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary
from marrowtrail.report.language import message
from marrowtrail.result.model import BoneRow, TrackRow, VisitRow


class Coverage(StrEnum):
    """What a visit says of a place that has no lesion there."""

    CLEAR = "clear"
    NOT_FOLLOWED = "not_followed"
    """Imaged and read, but the place could not be found again."""
    NOT_READABLE = "not_readable"
    NOT_IMAGED = "not_imaged"

    @property
    def words(self) -> str:
        """As the page says it."""
        return message(f"coverage.{self.value}")


def coverage(visit: VisitRow, track: TrackRow, region: str) -> Coverage:
    """What a visit without a lesion of a track says of the track's region."""
    if visit.id in track.clear_at:
        return Coverage.CLEAR
    here = _rows_of_region(visit, track.bone, region, track.side)
    if not here:
        return Coverage.NOT_IMAGED
    is_read = any(row.is_read for row in here)
    return Coverage.NOT_FOLLOWED if is_read else Coverage.NOT_READABLE


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
