"""The rows of slices as the page shows them: one place in a row, one visit in a column."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from marrowtrail.record.sites import Side
from marrowtrail.report.coverage import is_imaged
from marrowtrail.report.language import message
from marrowtrail.report.stored import told
from marrowtrail.report.weight import minor_lesions
from marrowtrail.report.words import bone_name, capital, region_name
from marrowtrail.result.model import FigureRow, LesionRow, OutlineRow, ResultDocument, VisitRow


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with its pixels as a data address, its caption, and what it shows in words."""

    row: FigureRow
    data: str
    caption: str
    alt: str

    def points(self, outline: OutlineRow) -> str:
        """An outline as an SVG list of points."""
        return " ".join(f"{x:g},{y:g}" for x, y in outline.points)


@dataclass(frozen=True, slots=True)
class VisitColumn:
    """The pictures of one visit, fluid-sensitive first, or why there is none."""

    number: int
    visit: VisitRow
    pictures: tuple[Picture, ...]
    missing: str


@dataclass(frozen=True, slots=True)
class SpotRow:
    """One anatomical place through the visits."""

    title: str
    columns: tuple[VisitColumn, ...]
    is_minor: bool


def spot_rows(document: ResultDocument, figures: Mapping[str, bytes]) -> tuple[SpotRow, ...]:
    """Every spot that was pictured, in the order of the document.

    Raises
    ------
    KeyError
        If the bytes of a figure are not among ``figures``.
    """
    spots = dict.fromkeys(_spot(row) for row in document.figures)
    lesions = {row.id: row for row in document.lesions}
    minor = minor_lesions(document)
    rows = []
    for spot in spots:
        members = [row for row in document.figures if _spot(row) == spot]
        lesion = lesions.get(spot[0])
        title = (
            region_name(lesion.bone, lesion.region, lesion.side)
            if lesion
            else message("place.middle", place=bone_name(*spot[1:]))
        )
        columns = tuple(
            _column(n, visit, members, lesion, figures)
            for n, visit in enumerate(document.visits, 1)
        )
        rows.append(SpotRow(capital(title), columns, spot[0] in minor))
    return tuple(rows)


def _spot(row: FigureRow) -> tuple[str, str, Side, str]:
    return row.spot, row.bone, row.side, row.end


def _column(
    number: int,
    visit: VisitRow,
    members: list[FigureRow],
    lesion: LesionRow | None,
    figures: Mapping[str, bytes],
) -> VisitColumn:
    fluid = {s.id: s.is_fluid_sensitive for s in visit.series}
    here = sorted(
        (row for row in members if row.visit == visit.id),
        key=lambda row: not fluid.get(row.series, False),
    )
    pictures = tuple(_picture(row, number, figures[row.file]) for row in here)
    missing = "" if pictures else _why_missing(visit, members[0], lesion)
    return VisitColumn(number, visit, pictures, missing)


def _picture(row: FigureRow, number: int, content: bytes) -> Picture:
    lesions = dict.fromkeys(told(o.name) for o in row.outlines if o.kind == "lesion")
    what = message("slice.none_outlined")
    if lesions:
        what = message("slice.outlined", names=message("join.and_the").join(lesions))
    caption = told(row.caption)
    bone = bone_name(row.bone, row.side, row.end)
    alt = message("slice.alt", number=number, bone=bone, caption=caption, what=what)
    data = "data:image/webp;base64," + base64.b64encode(content).decode("ascii")
    return Picture(row, data, caption, alt)


def _why_missing(visit: VisitRow, figure: FigureRow, lesion: LesionRow | None) -> str:
    region = lesion.region if lesion else ""
    if not any(row.bone == figure.bone and row.side == figure.side for row in visit.bones):
        return message("slice.missing")
    if lesion and not is_imaged(visit, figure.bone, region, figure.side):
        return message("slice.missing_end")
    return message("slice.missing_place")
