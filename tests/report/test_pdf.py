"""The PDF: few pages, nothing that runs, the same bytes, and the words a next doctor needs."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import typst
from made_result import migrating, one_visit, without_lesions
from PIL import Image

from marrowtrail.diagnosis.differential import LedgerLine, LedgerStatus
from marrowtrail.lesions.lesion import SignState
from marrowtrail.record.findings import SOFTWARE, FindingState, NotDoneReason
from marrowtrail.record.merge import ACCEPTED_BY_OPTION
from marrowtrail.report import pdf
from marrowtrail.report.pdf import MOST_PAGES, page_count, printable, render_pages, render_pdf
from marrowtrail.report.pdf_content import paper_of, shown_visits
from marrowtrail.report.pdf_drawings import palette
from marrowtrail.report.pdf_paper import ROOMS, Room
from marrowtrail.report.pdf_places import known_lines, unknown_lines, visits
from marrowtrail.result.identity import Identity
from marrowtrail.result.model import ResultDocument, WarningRow

HOSTILE = '#panic("x") *bold* _it_ $x$ `raw` #read("/etc/passwd") <a> @b \\ ] } // no'


EVERYTHING = (
    *("rankings", "differential", "bars", "ledger", "next_steps"),
    *("findings", "red_flags", "warnings", "course", "visits"),
)


@pytest.fixture(scope="module")
def made():
    return migrating()


@pytest.fixture(scope="module")
def written(made) -> bytes:
    return render_pdf(*made)


def headings(document: ResultDocument, figures: dict[str, bytes], room: Room = ROOMS[0]):
    """(level, text) of every heading, as Typst understood it."""
    data = pdf._data(paper_of(document, figures, room))
    answer = typst.query(
        pdf._template(), "heading", font_paths=pdf._fonts(), sys_inputs={"data": data}
    )
    return [(one["level"], _text(one["body"])) for one in json.loads(answer)]


def _text(content) -> str:
    if content["func"] == "text":
        return content["text"]
    if content["func"] == "space":
        return " "
    inner = content.get("children") or [content[key] for key in ("child", "body") if key in content]
    return "".join(_text(one) for one in inner)


def header_has(page: bytes, colour: str) -> bool:
    """Whether the top of a page shows a colour."""
    pixels = np.asarray(Image.open(io.BytesIO(page)).convert("RGB"))
    wanted = [int(colour[n : n + 2], 16) for n in (1, 3, 5)]
    top = pixels[: pixels.shape[0] // 14]
    return bool((np.abs(top.astype(int) - wanted).max(axis=-1) <= 1).any())


class TestTheFile:
    def test_it_is_a_pdf_of_two_to_four_pages(self, made, written) -> None:
        assert written.startswith(b"%PDF-1.7")
        pages = render_pages(*made)
        assert 2 <= len(pages) <= MOST_PAGES
        assert page_count(written) == len(pages)

    def test_the_same_result_gives_the_same_bytes(self, made, written) -> None:
        assert render_pdf(*made) == written

    def test_fonts_are_in_it_and_nothing_runs_or_leads_out(self, written) -> None:
        assert b"/FontFile" in written
        for word in (
            b"/JavaScript",
            b"/JS ",
            b"/URI",
            b"/Launch",
            b"/EmbeddedFile",
            b"/OpenAction",
        ):
            assert word not in written, word

    def test_it_is_tagged_for_screen_readers(self, written) -> None:
        assert b"/StructTreeRoot" in written
        assert b"pdfuaid" in written

    def test_slices_are_jpeg(self, made, written) -> None:
        assert b"/DCTDecode" in written
        document, _ = made
        bare = document.model_copy(update={"figures": ()})
        assert b"/DCTDecode" not in render_pdf(bare, {})


class TestTextIsInert:
    def test_markup_stands_as_it_is_written(self, made) -> None:
        document, figures = made
        hostile = document.model_copy(
            update={
                "headline": HOSTILE,
                "patient": HOSTILE,
                "notice": HOSTILE,
                "findings": tuple(
                    row.model_copy(update={"label": HOSTILE, "explanation": HOSTILE})
                    for row in document.findings
                ),
                "ledger": tuple(
                    replace(line, label=HOSTILE, explanation=HOSTILE) for line in document.ledger
                ),
                "warnings": (
                    WarningRow(
                        code=HOSTILE,
                        severity="unverified",
                        what=HOSTILE,
                        where=HOSTILE,
                        remedy=HOSTILE,
                    ),
                ),
            }
        )
        assert render_pdf(hostile, figures).startswith(b"%PDF")
        level, text = headings(hostile, figures)[0]
        assert (level, text) == (1, HOSTILE)

    @pytest.mark.parametrize("sign", ["\u202e", "\u200b", "\x00", "\x1b", "\u2066", "\ue000"])
    def test_characters_that_steer_are_taken_out(self, sign: str) -> None:
        assert printable(f"a{sign}b") == "ab"

    def test_line_ends_become_spaces_and_the_rest_stays(self) -> None:
        assert printable("one\ntwo\r\n three\t4") == "one two three 4"
        assert printable("Größe ≥ 3 µm → „ja“ ł") == "Größe ≥ 3 µm → „ja“ ł"

    def test_letters_that_no_font_has_are_no_reason_to_fail(self, made) -> None:
        document, figures = made
        foreign = document.model_copy(update={"patient": "患者"})
        written = render_pdf(foreign, figures)
        assert written.startswith(b"%PDF")
        assert b"pdfuaid" not in written

    def test_another_mistake_of_the_template_is_not_hidden(self, monkeypatch) -> None:
        monkeypatch.setattr(pdf, "_template", lambda: b"#panic(1)")
        with pytest.raises(typst.TypstError):
            pdf._compile("{}")


class TestWhatItSays:
    def test_counter_evidence_comes_before_the_ranking(self, made) -> None:
        texts = [text for _, text in headings(*made)]
        against = texts.index("First, what speaks against the leading cause")
        ranking = texts.index("From confirmed findings only")
        assert texts.index("Differential") < against < ranking
        assert ranking < texts.index("Alternatives to answer") < texts.index("Next steps")
        assert texts.index("Next steps") < texts.index("Not known")

    def test_the_headline_stands_beside_what_confirmed_findings_say(self, made) -> None:
        paper = paper_of(*made, ROOMS[0])
        assert paper.basis.startswith("Proposed")
        assert paper.confirmed_leader.startswith("From confirmed findings only, ")
        assert "24 %" in paper.confirmed_leader
        document, figures = made
        rows = tuple(row.model_copy(update={"confirmed_by": "me"}) for row in document.findings)
        agreed = document.model_copy(update={"findings": rows})
        assert paper_of(agreed, figures, ROOMS[0]).confirmed_leader == ""

    def test_a_synthetic_patient_is_marked_on_every_page_and_another_is_not(self, made) -> None:
        document, figures = made
        colour = palette()["open-paper"]
        assert all(header_has(page, colour) for page in render_pages(document, figures))
        real = document.model_copy(update={"is_synthetic": False})
        assert not any(header_has(page, colour) for page in render_pages(real, figures))

    def test_the_patient_is_named_only_when_told(self, made) -> None:
        someone = Identity("Planted", ("Name",), "id-77", "1971-05-30")
        named = pdf._data(paper_of(*made, ROOMS[0], someone))
        assert "Planted, Name · id id-77 · born 1971-05-30" in named
        assert "Planted" not in pdf._data(paper_of(*made, ROOMS[0]))
        assert render_pdf(*made, someone) != render_pdf(*made)

    def test_open_alternatives_come_before_answered_ones(self, made) -> None:
        rows = paper_of(*made, ROOMS[0]).ledger.rows
        assert [row[2].text for row in rows] == ["open", "unlikely"]

    def test_red_flags_and_warnings_stand_before_the_notes(self, made) -> None:
        alerts = [(one.tone, one.what) for one in paper_of(*made, ROOMS[0]).alerts]
        assert alerts == [
            ("bad", "Red flag, infection:"),
            ("open", "The ankle was imaged once."),
            ("quiet", "Slices are thick."),
        ]

    def test_signs_that_are_there_are_shown_with_their_size(self, made) -> None:
        document, figures = made
        assert paper_of(document, figures, ROOMS[0]).signs.rows == ()
        seen = {"state": SignState.PRESENT, "length_mm": 9.0}
        rows = (document.signs[0].model_copy(update=seen), *document.signs[1:])
        signed = document.model_copy(update={"signs": rows})
        (row,) = paper_of(signed, figures, ROOMS[0]).signs.rows
        assert (row[3].text, row[4].text) == ("present", "9.0 mm long")
        assert "Signs seen on the images" in [text for _, text in headings(signed, figures)]


class TestWhatIsNotKnown:
    def test_what_was_not_done_is_no_finding(self, made) -> None:
        document, _ = made
        assert any("Biopsy" in what for what, _ in unknown_lines(document))
        assert not any("biopsy" in text for _, text in known_lines(document))

    def test_a_place_that_was_not_imaged_is_told_and_a_clear_one_is_not(self, made) -> None:
        document, _ = made
        lines = dict(unknown_lines(document))
        assert lines["Oedema of the right distal tibial epiphysis, visits 1 and 2"] == "not imaged"
        assert not any("medial femoral condyle" in what for what in lines)

    def test_a_readers_answer_takes_the_place_of_what_the_program_could_not_tell(
        self, made
    ) -> None:
        document, _ = made
        seen = document.findings[0]
        asked = seen.model_copy(
            update={
                "finding": "demarcation_line",
                "label": "demarcation line",
                "state": FindingState.NOT_DONE,
                "reason": NotDoneReason.NOT_ASSESSABLE,
            }
        )
        answered = asked.model_copy(
            update={"state": FindingState.ABSENT, "reason": None, "entered_by": "reader"}
        )
        open_one = document.model_copy(update={"findings": (asked,)})
        both = document.model_copy(update={"findings": (asked, answered)})
        assert any("Demarcation" in what for what, _ in unknown_lines(open_one))
        assert not any("Demarcation" in what for what, _ in unknown_lines(both))
        assert dict(known_lines(both))["Absent, entered by a reader"].startswith("demarcation line")

    def test_bones_that_were_not_read_are_told_with_the_reason(self, made) -> None:
        document, _ = made
        first, *others = document.visits
        unread = first.bones[0].model_copy(update={"is_read": False, "reason": "no fat saturation"})
        visit = first.model_copy(update={"bones": (unread, *first.bones[1:])})
        changed = document.model_copy(update={"visits": (visit, *others)})
        line = ("Oedema of the right femur (visit 1)", "not read: no fat saturation")
        assert line in unknown_lines(changed)
        assert line not in unknown_lines(document)

    def test_who_confirmed_is_not_named(self, made) -> None:
        document, figures = made
        rows = tuple(
            row.model_copy(update={"confirmed_by": "Dr Planted"}) for row in document.findings
        )
        confirmed = document.model_copy(update={"findings": rows})
        data = pdf._data(paper_of(confirmed, figures, ROOMS[0]))
        assert "Planted" not in data
        assert "confirmed by a reader" in data

    def test_what_an_option_accepted_is_confirmed_by_no_reader(self, made) -> None:
        document, figures = made
        change = {"entered_by": SOFTWARE, "confirmed_by": ACCEPTED_BY_OPTION}
        rows = tuple(row.model_copy(update=change) for row in document.findings)
        accepted = document.model_copy(update={"findings": rows})
        paper = paper_of(accepted, figures, ROOMS[0])
        assert paper.basis == f"Proposed: no reader has confirmed {len(rows)} of the findings"
        assert "confirmed by a reader" not in pdf._data(paper)


class TestSmallAndLarge:
    def test_without_lesions(self, made) -> None:
        document, _ = made
        clear = without_lesions(document)
        paper = paper_of(clear, {}, ROOMS[0])
        assert paper.verdict.startswith("No marrow oedema was found")
        assert (paper.trail, paper.follow_up, paper.strips) == (None, None, ())
        assert render_pdf(clear, {}).startswith(b"%PDF")

    def test_one_visit(self, made) -> None:
        document, figures = made
        single = one_visit(document)
        assert "One visit only" in paper_of(single, figures, ROOMS[0]).verdict
        assert render_pdf(single, figures).startswith(b"%PDF")

    def test_without_a_ranking_or_anything_else(self, made) -> None:
        document, _ = made
        empty = without_lesions(document).model_copy(update=dict.fromkeys(EVERYTHING, ()))
        assert render_pdf(empty, {}).startswith(b"%PDF")

    def test_a_full_document_is_cut_and_says_by_how_much(self, made) -> None:
        document, figures = made
        text = "A sentence of a length that such sentences have, with a reason at its end. " * 3
        crowded = document.model_copy(
            update={
                "ledger": tuple(
                    LedgerLine(f"d{n}", f"Cause {n}", 0.01, LedgerStatus.OPEN, text)
                    for n in range(60)
                ),
                "warnings": tuple(
                    WarningRow(
                        code=f"c{n}", severity="unverified", what=text, where="x", remedy="y"
                    )
                    for n in range(40)
                ),
                "next_steps": document.next_steps * 15,
            }
        )
        assert (
            page_count(pdf._compile(pdf._data(paper_of(crowded, figures, ROOMS[0])))) > MOST_PAGES
        )
        assert len(render_pages(crowded, figures)) <= MOST_PAGES
        paper = paper_of(crowded, figures, ROOMS[1])
        assert paper.ledger.rows[-1][0].text == "40 more in report.html"
        assert paper.alerts[-1].more == "33 more in report.html."

    def test_many_visits_keep_the_first_and_the_latest(self) -> None:
        assert shown_visits(3, 4) == (1, 2, 3)
        assert shown_visits(9, 4) == (1, 7, 8, 9)

    def test_numbers_of_visits_in_words(self) -> None:
        assert [visits([1]), visits([1, 2]), visits([1, 2, 4])] == [
            "visit 1",
            "visits 1 and 2",
            "visits 1, 2 and 4",
        ]
