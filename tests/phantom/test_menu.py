"""Every sequence of the menu, in every maker's headers, is read for what it is."""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime
from itertools import product
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydantic import ValidationError

from marrowtrail.imaging.pixels import read_pixels
from marrowtrail.imaging.plan import PlannedSeries, plan_folder
from marrowtrail.imaging.series import Dixon, Plane, Weighting
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.body.pose import Pose
from marrowtrail.phantom.dicom.habits import WORDS, Habits
from marrowtrail.phantom.dicom.style import shown_contrast
from marrowtrail.phantom.dicom.writer import Exam, WrittenSeries, decimal, write_series
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scanner.acquisition import Acquisition
from marrowtrail.phantom.scanner.field_of_view import artery, grid, in_limb
from marrowtrail.phantom.scanner.plan import ImagingPlan, Kind
from marrowtrail.phantom.scanner.protocol import Conditions, plan_exam
from marrowtrail.phantom.scanner.sequences import timing_of
from marrowtrail.phantom.scanner.strength import evenly_graded, graded, happens, sometimes
from marrowtrail.phantom.scanner.tissue import Timing, Tissue, signal
from marrowtrail.record.sites import Side

MENU = tuple(kind.value for kind in Kind)
STILL = Pose(RigidTransform.identity(), {"tibia": RigidTransform.identity()})
VENDORS = ("siemens", "ge", "philips")

NEWER_ATTRIBUTE = "(0x0008,0x001c)"
"""Synthetic Data came into the standard in 2022; dicom3tools of Debian 12 does not know it."""


def exam(vendor: str, field_t: float, habits: Habits) -> Exam:
    return Exam(
        patient_name="Synthetic^P1",
        patient_id="SYN-1",
        sex="F",
        age=50,
        study_uid="2.25.1",
        study_id="1",
        frame_uid="2.25.2",
        joint="knee",
        side=Side.LEFT,
        vendor=vendor,
        field_t=field_t,
        start=datetime(2020, 1, 6, 9, 5),
        habits=habits,
    )


def acquisitions(
    plan: ImagingPlan,
    field_t: float = 3.0,
    difficulty: float = 0.5,
    seed: int = 0,
    joint: str = "knee",
) -> tuple[Acquisition, ...]:
    conditions = Conditions(joint, Side.LEFT, field_t, difficulty, Family.BUILDING)
    planned = plan_exam(STILL, plan, conditions, np.random.default_rng(seed))
    return tuple(one for one in planned if not one.is_localiser)


def written(
    one: Acquisition, made_by: Exam, number: int, folder: Path, slices: int = 3
) -> tuple[WrittenSeries, ...]:
    """A few small slices of a series, with headers as those of a whole one."""
    small = grid(one.plane, np.zeros(3), np.eye(3), (8, 6, slices), one.geometry.spacing_mm)
    noise = np.random.default_rng(number).uniform(0, 900, small.shape).astype(np.float32)
    images = [Volume(noise, small) for _ in one.images]
    return write_series(images, one, made_by, number, folder)


def by_uid(folder: Path) -> dict[tuple[str, Dixon | None], PlannedSeries]:
    (visit,) = plan_folder(folder).visits
    return {
        (one.stack.first.text("SeriesInstanceUID"), one.contrast.dixon): one for one in visit.series
    }


@pytest.mark.parametrize(
    ("vendor", "language", "field_t", "headers"),
    [
        (vendor, language, field_t, headers)
        for vendor, language in product(VENDORS, WORDS)
        for field_t, headers in ((1.5, "standard"), (3.0, "as_sold"))
    ],
)
def test_every_series_is_read_for_what_it_is(
    vendor: str, language: str, field_t: float, headers: str, tmp_path: Path
) -> None:
    made_by = exam(vendor, field_t, Habits(language=language, headers=headers))
    expected: dict[tuple[str, Dixon | None], tuple[object, ...]] = {}
    plan = ImagingPlan(series=MENU)
    for number, one in enumerate(acquisitions(plan, field_t), start=1):
        for part in written(one, made_by, 10 * number, tmp_path):
            shown = shown_contrast(one, part.image)
            expected[part.series_uid, part.image] = (*shown, one.timing.after_agent)
    read = {
        key: (one.contrast.weighting, one.contrast.fat_suppressed, one.contrast.after_agent)
        for key, one in by_uid(tmp_path).items()
    }
    assert read == expected
    assert len(read) == len(MENU) + 9


