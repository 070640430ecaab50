"""NIfTI images and masks: order of axes kept, RAS to LPS once, every refusal in words."""

from __future__ import annotations

import contextlib
import gzip
import json
import tempfile
import warnings
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from marrowtrail.errors import InputError, Severity
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.nifti import (
    NiftiBones,
    NiftiSeries,
    NiftiVisit,
    content_hash,
    read_label_values,
    read_labels,
    read_volume,
)
from marrowtrail.imaging.requests import nifti_visits
from marrowtrail.imaging.series import Plane, Weighting
from marrowtrail.imaging.volume import Volume
from marrowtrail.imaging.write_nifti import write_nifti
from marrowtrail.record.case import Case
from marrowtrail.record.sites import BoneId, Side
from tests.imaging.dicom_factory import Made, write_series
from tests.imaging.reading import aside, plan, read, refusal

SHAPE = (6, 5, 4)
RAS = np.array([[-0.5, 0, 0, 10], [0, 0, 3.0, -20], [0, -0.7, 0, 30], [0, 0, 0, 1]])
RIGHT_FEMUR = {"1": {"bone": "femur", "side": "right"}}


def values(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.int16).reshape(shape)


def save(path: Path, data: np.ndarray, affine: np.ndarray = RAS) -> Path:
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


def bones(folder: Path, data: np.ndarray, names: object = RIGHT_FEMUR) -> NiftiBones:
    (folder / "labels.json").write_text(json.dumps(names), encoding="utf-8")
    return NiftiBones(save(folder / "mask.nii.gz", data), folder / "labels.json")


def mask(*filled: tuple[int, int]) -> np.ndarray:
    """A mask whose planes ``i`` hold a value, for pairs of (i, value)."""
    data = np.zeros(SHAPE, dtype=np.int16)
    for plane, value in filled:
        data[plane] = value
    return data


def said(call: Any, *arguments: object) -> InputError:
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert caught.value.remedy
    return caught.value


class TestAxes:
    def test_order_is_kept_and_the_frame_turned_once(self, tmp_path: Path) -> None:
        volume = read_volume(save(tmp_path / "a.nii.gz", values()))
        assert np.array_equal(volume.data, values())
        assert volume.geometry.shape == SHAPE
        x, y, z = nib.affines.apply_affine(RAS, (2, 3, 1))
        assert np.allclose(volume.geometry.to_lps(np.array([2, 3, 1])), (-x, -y, z))
        assert volume.geometry.frame_of_reference is None

    def test_reordered_axes_are_the_same_tissue(self, tmp_path: Path) -> None:
        image = nib.Nifti1Image(values(), RAS)
        for number, code in enumerate(("RAS", "LPS", "SPL", "ASR", "PIL")):
            wanted = nib.orientations.axcodes2ornt(code)
            turned = image.as_reoriented(
                nib.orientations.ornt_transform(nib.io_orientation(RAS), wanted)
            )
            nib.save(turned, tmp_path / f"{number}.nii")
            volume = read_volume(tmp_path / f"{number}.nii")
            for ijk in ((0, 0, 0), (5, 0, 0), (0, 4, 3), (2, 3, 1)):
                x, y, z = nib.affines.apply_affine(RAS, ijk)
                at = volume.geometry.to_ijk(np.array([-x, -y, z]))
                assert np.allclose(at, np.rint(at), atol=1e-4)
                assert volume.data[tuple(np.rint(at).astype(int))] == values()[ijk]

    @settings(max_examples=60, deadline=None)
    @given(
        turn=st.tuples(*[st.floats(-3, 3)] * 3),
        flips=st.tuples(*[st.sampled_from([1.0, -1.0])] * 3),
        order=st.permutations(range(3)),
        origin=st.tuples(*[st.floats(-200, 200)] * 3),
    )
    def test_written_and_read_again(self, turn, flips, order, origin) -> None:
        affine = np.eye(4)
        steps = np.diag(np.array([0.37, 0.6, 4.0]) * flips)
        affine[:3, :3] = (Rotation.from_rotvec(turn).as_matrix() @ steps)[:, order]
        affine[:3, 3] = origin
        volume = Volume(values(), Geometry(SHAPE, affine))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.nii.gz"
            write_nifti(volume, path)
            again = read_volume(path)
            header = nib.load(path).header
        assert again.geometry.same_grid(volume.geometry)
        assert np.array_equal(again.on_grid_of(volume), volume.data)
        assert np.allclose(header.get_qform(), header.get_sform(), atol=1e-3)
        assert header["qform_code"] == header["sform_code"] == 1

    def test_a_last_axis_of_one_is_dropped(self, tmp_path: Path) -> None:
        volume = read_volume(save(tmp_path / "a.nii", values()[..., None]))
        assert np.array_equal(volume.data, values())

    def test_the_scale_of_the_header_is_used(self, tmp_path: Path) -> None:
        image = nib.Nifti1Image(values(), RAS)
        image.header.set_slope_inter(2.0, 5.0)
        nib.save(image, tmp_path / "a.nii")
        raw = nib.load(tmp_path / "a.nii").dataobj
        assert np.array_equal(read_volume(tmp_path / "a.nii").data, np.asarray(raw))
        assert read_volume(tmp_path / "a.nii").data.dtype == np.float32


