"""The reader's word against the program's proposals."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from marrowtrail.record.findings import SOFTWARE, Finding, FindingState
from marrowtrail.record.merge import accept_all, merge_findings
from marrowtrail.record.sites import Side, Site

DAY = date(2024, 1, 5)
SITE = Site("femur", Side.RIGHT, "medial_condyle")
PROPOSED = Finding("effusion", FindingState.PRESENT, SITE, DAY, entered_by=SOFTWARE)
CONFIRMED = replace(PROPOSED, state=FindingState.ABSENT, confirmed_by="radiologist")


def test_the_reader_wins_at_the_same_place() -> None:
    assert merge_findings([PROPOSED], [CONFIRMED]) == (CONFIRMED,)


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(CONFIRMED, visit=date(2024, 6, 5)),
        replace(CONFIRMED, site=Site("femur", Side.LEFT, "medial_condyle")),
        replace(CONFIRMED, key="synovitis"),
    ],
)
def test_another_place_is_added(elsewhere: Finding) -> None:
    assert merge_findings([PROPOSED], [elsewhere]) == (PROPOSED, elsewhere)


def test_a_bare_proposal_of_an_earlier_run_gives_nothing() -> None:
    assert merge_findings([], [PROPOSED]) == ()


def test_an_undated_entry_stands_for_every_visit() -> None:
    later = replace(PROPOSED, visit=date(2024, 6, 5))
    undated = replace(CONFIRMED, visit=None)
    assert merge_findings([PROPOSED, later], [undated]) == (undated,)


def test_accepting_says_that_nobody_looked() -> None:
    (accepted,) = accept_all([PROPOSED])
    assert accepted.is_confirmed
    assert "--accept-proposed" in str(accepted.confirmed_by)
    assert accept_all([CONFIRMED]) == (CONFIRMED,)
