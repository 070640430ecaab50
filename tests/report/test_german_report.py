"""The report in German: nothing English where a reader looks first, and the sides right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from chromium import Tab, chromium
from made_result import LABELS, migrating
from test_viewer_page import viewed
from tests.patients import marrowtrail

from marrowtrail.cli.export import Kind, export
from marrowtrail.diagnosis.differential import Cause
from marrowtrail.record.vocabulary import vocabulary
from marrowtrail.report.html import render_html
from marrowtrail.report.language import Language, speaking
from marrowtrail.report.pdf import MOST_PAGES, page_count, printable, render_pdf
from marrowtrail.report.pdf_content import paper_of
from marrowtrail.report.pdf_paper import ROOMS
from marrowtrail.result.folder import write_files
from marrowtrail.result.limits import NOTICE
from marrowtrail.result.model import ResultDocument

ENGLISH = re.compile(
    r"\b(the|of|and|with|to|for|is|are|not|no|from|at|by|visits?|day|days|right|left|bone|"
    r"oedema|lesion|slice|read|imaged|cause|moved|found|later|unsure)\b",
    re.IGNORECASE,
)
FIRST_LOOK = ("trail", "follow-up", "viewer", "slices", "differential")


@cache
def told() -> tuple[ResultDocument, dict[str, bytes]]:
    """The migrating patient with a viewer, with sentences as the program writes them."""
    document, figures = viewed()
    explanations = (
        "seen last at v1, clear at v2",
        "first seen at v2; its place was clear at v1",
        "seen at v3; its place was not imaged at v1 and v2",
    )
    moves = (
        "from the right medial femoral condyle to the right lateral tibial plateau within 84 days; "
        "its place was clear at v1",
        "from the right lateral tibial plateau to the right distal tibial epiphysis within 117 "
        "days; its place had not been imaged at v2",
    )
    conclusion = (
        "Regional migratory osteoporosis is the leading explanation (86 %, likely range 70 to "
        "93 %). For it: oedema gone after 4 months."
    )
    changed = {
        "notice": NOTICE,
        "patient": "man, 48",
        "headline": "Marrow oedema moved from the right medial femoral condyle to the right "
        "lateral tibial plateau (84 days later). Regional migratory osteoporosis is the leading "
        "explanation (86 %, likely range 70 to 93 %).",
        "warnings": (),
        "red_flags": (),
        "tracks": tuple(
            row.model_copy(update={"explanation": text})
            for row, text in zip(document.tracks, explanations, strict=True)
        ),
        "shifts": tuple(
            row.model_copy(update={"explanation": text})
            for row, text in zip(document.shifts, moves, strict=True)
        ),
        "rankings": tuple(
            row.model_copy(update={"conclusion": conclusion, "causes": named(row.causes)})
            for row in document.rankings
        ),
        "course": tuple(
            row.model_copy(update={"causes": named(row.causes)}) for row in document.course
        ),
        "differential": named(document.differential),
        "bars": (),
    }
    return document.model_copy(update=changed), figures


def named(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """The made-up causes under names of the vocabulary."""
    labels = dict(zip(LABELS, (one.label for one in vocabulary().diagnoses), strict=False))
    return tuple(replace(cause, label=labels[cause.diagnosis]) for cause in causes)


@pytest.fixture(name="page", scope="module")
def _page() -> str:
    return render_html(*told(), Language.GERMAN)


def visible(markup: str) -> str:
    """Text and labels of a piece of the page, without scripts, styles and data."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", markup, flags=re.DOTALL)
    labels = re.findall(r'(?:aria-label|data-head|alt)="([^"]*)"', bare)
    text = " ".join((re.sub(r"<[^>]+>", " ", bare), *labels))
    return re.sub(r"\{\w+\}", "", text)


def section_of(page: str, name: str) -> str:
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found, name
    return found[0]


