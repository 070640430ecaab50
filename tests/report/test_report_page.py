"""The page: one file, nothing from outside, everything escaped, everything said."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from made_result import migrating, one_visit, without_lesions

from marrowtrail.diagnosis.differential import Bar, Cause, Citation, LedgerLine, LedgerStatus
from marrowtrail.record.findings import FindingState
from marrowtrail.record.sites import Side
from marrowtrail.report.html import render_html
from marrowtrail.result.model import ResultDocument, WarningRow

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}"
VOID = {"meta", "br", "input"}
SECTIONS = (
    "warnings",
    "trail",
    "follow-up",
    "slices",
    "differential",
    "reasons",
    "ledger",
    "next",
    "outlook",
    "findings",
    "signs",
    "measured",
    "provenance",
)


class Reader(HTMLParser):
    """Tags in order with their attributes, visible text, and tags that are not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def attributes(self, name: str) -> list[str]:
        return [values[name] or "" for _, values in self.tags if name in values]


def document() -> ResultDocument:
    return migrating()[0]


def page_of(doc: ResultDocument) -> str:
    return render_html(doc, migrating()[1])


def text_of(doc: ResultDocument) -> str:
    return Reader(page_of(doc)).text


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(document())


@pytest.fixture(scope="module")
def reader(page: str) -> Reader:
    return Reader(page)


