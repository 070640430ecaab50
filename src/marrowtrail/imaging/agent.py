"""Whether an image was made after a contrast agent was given.

The scanner's own entries first; names where they are silent. An agent makes tissue bright that
holds no more fluid than before, so a T1-weighted image with fat suppression after it looks
like oedema and is not evidence of it.
"""

from __future__ import annotations

import re

from marrowtrail.imaging.headers import Header

_NO_AGENT = frozenset({"", "NONE", "NO", "N", "NIL", "WITHOUT", "0", "-", "UNKNOWN"})
"""What scanners and staff write into Contrast/Bolus Agent when there was none."""

_AMOUNTS = ("ContrastBolusVolume", "ContrastBolusTotalDose")

_BRANDS = (
    "DOTAREM|GADAVIST|MAGNEVIST|PROHANCE|MULTIHANCE|CLARISCAN|OMNISCAN|PRIMOVIST|EOVIST"
    "|ELUCIREM|VUEWAY|ARTIREM"
)
_WORD = (
    r"(\+ ?C|(?<![A-Z])(GD|GAD|GADO\w*|KM|MDC|CE|CONTRAST\w*|KONTRAST\w*|INJECTION"
    rf"|{_BRANDS}))(?![A-Z])"
)
_AFTER = re.compile(
    rf"{_WORD}"
    r"|(?<![A-Z])POST(?![A-Z])(?![ _-]*(OP|EX|TRAUM|WALK|RUN|LOAD|REST|SURG|TREAT|THERAP))"
)
_BEFORE = re.compile(
    r"(?<![A-Z])((W|WITH|MIT)?[ /&+_-]*(AND|UND)?[ /&+_-]*)"
    r"(W/O|WO|WITHOUT|NON?|OHNE|SANS|SENZA|SIN|VOR|PRE|AVANT|BEFORE|VOOR|ZONDER)"
    rf"[ _-]*(I\.?V\.? ?)?{_WORD}"
)
"""Names of an image before the agent, and of an examination "with and without" it."""


def given_by_header(header: Header) -> bool:
    """An agent is entered, and nothing says that it was given only after this image.

    Staff enter it once and scanners then write it into every later series; where the time
    of the injection is known, earlier images are those before it.
    """
    said = any(
        header.text(tag).upper() not in _NO_AGENT
        for tag in ("ContrastBolusAgent", "ContrastBolusIngredient")
    )
    if not said and not any((header.number(tag) or 0) > 0 for tag in _AMOUNTS):
        return False
    given, made = (
        time_of_day_s(header.text(tag)) for tag in ("ContrastBolusStartTime", "AcquisitionTime")
    )
    return given is None or made is None or made >= given


def given_by_name(names: str) -> bool:
    """Upper-case names of a series speak of an agent, as ``+C``, ``GD`` or ``nach KM``."""
    return bool(_AFTER.search(_BEFORE.sub(" ", names)))


def time_of_day_s(text: str) -> float | None:
    """Seconds since midnight of a DICOM time (``HHMMSS.FFFFFF``, old files with colons)."""
    written = re.fullmatch(r"(\d\d)(\d\d)(\d\d(?:\.\d+)?)", text.replace(":", ""))
    if written is None:
        return None
    hours, minutes, seconds = written.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
