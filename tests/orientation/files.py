"""A scan written as scanners and segmentation programs write it."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import highdicom as hd
import nibabel as nib
import numpy as np
from highdicom.seg import Segmentation, SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

from tests.orientation import knee
from tests.orientation.markers import Markers, paint, place_markers
from tests.orientation.scan import Scan

CODES = {
    "femur": codes.SCT.Femur,
    "tibia": codes.SCT.Tibia,
    "fibula": codes.SCT.Fibula,
    "patella": codes.SCT.Patella,
}
SIDES = {"left": codes.SCT.Left, "right": codes.SCT.Right}
DATE = "20240105"


@dataclass(frozen=True)
class Written:
    """A scan on disk, and what was painted into it. ``image`` is in the scan's own order."""

    scan: Scan
    folder: Path
    image: NDArray[np.uint16]
    markers: tuple[Markers, ...]


def uid(*parts: object) -> UID:
    """All of one length, as the files of a series must be."""
    made = generate_uid(prefix="2.25.", entropy_srcs=[str(part) for part in parts])
    return UID(made[:40].ljust(40, "7"))


def write_scan(
    scan: Scan,
    folder: Path,
    *,
    date: str = DATE,
    laterality: str | None = None,
    with_balls: bool = True,
    pixels_turned: tuple[int, ...] = (),
) -> Written:
    """Write a patient folder: the series, its bones as DICOM SEG.

    ``pixels_turned`` are the axes (0 along rows, 1 down columns, 2 through slices) along which
    the pixels, and the masks with them, are reversed while the headers stay as they are.
    """
    rng = np.random.default_rng(scan.combination.seed)
    markers = place_markers(scan) if with_balls else ()
    image = paint(scan, knee.signal(scan.rest, rng), markers)
    image = np.flip(np.clip(np.round(image), 0, 4000).astype(np.uint16), pixels_turned)
    bones = np.flip(scan.bones, pixels_turned)
    side = laterality or scan.combination.limb
    folder.mkdir(parents=True)
    slices = _write_slices(scan, image, _common(scan, date, side), folder, date)
    kind = ("BINARY", "LABELMAP", "LABELMAP")[scan.combination.seed % 3]
    write_seg(slices, bones, side, folder / "bones.dcm", kind)
    return Written(scan, folder, image, markers)


def _ordered(how: str, count: int, rng: np.random.Generator) -> list[int]:
    """A number for each slice of the planned stack, from 1."""
    if how == "shuffled":
        return [int(n) + 1 for n in rng.permutation(count)]
    return list(range(1, count + 1)) if how == "ascending" else list(range(count, 0, -1))


def _write_slices(
    scan: Scan, image: NDArray[np.uint16], common: Dataset, folder: Path, date: str
) -> list[Dataset]:
    """Write the series; what a segmentation must know of its slices, in order of the stack.

    pydicom encodes one slice, and the others are that file with their own values in its place:
    thousands of files are written, and they differ in four elements of fixed length.
    """
    rng = np.random.default_rng(scan.combination.seed + 1)
    numbers = _ordered(scan.combination.numbers, scan.size[2], rng)
    names = _ordered(scan.combination.files, scan.size[2], rng)
    slices = [_slice(scan, common, date, k, number) for k, number in enumerate(numbers)]
    first = FileDataset("", {}, file_meta=_meta(slices[0]), preamble=b"\0" * 128)
    first.update(slices[0])
    first.PixelData = (b"pixels  " * image[:, :, 0].size)[: image[:, :, 0].nbytes]
    whole = io.BytesIO()
    first.save_as(whole, enforce_file_format=True)
    pattern, own = whole.getvalue(), _own_values(slices[0])
    for k, (name, one) in enumerate(zip(names, slices, strict=True)):
        content = pattern
        for old, new in zip(own, _own_values(one), strict=True):
            assert len(old) == len(new)
            assert old in pattern
            content = content.replace(old, new)
        pixels = np.ascontiguousarray(image[:, :, k].T).tobytes()
        (folder / f"{name:04d}.dcm").write_bytes(content.replace(first.PixelData, pixels))
    return slices


def _slice(scan: Scan, common: Dataset, date: str, k: int, number: int) -> Dataset:
    ds = Dataset()
    ds.update(common)
    ds.SOPInstanceUID = uid("image", scan.combination, date, number)
    ds.InstanceNumber = f"{number:04d}"
    ds.ImagePositionPatient = [f"{x:+.15f}"[:16] for x in scan.origin + k * scan.step]
    return ds


