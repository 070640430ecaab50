"""Words and numbers as the report shows them: labels of the vocabulary, never raw keys.

Volumes in millilitres with their interval, shares in whole percent, a visit as its number
with the date, or the day where dates are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from marrowtrail.record.findings import SOFTWARE
from marrowtrail.record.merge import ACCEPTED_BY_OPTION
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary
from marrowtrail.result.model import FindingRow, VisitRow
from marrowtrail.result.spoken_ids import spoken_ids

plain = spoken_ids
"""A sentence of another room with the ids of visits and series in words."""

ABBREVIATIONS = {"mri": "MRI", "ct": "CT", "dxa": "DXA", "crp": "CRP"}

MINUS = "\N{MINUS SIGN}"
SMALL_ML = 0.1
"""Below this a volume in ml with one decimal would read 0.0."""


def spoken(key: str) -> str:
    """A key as plain words, for the few closed vocabularies that have no labels of their own."""
    return " ".join(ABBREVIATIONS.get(word, word) for word in key.replace("_", " ").split(" "))


def bone_name(bone: str, side: Side, end: str = "") -> str:
    """``right tibia (ankle end)``; a side that is not known is not named.

    ``end`` is the joint whose end of the bone is meant, empty for a whole bone.
    """
    try:
        label = vocabulary().bone(bone).label
    except UnknownWordError:
        label = spoken(bone)
    named = _sided(label, side)
    return f"{named} ({joint_name(end, Side.UNKNOWN)} end)" if end else named


def region_name(bone: str, region: str | None, side: Side) -> str:
    """``right medial femoral condyle``; the bone alone where the region is not named."""
    try:
        label = vocabulary().bone(bone).region(region or "").label
    except UnknownWordError:
        return bone_name(bone, side)
    return _sided(label, side)


def joint_name(joint: str, side: Side) -> str:
    """``right knee``; ``unknown part`` where the headers do not tell."""
    if joint == "unknown":
        return _sided("unknown part", side)
    try:
        label = vocabulary().joint(joint).label
    except UnknownWordError:
        label = spoken(joint)
    return _sided(label, side)


def is_lower_limb(bone: str) -> bool:
    """Whether the bone is drawn on the limb."""
    try:
        return vocabulary().bone(bone).lower_limb
    except UnknownWordError:
        return False


def ml(volume_mm3: float) -> str:
    """``12``, ``3.4`` or ``0.05``: two figures and no more."""
    volume = volume_mm3 / 1000
    if volume >= 10:
        return f"{volume:.0f}"
    return f"{volume:.1f}" if volume >= SMALL_ML or volume == 0 else f"{volume:.2f}"


def ml_interval(volume_mm3: float, low_mm3: float, high_mm3: float) -> str:
    """``12 ml (9.8 to 14)``."""
    return f"{ml(volume_mm3)} ml ({ml(low_mm3)} to {ml(high_mm3)})"


def percent(share: float) -> str:
    """Whole percent; what is not zero or certain never reads so."""
    if 0 < share < 0.01:
        return "< 1 %"
    if 0.99 < share < 1:
        return "> 99 %"
    return f"{share * 100:.0f} %"


def percent_interval(share: float, low: float, high: float) -> str:
    """``62 % (41 to 80 %)``; a starting point, which nobody has given a width, says so."""
    if low == high:
        return f"{percent(share)} (no interval)"
    return f"{percent(share)} ({percent(low).removesuffix(' %')} to {percent(high)})"


def signed(value: float) -> str:
    """``+0.6`` or ``−1.2``."""
    return f"{value:+.1f}".replace("-", MINUS)


def times(log10_ratio: float) -> str:
    """A ratio in words: how many times more, or less, often this is seen."""
    ratio = 10 ** abs(log10_ratio)
    number = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"
    if number == "1.0":
        return "about as often"
    return f"{number} times {'more' if log10_ratio > 0 else 'less'} often"


def visit_when(visit: VisitRow) -> str:
    """``12 Mar 2024``, or ``day 42`` where dates are left out."""
    if visit.date is None:
        return f"day {visit.day}"
    return f"{visit.date.day} {visit.date:%b %Y}"


def basis(findings: Sequence[FindingRow]) -> str:
    """What the ranking from all findings stands on."""
    unread = (None, ACCEPTED_BY_OPTION)
    unconfirmed = sum(f.entered_by == SOFTWARE and f.confirmed_by in unread for f in findings)
    if unconfirmed == 0:
        return "From all findings, each entered or confirmed by a reader"
    return f"Proposed: no reader has confirmed {unconfirmed} of the findings"


def capital(text: str) -> str:
    """First letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def _sided(label: str, side: Side) -> str:
    return f"{side.value} {label}" if side in (Side.LEFT, Side.RIGHT) else label
