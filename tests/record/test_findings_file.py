from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from marrowtrail.errors import InputError
from marrowtrail.record.findings import Finding, FindingState, NotDoneReason
from marrowtrail.record.findings_file import findings_text, read_findings, write_findings
from marrowtrail.record.sites import Side, Site
from marrowtrail.record.vocabulary import vocabulary
from tests.record.written import UNHURRIED

PROPOSED = Finding(
    "double_line",
    FindingState.PRESENT,
    Site("femur", Side.RIGHT, "medial_condyle"),
    date(2020, 2, 1),
    explanation="bright inner and dark outer line",
    entered_by="software",
)
UNDONE = Finding(
    "nonenhancing_zone",
    FindingState.NOT_DONE,
    reason=NotDoneReason.NOT_PERFORMED,
    entered_by="software",
)

sites = st.sampled_from(
    [
        Site(bone.key, side, region)
        for bone in vocabulary().bones
        for side in Side
        for region in (None, *(term.key for term in bone.regions))
    ]
)
# A file is text: lone surrogates are none, and line ends are the writer's own.
texts = st.text(st.characters(codec="utf-8"), max_size=60)
states = st.sampled_from(
    [
        *((state, None) for state in FindingState if state is not FindingState.NOT_DONE),
        *((FindingState.NOT_DONE, reason) for reason in NotDoneReason),
    ]
)
findings = st.builds(
    lambda key, state, site, visit, text, author, confirmer: Finding(
        key, state[0], site, visit, state[1], text, author, confirmer
    ),
    st.sampled_from([term.key for term in vocabulary().findings]),
    states,
    st.none() | sites,
    st.none() | st.dates(date(1990, 1, 1), date(2090, 1, 1)),
    texts,
    st.sampled_from(["software", "case.yaml", "reader"]),
    st.none() | texts.filter(bool),
)


@UNHURRIED
@given(st.lists(findings, max_size=4))
def test_what_is_written_is_read_back(tmp_path: Path, written: list[Finding]) -> None:
    path = tmp_path / "findings.yaml"
    write_findings(written, path)
    assert read_findings(path) == tuple(written)


@UNHURRIED
@given(st.lists(findings, max_size=3))
def test_any_yaml_reader_reads_it(written: list[Finding]) -> None:
    document = yaml.load(findings_text(written), Loader=yaml.CSafeLoader)
    assert [row["finding"] for row in document["findings"]] == [one.key for one in written]


class TestEditing:
    def edited(self, folder: Path, old: str, new: str) -> tuple[Finding, ...]:
        path = folder / "findings.yaml"
        text = findings_text([PROPOSED, UNDONE])
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return read_findings(path)

    def test_a_reader_confirms(self, tmp_path: Path) -> None:
        assert not PROPOSED.is_confirmed
        found, other = self.edited(tmp_path, "confirmed_by: null", "confirmed_by: radiologist-1")
        assert found.is_confirmed
        assert found.confirmed_by == "radiologist-1"
        assert found.state is FindingState.PRESENT
        assert not other.is_confirmed

    def test_a_reader_corrects(self, tmp_path: Path) -> None:
        found, _ = self.edited(tmp_path, "state: present", "state: absent")
        assert found.state is FindingState.ABSENT

    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            (
                "state: present",
                "state: yes",
                'findings[0].state is "yes"; allowed: present, absent, equivocal, not_done',
            ),
            ("double_line", "doubleline", 'Did you mean "double_line"?'),
            ("medial_condyle", "medial_plateau", "allowed: head, neck, trochanters"),
            ("side: right", "side: rechts", "allowed: left, right, midline, unknown"),
            ("state: present", "state: not_done", "findings[0].state is not_done without a reason"),
            ("entered_by: software", "entered_by: me", "allowed: reader, case.yaml, software"),
            ("confirmed_by: null", "confirmed: R1", 'Did you mean "confirmed_by"?'),
            ("confirmed_by: null", "confirmed_by: ''", "findings[0].confirmed_by is empty"),
            ("2020-02-01", "2020-02-31", "no day of the calendar"),
            ("schema_version: 1", "schema_version: 3", "schema_version is 3; it must be 1"),
            ("schema_version: 1\n", "", 'the file lacks "schema_version"'),
        ],
    )
    def test_a_slip_is_told_with_its_line(
        self, tmp_path: Path, old: str, new: str, says: str
    ) -> None:
        with pytest.raises(InputError) as refused:
            self.edited(tmp_path, old, new)
        assert says in refused.value.what
        assert "line " in refused.value.what
        assert refused.value.where == "findings.yaml"

    def test_the_line_is_the_right_one(self, tmp_path: Path) -> None:
        lines = findings_text([PROPOSED]).splitlines()
        number = next(i for i, line in enumerate(lines, 1) if line == "  state: present")
        with pytest.raises(InputError, match=f"line {number}: "):
            self.edited(tmp_path, "state: present", "state: maybe")


class TestText:
    def test_tells_how_to_confirm(self) -> None:
        text = findings_text([PROPOSED])
        assert "confirmed_by: radiologist-1" in text
        label = vocabulary().finding("double_line").label
        assert f"# {label}: present (right medial femoral condyle)" in text

    def test_the_words_for_a_site_without_side_or_region(self) -> None:
        one = Finding("double_line", FindingState.ABSENT, Site("talus", Side.UNKNOWN))
        assert ": absent (talus)\n" in findings_text([one])

    def test_of_none_is_an_empty_list(self, tmp_path: Path) -> None:
        write_findings([], tmp_path / "findings.yaml")
        assert read_findings(tmp_path / "findings.yaml") == ()

    def test_same_findings_same_bytes(self) -> None:
        assert findings_text([PROPOSED, UNDONE]) == findings_text([PROPOSED, UNDONE])

    def test_the_same_date_twice_is_written_twice(self) -> None:
        assert "&" not in findings_text([PROPOSED, PROPOSED]).split("schema_version")[1]

    def test_a_missing_file_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be opened"):
            read_findings(tmp_path / "findings.yaml")
