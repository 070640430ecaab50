"""Every reason to doubt a registration, and that none is raised without cause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marrowtrail.follow_up.surface_misfit import Misfit
from marrowtrail.follow_up.track import Verification
from marrowtrail.follow_up.verification import (
    CORRELATION_LOSS,
    GAP_LOSS_MM,
    IMPOSSIBLE_GAP_MM,
    INVERSE_MM,
    LEAST_COMMON_SHARE,
    LEAST_CORRELATION,
    STRETCH_MM,
    VERIFIED_GAP_MM,
    Evidence,
    judge,
    judge_joint,
)

FIT = Misfit(gap_mm=0.4, stretch_mm=0.5, common_share=0.9)
GOOD = Evidence(
    by_masks=FIT,
    final=FIT,
    inverse_mm=0.2,
    correlation=0.95,
    correlation_by_masks=0.94,
    doubt=None,
    surface_points=9000,
)
SMALL = replace(GOOD, surface_points=900)


def with_gap(gap_mm: float, stretch_mm: float = 0.5) -> Evidence:
    misfit = replace(FIT, gap_mm=gap_mm, stretch_mm=stretch_mm)
    return replace(GOOD, by_masks=misfit, final=misfit)


def test_a_bone_that_fits_is_verified_and_says_how_well() -> None:
    verdict = judge(GOOD)
    assert verdict.verification is Verification.VERIFIED
    assert "0.40 mm" in verdict.reason
    assert "0.20 mm" in verdict.reason
    assert "0.95" in verdict.reason


@pytest.mark.parametrize(
    ("evidence", "word"),
    [
        (replace(GOOD, inverse_mm=INVERSE_MM + 0.1), "there and back"),
        (replace(GOOD, correlation=LEAST_CORRELATION - 0.1), "correlate"),
        (
            replace(GOOD, correlation=0.90, correlation_by_masks=0.90 + 2 * CORRELATION_LOSS),
            "agree",
        ),
        (replace(GOOD, final=replace(FIT, common_share=LEAST_COMMON_SHARE - 0.1)), "only 20%"),
        (with_gap(VERIFIED_GAP_MM + 0.1), "1.0 mm apart"),
        (with_gap(0.4, STRETCH_MM + 0.2), "stretched"),
        (replace(GOOD, final=replace(FIT, gap_mm=FIT.gap_mm + GAP_LOSS_MM + 0.05)), "moved"),
        (replace(GOOD, inverse_mm=None, correlation=None), "masks alone"),
        (replace(GOOD, doubt="its mask is unsure"), "unsure"),
        (replace(GOOD, by_masks=None, final=None), "no part"),
    ],
)
def test_each_doubt_alone_unverifies_and_is_told(evidence: Evidence, word: str) -> None:
    verdict = judge(evidence)
    assert verdict.verification is Verification.UNVERIFIED
    assert word in verdict.reason


@pytest.mark.parametrize(
    "evidence",
    [
        replace(GOOD, inverse_mm=INVERSE_MM),
        replace(GOOD, correlation=LEAST_CORRELATION, correlation_by_masks=None),
        replace(GOOD, final=replace(FIT, common_share=LEAST_COMMON_SHARE)),
        with_gap(VERIFIED_GAP_MM),
        with_gap(0.4, STRETCH_MM),
        replace(GOOD, correlation=0.95, correlation_by_masks=0.5),
    ],
)
def test_what_is_just_within_a_limit_is_verified(evidence: Evidence) -> None:
    assert judge(evidence).verification is Verification.VERIFIED


def test_all_doubts_are_told() -> None:
    reason = judge(replace(GOOD, inverse_mm=9.0, correlation=0.1)).reason
    assert "there and back" in reason
    assert "correlate" in reason


def test_bones_that_do_not_fit_are_impossible() -> None:
    verdict = judge(with_gap(IMPOSSIBLE_GAP_MM + 0.1))
    assert verdict.verification is Verification.IMPOSSIBLE
    assert "another person" in verdict.reason
    assert judge(with_gap(IMPOSSIBLE_GAP_MM)).verification is Verification.UNVERIFIED


class TestJoint:
    def test_bones_that_all_fit_are_verified(self) -> None:
        verdicts = judge_joint([GOOD, SMALL])
        assert [one.verification for one in verdicts] == [Verification.VERIFIED] * 2

    def test_a_largest_bone_that_does_not_fit_makes_all_impossible(self) -> None:
        verdicts = judge_joint([SMALL, with_gap(IMPOSSIBLE_GAP_MM + 1)])
        assert [one.verification for one in verdicts] == [Verification.IMPOSSIBLE] * 2

    @pytest.mark.parametrize(
        "largest", [with_gap(VERIFIED_GAP_MM + 0.2), with_gap(0.4, STRETCH_MM + 0.2)]
    )
    def test_a_largest_bone_in_doubt_unverifies_all(self, largest: Evidence) -> None:
        verdicts = judge_joint([SMALL, largest])
        assert [one.verification for one in verdicts] == [Verification.UNVERIFIED] * 2
        assert "largest bone" in verdicts[0].reason

    def test_a_small_bone_that_does_not_fit_leaves_the_others(self) -> None:
        small = replace(with_gap(IMPOSSIBLE_GAP_MM + 1), surface_points=900)
        verdicts = judge_joint([small, GOOD])
        assert [one.verification for one in verdicts] == [
            Verification.IMPOSSIBLE,
            Verification.VERIFIED,
        ]

    def test_a_largest_bone_that_was_not_measured_says_nothing(self) -> None:
        unseen = replace(GOOD, by_masks=None, final=None)
        verdicts = judge_joint([SMALL, unseen])
        assert [one.verification for one in verdicts] == [
            Verification.VERIFIED,
            Verification.UNVERIFIED,
        ]

    def test_no_bone_gives_no_verdict(self) -> None:
        assert judge_joint([]) == ()
        unseen = replace(GOOD, by_masks=None, final=None)
        assert judge_joint([unseen])[0].verification is Verification.UNVERIFIED
