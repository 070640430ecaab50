"""What is unverified about one series, known from its headers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from marrowtrail.errors import Caution, Severity
from marrowtrail.imaging.headers import Header
from marrowtrail.imaging.series import Contrast, Weighting

SAME_SHAPE = 0.02
"""Pixel Spacing and Pixel Aspect Ratio may differ by this share: the ratio is of whole numbers
and the spacing is rounded."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something unverified about one series; the pattern of :class:`Caution` without a place."""

    code: str
    what: str
    remedy: str

    def at(self, where: str) -> Caution:
        """The caution about the series at a place."""
        return Caution(self.code, Severity.UNVERIFIED, self.what, where, self.remedy)


INTERPOLATED = Doubt(
    "reformat-measured",
    "The series was reformatted, and its original did not come, or not whole. Reformatting blurs, "
    "so thin lines and small lesions may be missed.",
    "add the series that it was made from",
)

_NULLED = Doubt(
    "stir-after-contrast",
    "The STIR series was made after a contrast agent, which shortens T1: enhancing marrow may be "
    "nulled with the fat, and oedema be hidden or look smaller.",
    "compare with a fat-suppressed PD or T2 series, or with a STIR before the contrast agent",
)

_SHAPE = Doubt(
    "pixel-shape",
    "The header gives two shapes of its pixels (Pixel Spacing and Pixel Aspect Ratio); the spacing "
    "was used. If it is wrong, lengths and volumes are.",
    "check a known length on the images, or export the series again",
)


def doubts_of_header(header: Header, contrast: Contrast) -> Iterator[Doubt]:
    """What a header says that cannot be relied upon."""
    if contrast.weighting is Weighting.STIR and contrast.after_agent:
        yield _NULLED
    if _has_two_shapes(header):
        yield _SHAPE


def slices_missing(parts: int, used: int, came: int) -> Doubt:
    """A series with a hole, read in so many parts of so many slices."""
    read_as = "the rest was read as one volume" if parts == 1 else f"it was read in {parts} parts"
    return Doubt(
        "slices-missing",
        f"Slices are missing in the middle of the series: {read_as}, {used} of the {came} slices "
        "that came. Nothing was measured across the hole: a volume may be too small, and a bone "
        "cut by it is never called clear.",
        "send the whole series again",
    )


def slices_twice(copies: int, places: int) -> Doubt:
    """A few places of a series were imaged twice."""
    return Doubt(
        "slices-repeated",
        f"{copies} of {places} slices came twice; the first image of each place was used.",
        "check which image is the right one, and send the series without the other",
    )


def frames_mixed(count: int) -> Doubt:
    """A series in several frames of reference."""
    return Doubt(
        "frames-mixed",
        f"Slices of one series lie in {count} frames of reference (the patient was moved, or "
        "series were merged); each was read as a series of its own, and their positions were "
        "not compared.",
        "check that all of it shows this examination",
    )


def _has_two_shapes(header: Header) -> bool:
    """The standard has the ratio (height to width of a pixel) only where there is no spacing."""
    said = header.values.get("PixelAspectRatio", ())
    if header.place is None or len(said) != 2:
        return False
    try:
        height, width = (float(one) for one in said)
    except ValueError:
        return False
    if min(height, width) <= 0:
        return False
    across, down = header.place.spacing_mm
    return abs(height / width / (down / across) - 1) > SAME_SHAPE
