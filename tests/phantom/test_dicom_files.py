"""What is written is DICOM that others can read, with the headers of its maker."""

from __future__ import annotations

import hashlib
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.uid import UID, MRImageStorage

from marrowtrail.imaging.nifti import read_volume
from marrowtrail.imaging.series import Plane, Weighting
from marrowtrail.imaging.study import read_study
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.phantom import write_patient
from marrowtrail.phantom.body.pose import Pose
from marrowtrail.phantom.dicom.style import header_style, is_fluid_sensitive
from marrowtrail.phantom.dicom.writer import synthetic_uid
from marrowtrail.phantom.drawn_patient import draw_course
from marrowtrail.phantom.scanner.acquisition import Acquisition
from marrowtrail.phantom.scanner.field_of_view import grid
from marrowtrail.phantom.scanner.protocol import Conditions, plan_exam
from marrowtrail.phantom.scanner.tissue import Timing
from marrowtrail.phantom.scenario import Scenario
from marrowtrail.record.sites import Side
from tests.phantom.conftest import SEED, Written

STILL = Pose(RigidTransform.identity(), {})
HERE = Conditions("knee", Side.LEFT, 3.0)


def affine_of(slices: list[Dataset]) -> NDArray[np.float64]:
    """Index (column, row, slice) to LPS, from the attributes of the Image Plane module alone."""
    first, last = slices[0], slices[-1]
    row = np.array(first.ImageOrientationPatient[:3], dtype=float)
    column = np.array(first.ImageOrientationPatient[3:], dtype=float)
    affine = np.eye(4)
    affine[:3, 0] = row * float(first.PixelSpacing[1])
    affine[:3, 1] = column * float(first.PixelSpacing[0])
    start, end = (np.array(s.ImagePositionPatient, dtype=float) for s in (first, last))
    affine[:3, 2] = (end - start) / (len(slices) - 1)
    affine[:3, 3] = start
    return affine


def bone_points(small: Written, uid: str, bone: str) -> NDArray[np.float64]:
    """LPS centres of the voxels of a bone, from the SEG of a series."""
    masks, slices = small.masks[uid], small.images[uid]
    number = next(
        int(s.SegmentNumber) for s in masks.SegmentSequence if s.SegmentLabel == f"left {bone}"
    )
    seg = hd.seg.Segmentation.from_dataset(masks)
    stack = seg.get_pixels_by_source_instance(
        [s.SOPInstanceUID for s in slices],
        segment_numbers=[number],
        assert_missing_frames_are_empty=True,
    )[..., 0]
    affine = affine_of(slices)
    return np.argwhere(stack.transpose(2, 1, 0)) @ affine[:3, :3].T + affine[:3, 3]


def imaged(small: Written) -> dict[str, list[Dataset]]:
    """Series by UID, localisers left out."""
    return {uid: small.images[uid] for uid in small.masks}


def test_every_file_says_that_it_is_synthetic(small: Written) -> None:
    everything = [d for slices in small.images.values() for d in slices] + [*small.masks.values()]
    assert {d.SyntheticData for d in everything} == {"YES"}
    (name,) = {str(d.PatientName) for d in everything}
    assert name.startswith("Synthetic^")
    assert "small" not in name.lower()
    uids = [d.SOPInstanceUID for d in everything]
    assert len(set(uids)) == len(uids)
    assert all(UID(uid).is_valid and uid.startswith("2.25.") for uid in uids)


def test_an_exam_has_three_scouts_and_two_series_with_masks(small: Written) -> None:
    studies = {s[0].StudyInstanceUID for s in small.images.values()}
    assert len(studies) == 2
    for study in studies:
        series = [s for s in small.images.values() if s[0].StudyInstanceUID == study]
        assert sorted(len(s) for s in series)[:3] == [3, 3, 3]
        assert len(series) == 5
        assert len({s[0].FrameOfReferenceUID for s in series}) == 1
    assert len(small.masks) == 4


