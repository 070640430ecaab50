"""Hip and foot, the second family of shapes, shafts and scars."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import resample
from marrowtrail.phantom.body.bones import draw_limb
from marrowtrail.phantom.body.contact import adapted, closing_mm
from marrowtrail.phantom.body.limb import STEP_MM, Limb, PatientBone
from marrowtrail.phantom.body.pose import draw_pose
from marrowtrail.phantom.body.soft_tissue import build_soft_tissue
from marrowtrail.phantom.body.template import load_template
from marrowtrail.phantom.body.variation import (
    Deformation,
    Mode,
    ModeKind,
    Variation,
    displacement_of,
    variation_of,
)
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.painting.joint_space import OPPOSING
from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scanner.field_of_view import CENTRE_MM, DEPTH_MM, FOV_MM
from marrowtrail.phantom.scanner.plan import ImagingPlan
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary

JOINTS = ("knee", "ankle", "hip", "foot")
LATERAL = {Side.RIGHT: -1.0, Side.LEFT: 1.0}
"""Sign of lateral along LPS x."""


@cache
def drawn(joint: str, side: Side = Side.RIGHT, family: Family = Family.BUILDING) -> Limb:
    return draw_limb(joint, side, np.random.default_rng(3), family)


def centre(limb: Limb, bone: str) -> NDArray[np.float64]:
    return limb.bone(bone).inside_points().mean(axis=0)


def region_centre(limb: Limb, bone: str, region: str) -> NDArray[np.float64]:
    part = limb.bone(bone)
    value = part.region_names.index(region) + 1
    inside = (part.regions.data == value) & (part.surface.data < 0)
    return part.surface.geometry.to_lps(np.argwhere(inside)).mean(axis=0)


def distances_at(
    bone: PatientBone, points: NDArray[np.float64], *, outer: bool = True
) -> NDArray[np.float64]:
    maps = bone.outer if outer and bone.outer is not None else bone.surface
    ijk = np.moveaxis(maps.geometry.to_ijk(points), -1, 0)
    return np.asarray(ndimage.map_coordinates(maps.data, ijk, order=1, cval=12.0))


def facing_gaps(limb: Limb, one: str, other: str, *, outer: bool) -> NDArray[np.float64]:
    """Gap between two bones at the surface of the first where the second is within 6 mm."""
    bone = limb.bone(one)
    maps = bone.outer if outer and bone.outer is not None else bone.surface
    at = maps.geometry.to_lps(np.argwhere(np.abs(maps.data) < STEP_MM / 2))
    gap = distances_at(limb.bone(other), at, outer=outer) + distances_at(bone, at, outer=outer)
    return np.asarray(gap[gap < 6.0])


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("side", [Side.RIGHT, Side.LEFT])
def test_the_hip_lies_as_a_hip(side: Side, family: Family) -> None:
    hip = drawn("hip", side, family)
    head = region_centre(hip, "femur", "head")
    neck = region_centre(hip, "femur", "neck")
    trochanters = region_centre(hip, "femur", "trochanters")
    shaft = region_centre(hip, "femur", "shaft")
    assert (neck - head)[0] * LATERAL[side] > 10.0
    assert (trochanters - neck)[0] * LATERAL[side] > 5.0
    assert head[2] > trochanters[2] > shaft[2] + 20.0
    ilium, ischium, pubis = (
        region_centre(hip, "hip_bone", name) for name in ("ilium", "ischium", "pubis")
    )
    assert ilium[2] > 25.0
    assert ischium[2] < 0.0
    assert pubis[1] < ischium[1] - 30.0
    assert (head - pubis)[0] * LATERAL[side] > 25.0


@pytest.mark.parametrize("family", list(Family))
def test_head_and_socket_have_one_even_gap(family: Family) -> None:
    """A femoral head of 42 to 62 mm, held by more than a third of a sphere, never sunk in."""
    hip = drawn("hip", Side.RIGHT, family)
    femur = hip.bone("femur")
    head = (femur.regions.data == 1) & (femur.surface.data < 0)
    size = np.ptp(femur.surface.geometry.to_lps(np.argwhere(head))[:, 1])
    assert 42.0 < size < 62.0
    gaps = facing_gaps(hip, "femur", "hip_bone", outer=True)
    close = gaps[gaps < 2.0]
    assert len(close) * STEP_MM**2 > 0.3 * np.pi * size**2 / 2
    assert close.min() > -0.3
    assert np.percentile(close, 90) - np.percentile(close, 10) < 0.8


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("joint", ["ankle", "foot"])
def test_bones_of_the_foot_face_each_other_and_do_not_enter(joint: str, family: Family) -> None:
    limb = drawn(joint, Side.RIGHT, family)
    for one, other in OPPOSING[joint]:
        gaps = facing_gaps(limb, one, other, outer=False)
        assert gaps.min() > 0.3, (one, other)
        assert (gaps < 5.0).sum() * STEP_MM**2 > 50.0, (one, other)
    talus = facing_gaps(limb, "talus", "tibia", outer=False)
    assert (talus < 4.5).sum() * STEP_MM**2 > 500.0


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("side", [Side.RIGHT, Side.LEFT])
def test_side_and_order_of_the_bones(side: Side, family: Family) -> None:
    knee, ankle, foot = (drawn(joint, side, family) for joint in ("knee", "ankle", "foot"))
    for limb in (knee, ankle, foot):
        away = centre(limb, "fibula") - centre(limb, "tibia")
        assert away[0] * LATERAL[side] > 15.0
        assert away[1] > 3.0
    assert centre(knee, "patella")[1] < centre(knee, "femur")[1] - 20.0
    for limb in (ankle, foot):
        order = ["calcaneus", "talus", "navicular", "cuneiforms", "metatarsals"]
        assert np.all(np.diff([centre(limb, name)[1] for name in order]) < 0)
        assert (centre(limb, "cuboid") - centre(limb, "navicular"))[0] * LATERAL[side] > 15.0
        # The malleoli: both beside the talus, the lateral one the lower.
        low = [limb.bone(name).inside_points()[:, 2].min() for name in ("tibia", "fibula")]
        assert low[1] < low[0] < limb.bone("talus").inside_points()[:, 2].max() - 4.0


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("seed", [0, 3])
def test_cartilages_of_the_knee_meet_over_an_area(seed: int, family: Family) -> None:
    """1 to 7 cm2 of the tibia touch in each compartment, and nowhere do cartilages overlap."""
    knee = draw_limb("knee", Side.RIGHT, np.random.default_rng(seed), family)
    tibia = knee.bone("tibia")
    assert tibia.outer is not None
    at = tibia.outer.geometry.to_lps(np.argwhere(np.abs(tibia.outer.data) < STEP_MM / 2))
    gap = distances_at(knee.bone("femur"), at) + distances_at(tibia, at)
    touching = at[gap < 0.8]
    middle = (tibia.inside_points()[:, 0].min() + tibia.inside_points()[:, 0].max()) / 2
    for part in (touching[touching[:, 0] > middle], touching[touching[:, 0] < middle]):
        assert 100.0 < len(part) * STEP_MM**2 < 700.0
    assert gap.min() > -0.6
    bones = distances_at(knee.bone("femur"), tibia.inside_points(), outer=False)
    assert bones.min() > 0.0


def test_far_cartilages_stay_as_they_are() -> None:
    gap = np.array([-1.5, 0.4, 2.2, 5.0], dtype=np.float32)
    assert np.allclose(closing_mm(gap), [0.95, 0.0, 0.0, 0.0], atol=1e-6)
    ankle = drawn("ankle")
    with pytest.raises(ValueError, match="cartilage"):
        adapted(ankle.bone("tibia"), ankle.bone("talus"))


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize(
    ("joint", "bone", "way"),
    [
        ("knee", "femur", 1),
        ("knee", "tibia", -1),
        ("knee", "fibula", -1),
        ("ankle", "tibia", 1),
        ("ankle", "fibula", 1),
        ("hip", "femur", -1),
    ],
)
def test_shafts_leave_every_field_of_view(joint: str, bone: str, way: int, family: Family) -> None:
    limb = drawn(joint, Side.RIGHT, family)
    ends = limb.bone(bone).inside_points()[:, 2] * way
    assert ends.max() > FOV_MM[joint].high / 2 + abs(CENTRE_MM[joint][2]) + 15.0
    # No cap: the last section is as wide as one 20 mm before it.
    last = [(np.abs(ends - ends.max() + off) < 1.0).sum() for off in (3.0, 23.0)]
    assert 0.6 < last[0] / last[1] < 1.2


@pytest.mark.parametrize("family", list(Family))
def test_scars_part_epiphysis_and_shaft(family: Family) -> None:
    """Within the bone, a scar has the joint's end on its negative side; small bones have none."""
    for joint, bone, joint_region, other in (
        ("knee", "femur", "lateral_condyle", "shaft"),
        ("knee", "tibia", "lateral_plateau", "shaft"),
        ("knee", "fibula", "proximal_epiphysis", "shaft"),
        ("ankle", "tibia", "distal_epiphysis", "shaft"),
        ("hip", "femur", "head", "trochanters"),
    ):
        part = drawn(joint, Side.LEFT, family).bone(bone)
        assert part.scar is not None
        inside = part.surface.data < 0
        near, far = (
            part.scar.data[inside & (part.regions.data == part.region_names.index(name) + 1)]
            for name in (joint_region, other)
        )
        assert np.median(near) < -0.5, (joint, bone)
        assert np.median(far) > 2.0, (joint, bone)
    for bone in ("talus", "calcaneus", "navicular"):
        assert drawn("ankle", Side.LEFT, family).bone(bone).scar is None