def _own_values(ds: Dataset) -> tuple[bytes, bytes, bytes]:
    """What a slice's file holds and no other one does; the UID also stands in its preface."""
    number = b"\x20\x00\x13\x00IS\x04\x00" + str(ds.InstanceNumber.original_string).encode()
    place = "\\".join(x.original_string for x in ds.ImagePositionPatient).encode()
    return ds.SOPInstanceUID.encode(), number, place


def _meta(ds: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def _common(scan: Scan, date: str, laterality: str) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.Modality, ds.SyntheticData = MRImageStorage, "MR", "YES"
    ds.StudyInstanceUID = uid("study", scan.combination, date)
    ds.SeriesInstanceUID = uid("series", scan.combination, date)
    ds.FrameOfReferenceUID = uid("frame", scan.combination, date)
    ds.PatientID, ds.PatientName, ds.PatientBirthDate = "ORIENT", "Orientation^Battery", ""
    ds.PatientSex, ds.PatientAge = "M", "046Y"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = date
    ds.StudyTime = ds.StudyID = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.PositionReferenceIndicator = ds.Manufacturer = ""
    ds.SeriesNumber, ds.SeriesDescription, ds.BodyPartExamined = "1", "PD FS", "KNEE"
    ds.Laterality = laterality[0].upper()
    ds.PatientPosition = scan.combination.position
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions = "SE", "SK", "FS"
    ds.MRAcquisitionType = scan.combination.acquisition[:2]
    ds.RepetitionTime, ds.EchoTime, ds.FlipAngle = "3000", "35", "90"
    ds.ImageOrientationPatient = _decimals((*scan.row, *scan.column))
    ds.PixelSpacing = _decimals((scan.down_mm, scan.across_mm))
    ds.SliceThickness = _decimals((scan.thickness_mm,))[0]
    ds.Columns, ds.Rows = scan.size[:2]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    return ds


def _decimals(values: Sequence[float]) -> list[str]:
    return [format_number_as_ds(float(value)) for value in values]


def write_seg(
    slices: Sequence[Dataset], bones: NDArray[np.int16], side: str, path: Path, kind: str
) -> None:
    """The bones as DICOM SEG, drawn on the slices in an order of their own."""
    order = np.random.default_rng(len(slices)).permutation(len(slices))
    pixels = bones.transpose(2, 1, 0)[order].astype(np.uint8)
    segmentation = Segmentation(
        source_images=[slices[k] for k in order],
        pixel_array=pixels,
        segmentation_type=hd.seg.SegmentationTypeValues[kind],
        segment_descriptions=[
            _segment(number, name, side) for number, name in enumerate(knee.BONES, start=1)
        ],
        series_instance_uid=uid("seg series", slices[0].SeriesInstanceUID),
        series_number=9,
        sop_instance_uid=uid("seg", slices[0].SeriesInstanceUID),
        instance_number=1,
        manufacturer="test",
        manufacturer_model_name="test",
        software_versions="1",
        device_serial_number="1",
    )
    segmentation.save_as(path, enforce_file_format=True)


def _segment(number: int, bone: str, side: str) -> SegmentDescription:
    made = SegmentDescription(
        segment_number=number,
        segment_label=bone,
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=CODES[bone],
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
    )
    kind = made.SegmentedPropertyTypeCodeSequence[0]
    kind.SegmentedPropertyTypeModifierCodeSequence = [hd.sr.CodedConcept.from_code(SIDES[side])]
    return made


def write_nifti_mask(scan: Scan, axes: str, flips: str, folder: Path, side: str) -> None:
    """The bones as ``mask.nii`` with axes exchanged and turned round, and ``labels.json``."""
    order = [int(axis) for axis in axes]
    steps = np.stack([scan.row * scan.across_mm, scan.column * scan.down_mm, scan.step], axis=1)
    corner = [0.0, 0.0, 0.0]
    data = scan.bones
    for axis, sign in zip(order, flips, strict=True):
        if sign == "-":
            data = np.flip(data, axis)
            corner[axis] = scan.size[axis] - 1
            steps[:, axis] *= -1
    affine = np.eye(4)
    affine[:3, :3] = steps[:, order]
    affine[:3, 3] = scan.lps(*np.array(corner))
    # NIfTI's x and y grow to the right and to the front.
    affine[:2] *= -1
    image = nib.Nifti1Image(np.ascontiguousarray(data.transpose(order)), affine)
    image.header.set_xyzt_units("mm")
    folder.mkdir(exist_ok=True)
    nib.save(image, folder / "mask.nii")
    names = {str(n): {"bone": bone, "side": side} for n, bone in enumerate(knee.BONES, start=1)}
    (folder / "labels.json").write_text(json.dumps(names), encoding="utf-8")
