"""Whatever stands in the file: a case, or a message with lines; never another error."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from marrowtrail.errors import InputError
from marrowtrail.record.case import Case
from marrowtrail.record.case_file import read_case
from marrowtrail.record.case_findings import CaseReading, case_findings
from tests.record.test_case_schema import example
from tests.record.written import UNHURRIED

EXAMPLE = example()

keys = st.sampled_from([*Case.model_fields, "from", "joint", "state", "name", "0"])
values = st.recursive(
    st.sampled_from([None, True, 3, -1.5, "present", "knee", "alcohol", "crp", "2020-01-01"])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


def read_or_refused(path: Path) -> CaseReading | None:
    refusal: InputError | None = None
    try:
        return case_findings(read_case(path))
    except InputError as error:
        refusal = error
    assert refusal.where == "case.yaml"
    assert len(refusal.what) < 60_000
    return None


@UNHURRIED
@given(st.integers(0, len(EXAMPLE)), st.integers(0, 12), st.text(max_size=6))
def test_a_damaged_example(tmp_path: Path, start: int, removed: int, put: str) -> None:
    path = tmp_path / "case.yaml"
    text = EXAMPLE[:start] + put + EXAMPLE[start + removed :]
    path.write_bytes(text.encode("utf-8", "replace"))
    read_or_refused(path)


@UNHURRIED
@given(st.dictionaries(keys, values, max_size=5))
def test_values_in_wrong_places(tmp_path: Path, document: dict[str, object]) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    read_or_refused(path)


@UNHURRIED
@given(st.binary(max_size=60))
def test_bytes(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "case.yaml"
    path.write_bytes(raw)
    read_or_refused(path)


def test_the_sound_example_is_read(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")
    reading = read_or_refused(path)
    assert reading is not None
    assert len(reading.findings) > 20


@pytest.mark.parametrize("number", range(0, len(EXAMPLE.splitlines()), 3))
def test_a_line_less_is_told_near_its_place(tmp_path: Path, number: int) -> None:
    """An unknown key put after a line is told with the number of its own line."""
    lines = EXAMPLE.splitlines()
    if lines[number].startswith((" ", "-")) or not lines[number].endswith("}"):
        return
    lines.insert(number + 1, "unheard_of: 1")
    path = tmp_path / "case.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=f'line {number + 2}: the file has no key "unheard_of"'):
        read_case(path)