@pytest.mark.parametrize("joint", JOINTS)
def test_the_families_have_other_bones(joint: str) -> None:
    """Bones of one name share place, not shape: their surfaces lie millimetres apart."""
    building, evaluation = (load_template(joint, family) for family in Family)
    assert {bone.bone for bone in building.bones} == {bone.bone for bone in evaluation.bones}
    for one, other in zip(
        sorted(building.bones, key=lambda b: b.bone),
        sorted(evaluation.bones, key=lambda b: b.bone),
        strict=True,
    ):
        assert one.region_names == other.region_names
        here = other.geometry.to_lps(np.argwhere(np.abs(other.surface_mm) < 1.0))
        ijk = np.moveaxis(one.geometry.to_ijk(here), -1, 0)
        off = np.abs(ndimage.map_coordinates(one.surface_mm, ijk, order=1, mode="nearest"))
        assert np.mean(off) > 0.6, one.bone


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("joint", JOINTS)
def test_regions_are_words_of_the_vocabulary_and_cover_the_bone(joint: str, family: Family) -> None:
    for bone in drawn(joint, Side.RIGHT, family).bones:
        known = {region.key for region in vocabulary().bone(bone.bone_id.bone).regions}
        assert set(bone.region_names) <= known
        if bone.region_names:
            inside = bone.regions.data[bone.surface.data < 0]
            assert set(np.unique(inside)) == set(range(1, len(bone.region_names) + 1))


