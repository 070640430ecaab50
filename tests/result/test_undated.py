"""No day survives --no-dates, and nothing else is lost."""

from __future__ import annotations

import pytest

from marrowtrail.diagnosis.differential import LedgerLine, LedgerStatus
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.result.rows import finding_row
from marrowtrail.result.undated import undated, undated_ledger


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No line in the femur on 14 March 2020. Once", "No line in the femur. Once"),
        ("Normal CRP on 2 May 2019; no fever", "Normal CRP; no fever"),
        ("seen 2019-11-22, clear", "seen, clear"),
        ("Radiology 2020;295:626", "Radiology 2020;295:626"),
        (
            "Gone: dated 2020-01-02, which is not after the first scan (2020-02-03), so",
            "Gone: not after the first scan, so",
        ),
        ("a line (2 mm) dated by its edge", "a line (2 mm) dated by its edge"),
        ("48 of 60 patients", "48 of 60 patients"),
    ],
)
def test_sentences(text: str, expected: str) -> None:
    assert undated(text) == expected


def test_a_ledger_keeps_its_lines() -> None:
    line = LedgerLine("avn", "AVN", 0.01, LedgerStatus.OPEN, "Seen on 14 March 2020.")
    assert [one.explanation for one in undated_ledger((line,))] == ["Seen."]


@pytest.mark.parametrize(("keep_dates", "said"), [(True, "pain on 14 March 2020"), (False, "pain")])
def test_what_a_reader_wrote_of_a_finding(keep_dates: bool, said: str) -> None:
    finding = Finding("fever", FindingState.ABSENT, explanation="pain on 14 March 2020")
    assert finding_row(finding, keep_dates=keep_dates).explanation == said
