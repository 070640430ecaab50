"""Lesions drawn in bone: place, size, edges; the demarcation band."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.phantom.body.bones import draw_limb
from marrowtrail.phantom.body.limb import STEP_MM, Limb
from marrowtrail.phantom.disease.demarcation import draw_demarcation
from marrowtrail.phantom.disease.lesion_shape import (
    SUBCHONDRAL_MM,
    LesionShape,
    cut_box,
    cut_piece,
    draw_lesion,
    offset_from,
    region_shares,
    volume_of,
)
from marrowtrail.phantom.disease.of_joint import Disease
from marrowtrail.phantom.disease.plan import DemarcationPlan, Form, LesionPlan
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.scenario import load_scenario
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


def test_what_is_cut_away_does_not_show(lesion: LesionShape) -> None:
    whole = lesion.spread_level(1.0)
    start, stop = cut_box(whole)
    kept = np.zeros(whole.shape, dtype=bool)
    kept[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = True
    assert lesion.edge.share(whole[~kept]).max() < 0.01
    assert not (lesion.level(1.0)[~kept] > 0).any()
    assert kept.sum() < kept.size


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
    disease = Disease({"x": lesion}, (band,))
    before, after = disease.level(1, "x", 1.0), disease.level(2, "x", 1.0)
    segment = band.level.data < -1.5
    assert (before[segment] > 0).any()
    assert not (after[segment] > 0).any()
    assert volume_of(after) < volume_of(before)
    far = band.level.data > 12.0
    assert np.array_equal(before[far], after[far])


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("form", ["blob", "cap", "band", "diffuse", "geographic", "multifocal"])
def test_every_form_lies_mostly_in_its_region(knee: Limb, form: Form, family: Family) -> None:
    plan = _plan(form=form, place="core" if form == "band" else "joint")
    for seed in range(4):
        shape = draw_lesion(plan, knee.bone("femur"), np.random.default_rng(seed), family)
        level = shape.level(1.0)
        assert volume_of(level) > 500.0
        region, share = region_shares(level, shape.bone)[0]
        assert region == plan.region
        assert share > 0.6


def test_a_cap_is_flat_and_lies_under_the_joint_surface(knee: Limb) -> None:
    cap, blob = (
        draw_lesion(_plan(form=form), knee.bone("femur"), np.random.default_rng(3))
        for form in ("cap", "blob")
    )
    depths = [
        np.percentile(-shape.bone.surface.data[shape.level(1.0) > 0], 95) for shape in (cap, blob)
    ]
    assert depths[0] < depths[1]


def test_strength_varies_about_one_within_its_limits(lesion: LesionShape) -> None:
    inside = lesion.level(1.0) > 0
    assert 0.7 < lesion.strength[inside].mean() < 1.3
    assert lesion.strength[inside].std() > 0.01
    assert lesion.strength.min() >= 0.45
    assert lesion.strength.max() <= 1.4


def test_the_families_differ_in_edge_and_texture(knee: Limb) -> None:
    drawn = {
        family: [
            draw_lesion(_plan(), knee.bone("femur"), np.random.default_rng(seed), family)
            for seed in range(8)
        ]
        for family in Family
    }
    edges = {family: {one.edge.profile for one in shapes} for family, shapes in drawn.items()}
    assert not edges[Family.BUILDING] & edges[Family.EVALUATION]
    first, second = (drawn[family][0] for family in Family)
    assert np.array_equal(first.centre, second.centre)
    assert not np.array_equal(first.strength, second.strength)


def test_a_lesion_is_the_same_from_the_same_seed_and_no_other(knee: Limb) -> None:
    one, two, other = (
        draw_lesion(_plan(), knee.bone("femur"), np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    assert np.array_equal(one.level(1.0), two.level(1.0))
    assert np.array_equal(one.strength, two.strength)
    assert not np.array_equal(one.level(1.0), other.level(1.0))


def test_the_halves_of_a_cut_lesion_lie_apart_within_it(lesion: LesionShape) -> None:
    halves = [
        cut_piece(_plan(part_of="x", half=half, gap_mm=8.0), lesion, np.random.default_rng(4))
        for half in (1, 2)
    ]
    whole = lesion.level(1.0)
    first, second = (half.level(1.0) > 0 for half in halves)
    assert first.any()
    assert second.any()
    assert not (first & second).any()
    assert not ((first | second) & (whole <= 0)).any()
    points = [lesion.bone.surface.geometry.to_lps(np.argwhere(one)) for one in (first, second)]
    nearest = min(np.linalg.norm(points[1] - point, axis=1).min() for point in points[0])
    assert nearest > 0.6 * 8.0


def _plan(**more: object) -> LesionPlan:
    asked = {
        "key": "x",
        "joint": "knee",
        "bone": "femur",
        "region": "medial_condyle",
        "towards": "inferior",
        "radius_mm": [11, 13],
        "course": [1.0],
    }
    return LesionPlan.model_validate(asked | more)
