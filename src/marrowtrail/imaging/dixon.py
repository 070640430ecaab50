"""Which image of a Dixon series this is: water, fat, in phase or opposed phase.

The four come from one acquisition and share its TR and TE, so physics cannot tell them apart;
Image Type does (words on Siemens and GE, letters on Philips), or the name (GE).
"""

from __future__ import annotations

import re
from collections.abc import Set

from marrowtrail.imaging.series import Dixon

_WORDS: dict[Dixon, frozenset[str]] = {
    Dixon.FAT: frozenset({"FAT", "F", "FAT_ONLY"}),
    Dixon.OPPOSED_PHASE: frozenset(
        {"OUT_PHASE", "OPP_PHASE", "OPPOSED_PHASE", "OUTPHASE", "OUT_OF_PHASE", "OP"}
    ),
    Dixon.IN_PHASE: frozenset({"IN_PHASE", "INPHASE", "IP"}),
    Dixon.WATER: frozenset({"WATER", "W", "WATER_ONLY"}),
}

_NAMES: dict[Dixon, re.Pattern[str]] = {
    Dixon.FAT: re.compile(
        r"(?<![A-Z])FAT:|FAT[ _-]?(ONLY|IMAGE)|DIXON[ _-]*F(AT)?(?![A-Z])"
        r"|(?<![A-Z])F[ _-]?DIXON(?![A-Z])"
    ),
    Dixon.OPPOSED_PHASE: re.compile(
        r"(OPP|OPPOSED|OUT)[ _-]?(OF[ _-]?)?PHASE|DIXON[ _-]*(OPP|OUT)(?![A-Z])"
    ),
    Dixon.IN_PHASE: re.compile(r"(?<![A-Z])IN[ _-]?PHASE|DIXON[ _-]*IN(?![A-Z])"),
    Dixon.WATER: re.compile(r"(?<![A-Z])(WATER|DIXON[ _-]*W|WFS|W[ _-]?DIXON)(?![A-Z])"),
}


def dixon_of(image_type: Set[str], names: str) -> tuple[Dixon | None, bool]:
    """The image, and whether only its name says so; ``None`` for no Dixon image.

    Parameters
    ----------
    image_type
        Upper-case words of Image Type.
    names
        Upper-case names without their phrases of fat suppression: a "Dixon fat sat" is no
        fat image.
    """
    for part, words in _WORDS.items():
        if words & image_type:
            return part, False
    named = [part for part, pattern in _NAMES.items() if pattern.search(names)]
    return (named[0], True) if len(named) == 1 else (None, False)