def test_physics_and_place_are_in_the_headers(small: Written) -> None:
    for slices in imaged(small).values():
        first = slices[0]
        assert first.SOPClassUID == MRImageStorage
        assert (first.Modality, first.BodyPartExamined, first.PatientPosition) == (
            "MR",
            "KNEE",
            "FFS",
        )
        assert first.Laterality == "L"
        assert float(first.RepetitionTime) > float(first.EchoTime) > 5
        assert float(first.MagneticFieldStrength) in (1.5, 3.0)
        assert float(first.SpacingBetweenSlices) > float(first.SliceThickness) >= 3.0
        step = np.linalg.norm(affine_of(slices)[:3, 2])
        assert step == pytest.approx(float(first.SpacingBetweenSlices), abs=1e-3)
        normal = np.cross(affine_of(slices)[:3, 0], affine_of(slices)[:3, 1])
        assert normal @ affine_of(slices)[:3, 2] > 0


def test_the_left_knee_lies_on_the_patients_left(small: Written) -> None:
    for slices in imaged(small).values():
        middle = affine_of(slices) @ [
            first_half(slices[0].Columns),
            first_half(slices[0].Rows),
            0,
            1,
        ]
        assert middle[0] > 20


def first_half(count: int) -> float:
    return (count - 1) / 2


def test_masks_tell_bone_and_side_in_codes(small: Written) -> None:
    for masks in small.masks.values():
        for segment in masks.SegmentSequence:
            kind = segment.SegmentedPropertyTypeCodeSequence[0]
            side = kind.SegmentedPropertyTypeModifierCodeSequence[0]
            assert (side.CodeValue, side.CodingSchemeDesignator) == ("7771000", "SCT")
            assert segment.SegmentLabel == f"left {kind.CodeMeaning.lower()}"
        labels = {s.SegmentLabel for s in masks.SegmentSequence}
        assert labels == {f"left {b}" for b in ("femur", "tibia", "patella", "fibula")}


def test_the_fibula_is_lateral_in_the_masks(small: Written) -> None:
    for uid in small.masks:
        fibula, tibia = (bone_points(small, uid, bone) for bone in ("fibula", "tibia"))
        assert fibula[:, 0].mean() > tibia[:, 0].mean() + 15


def test_masks_lie_on_the_dark_rim_of_the_bone(small: Written) -> None:
    """Just inside the mask's border is cortex: darker than the marrow further in, on T1."""
    uid = next(s.series_uid for s in small.truth.series if not s.fat_suppressed)
    slices = small.images[uid]
    image = np.stack([s.pixel_array.T for s in slices], axis=-1)
    affine = np.linalg.inv(affine_of(slices))
    ijk = np.round(bone_points(small, uid, "femur") @ affine[:3, :3].T + affine[:3, 3]).astype(int)
    mask = np.zeros(image.shape, dtype=bool)
    mask[tuple(ijk.T)] = True
    shifted = [np.roll(mask, step, axis) for axis in (0, 1) for step in (1, -1)]
    core = np.logical_and.reduce(shifted) & mask
    rim = mask & ~core
    assert np.median(image[rim]) < 0.75 * np.median(image[core])


def test_motions_in_truth_carry_masks_of_one_visit_onto_the_other(small: Written) -> None:
    first, second = (
        next(s.series_uid for s in small.truth.series if s.visit == visit and s.fat_suppressed)
        for visit in ("v1", "v2")
    )
    for motion in small.truth.motions:
        matrix = RigidTransform(np.array(motion.matrix_lps))
        before, after = (bone_points(small, uid, motion.bone) for uid in (first, second))
        carried = share_inside(matrix.apply(before), after, small.images[second])
        assert carried > 0.86, motion.bone
        assert carried > share_inside(before, after, small.images[second]) + 0.02, motion.bone


