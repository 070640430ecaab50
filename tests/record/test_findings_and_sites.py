from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from marrowtrail.record.findings import Finding, FindingState, NotDoneReason
from marrowtrail.record.sites import BoneId, Side, Site


class TestFinding:
    @pytest.mark.parametrize("state", [one for one in FindingState if one != "not_done"])
    def test_only_what_is_not_done_has_a_reason(self, state: FindingState) -> None:
        assert Finding("fever", state).reason is None
        with pytest.raises(ValueError, match="a reason belongs to 'not_done'"):
            Finding("fever", state, reason=NotDoneReason.NOT_PERFORMED)

    def test_what_is_not_done_needs_one(self) -> None:
        Finding("fever", FindingState.NOT_DONE, reason=NotDoneReason.NOT_REPORTED)
        with pytest.raises(ValueError, match="a reason belongs to 'not_done'"):
            Finding("fever", FindingState.NOT_DONE)

    @pytest.mark.parametrize(
        ("entered_by", "confirmed_by", "is_confirmed"),
        [
            ("software", None, False),
            ("software", "radiologist-1", True),
            ("reader", None, True),
            ("case.yaml", None, True),
        ],
    )
    def test_a_proposal_waits_for_somebody(
        self, entered_by: str, confirmed_by: str | None, is_confirmed: bool
    ) -> None:
        found = Finding(
            "fever", FindingState.ABSENT, entered_by=entered_by, confirmed_by=confirmed_by
        )
        assert found.is_confirmed is is_confirmed

    def test_cannot_be_changed(self) -> None:
        with pytest.raises(FrozenInstanceError):
            Finding("fever", FindingState.ABSENT).state = FindingState.PRESENT  # type: ignore[misc]


class TestSide:
    def test_left_and_right_are_opposite(self) -> None:
        assert Side.LEFT.opposite is Side.RIGHT
        assert Side.RIGHT.opposite is Side.LEFT

    @pytest.mark.parametrize("side", [Side.MIDLINE, Side.UNKNOWN])
    def test_the_others_have_no_opposite(self, side: Side) -> None:
        assert side.opposite is side


class TestSite:
    def test_bone_without_region(self) -> None:
        site = Site("femur", Side.LEFT, "head")
        assert site.bone_id == BoneId("femur", Side.LEFT)
        assert str(site.bone_id) == "left femur"

    def test_sides_and_regions_tell_sites_apart(self) -> None:
        site = Site("femur", Side.LEFT, "head")
        assert site != Site("femur", Side.RIGHT, "head")
        assert site != Site("femur", Side.LEFT)
        assert site == Site("femur", Side.LEFT, "head")
