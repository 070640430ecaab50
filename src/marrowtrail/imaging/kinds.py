"""Which MR images are no measurement of tissue, told by what the scanner says of them.

Image Type first (PS3.3 C.8.3.1.1.1 and the vendors' own words in it), then the tags made for
the purpose. A name counts only for images that call themselves derived: on a scanner the
*sources* of a map often carry its name (a GE series of echoes is called "T2MAP").
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from marrowtrail.imaging.headers import Header, Rejected

LOCALISER = Rejected("localiser", "it only places the other series")
_MOSAIC = Rejected(
    "mosaic images",
    "each is one sheet with many small slices on it, whose places are not known; export the "
    "series as single slices",
)
_SCREENSHOT = Rejected("screenshots", "they show a screen, not measured signal")
_BURNT_IN = Rejected(
    "images with text burnt in",
    "the text would be measured as tissue, and may name the patient; export them without it",
)
_PHASE = Rejected(
    "phase, real or imaginary images", "their brightness is no amount of signal; the magnitude is"
)
_SUBTRACTION = Rejected("subtraction images", "they show what a contrast agent added, not fluid")
_PROJECTION = Rejected(
    "projections (MIP)", "each shows the brightest point along a line of sight, not one slice"
)
_MAP = Rejected("derived map", "it is calculated from other images, not measured")
_DIFFUSION = Rejected("diffusion images", "their brightness shows diffusion, not marrow oedema")
_PERFUSION = Rejected("perfusion images", "they show blood flow, not marrow oedema")
_SPECTROSCOPY = Rejected("spectroscopy", "it shows chemistry of one place, it is no image")

_WORDS: tuple[tuple[Rejected, frozenset[str]], ...] = (
    (LOCALISER, frozenset({"LOCALIZER", "LOCALISER", "SCOUT"})),
    (_MOSAIC, frozenset({"MOSAIC"})),
    (
        _SCREENSHOT,
        frozenset({"SCREEN SAVE", "SCREENSAVE", "SCREENSHOT", "SCREEN CAPTURE", "CAPTURE"}),
    ),
    (
        _PHASE,
        frozenset({"P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAGINARY", "VELOCITY"}),
    ),
    (_SUBTRACTION, frozenset({"SUB", "SUBTRACT", "SUBTRACTION"})),
    (
        _PROJECTION,
        frozenset({"MIP", "MINIP", "MIP_SAG", "MIP_COR", "MIP_TRA", "PROJECTION IMAGE"}),
    ),
    (
        _MAP,
        frozenset(
            {"ADC", "EADC", "FA", "FRACTION", "FAT_FRACTION", "FF", "DERIVED_MAP", "R2_STAR"}
            | {"T2_STAR_UNSPECIFIED", "B0", "B1", "STDDEV", "STD_DEV"}
        ),
    ),
    (_DIFFUSION, frozenset({"DIFFUSION", "TRACEW", "TRACE"})),
    (_PERFUSION, frozenset({"PERFUSION", "TTP", "PEI", "GBP", "PBP", "RELCBV", "RELCBF"})),
    (_SPECTROSCOPY, frozenset({"SPECTROSCOPY", "CSI"})),
)
"""Words of Image Type; a word that ends in MAP is a map as well."""

_NAMES_OF_DERIVED: tuple[tuple[Rejected, re.Pattern[str]], ...] = (
    (_SUBTRACTION, re.compile(r"(?<![A-Z])SUB(TRACT\w*)?(?![A-Z])")),
    (_PROJECTION, re.compile(r"(?<![A-Z])(MINIP|MIP)(?![A-Z])")),
    (
        _MAP,
        re.compile(
            r"(?<![A-Z])(E?ADC|FA|PDFF|FAT[ _-]?FRAC\w*|[TR][12]\*?([ _-]?STAR)?[ _-]?MAP)(?![A-Z])"
        ),
    ),
)

_REFORMAT_WORDS = frozenset(
    {"MPR", "REFORMATTED", "CSA MPR", "CSA RESAMPLED", "RESAMPLED", "COMPOSED", "COMP_AD"}
)
_AFTERWARDS = "SECONDARY"
"""Second value of Image Type for what was made after the examination."""

_DIFFUSION_NAMES = re.compile(r"(?<![A-Z])(DWI|DTI|DIFF\w*|IVIM|B[ _-]?\d{2,4})(?![A-Z])")


def kind_set_aside(headers: Sequence[Header]) -> Rejected | None:
    """Why images of one Image Type are not measured; ``None`` if they may be."""
    words = {word for header in headers for word in header.words("ImageType")}
    for why, known in _WORDS:
        if words & known or (why is _MAP and any(word.endswith("MAP") for word in words)):
            return why
    if any(header.text("BurnedInAnnotation").upper() == "YES" for header in headers):
        return _BURNT_IN
    if any(_is_diffusion(header) for header in headers):
        return _DIFFUSION
    if "DERIVED" in words:
        name = headers[0].text("SeriesDescription").upper()
        return next((why for why, known in _NAMES_OF_DERIVED if known.search(name)), None)
    return None


def is_reformat(header: Header) -> bool:
    """Slices that were interpolated from another volume, or made from it afterwards.

    They repeat what the original shows: read beside it, they would count it twice.
    """
    words = header.words("ImageType")
    return bool(_REFORMAT_WORDS & set(words)) or words[1:2] == (_AFTERWARDS,)


def _is_diffusion(header: Header) -> bool:
    """A diffusion weighting, or an echo-planar image of a diffusion series (b = 0)."""
    weight = header.number("DiffusionBValue")
    if weight is not None and weight > 0:
        return True
    is_echo_planar = "EP" in header.words("ScanningSequence")
    named = _DIFFUSION_NAMES.search(header.text("SeriesDescription").upper())
    return is_echo_planar and (weight is not None or named is not None)
