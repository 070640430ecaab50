"""Errors and verdicts of registrations, starts, and pairs whose motion nobody knows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage
from typer.testing import CliRunner

from marrowtrail.cli.app import app
from marrowtrail.errors import InputError
from marrowtrail.evaluation.follow_up_registration import (
    RegistrationCase,
    judge,
    sum_registrations,
    true_motions,
)
from marrowtrail.evaluation.registration_pairs import half_of, score_pair, score_pairs
from marrowtrail.evaluation.registration_starts import (
    SHIFT_MM,
    TURN_DEG,
    draw_start,
    moved_by,
)
from marrowtrail.follow_up.gauss_newton import Samples
from marrowtrail.follow_up.track import Verification
from marrowtrail.imaging.geometry import LPS_FROM_RAS, Geometry
from marrowtrail.imaging.series import Contrast, Plane, Series, Weighting
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom import PatientTruth
from marrowtrail.phantom.truth import BoneMotion, SeriesTruth, VisitTruth, rows_of
from marrowtrail.record.sites import Side
from tests.follow_up.made_visits import FEMUR, GRID, bone_map, dates, registration

THIN = Geometry((40, 40, 40), np.diag([0.7, 0.7, 0.7, 1.0]))
AWAY = RigidTransform.about(np.zeros(3), np.array([0.0, 0.0, 0.2]), np.array([3.0, 0.0, 0.0]))


def shifted(x_mm: float) -> RigidTransform:
    return RigidTransform.about(np.zeros(3), np.zeros(3), np.array([x_mm, 0.0, 0.0]))


@pytest.mark.parametrize(("off_mm", "is_wrong"), [(0.0, False), (1.4, False), (1.6, True)])
def test_the_error_is_how_far_the_bone_is_put_from_where_it_is(
    off_mm: float, is_wrong: bool
) -> None:
    bone = bone_map("v1", FEMUR).bones[0]
    found = registration("v1", "v2", FEMUR, transform=shifted(off_mm) @ AWAY)
    case = judge(found, bone, AWAY, (GRID, GRID))
    assert case.error_mm == pytest.approx(off_mm, abs=1e-3)
    assert case.is_wrong is is_wrong


@pytest.mark.parametrize(
    ("grids", "is_3d"), [((GRID, GRID), False), ((THIN, GRID), False), ((THIN, THIN), True)]
)
def test_a_pair_is_3d_only_if_both_images_are(
    grids: tuple[Geometry, Geometry], is_3d: bool
) -> None:
    bone = bone_map("v1", FEMUR).bones[0]
    assert judge(registration("v1", "v2", FEMUR), bone, AWAY, grids).is_3d is is_3d


def case(error_mm: float, verification: Verification, is_3d: bool = False) -> RegistrationCase:
    return RegistrationCase(
        bone="femur",
        from_visit="v1",
        to_visit="v2",
        error_mm=error_mm,
        verification=verification,
        is_3d=is_3d,
    )


def test_wrong_and_verified_is_told_apart_from_wrong_and_not() -> None:
    scores = sum_registrations(
        [
            case(0.1, Verification.VERIFIED, is_3d=True),
            case(0.3, Verification.VERIFIED),
            case(5.0, Verification.VERIFIED),
            case(9.0, Verification.UNVERIFIED),
            case(9.0, Verification.IMPOSSIBLE),
        ]
    )
    assert (scores.pairs, scores.pairs_3d, scores.verified_wrong, scores.impossible) == (5, 1, 1, 1)
    assert scores.verified_right == pytest.approx(2 / 5)
    assert (scores.median_error_3d_mm, scores.worst_error_mm) == (0.1, 9.0)
    assert scores.wrong_verified is not None
    assert (scores.wrong_verified.right, scores.wrong_verified.n) == (1, 3)


def test_of_no_registration_nothing_is_said() -> None:
    scores = sum_registrations([])
    assert (scores.pairs, scores.verified_wrong) == (0, 0)
    assert scores.median_error_mm is scores.verified_right is scores.wrong_verified is None


def series_truth(uid: str, visit: str, moved: RigidTransform | None = None) -> SeriesTruth:
    return SeriesTruth(
        series_uid=uid,
        visit=visit,
        joint="knee",
        side=Side.RIGHT,
        weighting="t1",
        fat_suppressed=False,
        moved_lps=None if moved is None else rows_of(moved.matrix),
    )


def test_a_patient_who_moved_between_series_has_another_motion_for_each() -> None:
    motion = BoneMotion(
        joint="knee",
        bone="femur",
        side=Side.RIGHT,
        from_visit="v1",
        to_visit="v2",
        matrix_lps=rows_of(AWAY.matrix),
    )
    restless = (shifted(2.0), shifted(5.0))
    truth = PatientTruth.model_construct(
        visits=tuple(
            VisitTruth(id=visit, date=day, joints=("knee",))
            for visit, day in dates("v1", "v2").items()
        ),
        motions=(motion,),
        series=(
            series_truth("a", "v1"),
            series_truth("b", "v1", restless[0]),
            series_truth("c", "v2"),
            series_truth("d", "v2", restless[1]),
        ),
    )
    motions = true_motions(truth)
    assert set(motions) == {("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")}
    assert np.allclose(motions["a", "c"]["femur"], AWAY.matrix)
    both = restless[1] @ AWAY @ restless[0].inverse()
    assert np.allclose(motions["b", "d"]["femur"], both.matrix)


def test_starts_reach_as_far_as_they_say_and_no_further() -> None:
    centre = np.array([10.0, -20.0, 30.0])
    starts = [draw_start(centre, np.random.default_rng(n)) for n in range(200)]
    turns = [one.angle_deg for one in starts]
    shifts = [float(np.linalg.norm(one.apply(centre) - centre)) for one in starts]
    assert 0.9 * TURN_DEG < max(turns) <= TURN_DEG
    assert 0.9 * SHIFT_MM < max(shifts) <= SHIFT_MM
    assert min(turns) < 2.0
    again = draw_start(centre, np.random.default_rng(0))
    assert np.array_equal(again.matrix, starts[0].matrix)


def test_a_moved_series_keeps_its_voxels_and_takes_its_bones_along() -> None:
    contrast = Contrast(Weighting.T1, None, "test")
    image = Volume(np.zeros(GRID.shape, dtype=np.float32), GRID)
    series = Series("v1-s1", "v1", "", image, contrast, Plane.CORONAL, "knee", Side.RIGHT)
    bones = bone_map("v1", FEMUR, cut=20)
    there, moved = moved_by(AWAY, series, bones)
    before, after = bones.bones[0], moved.bones[0]
    assert np.allclose(after.centroid_lps, AWAY.apply(before.centroid_lps))
    assert np.array_equal(after.mask.data, before.mask.data)
    for grid in (there.volume.geometry, moved.geometry, after.mask.geometry):
        assert np.allclose(grid.affine, AWAY.matrix @ GRID.affine)
        assert grid.frame_of_reference == GRID.frame_of_reference


SHAPE = (44, 44, 18)
SPACING = (2.0, 2.0, 5.0)


def textured(at: RigidTransform, noise_seed: int) -> Volume:
    """One smooth random pattern, imaged by a grid that stands elsewhere."""
    fine = np.random.default_rng(3).normal(size=(80, 80, 80))
    pattern = ndimage.gaussian_filter(fine, 2.0)
    pattern *= 300.0 / pattern.std()
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = -(np.asarray(SHAPE) - 1) / 2 * SPACING
    grid = Geometry(SHAPE, at.matrix @ affine)
    still = Geometry(SHAPE, affine).to_lps(np.moveaxis(np.indices(SHAPE), 0, -1))
    points = at.apply(still) / 2.0 + 40.0
    values = ndimage.map_coordinates(pattern, np.moveaxis(points, -1, 0), order=1, mode="mirror")
    noise = np.random.default_rng(noise_seed).normal(0.0, 20.0, SHAPE)
    return Volume((1000.0 + values + noise).astype(np.float32), grid)


STILL = textured(RigidTransform.identity(), 1)
TURNED = RigidTransform.about(np.zeros(3), np.array([0.0, 0.05, 0.08]), np.array([6.0, -4.0, 5.0]))


def test_one_body_imaged_twice_agrees_with_itself() -> None:
    """The body lay still and the scanner stood elsewhere: nothing moves in its frame."""
    pair = score_pair("pair", STILL, textured(TURNED, 2))
    assert pair.moved_mm is not None
    assert pair.inverse_mm is not None
    assert pair.halves_mm is not None
    assert pair.moved_mm < 0.5
    assert pair.inverse_mm < 0.5
    assert pair.halves_mm < 0.5


def test_how_far_a_body_moved_is_found() -> None:
    other = textured(RigidTransform.identity(), 2)
    grid = replace(other.geometry, affine=shifted(14.0).matrix @ other.geometry.affine)
    pair = score_pair("pair", STILL, Volume(other.data, grid))
    assert pair.moved_mm == pytest.approx(14.0, abs=0.3)


def test_two_images_that_share_nothing_do_not_agree() -> None:
    noise = np.random.default_rng(9).normal(1000.0, 100.0, SHAPE).astype(np.float32)
    pair = score_pair("pair", STILL, Volume(noise, STILL.geometry))
    assert pair.halves_mm is None or pair.halves_mm > 1.0


def test_halves_are_disjoint_and_are_all() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-60, 60, (500, 3))
    samples = Samples(
        points_lps=points,
        values=np.arange(500.0),
        slopes=rng.normal(size=(500, 3)),
        edges=np.ones(500, dtype=bool),
        knots=np.zeros(3),
        trust=np.ones(500),
        centre_lps=np.zeros(3),
        radius_mm=60.0,
    )
    first, second = (set(half_of(samples, n).values) for n in (0, 1))
    assert not first & second
    assert len(first | second) == 500
    assert 150 < len(first) < 350


def test_the_command_reads_pairs_and_says_where_none_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"before\.nii\.gz"):
        score_pairs(tmp_path)
    folder = tmp_path / "patient-1"
    folder.mkdir()
    for name, volume in (("before", STILL), ("after", textured(RigidTransform.identity(), 2))):
        image = nib.Nifti1Image(volume.data, LPS_FROM_RAS @ volume.geometry.affine)
        image.header.set_xyzt_units("mm")
        nib.save(image, folder / f"{name}.nii.gz")
    result = CliRunner().invoke(app, ["evaluate", "registration", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert told["pairs"][0]["name"] == "patient-1"
    assert told["worst_halves_mm"] == told["pairs"][0]["halves_mm"] < 0.5