class TestPage:
    def test_it_says_its_language(self, page: str) -> None:
        assert '<html lang="de">' in page
        assert '<html lang="en">' in render_html(*told())

    @pytest.mark.parametrize("name", ["header", *FIRST_LOOK])
    def test_nothing_english_where_a_reader_looks_first(self, page: str, name: str) -> None:
        part = page[page.index("<header>") : page.index("</header>")]
        text = visible(part if name == "header" else section_of(page, name))
        assert len(text) > 200
        assert [found[0] for found in ENGLISH.finditer(text)] == []

    def test_that_search_finds_english(self) -> None:
        english = render_html(*told())
        for name in FIRST_LOOK:
            assert len(ENGLISH.findall(visible(section_of(english, name)))) > 5, name

    def test_what_stays_english_is_said(self, page: str) -> None:
        assert "Quellenangaben und einzelne technische Hinweise stehen auf Englisch" in page

    def test_a_sentence_that_is_not_known_is_shown_in_english(self) -> None:
        document, figures = told()
        unknown = "Something that no catalogue holds."
        changed = document.model_copy(update={"headline": unknown})
        assert f"<h1>{unknown}</h1>" in render_html(changed, figures, Language.GERMAN)

    def test_sides_and_letters_are_those_of_the_english_page(self, page: str) -> None:
        english = render_html(*told())
        letters = r'<text class="(?:side|letter)"[^>]*>([A-Z]+)</text>'
        assert re.findall(letters, page) == re.findall(letters, english) != []
        titles = re.findall(r"<title>MRT[^<]*</title>", page)
        assert titles
        assert all(" rechts, " in title and "links" not in title for title in titles)

    def test_numbers_and_dates_are_german(self, page: str) -> None:
        text = visible(section_of(page, "trail"))
        assert re.search(r"\d,\d ml", text)
        assert not re.search(r"\d\.\d (ml|bis)", text)
        assert "04.03.2021" in text

    def test_english_is_the_same_before_and_after(self) -> None:
        before = render_html(*told())
        render_html(*told(), Language.GERMAN)
        assert render_html(*told()) == before
        assert render_html(*told(), Language.ENGLISH) == before


class TestPaper:
    def test_the_first_sheet_is_german(self) -> None:
        with speaking(Language.GERMAN):
            paper = paper_of(*told(), ROOMS[0])
        assert paper.follow_up is not None
        first = (
            paper.title,
            paper.period,
            paper.patient,
            paper.notice,
            paper.headline,
            paper.basis,
            *(text for visit in paper.visits for text in (visit.when, visit.imaged, *visit.quiet)),
            *(text for visit in paper.visits for line in visit.lines for text in line),
            *(cell.text for row in paper.follow_up.rows for cell in row),
            *(strip.title for strip in paper.strips),
        )
        assert [text for text in first if ENGLISH.search(text)] == []

    def test_a_number_and_its_unit_stay_on_one_line(self) -> None:
        with speaking(Language.GERMAN):
            paper = paper_of(*told(), ROOMS[0])
        assert "86\N{NO-BREAK SPACE}%" in printable(paper.headline)

    def test_it_is_written_and_says_its_language(self) -> None:
        written = render_pdf(*told(), language=Language.GERMAN)
        assert b"/Lang(de-DE)" in written
        assert b"/Lang(en-GB)" in render_pdf(*told())
        assert page_count(written) <= MOST_PAGES


class TestCommand:
    @pytest.fixture(name="stored")
    def _stored(self, tmp_path: Path) -> Path:
        document, figures = migrating()
        files: dict[str, str | bytes] = {"result.json": document.model_dump_json(by_alias=True)}
        write_files(tmp_path / "result", files | {f"figures/{k}": v for k, v in figures.items()})
        return tmp_path / "result"

    def test_page_and_pdf_of_a_stored_result(self, stored: Path, tmp_path: Path) -> None:
        (page,) = export(Kind.HTML, stored, tmp_path / "out", Language.GERMAN)
        (sheets,) = export(Kind.PDF, stored, tmp_path / "out", Language.GERMAN)
        assert page.read_text(encoding="utf-8") == render_html(*migrating(), Language.GERMAN)
        assert sheets.read_bytes() == render_pdf(*migrating(), language=Language.GERMAN)

    def test_a_language_that_is_not_there_is_a_mistake_of_usage(
        self, stored: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        done = marrowtrail("export", "html", stored, "--out", out, "--language", "fr")
        assert done.code == 2
        assert "'fr' is not among: en, de" in done.err
        assert not out.exists()


@pytest.fixture(name="tab", scope="module")
def _tab(page: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    folder = tmp_path_factory.mktemp("german")
    path = folder / "report.html"
    path.write_text(page, encoding="utf-8")
    with chromium(folder / "profile") as tab:
        tab.size(380, 800)
        tab.open(path)
        yield tab


class TestBrowser:
    def test_the_viewer_speaks_german(self, tab: Tab) -> None:
        tab.until("document.querySelector('.pane figcaption').textContent")
        said = tab.eval("document.querySelector('#viewer').innerText")
        assert "Schicht" in said
        assert re.search(r"Fenster 0,0 bis \d,\d × normales Mark", said)
        assert ENGLISH.findall(said) == []
        assert tab.complaints == []

    def test_long_words_do_not_widen_a_phone(self, tab: Tab) -> None:
        tab.eval("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        tab.settle()
        assert tab.eval("document.documentElement.scrollWidth") <= 380
