"""What is proposed of a bone of which slices are missing: nothing that rests on its size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marrowtrail.follow_up.proposals import propose_findings
from marrowtrail.follow_up.track import Change, FollowUp, Track
from marrowtrail.imaging.series import Visit
from marrowtrail.lesions.lesion import RegionShare
from marrowtrail.record.findings import FindingState
from tests.follow_up.made_visits import FEMUR, START, lesion, reading


@pytest.mark.parametrize(
    ("filled", "is_part", "state"),
    [
        (0.1, False, FindingState.ABSENT),
        (0.1, True, FindingState.NOT_DONE),
        (0.4, False, FindingState.EQUIVOCAL),
        (0.4, True, FindingState.NOT_DONE),
        (0.7, False, FindingState.PRESENT),
        (0.7, True, FindingState.PRESENT),
    ],
)
def test_how_large_it_is(filled: float, is_part: bool, state: FindingState) -> None:
    shares = (RegionShare("medial_condyle", 1.0, filled),)
    one = replace(lesion("v1", FEMUR, "medial_condyle"), regions=shares)
    track = Track("t1", FEMUR, (one.id,), (), Change.NEW, True, "test")
    read = replace(reading("v1", FEMUR, one), is_part=is_part)
    visit = Visit("v1", START, (), ())
    found = propose_findings([visit], [read], [], FollowUp((), (), (track,), ()))
    states = {finding.key: finding.state for finding in found}
    assert states["bme_large_diffuse"] is state
    assert states["bme_present"] is FindingState.PRESENT
    (large,) = (finding for finding in found if finding.key == "bme_large_diffuse")
    assert ("slices are missing" in large.explanation) is (state is FindingState.NOT_DONE)
