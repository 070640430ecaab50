from __future__ import annotations

import re
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from marrowtrail.record.located_yaml import (
    MAX_BYTES,
    MAX_DEPTH,
    UnreadableYamlError,
    read_yaml,
    shown,
)
from tests.record.written import UNHURRIED

plain_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(),
    # 089 is text to PyYAML, which leaves it unquoted, and a doubtful number to us.
    st.text(max_size=30).filter(lambda text: not re.fullmatch(r"[-+]?0[0-9_]+", text)),
)
documents = st.dictionaries(
    st.text(min_size=1, max_size=12),
    st.recursive(
        plain_values,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4)
        ),
        max_leaves=8,
    ),
    min_size=1,
    max_size=5,
)


class NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def as_lists(node: object) -> object:
    if isinstance(node, dict):
        return {key: as_lists(value) for key, value in node.items()}
    return [as_lists(item) for item in node] if isinstance(node, tuple) else node


@UNHURRIED
@given(documents)
def test_reads_back_what_pyyaml_writes(document: dict[str, object]) -> None:
    text = yaml.dump(document, Dumper=NoAliases)
    located = read_yaml(text.encode())
    assert as_lists(located.data) == document
    assert located.problems == ()


class TestLines:
    TEXT = b"# comment\na: 1\nb:\n  - c: 2\n    d:\n      e: x\n  - f\ng: {h: 1,\n    i: 2}\n"

    @pytest.mark.parametrize(
        ("location", "line"),
        [
            (("a",), 2),
            (("b",), 3),
            (("b", 0), 4),
            (("b", 0, "c"), 4),
            (("b", 0, "d"), 5),
            (("b", 0, "d", "e"), 6),
            (("b", 1), 7),
            (("g", "h"), 8),
            (("g", "i"), 9),
        ],
    )
    def test_of_every_value(self, location: tuple[str | int, ...], line: int) -> None:
        assert read_yaml(self.TEXT).line(location) == line

    def test_of_something_missing_is_the_line_around_it(self) -> None:
        assert read_yaml(self.TEXT).line(("b", 0, "d", "nothing")) == 5

    def test_of_an_empty_value_is_its_keys(self) -> None:
        assert read_yaml(b"a:\n\n\nb: 1\n").line(("a",)) == 1


class TestWhatIsNotGuessed:
    @pytest.mark.parametrize("word", ["no", "yes", "on", "off", "NO", "12:30", "1_000", "0x1F"])
    def test_stays_a_word(self, word: str) -> None:
        assert read_yaml(f"a: {word}".encode()).data == {"a": word}

    def test_true_and_numbers_and_dates_are_read(self) -> None:
        text = b"{a: true, b: 12, c: -1.5, d: 2019-05-17, e: null, f: '12', g: 2.0e+3, h: 2e3}"
        assert read_yaml(text).data == {
            "a": True,
            "b": 12,
            "c": -1.5,
            "d": date(2019, 5, 17),
            "e": None,
            "f": "12",
            "g": 2000.0,
            "h": "2e3",
        }

    @pytest.mark.parametrize(
        ("value", "says"),
        [
            ("045", "begins with a zero"),
            ("2019-02-30", "no day of the calendar"),
            ("9" * 40, "too many digits"),
            ("1.0e+999", "too large"),
        ],
    )
    def test_a_doubtful_value_is_a_problem_and_the_rest_is_read(
        self, value: str, says: str
    ) -> None:
        located = read_yaml(f"x: 1\na: {value}\n".encode())
        assert [problem.line for problem in located.problems] == [2]
        assert says in located.problems[0].text
        assert located.data == {"x": 1, "a": value}

    def test_a_quoted_one_is_fine(self) -> None:
        assert read_yaml(b"a: '045'").problems == ()


class TestRefused:
    @pytest.mark.parametrize(
        ("raw", "line", "says"),
        [
            (b"", None, "empty"),
            (b"# only a comment\n", None, "empty"),
            (b"a: 1\nb:\n\tc: 2\n", 3, "tab"),
            (b"a: 1\nb: [1, 2\n", 3, "not YAML"),
            (b"a: b: c\n", 1, "not YAML"),
            (b"a: 1\nb: caf\xe9\n", 2, "UTF-8"),
            (b"a: \x01\n", None, "control characters"),
            (b"a: &x 1\nb: *x\n", 1, "alias"),
            (b"a: 1\nb: *x\n", 2, "alias"),
            (b"a: !!python/object/apply:os.system [ls]\n", 1, "tag"),
            (b"a: !!str 1\n", 1, "tag"),
            (b"a: 1\n---\nb: 2\n", 2, "second document"),
            (b"[a]: 1\n", 1, "key"),
            (b"? {a: 1}\n: 2\n", 1, "key"),
        ],
    )
    def test_with_line_and_reason(self, raw: bytes, line: int | None, says: str) -> None:
        with pytest.raises(UnreadableYamlError) as refused:
            read_yaml(raw)
        assert refused.value.problem.line == line
        assert says in refused.value.problem.text

    def test_a_document_that_would_grow(self) -> None:
        bomb = "a: &a [x, x]\n" + "".join(
            f"{name}: &{name} [*{before}, *{before}]\n"
            for before, name in zip("abcdefgh", "bcdefghi", strict=True)
        )
        with pytest.raises(UnreadableYamlError, match="alias"):
            read_yaml(bomb.encode())

    def test_deep_nesting(self) -> None:
        read_yaml(b"a: " + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1))
        with pytest.raises(UnreadableYamlError, match="nested deeper"):
            read_yaml(b"a: " + b"[" * 50_000)

    def test_a_huge_file(self) -> None:
        with pytest.raises(UnreadableYamlError, match="at most"):
            read_yaml(b"a" * (MAX_BYTES + 1))

    @UNHURRIED
    @given(st.binary(max_size=200))
    def test_any_bytes_are_read_or_refused(self, raw: bytes) -> None:
        try:
            located = read_yaml(raw)
        except UnreadableYamlError:
            return
        assert located.data is not None


def test_a_key_that_stands_twice_names_both_lines() -> None:
    located = read_yaml(b"a: 1\nb: 2\na: 3\n")
    assert [str(problem) for problem in located.problems] == [
        'line 3: "a" stands twice; the first is in line 1'
    ]


def test_a_byte_order_mark_is_no_matter() -> None:
    assert read_yaml("a: 1".encode("utf-8-sig")).data == {"a": 1}


class TestShown:
    def test_a_long_text_is_cut(self) -> None:
        assert shown("x" * 500) == '"' + "x" * 40 + '…"'

    def test_control_characters_do_not_reach_a_terminal(self) -> None:
        assert shown("a\x1b[31mb\nc") == '"a [31mb c"'

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, "empty"),
            (True, "true"),
            (3, "3"),
            ({}, "a mapping"),
            ((), "a list"),
            ("a", '"a"'),
            (date(2020, 1, 2), "2020-01-02"),
        ],
    )
    def test_other_values(self, value: object, text: str) -> None:
        assert shown(value) == text
