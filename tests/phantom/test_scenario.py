"""Scenarios say what they may, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.errors import InputError
from marrowtrail.phantom import scenario_names
from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scenario import load_scenario, parse_scenario
from tests.phantom.conftest import SMALL_SCENARIO


def test_the_packaged_scenarios_hold() -> None:
    assert {"seed", "avn", "stable", "healthy"} <= set(scenario_names())
    for name in scenario_names():
        assert load_scenario(name).key == name


def test_the_seed_tells_the_published_shift() -> None:
    seed = load_scenario("seed")
    assert [(p.bone, p.region) for p in seed.lesions] == [
        ("femur", "medial_condyle"),
        ("tibia", "lateral_plateau"),
        ("tibia", "distal_epiphysis"),
    ]
    assert [visit.exams for visit in seed.visits] == [("knee",), ("knee",), ("knee", "ankle")]


def test_stable_and_healthy_have_no_shift() -> None:
    assert load_scenario("stable").shifts == ()
    assert load_scenario("healthy").lesions == ()


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="seed"):
        load_scenario("nonsense")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("region: lateral_plateau", "region: olecranon", "no region 'olecranon'"),
        ("bone: tibia", "bone: humerus", "no bone"),
        ("course: [1.0, 0.9]", "course: [1.0]", "1 entries, but there are 2 visits"),
        ("joint: knee\n    bone", "joint: ankle\n    bone", "does not image the ankle"),
        ("flexion_deg: [0, 12]", "flexion_deg: [12, 0]", "start at its lower end"),
        ("title:", "tale:", "tale"),
        ("towards: superior", "towards: sideways", "towards"),
        ("age: 50", "age: fifty", "age"),
        ("case:", "shifts: [{from: a, from_visit: 1, to: b, to_visit: 2}]\ncase:", "called 'a'"),
        ("sides: [left]", "sides: [midline]", "sides"),
        ("title: Two", "title: {Two", "Expected YAML"),
        (
            "imaging:",
            "erosions: [{joint: ankle, bone: tibia, region: distal_epiphysis, towards: inferior, "
            "diameter_mm: 4, visits: [1]}]\nimaging:",
            "does not image the ankle",
        ),
        (
            "imaging:",
            "collapses: [{lesion: plateau, length_mm: 10, depth_mm: [1]}]\nimaging:",
            "1 entries",
        ),
        ("imaging:", "effusions: [{joint: knee, course: [1]}]\nimaging:", "1 entries"),
        (
            "imaging:",
            "sheets: [{kind: scratch, lesion: plateau, length_mm: 9, thickness_mm: 1, "
            "visits: [1]}]\nimaging:",
            "kind",
        ),
        (
            "imaging:",
            "cysts: [{lesion: other, diameter_mm: 4, visits: [1]}]\nimaging:",
            "called 'other'",
        ),
        ("course: [1.0, 0.9]", "course: [1.0, 0.9]\n    brightness: [1]", "1 entries"),
        ("course: [1.0, 0.9]", "course: [1.0, 0.9]\n    part_of: other", "no whole lesion"),
    ],
)
def test_what_a_scenario_cannot_say_is_an_error_that_names_it(
    old: str, new: str, told: str
) -> None:
    assert old in SMALL_SCENARIO
    with pytest.raises(InputError, match="the test's file") as error:
        parse_scenario(SMALL_SCENARIO.replace(old, new, 1), where="the test's file")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("course", "visit", "accepted"),
    [("[1.0, 0.9]", 2, True), ("[1.0, 0]", 2, False), ("[1.0, [0, 1]]", 2, False)],
)
def test_a_sign_needs_a_lesion_that_is_surely_there(
    course: str, visit: int, accepted: bool
) -> None:
    band = f"{{lesion: plateau, segment: 0.6, thickness_mm: 3, visits: [{visit}]}}"
    text = SMALL_SCENARIO.replace("course: [1.0, 0.9]", f"course: {course}")
    text = text.replace("imaging:", f"demarcations: [{band}]\nimaging:")
    if accepted:
        assert parse_scenario(text, where="x").demarcations[0].visits == (visit,)
    else:
        with pytest.raises(InputError, match="not surely there at visit 2"):
            parse_scenario(text, where="x")


def test_a_range_draws_within_its_ends() -> None:
    rng = np.random.default_rng(0)
    drawn = [Range(low=2, high=5).draw_whole(rng) for _ in range(200)]
    assert set(drawn) == {2, 3, 4, 5}
    assert all(1.5 <= Range.model_validate([1.5, 1.6]).draw(rng) <= 1.6 for _ in range(50))
    assert Range.model_validate(3).draw(rng) == 3.0


@pytest.mark.parametrize(
    ("course", "bone", "told"),
    [("[0, 1.0]", "tibia", None), ("[1.0, 0]", "tibia", "together"), ("[0, 1]", "femur", "bone")],
)
def test_a_piece_lies_in_its_whole_and_never_beside_it(
    course: str, bone: str, told: str | None
) -> None:
    region = "lateral_plateau" if bone == "tibia" else "lateral_condyle"
    piece = (
        f"  - {{key: half, part_of: plateau, joint: knee, bone: {bone}, region: {region}, "
        f"towards: superior, course: {course}}}\n"
    )
    text = SMALL_SCENARIO.replace("course: [1.0, 0.9]", "course: [1.0, 0]")
    text = text.replace("imaging:", f"{piece}imaging:")
    if told is None:
        assert parse_scenario(text, where="x").lesions[1].root == "plateau"
    else:
        with pytest.raises(InputError, match=told):
            parse_scenario(text, where="x")
