"""Single-frame MR images and bone segmentations of a synthetic patient, as DICOM.

Every object says that it is synthetic (0008,001C). UIDs are 2.25 and a hash of scenario,
seed and place in the study, so the same patient is written twice with the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import highdicom as hd
import numpy as np
from highdicom.seg import Segmentation, SegmentDescription
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.dicom_style import header_style
from marrowtrail.phantom.protocol import Acquisition
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary

IMPLEMENTATION_UID = "2.25.281183042570093853116413283107218401533"
SIDE_CODES = {
    Side.RIGHT: Code("24028007", "SCT", "Right"),
    Side.LEFT: Code("7771000", "SCT", "Left"),
}
BODY_PART = {"knee": "KNEE", "ankle": "ANKLE"}


@dataclass(frozen=True, slots=True)
class Exam:
    """What all series of one joint at one visit share."""

    patient_name: str
    patient_id: str
    sex: str
    age: int
    day: date
    study_uid: str
    study_id: str
    study_description: str
    frame_uid: str
    joint: str
    side: Side
    vendor: str
    field_t: float
    start: datetime


@dataclass(frozen=True, slots=True)
class WrittenSeries:
    """A series on disk."""

    series_uid: str
    headers: tuple[Dataset, ...]


def synthetic_uid(*parts: object) -> str:
    """A UID under 2.25 from a hash of what the object is."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:16]
    value = int.from_bytes(digest, "big")
    # The form of a UUID of version 8 (RFC 9562), as 2.25 asks for.
    value = value & ~(0xF << 76) | (0x8 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return f"2.25.{value}"


def write_series(
    image: Volume, acquisition: Acquisition, exam: Exam, number: int, folder: Path
) -> WrittenSeries:
    """Write one file for each slice."""
    folder.mkdir(parents=True, exist_ok=True)
    series_uid = synthetic_uid(exam.frame_uid, "series", number)
    pixels = np.clip(np.round(image.data), 0, 4095).astype(np.uint16)
    headers = []
    for k in range(image.geometry.shape[2]):
        data = _slice(image, k, pixels[:, :, k].T, acquisition, exam, number, series_uid)
        data.save_as(folder / f"IM{k + 1:04d}.dcm", enforce_file_format=True)
        headers.append(data)
    return WrittenSeries(series_uid, tuple(headers))


def _slice(
    image: Volume,
    k: int,
    pixels: NDArray[np.uint16],
    acquisition: Acquisition,
    exam: Exam,
    number: int,
    series_uid: str,
) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = synthetic_uid(series_uid, k)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    _patient_and_study(data, exam)
    _series(data, acquisition, exam, number, series_uid)
    _physics(data, acquisition, exam)
    data.SOPClassUID = MRImageStorage
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.InstanceNumber = str(k + 1)
    _place(data, image, k, acquisition)
    _pixels(data, pixels)
    return data


def _patient_and_study(data: Dataset, exam: Exam) -> None:
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SyntheticData = "YES"
    data.PatientName = exam.patient_name
    data.PatientID = exam.patient_id
    data.PatientBirthDate = ""
    data.PatientSex = exam.sex
    data.PatientAge = f"{exam.age:03d}Y"
    data.StudyInstanceUID = exam.study_uid
    data.StudyID = exam.study_id
    data.StudyDate = exam.day.strftime("%Y%m%d")
    data.StudyTime = exam.start.strftime("%H%M%S")
    data.StudyDescription = exam.study_description
    data.AccessionNumber = ""
    data.ReferringPhysicianName = ""


def _series(
    data: Dataset, acquisition: Acquisition, exam: Exam, number: int, series_uid: str
) -> None:
    style = header_style(exam.vendor, acquisition)
    begun = exam.start + timedelta(minutes=4 * number)
    data.Modality = "MR"
    data.SeriesInstanceUID = series_uid
    data.SeriesNumber = str(number)
    data.SeriesDescription = style.series_description
    data.ProtocolName = style.series_description
    for keyword in ("Series", "Acquisition", "Content"):
        setattr(data, f"{keyword}Date", exam.day.strftime("%Y%m%d"))
        setattr(data, f"{keyword}Time", begun.strftime("%H%M%S"))
    data.Manufacturer = style.manufacturer
    data.ManufacturerModelName = style.model
    data.SoftwareVersions = "synthetic"
    data.BodyPartExamined = BODY_PART[exam.joint]
    data.Laterality = "R" if exam.side is Side.RIGHT else "L"
    data.PatientPosition = "FFS"
    data.FrameOfReferenceUID = exam.frame_uid
    data.PositionReferenceIndicator = ""
    data.ImageType = list(style.image_type)
    data.ScanningSequence = list(style.scanning_sequence)
    data.SequenceVariant = list(style.sequence_variant)
    data.ScanOptions = list(style.scan_options)
    if style.sequence_name:
        data.SequenceName = style.sequence_name


def _physics(data: Dataset, acquisition: Acquisition, exam: Exam) -> None:
    timing = acquisition.timing
    data.MRAcquisitionType = "2D"
    data.RepetitionTime = f"{timing.repetition_ms:g}"
    data.EchoTime = f"{timing.echo_ms:g}"
    if timing.inversion_ms is not None:
        data.InversionTime = f"{timing.inversion_ms:g}"
    data.EchoTrainLength = str(acquisition.echo_train)
    data.EchoNumbers = "1"
    data.NumberOfAverages = "1"
    data.FlipAngle = "20" if acquisition.is_localiser else "150"
    data.MagneticFieldStrength = f"{exam.field_t:g}"
    data.ImagingFrequency = f"{42.577 * exam.field_t:.3f}"
    data.ImagedNucleus = "1H"


def _place(data: Dataset, image: Volume, k: int, acquisition: Acquisition) -> None:
    geometry = image.geometry
    row, column, _ = geometry.directions.T
    origin = geometry.to_lps(np.array([0, 0, k]))
    data.ImageOrientationPatient = [f"{x:.10g}"[:16] for x in (*row, *column)]
    data.ImagePositionPatient = [f"{x:.8g}"[:16] for x in origin]
    i, j, spacing = geometry.spacing_mm
    data.PixelSpacing = [f"{j:.6g}", f"{i:.6g}"]
    data.SliceThickness = f"{acquisition.thickness_mm:g}"
    data.SpacingBetweenSlices = f"{spacing:.6g}"
    data.SliceLocation = f"{float(origin @ geometry.directions[:, 2]):.6g}"
    data.ImageLaterality = data.Laterality


def _pixels(data: Dataset, pixels: NDArray[np.uint16]) -> None:
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelRepresentation = 0
    low, high = np.percentile(pixels, [1, 99.8])
    data.WindowCenter = f"{(low + high) / 2:.0f}"
    data.WindowWidth = f"{max(1.0, high - low):.0f}"
    data.PixelData = np.ascontiguousarray(pixels).tobytes()


def write_bone_masks(
    masks: dict[str, NDArray[np.bool_]], series: WrittenSeries, exam: Exam, number: int, path: Path
) -> None:
    """Write the bones of one series as one DICOM SEG on the series' own grid."""
    present = {bone: mask for bone, mask in masks.items() if mask.any()}
    pixels = np.stack([mask.transpose(2, 1, 0) for mask in present.values()], axis=-1)
    uid = synthetic_uid(series.series_uid, "bones")
    seg = Segmentation(
        source_images=list(series.headers),
        pixel_array=pixels.astype(np.uint8),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _segment(n, bone, exam.side, uid) for n, bone in enumerate(present, start=1)
        ],
        series_instance_uid=synthetic_uid(uid, "series"),
        series_number=number,
        sop_instance_uid=uid,
        instance_number=1,
        manufacturer="Marrowtrail",
        manufacturer_model_name="phantom",
        software_versions="synthetic",
        device_serial_number="synthetic",
        content_label="BONES",
        content_description="Bones of a synthetic patient",
        series_description="Bones",
        omit_empty_frames=True,
    )
    seg.SyntheticData = "YES"
    seg.Laterality = "R" if exam.side is Side.RIGHT else "L"
    _make_reproducible(seg, exam, uid)
    path.parent.mkdir(parents=True, exist_ok=True)
    seg.save_as(path, enforce_file_format=True)


