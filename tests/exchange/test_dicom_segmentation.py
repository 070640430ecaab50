"""Segmentations read back voxel for voxel: by the program's own reader, and by place alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marrowtrail.exchange.dicom.form import DicomForm
from marrowtrail.exchange.dicom.identity import Identity
from marrowtrail.exchange.dicom.planes import Planes, planes_of, why_no_planes
from marrowtrail.exchange.dicom.segmentation import Content, Segment, segmentation
from marrowtrail.imaging.series import Study
from marrowtrail.imaging.study import read_study
from marrowtrail.record.sites import BoneId, Side
from tests.exchange.made_dicom import complaints, parsed
from tests.imaging.dicom_factory import Made, datasets, placed_anyhow, voxels, write
from tests.imaging.enhanced_factory import Part, enhanced

FEMUR, TIBIA = BoneId("femur", Side.LEFT), BoneId("tibia", Side.LEFT)
CONTENT = Content("BONES", 9101, "Bones, research use only", "made from")
MADE = Made(
    slices=6,
    tags={"StudyID": "7", "StudyTime": "101500", "ReferringPhysicianName": "Hyde^Dr"},
)


def planes(study: Study, *, pseudonymous: bool = False) -> Planes:
    (visit,) = study.visits
    identity = Identity.of(study, pseudonymous=pseudonymous, keep_dates=True)
    derived = planes_of(visit.series[0], visit, identity)
    assert derived is not None
    return derived


def segment(mask: np.ndarray, bone: BoneId = FEMUR, *, lesion: bool = False) -> Segment:
    words = f"left {bone.bone}"
    return Segment(words, mask, bone, lesion, lesion, "drawn", "t" if lesion else "", "")


def two(made: Made, seed: int = 1) -> list[np.ndarray]:
    """Two structures that share no voxel, each in some slices only."""
    drawn = np.random.default_rng(seed).random(voxels(made).shape)
    first, second = drawn < 0.2, drawn > 0.85
    for mask in (first, second):
        mask[:, :, seed % made.slices] = False
    for mask, other, corner in (
        (first, second, (0, 0, (seed + 1) % made.slices)),
        (second, first, (-1, -1, (seed + 2) % made.slices)),
    ):
        mask[corner], other[corner] = True, False
    return [first, second]


def by_place(content: bytes, number: int, study: Study) -> np.ndarray:
    """Voxels of a segment from nothing but the position that each frame states."""
    data = parsed(content)
    grid = study.visits[0].series[0].volume.geometry
    found = np.zeros(grid.shape, dtype=bool)
    pixels = np.atleast_3d(data.pixel_array.reshape(-1, data.Rows, data.Columns))
    shared = data.SharedFunctionalGroupsSequence[0]
    row, column = np.reshape(
        [float(x) for x in shared.PlaneOrientationSequence[0].ImageOrientationPatient], (2, 3)
    )
    down, across = (float(x) for x in shared.PixelMeasuresSequence[0].PixelSpacing)
    for frame, groups in zip(pixels, data.PerFrameFunctionalGroupsSequence, strict=True):
        which = groups if "SegmentIdentificationSequence" in groups else shared
        if which.SegmentIdentificationSequence[0].ReferencedSegmentNumber != number:
            continue
        start = np.array([float(x) for x in groups.PlanePositionSequence[0].ImagePositionPatient])
        for j, i in np.argwhere(frame):
            place = grid.to_ijk(start + i * across * row + j * down * column)
            assert np.abs(place - np.rint(place)).max() < 1e-4
            found[tuple(np.rint(place).astype(int))] = True
    return found


@settings(max_examples=6, deadline=None)
@given(
    made=placed_anyhow(slices=5, rows=6, columns=9), seed=st.integers(0, 99), labelmap=st.booleans()
)
def test_any_orientation_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, made: Made, seed: int, labelmap: bool
) -> None:
    folder = tmp_path_factory.mktemp("series")
    write(folder, datasets(made))
    masks = two(made, seed)
    study = read_study(folder)
    segments = [segment(masks[0]), segment(masks[1], TIBIA)]
    drawn = segmentation(planes(study), segments, CONTENT, DicomForm(labelmap=labelmap))
    if not labelmap:
        for number, mask in enumerate(masks, start=1):
            assert np.array_equal(by_place(drawn.content, number, study), mask)
    (folder / "bones.dcm").write_bytes(drawn.content)
    (visit,) = read_study(folder).visits
    (bones,) = visit.bones
    assert np.array_equal(bones.labels.data, masks[0] + 2 * masks[1])
    assert bones.names == ((1, FEMUR), (2, TIBIA))


def test_by_the_library_that_fills_in_empty_slices(tmp_path: Path) -> None:
    write(tmp_path, datasets(MADE))
    masks = two(MADE)
    study = read_study(tmp_path)
    drawn = segmentation(planes(study), [segment(masks[0])], CONTENT, DicomForm())
    read = hd.seg.Segmentation.from_dataset(parsed(drawn.content))
    source = hd.get_volume_from_series(datasets(MADE))
    volume = read.get_volume(combine_segments=True).match_geometry(source)
    # highdicom orders slices its own way; both lie in its own volume of the source.
    expected = source.with_array(np.isin(source.array, voxels(MADE)[masks[0]]).astype(np.uint8))
    assert np.array_equal(volume.array, expected.array)


class TestReferences:
    def test_each_frame_names_the_slice_it_lies_on(self, tmp_path: Path) -> None:
        slices = datasets(MADE)
        write(tmp_path, slices)
        study = read_study(tmp_path)
        data = parsed(
            segmentation(planes(study), [segment(two(MADE)[0])], CONTENT, DicomForm()).content
        )
        places = {one.SOPInstanceUID: one.ImagePositionPatient for one in slices}
        for groups in data.PerFrameFunctionalGroupsSequence:
            (reference,) = groups.DerivationImageSequence[0].SourceImageSequence
            assert reference.ReferencedSOPClassUID == slices[0].SOPClassUID
            expected = places[reference.ReferencedSOPInstanceUID]
            assert np.allclose(groups.PlanePositionSequence[0].ImagePositionPatient, expected)
        (series,) = data.ReferencedSeriesSequence
        assert series.SeriesInstanceUID == slices[0].SeriesInstanceUID
        named = {one.ReferencedSOPInstanceUID for one in series.ReferencedInstanceSequence}
        assert named == set(places)

    def test_frames_of_a_multi_frame_image(self, tmp_path: Path) -> None:
        source = enhanced([Part(MADE)])
        pydicom.dcmwrite(tmp_path / "frames.dcm", source, enforce_file_format=True)
        study = read_study(tmp_path)
        mask = two(MADE)[0]
        drawn = segmentation(planes(study), [segment(mask)], CONTENT, DicomForm())
        assert np.array_equal(by_place(drawn.content, 1, study), mask)
        data = parsed(drawn.content)
        (series,) = data.ReferencedSeriesSequence
        (named,) = series.ReferencedInstanceSequence
        assert named.ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert named.ReferencedSOPClassUID == source.SOPClassUID
        frames = set()
        for groups in data.PerFrameFunctionalGroupsSequence:
            (reference,) = groups.DerivationImageSequence[0].SourceImageSequence
            assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
            its = source.PerFrameFunctionalGroupsSequence[reference.ReferencedFrameNumber - 1]
            place = its.PlanePositionSequence[0].ImagePositionPatient
            assert np.allclose(groups.PlanePositionSequence[0].ImagePositionPatient, place)
            frames.add(int(reference.ReferencedFrameNumber))
        assert len(frames) == np.count_nonzero(mask.any(axis=(0, 1)))
        assert complaints(drawn.content, tmp_path) == []


class TestForms:
    def test_labelmap_is_run_length_encoded(self, tmp_path: Path) -> None:
        write(tmp_path, datasets(MADE))
        derived = planes(read_study(tmp_path))
        data = parsed(
            segmentation(
                derived, [segment(one) for one in two(MADE)], CONTENT, DicomForm(labelmap=True)
            ).content
        )
        assert data.SegmentationType == "LABELMAP"
        assert data.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.5"

    def test_segments_that_overlap_need_binary(self, tmp_path: Path) -> None:
        write(tmp_path, datasets(MADE))
        study = read_study(tmp_path)
        mask = two(MADE)[0]
        drawn = segmentation(
            planes(study), [segment(mask), segment(mask, TIBIA)], CONTENT, DicomForm(labelmap=True)
        )
        data = parsed(drawn.content)
        assert (data.SegmentationType, data.SegmentsOverlap) == ("BINARY", "YES")
        for number in (1, 2):
            assert np.array_equal(by_place(drawn.content, number, study), mask)


class TestOddSources:
    def test_without_a_frame_of_reference(self, tmp_path: Path) -> None:
        slices = datasets(MADE)
        for one in slices:
            del one.FrameOfReferenceUID
        write(tmp_path, slices)
        study = read_study(tmp_path)
        mask = two(MADE)[0]
        drawn = segmentation(planes(study), [segment(mask)], CONTENT, DicomForm())
        assert complaints(drawn.content, tmp_path) == []
        (tmp_path / "object.dcm").unlink(missing_ok=True)
        (tmp_path / "bones.dcm").write_bytes(drawn.content)
        (bones,) = read_study(tmp_path).visits[0].bones
        assert np.array_equal(bones.labels.data, mask)

    def test_identifiers_that_break_the_rules_are_named_as_they_are(self, tmp_path: Path) -> None:
        slices = datasets(MADE)
        for number, one in enumerate(slices):
            one.SOPInstanceUID = f"1.2.826.00.1.0{number + 1}"
            one.file_meta.MediaStorageSOPInstanceUID = "1.2.826.1"
        with pydicom.config.disable_value_validation():
            write(tmp_path, slices)
        derived = planes(read_study(tmp_path))
        data = parsed(segmentation(derived, [segment(two(MADE)[0])], CONTENT, DicomForm()).content)
        (series,) = data.ReferencedSeriesSequence
        named = {str(one.ReferencedSOPInstanceUID) for one in series.ReferencedInstanceSequence}
        assert named == {str(one.SOPInstanceUID) for one in slices}

    @pytest.mark.parametrize(
        ("keyword", "value", "reason"),
        [
            ("StudyInstanceUID", "", "no study"),
            ("StudyInstanceUID", "none", "no study"),
            ("SeriesInstanceUID", "S1", "no UID"),
        ],
    )
    def test_without_a_name_to_refer_to(
        self, tmp_path: Path, keyword: str, value: str, reason: str
    ) -> None:
        slices = datasets(MADE)
        with pydicom.config.disable_value_validation():
            for one in slices:
                setattr(one, keyword, value)
            write(tmp_path, slices)
        (series,) = read_study(tmp_path).visits[0].series
        assert reason in why_no_planes(series)
        assert why_no_planes(replace(series, source=None)) != why_no_planes(series)

    def test_of_whole_identity_there_is_no_reason(self, tmp_path: Path) -> None:
        write(tmp_path, datasets(MADE))
        (series,) = read_study(tmp_path).visits[0].series
        assert why_no_planes(series) == ""