def test_only_fluid_with_dark_fat_is_fluid_sensitive(tmp_path: Path) -> None:
    made_by = exam("siemens", 3.0, Habits())
    plan = ImagingPlan(series=("pd_fs", "t2_fs", "stir", "pd_3d", "t1_agent", "pd", "dixon"))
    keys = [
        (part.series_uid, part.image)
        for number, one in enumerate(acquisitions(plan), start=1)
        for part in written(one, made_by, 10 * number, tmp_path)
    ]
    read = by_uid(tmp_path)
    assert [read[key].contrast.is_fluid_sensitive for key in keys] == [
        *(True, True, True, True, False, False),
        *(True, False, False, False),
    ]


@pytest.mark.parametrize("plane", list(Plane))
def test_planes_are_those_of_the_menu(plane: Plane) -> None:
    (one,) = acquisitions(ImagingPlan(series=(f"t2_fs_{plane.value}",)), difficulty=1.0)
    normal = np.abs(one.geometry.directions[:, 2])
    assert one.plane is plane
    assert int(np.argmax(normal)) == list(Plane).index(plane)
    assert np.degrees(np.arccos(normal.max())) < 30.0


def test_an_exam_without_a_menu_is_a_fluid_series_and_a_t1() -> None:
    fluid, t1 = acquisitions(ImagingPlan())
    assert fluid.plane is Plane.SAGITTAL
    assert shown_contrast(fluid, fluid.images[0])[1]
    assert t1.timing.weighting is Weighting.T1


def test_one_exam_has_one_fluid_sequence() -> None:
    plan = ImagingPlan(series=("fluid_sagittal", "fluid_coronal"))
    for seed in range(8):
        first, second = acquisitions(plan, seed=seed)
        assert first.timing.weighting is second.timing.weighting


def test_a_3d_series_has_cubic_voxels() -> None:
    (one,) = acquisitions(ImagingPlan(series=("pd_3d",)))
    assert one.geometry.spacing_mm == pytest.approx([one.thickness_mm] * 3)
    assert 0.6 <= one.thickness_mm <= 0.8


@pytest.mark.parametrize("word", ["flair", "t1_", "sagittal", "pd_oblique", "t1_sagittal_fs", ""])
def test_a_word_that_is_not_on_the_menu_is_refused(word: str) -> None:
    with pytest.raises(ValidationError):
        ImagingPlan(series=(word,))


@pytest.mark.parametrize("order", ["ascending", "descending", "interleaved"])
def test_numbers_follow_the_order_and_places_do_not_move(order: str, tmp_path: Path) -> None:
    (one,) = acquisitions(ImagingPlan(series=("t1_sagittal",)))
    made_by = exam("ge", 3.0, Habits(slice_order=order))
    (part,) = written(one, made_by, 1, tmp_path, slices=5)
    numbers = [int(header.InstanceNumber) for header in part.headers]
    assert sorted(numbers) == [1, 2, 3, 4, 5]
    assert (
        numbers
        == {
            "ascending": [1, 2, 3, 4, 5],
            "descending": [5, 4, 3, 2, 1],
            "interleaved": [1, 4, 2, 5, 3],
        }[order]
    )
    places = [float(header.SliceLocation) for header in part.headers]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("laterality", "coded", "described"),
    [("coded", "L", True), ("described", "", True), ("absent", "", False)],
)
def test_the_side_stands_where_the_hospital_writes_it(
    laterality: str, coded: str, described: bool, tmp_path: Path
) -> None:
    (one,) = acquisitions(ImagingPlan(series=("t1_sagittal",)))
    made_by = exam("siemens", 3.0, Habits(laterality=laterality, language="de"))
    (part,) = written(one, made_by, 1, tmp_path)
    assert part.headers[0].Laterality == coded
    assert ("links" in part.headers[0].StudyDescription) is described
    ((_, read),) = by_uid(tmp_path).items()
    assert read.side is (Side.LEFT if described else Side.UNKNOWN)
    assert read.body_part == "knee"


def test_spacing_is_written_as_a_gap_where_that_is_the_habit(tmp_path: Path) -> None:
    (one,) = acquisitions(ImagingPlan(series=("t1_sagittal",)))
    said = []
    for habit in ("centres", "gap"):
        made_by = exam("siemens", 3.0, Habits(spacing_tag=habit))
        (part,) = written(one, made_by, 1, tmp_path / habit)
        said.append(float(part.headers[0].SpacingBetweenSlices))
        ((_, read),) = by_uid(tmp_path / habit).items()
        assert read.stack.geometry.spacing_mm[2] == pytest.approx(one.geometry.spacing_mm[2], 1e-4)
    assert said[0] - said[1] == pytest.approx(one.thickness_mm)


