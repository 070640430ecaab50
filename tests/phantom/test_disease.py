"""Signs in drawn bones, and what became of lesions over the visits."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from marrowtrail.phantom import drawn_patient
from marrowtrail.phantom.disease.lesion_shape import SUBCHONDRAL_MM
from marrowtrail.phantom.disease.of_joint import Disease
from marrowtrail.phantom.drawn_patient import DrawnPatient
from marrowtrail.phantom.family import PLAIN_DRAW, Draw, Family
from marrowtrail.phantom.random_story import (
    FURTHER,
    pick_scenario,
)
from marrowtrail.phantom.scanner.plan import ImagingPlan
from marrowtrail.phantom.scenario import Scenario, load_scenario, scenario_names
from marrowtrail.phantom.truth import PatientTruth, SignTruth
from marrowtrail.phantom.truth_of import truth_of

SEED = 3


@cache
def patient_of(name: str, seed: int = SEED) -> DrawnPatient:
    return drawn(load_scenario(name), seed)


def drawn(scenario: Scenario, seed: int, draw: Draw = PLAIN_DRAW) -> DrawnPatient:
    """A patient without muscles and skin, which take most of the time and hold no disease."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawn_patient, "build_soft_tissue", lambda *_: None)
        return drawn_patient.draw_patient(scenario, seed, draw)


@cache
def truth(name: str, seed: int = SEED) -> PatientTruth:
    return truth_of(patient_of(name, seed), {}, ())


def knee(name: str) -> Disease:
    return patient_of(name).joints["knee"].disease


def signs(name: str, kind: str) -> list[SignTruth]:
    return [sign for sign in truth(name).signs if sign.kind == kind]


@pytest.mark.parametrize("name", scenario_names())
def test_truth_of_every_scenario_agrees_with_itself(name: str) -> None:
    found, plan = truth(name), load_scenario(name)
    ids = {lesion.id for lesion in found.lesions}
    assert len(ids) == len(found.lesions)
    for lesion in found.lesions:
        assert lesion.volume_mm3 > 0
        assert sum(one.share for one in lesion.region_shares) == pytest.approx(1.0, abs=0.03)
        assert lesion.region_shares[0].region == lesion.region
    assert {sign.lesion for sign in found.signs} <= ids | {None}
    for edge in found.edges:
        assert {edge.earlier, edge.later} <= ids
        assert edge.earlier.split("-")[0] < edge.later.split("-")[0]
    for change in found.changes:
        assert set(change.earlier) | set(change.later) <= ids
        assert change.earlier or change.later
    for shift in found.shifts:
        assert {shift.from_lesion, shift.to_lesion} <= ids
    assert len(found.effusions) == sum(len(visit.exams) for visit in plan.visits)


@pytest.mark.parametrize("name", scenario_names())
def test_every_planned_sign_is_there_and_no_other(name: str) -> None:
    plan = load_scenario(name)
    found = truth(name).signs
    planned = {(one.kind, visit) for one in plan.sheets for visit in one.visits}
    planned |= {("demarcation", visit) for one in plan.demarcations for visit in one.visits}
    planned |= {
        ("double_line", visit)
        for one in plan.demarcations
        if one.double_line
        for visit in one.visits
    }
    planned |= {("cyst", visit) for one in plan.cysts for visit in one.visits}
    planned |= {("erosion", visit) for one in plan.erosions for visit in one.visits}
    planned |= {
        ("collapse", visit)
        for one in plan.collapses
        for visit, depth in enumerate(one.depth_mm, start=1)
        if depth.high > 0
    }
    assert {(sign.kind, int(sign.visit[1:])) for sign in found} == planned
    assert all(sign.length_mm > 0 and sign.thickness_mm > 0 for sign in found)


@pytest.mark.parametrize("name", ["healthy", "seed", "stable", "tumour", "toh-heals", "splits"])
def test_scenarios_without_signs_have_none(name: str) -> None:
    assert truth(name).signs == ()


def test_the_subchondral_line_lies_in_oedema_under_the_plate() -> None:
    disease = knee("insufficiency-fracture")
    plan = load_scenario("insufficiency-fracture").sheets[0]
    size = patient_of("insufficiency-fracture").course.sizes["condyle"][0]
    (line,) = disease.sheets_at(1, "condyle", size)
    shape = line.shape
    there = (np.abs(shape.across) < 0.75) & (line.outline.data > 0)
    depth = -shape.bone.surface.data[shape.block][there]
    assert there.any()
    assert depth.min() > SUBCHONDRAL_MM - 0.6
    assert depth.max() < SUBCHONDRAL_MM + plan.depth_mm.high + plan.thickness_mm.high + 1.5
    assert (disease.level(1, "condyle", size)[shape.block][there] > -1.0).mean() > 0.95
    for sign in signs("insufficiency-fracture", "subchondral_line"):
        assert 5.0 < sign.length_mm < 1.25 * plan.length_mm.high


