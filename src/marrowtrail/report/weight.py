"""Which lesions carry the story, and which are small beside them.

A patient with one large oedema often has several specks of a fraction of a millilitre. All
stand in the tables; on the drawing and in the chart only those that matter have room.
"""

from __future__ import annotations

from marrowtrail.report.language import message
from marrowtrail.report.words import region_name
from marrowtrail.result.model import LesionRow, ResultDocument

MINOR_SHARE = 0.1
"""A lesion that never reached this part of the patient's largest is minor."""


def minor_lesions(document: ResultDocument) -> frozenset[str]:
    """Ids of lesions whose whole track stayed small beside the largest lesion.

    A lesion that was large once stays in the story while it fades.
    """
    volumes = {row.id: row.volume_mm3 for row in document.lesions}
    limit = MINOR_SHARE * max(volumes.values(), default=0.0)
    peak = dict(volumes)
    for track in document.tracks:
        largest = max(volumes[key] for key in track.lesions)
        peak.update({key: max(peak[key], largest) for key in track.lesions})
    return frozenset(key for key, volume in peak.items() if volume < limit)


def counted_sites(rows: list[LesionRow]) -> str:
    """``right femoral head, right distal femoral metaphysis (3)``."""
    counts: dict[str, int] = {}
    for row in rows:
        site = region_name(row.bone, row.region, row.side)
        counts[site] = counts.get(site, 0) + 1
    return ", ".join(
        site if n == 1 else message("place.counted", place=site, count=n)
        for site, n in counts.items()
    )
