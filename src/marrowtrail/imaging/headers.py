"""One pass over a folder: the headers of its DICOM files, and what else lies there.

Pixels stay on disk. Each file becomes a :class:`Header` with the few facts that sorting
needs, or is set aside with the reason.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from marrowtrail.imaging.series import SetAside

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.1"
SEGMENTATIONS = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})

READABLE_SYNTAXES = frozenset(
    {
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.5",
    }
)
"""Uncompressed syntaxes, deflated, and RLE, which pydicom decodes by itself."""

_TAGS = (
    "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID "
    "PatientID IssuerOfPatientID PatientName PatientBirthDate PatientSex PatientAge "
    "StudyDate SeriesDate AcquisitionDate ContentDate Modality ImageType SyntheticData "
    "SeriesDescription ProtocolName StudyDescription BodyPartExamined Laterality "
    "ImageLaterality Manufacturer RepetitionTime EchoTime EchoNumbers InversionTime FlipAngle "
    "ScanOptions ScanningSequence SequenceVariant SequenceName PulseSequenceName "
    "ContrastBolusAgent EchoTrainLength AcquisitionNumber TemporalPositionIdentifier "
    "ImageOrientationPatient ImagePositionPatient PixelSpacing SliceThickness "
    "SpacingBetweenSlices Rows Columns SamplesPerPixel RescaleSlope RescaleIntercept "
    "PhotometricInterpretation NumberOfFrames InstanceNumber"
).split()

_NOT_IMAGES = frozenset(
    {".yaml", ".yml", ".json", ".csv", ".txt", ".md", ".html", ".pdf", ".gz", ".nii", ".png"}
)
"""Endings of files that are never opened as DICOM."""


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """One DICOM file: where it is and its header without pixels."""

    path: Path
    dataset: FileDataset
    transfer_syntax: UID

    def text(self, name: str) -> str:
        """A tag as text; empty where it is missing."""
        return str(self.dataset.get(name, "") or "").strip()

    def number(self, name: str) -> float | None:
        """A tag as a number (its first value); ``None`` where it is missing or no number."""
        value = self.dataset.get(name)
        if isinstance(value, pydicom.multival.MultiValue):
            value = value[0] if len(value) else None
        try:
            return None if value in (None, "") else float(value)
        except (TypeError, ValueError):
            return None

    def words(self, name: str) -> tuple[str, ...]:
        """A tag with several values as upper-case words."""
        value = self.dataset.get(name)
        if value in (None, ""):
            return ()
        values = value if isinstance(value, pydicom.multival.MultiValue) else [value]
        return tuple(str(one).strip().upper() for one in values)


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """What lies in a folder: MR images, segmentations, and what was set aside."""

    images: tuple[Header, ...]
    segmentations: tuple[Header, ...]
    set_aside: tuple[SetAside, ...]


def scan(folder: Path) -> Folder:
    """Read every header below a folder once, in an order that does not depend on the disk."""
    images: dict[str, Header] = {}
    segmentations: dict[str, Header] = {}
    reasons: Counter[tuple[str, str]] = Counter()
    for path in _files(folder):
        header = _read(path)
        if header is None:
            reasons["other files", "they are not DICOM"] += 1
            continue
        uid = header.text("SOPInstanceUID")
        reason = _why_not(header)
        if uid in images or uid in segmentations:
            reasons["duplicates", "the same image is in the folder more than once"] += 1
        elif header.text("SOPClassUID") in SEGMENTATIONS:
            segmentations[uid] = header
        elif reason is not None:
            reasons[reason] += 1
        else:
            images[uid] = header
    aside = (SetAside(what, why, count) for (what, why), count in sorted(reasons.items()))
    return Folder(tuple(images.values()), tuple(segmentations.values()), tuple(aside))


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() not in _NOT_IMAGES:
                yield Path(parent) / name


def _read(path: Path) -> Header | None:
    dataset: FileDataset | None
    try:
        dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
    except InvalidDicomError:
        dataset = _read_without_preamble(path)
    except (OSError, ValueError, EOFError, NotImplementedError):
        return None
    if dataset is None or "SOPClassUID" not in dataset or "SOPInstanceUID" not in dataset:
        return None
    meta = getattr(dataset, "file_meta", None)
    syntax = meta.get("TransferSyntaxUID") if meta is not None else None
    return Header(path, dataset, UID(str(syntax or "1.2.840.10008.1.2")))


def _read_without_preamble(path: Path) -> FileDataset | None:
    """Files written without the 128-byte preamble begin with group 0008 (or 0002)."""
    with path.open("rb") as stream:
        start = stream.read(2)
    if start not in (b"\x08\x00", b"\x02\x00", b"\x00\x08"):
        return None
    try:
        return pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS), force=True)
    except (OSError, ValueError, EOFError, NotImplementedError, AttributeError):
        return None


def _why_not(header: Header) -> tuple[str, str] | None:
    """What kind of file this is and why it is not used, or ``None`` for an MR image slice."""
    sop_class = header.text("SOPClassUID")
    syntax = header.transfer_syntax
    if sop_class == ENHANCED_MR_IMAGE:
        return "enhanced multi-frame MR", "this version reads single-frame MR; convert it first"
    if sop_class != MR_IMAGE:
        return "other DICOM objects", "they are not MR images"
    if str(syntax) not in READABLE_SYNTAXES:
        name = syntax.name if syntax.is_transfer_syntax else "an unknown syntax"
        return f"images in {name}", "this version does not decode it; decompress them first"
    if (header.number("SamplesPerPixel") or 1) != 1:
        return "colour images", "they are screenshots or maps, not measurements"
    needed = ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "Rows")
    if any(not header.text(name) for name in needed):
        return "images without a place", "position, orientation or pixel spacing is missing"
    return None
