"""Encodings, odd values and damage: every file is read, or refused or set aside in words."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import ClassVar

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    MPEG4HP41,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from marrowtrail.errors import InputError
from marrowtrail.imaging.pixels import read_pixels
from tests.imaging.dicom_factory import Made, datasets, uid, voxels, write, write_series
from tests.imaging.reading import (
    Alterations,
    aside,
    assert_anonymous,
    damaged,
    only,
    plan,
    read,
    read_or_refuse,
    refusal,
)

SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
)


def encode(ds: Dataset, syntax: UID) -> Dataset:
    """The same slice in another transfer syntax."""
    if syntax == RLELossless:
        with warnings.catch_warnings():
            # Twelve rows compress to as many bytes as they had, which pydicom remarks on.
            warnings.simplefilter("ignore", UserWarning)
            ds.compress(RLELossless)
        return ds
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


def renamed_syntax(content: bytes, syntax: UID) -> bytes:
    """A file that claims another transfer syntax, with the length of its header put right."""
    at = content.index(b"\x02\x00\x10\x00UI") + 6
    length = int.from_bytes(content[at : at + 2], "little")
    name = syntax.encode() + b"\0" * (len(syntax) % 2)
    group = int.from_bytes(content[140:144], "little") + len(name) - length
    head = content[:140] + group.to_bytes(4, "little") + content[144:at]
    return head + len(name).to_bytes(2, "little") + name + content[at + 2 + length :]


class TestSyntax:
    @pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda one: one.name)
    def test_each_gives_the_same_voxels(self, tmp_path: Path, syntax: UID) -> None:
        write(tmp_path, [encode(ds, syntax) for ds in datasets(Made())])
        assert np.array_equal(only(tmp_path).volume.data, voxels(Made()))

    @pytest.mark.parametrize(
        "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
    )
    def test_without_preamble_or_file_header(self, tmp_path: Path, syntax: UID) -> None:
        for number, ds in enumerate(datasets(Made())):
            encode(ds, syntax)
            del ds.file_meta
            implicit, little = syntax.is_implicit_VR, syntax.is_little_endian
            pydicom.dcmwrite(
                tmp_path / f"{number}",
                ds,
                implicit_vr=implicit,
                little_endian=little,
                enforce_file_format=False,
            )
        assert np.array_equal(only(tmp_path).volume.data, voxels(Made()))

    @pytest.mark.parametrize(
        ("syntax", "name"),
        [
            (MPEG4HP41, "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
            (UID("1.2.826.0.1.9999"), "an unknown syntax"),
            (UID("1.2.840.10008.1.2.999"), "an unknown syntax"),
        ],
    )
    def test_what_is_not_decoded_is_named(self, tmp_path: Path, syntax: UID, name: str) -> None:
        write_series(tmp_path, Made())
        for path in write_series(tmp_path / "other", Made(series="2")):
            path.write_bytes(renamed_syntax(path.read_bytes(), syntax))
        assert aside(read(tmp_path)) == {f"images in {name}": 5}


class TestPixelValues:
    def test_slope_and_intercept_are_those_of_each_slice(self, tmp_path: Path) -> None:
        slices = datasets(Made())
        for k, ds in enumerate(slices):
            ds.RescaleSlope, ds.RescaleIntercept = str(k + 1), str(-k)
        write(tmp_path, slices)
        expected = voxels(Made()) * np.arange(1.0, 6.0) - np.arange(5.0)
        assert np.allclose(only(tmp_path).volume.data, expected)

    def test_without_slope_the_stored_values_count(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        one = only(tmp_path)
        assert one.volume.data.dtype == np.float32
        assert one.volume.data[0, 0, 0] == 1

    def test_signed_values(self, tmp_path: Path) -> None:
        made = Made(tags={"PixelRepresentation": 1})
        data = voxels(made).astype(np.int16) - 500
        write_series(tmp_path, made, data.view(np.uint16))
        assert np.array_equal(only(tmp_path).volume.data, data)

    def test_a_constant_image_is_refused(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(), np.full_like(voxels(Made()), 7))
        error = refusal(tmp_path)
        assert error.what == "Every voxel has the value 7; there is no image."
        assert error.where == "v1, series v1-s1 (knee, PD FS, sagittal)"
        assert "take it out of the folder" in error.remedy

    def test_a_slope_of_no_number_counts_as_missing(self, tmp_path: Path) -> None:
        paths = write_series(tmp_path, Made(tags={"RescaleSlope": "22.25"}))
        for path in paths:
            path.write_bytes(path.read_bytes().replace(b"22.25 ", b"maybe "))
        assert only(tmp_path).volume.data[0, 0, 0] == 1


class TestDamage:
    @pytest.mark.parametrize("lost", [1, 2, 100, 380])
    def test_pixels_cut_short(self, tmp_path: Path, lost: int) -> None:
        paths = write_series(tmp_path, Made())
        paths[2].write_bytes(paths[2].read_bytes()[:-lost])
        error = refusal(tmp_path)
        assert error.what == ("An image's pixels cannot be read; the file is damaged or cut short.")
        assert error.where == "v1, series v1-s1 (knee, PD FS, sagittal), slice 3"
        assert error.remedy == "copy or export the series again"

    def test_a_slice_without_number_is_named_as_such(self, tmp_path: Path) -> None:
        paths = write_series(tmp_path, Made(tags={"InstanceNumber": ""}))
        paths[0].write_bytes(paths[0].read_bytes()[:-20])
        assert refusal(tmp_path).where.endswith("a slice without number")

    @pytest.mark.parametrize("change", ["gone", "other"])
    def test_a_file_that_changes_after_the_scan(self, tmp_path: Path, change: str) -> None:
        paths = write_series(tmp_path, Made())
        (series,) = plan(tmp_path).visits[0].series
        if change == "gone":
            paths[1].unlink()
            expected = "damaged or cut short"
        else:
            pydicom.dcmwrite(paths[1], datasets(Made(rows=6))[1], enforce_file_format=True)
            expected = r"\(6, 16\) pixels where its header says \(12, 16\)"
        with pytest.raises(InputError, match=expected) as caught:
            read_pixels(series.stack, series.where)
        assert_anonymous(str(caught.value))

    @settings(max_examples=120, deadline=None)
    @given(
        syntax=st.sampled_from(SYNTAXES),
        cut=st.none() | st.floats(0, 1),
        alter=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=10),
    )
    def test_any_damage_ends_in_words(
        self, syntax: UID, cut: float | None, alter: Alterations
    ) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            paths = write(folder, [encode(ds, syntax) for ds in datasets(Made(slices=3))])
            paths[1].write_bytes(damaged(paths[1].read_bytes(), cut, alter))
            read_or_refuse(folder)

    def test_a_header_cut_short_is_set_aside(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        for path in write_series(tmp_path / "cut", Made(series="2")):
            path.write_bytes(path.read_bytes()[:600])
        study = read(tmp_path)
        assert len(study.visits[0].series) == 1
        assert sum(aside(study).values()) == 5


class TestOddValues:
    """Values that break the standard cost neither the file nor a line on the terminal."""

    ODD: ClassVar = {
        "RepetitionTime": (b"3000.0", b"about3"),
        "InstanceNumber": (b"IS\x02\x001 ", b"IS\x02\x00.5"),
        "StudyDate": (b"20240105", b"2024-1-5"),
        "PatientAge": (b"046Y", b"old "),
        "InstitutionName": (b"St. Nowhere", b"\xff\xfe\xe4 Nowhere"),
    }

    @pytest.mark.parametrize("name", ODD)
    def test_are_taken_as_missing(self, tmp_path: Path, name: str) -> None:
        before, after = self.ODD[name]
        made = Made(tags={"ContentDate": "20240106"})
        changed = 0
        for path in write_series(tmp_path, made):
            content = path.read_bytes()
            changed += content.count(before)
            path.write_bytes(content.replace(before, after))
        assert changed
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.array_equal(only(tmp_path).volume.data, voxels(made))

    def test_an_overlong_decimal_is_read_without_remark(self, tmp_path: Path) -> None:
        for path in write_series(tmp_path, Made(tags={"EchoTime": "34.9999999999999"})):
            content = path.read_bytes()
            longer = content.replace(b"DS\x10\x0034.9999999999999", b"DS\x12\x0034.999999999999999")
            assert longer != content
            path.write_bytes(longer)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert only(tmp_path).echo_time_ms == pytest.approx(35)

    def test_the_filter_is_lifted_again(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        read(tmp_path)
        with pytest.warns(UserWarning, match="still heard"):
            warnings.warn("still heard", UserWarning, stacklevel=1)


class TestNotImages:
    def test_each_is_counted_with_its_reason(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        (tmp_path / "junk").write_bytes(b"not dicom at all")
        (tmp_path / "empty").write_bytes(b"")
        (tmp_path / "begins-like-one").write_bytes(b"\x08\x00" + bytes(200))
        (tmp_path / "export.ZIP").write_bytes(b"PK\x03\x04")
        (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "notes.txt").write_text("never opened")
        (tmp_path / ".DS_Store").write_bytes(b"never opened")
        study = read(tmp_path)
        assert aside(study) == {
            "documents and pictures": 1,
            "other files": 3,
            "damaged zip archives": 1,
            "unreadable files": 2,
        }

    @pytest.mark.parametrize(
        ("tags", "what"),
        [
            (
                {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4.1"},
                "multi-frame images without a place for each frame",
            ),
            ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary captures"),
            ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "images of another modality"),
            ({"SeriesInstanceUID": ""}, "images without an identifier"),
            ({"NumberOfFrames": "2"}, "multi-frame images without a place for each frame"),
            ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour images"),
            ({"PhotometricInterpretation": "YBR_FULL", "SamplesPerPixel": 3}, "colour images"),
            ({"SamplesPerPixel": 3}, "colour images"),
            ({"PhotometricInterpretation": "MONOCHROME1"}, "images of reversed brightness"),
            ({"PixelSpacing": None}, "images without a place"),
            ({"PixelSpacing": ["0", "0"]}, "images without a place"),
            ({"ImagePositionPatient": None}, "images without a place"),
            ({"ImageOrientationPatient": None}, "images without a place"),
            ({"ImageOrientationPatient": ["0"] * 6}, "images without a place"),
        ],
    )
    def test_images_that_cannot_be_used(self, tmp_path: Path, tags, what: str) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(series="2", tags=tags))
        assert aside(read(tmp_path)) == {what: 5}

    def test_no_instance_uid(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        slices = datasets(Made(series="2"))
        for ds in slices:
            ds.SOPInstanceUID = ""
        write(tmp_path, slices, "nameless")
        assert aside(read(tmp_path)) == {"images without an identifier": 5}


class TestCopies:
    def test_duplicates_are_dropped_and_counted(self, tmp_path: Path) -> None:
        write_series(tmp_path / "a", Made())
        write_series(tmp_path / "b" / "c", Made())
        write(tmp_path / "d", datasets(Made())[:2])
        study = read(tmp_path)
        assert len(study.visits[0].series) == 1
        assert aside(study) == {"duplicates": 7}

    def test_another_image_with_the_same_identifier_is_no_copy(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        slices = datasets(Made(series="2", te=80.0))
        for ds, owner in zip(slices, datasets(Made()), strict=True):
            ds.SOPInstanceUID = owner.SOPInstanceUID
        write(tmp_path, slices, "clash")
        assert aside(read(tmp_path)) == {"images with another's identifier": 5}

    def test_the_same_image_under_two_identifiers(self, tmp_path: Path) -> None:
        slices = datasets(Made()) + datasets(Made())
        for number, ds in enumerate(slices):
            ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid("other", number)
        write(tmp_path, slices)
        assert "several images at one place" in refusal(tmp_path).what
