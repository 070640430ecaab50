"""Size of an area of low signal against the limits of its place."""

from __future__ import annotations

from datetime import date

import pytest

from marrowtrail.follow_up.low_signal_limits import size_of_area
from marrowtrail.follow_up.proposals import SIGN_FINDINGS, propose_findings
from marrowtrail.follow_up.track import FollowUp
from marrowtrail.imaging.series import Visit
from marrowtrail.lesions.lesion import Sign, SignKind, SignState
from marrowtrail.record.findings import FindingState, NotDoneReason
from marrowtrail.record.sites import BoneId, Side

VISIT = Visit("v1", date(2020, 1, 1), (), ())


def area(
    thick: float, long: float, region: str | None, state: SignState = SignState.PRESENT
) -> Sign:
    bone = BoneId("femur", Side.RIGHT)
    kind = SignKind.LOW_SIGNAL_AREA
    return Sign(kind, "v1", bone, None, state, "seen", long, thick, 0.9, region)


@pytest.mark.parametrize(
    ("thick", "long", "region", "state"),
    [
        (5.0, 8.0, "medial_condyle", FindingState.PRESENT),
        (2.0, 16.0, "lateral_condyle", FindingState.PRESENT),
        (2.0, 13.8, "medial_condyle", FindingState.EQUIVOCAL),
        (3.8, 8.0, "medial_condyle", FindingState.EQUIVOCAL),
        (2.0, 8.0, "medial_condyle", FindingState.ABSENT),
        (2.0, 13.8, "head", FindingState.PRESENT),
        (6.0, 20.0, "trochlea", FindingState.NOT_DONE),
        (6.0, 20.0, None, FindingState.NOT_DONE),
    ],
)
def test_by_place(thick: float, long: float, region: str | None, state: FindingState) -> None:
    assert size_of_area(area(thick, long, region))[0] is state


def proposed(sign: Sign):  # type: ignore[no-untyped-def]
    (finding,) = propose_findings([VISIT], [], [sign], FollowUp((), (), (), ()))
    return finding


def test_a_small_area_is_no_thick_one() -> None:
    small, thick = (proposed(area(mm, 8.0, "medial_condyle")) for mm in (2.0, 6.0))
    assert small.key == thick.key == SIGN_FINDINGS[SignKind.LOW_SIGNAL_AREA]
    assert (small.state, thick.state) == (FindingState.ABSENT, FindingState.PRESENT)
    assert "limits 4 mm thick, 14 mm long" in small.explanation


def test_what_was_not_seen_is_not_judged_by_its_size() -> None:
    absent = proposed(area(6.0, 20.0, "medial_condyle", SignState.ABSENT))
    assert absent.state is FindingState.ABSENT
    unseen = proposed(area(6.0, 20.0, "medial_condyle", SignState.NOT_ASSESSABLE))
    assert (unseen.state, unseen.reason) == (FindingState.NOT_DONE, NotDoneReason.NOT_ASSESSABLE)
