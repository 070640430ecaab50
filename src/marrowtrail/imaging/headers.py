"""The header of one DICOM file: the few facts that sorting needs, without pixels.

Values are decoded once, when the file is opened, and kept as text. One that breaks the
standard's rules is treated as missing: it must not cost the file, let alone the run.
"""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from marrowtrail.imaging.slice_place import SlicePlace, slice_place

_TAGS = (
    "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID "
    "PatientID IssuerOfPatientID PatientName PatientBirthDate PatientSex "
    "PatientAge "
    "StudyDate SeriesDate AcquisitionDate ContentDate ImageType SyntheticData "
    "SeriesDescription ProtocolName StudyDescription BodyPartExamined Laterality "
    "ImageLaterality RepetitionTime EchoTime EchoNumbers InversionTime FlipAngle "
    "ScanOptions ScanningSequence SequenceName PulseSequenceName "
    "ContrastBolusAgent ContrastBolusVolume ContrastBolusTotalDose ContrastBolusIngredient "
    "ContrastBolusStartTime TemporalPositionIdentifier StackID AcquisitionNumber "
    "AcquisitionTime TriggerTime MRAcquisitionType BurnedInAnnotation DiffusionBValue "
    "PixelAspectRatio SliceLocation "
    "ImageOrientationPatient ImagePositionPatient PixelSpacing SliceThickness "
    "SpacingBetweenSlices Rows Columns SamplesPerPixel RescaleSlope RescaleIntercept "
    "PhotometricInterpretation NumberOfFrames InstanceNumber"
).split()

DAMAGE = (
    AttributeError,
    BytesLengthException,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What pydicom raises on files that are cut short or altered: it has no class of its own for
them. Found by cutting and altering files at random, as the tests still do."""

_STARTS_WITHOUT_PREAMBLE = (b"\x08\x00", b"\x02\x00", b"\x00\x08")
"""Files written without the 128-byte preamble begin with group 0008 or 0002."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's and highdicom's remarks on odd values off the user's terminal.

    Files from hospitals break many small rules (a decimal with 17 characters, a UID with a
    leading zero). What matters for reading is checked in this room and said in its own
    words; the rest would bury it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@dataclass(frozen=True, slots=True)
class Rejected:
    """What something in the folder is, and why it is not used."""

    what: str
    reason: str


NOT_DICOM = Rejected("other files", "they are not DICOM images")
DAMAGED = Rejected("damaged files", "they begin as DICOM and cannot be read; copy them again")


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """One DICOM file: where it is, and its header without pixels.

    ``place`` is ``None`` where the header does not say where the slice lies.
    """

    path: Path
    transfer_syntax: UID
    values: Mapping[str, tuple[str, ...]]
    place: SlicePlace | None

    def text(self, name: str) -> str:
        """A tag as text; empty where it is missing."""
        return " ".join(self.values.get(name, ())).strip()

    def number(self, name: str) -> float | None:
        """A tag as a finite number (its first value); ``None`` where it is none."""
        numbers = _numbers(self.values.get(name, ())[:1])
        return numbers[0] if numbers else None

    def words(self, name: str) -> tuple[str, ...]:
        """A tag with several values as upper-case words."""
        return tuple(word for one in self.values.get(name, ()) if (word := one.strip().upper()))


def read_header(path: Path) -> Header | Rejected:
    """The header of a file, or why it has none. Call it within :func:`quiet`."""
    try:
        dataset = _read(path)
    except InvalidDicomError:
        return NOT_DICOM
    except OSError:
        return Rejected("unreadable files", "they cannot be opened")
    except DAMAGE:
        return DAMAGED
    if dataset is None or "SOPClassUID" not in dataset:
        return NOT_DICOM
    values = {name: _values(dataset, name) for name in _TAGS}
    return Header(path, _transfer_syntax(dataset), values, _place(values))


def transfer_syntax_in_use(dataset: FileDataset) -> UID:
    """The encoding of a dataset whose file does not name it, as pydicom found it."""
    implicit, little = dataset.original_encoding
    if little is False:
        return ExplicitVRBigEndian
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _read(path: Path) -> FileDataset | None:
    try:
        return pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
    except InvalidDicomError:
        with path.open("rb") as stream:
            start = stream.read(2)
        if start not in _STARTS_WITHOUT_PREAMBLE:
            raise
        return pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS), force=True)


def _transfer_syntax(dataset: FileDataset) -> UID:
    named = dataset.file_meta.get("TransferSyntaxUID")
    return UID(str(named)) if named else transfer_syntax_in_use(dataset)


def _values(dataset: FileDataset, name: str) -> tuple[str, ...]:
    try:
        value = dataset.get(name)
    except DAMAGE:
        return ()
    if value is None or value == "":
        return ()
    if isinstance(value, MultiValue):
        return tuple("" if one is None else str(one) for one in value)
    return (str(value),)


def _numbers(values: tuple[str, ...]) -> tuple[float, ...]:
    """All values as finite numbers; none at all if one of them is not."""
    try:
        numbers = tuple(float(value) for value in values)
    except ValueError:
        return ()
    return numbers if all(math.isfinite(number) for number in numbers) else ()


def _place(values: Mapping[str, tuple[str, ...]]) -> SlicePlace | None:
    return slice_place(
        orientation=_numbers(values["ImageOrientationPatient"]),
        position=_numbers(values["ImagePositionPatient"]),
        pixel_spacing=_numbers(values["PixelSpacing"]),
        size=_numbers(values["Columns"]) + _numbers(values["Rows"]),
    )
