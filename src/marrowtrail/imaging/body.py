"""Which joint and which side a series shows, as its header says."""

from __future__ import annotations

import re

from marrowtrail.errors import Caution, Severity
from marrowtrail.imaging.headers import Header
from marrowtrail.record.sites import Side

UNKNOWN_PART = "unknown"

_PARTS: tuple[tuple[str, str], ...] = (
    ("sacroiliac", r"SACRO|(?<![A-Z])(SIJ|ISG|SI JOINT)"),
    ("knee", r"KNEE|KNIE|GENOU|PATELLA"),
    ("ankle", r"ANKLE|SPRUNG|CHEVILLE|(?<![A-Z])OSG(?![A-Z])|TALUS|CALCANEUS|HINDFOOT"),
    ("hip", r"(?<![A-Z])(HIP|HIPS|HUEFTE|HANCHE)(?![A-Z])|FEMORAL HEAD"),
    ("foot", r"(?<![A-Z])(FOOT|FUSS|PIED|FOREFOOT|TOE)(?![A-Z])"),
)
"""Joints by the words of BodyPartExamined and of protocol names, English first; German and
French words stand in headers of the scanners sold there."""

_SIDES = {
    Side.LEFT: re.compile(r"(?<![A-Z])(LEFT|LINKS|GAUCHE|LT|LI)(?![A-Z])"),
    Side.RIGHT: re.compile(r"(?<![A-Z])(RIGHT|RECHTS|DROIT|DROITE|RT|RE)(?![A-Z])"),
}


def body_part(header: Header) -> str:
    """A joint key of the vocabulary; BodyPartExamined first, names where it is silent."""
    names = " ".join(
        header.text(tag) for tag in ("SeriesDescription", "ProtocolName", "StudyDescription")
    )
    for text in (header.text("BodyPartExamined"), names):
        for joint, pattern in _PARTS:
            if re.search(pattern, text.upper()):
                return joint
    return UNKNOWN_PART


def side(header: Header, where: str) -> tuple[Side, tuple[Caution, ...]]:
    """The side by the header's own attribute; a name counts only where that is silent.

    A name that contradicts the attribute is a caution and changes nothing.
    """
    coded = {"L": Side.LEFT, "R": Side.RIGHT}.get(
        (header.text("ImageLaterality") or header.text("Laterality")).upper()[:1], Side.UNKNOWN
    )
    named = _named_side(header)
    if coded is Side.UNKNOWN:
        return named, ()
    if named is coded.opposite:
        caution = Caution(
            "side-named-otherwise",
            Severity.UNVERIFIED,
            f"The header's laterality says {coded.value}, the name of the series says "
            f"{named.value}. The laterality was used.",
            where,
            "check the side on the images",
        )
        return coded, (caution,)
    return coded, ()


def _named_side(header: Header) -> Side:
    names = " ".join(
        header.text(tag) for tag in ("SeriesDescription", "ProtocolName", "StudyDescription")
    ).upper()
    said = [side for side, pattern in _SIDES.items() if pattern.search(names)]
    return said[0] if len(said) == 1 else Side.UNKNOWN