def test_philips_values_need_their_slope_and_then_agree(tmp_path: Path) -> None:
    (one,) = acquisitions(ImagingPlan(series=("t1_sagittal",)))
    images = {}
    for vendor in ("siemens", "philips"):
        written(one, exam(vendor, 3.0, Habits()), 1, tmp_path / vendor)
        data = pydicom.dcmread(tmp_path / vendor / "SE001" / "IM0001.dcm")
        images[vendor] = data.pixel_array * float(data.get("RescaleSlope", 1.0))
    assert data.RescaleSlope != 1
    scale_slope = data.private_block(0x2005, "Philips MR Imaging DD 001")[0x0E].value
    assert scale_slope > 0
    assert np.allclose(images["philips"], images["siemens"], atol=3.0)


@pytest.mark.parametrize("digits", [6, 10, 14])
def test_decimals_fit_and_are_as_exact_as_they_can_be(digits: int) -> None:
    for value in (-0.000123456789, -123.456789012345, 0.0, -1.0, 1e-12, 0.99939489364624):
        text = decimal(value, digits)
        assert len(text) <= 16
        assert float(text) == pytest.approx(value, rel=2e-5, abs=1e-12)
    assert decimal(-0.0, 6) == "0"


def test_difficulty_nought_is_the_best_of_every_range() -> None:
    rng = np.random.default_rng(0)
    assert graded((0.2, 3.0), 0.0, rng) == 0.2
    assert sometimes((0.0, 3.0), 0.0, rng) == 0.0
    assert evenly_graded((90.0, 20.0), 0.0, rng) == 90.0
    assert not happens(1.0, 0.6, rng)
    plan = ImagingPlan(series=("pd_fs",) * 20)
    for one in acquisitions(plan, difficulty=0.0):
        flaws = one.flaws
        assert (flaws.fat_failing, flaws.motion_px, flaws.pulsation, one.margin_px) == (0, 0, 0, 0)
        assert one.snr == pytest.approx(plan.snr[0])


def test_difficulty_one_reaches_far_and_stays_within_the_range() -> None:
    rng = np.random.default_rng(0)
    hard = [graded((0.0, 2.0), 1.0, rng) for _ in range(200)]
    assert 0.0 <= min(hard) < 0.05
    assert 1.8 < max(hard) <= 2.0
    snr = [evenly_graded((90.0, 20.0), 1.0, rng) for _ in range(200)]
    assert 20.0 <= min(snr) < max(snr) < 50.0
    assert 0 < sum(happens(0.5, 1.0, rng) for _ in range(200)) < 200
    plan = ImagingPlan(series=("pd_fs",) * 40)
    flaws = [one.flaws for one in acquisitions(plan, difficulty=1.0)]
    assert max(one.fat_failing for one in flaws) > 0.3
    assert max(one.motion_px for one in flaws) > 1.0
    assert max(one.wrap for one in flaws) > 0.06


def test_metal_is_there_only_where_the_plan_says_so() -> None:
    (none,) = acquisitions(ImagingPlan(series=("pd_fs",)), difficulty=1.0)
    assert none.flaws.screw is None
    one, echo = acquisitions(ImagingPlan(series=("pd_fs", "dixon_gre"), metal="screw"))
    assert one.flaws.screw is not None
    assert echo.flaws.screw is not None
    assert echo.flaws.screw.void_mm > one.flaws.screw.void_mm
    (hip,) = acquisitions(ImagingPlan(series=("pd_fs",), metal="screw"), joint="hip")
    assert hip.flaws.screw is None


def test_the_artery_is_mirrored_with_the_limb_and_a_hip_shows_none() -> None:
    right, left = artery("ankle", Side.RIGHT), artery("ankle", Side.LEFT)
    assert right is not None
    assert left is not None
    assert np.allclose(right * [-1, 1, 1], left)
    assert np.allclose(in_limb((3.0, 1.0, 2.0), Side.LEFT), [[-3.0, 1.0, 2.0]])
    assert artery("elbow", Side.LEFT) is None


