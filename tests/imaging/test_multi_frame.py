"""Frames of multi-frame images are read as the single images they would have been."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from marrowtrail.errors import InputError
from marrowtrail.imaging import decoding
from marrowtrail.imaging.series import Weighting
from marrowtrail.imaging.study import read_study
from marrowtrail.record.sites import Side
from tests.imaging.compressing import CODECS, Stored, compress, compress_rle, picture
from tests.imaging.compressing import write as write_one
from tests.imaging.dicom_factory import Made, expected_lps, voxels, write, write_series
from tests.imaging.enhanced_factory import LEGACY, Part, enhanced
from tests.imaging.reading import Alterations, aside, damaged, only, plan, read, read_or_refuse

OBLIQUE = Made(cosines=(0.1, 0.9949874371, 0.0, 0.0, 0.0, -1.0), spacing=(0.5, 0.7), step=3.5)


def put(folder: Path, ds: Dataset) -> Path:
    return write(folder, [ds], "multi")[0]


class TestTwins:
    """A file of frames and the folder of single images with the same content."""

    @pytest.mark.parametrize("made", [Made(), OBLIQUE, Made(options=(), te=20.0, laterality="L")])
    def test_are_read_alike(self, tmp_path: Path, made: Made) -> None:
        write_series(tmp_path / "single", made)
        put(tmp_path / "multi", enhanced([Part(made)]))
        single, multi = only(tmp_path / "single"), only(tmp_path / "multi")
        assert np.array_equal(multi.volume.data, single.volume.data)
        assert np.array_equal(multi.volume.geometry.affine, single.volume.geometry.affine)
        assert multi.contrast.label == single.contrast.label
        assert (multi.side, multi.body_part, multi.plane) == (
            single.side,
            single.body_part,
            single.plane,
        )
        assert (multi.echo_time_ms, multi.repetition_time_ms) == (made.te, made.tr)
        assert multi.slice_thickness_mm == single.slice_thickness_mm

    def test_voxels_lie_where_their_frames_say(self, tmp_path: Path) -> None:
        put(tmp_path, enhanced([Part(OBLIQUE)]))
        geometry = only(tmp_path).volume.geometry
        for voxel in ([0, 0, 0], [15, 0, 0], [0, 11, 0], [3, 4, 4]):
            lps = geometry.to_lps(np.array(voxel))
            assert np.allclose(lps, expected_lps(OBLIQUE, *voxel), atol=1e-4)

    @pytest.mark.parametrize("shared_geometry", [True, False])
    def test_in_any_order_of_frames(self, tmp_path: Path, *, shared_geometry: bool) -> None:
        put(tmp_path, enhanced([Part()], [3, 0, 4, 1, 2], shared_geometry=shared_geometry))
        assert np.array_equal(only(tmp_path).volume.data, voxels(Made()))

    def test_one_frame_is_no_volume(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(series="2"))
        put(tmp_path, enhanced([Part(Made(slices=1))]))
        assert aside(read(tmp_path)) == {"too few slices": 1}

    def test_slope_and_intercept_are_those_of_each_frame(self, tmp_path: Path) -> None:
        ds = enhanced([Part()])
        for k, groups in enumerate(ds.PerFrameFunctionalGroupsSequence):
            groups.PixelValueTransformationSequence[0].RescaleSlope = str(k + 1)
            groups.PixelValueTransformationSequence[0].RescaleIntercept = str(-k)
        put(tmp_path, ds)
        expected = voxels(Made()) * np.arange(1.0, 6.0) - np.arange(5.0)
        assert np.allclose(only(tmp_path).volume.data, expected)

    @pytest.mark.parametrize(
        "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
    )
    def test_in_other_syntaxes(self, tmp_path: Path, syntax: pydicom.uid.UID) -> None:
        ds = enhanced([Part()])
        if syntax == ExplicitVRBigEndian:
            ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
        ds.file_meta.TransferSyntaxUID = syntax
        put(tmp_path, ds)
        assert np.array_equal(only(tmp_path).volume.data, voxels(Made()))

    def test_compressed_and_opened_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stored = Stored(12, 16, 12)
        images = [picture(stored, seed) for seed in range(5)]
        ds = enhanced([Part()], BitsStored=12, HighBit=11)
        put(tmp_path, compress(ds, CODECS[1], stored, images))
        opened: list[object] = []
        whole = decoding._contents
        monkeypatch.setattr(
            decoding, "_contents", lambda *args: opened.append(args) or whole(*args)
        )
        data = only(tmp_path).volume.data
        assert np.array_equal(data, np.stack([one.T for one in images], axis=-1))
        assert len(opened) == 1

    def test_run_length(self, tmp_path: Path) -> None:
        put(tmp_path, compress_rle(enhanced([Part()])))
        assert np.array_equal(only(tmp_path).volume.data, voxels(Made()))


class TestParted:
    """What another scanner would have sent as series of their own."""

    def labels(self, folder: Path) -> list[tuple[str, float | None, int]]:
        (visit,) = read(folder).visits
        return sorted(
            (one.contrast.label, one.echo_time_ms, one.volume.geometry.shape[2])
            for one in visit.series
        )

    def test_echoes(self, tmp_path: Path) -> None:
        parts = [Part(Made(te=20.0)), Part(Made(te=80.0), voxels(Made()) + 500)]
        put(tmp_path, enhanced(parts, [0, 5, 1, 6, 2, 7, 3, 8, 4, 9]))
        assert self.labels(tmp_path) == [("PD FS", 20.0, 5), ("T2 FS", 80.0, 5)]
        series = {one.echo_time_ms: one for one in read(tmp_path).visits[0].series}
        assert np.array_equal(series[80.0].volume.data, voxels(Made()) + 500)

    def test_stacks_of_one_direction(self, tmp_path: Path) -> None:
        apart = Made(origin=(60.0, -80.0, 70.0))
        put(tmp_path, enhanced([Part(), Part(apart, stack="2")]))
        assert self.labels(tmp_path) == [("PD FS", 35.0, 5)] * 2

    def test_types(self, tmp_path: Path) -> None:
        phase = Part(groups={"MRImageFrameTypeSequence": {"ComplexImageComponent": "PHASE"}})
        put(tmp_path, enhanced([Part(), phase]))
        assert self.labels(tmp_path) == [("PD FS", 35.0, 5)]
        assert aside(read(tmp_path)) == {"phase, real or imaginary images": 5}

    def test_a_dimension_of_the_file_where_nothing_else_tells(self, tmp_path: Path) -> None:
        """Two delays after the trigger, at the same places: no keyword that is read tells them."""
        put(tmp_path, enhanced([Part(), Part(data=voxels(Made()) + 9, extra_dimension=2)]))
        study = read(tmp_path)
        first, second = (one.volume.data for one in study.visits[0].series)
        assert np.ptp(first - second) == 0
        assert abs(first - second)[0, 0, 0] == 9

    def test_nothing_tells_frames_at_one_place_apart(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(series="2"))
        put(tmp_path, enhanced([Part(), Part(data=voxels(Made()) + 9)]))
        assert aside(read(tmp_path)) == {"several images at one place": 10}


class TestWords:
    """Enhanced images say in other words what classic ones say."""

    def contrast(self, folder: Path, part: Part, **tags: object):
        put(folder, enhanced([part], **tags))
        return only(folder).contrast

    def test_stir(self, tmp_path: Path) -> None:
        part = Part(
            Made(options=(), description=""),
            groups={"MRModifierSequence": {"InversionRecovery": "YES", "InversionTimes": [160.0]}},
        )
        contrast = self.contrast(tmp_path, part)
        assert contrast.weighting is Weighting.STIR
        assert "TI 160 ms" in contrast.reason

    def test_no_suppression(self, tmp_path: Path) -> None:
        part = Part(Made(options=(), description=""))
        assert self.contrast(tmp_path, part).fat_suppressed is False

    def test_spectral_suppression(self, tmp_path: Path) -> None:
        contrast = self.contrast(tmp_path, Part(Made(description="")))
        assert contrast.fat_suppressed is True
        assert contrast.is_fluid_sensitive

    def test_suppressed_water_is_no_suppressed_fat(self, tmp_path: Path) -> None:
        part = Part(Made(options=(), description=""))
        contrast = self.contrast(tmp_path, part, SpectrallySelectedSuppression="WATER")
        assert not contrast.is_fluid_sensitive

    def test_gradient_echo(self, tmp_path: Path) -> None:
        part = Part(
            Made(options=(), description="", tr=500.0, te=20.0),
            groups={"MRTimingAndRelatedParametersSequence": {"FlipAngle": "20"}},
        )
        contrast = self.contrast(tmp_path, part, EchoPulseSequence="GRADIENT")
        assert contrast.weighting is Weighting.T2_STAR

    @pytest.mark.parametrize(
        ("administered", "agent"), [("YES", True), ("NO", False), (None, True)]
    )
    def test_contrast_agent(self, tmp_path: Path, administered: str | None, *, agent: bool) -> None:
        groups: dict[str, dict[str, object]] = {}
        if administered:
            groups["ContrastBolusUsageSequence"] = {"ContrastBolusAgentAdministered": administered}
        named = Dataset()
        named.CodeValue, named.CodingSchemeDesignator, named.CodeMeaning = "1", "99X", "Gadolinium"
        put(tmp_path, enhanced([Part(groups=groups)], ContrastBolusAgentSequence=[named]))
        (series,) = plan(tmp_path).visits[0].series
        assert bool(series.stack.first.text("ContrastBolusAgent")) is agent

    def test_region_and_side_of_the_frame(self, tmp_path: Path) -> None:
        region = Dataset()
        region.CodeValue, region.CodingSchemeDesignator = "72696002", "SCT"
        region.CodeMeaning = "Knee"
        part = Part(
            Made(body_part="", description="", laterality="L"),
            groups={"FrameAnatomySequence": {"AnatomicRegionSequence": [region]}},
        )
        put(tmp_path, enhanced([part], StudyDescription=""))
        series = only(tmp_path)
        assert (series.body_part, series.side) == ("knee", Side.LEFT)

    @pytest.mark.parametrize(
        ("kind", "tags", "what"),
        [
            ({"AcquisitionContrast": "DIFFUSION"}, {}, "diffusion images"),
            ({}, {"VolumeBasedCalculationTechnique": "MAX_IP"}, "derived map"),
            ({"FrameType": ["DERIVED", "PRIMARY", "X", "SUBTRACTION"]}, {}, "subtraction images"),
            ({"FrameType": ["DERIVED", "PRIMARY", "X", "MAXIMUM"]}, {}, "derived map"),
        ],
    )
    def test_what_is_no_measured_magnitude(
        self, tmp_path: Path, kind: dict[str, object], tags: dict[str, object], what: str
    ) -> None:
        write_series(tmp_path, Made(series="2"))
        put(tmp_path, enhanced([Part(groups={"MRImageFrameTypeSequence": kind})], **tags))
        assert aside(read(tmp_path)) == {what: 5}

    def test_legacy_converted_keeps_the_classic_words(self, tmp_path: Path) -> None:
        classic = {
            "EchoTime": "85", "ScanOptions": ["FS"], "ScanningSequence": "SE",
        }  # fmt: skip
        ds = enhanced(
            [Part(Made(options=(), description=""),
                  groups={"UnassignedPerFrameConvertedAttributesSequence": classic})],
            sop_class=LEGACY,
        )  # fmt: skip
        del ds.EchoPulseSequence
        del ds.SpectrallySelectedSuppression
        for groups in ds.PerFrameFunctionalGroupsSequence:
            del groups.MREchoSequence
        put(tmp_path, ds)
        series = only(tmp_path)
        assert series.contrast.label == "T2 FS"
        assert series.echo_time_ms == 85


class TestIncomplete:
    def test_a_frame_without_a_place_is_counted(self, tmp_path: Path) -> None:
        ds = enhanced([Part(Made(slices=6))])
        del ds.PerFrameFunctionalGroupsSequence[5].PlanePositionSequence
        put(tmp_path, ds)
        study = read(tmp_path)
        assert aside(study) == {"images without a place": 1}
        assert study.visits[0].series[0].volume.geometry.shape[2] == 5

    @pytest.mark.parametrize("frames", [4, 6, 10**9, 0])
    def test_another_number_of_frames_than_groups(self, tmp_path: Path, frames: int) -> None:
        write_series(tmp_path, Made(series="2"))
        put(tmp_path, enhanced([Part()], NumberOfFrames=frames))
        assert aside(read(tmp_path)) == {"multi-frame images without a place for each frame": 1}

    def test_classic_with_frames_and_no_groups(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(series="2"))
        write_series(tmp_path, Made(series="3", slices=3, tags={"NumberOfFrames": "2"}))
        assert aside(read(tmp_path)) == {"multi-frame images without a place for each frame": 3}

    def test_enhanced_colour(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(series="2"))
        put(tmp_path, enhanced([Part()], sop_class="1.2.840.10008.5.1.4.1.1.4.3"))
        assert aside(read(tmp_path)) == {"colour images": 1}

    def test_copies_of_a_file_are_one(self, tmp_path: Path) -> None:
        for folder in ("a", "b"):
            put(tmp_path / folder, enhanced([Part()]))
        study = read(tmp_path)
        assert aside(study) == {"duplicates": 1}
        assert len(study.visits[0].series) == 1

    @pytest.mark.parametrize("lost", [1, 400])
    def test_pixels_cut_short(self, tmp_path: Path, lost: int) -> None:
        path = put(tmp_path, enhanced([Part()]))
        path.write_bytes(path.read_bytes()[:-lost])
        with pytest.raises(InputError, match="damaged or cut short"):
            read_study(tmp_path)

    @settings(max_examples=150, deadline=None)
    @given(
        is_compressed=st.booleans(),
        cut=st.none() | st.floats(0, 1),
        alter=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=10),
    )
    def test_any_damage_ends_in_words(
        self, *, is_compressed: bool, cut: float | None, alter: Alterations
    ) -> None:
        stored = Stored(12, 16, 12)
        ds = enhanced([Part(Made(slices=3))], BitsStored=12, HighBit=11)
        if is_compressed:
            ds = compress(ds, CODECS[0], stored, [picture(stored, seed) for seed in range(3)])
        with tempfile.TemporaryDirectory() as name:
            path = write_one(Path(name) / "a", ds)
            path.write_bytes(damaged(path.read_bytes(), cut, alter))
            read_or_refuse(Path(name))
