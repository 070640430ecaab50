"""Drawn bones: sides, neighbours, regions."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from marrowtrail.phantom.body.bones import draw_limb, read_regions
from marrowtrail.phantom.body.contact import gap_mm, surface_points
from marrowtrail.phantom.body.limb import STEP_MM, Limb, PatientBone
from marrowtrail.phantom.body.template import load_template
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary

LATERAL = {Side.RIGHT: -1.0, Side.LEFT: 1.0}
"""Sign of lateral along LPS x."""


@pytest.fixture(scope="module", params=["knee-right", "knee-left", "ankle-right", "ankle-left"])
def limb(request: pytest.FixtureRequest) -> Limb:
    joint, side = request.param.split("-")
    return drawn(joint, Side(side), 3)


@cache
def drawn(joint: str, side: Side, seed: int) -> Limb:
    return draw_limb(joint, side, np.random.default_rng(seed))


def region_centre(bone: PatientBone, region: str) -> NDArray[np.float64]:
    value = bone.region_names.index(region) + 1
    inside = (bone.regions.data == value) & (bone.surface.data < 0)
    return bone.surface.geometry.to_lps(np.argwhere(inside)).mean(axis=0)


def test_every_bone_has_the_limbs_side(limb: Limb) -> None:
    assert {bone.bone_id.side for bone in limb.bones} == {limb.side}


def test_the_fibula_is_lateral_of_the_tibia(limb: Limb) -> None:
    fibula = limb.bone("fibula").inside_points()[:, 0].mean()
    tibia = limb.bone("tibia").inside_points()[:, 0].mean()
    assert (fibula - tibia) * LATERAL[limb.side] > 15.0


def test_bones_stand_where_they_belong() -> None:
    knee = drawn("knee", Side.LEFT, 3)
    centre = {b.bone_id.bone: b.inside_points().mean(axis=0) for b in knee.bones}
    assert centre["femur"][2] > centre["tibia"][2] + 60
    assert centre["patella"][1] < centre["femur"][1] - 20
    ankle = drawn("ankle", Side.LEFT, 3)
    centre = {b.bone_id.bone: b.inside_points().mean(axis=0) for b in ankle.bones}
    assert centre["tibia"][2] > centre["talus"][2] > centre["calcaneus"][2]
    assert centre["navicular"][1] < centre["talus"][1] < centre["calcaneus"][1]
    assert centre["cuboid"][0] > centre["navicular"][0]


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
def test_medial_regions_are_medial(side: Side) -> None:
    knee = drawn("knee", side, 3)
    ankle = drawn("ankle", side, 3)
    for bone, medial, lateral in (
        (knee.bone("femur"), "medial_condyle", "lateral_condyle"),
        (knee.bone("tibia"), "medial_plateau", "lateral_plateau"),
        (knee.bone("patella"), "medial_facet", "lateral_facet"),
        (ankle.bone("talus"), "medial_dome", "lateral_dome"),
    ):
        away = region_centre(bone, lateral) - region_centre(bone, medial)
        assert away[0] * LATERAL[side] > 8.0, bone.bone_id


def test_regions_follow_each_other_along_the_bone() -> None:
    knee = drawn("knee", Side.RIGHT, 3)
    femur, tibia = knee.bone("femur"), knee.bone("tibia")
    order = ["medial_condyle", "distal_metaphysis", "shaft"]
    assert np.all(np.diff([region_centre(femur, name)[2] for name in order]) > 0)
    order = ["medial_plateau", "proximal_metaphysis", "shaft"]
    assert np.all(np.diff([region_centre(tibia, name)[2] for name in order]) < 0)
    condyles = (
        region_centre(femur, "medial_condyle") + region_centre(femur, "lateral_condyle")
    ) / 2
    assert region_centre(femur, "trochlea")[1] < condyles[1] - 10
    plateaus = [region_centre(tibia, f"{name}_plateau")[0] for name in ("lateral", "medial")]
    assert plateaus[0] < region_centre(tibia, "subspinous")[0] < plateaus[1]


def test_painted_regions_are_words_of_the_vocabulary(limb: Limb) -> None:
    for bone in limb.bones:
        known = {region.key for region in vocabulary().bone(bone.bone_id.bone).regions}
        assert set(bone.region_names) <= known
        inside = bone.regions.data[bone.surface.data < 0]
        if bone.region_names:
            assert set(np.unique(inside)) == set(range(1, len(bone.region_names) + 1))


def test_the_left_limb_is_the_mirrored_right_one() -> None:
    right, left = (drawn("knee", side, 3) for side in (Side.RIGHT, Side.LEFT))
    for one, other in zip(right.bones, left.bones, strict=True):
        mirrored = one.inside_points() * np.array([-1.0, 1.0, 1.0])
        assert np.allclose(mirrored, other.inside_points())


def test_the_same_seed_draws_the_same_bones_and_another_does_not() -> None:
    first = drawn("ankle", Side.RIGHT, 3).bone("talus").surface.data
    again, other = (
        draw_limb("ankle", Side.RIGHT, np.random.default_rng(seed)).bone("talus").surface.data
        for seed in (3, 4)
    )
    assert np.array_equal(first, again)
    assert not (first.shape == other.shape and np.allclose(first, other))


@pytest.mark.parametrize("seed", [0, 3])
def test_cartilages_of_the_knee_nearly_touch(seed: int) -> None:
    knee = drawn("knee", Side.RIGHT, seed)
    femur = knee.bone("femur")
    assert -0.5 < gap_mm(femur, surface_points(knee.bone("tibia"))) < 1.5
    assert -0.5 < gap_mm(femur, surface_points(knee.bone("patella"))) < 1.5


def test_sizes_are_those_of_adults() -> None:
    for seed in (0, 3):
        knee = drawn("knee", Side.RIGHT, seed)
        femur = knee.bone("femur").inside_points()
        low = femur[femur[:, 2] < femur[:, 2].min() + 30]
        assert 62 < np.ptp(low[:, 0]) < 98
        patella = knee.bone("patella").inside_points()
        assert 30 < np.ptp(patella[:, 2]) < 60


def test_the_warp_carries_the_regions() -> None:
    painted = np.zeros((9, 4, 4), dtype=np.uint8)
    painted[:4], painted[4:] = 1, 2
    still = np.indices(painted.shape).astype(np.float32)
    shifted = still.copy()
    shifted[0] += 2.0
    assert np.array_equal(read_regions(painted, 2, still), painted)
    assert np.array_equal(read_regions(painted, 2, shifted)[:-2], painted[2:])


def test_regions_of_a_patient_are_those_of_the_template_where_the_bone_is() -> None:
    """Shares of a region in its bone hardly change under the small warp."""
    template = next(bone for bone in load_template("ankle").bones if bone.bone == "calcaneus")
    bone = drawn("ankle", Side.RIGHT, 3).bone("calcaneus")
    of_template = template.regions[template.surface_mm < 0]
    of_patient = bone.regions.data[bone.surface.data < 0]
    assert np.isclose((of_template == 1).mean(), (of_patient == 1).mean(), atol=0.05)


def test_distance_maps_are_distances(limb: Limb) -> None:
    """Their slope is near 1 close to the surface, so an offset of 1 mm is 1 mm."""
    for bone in limb.bones:
        near = np.abs(bone.surface.data) < 2.0
        slope = np.linalg.norm(np.gradient(bone.surface.data, STEP_MM), axis=0)[near]
        assert 0.75 < np.median(slope) < 1.15, bone.bone_id


def test_cartilage_lies_outside_bone() -> None:
    knee = drawn("knee", Side.RIGHT, 3)
    for key in ("femur", "tibia", "patella"):
        bone = knee.bone(key)
        assert bone.outer is not None
        assert np.all(bone.outer.data <= bone.surface.data)
        cartilage = (bone.outer.data < 0) & (bone.surface.data > 0)
        thickness = np.percentile(bone.surface.data[cartilage], 95)
        assert 0.8 < thickness < 5.0
