"""What the finder is tried on: series of one exam with their true bones."""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.evaluation.bones_scoring import Truth
from marrowtrail.imaging.series import Series


@dataclass(frozen=True, slots=True, eq=False)
class Imaged:
    """One series and its truth. ``thin`` are slices of a 3D series."""

    series: Series
    truth: Truth
    thin: bool


@dataclass(frozen=True, slots=True, eq=False)
class ImagedExam:
    """The series of one exam, which a finder is given together.

    ``key`` tells exams of one evaluation apart and names nobody.
    """

    key: str
    joint: str
    images: tuple[Imaged, ...]
