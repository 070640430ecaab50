from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from marrowtrail.record.closed_lists import OneOf, nearest, words_of
from tests.record.written import UNHURRIED

FRUITS = ("apple", "red_berry", "pear")
strict = TypeAdapter(Annotated[str, OneOf("fruit", lambda: FRUITS)])
spaced = TypeAdapter(Annotated[str, OneOf("fruit", lambda: FRUITS, spaces=True)])


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class TestOneOf:
    def test_takes_its_words(self) -> None:
        assert [strict.validate_python(word) for word in FRUITS] == list(FRUITS)

    @UNHURRIED
    @given(st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text())))
    def test_refuses_everything_else(self, word: object) -> None:
        if word in FRUITS:
            return
        with pytest.raises(ValidationError) as refused:
            strict.validate_python(word)
        (error,) = refused.value.errors()
        assert error["type"] == "unknown_word"
        assert error["ctx"]["allowed"] == FRUITS

    @pytest.mark.parametrize("word", ["Apple", " apple", "apple ", "red berry", "APPLE"])
    def test_is_strict_about_spelling(self, word: str) -> None:
        with pytest.raises(ValidationError):
            strict.validate_python(word)

    def test_spaces_stand_for_underscores_where_allowed(self) -> None:
        assert spaced.validate_python("red berry") == "red_berry"
        with pytest.raises(ValidationError):
            spaced.validate_python("Red berry")

    def test_schema_holds_the_list(self) -> None:
        assert strict.json_schema() == {"type": "string", "enum": list(FRUITS)}
        assert spaced.json_schema()["enum"] == [*FRUITS, "red berry"]

    def test_gives_members_of_an_enumeration(self) -> None:
        field = TypeAdapter(Annotated[Colour, words_of("colour", (Colour.RED,))])
        assert field.validate_python("red") is Colour.RED
        assert field.validate_python(Colour.RED) is Colour.RED
        with pytest.raises(ValidationError):
            field.validate_python("blue")


class TestNearest:
    @pytest.mark.parametrize(
        ("word", "meant"),
        [
            ("aple", "apple"),
            ("Apple", "apple"),
            ("red berry", "red_berry"),
            ("rb", "red_berry"),
            ("zebra", None),
            ("", None),
            (None, None),
            (7, None),
        ],
    )
    def test_offers_what_was_meant_and_nothing_far(self, word: object, meant: str | None) -> None:
        assert nearest(word, FRUITS) == meant
