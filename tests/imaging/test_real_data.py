"""Real files from scanners, which break more rules than any test does."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from marrowtrail.errors import InputError
from marrowtrail.imaging.nifti import NiftiBones, NiftiSeries, NiftiVisit, read_labels, read_volume
from marrowtrail.imaging.plan import plan_folder
from marrowtrail.imaging.series import Plane, Weighting
from marrowtrail.imaging.study import read_study
from marrowtrail.record.sites import BoneId, Side
from tests.imaging.reading import aside


class TestMultiEchoKnee:
    """GE 3 T, big endian, three echoes in one series, cosines with six decimals."""

    def test_three_echoes_without_fat_suppression(self, shared_data: Path) -> None:
        study = read_study(shared_data / "knee-multi-echo-dicom")
        (visit,) = study.visits
        assert visit.date == date(2015, 4, 7)
        assert [one.echo_time_ms for one in visit.series] == [6.312, 25.248, 50.496]
        assert study.set_aside == study.cautions == ()
        for one in visit.series:
            assert one.contrast.weighting is Weighting.PD
            assert one.contrast.fat_suppressed is False
            assert not one.contrast.is_fluid_sensitive
            assert one.plane is Plane.SAGITTAL
            assert one.volume.geometry.shape == (256, 256, 24)
            assert np.allclose(one.volume.geometry.spacing_mm, (0.625, 0.625, 4.0), atol=1e-5)
        assert (study.age_years, study.sex) == (None, None)

    def test_an_echo_that_lacks_a_slice_costs_the_others_nothing(
        self, shared_data: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "knee"
        shutil.copytree(shared_data / "knee-multi-echo-dicom", folder)
        second = plan_folder(folder).visits[0].series[1].stack.headers
        second[10].path.unlink()
        planned = plan_folder(folder)
        slices = [
            (one.stack.first.number("EchoTime"), len(one.stack.headers))
            for one in planned.visits[0].series
        ]
        assert slices == [(6.312, 24), (25.248, 10), (25.248, 13), (50.496, 24)]
        assert [one.code for one in planned.cautions] == ["slices-missing"] * 2

    def test_signal_decays_from_echo_to_echo(self, shared_data: Path) -> None:
        series = read_study(shared_data / "knee-multi-echo-dicom").visits[0].series
        means = [float(one.volume.on_grid_of(series[0].volume).mean()) for one in series]
        assert means == sorted(means, reverse=True)

    def test_the_header_identifies_and_nothing_said_does(self, shared_data: Path) -> None:
        planned = plan_folder(shared_data / "knee-multi-echo-dicom")
        (visit,) = planned.visits
        for one in visit.series:
            name = one.stack.first.text("PatientID")
            assert name
            assert name not in one.where + one.contrast.reason


class TestOddFiles:
    @pytest.fixture
    def alone(self, shared_data: Path, tmp_path: Path):
        """Each file has a folder of its own: they are different patients."""

        def copy(name: str) -> Path:
            shutil.copy(shared_data / "odd-dicom" / name, tmp_path)
            return tmp_path

        return copy

    @pytest.mark.parametrize(
        ("name", "what", "images"),
        [
            ("enhanced-multiframe-knee.dcm", "dynamic series", 19),
            ("explicit_mr_jpeg-lossy_mono2.dcm", "derived map", 1),
            ("explicit_mr_rle_mono2.dcm", "derived map", 1),
            ("ge-coronal-t1-knee.dcm", "too few slices", 1),
            ("implicit_mr_16bit_mono2.dcm", "too few slices", 1),
            ("no-header_implicit_mr_16bit_mono2.dcm", "too few slices", 1),
        ],
    )
    def test_each_is_set_aside_with_a_reason(
        self, alone, name: str, what: str, images: int
    ) -> None:
        folder = alone(name)
        assert aside(plan_folder(folder)) == {what: images}
        with pytest.raises(InputError, match="nothing in the folder can be used"):
            read_study(folder)

    def test_every_file_is_accounted_for(self, shared_data: Path) -> None:
        listed = {path.name for path in (shared_data / "odd-dicom").iterdir()}
        (mark,) = (
            one
            for one in self.test_each_is_set_aside_with_a_reason.pytestmark
            if one.name == "parametrize"
        )
        assert listed == {name for name, _, _ in mark.args[1]}

    def test_together_they_are_several_patients(self, shared_data: Path) -> None:
        with pytest.raises(InputError, match="Expected one patient"):
            read_study(shared_data / "odd-dicom")


class TestSacroiliac:
    def test_as_a_visit_with_its_mask(self, shared_data: Path, tmp_path: Path) -> None:
        folder = shared_data / "sacroiliac" / "1007"
        labels = tmp_path / "labels.json"
        names = {"1": {"bone": "sacroiliac_bones", "side": "midline"}}
        labels.write_text(json.dumps(names), encoding="utf-8")
        series = (
            NiftiSeries(folder / "stir.nii.gz", "sacroiliac", Side.MIDLINE, Weighting.STIR, None),
            NiftiSeries(folder / "t1.nii.gz", "sacroiliac", Side.MIDLINE, Weighting.T1, False),
        )
        bones = NiftiBones(folder / "bone.nii.gz", labels)
        study = read_study(folder, [NiftiVisit(date(2015, 1, 1), series, bones)])
        (visit,) = study.visits
        assert visit.bones[0].names == ((1, BoneId("sacroiliac_bones", Side.MIDLINE)),)
        assert study.cautions == ()
        assert [one.plane for one in visit.series] == [Plane.CORONAL] * 2
        assert [one.contrast.is_fluid_sensitive for one in visit.series] == [True, False]
        stir, t1 = (one.volume for one in visit.series)
        inside = visit.bones[0].labels.on_grid_of(stir) > 0
        assert 0 < inside.mean() < 0.5
        assert t1.geometry.same_grid(stir.geometry)

    def test_every_mask_lies_on_its_image(self, shared_data: Path, tmp_path: Path) -> None:
        labels = tmp_path / "labels.json"
        names = {"1": {"bone": "sacroiliac_bones", "side": "midline"}}
        labels.write_text(json.dumps(names), encoding="utf-8")
        for patient in ("1012", "1234"):
            folder = shared_data / "sacroiliac" / patient
            mask = read_labels(NiftiBones(folder / "bone.nii.gz", labels))
            mask.labels.on_grid_of(read_volume(folder / "stir.nii.gz"))

    def test_another_order_of_axes_is_the_same_tissue(self, shared_data: Path) -> None:
        """patient-4's before is stored in another axis order than its after."""
        folder = shared_data / "sacroiliac" / "serial-t1" / "patient-4"
        before, after = (read_volume(folder / f"{name}.nii.gz") for name in ("before", "after"))
        codes = [
            nib.aff2axcodes(nib.load(folder / f"{n}.nii.gz").affine) for n in ("before", "after")
        ]
        assert codes[0] != codes[1]
        for volume, name in ((before, "before"), (after, "after")):
            image = nib.load(folder / f"{name}.nii.gz")
            assert volume.geometry.shape == image.shape
            assert np.array_equal(volume.data, np.asarray(image.dataobj, dtype=np.float32))
            ras = nib.affines.apply_affine(image.affine, (100, 200, 12))
            lps = volume.geometry.to_lps(np.array([100, 200, 12]))
            assert np.allclose(lps, ras * (-1, -1, 1), atol=1e-3)
