"""Poses of a limb, and the signal of its tissues."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.imaging.series import Weighting
from marrowtrail.phantom.body.bones import draw_limb
from marrowtrail.phantom.body.limb import Limb
from marrowtrail.phantom.body.pose import draw_pose
from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scanner.plan import ImagingPlan, Kind
from marrowtrail.phantom.scanner.sequences import timing_of
from marrowtrail.phantom.scanner.tissue import Timing, Tissue, signal
from marrowtrail.record.sites import Side

STRAIGHT = ImagingPlan(
    flexion_deg=Range(low=0, high=0),
    turn_deg=Range(low=0, high=0),
    shift_mm=Range(low=0, high=0),
)
BENT = STRAIGHT.model_copy(update={"flexion_deg": Range(low=12, high=12)})


@pytest.fixture(scope="module")
def knee() -> Limb:
    return draw_limb("knee", Side.RIGHT, np.random.default_rng(1))


@pytest.mark.parametrize(("side", "sign"), [(Side.RIGHT, -1.0), (Side.LEFT, 1.0)])
def test_a_limb_lies_on_its_side_of_the_table(side: Side, sign: float) -> None:
    limb = draw_limb("ankle", side, np.random.default_rng(1))
    pose = draw_pose(limb, ImagingPlan(), np.random.default_rng(2))
    for bone in limb.bones:
        centre = pose.bones[bone.bone_id.bone].apply(bone.inside_points().mean(axis=0))
        assert centre[0] * sign > 0


def test_flexion_turns_the_shin_backwards_and_nothing_else_far(knee: Limb) -> None:
    straight, bent = (draw_pose(knee, plan, np.random.default_rng(3)) for plan in (STRAIGHT, BENT))
    relative = {
        key: straight.bones["femur"].inverse() @ straight.bones[key]
        for key in ("tibia", "patella", "fibula")
    }
    flexed = {key: bent.bones["femur"].inverse() @ bent.bones[key] for key in relative}
    turns = {key: (flexed[key] @ relative[key].inverse()).angle_deg for key in relative}
    assert turns["tibia"] == pytest.approx(12.0, abs=0.5)
    assert turns["fibula"] == pytest.approx(12.0, abs=0.5)
    assert 3.0 < turns["patella"] < 9.0
    shin = knee.bone("tibia").inside_points()
    foot_end = shin[shin[:, 2] < shin[:, 2].min() + 10].mean(axis=0)
    assert flexed["tibia"].apply(foot_end)[1] > relative["tibia"].apply(foot_end)[1] + 10.0


def test_the_joint_stays_closed_under_flexion(knee: Limb) -> None:
    """The plateau slides round the condyles and neither leaves nor enters them far."""
    straight, bent = (draw_pose(knee, plan, np.random.default_rng(3)) for plan in (STRAIGHT, BENT))
    top = knee.bone("tibia").inside_points()
    top = top[top[:, 2] > top[:, 2].max() - 12.0]
    gaps = []
    for pose in (straight, bent):
        there = (pose.bones["femur"].inverse() @ pose.bones["tibia"]).apply(top)
        grid = knee.bone("femur").surface.geometry
        ijk = np.round(grid.to_ijk(there)).astype(int)
        held = np.all((ijk >= 0) & (ijk < grid.shape), axis=1)
        gaps.append(knee.bone("femur").surface.data[tuple(ijk[held].T)].min())
    assert abs(gaps[1] - gaps[0]) < 2.0
    assert gaps[1] > 0.5


@pytest.mark.parametrize("field_t", [1.5, 3.0])
@pytest.mark.parametrize("seed", range(6))
def test_oedema_is_bright_with_fat_suppression_and_dark_on_t1(field_t: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    fluid, t1 = (timing_of(kind, ImagingPlan(), field_t, rng) for kind in (Kind.FLUID, Kind.T1))
    assert signal(Tissue.OEDEMA, fluid) > 3.0 * signal(Tissue.YELLOW_MARROW, fluid)
    assert signal(Tissue.OEDEMA, t1) < 0.7 * signal(Tissue.YELLOW_MARROW, t1)
    assert signal(Tissue.FLUID, fluid) > signal(Tissue.MUSCLE, fluid)
    assert signal(Tissue.CORTEX, t1) < 0.15 * signal(Tissue.FAT, t1)
    assert fluid.is_fat_suppressed
    assert not t1.is_fat_suppressed


def test_inversion_nulls_fat_at_its_time_and_not_at_another() -> None:
    def fat(inversion_ms: float) -> float:
        return signal(Tissue.FAT, Timing(Weighting.STIR, 5000.0, 40.0, inversion_ms, 1.0, 3.0))

    assert fat(320.0 * np.log(2.0)) < 0.02
    assert fat(90.0) > 0.15


def test_saturation_leaves_its_share_of_fat_and_all_water() -> None:
    plain = Timing(Weighting.PD, 3000.0, 30.0, None, 1.0, 3.0)
    saturated = Timing(Weighting.PD, 3000.0, 30.0, None, 0.1, 3.0)
    assert signal(Tissue.FAT, saturated) == pytest.approx(0.1 * signal(Tissue.FAT, plain))
    assert signal(Tissue.MUSCLE, saturated) == signal(Tissue.MUSCLE, plain)