class TestWriting:
    @pytest.mark.parametrize(
        ("dtype", "stored"), [(bool, "u1"), (np.int64, "i4"), (np.int16, "i2"), (np.float32, "f4")]
    )
    def test_types(self, tmp_path: Path, dtype, stored: str) -> None:
        data = (values() % 2).astype(dtype)
        write_nifti(Volume(data, Geometry(SHAPE, RAS)), tmp_path / "a.nii.gz")
        image = nib.load(tmp_path / "a.nii.gz")
        assert image.get_data_dtype() == np.dtype(stored)
        assert np.array_equal(np.asarray(image.dataobj), data)
        assert image.header.get_xyzt_units()[0] == "mm"

    def test_the_same_bytes_every_time_and_under_every_name(self, tmp_path: Path) -> None:
        volume = Volume(values(), Geometry(SHAPE, RAS))
        for name in ("a", "b"):
            write_nifti(volume, tmp_path / f"{name}.nii.gz")
        assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
        assert content_hash(tmp_path / "a.nii.gz") == content_hash(tmp_path / "b.nii.gz")


class TestRefusedImages:
    def test_not_there(self, tmp_path: Path) -> None:
        error = said(read_volume, tmp_path / "stir.nii.gz")
        assert error.what == "A file that case.yaml names is not there."
        assert error.where == "stir.nii.gz"
        assert "correct the path under visits:" in error.remedy

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, tmp_path: Path, bad: float) -> None:
        data = values().astype(np.float32)
        data[1, 2, 3] = data[0, 0, 0] = bad
        error = said(read_volume, save(tmp_path / "stir.nii.gz", data))
        assert error.what == "Expected finite signal; 2 of 120 voxels are NaN or infinite."
        assert error.where == "stir.nii.gz"
        assert error.remedy == "export the series again, or take it out of the folder"

    def test_constant(self, tmp_path: Path) -> None:
        error = said(read_volume, save(tmp_path / "a.nii", np.full(SHAPE, 3, dtype=np.int16)))
        assert error.what == "Every voxel has the value 3; there is no image."

    @pytest.mark.parametrize(
        "data",
        [
            values((6, 5)),
            values((6, 5, 4, 2)),
            values().astype(np.complex64),
            np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")]),
        ],
        ids=["2-D", "4-D", "complex", "colour"],
    )
    def test_not_one_volume_of_numbers(self, tmp_path: Path, data: np.ndarray) -> None:
        error = said(read_volume, save(tmp_path / "a.nii", data))
        assert error.what.startswith("Expected one 3-D image of real numbers, got shape")
        assert error.remedy == "save one volume a file"

    @pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.txt"])
    def test_no_nifti(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(b"this is no image " * 50)
        assert said(read_volume, tmp_path / name).what == (
            "Expected a NIfTI image; the file cannot be read as one."
        )

    def test_another_format_is_named(self, tmp_path: Path) -> None:
        nib.save(nib.MGHImage(values().astype(np.float32), RAS), tmp_path / "a.mgz")
        assert said(read_volume, tmp_path / "a.mgz").what == (
            "Expected a NIfTI image, got MGHImage."
        )

    def test_cut_short(self, tmp_path: Path) -> None:
        noise = np.random.default_rng(0).integers(0, 999, (40, 40, 40)).astype(np.int16)
        whole = save(tmp_path / "a.nii", noise).read_bytes()
        for name, content in (("b.nii", whole[:-10]), ("b.nii.gz", gzip.compress(whole)[:-99])):
            (tmp_path / name).write_bytes(content)
            assert said(read_volume, tmp_path / name).what == (
                "The image's voxels cannot be read; the file is damaged or cut short."
            )

    @pytest.mark.parametrize(
        ("sform", "qform", "kept"), [(0, 0, False), (1, 0, True), (0, 1, True), (2, 0, True)]
    )
    def test_without_an_orientation(self, tmp_path: Path, sform, qform, kept: bool) -> None:
        image = nib.Nifti1Image(values(), RAS)
        image.set_sform(RAS, code=sform)
        image.set_qform(RAS, code=qform)
        nib.save(image, tmp_path / "a.nii")
        if kept:
            assert np.allclose(read_volume(tmp_path / "a.nii").geometry.spacing_mm, (0.5, 0.7, 3))
        else:
            error = said(read_volume, tmp_path / "a.nii")
            assert error.what == "The image's affine does not place it in the patient."
            assert error.remedy == "save it again with a valid sform or qform"

    @pytest.mark.parametrize(
        ("qform", "kept"),
        [
            (RAS @ np.diag([-1.0, 1, 1, 1]), False),
            (RAS, True),
            (RAS @ np.diag([-1.0, -1, 1, 1]), True),
        ],
        ids=["mirrored", "the same", "turned"],
    )
    def test_two_orientations(self, tmp_path: Path, qform: np.ndarray, kept: bool) -> None:
        image = nib.Nifti1Image(values(), RAS)
        image.set_sform(RAS, code=1)
        image.set_qform(qform, code=1)
        nib.save(image, tmp_path / "a.nii")
        if kept:
            assert np.allclose(read_volume(tmp_path / "a.nii").geometry.spacing_mm, (0.5, 0.7, 3))
        else:
            assert "mirror each other" in said(read_volume, tmp_path / "a.nii").what

    @pytest.mark.parametrize(("unit", "kept"), [("mm", True), (None, True), ("micron", False)])
    def test_units(self, tmp_path: Path, unit: str | None, kept: bool) -> None:
        image = nib.Nifti1Image(values(), RAS)
        image.header.set_xyzt_units(unit)
        nib.save(image, tmp_path / "a.nii")
        if kept:
            assert np.allclose(read_volume(tmp_path / "a.nii").geometry.spacing_mm, (0.5, 0.7, 3))
        else:
            assert "units of micron" in said(read_volume, tmp_path / "a.nii").what

    @pytest.mark.parametrize(("slices", "kept"), [(1, False), (2, False), (3, True)])
    def test_few_slices(self, tmp_path: Path, slices: int, kept: bool) -> None:
        thick = values((6, 5, slices))
        path = save(tmp_path / "a.nii", thick, np.diag([0.5, 0.5, 4, 1]))
        if kept:
            assert read_volume(path).data.shape == (6, 5, 3)
        else:
            assert f"at least 3 slices, got {slices}" in said(read_volume, path).what

    def test_with_an_affine_that_flattens_it(self, tmp_path: Path) -> None:
        flat = np.diag([1.0, 1.0, 0.0, 1.0])
        image = nib.Nifti1Image(values(), None)
        image.header.set_sform(flat, code=1)
        nib.save(image, tmp_path / "a.nii")
        assert "does not place it" in said(read_volume, tmp_path / "a.nii").what

    @settings(max_examples=150, deadline=None)
    @given(
        zipped=st.booleans(),
        cut=st.none() | st.floats(0, 1),
        alter=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=10),
    )
    def test_any_damage_ends_in_words(self, zipped, cut, alter) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = save(Path(folder) / "a.nii", values())
            content = bytearray(path.read_bytes())
            if zipped:
                path = path.with_suffix(".nii.gz")
                content = bytearray(gzip.compress(content))
            for where, value in alter:
                content[int(where * len(content))] = value
            path.write_bytes(content[: len(content) if cut is None else int(cut * len(content))])
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                for reader in (read_volume, read_label_values):
                    with contextlib.suppress(InputError):
                        reader(path)

    def test_what_nibabel_mends_is_not_printed(self, tmp_path: Path, caplog) -> None:
        content = bytearray(save(tmp_path / "a.nii", values()).read_bytes())
        content[80:84] = np.float32(-0.5).tobytes()
        (tmp_path / "a.nii").write_bytes(content)
        read_volume(tmp_path / "a.nii")
        assert caplog.records == []
        nib.load(tmp_path / "a.nii")
        assert "pixdim" in caplog.text, "nibabel itself is as loud as before"