def share_inside(
    points: NDArray[np.float64], bone: NDArray[np.float64], slices: list[Dataset]
) -> float:
    """Share of points, of those in the field of view, that fall into voxels of a bone."""
    inverse = np.linalg.inv(affine_of(slices))
    mask = np.zeros((slices[0].Columns, slices[0].Rows, len(slices)), dtype=bool)
    for where, value in ((bone, True), (points, None)):
        ijk = np.round(where @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
        ijk = ijk[np.all((ijk >= 0) & (ijk < mask.shape), axis=1)]
        if value:
            mask[tuple(ijk.T)] = True
    return float(mask[tuple(ijk.T)].mean())


def test_the_same_seed_writes_the_same_bytes(small_scenario: Scenario, tmp_path: Path) -> None:
    visits = {"visits": small_scenario.visits[:1], "lesions": ()}
    short = small_scenario.model_copy(update=visits)

    def digest(name: str, *, masks: bool = True) -> dict[str, str]:
        folder = tmp_path / name
        write_patient(short, folder, seed=SEED, masks=masks)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    first, bare = digest("first"), digest("bare", masks=False)
    assert first == digest("second")
    assert bare.items() < first.items()
    left_out = first.keys() - bare
    assert {dcmread(tmp_path / "first" / name).Modality for name in left_out} == {"SEG"}


def test_every_fluid_sensitive_series_has_label_maps_of_its_own(
    small_scenario: Scenario, tmp_path: Path
) -> None:
    series = ("pd_fs_sagittal", "t1_sagittal", "stir_coronal")
    imaging = small_scenario.imaging.model_copy(update={"series": series})
    short = small_scenario.model_copy(
        update={"visits": small_scenario.visits[:1], "imaging": imaging}
    )
    truth = write_patient(short, tmp_path, seed=SEED)
    first, plain, second = truth.series
    assert plain.lesion_labels is None
    assert first.lesion_labels != second.lesion_labels
    assert first.region_labels != second.region_labels
    (visit,) = read_study(tmp_path / "dicom").visits
    grids = [one.volume.geometry for one in visit.series if one.contrast.fat_suppressed]
    grids_of_both = []
    for one in (first, second):
        for labels in (one.lesion_labels, one.region_labels):
            assert labels is not None
            drawn = read_volume(tmp_path / labels).geometry
            assert sum(drawn.same_grid(each) for each in grids) == 1
            grids_of_both.append(drawn)
    assert not grids_of_both[0].same_grid(grids_of_both[2])


def test_another_seed_images_otherwise(small: Written, small_scenario: Scenario) -> None:
    patient = draw_course(small_scenario, SEED + 1)
    assert patient.dates[0] != small.truth.visits[0].date
    poses = [
        plan_exam(STILL, small_scenario.imaging, HERE, np.random.default_rng(seed))
        for seed in (SEED, SEED + 1)
    ]
    assert poses[0][3].seed != poses[1][3].seed
    assert not np.allclose(poses[0][3].geometry.affine, poses[1][3].geometry.affine)


def acquisition(weighting: Weighting, *, suppressed: bool) -> Acquisition:
    inversion = 200.0 if weighting is Weighting.STIR else None
    left = 0.1 if suppressed and inversion is None else 1.0
    timing = Timing(weighting, 3000.0, 30.0, inversion, left, 3.0)
    geometry = grid(Plane.SAGITTAL, np.zeros(3), np.eye(3), (8, 8, 2), (1, 1, 4))
    return Acquisition(timing, Plane.SAGITTAL, geometry, 3.5, 20, 0.1, 8, 1)


@pytest.mark.parametrize("vendor", ["siemens", "ge", "philips"])
def test_fat_saturation_stands_in_the_scan_options(vendor: str) -> None:
    fat_saturated = header_style(vendor, acquisition(Weighting.PD, suppressed=True))
    plain = header_style(vendor, acquisition(Weighting.PD, suppressed=False))
    assert "FS" in fat_saturated.scan_options
    assert "FS" not in plain.scan_options
    inversion = header_style(vendor, acquisition(Weighting.STIR, suppressed=True))
    assert "IR" in inversion.scanning_sequence
    assert "IR" not in fat_saturated.scanning_sequence


def test_only_fat_suppressed_fluid_is_fluid_sensitive() -> None:
    assert is_fluid_sensitive(acquisition(Weighting.T2, suppressed=True))
    assert is_fluid_sensitive(acquisition(Weighting.STIR, suppressed=True))
    assert not is_fluid_sensitive(acquisition(Weighting.PD, suppressed=False))
    assert not is_fluid_sensitive(acquisition(Weighting.T1, suppressed=True))


def test_a_uid_is_that_of_a_uuid_and_depends_on_all_its_parts() -> None:
    one, other = synthetic_uid("a", 1), synthetic_uid("a", 2)
    assert one != other
    assert one == synthetic_uid("a", 1)
    value = int(one.removeprefix("2.25."))
    assert (value >> 76) & 0xF == 8
    assert (value >> 62) & 0x3 == 2
    assert len(one) <= 64
