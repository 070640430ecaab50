from __future__ import annotations

from datetime import date

import pytest

from marrowtrail.record.case import Case
from marrowtrail.record.findings import Finding, FindingState, NotDoneReason
from marrowtrail.record.never_imaged import never_imaged
from marrowtrail.record.sites import Side, Site

KNEE = Site("femur", Side.RIGHT, "medial_condyle")
ANKLE = Site("tibia", Side.RIGHT, "distal_epiphysis")
DAY = date(2031, 1, 10)


def imaged(*joints: str) -> Case:
    series = [{"file": f"{joint}.nii.gz", "body_part": joint} for joint in joints]
    return Case.model_validate({"visits": [{"date": DAY, "series": series}]})


def effusion(site: Site | None) -> Finding:
    return Finding("effusion", FindingState.PRESENT, site, DAY)


def test_a_joint_that_no_series_shows_is_named() -> None:
    (said,) = never_imaged(imaged("knee"), [effusion(ANKLE), effusion(KNEE), effusion(ANKLE)])
    assert said == "joint effusion: no series of the record shows the ankle; taken as entered"


@pytest.mark.parametrize("site", [KNEE, None, Site("femur", Side.RIGHT), Site("wing", Side.LEFT)])
def test_nothing_is_said_of_what_may_have_been_seen(site: Site | None) -> None:
    assert never_imaged(imaged("knee"), [effusion(site)]) == ()


def test_nothing_is_said_without_series() -> None:
    assert never_imaged(Case(), [effusion(ANKLE)]) == ()
    dated = Case.model_validate({"visits": [{"date": DAY}]})
    assert never_imaged(dated, [effusion(ANKLE)]) == ()


def test_what_was_not_done_needs_no_image() -> None:
    undone = Finding(
        "effusion", FindingState.NOT_DONE, ANKLE, DAY, reason=NotDoneReason.NOT_PERFORMED
    )
    assert never_imaged(imaged("knee"), [undone]) == ()