class TestOneFile:
    def test_nothing_points_outside(self, page: str, reader: Reader) -> None:
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            for value in reader.attributes(name):
                assert value.startswith(("#", "data:image/webp;base64,")), value
        assert not re.search(r"https?:|//[a-z]", re.sub(r"base64,[^\"]+", "", page))
        for target in re.findall(r"url\(([^)]*)\)", page):
            assert target.startswith("#")
        assert "@import" not in page

    def test_the_policy_forbids_everything_but_its_own_pictures_and_styles(
        self, reader: Reader
    ) -> None:
        policies = [
            values["content"]
            for tag, values in reader.tags
            if tag == "meta" and values.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policies == [
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
            "base-uri 'none'; form-action 'none'"
        ]
        first = next(n for n, (tag, _) in enumerate(reader.tags) if tag == "style")
        policy = next(n for n, (_, v) in enumerate(reader.tags) if "http-equiv" in v)
        assert policy < first

    def test_there_is_no_script_and_no_handler(self, reader: Reader) -> None:
        assert not [tag for tag, _ in reader.tags if tag in ("script", "iframe", "object", "embed")]
        assert not [name for _, v in reader.tags for name in v if name.startswith("on")]

    def test_the_same_document_gives_the_same_bytes(self, page: str) -> None:
        assert page_of(document()) == page

    def test_every_tag_is_closed_and_every_id_is_unique(self, reader: Reader) -> None:
        assert reader.open == []
        ids = reader.attributes("id")
        assert len(ids) == len(set(ids))
        targets = [v[1:] for v in reader.attributes("href") if v.startswith("#")]
        labels = [v for name in ("aria-labelledby", "for") for v in reader.attributes(name)]
        assert set(targets) | set(labels) <= set(ids)

    def test_every_picture_has_words(self, reader: Reader) -> None:
        svgs = [values for tag, values in reader.tags if tag == "svg"]
        assert all(v.get("aria-label") or v.get("aria-hidden") == "true" for v in svgs)
        assert sum(v.get("role") == "img" for v in svgs) == 1 + 3 + 2 + len(document().figures)

    def test_every_row_has_as_many_cells_as_its_table_has_heads(self, reader: Reader) -> None:
        heads, cells, rows = 0, 0, 0
        for tag, values in [*reader.tags, ("table", {})]:
            if tag in ("tr", "table"):
                assert cells in (0, heads)
                rows += cells > 0
                cells = 0
            if tag == "table":
                heads = 0
            heads += values.get("role") == "columnheader"
            cells += values.get("role") in ("cell", "rowheader")
        assert rows > 40


class TestEscaping:
    def test_hostile_text_anywhere_stays_text(self) -> None:
        doc = hostile()
        page = page_of(doc)
        reader = Reader(page)
        assert not [tag for tag, _ in reader.tags if tag in ("script", "img")]
        assert not [name for _, v in reader.tags for name in v if name.startswith("on")]
        assert reader.text.count("<script>alert(1)</script>") >= 20
        assert "49" not in re.findall(r"\{\{.*?\}\}|49", reader.text)

    def test_hostile_text_does_not_leave_its_attribute(self) -> None:
        reader = Reader(page_of(hostile()))
        assert any("<script>" in text for text in reader.attributes("aria-label"))


class TestWords:
    def test_sections_come_in_order(self, reader: Reader) -> None:
        found = [values["id"] for tag, values in reader.tags if tag == "section"]
        assert found == list(SECTIONS)

    def test_headings_descend_without_a_gap(self, reader: Reader) -> None:
        levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(below - above <= 1 for above, below in pairwise(levels))

    def test_no_raw_key_and_no_source_is_shown(self, page: str, reader: Reader) -> None:
        keys = (
            "medial_condyle",
            "lateral_plateau",
            "distal_epiphysis",
            "within_joint",
            "between_joints",
            "not_done",
            "not_performed",
            "subchondral_line",
            "not_assessable",
            "low_radiation",
            "v1-femur-right-1",
        )
        assert not [key for key in keys if key in reader.text]
        assert "secret" not in page
        assert "2.25.1" not in page

    def test_what_leads_without_proposals_stands_under_the_headline(self, reader: Reader) -> None:
        assert reader.text.index("From confirmed findings only, ") < reader.text.index("The trail")

    def test_the_story_is_told(self, reader: Reader) -> None:
        for words in (
            "Research use only",
            "Synthetic patient",
            "Right medial femoral condyle",
            "moved from the right lateral tibial plateau in 117 days",
            "Proposed: no reader has confirmed 2 of the findings",
            "From confirmed findings only",
            "86 % (52 to 98 %)",
            "No response to ibandronate",
            "slices 4 mm thick could hide a thin line",
            "three planes in one series",
            "Bones come from masks handed in.",
            "unverified source",
            "4 Mar 2021",
        ):
            assert words in reader.text, words

    def test_volumes_carry_their_interval(self, reader: Reader) -> None:
        volume = document().lesions[0].volume_mm3 / 1000
        assert f"{volume:.0f} ml ({0.85 * volume:.0f} to {1.2 * volume:.0f})" in reader.text

    def test_counter_evidence_comes_first(self, reader: Reader) -> None:
        reasons = reader.text[reader.text.index("A bar to the left") :]
        against, supporting = reasons.index("Against"), reasons.index(" For ")
        assert against < reasons.index("No response to ibandronate") < supporting
        assert supporting < reasons.index("Oedema shifts to another joint")
        assert "Neither for nor against: pain on loading" in reasons

    def test_sources_are_numbered_once(self, reader: Reader) -> None:
        sources = [v for v in reader.attributes("id") if v.startswith("source-")]
        assert sources == ["source-1", "source-2"]

    def test_letters_stand_on_every_slice(self, page: str) -> None:
        letters = re.findall(r'<text class="letter"[^>]*>(\w+)</text>', page)
        assert letters == ["A", "P", "H", "F"] * len(document().figures)

    def test_outlines_can_be_switched_off_without_a_script(self, page: str, reader: Reader) -> None:
        assert "#outlines:not(:checked) ~ * .outline" in page
        box = next(v for _, v in reader.tags if v.get("id") == "outlines")
        assert box["type"] == "checkbox"
        assert "checked" in box

    def test_a_visit_without_the_place_says_why(self, reader: Reader) -> None:
        assert reader.text.count("This end of the bone was not imaged at this visit.") == 2


class TestNone:
    def test_no_lesion_is_said(self) -> None:
        text = text_of(without_lesions(document()))
        assert "No marrow oedema was found in the bones that were read." in text
        assert "No lesion at any visit." in text
        assert "No sign was looked for." in text
        assert "No slices were drawn" in text
        assert "Volume of oedema" not in text

    def test_nothing_read_is_not_called_clear(self) -> None:
        doc = without_lesions(document())
        visits = tuple(visit.model_copy(update={"bones": ()}) for visit in doc.visits)
        text = text_of(doc.model_copy(update={"visits": visits}))
        assert "No bone could be read for oedema, so nothing is said about it." in text
        assert "No marrow oedema was found" not in text

    def test_one_visit_says_that_nothing_can_be_followed(self) -> None:
        text = text_of(one_visit(document()))
        assert "One visit only: nothing can be followed." in text
        assert "One visit only: nothing to compare." in text
        assert "the ranking has no course yet" in text
        assert "1 visit over" not in text

    def test_several_visits_do_not_say_so(self, reader: Reader) -> None:
        assert "One visit only" not in reader.text
        assert "No shift" not in reader.text
        assert "No lesion at any visit" not in reader.text

    def test_lesions_without_a_shift_say_no_shift(self) -> None:
        assert "No shift: no oedema faded" in text_of(document().model_copy(update={"shifts": ()}))

    def test_a_real_patient_carries_no_synthetic_mark(self) -> None:
        text = text_of(document().model_copy(update={"is_synthetic": False}))
        assert "ynthetic" not in text

    def test_nothing_to_warn_of_leaves_the_warnings_out(self) -> None:
        quiet = document().model_copy(update={"warnings": (), "red_flags": ()})
        assert 'id="warnings"' not in page_of(quiet)

    def test_many_warnings_of_one_kind_do_not_bury_another(self) -> None:
        doc = document()
        same = tuple(
            doc.warnings[0].model_copy(
                update={"what": f"Bone {n} is not aligned.", "code": "align"}
            )
            for n in range(9)
        )
        page = page_of(doc.model_copy(update={"warnings": (*same, doc.warnings[0])}))
        text = Reader(page).text
        assert page.count('<div class="alert">') == 2
        assert text.index("8 more of this kind") < text.index("Bone 8 is not aligned.")
        assert text.index("Bone 8") < text.index("The ankle was imaged once.")

    def test_small_areas_stand_behind_a_summary(self) -> None:
        doc = document()
        rows = tuple(
            row.model_copy(update={"volume_mm3": 100.0}) if row.visit == "v3" else row
            for row in doc.lesions
        )
        text = text_of(doc.model_copy(update={"lesions": rows}))
        assert "1 smaller area" in text
        assert "smaller area" not in text_of(doc)

    def test_an_empty_document_still_renders(self) -> None:
        names = (
            *("visits", "lesions", "signs", "tracks", "shifts", "registrations"),
            *("findings", "differential", "rankings", "course", "bars", "ledger"),
            *("next_steps", "red_flags", "unused_findings", "warnings", "set_aside", "figures"),
        )
        empty = dict.fromkeys(names, ())
        text = text_of(document().model_copy(update=empty))
        assert "No ranking was made." in text
        assert "No alternative stands open." in text
        assert "No series could be used." in text
        assert "No finding was entered or proposed." in text

    def test_dates_left_out_become_days(self) -> None:
        doc = document()
        visits = tuple(visit.model_copy(update={"date": None}) for visit in doc.visits)
        findings = tuple(row.model_copy(update={"visit": None}) for row in doc.findings)
        text = text_of(doc.model_copy(update={"visits": visits, "findings": findings}))
        assert "2021" not in text
        assert "day 84" in text

    def test_confirmed_findings_change_the_heading(self) -> None:
        doc = document()
        rows = tuple(row.model_copy(update={"confirmed_by": "reader"}) for row in doc.findings)
        text = text_of(doc.model_copy(update={"findings": rows}))
        assert "From all findings, each entered or confirmed by a reader" in text
        assert "Proposed: no reader" not in text

    def test_a_site_outside_the_lower_limb_is_named(self) -> None:
        doc = document()
        lesion = doc.lesions[0].model_copy(
            update={"bone": "sacroiliac_bones", "region": "left_side", "side": Side.MIDLINE}
        )
        changed = doc.model_copy(
            update={"lesions": (lesion, *doc.lesions[1:]), "shifts": doc.shifts[1:]}
        )
        text = text_of(changed)
        assert "Site outside the lower limb: left side of the sacroiliac bones" in text

    def test_missing_pictures_are_an_error(self) -> None:
        with pytest.raises(KeyError, match="spot1"):
            render_html(document(), {})


def hostile() -> ResultDocument:
    """Every free text of the document carries markup and template code."""
    doc = document()
    citation = Citation(HOSTILE, HOSTILE, HOSTILE, False)
    cause = Cause(HOSTILE, HOSTILE, 1.0, 0.5, 1.0)
    lesion = doc.lesions[0]
    return doc.model_copy(
        update={
            "notice": HOSTILE,
            "headline": HOSTILE,
            "patient": HOSTILE,
            "lesions": (
                lesion.model_copy(
                    update={
                        "region_shares": tuple(
                            share.model_copy(update={"label": HOSTILE})
                            for share in lesion.region_shares
                        )
                    }
                ),
                *doc.lesions[1:],
            ),
            "signs": (doc.signs[0].model_copy(update={"reason": HOSTILE}),),
            "tracks": tuple(
                track.model_copy(update={"explanation": HOSTILE}) for track in doc.tracks
            ),
            "shifts": tuple(
                shift.model_copy(update={"explanation": HOSTILE}) for shift in doc.shifts
            ),
            "registrations": (doc.registrations[0].model_copy(update={"reason": HOSTILE}),),
            "findings": (
                doc.findings[0].model_copy(
                    update={
                        "label": HOSTILE,
                        "explanation": HOSTILE,
                        "entered_by": HOSTILE,
                        "confirmed_by": HOSTILE,
                    }
                ),
            ),
            "differential": (cause,),
            "rankings": (
                doc.rankings[0].model_copy(update={"conclusion": HOSTILE, "causes": (cause,)}),
            ),
            "bars": (
                Bar(
                    HOSTILE,
                    (HOSTILE,),
                    HOSTILE,
                    FindingState.PRESENT,
                    1.0,
                    0.5,
                    1.5,
                    1.0,
                    (citation,),
                    HOSTILE,
                ),
            ),
            "ledger": (LedgerLine(HOSTILE, HOSTILE, 0.1, LedgerStatus.OPEN, HOSTILE),),
            "unused_findings": (HOSTILE,),
            "warnings": (
                WarningRow(
                    code=HOSTILE, severity="unverified", what=HOSTILE, where=HOSTILE, remedy=HOSTILE
                ),
            ),
            "set_aside": (
                doc.set_aside[0].model_copy(update={"what": HOSTILE, "reason": HOSTILE}),
            ),
            "figures": tuple(row.model_copy(update={"caption": HOSTILE}) for row in doc.figures),
            "provenance": doc.provenance.model_copy(
                update={"settings": {HOSTILE: HOSTILE}, "known_limits": (HOSTILE,)}
            ),
        }
    )


def test_the_headline_speaks_of_visits_in_words() -> None:
    changed = document().model_copy(update={"headline": "Oedema resolved (clear at v2)."})
    assert "Oedema resolved (clear at visit 2)." in text_of(changed)
