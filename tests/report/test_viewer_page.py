"""The viewer in the page: one script, named by its hash; data that are text; words in one place."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from made_result import migrating, migrating_patient
from test_report_page import SECTIONS, Reader

from marrowtrail.errors import InputError
from marrowtrail.report.html import render_html
from marrowtrail.report.language import Language, section, speaking
from marrowtrail.report.pdf import render_pdf
from marrowtrail.report.viewer import draw_viewer
from marrowtrail.report.viewer_page import SCRIPTS, script_text, viewer_page
from marrowtrail.result.folder import write_result
from marrowtrail.result.model import Result, ResultDocument
from marrowtrail.result.stored import read_stored


@cache
def viewed() -> tuple[ResultDocument, dict[str, bytes]]:
    """The migrating patient with a viewer."""
    patient = migrating_patient()
    rows, stacks = draw_viewer(
        patient.study, patient.bone_maps, patient.readings, patient.registrations
    )
    document, figures = migrating()
    return document.model_copy(update={"viewer": rows}), figures | stacks


@pytest.fixture(scope="module")
def page() -> str:
    return render_html(*viewed())


def scripts(page: str) -> list[tuple[str, str]]:
    return re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)


def policy_of(page: str) -> str:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    return policy.replace("&#39;", "'")


class TestPolicy:
    def test_it_names_the_hash_of_the_only_script_and_allows_no_other(self, page: str) -> None:
        (_, (attributes, script)) = scripts(page)
        assert attributes == ""
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert policy_of(page) == (
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
            f"form-action 'none'; script-src 'sha256-{digest}'"
        )

    def test_without_a_viewer_no_script_may_run(self) -> None:
        bare = render_html(*migrating())
        assert "script-src" not in policy_of(bare)
        assert "<script" not in bare
        assert 'id="viewer"' not in bare

    def test_no_handler_and_no_address_stands_in_the_page(self, page: str) -> None:
        reader = Reader(re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))
        assert not [name for _, v in reader.tags for name in v if name.startswith("on")]
        for name in ("src", "href"):
            assert all(v.startswith(("#", "data:image/webp;")) for v in reader.attributes(name))
        bare = re.sub(r'base64,[^"]+', "", page)
        assert not re.search(r"https?:|//[a-z]", bare)

    def test_the_script_asks_for_nothing_and_evaluates_nothing(self) -> None:
        text = script_text()
        for word in (
            "fetch(",
            "XMLHttp",
            "eval(",
            "Function(",
            "innerHTML",
            "import(",
            "</",
            "<!--",
        ):
            assert word not in text

    def test_the_data_are_text_that_cannot_end_their_block(self, page: str) -> None:
        ((attributes, block), _) = scripts(page)
        assert 'type="application/json"' in attributes
        assert "<" not in block
        assert len(json.loads(block)["places"]) == 2


class TestStill:
    def test_it_is_hidden_until_the_script_runs_and_still_pictures_stay(self, page: str) -> None:
        reader = Reader(re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))
        (section,) = [v for tag, v in reader.tags if v.get("id") == "viewer"]
        assert "hidden" in section
        assert sum(v.get("class") == "slice" for _, v in reader.tags) == len(migrating()[0].figures)

    def test_sections_keep_their_order(self, page: str) -> None:
        found = re.findall(r'<section id="([a-z-]+)"', page)
        assert [one for one in found if one != "viewer"] == list(SECTIONS)
        assert found.index("viewer") == found.index("slices") - 1

    def test_the_pdf_is_the_same_with_and_without(self) -> None:
        assert render_pdf(*viewed()) == render_pdf(*migrating())

    def test_the_same_result_gives_the_same_page(self, page: str) -> None:
        assert render_html(*viewed()) == page


class TestWords:
    def test_the_script_says_nothing_that_does_not_stand_in_the_page(self, page: str) -> None:
        text = script_text()
        used = set(re.findall(r'words\("([a-z-]+)"', text)) | {"sagittal", "coronal", "axial"}
        used |= {key for pair in re.findall(r'\? "([a-z-]+)" : "([a-z-]+)"', text) for key in pair}
        there = set(re.findall(r'data-word="([a-z-]+)"', page))
        assert {"slice", "cut", "plane", "plane-reformatted", "unverified"} <= used
        assert used == there

    def test_controls_of_the_script_stand_in_the_page(self, page: str) -> None:
        used = set(re.findall(r'control\("([a-z-]+)"\)', script_text()))
        assert used <= set(re.findall(r'data-control="([a-z-]+)"', page))

    @pytest.mark.parametrize("language", Language)
    def test_values_that_words_want_are_given(self, language: Language) -> None:
        with speaking(language):
            wanted = set(re.findall(r"\{(\w+)\}", " ".join(section("script").values())))
        text = script_text()
        assert wanted
        assert not [name for name in wanted if not re.search(rf"\b{name}\b[,: }}]", text)]

    def test_parts_of_the_script_are_short(self) -> None:
        for name in SCRIPTS:
            text = files("marrowtrail.report").joinpath(name).read_text(encoding="utf-8")
            assert len(text.splitlines()) < 400

    def test_a_missing_bone_says_why(self) -> None:
        document, figures = viewed()
        tibia = document.viewer[1]
        alone = tibia.model_copy(
            update={"stacks": tuple(s for s in tibia.stacks if s.visit == "v3")}
        )
        rows = tuple(
            row.model_copy(
                update={"verification": "impossible", "from_visit": "v2", "to_visit": "v3"}
            )
            for row in document.registrations
            if row.bone == "tibia"
        )[:1]
        visits = list(document.visits)
        visits[0] = visits[0].model_copy(update={"bones": ()})
        changed = document.model_copy(
            update={"viewer": (alone,), "registrations": rows, "visits": tuple(visits)}
        )
        assert missing(changed, figures) == {
            "v1": "Not imaged at this visit.",
            "v2": "Imaged at this visit, but it could not be aligned with the visit shown.",
        }
        verified = changed.model_copy(update={"registrations": ()})
        assert missing(verified, figures)["v2"].startswith("The same place could not be found")
        other_end = alone.model_copy(update={"end": "ankle"})
        ends = changed.model_copy(update={"viewer": (other_end,)})
        assert missing(ends, figures)["v2"].startswith("This end of the bone was not imaged")
        assert missing(document, figures) == {}

    def test_nothing_names_a_date_where_dates_are_left_out(self) -> None:
        document, figures = viewed()
        visits = tuple(v.model_copy(update={"date": None}) for v in document.visits)
        shown = viewer_page(document.model_copy(update={"visits": visits}), figures)
        assert shown is not None
        assert "2021" not in json.dumps([one.when for one in shown.visits])
        assert "secret" not in json.dumps(shown.content)


def missing(document: ResultDocument, figures: dict[str, bytes]) -> dict[str, str]:
    shown = viewer_page(document, figures)
    assert shown is not None
    found: dict[str, str] = shown.content["places"][0]["missing"]
    return found


class TestStored:
    @pytest.fixture
    def stored(self, tmp_path: Path) -> Path:
        """Written as a run writes it."""
        document, figures = viewed()
        patient = migrating_patient()
        parts = (patient.study, patient.bone_maps, patient.readings, patient.registrations)
        result = Result(document, (), *parts, figures, "")
        write_result(result, tmp_path / "out", {})
        return tmp_path / "out"

    def test_still_pictures_and_stacks_have_a_folder_each(self, stored: Path) -> None:
        document, figures = viewed()
        there = {path.name for path in (stored / "figures").iterdir()}
        assert there == {row.file for row in document.figures}
        assert {path.name for path in (stored / "viewer").iterdir()} == set(figures) - there

    def test_an_export_finds_the_stacks_again(self, stored: Path, page: str) -> None:
        again = read_stored(stored)
        assert render_html(again.document, again.figures) == page

    def test_a_missing_stack_is_an_error(self, stored: Path) -> None:
        stack = viewed()[0].viewer[0].stacks[0].file
        (stored / "viewer" / stack).unlink()
        with pytest.raises(InputError, match=stack):
            read_stored(stored)