@pytest.mark.parametrize("field_t", [1.5, 3.0])
def test_stir_leaves_a_little_fat_and_no_more(field_t: float) -> None:
    plan = ImagingPlan(inversion_left=Range(low=0.03, high=0.08))
    for seed in range(10):
        timing = timing_of(Kind.STIR, plan, field_t, np.random.default_rng(seed))
        plain = Timing(Weighting.PD, timing.repetition_ms, timing.echo_ms, None, 1.0, field_t)
        left = signal(Tissue.FAT, timing) / signal(Tissue.FAT, plain)
        assert 0.025 < left < 0.085
        assert signal(Tissue.MUSCLE, timing) > 1.5 * signal(Tissue.FAT, timing)


def test_an_agent_brightens_oedema_on_t1_and_spares_fat() -> None:
    before = Timing(Weighting.T1, 600.0, 12.0, None, 0.1, 3.0)
    after = Timing(Weighting.T1, 600.0, 12.0, None, 0.1, 3.0, after_agent=True)
    assert signal(Tissue.OEDEMA, after) > 1.5 * signal(Tissue.OEDEMA, before)
    assert signal(Tissue.FAT, after) == signal(Tissue.FAT, before)


def test_a_gradient_echo_with_a_wider_flip_is_more_t1_weighted() -> None:
    def ratio(flip_deg: float) -> float:
        timing = Timing(Weighting.T1, 150.0, 2.46, None, 1.0, 3.0, flip_deg=flip_deg)
        return signal(Tissue.FAT, timing) / signal(Tissue.FLUID, timing)

    assert ratio(70.0) > 2.0 * ratio(15.0)


@pytest.mark.parametrize("order", ["ascending", "interleaved"])
def test_one_file_for_all_slices_says_the_same(order: str, tmp_path: Path) -> None:
    plan = ImagingPlan(series=("pd_fs_sagittal", "stir_coronal", "t1_axial", "dixon", "t1_agent"))
    read = {}
    for container in ("classic", "enhanced"):
        made_by = exam("philips", 1.5, Habits(container=container, slice_order=order))
        folder = tmp_path / container
        for number, one in enumerate(acquisitions(plan, 1.5), start=1):
            written(one, made_by, 10 * number, folder)
        read[container] = by_uid(folder)
    assert read["classic"].keys() == read["enhanced"].keys()
    for key, classic in read["classic"].items():
        enhanced = read["enhanced"][key]
        assert enhanced.contrast.label == classic.contrast.label
        assert (enhanced.plane, enhanced.side) == (classic.plane, classic.side)
        assert np.allclose(enhanced.stack.geometry.affine, classic.stack.geometry.affine, atol=1e-4)
        one, other = (read_pixels(series.stack, "") for series in (classic, enhanced))
        assert np.allclose(one.data, other.data, rtol=1e-4)
    assert sum(path.is_file() for path in (tmp_path / "enhanced").rglob("*")) == 8


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
@pytest.mark.parametrize(
    ("vendor", "container"),
    [(vendor, "classic") for vendor in VENDORS] + [("philips", "enhanced")],
)
@pytest.mark.parametrize("laterality", ["coded", "absent"])
def test_objects_keep_the_standard(
    vendor: str, container: str, laterality: str, tmp_path: Path
) -> None:
    made_by = exam(vendor, 3.0, Habits(container=container, laterality=laterality))
    plan = ImagingPlan(series=("pd_fs", "stir", "t1", "dixon", "dixon_gre", "pd_3d", "t1_agent"))
    for number, one in enumerate(acquisitions(plan), start=1):
        written(one, made_by, 10 * number, tmp_path)
    for path in sorted(tmp_path.rglob("IM0001.dcm")):
        assert errors_of(path) == [], path.parent.name


def test_the_check_of_objects_finds_what_breaks_the_standard(tmp_path: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dicom3tools is not installed")
    (one,) = acquisitions(ImagingPlan(series=("pd_fs",)))
    written(one, exam("philips", 3.0, Habits(headers="as_sold")), 1, tmp_path)
    (said,) = errors_of(tmp_path / "SE001" / "IM0001.dcm")
    assert "InversionTime" in said


def errors_of(path: Path) -> list[str]:
    """What dciodvfy calls an error, but for one attribute that is newer than the tool."""
    run = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    lines = (run.stdout + run.stderr).splitlines()
    return [line for line in lines if line.startswith("Error") and NEWER_ATTRIBUTE not in line]