def test_a_fracture_line_crosses_the_bone() -> None:
    disease = knee("stress-fracture")
    (shape,) = disease.sheets
    slope = np.stack(np.gradient(shape.across))
    turn = np.linalg.inv(shape.bone.surface.geometry.affine[:3, :3]).T
    normal = (turn @ slope.reshape(3, -1).mean(axis=1)).ravel()
    assert abs(normal[2]) / np.linalg.norm(normal) > np.cos(np.radians(20.0))


def test_oedema_leaves_out_a_low_signal_area_but_not_a_line() -> None:
    disease = knee("low-signal-area")
    (shape,) = disease.sheets
    inside = shape.outside() < -0.3
    assert inside.any()
    assert not (disease.level(1, "condyle", 1.0)[shape.block][inside] > 0).any()
    line = knee("insufficiency-fracture")
    (shape,) = line.sheets
    inside = (np.abs(shape.across) < 0.5) & (shape.outline > 1.0)
    assert (line.level(1, "condyle", 1.0)[shape.block][inside] > 0).any()


def test_collapse_lowers_the_surface_at_its_visit_alone() -> None:
    joint = patient_of("avn-collapse").joints["knee"]
    before, after = (joint.disease.limb_at(joint.limb, visit).bone("femur") for visit in (1, 3))
    (sign,) = signs("avn-collapse", "collapse")
    assert np.array_equal(before.surface.data, joint.limb.bone("femur").surface.data)
    sunk = after.surface.data - before.surface.data
    assert sunk.max() == pytest.approx(sign.thickness_mm, abs=0.01)
    assert sunk.min() == 0.0
    lost = (before.surface.data < 0) & (after.surface.data >= 0)
    assert lost.sum() > 20
    assert before.outer is not None
    assert after.outer is not None
    assert (after.outer.data >= before.outer.data).all()
    assert joint.disease.limb_at(joint.limb, 3).bone("tibia") is joint.limb.bone("tibia")
    level = joint.disease.level(3, "condyle", 1.0)
    assert not (level[after.surface.data > -SUBCHONDRAL_MM] > 1e-4).any()


def test_a_crescent_sinks_with_the_surface() -> None:
    disease = knee("avn-collapse")
    (second,), (third,) = (disease.sheets_at(visit, "condyle", 1.0) for visit in (2, 3))
    assert (third.across.data <= second.across.data).all()
    assert (third.across.data < second.across.data).any()


def test_an_erosion_is_a_hole_in_the_surface_at_its_visit() -> None:
    joint = patient_of("early-arthritis").joints["knee"]
    first, second = (joint.disease.limb_at(joint.limb, visit) for visit in (1, 2))
    for erosion in joint.disease.erosions:
        bone = erosion.plan.bone
        before, after = first.bone(bone).surface.data, second.bone(bone).surface.data
        lost = int(((before < 0) & (after >= 0)).sum())
        whole = np.pi / 6 * (erosion.diameter_mm / 1.5) ** 3
        assert 0.2 * whole < lost < 1.5 * whole


def test_a_cyst_is_in_marrow() -> None:
    disease = knee("low-signal-area")
    (cyst,) = disease.cysts
    bone = disease.lesions["condyle"].bone
    points = cyst.level.geometry.to_lps(np.argwhere(cyst.level.data > 0))
    ijk = np.round(bone.surface.geometry.to_ijk(points)).astype(int)
    assert (bone.surface.data[tuple(ijk.T)] < -0.5).all()


def changes(name: str) -> set[tuple[tuple[str, ...], tuple[str, ...], str]]:
    return {(one.earlier, one.later, one.kind) for one in truth(name).changes}


def test_splits_and_mergers_are_many_to_many() -> None:
    edges = {(edge.earlier, edge.later) for edge in truth("splits").edges}
    assert edges == {
        ("v1-condyle", "v2-condyle-front"),
        ("v1-condyle", "v2-condyle-back"),
        ("v2-condyle-front", "v3-condyle-front"),
        ("v1-plateau-front", "v2-plateau"),
        ("v1-plateau-back", "v2-plateau"),
        ("v2-plateau", "v3-plateau"),
    }
    told = changes("splits")
    assert (("v1-condyle",), ("v2-condyle-front", "v2-condyle-back"), "split") in told
    assert (("v2-condyle-back",), (), "resolved") in told
    assert (("v1-plateau-front", "v1-plateau-back"), ("v2-plateau",), "merged") in told


