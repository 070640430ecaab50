"""Stories that only try follow-up: what is true of them, and how they are imaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.phantom.body.pose import Pose, draw_restlessness
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.patient import write_patient
from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scanner.plan import ImagingPlan
from marrowtrail.phantom.scanner.protocol import Conditions, plan_exam
from marrowtrail.phantom.scenario import Scenario, load_scenario
from marrowtrail.phantom.truth import PatientTruth
from marrowtrail.record.sites import Side
from tests.phantom.test_disease import patient_of, truth

STILL = Pose(RigidTransform.identity(), {"femur": RigidTransform.identity()})
RESTLESS = ImagingPlan(moved_mm=Range(low=3, high=9), moved_deg=Range(low=1, high=4))


def kinds(told: PatientTruth, track: str) -> list[tuple[str, str, str]]:
    return [
        (one.from_visit, one.to_visit, one.kind)
        for one in told.changes
        if any(name.endswith(track) for name in (*one.earlier, *one.later))
    ]


def test_a_lesion_that_comes_back_has_recurred_and_one_beside_it_stays() -> None:
    told = truth("recurs")
    assert [kind for *_, kind in kinds(told, "medial-plateau")][:2] == ["resolved", "recurred"]
    assert [kind for *_, kind in kinds(told, "lateral-condyle")] == ["stable"] * 3
    edges = {(one.earlier, one.later) for one in told.edges}
    assert ("v1-medial-plateau", "v3-medial-plateau") in edges


def test_a_visit_that_does_not_show_the_joint_parts_nothing() -> None:
    told = truth("missed-visit")
    assert kinds(told, "lateral-condyle") == [("v1", "v3", "stable")]
    assert kinds(told, "lateral-plateau") == [("v1", "v3", "new")]
    edges = {(one.earlier, one.later) for one in told.edges}
    assert ("v1-lateral-condyle", "v3-lateral-condyle") in edges
    assert [(one.from_lesion, one.to_lesion) for one in told.shifts] == [
        ("v1-medial-condyle", "v3-lateral-plateau")
    ]


def test_twins_are_alike_and_lie_apart() -> None:
    disease = patient_of("twins").joints["knee"].disease
    front, back = (disease.lesions[key].level(1.0) > 0 for key in ("front", "back"))
    assert not (front & back).any()
    volumes = {one.id: one.volume_mm3 for one in truth("twins").lesions}
    assert 0.4 < volumes["v1-front"] / volumes["v1-back"] < 2.5
    assert [kind for *_, kind in kinds(truth("twins"), "front")] == ["stable", "resolved"]


@pytest.mark.parametrize("side", [Side.RIGHT, Side.LEFT])
def test_planes_are_centred_aside_towards_the_same_side_of_either_limb(side: Side) -> None:
    aside = (-24.0, 3.0, 0.0)
    still, moved = (
        plan_exam(
            STILL,
            ImagingPlan(),
            Conditions("knee", side, 3.0, 0.3, Family.BUILDING, off_centre_mm=one),
            np.random.default_rng(1),
        )
        for one in ((0.0, 0.0, 0.0), aside)
    )
    lateral = -24.0 if side is Side.RIGHT else 24.0
    for one, other in zip(still, moved, strict=True):
        gap = other.geometry.affine[:3, 3] - one.geometry.affine[:3, 3]
        assert np.allclose(gap, [lateral, 3.0, 0.0])


def test_only_a_restless_patient_moves() -> None:
    assert draw_restlessness(STILL, ImagingPlan(), np.random.default_rng(0)) is None
    motions = [draw_restlessness(STILL, RESTLESS, np.random.default_rng(n)) for n in range(50)]
    shifts = [abs(one.matrix[:3, 3]) for one in motions if one is not None]
    assert len(shifts) == 50
    assert min(each.min() for each in shifts) >= 3.0
    assert max(each.max() for each in shifts) <= 9.0
    moved = STILL.moved(motions[0] or RigidTransform.identity())
    assert np.allclose(moved.limb.matrix, moved.bones["femur"].matrix)


def one_visit(imaging: ImagingPlan) -> Scenario:
    story = load_scenario("stable")
    first = story.lesions[0].model_copy(update={"course": story.lesions[0].course[:1]})
    return story.model_copy(
        update={
            "visits": story.visits[:1],
            "lesions": (first,),
            "imaging": imaging,
            "sides": (Side.LEFT,),
        }
    )


def test_the_truth_says_how_the_patient_moved_and_the_bones_are_there(tmp_path: Path) -> None:
    imaging = RESTLESS.model_copy(
        update={
            "series": ("pd_fs_sagittal", "t1_sagittal"),
            "matrix": (64,),
            "thickness_mm": Range(low=5, high=5),
            "tilt_deg": (0.0, 0.0),
        }
    )
    told = write_patient(one_visit(imaging), tmp_path, seed=2)
    first, second = told.series
    assert first.moved_lps is None
    assert second.moved_lps is not None
    centres = {}
    for path in (tmp_path / "dicom").rglob("*.dcm"):
        data = pydicom.dcmread(path)
        if data.Modality == "SEG":
            uid = data.ReferencedSeriesSequence[0].SeriesInstanceUID
            centres[uid] = centre_of(data, "patella")
    expected = RigidTransform(second.moved_matrix).apply(centres[first.series_uid])
    assert np.linalg.norm(expected - centres[first.series_uid]) > 3.0
    assert np.linalg.norm(centres[second.series_uid] - expected) < 1.5


def centre_of(seg: pydicom.Dataset, label: str) -> np.ndarray:
    """Middle of a whole bone in LPS, from the positions that the masks' frames state."""
    (number,) = (one.SegmentNumber for one in seg.SegmentSequence if label in one.SegmentLabel)
    shared = seg.SharedFunctionalGroupsSequence[0]
    turn = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float)
    step = np.array(shared.PixelMeasuresSequence[0].PixelSpacing, dtype=float)
    points = []
    for frame, own in zip(
        np.atleast_3d(seg.pixel_array), seg.PerFrameFunctionalGroupsSequence, strict=True
    ):
        if own.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number:
            corner = np.array(own.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
            rows, columns = np.nonzero(frame)
            points.append(
                corner + np.outer(columns * step[1], turn[:3]) + np.outer(rows * step[0], turn[3:])
            )
    return np.asarray(np.concatenate(points).mean(axis=0))
