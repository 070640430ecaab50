"""Visits that ``case.yaml`` describes: images without a DICOM header to tell about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from marrowtrail.record.contradictions import Contradiction, Part
from marrowtrail.record.field_types import (
    AnySide,
    Day,
    Flag,
    JointWord,
    RelativeFile,
    words,
)
from marrowtrail.record.sites import Side

WEIGHTINGS = ("t1", "pd", "t2", "stir", "t2_star", "unknown")


class CaseSeries(Part):
    """One NIfTI image of a visit. A key left out is not known."""

    file: RelativeFile
    body_part: JointWord
    side: AnySide = Side.UNKNOWN
    weighting: Annotated[str, words("weighting", *WEIGHTINGS)] = "unknown"
    fat_suppressed: Flag | None = None


class CaseBones(Part):
    """A mask of bones and the file that names its labels (``{value: {bone, side}}``)."""

    file: RelativeFile
    labels: RelativeFile


class CaseVisit(Part):
    """What was imaged on one day. Without series, it only dates the visit."""

    date: Day
    series: Annotated[tuple[CaseSeries, ...], Field(max_length=200)] = ()
    bones: CaseBones | None = None

    def contradictions(self) -> Iterable[Contradiction]:
        """One file is one series."""
        files = [series.file for series in self.series]
        for index, file in enumerate(files):
            if file in files[:index]:
                place = ("series", index, "file")
                yield Contradiction(place, f"repeats series[{files.index(file)}]")