def _segment(number: int, bone: str, side: Side, uid: str) -> SegmentDescription:
    term = vocabulary().bone(bone)
    code = term.codes[0] if term.codes else None
    kind = (
        Code(code.value, code.scheme, code.meaning)
        if code
        else Code(bone, "99MARROWTRAIL", term.label)
    )
    description = SegmentDescription(
        segment_number=number,
        segment_label=f"{side.value} {bone}",
        segmented_property_category=Code("91723000", "SCT", "Anatomical structure"),
        segmented_property_type=kind,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=synthetic_uid(uid, bone),
        tracking_id=f"{side.value} {bone}",
    )
    modifier = hd.sr.CodedConcept.from_code(SIDE_CODES[side])
    kind_item = description.SegmentedPropertyTypeCodeSequence[0]
    kind_item.SegmentedPropertyTypeModifierCodeSequence = [modifier]
    return description


def _make_reproducible(seg: Segmentation, exam: Exam, uid: str) -> None:
    """Replace the clock and the random UIDs that the library puts in."""
    stamp = exam.start.strftime("%H%M%S")
    for keyword in ("ContentDate", "InstanceCreationDate", "SeriesDate", "AcquisitionDate"):
        if keyword in seg:
            setattr(seg, keyword, exam.day.strftime("%Y%m%d"))
    for keyword in ("ContentTime", "InstanceCreationTime", "SeriesTime", "AcquisitionTime"):
        if keyword in seg:
            setattr(seg, keyword, stamp)
    organisation = synthetic_uid(uid, "dimensions")
    for name in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in seg.get(name, []):
            item.DimensionOrganizationUID = organisation
    for item in seg.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in item:
            item.ContributionDateTime = f"{exam.day.strftime('%Y%m%d')}{stamp}"
