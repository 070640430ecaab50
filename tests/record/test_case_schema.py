from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from marrowtrail.imaging.series import Weighting
from marrowtrail.record.case_file import read_case
from marrowtrail.record.case_findings import case_findings
from marrowtrail.record.case_schema import case_schema, case_schema_text, main
from marrowtrail.record.case_visits import WEIGHTINGS
from marrowtrail.record.located_yaml import read_yaml
from marrowtrail.record.vocabulary import vocabulary

DOCS = Path(__file__).resolve().parents[2] / "docs"
WRITE_IT = "run: python -m marrowtrail.record.case_schema"


def example() -> str:
    """The example of the description."""
    text = (DOCS / "case.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    return str(found)


def as_json(node: Any) -> Any:
    """YAML values as JSON has them."""
    if isinstance(node, dict):
        return {key: as_json(value) for key, value in node.items()}
    if isinstance(node, tuple):
        return [as_json(value) for value in node]
    return node.isoformat() if isinstance(node, date) else node


def faults(text: str) -> list[str]:
    validator = Draft202012Validator(
        case_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [
        error.message for error in validator.iter_errors(as_json(read_yaml(text.encode()).data))
    ]


def enumerations(node: Any) -> Iterator[list[str]]:
    if isinstance(node, dict):
        if "enum" in node:
            yield node["enum"]
        for value in node.values():
            yield from enumerations(value)
    elif isinstance(node, list):
        for value in node:
            yield from enumerations(value)


def test_the_committed_schema_is_up_to_date() -> None:
    committed = (DOCS / "schemas" / "case.schema.json").read_text(encoding="utf-8")
    assert committed == case_schema_text(), WRITE_IT


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(case_schema())
    assert json.loads(case_schema_text()) == case_schema()


def test_it_holds_the_closed_lists() -> None:
    lists = [set(words) for words in enumerations(case_schema())]
    assert {joint.key for joint in vocabulary().joints} in lists
    assert {bone.key for bone in vocabulary().bones} in lists
    assert {finding.key for finding in vocabulary().findings} in lists
    assert {"M", "F"} in lists
    assert {"present", "absent", "equivocal", "not_done"} in lists


def test_it_takes_the_example() -> None:
    assert faults(example()) == []


def test_the_reader_takes_the_example(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(example(), encoding="utf-8")
    reading = case_findings(read_case(path))
    told = {one.key: one.state.value for one in reading.findings}
    assert told["migration_of_symptoms"] == "present"
    assert told["spa_known"] == "present"
    assert told["crp_esr_raised"] == "absent"
    assert told["low_bmd_dxa"] == "present"
    assert "vitd_low" in told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("joint: ankle", "joint: elbow"),
        ("sex: M", "sex: male"),
        ("age: 46", "age: 460"),
        ("age: 46", "age: old"),
        ("state: positive", "state: yes"),
        ("name: ibandronate", "name: ibandronat"),
        ("finding: double_line", "finding: two_lines"),
        ("schema_version: 1", "schema_version: 2"),
        ("synthetic: true", "syntetic: true"),
        ("date: 2031-01-10", "date: January"),
        ("on_loading: present", "on_loading: true"),
    ],
)
def test_schema_and_reader_refuse_the_same_slip(tmp_path: Path, old: str, new: str) -> None:
    text = example()
    assert old in text
    assert faults(text.replace(old, new, 1)) != []
    path = tmp_path / "case.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match="line"):
        read_case(path)


def test_the_command_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "case.schema.json"
    monkeypatch.setattr("sys.argv", ["case_schema", str(path)])
    main()
    assert path.read_text(encoding="utf-8") == case_schema_text()


def test_weightings_are_those_of_imaging() -> None:
    assert set(WEIGHTINGS) == {weighting.value for weighting in Weighting}
