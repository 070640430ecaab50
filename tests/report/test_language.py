"""The catalogue of the report's words: complete in every language, and nothing in it idle."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from marrowtrail.record.vocabulary import vocabulary
from marrowtrail.report.language import (
    Language,
    catalogue,
    counted,
    differences,
    marked_up,
    message,
    section,
    speaking,
    spoken_language,
)
from marrowtrail.report.names import names

OTHERS = [one for one in Language if one is not Language.ENGLISH]
IN_HTML = ("page.", "viewer.")
BY_PREFIX = ("script.", "pdf.")
"""Handed on whole to the viewer's script and the PDF's template."""


def sources() -> str:
    """Code and templates of the room."""
    room = files("marrowtrail.report")
    paths = [*room.iterdir(), *room.joinpath("templates").iterdir()]
    code = [path for path in paths if path.name.endswith((".py", ".j2", ".typ"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in code)


def heads(code: str) -> set[str]:
    """Names of column heads that the tables ask for."""
    calls = re.findall(r"\bheads\(([^)]*)\)", code)
    return {name for call in calls for name in re.findall(r'"([a-z_]+)"', call)}


class TestCatalogue:
    @pytest.mark.parametrize("language", OTHERS)
    def test_every_language_says_the_same(self, language: Language) -> None:
        assert differences(catalogue(Language.ENGLISH), catalogue(language)) == []

    def test_a_text_of_one_language_alone_and_another_placeholder_are_noted(self) -> None:
        first = {"a": "{n} visits", "b": "bone", "c": "{date:%b} {place}"}
        second = {"a": "{m} Untersuchungen", "c": "{place}, {date.day}"}
        found = differences(first, second)
        assert len(found) == 2
        assert "'b'" in found[0]
        assert "['n'] and ['m']" in found[1]

    def test_every_text_is_used(self) -> None:
        code = sources()
        literal = set(re.findall(r'"([a-z_]+(?:\.[a-z0-9_]+)+)"', code))
        built = tuple(re.findall(r'f"([a-z_]+\.[a-z_]*)\{', code))
        counts = {f"{key}.{end}" for key in literal for end in ("one", "many")}
        literal |= {f"table.{name}" for name in heads(code)}
        assert built
        idle = [
            key
            for key in catalogue(Language.ENGLISH)
            if key not in literal | counts and not key.startswith((*built, *BY_PREFIX))
        ]
        assert idle == []

    def test_every_text_that_is_asked_for_is_there(self) -> None:
        asked = set(
            re.findall(r'\b(?:message|marked_up|t)\(\s*"([a-z_.0-9]+\.[a-z_0-9]+)"', sources())
        )
        counts = set(re.findall(r'\bcounted\(\s*"([a-z_.0-9]+)"', sources()))
        asked |= {f"{key}.{end}" for key in counts for end in ("one", "many")}
        asked |= {f"table.{name}" for name in heads(sources())}
        assert len(asked) > 150
        assert asked - set(catalogue(Language.ENGLISH)) == set()

    def test_texts_for_the_pdf_are_used_by_its_template(self) -> None:
        template = files("marrowtrail.report").joinpath("templates/report.typ").read_text()
        used = set(re.findall(r"data\.words\.(?!at\b)([a-z_]+)", template))
        used |= set(re.findall(r'data\.words\.at\("([a-z_]+)"\)', template))
        assert used == set(section("pdf"))

    @pytest.mark.parametrize("language", Language)
    def test_markup_stands_where_the_page_takes_it_alone(self, language: Language) -> None:
        for key, text in catalogue(language).items():
            assert key.startswith(IN_HTML) or not re.search(r"<[a-z/]", text), key
            if key.startswith(IN_HTML):
                # It may stand in an attribute.
                assert '"' not in text, key

    def test_values_are_escaped_and_the_texts_own_markup_is_not(self) -> None:
        told = marked_up("page.elsewhere", why="<b>", what="x", number=1)
        assert told == "<strong>&lt;b&gt;:</strong> x (visit 1)."

    def test_a_value_that_is_missing_is_no_text(self) -> None:
        with pytest.raises(KeyError):
            message("time.visit")


class TestSpeaking:
    def test_the_language_holds_for_a_block_and_no_longer(self) -> None:
        assert message("join.and") == " and "
        with speaking(Language.GERMAN):
            assert message("join.and") == " und "
            with speaking(Language.ENGLISH):
                assert spoken_language() is Language.ENGLISH
            assert counted("time.days", 1) == "1 Tag"
            assert counted("time.days", 2) == "2 Tage"
        assert spoken_language() is Language.ENGLISH

    def test_it_ends_with_a_failure_as_well(self) -> None:
        with pytest.raises(KeyError), speaking(Language.GERMAN):
            message("no.such.text")
        assert spoken_language() is Language.ENGLISH


@pytest.mark.parametrize("language", OTHERS)
def test_every_word_of_the_vocabulary_has_a_name(language: Language) -> None:
    own, words = names(language), vocabulary()
    assert set(own.bones) == {one.key for one in words.bones}
    assert set(own.joints) == {one.key for one in words.joints}
    assert set(own.diagnoses) == {one.key for one in words.diagnoses}
    assert set(own.findings) == {one.key for one in words.findings}
    with_regions = {bone.key: {one.key for one in bone.regions} for bone in words.bones}
    own_regions = {key: set(regions) for key, regions in own.regions.items()}
    assert own_regions == {key: regions for key, regions in with_regions.items() if regions}


@pytest.mark.parametrize("language", OTHERS)
def test_a_finding_that_is_absent_is_told_otherwise_than_one_that_is_there(
    language: Language,
) -> None:
    assert [
        key for key, one in names(language).findings.items() if one.absent in ("", one.label)
    ] == []