class TestLabels:
    def test_values_and_names(self, tmp_path: Path) -> None:
        names = {**RIGHT_FEMUR, "7": {"bone": "tibia", "side": "left"}}
        names["9"] = {"bone": "patella", "side": "left"}
        labels = read_labels(bones(tmp_path, mask((1, 1), (3, 7)), names))
        assert labels.names == ((1, BoneId("femur", Side.RIGHT)), (7, BoneId("tibia", Side.LEFT)))
        assert np.array_equal(labels.labels.data, mask((1, 1), (3, 7)))
        assert (labels.source, labels.series_uid) == ("NIfTI mask", None)

    def test_an_empty_mask_names_nothing(self, tmp_path: Path) -> None:
        assert read_labels(bones(tmp_path, mask())).names == ()

    def test_pieces_of_one_bone_become_one(self, tmp_path: Path) -> None:
        names = {"2": RIGHT_FEMUR["1"], "1": RIGHT_FEMUR["1"]}
        labels = read_labels(bones(tmp_path, mask((1, 2), (3, 1)), names))
        assert labels.names == ((1, BoneId("femur", Side.RIGHT)),)
        assert np.array_equal(labels.labels.data, mask((1, 1), (3, 1)))

    def test_two_of_one_bone_without_side(self, tmp_path: Path) -> None:
        femur = {"bone": "femur", "side": "unknown"}
        error = said(read_labels, bones(tmp_path, mask((1, 1), (3, 2)), {"1": femur, "2": femur}))
        assert error.what == "The values 1 and 2 are the same bone (femur), and neither has a side."
        assert error.where == "labels.json"

    def test_a_value_without_a_name(self, tmp_path: Path) -> None:
        error = said(read_labels, bones(tmp_path, mask((0, 1), (1, 5), (2, -3))))
        assert error.what == "The mask has the value(s) -3, 5, which have no name."
        assert error.where == "mask.nii.gz and labels.json"
        assert error.remedy == "name every value, or set voxels of no bone to 0"

    def test_an_unknown_bone_lists_the_known_ones(self, tmp_path: Path) -> None:
        names = {"1": {"bone": "femurr", "side": "right"}}
        error = said(read_labels, bones(tmp_path, mask((0, 1)), names))
        assert "'femurr' is no bone of the vocabulary. Did you mean 'femur'?" in error.what
        assert "femur, tibia, fibula, patella, talus" in error.remedy
        assert "sides: left, right, midline, unknown" in error.remedy

    @pytest.mark.parametrize(
        ("names", "wrong"),
        [
            ({"1": {"bone": "femur", "side": "starboard"}}, "'starboard' is no side"),
            ({"1": {"bone": "femur"}}, "an entry has no 'side'"),
            ({"1": "femur"}, "it has another form"),
            ({"one": RIGHT_FEMUR["1"]}, "it has another form"),
            ([1, 2], "it has another form"),
            ({"1": {"bone": 3, "side": "left"}}, "3 is no bone"),
            ({"1": {"bone": "femur", "side": []}}, "it has another form"),
        ],
    )
    def test_another_form(self, tmp_path: Path, names: object, wrong: str) -> None:
        error = said(read_labels, bones(tmp_path, mask((0, 1)), names))
        assert wrong in error.what
        assert error.where == "labels.json"

    def test_no_json(self, tmp_path: Path) -> None:
        given = bones(tmp_path, mask((0, 1)))
        given.labels.write_text('{\n"1": {"bone" "femur"}}', encoding="utf-8")
        assert "line 2 is no JSON" in said(read_labels, given).what

    def test_the_file_of_names_is_missing(self, tmp_path: Path) -> None:
        given = bones(tmp_path, mask((0, 1)))
        given.labels.unlink()
        error = said(read_labels, given)
        assert error.what == "The file that names the mask's values is not there."
        assert error.where == "labels.json"
        assert '{"1": {"bone": "femur", "side": "right"}}' in error.remedy

    @pytest.mark.parametrize(
        "data",
        [
            mask((0, 1)) + 0.5,
            np.full(SHAPE, np.nan),
            mask((0, 1)).astype(np.int32) * 40_000,
            mask((0, 1))[0],
        ],
        ids=["fractions", "NaN", "beyond 16 bits", "2-D"],
    )
    def test_no_label_map(self, tmp_path: Path, data: np.ndarray) -> None:
        error = said(read_labels, bones(tmp_path, data))
        assert error.what.startswith("Expected a 3-D mask of whole numbers up to 32767, got shape")
        assert error.remedy == "save the mask as an integer label map"

    def test_values_alone(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.nii.gz", mask((1, 3)).astype(np.float32))
        assert np.array_equal(read_label_values(path), mask((1, 3)))


def request(folder: Path, day: str = "2024-01-05", **series: object) -> NiftiVisit:
    """A visit of one STIR series of the right knee; each file has its own content."""
    path = folder / f"stir-{day}.nii.gz"
    if not path.exists():
        save(path, values() + np.int16(date.fromisoformat(day).day))
    made = NiftiSeries(path, "knee", Side.RIGHT, Weighting.STIR, None)
    return NiftiVisit(date.fromisoformat(day), (replace(made, **series),))


class TestStudy:
    def test_visits_and_series(self, tmp_path: Path) -> None:
        later = request(tmp_path, "2024-06-01")
        first = request(tmp_path)
        study = read(tmp_path, [later, first])
        assert [(one.id, one.date.isoformat()) for one in study.visits] == [
            ("v1", "2024-01-05"),
            ("v2", "2024-06-01"),
        ]
        (series,) = study.visits[0].series
        assert (series.id, series.visit_id) == ("v1-s1", "v1")
        assert series.source_uid == content_hash(first.series[0].file)
        assert series.plane is Plane.CORONAL
        assert (series.body_part, series.side) == ("knee", Side.RIGHT)
        assert series.contrast.is_fluid_sensitive
        assert series.contrast.reason == "as case.yaml states"
        assert (study.age_years, study.sex, study.set_aside) == (None, None, ())

    @pytest.mark.parametrize(
        ("weighting", "suppressed", "fluid"),
        [
            (Weighting.STIR, False, True),
            (Weighting.PD, True, True),
            (Weighting.PD, None, False),
            (Weighting.T1, True, False),
        ],
    )
    def test_contrast_is_what_the_case_states(self, tmp_path, weighting, suppressed, fluid) -> None:
        made = request(tmp_path, weighting=weighting, fat_suppressed=suppressed)
        contrast = read(tmp_path, [made]).visits[0].series[0].contrast
        assert contrast.is_fluid_sensitive is fluid

    def test_dicom_beside_it_is_not_read_and_said_so(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        study = read(tmp_path, [request(tmp_path)])
        assert study.visits[0].series[0].source_uid.isalnum()
        assert aside(study) == {"DICOM images and masks": 5}
        (caution,) = study.cautions
        assert (caution.code, caution.severity) == ("dicom-not-read", Severity.UNVERIFIED)

    def test_a_mask_without_series_beside_visits_with_them(self, tmp_path: Path) -> None:
        alone = NiftiVisit(date(2024, 6, 1), (), bones(tmp_path, mask((2, 1))))
        error = refusal(tmp_path, [request(tmp_path), alone])
        assert error.what == "The visit of 2024-06-01 has a mask and no series to lay it on."

    def test_visits_without_files_leave_the_folder_its_word(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(te=35.0))
        study = read(tmp_path, [NiftiVisit(date(2024, 1, 5), ())])
        assert study.visits[0].series[0].echo_time_ms == 35

    def test_a_mask_on_the_grid(self, tmp_path: Path) -> None:
        made = replace(request(tmp_path), bones=bones(tmp_path, mask((2, 1))))
        (visit,) = read(tmp_path, [made]).visits
        assert np.array_equal(
            visit.bones[0].labels.on_grid_of(visit.series[0].volume), mask((2, 1))
        )

    @pytest.mark.parametrize(
        ("shape", "affine"),
        [
            ((6, 5, 3), RAS),
            (SHAPE, RAS + np.array([[0, 0, 0, 1.0]] + [[0] * 4] * 3)),
            (SHAPE, RAS @ np.diag([1.1, 1, 1, 1])),
        ],
        ids=["shape", "place", "spacing"],
    )
    def test_a_mask_on_another_grid_names_both(self, tmp_path: Path, shape, affine) -> None:
        given = bones(tmp_path, mask((0, 1)))
        save(given.file, np.ones(shape, dtype=np.int16), affine)
        error = refusal(tmp_path, [replace(request(tmp_path), bones=given)])
        mine = Geometry(SHAPE, np.diag([-1.0, -1, 1, 1]) @ RAS)
        other = Geometry(shape, np.diag([-1.0, -1, 1, 1]) @ affine)
        assert error.what == (
            "The mask lies on another grid than every series of its visit: expected one of "
            f"v1-s1 {mine.in_words}; got {other.in_words}."
        )
        assert mine.in_words != other.in_words
        assert error.where == "mask.nii.gz, visit of 2024-01-05"
        assert error.remedy == "draw or resample the mask on one of the series"

    @pytest.mark.parametrize(
        "order",
        [((0, 1), (1, 1), (2, 1)), ((0, 1), (1, -1), (2, -1)), ((2, 1), (0, -1), (1, 1))],
    )
    def test_a_mask_in_another_order_of_axes(self, tmp_path: Path, order) -> None:
        """What another program wrote of the same voxels; each axis has its own length."""
        drawn = nib.Nifti1Image(mask((0, 1), (2, 1)), RAS)
        given = bones(tmp_path, mask((0, 1)))
        nib.save(drawn.as_reoriented(np.array(order)), given.file)
        (visit,) = read(tmp_path, [replace(request(tmp_path), bones=given)]).visits
        found = visit.bones[0].labels.on_grid_of(visit.series[0].volume)
        assert np.array_equal(found, mask((0, 1), (2, 1)))

    def test_a_bone_without_side_takes_that_of_the_series(self, tmp_path: Path) -> None:
        names = {"1": {"bone": "femur", "side": "unknown"}}
        made = replace(request(tmp_path), bones=bones(tmp_path, mask((2, 1)), names))
        study = read(tmp_path, [made])
        assert study.visits[0].bones[0].names == ((1, BoneId("femur", Side.RIGHT)),)
        assert study.cautions == ()
        nowhere = replace(made, series=(replace(made.series[0], side=Side.UNKNOWN),))
        study = read(tmp_path, [nowhere])
        assert study.visits[0].bones[0].names == ((1, BoneId("femur", Side.UNKNOWN)),)
        assert [one.code for one in study.cautions] == ["side-unknown"]

    def test_series_that_contradict_each_other_give_no_side(self, tmp_path: Path) -> None:
        names = {"1": {"bone": "femur", "side": "unknown"}}
        made = request(tmp_path)
        both = (made.series[0], replace(made.series[0], side=Side.LEFT))
        visit = replace(made, series=both, bones=bones(tmp_path, mask((2, 1)), names))
        assert [one.code for one in read(tmp_path, [visit]).cautions] == ["side-unknown"]


class TestMaskForDicom:
    """A visit of the case with a mask and no series speaks of the DICOM of that date."""

    MADE = Made(cosines=(0.0, 0.8, 0.6, 0.0, 0.6, -0.8), slices=4)

    def mask_for(self, folder: Path, day: str) -> NiftiVisit:
        """One voxel, in the order of rows that conversion programs write (turned round)."""
        geometry = plan(folder).visits[0].series[0].stack.geometry
        data = np.zeros(geometry.shape, dtype=np.int16)
        data[3, 2, 1] = 1
        image = nib.Nifti1Image(data, np.diag([-1.0, -1, 1, 1]) @ geometry.affine)
        given = bones(folder, mask((0, 1)))
        nib.save(image.as_reoriented(np.array([[0, 1], [1, -1], [2, 1]])), given.file)
        return NiftiVisit(date.fromisoformat(day), (), given)

    def test_it_lies_on_the_series(self, tmp_path: Path) -> None:
        write_series(tmp_path, self.MADE)
        visit = read(tmp_path, [self.mask_for(tmp_path, "2024-01-05")]).visits[0]
        found = visit.bones[0].labels.on_grid_of(visit.series[0].volume)
        assert np.argwhere(found).tolist() == [[3, 2, 1]]
        assert visit.bones[0].names == ((1, BoneId("femur", Side.RIGHT)),)

    @pytest.mark.parametrize(
        ("day", "visit"), [("2024-01-05", 0), ("2024-01-12", 0), ("2024-06-01", 1)]
    )
    def test_its_date_finds_the_visit(self, tmp_path: Path, day: str, visit: int) -> None:
        write_series(tmp_path, self.MADE)
        write_series(tmp_path, self.MADE.but(date="20240601", study="2"))
        visits = read(tmp_path, [self.mask_for(tmp_path, day)]).visits
        assert [len(one.bones) for one in visits] == [visit == 0, visit == 1]

    @pytest.mark.parametrize("day", ["2024-01-04", "2024-01-13"])
    def test_a_date_of_no_visit(self, tmp_path: Path, day: str) -> None:
        write_series(tmp_path, self.MADE)
        error = refusal(tmp_path, [self.mask_for(tmp_path, day)])
        assert error.what == f"A mask of {day} belongs to no visit; the images are of 2024-01-05."

    def test_on_another_grid(self, tmp_path: Path) -> None:
        write_series(tmp_path, self.MADE)
        given = bones(tmp_path, mask((0, 1)))
        error = refusal(tmp_path, [NiftiVisit(date(2024, 1, 5), (), given)])
        assert "another grid than every series" in error.what

    def test_a_missing_file_is_no_silence(self, tmp_path: Path) -> None:
        write_series(tmp_path, self.MADE)
        given = NiftiBones(tmp_path / "no.nii.gz", tmp_path / "labels.json")
        error = refusal(tmp_path, [NiftiVisit(date(2024, 1, 5), (), given)])
        assert error.where == "no.nii.gz"


class TestRequests:
    CASE: ClassVar = {
        "visits": [
            {
                "date": "2024-01-05",
                "series": [
                    {"file": "one/stir.nii.gz", "body_part": "knee", "weighting": "stir"},
                    {
                        "file": "one/pd.nii.gz",
                        "body_part": "ankle",
                        "side": "left",
                        "weighting": "pd",
                        "fat_suppressed": True,
                    },
                ],
                "bones": {"file": "one/bones.nii.gz", "labels": "one/labels.json"},
            },
            {"date": "2024-03-05"},
        ]
    }

    def test_files_lie_below_the_patient(self, tmp_path: Path) -> None:
        (visit,) = nifti_visits(Case.model_validate(self.CASE), tmp_path)
        stir, pd = visit.series
        assert visit.date == date(2024, 1, 5)
        assert stir == NiftiSeries(
            tmp_path / "one" / "stir.nii.gz", "knee", Side.UNKNOWN, Weighting.STIR, None
        )
        assert (pd.side, pd.fat_suppressed, pd.body_part) == (Side.LEFT, True, "ankle")
        assert visit.bones == NiftiBones(
            tmp_path / "one" / "bones.nii.gz", tmp_path / "one" / "labels.json"
        )

    def test_none_without_files(self, tmp_path: Path) -> None:
        assert nifti_visits(Case(), tmp_path) == ()

    def test_every_weighting_of_the_record_is_one_of_ours(self) -> None:
        from marrowtrail.record.case_visits import WEIGHTINGS

        assert sorted(WEIGHTINGS) == sorted(Weighting)
