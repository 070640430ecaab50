"""Single-frame MR images of a synthetic patient, as DICOM.

Every object says that it is synthetic (0008,001C). UIDs are 2.25 and a hash of scenario,
seed and place in the study, so the same patient is written twice with the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.dicom_style import header_style
from marrowtrail.phantom.protocol import Acquisition
from marrowtrail.record.sites import Side

IMPLEMENTATION_UID = UID("2.25.281183042570093853116413283107218401533")
BODY_PART = {"knee": "KNEE", "ankle": "ANKLE"}


@dataclass(frozen=True, slots=True)
class Exam:
    """What all series of one joint at one visit share."""

    patient_name: str
    patient_id: str
    sex: str
    age: int
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


def synthetic_uid(*parts: object) -> UID:
    """A UID under 2.25 from a hash of what the object is."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:16]
    value = int.from_bytes(digest, "big")
    # The form of a UUID of version 8 (RFC 9562), as 2.25 asks for.
    value = value & ~(0xF << 76) | (0x8 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return UID(f"2.25.{value}")


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
    data.StudyDate = exam.start.strftime("%Y%m%d")
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
        setattr(data, f"{keyword}Date", exam.start.strftime("%Y%m%d"))
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
