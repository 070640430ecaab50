"""The pictures of the PDF as stand-alone SVG: the trail, the volumes, the slices.

They are drawn by the same templates as on the page. Typst's SVG reader knows neither CSS
variables nor WebP in every build, so colours are written out from the page's own style sheet
and slices are embedded as JPEG, which a PDF holds as it is.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from PIL import Image

from marrowtrail.report.charts import Chart
from marrowtrail.report.html import LINE_COLOURS, VISIT_COLOURS, environment
from marrowtrail.report.language import message
from marrowtrail.report.limb import limb_map
from marrowtrail.report.slices import SpotRow
from marrowtrail.report.trail import Panel
from marrowtrail.result.model import FigureRow

JPEG_QUALITY = 88
"""The noise of a slice hides the losses; 440 x 440 pixels take 20 to 40 kB."""

VARIABLE = re.compile(r"var\(--([a-z0-9-]+)\)")


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG and the words for who cannot see it."""

    svg: str
    alt: str


@dataclass(frozen=True, slots=True)
class SlicePicture:
    """A slice of one visit, or why there is none. ``svg`` is empty where there is none."""

    visit: int
    when: str
    svg: str
    alt: str
    caption: str


@cache
def palette() -> dict[str, str]:
    """The colours of the page in light: name without dashes to ``#rrggbb``."""
    sheet = _template("report.css")
    root = sheet[sheet.index(":root {") : sheet.index("}")]
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", root))


@cache
def _style() -> str:
    colours = palette()
    sheet = VARIABLE.sub(lambda found: colours[found[1]], _template("drawing.css"))
    visits = (f".v{n}{{color:{colours[f'v{n}']}}}" for n in range(1, VISIT_COLOURS + 1))
    lines = (f".line{n}{{color:{colours[f'line{n}']}}}" for n in range(1, LINE_COLOURS + 1))
    return "".join((sheet, *visits, *lines))


def _template(name: str) -> str:
    return (resources.files("marrowtrail.report") / "templates" / name).read_text(encoding="utf-8")


def trail_drawing(panel: Panel) -> Drawing:
    """The limb with the oedema of every visit and where it went."""
    marks = "; ".join(marker.title for marker in panel.markers)
    moves = "".join(f"; {message('trail.shift', days=arrow.said)}" for arrow in panel.arrows)
    svg = _drawing("trail", panel=panel, limb=limb_map())
    return Drawing(svg, f"{message('trail.drawing')}{marks}{moves}")


def chart_drawing(chart: Chart) -> Drawing:
    """A plot over days."""
    points = "; ".join(point.title for line in chart.lines for point in line.points)
    alt = message("paper.over_time", title=chart.title, points=points)
    return Drawing(_drawing("plot", data=chart), alt)


def slice_pictures(
    spot: SpotRow, numbers: tuple[int, ...], whens: Mapping[int, str], figures: Mapping[str, bytes]
) -> tuple[SlicePicture, ...]:
    """The first picture of each of some visits, which is fluid-sensitive where there is one."""
    shown = []
    for column in spot.columns:
        if column.number not in numbers:
            continue
        when = whens[column.number]
        if not column.pictures:
            shown.append(SlicePicture(column.number, when, "", "", column.missing))
            continue
        first = column.pictures[0]
        svg = _drawing("slice", row=first.row, data=_jpeg(first.row, figures))
        shown.append(SlicePicture(column.number, when, svg, first.alt, first.caption))
    return tuple(shown)


def _jpeg(row: FigureRow, figures: Mapping[str, bytes]) -> str:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(figures[row.file])) as picture:
        picture.convert("L").save(buffer, format="JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _drawing(kind: str, **what: object) -> str:
    template = environment().get_template("drawing.svg.j2")
    return template.render(kind=kind, style=_style(), **what)