@pytest.mark.parametrize("joint", JOINTS)
def test_the_slices_hold_the_joint_and_soft_tissue_surrounds_it(joint: str) -> None:
    limb = drawn(joint)
    middle = Geometry((3, 3, 3), np.diag([1.0, 1.0, 1.0, 1.0]))
    shifted = middle.affine.copy()
    shifted[:3, 3] = np.asarray(CENTRE_MM[joint])
    tissue = build_soft_tissue(limb)
    assert resample(tissue.skin, Geometry(middle.shape, shifted), fill=50.0).data.max() < 0.0
    assert (tissue.muscle.data < 0).sum() * tissue.muscle.geometry.voxel_mm3 > 4e4
    assert all(depth > 60.0 for depth in DEPTH_MM[joint].values())


def test_the_hip_bends_about_the_head_and_nowhere_else() -> None:
    limb = drawn("hip")
    still = ImagingPlan(
        flexion_deg=Range(low=0, high=0),
        turn_deg=Range(low=0, high=0),
        shift_mm=Range(low=0, high=0),
    )
    bent = still.model_copy(update={"flexion_deg": Range(low=12, high=12)})
    poses = [draw_pose(limb, plan, np.random.default_rng(1)) for plan in (still, bent)]
    moved = poses[0].bones["femur"].inverse() @ poses[1].bones["femur"]
    assert moved.angle_deg == pytest.approx(6.0, abs=0.1)
    assert np.linalg.norm(moved.apply(np.zeros(3))) < 1.0
    assert moved.apply(np.array([0.0, 0.0, -100.0]))[1] < -8.0
    hip = poses[0].bones["hip_bone"].inverse() @ poses[1].bones["hip_bone"]
    assert hip.angle_deg == pytest.approx(0.0, abs=1e-6)


def test_modes_move_what_they_say_and_fade_with_distance() -> None:
    points = np.array([[0.0, 10.0, 0.0], [0.0, 0.0, 50.0], [0.0, 0.0, 100.0]]).T
    stretch = displacement_of(Mode(kind=ModeKind.STRETCH, axis="z", sd=0.1), points)
    assert np.allclose(stretch[2], [0.0, 5.0, 10.0])
    assert not stretch[:2].any()
    bend = displacement_of(Mode(kind=ModeKind.BEND, axis="y", along="z", sd=4.0), points)
    assert np.allclose(bend[1], [0.0, 1.0, 4.0])
    twist = displacement_of(
        Mode(kind=ModeKind.TWIST, axis="z", sd=0.1), np.array([[10.0], [0.0], [100.0]])
    )
    assert np.allclose(twist.ravel(), [0.0, 1.0, 0.0])
    swell = Mode(kind=ModeKind.SWELL, sd=2.0, radius_mm=10.0)
    outwards = displacement_of(swell, np.array([[10.0, 60.0], [0.0, 0.0], [0.0, 0.0]]))
    assert outwards[0, 0] == pytest.approx(2.0 * np.exp(-0.5))
    assert abs(outwards[0, 1]) < 1e-6


def test_families_share_no_mode_and_no_noise_means_no_deformation() -> None:
    for joint in JOINTS:
        building, evaluation = (variation_of(joint, family) for family in Family)
        assert not set(building.modes) & set(evaluation.modes)
    still = Deformation.draw(Variation(knot_mm=30.0, warp_mm=0.0), np.random.default_rng(0))
    assert not still.field.any()
