"""Which joint and which side a series shows, as its header says."""

from __future__ import annotations

import re

from marrowtrail.errors import Caution, Severity
from marrowtrail.imaging.headers import Header
from marrowtrail.record.sites import Side

UNKNOWN_PART = "unknown"

_PARTS: dict[str, re.Pattern[str]] = {
    "sacroiliac": re.compile(r"SACRO|(?<![A-Z])(SIJ|ISG|SI JOINT)"),
    "knee": re.compile(r"KNEE|KNIE|GENOU|PATELLA"),
    "ankle": re.compile(r"ANKLE|SPRUNG|CHEVILLE|(?<![A-Z])OSG(?![A-Z])|TALUS|CALCANEUS|HINDFOOT"),
    "hip": re.compile(r"(?<![A-Z])(HIP|HIPS|HUEFTE|HÜFTE|HANCHE)(?![A-Z])|FEMORAL HEAD"),
    "foot": re.compile(r"(?<![A-Z])(FOOT|FUSS|PIED|FOREFOOT|TOE)(?![A-Z])"),
}
"""Joints by the words of BodyPartExamined and of protocol names, English first; German and
French words stand in headers of the scanners sold there. A text that names several belongs to
the first of them."""

_JOINT = r"(KNEE|KNIE|GENOU|ANKLE|HIP|FOOT|SPRUNGGELENK|CHEVILLE)"
_SIDES = {
    Side.LEFT: re.compile(
        r"(?<![A-Z])(LEFT|LINKS|GAUCHE|LT|LI)(?![A-Z])"
        rf"|(?<![A-Z/&+])L[ _.-]?{_JOINT}|{_JOINT}[ _.-]?L(?![A-Z0-9/+&])"
    ),
    Side.RIGHT: re.compile(
        r"(?<![A-Z])((RIGHT|RECHTS|DROIT|DROITE|RT)(?![A-Z])|RE(?![A-Z-]))"
        rf"|(?<![A-Z/&+])R[ _.-]?{_JOINT}|{_JOINT}[ _.-]?R(?![A-Z0-9/+&])"
    ),
}
"""Words for a side, and a single letter only beside a joint: alone it may be a direction
("R>>L"). The hyphen keeps "RE-SCAN" from naming a side, the slash "B/L KNEES"."""

_BOTH = re.compile(r"(?<![A-Z])(BOTH|BILAT\w*|BEID\w*|BDS|DEUX|B/L)(?![A-Z])")
_CODED_BOTH = frozenset({"B", "BOTH", "BILATERAL"})

_NAMES = ("SeriesDescription", "ProtocolName", "StudyDescription")


def body_part(header: Header, where: str) -> tuple[str, tuple[Caution, ...]]:
    """A joint key of the vocabulary; BodyPartExamined first, names where it is silent.

    Names that speak of other joints only are a caution and change nothing: the attribute is
    often left over from the protocol that was copied.
    """
    coded = _parts(header.text("BodyPartExamined"))
    named = _parts(_names(header))
    if not coded:
        return (named[0] if named else UNKNOWN_PART), ()
    if named and not set(coded) & set(named):
        what = (
            f"The header's body part says {coded[0]}, the name of the series says {named[0]}. "
            "The body part was used."
        )
        return coded[0], (_caution("body-part-named-otherwise", what, where, "joint"),)
    return coded[0], ()


def side(header: Header, where: str) -> tuple[Side, tuple[Caution, ...]]:
    """The side by the header's own attributes; a name counts only where they are silent.

    A name or a second attribute that contradicts the first is a caution and changes nothing.
    An image of both limbs has no side; its bones have one each.
    """
    attributes = (header.text("ImageLaterality"), header.text("Laterality"))
    if (attributes[0] or attributes[1]).upper() in _CODED_BOTH:
        return Side.UNKNOWN, ()
    image, series = (_coded_side(one) for one in attributes)
    coded = series if image is Side.UNKNOWN else image
    named = _named_side(header)
    if coded is Side.UNKNOWN:
        return named, ()
    for said, by in ((series, "the laterality of the series"), (named, "the name of the series")):
        if said is coded.opposite:
            what = (
                f"The header's laterality says {coded.value}, {by} says {said.value}. "
                "The former was used."
            )
            return coded, (_caution("side-named-otherwise", what, where, "side"),)
    return coded, ()


def _caution(code: str, what: str, where: str, about: str) -> Caution:
    return Caution(code, Severity.UNVERIFIED, what, where, f"check the {about} on the images")


def _names(header: Header) -> str:
    return " ".join(header.text(tag) for tag in _NAMES)


def _parts(text: str) -> list[str]:
    upper = text.upper()
    return [joint for joint, pattern in _PARTS.items() if pattern.search(upper)]


def _coded_side(text: str) -> Side:
    return {"L": Side.LEFT, "LEFT": Side.LEFT, "R": Side.RIGHT, "RIGHT": Side.RIGHT}.get(
        text.upper(), Side.UNKNOWN
    )


def _named_side(header: Header) -> Side:
    names = f"{header.text('BodyPartExamined')} {_names(header)}".upper()
    if _BOTH.search(names):
        return Side.UNKNOWN
    said = [one for one, pattern in _SIDES.items() if pattern.search(names)]
    return said[0] if len(said) == 1 else Side.UNKNOWN
