"""The report as one HTML page.

One file that opens anywhere: no font, picture or script from outside, and a content security
policy that forbids any. Its only script is the viewer's, whose hash the policy names; without
it, and in print, still pictures show the same places. Everything shown comes from the document,
and every text of it is escaped; the page's own words stand in ``texts/``, by language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from marrowtrail.diagnosis.differential import Cause
from marrowtrail.errors import Severity
from marrowtrail.record.findings import SOFTWARE
from marrowtrail.report import explanations, language, tables, words
from marrowtrail.report.charts import Chart, course_chart, volume_chart
from marrowtrail.report.language import Language, message, speaking
from marrowtrail.report.limb import LimbMap, limb_map
from marrowtrail.report.reasons import Footnote, Footnotes, Reasons, reasons
from marrowtrail.report.slices import SpotRow, spot_rows
from marrowtrail.report.stored import told
from marrowtrail.report.story import VisitStory, tell
from marrowtrail.report.trail import Trail, draw_trail
from marrowtrail.report.viewer_page import ViewerPage, viewer_page
from marrowtrail.result.model import RankingRow, ResultDocument, WarningRow

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
"""Nothing is loaded; pictures and styles are in the file."""

SCRIPT_POLICY = "; script-src '{hash}'"
"""The viewer's own script, and no other."""

BARS = 6
"""Causes drawn as bars; the whole ranking stands in a table below them."""

VISIT_COLOURS = 6
"""Colours of the style sheet for visits; more visits take them again, with their own number."""

LINE_COLOURS = 5
"""Colours of the style sheet for lines of a chart."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """A ranking as bars. ``is_confirmed``: only what a reader confirmed went in."""

    row: RankingRow
    bars: tuple[Cause, ...]
    rest: float

    @property
    def is_confirmed(self) -> bool:
        """Basis of the ranking."""
        return self.row.basis == "confirmed"


@dataclass(frozen=True, slots=True)
class WarningGroup:
    """Warnings of one kind: the first, and the others like it."""

    first: WarningRow
    others: tuple[WarningRow, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All that the template needs, ready to be drawn."""

    document: ResultDocument
    policy: str
    limb: LimbMap
    trail: Trail
    visits: tuple[VisitStory, ...]
    volumes: Chart | None
    course: Chart | None
    spots: tuple[SpotRow, ...]
    viewer: ViewerPage | None
    rankings: tuple[Ranking, ...]
    reasons: tuple[Reasons, ...]
    sources: tuple[Footnote, ...]
    warnings: tuple[WarningGroup, ...]
    notes: tuple[WarningRow, ...]

    @property
    def any_bone_read(self) -> bool:
        """Whether anything could be said of oedema at all."""
        return any(bone.is_read for visit in self.document.visits for bone in visit.bones)

    @property
    def proposed_heading(self) -> str:
        """What the ranking from all findings stands on."""
        return words.basis(self.document.findings)

    @property
    def confirmed_leader(self) -> str:
        """What leads without the findings that nobody confirmed, where there are such findings."""
        if all(row.entered_by != SOFTWARE or row.confirmed_by for row in self.document.findings):
            return ""
        for ranking in self.rankings:
            if ranking.is_confirmed and ranking.bars:
                first = ranking.bars[0]
                share = words.percent_interval(first.probability, first.low, first.high)
                return message("basis.leader", cause=words.inside(first.label), share=share)
        return ""


def render_html(
    document: ResultDocument,
    figures: Mapping[str, bytes],
    language: Language = Language.ENGLISH,
) -> str:
    """The whole page.

    Parameters
    ----------
    document
        All that is shown.
    figures
        WebP bytes by the file name in :class:`~marrowtrail.result.model.FigureRow` and in the
        stacks of the viewer.
    language
        In which the page is written.

    Raises
    ------
    KeyError
        If the bytes of a figure of the document are missing.
    """
    template = environment().get_template("report.html.j2")
    with speaking(language):
        page = with_viewer(page_of(document, figures), figures)
        return template.render(page=page, tables=tables, explained=explanations) + "\n"


def page_of(document: ResultDocument, figures: Mapping[str, bytes]) -> Page:
    """What there is to show, in words and placed for drawing; the PDF is made from it as well."""
    trail = draw_trail(document)
    footnotes = Footnotes()
    why = reasons(document, footnotes)
    grave = [w for w in document.warnings if w.severity != Severity.NOTE]
    return Page(
        document=document,
        policy=POLICY,
        limb=limb_map(),
        trail=trail,
        visits=tell(document, trail),
        volumes=volume_chart(document),
        course=course_chart(document),
        spots=spot_rows(document, figures),
        viewer=None,
        rankings=tuple(_ranking(row) for row in document.rankings),
        reasons=why,
        sources=footnotes.all,
        warnings=_grouped(grave),
        notes=tuple(w for w in document.warnings if w.severity == Severity.NOTE),
    )


def with_viewer(page: Page, figures: Mapping[str, bytes]) -> Page:
    """The page with its viewer, where the document has one, and the policy that lets it run."""
    viewer = viewer_page(page.document, figures)
    if viewer is None:
        return page
    policy = page.policy + SCRIPT_POLICY.format(hash=viewer.script_hash)
    return replace(page, viewer=viewer, policy=policy)


def _grouped(warnings: list[WarningRow]) -> tuple[WarningGroup, ...]:
    """One group for each code, so that ten bones of one kind do not bury another warning."""
    by_code: dict[str, list[WarningRow]] = {}
    for warning in warnings:
        by_code.setdefault(warning.code, []).append(warning)
    return tuple(WarningGroup(rows[0], tuple(rows[1:])) for rows in by_code.values())


def _ranking(row: RankingRow) -> Ranking:
    return Ranking(row, row.causes[:BARS], sum(cause.probability for cause in row.causes[BARS:]))


@cache
def environment() -> Environment:
    """The templates of the report, with every text escaped."""
    made = Environment(
        loader=PackageLoader("marrowtrail.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "capital": words.capital,
        "inside": words.inside,
        "percent": words.percent,
        "plain": words.plain,
        "spoken": words.spoken,
        "told": told,
        "visit_colour": lambda number: f"v{(number - 1) % VISIT_COLOURS + 1}",
        "line_colour": lambda index: f"line{index % LINE_COLOURS + 1}",
    }
    made.globals |= {
        "counted": language.counted,
        "number": words.number,
        "percent_interval": words.percent_interval,
        "t": language.marked_up,
    }
    return made
