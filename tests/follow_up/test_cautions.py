"""What a reader is told of visits that could not be compared directly."""

from __future__ import annotations

import pytest

from marrowtrail.errors import Severity
from marrowtrail.follow_up.cautions import follow_up_cautions
from marrowtrail.follow_up.chains import bridged, completed
from marrowtrail.follow_up.track import FollowUp, MovedSeries, Verification
from tests.follow_up.made_visits import FEMUR, registration

V3 = ("v1", "v2", "v3")


@pytest.mark.parametrize(
    ("between", "code", "severity", "text"),
    [
        (
            Verification.VERIFIED,
            "registration-bridged",
            Severity.NOTE,
            "compared through other visits",
        ),
        (
            Verification.UNVERIFIED,
            "registration-unverified",
            Severity.UNVERIFIED,
            "matched by region only",
        ),
    ],
)
def test_a_doubtful_pair_says_how_it_was_compared(
    between: Verification, code: str, severity: Severity, text: str
) -> None:
    links = (
        registration("v1", "v2", FEMUR, between),
        registration("v1", "v3", FEMUR, Verification.UNVERIFIED),
        registration("v2", "v3", FEMUR),
    )
    told = FollowUp(links, (), (), (), bridged=bridged(links, completed(links, V3)))
    (caution,) = (one for one in follow_up_cautions(told, 3) if one.where == "v1 and v3")
    assert (caution.code, caution.severity) == (code, severity)
    assert text in caution.what


@pytest.mark.parametrize(("visits", "is_compared"), [(1, False), (2, True)])
def test_nothing_was_compared_with_one_visit(visits: int, is_compared: bool) -> None:
    told = FollowUp((), (), (), (), moved=(MovedSeries("v1", "v1-s2", "v1-s1", 4.0),))
    moved = follow_up_cautions(told, visits)[0]
    assert "moved by 4.0 mm" in moved.what
    assert ("Visits were compared without v1-s2." in moved.what) is is_compared
