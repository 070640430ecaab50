"""Words and numbers as the report shows them: labels of the vocabulary, never raw keys.

Volumes in millilitres with their interval, shares in whole percent, a visit as its number
with the date, or the day where dates are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from marrowtrail.diagnosis import wording
from marrowtrail.record.findings import SOFTWARE
from marrowtrail.record.merge import ACCEPTED_BY_OPTION
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary
from marrowtrail.report import names
from marrowtrail.report.language import message
from marrowtrail.report.stored import told
from marrowtrail.result.model import FindingRow, VisitRow
from marrowtrail.result.spoken_ids import spoken_ids

ABBREVIATIONS = {"mri": "MRI", "ct": "CT", "dxa": "DXA", "crp": "CRP"}

MINUS = "\N{MINUS SIGN}"
SMALL_ML = 0.1
"""Below this a volume in ml with one decimal would read 0.0."""

LEAST_RATIO = 1.05
"""A smaller ratio would read "1.0 times"."""


def plain(text: str) -> str:
    """A sentence of another room, with the ids of visits and series in words."""
    return told(spoken_ids(text))


def inside(label: str) -> str:
    """A stored label inside a sentence."""
    return told(wording.inside(label))


def spoken(key: str) -> str:
    """A key as plain words, for the few closed vocabularies that have no labels of their own."""
    return told(_unkeyed(key))


def _unkeyed(key: str) -> str:
    return " ".join(ABBREVIATIONS.get(word, word) for word in key.replace("_", " ").split(" "))


def number(value: float, form: str) -> str:
    """A number by a format specification, with the decimal mark of the language."""
    return f"{value:{form}}".replace(".", message("language.decimal"))


def bone_name(bone: str, side: Side, end: str = "", form: names.Form = "plain") -> str:
    """``right tibia (ankle end)``; a side that is not known is not named.

    ``end`` is the joint whose end of the bone is meant, empty for a whole bone.
    """
    name = names.bone(bone) or names.Name(name=_unkeyed(bone))
    return names.placed(name, side, form, end)


def region_name(bone: str, region: str | None, side: Side, form: names.Form = "plain") -> str:
    """``right medial femoral condyle``; the bone alone where the region is not named."""
    name = names.region(bone, region or "")
    return names.placed(name, side, form) if name else bone_name(bone, side, form=form)


def joint_name(joint: str, side: Side) -> str:
    """``right knee``; ``unknown part`` where the headers do not tell."""
    if joint == "unknown":
        return names.placed(names.Name(name=message("place.unknown_part")), side)
    return names.placed(names.joint(joint) or names.Name(name=_unkeyed(joint)), side)


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
        return number(volume, ".0f")
    return number(volume, ".1f" if volume >= SMALL_ML or volume == 0 else ".2f")


def ml_interval(volume_mm3: float, low_mm3: float, high_mm3: float) -> str:
    """``12 ml (9.8 to 14)``."""
    return message("number.volume", value=ml(volume_mm3), low=ml(low_mm3), high=ml(high_mm3))


def percent(share: float) -> str:
    """Whole percent; what is not zero or certain never reads so."""
    if 0 < share < 0.01:
        return message("number.below_one_percent")
    if 0.99 < share < 1:
        return message("number.above_99_percent")
    return message("number.percent", value=f"{share * 100:.0f}")


def percent_interval(share: float, low: float, high: float) -> str:
    """``62 % (41 to 80 %)``; a starting point, which nobody has given a width, says so."""
    if low == high:
        return message("number.share_alone", value=percent(share))
    least = percent(low).rstrip("% \N{NO-BREAK SPACE}")
    return message("number.share", value=percent(share), low=least, high=percent(high))


def signed(value: float) -> str:
    """``+0.6`` or ``−1.2``."""
    return number(value, "+.1f").replace("-", MINUS)


def times(log10_ratio: float) -> str:
    """A ratio in words: how many times more, or less, often this is seen."""
    ratio = 10 ** abs(log10_ratio)
    if ratio < LEAST_RATIO:
        return message("number.as_often")
    value = number(ratio, ".0f" if ratio >= 10 else ".1f")
    if log10_ratio > 0:
        return message("number.more_often", value=value)
    return message("number.less_often", value=value)


def visit_when(visit: VisitRow) -> str:
    """``12 Mar 2024``, or ``day 42`` where dates are left out."""
    return message("time.day", day=visit.day) if visit.date is None else day_of(visit.date)


def day_of(day: date) -> str:
    """``12 Mar 2024``."""
    return message("language.date", date=day)


def basis(findings: Sequence[FindingRow]) -> str:
    """What the ranking from all findings stands on."""
    unread = (None, ACCEPTED_BY_OPTION)
    unconfirmed = sum(f.entered_by == SOFTWARE and f.confirmed_by in unread for f in findings)
    if unconfirmed == 0:
        return message("basis.confirmed")
    return message("basis.proposed", count=unconfirmed)


def capital(text: str) -> str:
    """First letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]
