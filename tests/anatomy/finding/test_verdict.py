"""Each reason to doubt a found bone, in both directions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marrowtrail.anatomy.finding.verdict import (
    Evidence,
    Plausible,
    Range,
    doubts_of,
    doubts_of_place,
    plausible,
)

RANGE = {"patella": {"volume_mm3": [8000, 40000], "ball_mm": [12, 28]}}
LIMITS = {
    "least_certainty": 0.7,
    "least_expected": 0.75,
    "least_steadiness": 0.85,
    "most_doubtful": 0.3,
    "least_agreement": 0.8,
    "least_agreement_of_series": 0.8,
}
ALWAYS = {"intercept": 9.0, "steadiness": 0.0, "doubtful": 0.0, "agreement": 0.0, "least": 0.5}
TRUST = {"intercept": -8.0, "steadiness": 2.0, "doubtful": -2.0, "agreement": 1.0, "least": 0.9}
KNOWN = Plausible.model_validate({"bones": RANGE, "doubts": LIMITS, "trust": ALWAYS})
SOUND = Evidence(
    volume_mm3=16000.0,
    ball_mm=19.0,
    is_cut=False,
    certainty=0.95,
    expected=0.9,
    steadiness=0.96,
    doubtful=0.1,
    agreement=0.93,
)


def doubts(**changes: float) -> tuple[str, ...]:
    return doubts_of("patella", replace(SOUND, **changes), KNOWN)


def test_nothing_speaks_against_a_sound_bone() -> None:
    assert doubts() == ()


@pytest.mark.parametrize(
    ("field", "bad", "good", "words"),
    [
        ("volume_mm3", 7900.0, 8100.0, "volume of 8 mL"),
        ("volume_mm3", 41000.0, 39000.0, "volume of 41 mL"),
        ("ball_mm", 11.0, 12.5, "thickest it measures 11 mm"),
        ("ball_mm", 29.0, 27.5, "thickest it measures 29 mm"),
        ("ball_mm", float("inf"), 27.5, "thickest"),
        ("certainty", 0.69, 0.71, "certainty of 69%"),
        ("expected", 0.74, 0.76, "right by 74%"),
        ("steadiness", 0.84, 0.86, "84% agree"),
        ("doubtful", 0.31, 0.29, "unclear in 31%"),
        ("agreement", 0.79, 0.81, "agree by 79%"),
    ],
)
def test_one_thing_out_of_range_is_said(field: str, bad: float, good: float, words: str) -> None:
    (said,) = doubts(**{field: bad})
    assert words in said
    assert doubts(**{field: good}) == ()


class TestTrust:
    known = Plausible.model_validate({"bones": RANGE, "doubts": LIMITS, "trust": TRUST})

    def test_what_is_a_little_worse_in_all_is_doubted_though_each_would_pass(self) -> None:
        worse = replace(SOUND, steadiness=0.9, doubtful=0.25, agreement=0.85)
        assert doubts_of("patella", SOUND, self.known) == ()
        (said,) = doubts_of("patella", worse, self.known)
        assert said.startswith("by how steady and sharp it is, it is right with a chance of ")
        assert said.endswith("where 90% is asked for")

    @pytest.mark.parametrize(
        ("field", "better", "worse"),
        [("steadiness", 0.98, 0.9), ("doubtful", 0.05, 0.2), ("agreement", 0.97, 0.8)],
    )
    def test_each_counts(self, field: str, better: float, worse: float) -> None:
        trust = self.known.trust
        above, below = (trust.of(replace(SOUND, **{field: one})) for one in (better, worse))
        assert above > trust.of(SOUND) > below

    @pytest.mark.parametrize("end", [0.0, 1.0])
    def test_a_certainty_knows_a_bound(self, end: float) -> None:
        sure = replace(SOUND, steadiness=end, doubtful=1 - end, agreement=end)
        assert 0.0 < self.known.trust.of(sure) < 1.0


def test_a_bone_that_the_image_cuts_may_be_small_and_not_large() -> None:
    assert doubts(volume_mm3=900.0, is_cut=True) == ()
    assert len(doubts(volume_mm3=90000.0, is_cut=True)) == 1


def test_all_reasons_are_said() -> None:
    assert len(doubts(volume_mm3=100.0, ball_mm=3.0, certainty=0.1, doubtful=0.9)) == 4


def test_every_bone_that_the_networks_know_has_its_range() -> None:
    known = set(plausible().bones)
    assert {"femur", "tibia", "fibula", "patella", "talus", "calcaneus", "hip_bone"} <= known
    for bone in known:
        low, high = plausible().bones[bone].volume_mm3
        assert 0 < low < high


@pytest.mark.parametrize("bad", [[5.0, 5.0], [0.0, 5.0], [9.0, 2.0]])
def test_a_range_runs_from_less_to_more(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="least < most"):
        Range.model_validate({"volume_mm3": bad, "ball_mm": [1, 2]})


def test_a_bone_without_a_range_is_judged_by_the_networks_alone() -> None:
    assert doubts_of("sacrum", SOUND, KNOWN) == ()
    assert len(doubts_of("sacrum", replace(SOUND, certainty=0.2), KNOWN)) == 1


@pytest.mark.parametrize(
    ("bone", "part", "fits"),
    [
        ("femur", "knee", True),
        ("femur", "hip", True),
        ("femur", "ankle", False),
        ("talus", "ankle", True),
        ("talus", "foot", True),
        ("talus", "knee", False),
        ("metatarsals", "ankle", True),
        ("hip_bone", "knee", False),
        ("hip_bone", "sacroiliac", True),
        ("hip_bone", "unknown", True),
    ],
)
def test_a_bone_is_one_of_the_joint_that_the_header_names(bone: str, part: str, fits: bool) -> None:
    assert (doubts_of_place(bone, part) == ()) is fits
