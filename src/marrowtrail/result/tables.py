"""The tables of a result as CSV text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from marrowtrail.result.model import LesionRow, ResultDocument


def lesions_csv(document: ResultDocument) -> str:
    """One line a lesion and visit."""
    days = {visit.id: visit.day for visit in document.visits}
    tracks = {lesion: track.id for track in document.tracks for lesion in track.lesions}
    header = [
        "lesion",
        "visit",
        "day",
        "track",
        "bone",
        "side",
        "region",
        "volume_mm3",
        "volume_low_mm3",
        "volume_high_mm3",
        "share_of_bone",
        "contrast",
        "series",
        "tracking_uid",
        "joint_distance_mm",
        "subregions",
    ]
    rows = (
        [
            one.id,
            one.visit,
            days[one.visit],
            tracks[one.id],
            one.bone,
            one.side.value,
            one.region,
            one.volume_mm3,
            one.volume_low_mm3,
            one.volume_high_mm3,
            one.share_of_bone,
            one.contrast,
            one.series,
            one.tracking_uid,
            one.joint_distance_mm,
            _subregions(one),
        ]
        for one in document.lesions
    )
    return _csv(header, rows)


def _subregions(lesion: LesionRow) -> str:
    """Subregions with their share of a lesion, largest first: ``central_medial_femur 0.83``."""
    shares = (f"{one.subregion} {one.share_of_lesion:.2f}" for one in lesion.subregion_shares)
    return "; ".join(shares)


def regions_csv(document: ResultDocument) -> str:
    """One line for each region that a lesion reaches."""
    header = ["lesion", "visit", "bone", "side", "region", "share_of_lesion", "share_of_region"]
    rows = (
        [
            one.id,
            one.visit,
            one.bone,
            one.side.value,
            share.region,
            share.share_of_lesion,
            share.share_of_region,
        ]
        for one in document.lesions
        for share in one.region_shares
    )
    return _csv(header, rows)


def tracks_csv(document: ResultDocument) -> str:
    """One line a track."""
    header = ["track", "bone", "side", "change", "verified", "lesions", "clear_at", "explanation"]
    rows = (
        [
            one.id,
            one.bone,
            one.side.value,
            one.change.value,
            one.verified,
            " ".join(one.lesions),
            " ".join(one.clear_at),
            one.explanation,
        ]
        for one in document.tracks
    )
    return _csv(header, rows)


def intervals_csv(document: ResultDocument) -> str:
    """One line for each interval of a track."""
    header = [
        "track",
        "from_visit",
        "to_visit",
        "days",
        "change",
        "verified",
        "earlier",
        "later",
        "cleared_mm3",
        "appeared_mm3",
        "explanation",
    ]
    days = {visit.id: visit.day for visit in document.visits}
    rows = (
        [
            track.id,
            step.from_visit,
            step.to_visit,
            days[step.to_visit] - days[step.from_visit],
            step.change.value,
            step.verified,
            " ".join(step.earlier),
            " ".join(step.later),
            step.cleared_mm3,
            step.appeared_mm3,
            step.explanation,
        ]
        for track in document.tracks
        for step in track.steps
    )
    return _csv(header, rows)


def matches_csv(document: ResultDocument) -> str:
    """One line for each edge of the lesion graph, and for each alternative."""
    header = ["from", "to", "overlap", "confidence", "verified", "chosen"]
    rows = (
        [one.from_, one.to, one.overlap, one.confidence, one.verified, one.chosen]
        for one in document.matches
    )
    return _csv(header, rows)


def tables(document: ResultDocument) -> dict[str, str]:
    """Every table by its file name."""
    return {
        "lesions.csv": lesions_csv(document),
        "regions.csv": regions_csv(document),
        "tracks.csv": tracks_csv(document),
        "intervals.csv": intervals_csv(document),
        "matches.csv": matches_csv(document),
    }


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