def test_a_focus_that_comes_back_recurs_and_one_that_comes_is_new() -> None:
    told = changes("sterile-osteomyelitis")
    assert (("v1-femur",), (), "resolved") in told
    assert ((), ("v3-femur",), "recurred") in told
    assert ((), ("v2-distal-tibia",), "new") in told
    edges = {(edge.earlier, edge.later) for edge in truth("sterile-osteomyelitis").edges}
    assert ("v1-femur", "v3-femur") in edges


def test_what_stays_is_stable_and_a_tumour_grows() -> None:
    assert {kind for *_, kind in changes("stable")} == {"stable"}
    assert {kind for *_, kind in changes("tumour")} == {"grown"}
    assert changes("healthy") == set()


def test_the_first_imaging_of_a_joint_makes_nothing_new() -> None:
    """The ankle of the seed is first imaged at the third visit: there is nothing to compare."""
    assert not any("distal-tibia" in name for *_, later, _ in changes("seed") for name in later)


def test_the_halves_have_less_than_the_whole() -> None:
    volumes = {lesion.id: lesion.volume_mm3 for lesion in truth("splits").lesions}
    halves = volumes["v2-condyle-front"] + volumes["v2-condyle-back"]
    assert halves < volumes["v1-condyle"]


@pytest.mark.parametrize("family", list(Family))
def test_the_same_seed_draws_the_same_disease(family: Family) -> None:
    scenario = load_scenario("insufficiency-fracture")
    one, two = (drawn(scenario, 9, Draw(family)) for _ in range(2))
    assert truth_of(one, {}, ()) == truth_of(two, {}, ())
    first, second = (each.joints["knee"].disease for each in (one, two))
    assert np.array_equal(first.sheets[0].across, second.sheets[0].across)


def test_adding_a_sign_changes_no_lesion() -> None:
    scenario = load_scenario("insufficiency-fracture")
    bare = scenario.model_copy(update={"sheets": ()})
    one, two = (drawn(each, SEED).joints["knee"].disease for each in (scenario, bare))
    assert np.array_equal(one.lesions["condyle"].level(1.0), two.lesions["condyle"].level(1.0))


def test_random_draws_many_stories_each_the_same_again() -> None:
    names = [pick_scenario("random", seed).key for seed in range(60)]
    assert names == [pick_scenario("random", seed).key for seed in range(60)]
    assert len(set(names)) > 0.6 * len(scenario_names())
    assert set(names) <= set(scenario_names())
    assert pick_scenario("random", 1).difficulty.high == 1.0
    assert pick_scenario("avn", 1) == load_scenario("avn")


def test_random_leaves_what_only_tries_follow_up_to_serial() -> None:
    """So that what `random` draws stays as it was when another trial is added."""
    drawn_by = {
        name: [pick_scenario(name, seed) for seed in range(80)] for name in ("random", "serial")
    }
    assert {one.purpose for one in drawn_by["random"]} == {"disease"}
    assert {one.purpose for one in drawn_by["serial"]} == {"disease", "follow_up"}
    assert all(len(one.visits) > 1 for one in drawn_by["serial"])
    moved = [one.imaging.moved_mm.high > 0 for one in drawn_by["serial"]]
    assert 10 < sum(moved) < 50
    assert not any(one.imaging.moved_mm.high > 0 for one in drawn_by["random"])
    assert [pick_scenario("serial", seed) for seed in range(80)] == drawn_by["serial"]


def test_random_draws_every_sequence_container_and_flaw_of_headers() -> None:
    plans = [pick_scenario("random", seed).imaging for seed in range(60)]
    assert plans == [pick_scenario("random", seed).imaging for seed in range(60)]
    assert all(ImagingPlan.model_validate(plan.model_dump()) == plan for plan in plans)
    assert {word for plan in plans for word in plan.series} == {"fluid_sagittal", "t1", *FURTHER}
    for choices in ("container", "headers", "metal"):
        assert len({getattr(plan, choices) for plan in plans}) == 2
    enhanced = [plan for plan in plans if plan.container == "enhanced"]
    assert all(plan.vendors == ("philips",) for plan in enhanced)
    assert {plan.vendors for plan in plans} - {("philips",)}
