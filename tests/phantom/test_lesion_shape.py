"""Lesions drawn in bone: place, size, edges; the demarcation band."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.phantom.bone_drawing import draw_limb
from marrowtrail.phantom.demarcation import draw_demarcation
from marrowtrail.phantom.drawn_patient import DrawnJoint
from marrowtrail.phantom.lesion_shape import (
    SUBCHONDRAL_MM,
    LesionShape,
    cut_out,
    draw_lesion,
    offset_from,
    region_shares,
    volume_of,
)
from marrowtrail.phantom.limb import STEP_MM, Limb
from marrowtrail.phantom.scenario import DemarcationPlan, load_scenario
from marrowtrail.phantom.soft_tissue import build_soft_tissue
from marrowtrail.record.sites import Side


@pytest.fixture(scope="module")
def knee() -> Limb:
    return draw_limb("knee", Side.LEFT, np.random.default_rng(1))


@pytest.fixture(scope="module", params=["medial-condyle", "lateral-plateau"])
def lesion(knee: Limb, request: pytest.FixtureRequest) -> LesionShape:
    plan = next(one for one in load_scenario("seed").lesions if one.key == request.param)
    return draw_lesion(plan, knee.bone(plan.bone), np.random.default_rng(2))


def test_it_lies_in_marrow_of_its_region(lesion: LesionShape) -> None:
    inside = lesion.level(1.0) > 0
    assert inside.any()
    assert np.all(lesion.bone.surface.data[inside] < -SUBCHONDRAL_MM + 1e-4)
    region, share = region_shares(lesion.level(1.0), lesion.bone)[0]
    assert region == lesion.plan.region
    assert share > 0.8
    assert sum(
        share for _, share in region_shares(lesion.level(1.0), lesion.bone)
    ) == pytest.approx(1.0, abs=0.02)


def test_it_reaches_the_joint_surface(lesion: LesionShape) -> None:
    inside = lesion.level(1.0) > 0
    depth = -lesion.bone.surface.data[inside]
    assert depth.min() < SUBCHONDRAL_MM + 1.0


def test_its_volume_counts_its_voxels(lesion: LesionShape) -> None:
    counted = (lesion.level(1.0) > 0).sum() * STEP_MM**3
    assert volume_of(lesion.level(1.0)) == pytest.approx(counted, rel=0.05)
    assert volume_of(lesion.level(1.0)) > 2000.0


def test_it_grows_with_its_size(lesion: LesionShape) -> None:
    volumes = [volume_of(lesion.level(size)) for size in (0.3, 0.6, 0.9, 1.0)]
    assert np.all(np.diff(volumes) > 0)
    assert np.all(lesion.level(0.6) <= lesion.level(1.0))


def test_the_cut_out_level_keeps_every_voxel_in_place(lesion: LesionShape) -> None:
    whole = lesion.level(1.0)
    cut = cut_out(whole, lesion.bone)
    inside = lesion.bone.surface.geometry.to_lps(np.argwhere(whole > 0))
    again = cut.geometry.to_lps(np.argwhere(cut.data > 0))
    assert np.allclose(inside, again)
    assert cut.data.size < whole.size


def test_the_offset_agrees_with_its_slow_twin(lesion: LesionShape) -> None:
    geometry = lesion.bone.surface.geometry
    fast = offset_from(geometry, lesion.centre, lesion.spread)
    rng = np.random.default_rng(0)
    for ijk in rng.integers(0, geometry.shape, (20, 3)):
        away = geometry.to_lps(ijk) - lesion.centre
        assert fast[tuple(ijk)] == pytest.approx(np.linalg.norm(lesion.spread @ away), rel=1e-4)


def test_the_band_opens_to_the_joint_and_has_its_thickness(lesion: LesionShape) -> None:
    plan = DemarcationPlan(lesion="x", segment=0.6, thickness_mm=3.0, visits=(1,))
    band = draw_demarcation(plan, lesion, np.random.default_rng(3))
    marrow = lesion.bone.surface.data < -SUBCHONDRAL_MM
    ring = (np.abs(band.level.data) < 1.5) & marrow
    segment = (band.level.data < -1.5) & marrow
    assert band.thickness_mm == 3.0
    assert segment.any()
    assert -lesion.bone.surface.data[segment].max() < SUBCHONDRAL_MM + STEP_MM
    points = lesion.bone.surface.geometry.to_lps(np.argwhere(ring))
    assert band.length_mm <= np.linalg.norm(np.ptp(points, axis=0)) + 1e-6
    assert band.length_mm > 0.5 * np.linalg.norm(np.ptp(points, axis=0))


def test_oedema_lies_outside_the_segment_at_the_visits_of_the_band(lesion: LesionShape) -> None:
    plan = DemarcationPlan(lesion="x", segment=0.6, thickness_mm=3.0, visits=(2,))
    band = draw_demarcation(plan, lesion, np.random.default_rng(3))
    limb = Limb("knee", Side.LEFT, (lesion.bone,))
    joint = DrawnJoint(limb, build_soft_tissue(limb), {"x": lesion}, (band,))
    before, after = joint.level(1, "x", 1.0), joint.level(2, "x", 1.0)
    segment = band.level.data < -1.5
    assert (before[segment] > 0).any()
    assert not (after[segment] > 0).any()
    assert volume_of(after) < volume_of(before)
    far = band.level.data > 12.0
    assert np.array_equal(before[far], after[far])
