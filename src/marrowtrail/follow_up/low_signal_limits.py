"""From which size on a subchondral area of low signal tells of a condyle or head that fails.

The limits are published for two places; anywhere else an area is measured and not judged.
"""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.lesions.lesion import Sign
from marrowtrail.record.findings import FindingState


@dataclass(frozen=True, slots=True)
class Limits:
    """Thickness and length in mm above which an area is thick or long, and who says so."""

    thick_mm: float
    long_mm: float
    source: str


_CONDYLE = Limits(4.0, 14.0, "malghem2023")
_HEAD = Limits(4.0, 12.5, "vandeberg1999, unverified")

LIMITS = {
    ("femur", "medial_condyle"): _CONDYLE,
    ("femur", "lateral_condyle"): _CONDYLE,
    ("femur", "head"): _HEAD,
}
"""By bone and region: 10.1186/s13244-023-01495-6 for the femoral condyle."""

THICK_ERROR_MM, LONG_ERROR_MM = 0.4, 1.0
"""Nearer to a limit than this (a pixel; a quarter of a slice) the images do not tell."""


def size_of_area(sign: Sign) -> tuple[FindingState, str]:
    """Whether an area of low signal that is there is thick or long, and against which limits."""
    limits = LIMITS.get((sign.bone.bone, sign.region or ""))
    if limits is None or sign.length_mm is None or sign.thickness_mm is None:
        return FindingState.NOT_DONE, "no limit of its size is known for this place"
    text = f"limits {limits.thick_mm:g} mm thick, {limits.long_mm:g} mm long ({limits.source})"
    over = (sign.thickness_mm - limits.thick_mm, sign.length_mm - limits.long_mm)
    if over[0] > THICK_ERROR_MM or over[1] > LONG_ERROR_MM:
        return FindingState.PRESENT, text
    if over[0] >= -THICK_ERROR_MM or over[1] >= -LONG_ERROR_MM:
        return FindingState.EQUIVOCAL, f"{text}, too near to tell"
    return FindingState.ABSENT, text
