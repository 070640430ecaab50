"""DICOM folders: geometry above all, then what is kept, set aside or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless
from scipy.spatial.transform import Rotation

from marrowtrail.errors import InputError, Severity
from marrowtrail.imaging.plan import plan_folder
from marrowtrail.imaging.series import Plane
from marrowtrail.imaging.study import read_study
from marrowtrail.record.sites import Side
from tests.imaging.dicom_factory import Made, datasets, normal, uid, voxels, write, write_series

SECRETS = ("Secret", "Sally", "P1", "1.2.826", "19780101")


def only(folder: Path):
    study = read_study(folder)
    assert len(study.visits) == 1
    assert len(study.visits[0].series) == 1
    return study.visits[0].series[0]


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_study(folder)
    text = str(caught.value)
    assert not any(secret in text for secret in SECRETS), text
    return text


def expected_lps(made: Made, i: int, j: int, k: int) -> np.ndarray:
    """PS3.3 C.7.6.2.1.1, written out."""
    row, column = np.asarray(made.cosines).reshape(2, 3)
    between_rows, between_columns = made.spacing
    start = np.asarray(made.origin) + k * made.step * normal(made)
    return start + i * between_columns * row + j * between_rows * column


class TestGeometry:
    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        turn=st.tuples(*[st.floats(-3, 3) for _ in range(3)]),
        flip=st.sampled_from([(1, 1), (-1, 1), (1, -1), (-1, -1)]),
        spacing=st.tuples(st.floats(0.3, 1.2), st.floats(0.3, 1.2)),
        step=st.floats(1.0, 6.0),
    )
    def test_every_voxel_lies_where_its_header_says(self, tmp_path, turn, flip, spacing, step):
        matrix = Rotation.from_rotvec(turn).as_matrix()
        cosines = (*(matrix[:, 0] * flip[0]), *(matrix[:, 1] * flip[1]))
        made = Made(cosines=cosines, spacing=spacing, step=step)
        shutil.rmtree(tmp_path)
        write_series(tmp_path, made)
        volume = only(tmp_path).volume
        truth = voxels(made)
        for ijk in ((0, 0, 0), (15, 0, 0), (0, 11, 0), (0, 0, 4), (7, 3, 2)):
            lps = expected_lps(made, *ijk)
            at = np.rint(volume.geometry.to_ijk(lps)).astype(int)
            assert np.allclose(volume.geometry.to_lps(at), lps, atol=1e-3)
            assert volume.data[tuple(at)] == truth[ijk]

    def test_highdicom_agrees(self, tmp_path: Path) -> None:
        turn = Rotation.from_euler("xyz", [20, -15, 8], degrees=True).as_matrix()
        made = Made(cosines=(*turn[:, 0], *turn[:, 1]), spacing=(0.5, 0.8))
        slices = datasets(made)
        write(tmp_path, slices)
        mine = only(tmp_path).volume
        oracle = hd.get_volume_from_series(slices)
        for index in ((0, 0, 0), (4, 11, 15), (2, 3, 7)):
            lps = oracle.map_indices_to_reference(np.array([index]))[0]
            at = np.rint(mine.geometry.to_ijk(lps)).astype(int)
            assert np.allclose(mine.geometry.to_lps(at), lps, atol=1e-3)
            assert mine.data[tuple(at)] == oracle.array[index]

    @pytest.mark.parametrize(
        ("cosines", "plane"),
        [
            ((0, 1, 0, 0, 0, -1), Plane.SAGITTAL),
            ((1, 0, 0, 0, 0, -1), Plane.CORONAL),
            ((1, 0, 0, 0, 1, 0), Plane.AXIAL),
            ((-1, 0, 0, 0, -1, 0), Plane.AXIAL),
        ],
    )
    def test_plane(self, tmp_path: Path, cosines, plane: Plane) -> None:
        write_series(tmp_path, Made(cosines=cosines))
        assert only(tmp_path).plane is plane

    def test_rescale_slope_and_intercept(self, tmp_path: Path) -> None:
        made = Made(tags={"RescaleSlope": "2", "RescaleIntercept": "-5"})
        write_series(tmp_path, made)
        assert only(tmp_path).volume.data[0, 0, 0] == 2 * 1 - 5


class TestSyntax:
    @pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
    def test_other_byte_orders(self, tmp_path: Path, syntax) -> None:
        slices = datasets(Made())
        for ds in slices:
            if syntax is ExplicitVRBigEndian:
                values = np.frombuffer(ds.PixelData, "<u2")
                ds.PixelData = values.astype(">u2").tobytes()
            ds.file_meta.TransferSyntaxUID = syntax
        write(tmp_path, slices)
        assert np.array_equal(only(tmp_path).volume.data, voxels(Made()))

    def test_run_length(self, tmp_path: Path) -> None:
        slices = datasets(Made())
        for ds in slices:
            ds.compress(RLELossless)
        write(tmp_path, slices)
        assert np.array_equal(only(tmp_path).volume.data, voxels(Made()))

    def test_without_preamble(self, tmp_path: Path) -> None:
        for number, ds in enumerate(datasets(Made())):
            del ds.file_meta
            pydicom.dcmwrite(
                tmp_path / f"{number}",
                ds,
                implicit_vr=True,
                little_endian=True,
                enforce_file_format=False,
            )
        assert np.array_equal(only(tmp_path).volume.data, voxels(Made()))

    def test_cut_short(self, tmp_path: Path) -> None:
        paths = write_series(tmp_path, Made())
        content = paths[2].read_bytes()
        paths[2].write_bytes(content[:-100])
        assert "damaged or cut short" in refusal(tmp_path)


class TestSorting:
    def test_echoes_are_series_of_their_own(self, tmp_path: Path) -> None:
        for te in (10.0, 40.0, 80.0):
            write_series(tmp_path, Made(te=te))
        series = read_study(tmp_path).visits[0].series
        assert sorted(one.echo_time_ms for one in series) == [10, 40, 80]

    def test_duplicates_are_dropped_and_counted(self, tmp_path: Path) -> None:
        write_series(tmp_path / "a", Made())
        write_series(tmp_path / "b", Made())
        study = read_study(tmp_path)
        assert len(study.visits[0].series) == 1
        assert [(one.what, one.files) for one in study.set_aside] == [("duplicates", 5)]

    def test_names_and_folders_decide_nothing(self, tmp_path: Path) -> None:
        write_series(tmp_path / "x" / "y", Made())
        write_series(tmp_path / "a", Made(series="2", te=80.0))
        first = [s.echo_time_ms for s in read_study(tmp_path).visits[0].series]
        (tmp_path / "a").rename(tmp_path / "zz")
        assert [s.echo_time_ms for s in read_study(tmp_path).visits[0].series] == first

    @pytest.mark.parametrize(
        "kind", [("ORIGINAL", "PRIMARY", "LOCALIZER"), ("ORIGINAL", "PRIMARY")]
    )
    def test_localisers_are_set_aside(self, tmp_path: Path, kind) -> None:
        write_series(tmp_path, Made())
        for number, cosines in enumerate([(0, 1, 0, 0, 0, -1), (1, 0, 0, 0, 0, -1)]):
            made = Made(series="9", cosines=cosines, slices=3, image_type=kind, te=5.0 + number)
            write(tmp_path, datasets(made), f"loc{number}")
        study = read_study(tmp_path)
        assert len(study.visits[0].series) == 1
        assert ("localiser", 6) in [(one.what, one.files) for one in study.set_aside]

    def test_a_missing_slice_is_not_filled_in(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(series="2", te=80.0))
        write(tmp_path, [ds for k, ds in enumerate(datasets(Made(slices=8))) if k != 4])
        study = read_study(tmp_path)
        assert len(study.visits[0].series) == 1
        assert study.set_aside[0].what == "gaps between slices"

    def test_the_same_place_twice(self, tmp_path: Path) -> None:
        slices = datasets(Made()) + datasets(Made())
        for number, ds in enumerate(slices):
            ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid("other", number)
        write(tmp_path, slices)
        assert "several images at one place" in refusal(tmp_path)

    def test_few_slices_maps_and_other_objects(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(series="2", slices=2))
        write_series(tmp_path, Made(series="3", image_type=("DERIVED", "PRIMARY", "T2 MAP")))
        write_series(tmp_path, Made(series="4", tags={"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}))
        (tmp_path / "notes.txt").write_text("hello")
        (tmp_path / "junk").write_bytes(b"not dicom")
        study = read_study(tmp_path)
        assert len(study.visits[0].series) == 1
        assert {one.what for one in study.set_aside} == {
            "too few slices",
            "derived map",
            "other DICOM objects",
            "other files",
        }


class TestVisits:
    @pytest.mark.parametrize(("second", "visits"), [("20240112", 1), ("20240113", 2)])
    def test_a_week_is_one_visit(self, tmp_path: Path, second: str, visits: int) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(date=second, te=36.0))
        assert len(read_study(tmp_path).visits) == visits

    def test_visits_count_from_the_earliest(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(date="20240605"))
        write_series(tmp_path, Made(date="20230105"))
        visits = read_study(tmp_path).visits
        assert [(one.id, one.date.year) for one in visits] == [("v1", 2023), ("v2", 2024)]

    def test_knee_and_ankle_of_one_day_are_one_visit(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(study="2", body_part="ANKLE", frame="2"))
        (visit,) = read_study(tmp_path).visits
        assert sorted(one.body_part for one in visit.series) == ["ankle", "knee"]

    def test_equal_dates_are_asked_about(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(study="2"))
        assert "visits:" in refusal(tmp_path)

    def test_no_date_is_asked_about(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(date=""))
        assert "no date" in refusal(tmp_path)


class TestPatients:
    @pytest.mark.parametrize("other", [{"patient_id": "P2"}, {"birth_date": "19900101"}])
    def test_two_patients_are_refused_without_naming_them(self, tmp_path: Path, other) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(series="2", te=80.0, **other))
        assert "Expected one patient" in refusal(tmp_path)

    def test_age_sex_and_synthetic(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        study = read_study(tmp_path)
        assert (study.age_years, study.sex, study.is_synthetic) == (46, "M", False)
        write_series(tmp_path, Made(series="2", te=80.0, tags={"SyntheticData": "YES"}))
        assert read_study(tmp_path).is_synthetic


class TestBody:
    @pytest.mark.parametrize(
        ("laterality", "description", "side"),
        [
            ("R", "SAG PD", Side.RIGHT),
            ("L", "SAG PD", Side.LEFT),
            ("", "SAG PD LEFT", Side.LEFT),
            ("", "SAG PD", Side.UNKNOWN),
            ("", "LEFT AND RIGHT", Side.UNKNOWN),
        ],
    )
    def test_side(self, tmp_path: Path, laterality: str, description: str, side: Side) -> None:
        write_series(tmp_path, Made(laterality=laterality, description=description))
        assert only(tmp_path).side is side
        assert read_study(tmp_path).cautions == ()

    def test_a_contradiction_is_said_and_changes_nothing(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(laterality="R", description="SAG PD LEFT"))
        study = read_study(tmp_path)
        assert study.visits[0].series[0].side is Side.RIGHT
        assert study.cautions[0].severity is Severity.UNVERIFIED

    @pytest.mark.parametrize(
        ("part", "joint"),
        [
            ("KNEE", "knee"),
            ("ANKLE", "ankle"),
            ("HIP", "hip"),
            ("", "unknown"),
            ("WRIST", "unknown"),
        ],
    )
    def test_joint(self, tmp_path: Path, part: str, joint: str) -> None:
        write_series(tmp_path, Made(body_part=part))
        assert only(tmp_path).body_part == joint


class TestNothingThere:
    def test_no_folder(self, tmp_path: Path) -> None:
        assert "does not exist" in refusal(tmp_path / "nowhere")

    def test_empty_folder(self, tmp_path: Path) -> None:
        assert "no file that could be an image" in refusal(tmp_path)

    def test_constant_image(self, tmp_path: Path) -> None:
        made = Made()
        write_series(tmp_path, made, np.full_like(voxels(made), 7))
        assert "there is no image" in refusal(tmp_path)


class TestRealFiles:
    def test_multi_echo_knee(self, shared_data: Path) -> None:
        (visit,) = read_study(shared_data / "knee-multi-echo-dicom").visits
        assert len(visit.series) == 3
        for one in visit.series:
            assert one.contrast.fat_suppressed is False
            assert not one.contrast.is_fluid_sensitive
            assert one.plane is Plane.SAGITTAL

    def test_odd_files_are_read_or_set_aside(self, shared_data: Path, tmp_path: Path) -> None:
        for path in sorted((shared_data / "odd-dicom").iterdir()):
            folder = tmp_path / path.stem
            folder.mkdir()
            shutil.copy(path, folder)
            plan = plan_folder(folder)
            assert plan.visits or plan.set_aside, path.name
