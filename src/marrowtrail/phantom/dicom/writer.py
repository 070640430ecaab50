"""Single-frame MR images of a synthetic patient, as DICOM.

Every object says that it is synthetic (0008,001C). UIDs are 2.25 and a hash of scenario,
seed and place in the study, so the same patient is written twice with the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage

from marrowtrail.imaging.series import Dixon
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.dicom.enhanced import Frames, add_frames
from marrowtrail.phantom.dicom.habits import Habits
from marrowtrail.phantom.dicom.makers.style import HeaderStyle, PixelCode, PrivateElement
from marrowtrail.phantom.dicom.style import header_style
from marrowtrail.phantom.scanner.acquisition import Acquisition, larmor_mhz
from marrowtrail.record.sites import Side

ENHANCED_ELSEWHERE = (
    "ScanningSequence",
    "SequenceVariant",
    "ScanOptions",
    "SequenceName",
    "Laterality",
)
"""Attributes of a single image that an enhanced one says in other words, or of each frame."""

DECIMAL_LENGTH = 16
"""A decimal string (VR DS) has no more characters."""

IMPLEMENTATION_UID = UID("2.25.281183042570093853116413283107218401533")
BODY_PART = {"knee": "KNEE", "ankle": "ANKLE", "hip": "HIP", "foot": "FOOT"}


@dataclass(frozen=True, slots=True)
class Exam:
    """What all series of one joint at one visit share."""

    patient_name: str
    patient_id: str
    sex: str
    age: int
    study_uid: str
    study_id: str
    frame_uid: str
    joint: str
    side: Side
    vendor: str
    field_t: float
    start: datetime
    habits: Habits


@dataclass(frozen=True, slots=True)
class WrittenSeries:
    """Images of one kind on disk: slices along the normal, and the series they are in.

    ``image`` says which of a Dixon acquisition they are.
    """

    series_uid: str
    headers: tuple[Dataset, ...]
    image: Dixon | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Sheet:
    """What all slices of one image share."""

    volume: Volume
    acquisition: Acquisition
    exam: Exam
    style: HeaderStyle
    number: int
    series_uid: UID


def synthetic_uid(*parts: object) -> UID:
    """A UID under 2.25 from a hash of what the object is."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:16]
    value = int.from_bytes(digest, "big")
    # The form of a UUID of version 8 (RFC 9562), as 2.25 asks for.
    value = value & ~(0xF << 76) | (0x8 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return UID(f"2.25.{value}")


def write_series(
    images: Sequence[Volume], acquisition: Acquisition, exam: Exam, number: int, study: Path
) -> tuple[WrittenSeries, ...]:
    """Write every image of an acquisition, one file for each slice.

    The images of a Dixon acquisition are series of their own or share one, as the maker has
    it; their numbers start at ``number``.
    """
    written: list[WrittenSeries] = []
    before = 0
    for part, (volume, image) in enumerate(zip(images, acquisition.images, strict=True)):
        style = header_style(exam.vendor, acquisition, image, exam.habits)
        its_number = number if style.parts_share_series else number + part
        before = before if style.parts_share_series else 0
        uid = synthetic_uid(exam.frame_uid, "series", its_number)
        sheet = _Sheet(volume, acquisition, exam, style, its_number, uid)
        folder = study / f"SE{its_number:03d}"
        if exam.habits.container == "enhanced" and not acquisition.is_localiser:
            headers = _write_frames(sheet, part, folder)
        else:
            headers = _write_slices(sheet, before, folder)
        before += len(headers)
        written.append(WrittenSeries(uid, headers, image))
    return tuple(written)


def _write_slices(sheet: _Sheet, before: int, folder: Path) -> tuple[Dataset, ...]:
    """One file for each slice, numbered after those that are in the series ``before``."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = stored(sheet.volume.data, sheet.style.pixels)
    headers = []
    for k, number in enumerate(sheet.exam.habits.instance_numbers(pixels.shape[2])):
        data = _slice(sheet, k, number + before)
        _pixels(data, pixels[:, :, k].T, sheet.style.pixels)
        data.save_as(folder / f"IM{number + before:04d}.dcm", enforce_file_format=True)
        headers.append(data)
    return tuple(headers)


def _write_frames(sheet: _Sheet, part: int, folder: Path) -> tuple[Dataset, ...]:
    """One file for all slices: an enhanced multi-frame image."""
    folder.mkdir(parents=True, exist_ok=True)
    exam, style = sheet.exam, sheet.style
    pixels = stored(sheet.volume.data, style.pixels)
    data = _dataset(EnhancedMRImageStorage, synthetic_uid(sheet.series_uid, "frames", part))
    _patient_and_study(data, exam)
    _series(data, sheet)
    for keyword in ENHANCED_ELSEWHERE:
        if keyword in data:
            delattr(data, keyword)
    frames = Frames(
        acquisition=sheet.acquisition,
        geometry=sheet.volume.geometry,
        image=sheet.acquisition.images[part],
        joint=exam.joint,
        side="R" if exam.side is Side.RIGHT else "L",
        begun=exam.start + timedelta(minutes=4 * sheet.number),
        code=style.pixels,
        dimensions_uid=synthetic_uid(data.SOPInstanceUID, "dimensions"),
        numbers=tuple(exam.habits.instance_numbers(pixels.shape[2])),
    )
    _pixels(data, pixels[:, :, 0].T, style.pixels)
    add_frames(data, frames, pixels)
    data.save_as(folder / f"IM{part + 1:04d}.dcm", enforce_file_format=True)
    return (data,)


def stored(signal: NDArray[np.float32], code: PixelCode) -> NDArray[np.int32]:
    """Whole numbers as the maker stores them, cut off at what fits."""
    return np.clip(np.round(signal * np.float32(code.scale)), 0, code.highest).astype(np.int32)


def _slice(sheet: _Sheet, k: int, number: int) -> FileDataset:
    data = _dataset(MRImageStorage, synthetic_uid(sheet.series_uid, number))
    _patient_and_study(data, sheet.exam)
    _series(data, sheet)
    _physics(data, sheet)
    data.InstanceNumber = str(number)
    _place(data, sheet, k)
    for element in sheet.style.private:
        _private(data, element)
    return data


def _dataset(kind: UID, uid: UID) -> FileDataset:
    """An empty object of a SOP class."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = kind
    meta.MediaStorageSOPInstanceUID = uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = kind, uid
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
    data.StudyDescription = exam.habits.study_description(exam.joint, exam.side)
    data.AccessionNumber = ""
    data.ReferringPhysicianName = ""


def _series(data: Dataset, sheet: _Sheet) -> None:
    exam, style, number = sheet.exam, sheet.style, sheet.number
    begun = exam.start + timedelta(minutes=4 * number)
    data.Modality = "MR"
    data.SeriesInstanceUID = sheet.series_uid
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
    code = "R" if exam.side is Side.RIGHT else "L"
    data.Laterality = code if exam.habits.laterality == "coded" else ""
    data.PatientPosition = exam.habits.position
    data.FrameOfReferenceUID = exam.frame_uid
    data.PositionReferenceIndicator = ""
    data.ImageType = list(style.image_type)
    data.ScanningSequence = list(style.scanning_sequence)
    data.SequenceVariant = list(style.sequence_variant)
    data.ScanOptions = list(style.scan_options)
    if style.sequence_name:
        data.SequenceName = style.sequence_name


def _physics(data: Dataset, sheet: _Sheet) -> None:
    acquisition, field_t = sheet.acquisition, sheet.exam.field_t
    timing, sampling = acquisition.timing, acquisition.sampling
    data.MRAcquisitionType = "3D" if sampling.is_3d else "2D"
    data.RepetitionTime = f"{timing.repetition_ms:g}"
    data.EchoTime = f"{timing.echo_ms:g}"
    if timing.inversion_ms is not None:
        data.InversionTime = f"{timing.inversion_ms:g}"
    elif sheet.exam.habits.headers == "as_sold" and sheet.style.stray_inversion_ms is not None:
        data.InversionTime = f"{sheet.style.stray_inversion_ms:g}"
    if timing.after_agent:
        data.ContrastBolusAgent = "Dotarem"
    data.EchoTrainLength = str(acquisition.echo_train)
    data.EchoNumbers = "1"
    data.NumberOfAverages = "1"
    flip = 20.0 if acquisition.is_localiser else timing.flip_deg
    data.FlipAngle = "150" if flip is None else f"{flip:g}"
    data.MagneticFieldStrength = f"{field_t:g}"
    data.ImagingFrequency = f"{larmor_mhz(field_t):.3f}"
    data.ImagedNucleus = "1H"
    data.ReceiveCoilName = sheet.style.coil
    data.PixelBandwidth = f"{sampling.bandwidth_hz(field_t):.0f}"
    data.PercentSampling = f"{100 * sampling.acquired[1]:.0f}"
    data.InPlanePhaseEncodingDirection = "ROW" if sampling.phase_axis == 0 else "COL"
    data.AcquisitionMatrix = _acquisition_matrix(acquisition)


def _acquisition_matrix(acquisition: Acquisition) -> list[int]:
    """Frequency rows and columns, phase rows and columns; two of the four are 0."""
    sampling, shape = acquisition.sampling, acquisition.geometry.shape
    read, phase = (
        round(share * shape[axis])
        for share, axis in zip(
            sampling.acquired, (sampling.read_axis, sampling.phase_axis), strict=True
        )
    )
    return [0, read, phase, 0] if sampling.read_axis == 0 else [read, 0, 0, phase]


def _place(data: Dataset, sheet: _Sheet, k: int) -> None:
    geometry, thickness = sheet.volume.geometry, sheet.acquisition.thickness_mm
    row, column, normal = geometry.directions.T
    origin = geometry.to_lps(np.array([0, 0, k]))
    digits = sheet.style.digits
    data.ImageOrientationPatient = [decimal(x, digits) for x in (*row, *column)]
    data.ImagePositionPatient = [decimal(x, digits) for x in origin]
    i, j, spacing = geometry.spacing_mm
    data.PixelSpacing = [f"{j:.6g}", f"{i:.6g}"]
    data.SliceThickness = f"{thickness:g}"
    is_gap = sheet.exam.habits.spacing_tag == "gap"
    data.SpacingBetweenSlices = f"{spacing - thickness if is_gap else spacing:.6g}"
    data.SliceLocation = decimal(float(origin @ normal), 6)


def decimal(value: float, digits: int) -> str:
    """A decimal string of at most 16 characters, with so many significant digits or fewer."""
    for fewer in range(digits, 0, -1):
        text = f"{value + 0.0:.{fewer}g}"
        if len(text) <= DECIMAL_LENGTH:
            return text
    raise ValueError(f"{value!r} does not fit into a decimal string")


def _private(data: Dataset, element: PrivateElement) -> None:
    block = data.private_block(element.group, element.creator, create=True)
    block.add_new(element.element, element.vr, element.value)


def _pixels(data: Dataset, pixels: NDArray[np.int32], code: PixelCode) -> None:
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, code.bits_stored, code.bits_stored - 1
    data.PixelRepresentation = int(code.is_signed)
    low, high = np.percentile(pixels, [1, 99.8]) * (code.slope or 1.0) + code.intercept
    data.WindowCenter = f"{(low + high) / 2:.0f}"
    data.WindowWidth = f"{max(1.0, high - low):.0f}"
    if code.slope is not None:
        data.RescaleSlope, data.RescaleIntercept = f"{code.slope:.6g}", f"{code.intercept:.6g}"
        data.RescaleType = "normalized"
    data.PixelData = np.ascontiguousarray(pixels.astype("<u2")).tobytes()
