"""Small DICOM series with known geometry, written as a scanner would.

Everything that identifies is planted here, in tags, UIDs and file names; :data:`SECRETS` lists
it, so that a test can assert that no message repeats any of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pydicom
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import format_number_as_ds
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.headers import Header

MR = "1.2.840.10008.5.1.4.1.1.4"
PREFIX = "1.2.826.0.1.3680043.8.498."

SECRETS = (
    *("Secret", "Sally", "sally", "XQ77310", "19780101", "1978", "1.2.826", "St. Nowhere"),
    *("ACC4711", "Dr. Hyde", "Seaview"),
)


@dataclass(frozen=True)
class Made:
    """What a test varies of a series; ``tags`` go into every slice and win."""

    date: str = "20240105"
    patient_id: str = "XQ77310"
    birth_date: str = "19780101"
    body_part: str = "KNEE"
    laterality: str = "R"
    description: str = "SAG PD FS"
    tr: float = 3000.0
    te: float = 35.0
    options: Sequence[str] = ("FS",)
    image_type: Sequence[str] = ("ORIGINAL", "PRIMARY", "M")
    cosines: Sequence[float] = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    origin: Sequence[float] = (-30.0, -80.0, 70.0)
    spacing: Sequence[float] = (0.6, 0.6)
    step: float = 4.0
    slices: int = 5
    rows: int = 12
    columns: int = 16
    series: str = "1"
    study: str = "1"
    frame: str = "1"
    tags: dict[str, object] = field(default_factory=dict)

    def but(self, **changes: object) -> Made:
        return replace(self, **changes)


def uid(*parts: object) -> UID:
    return generate_uid(prefix=PREFIX, entropy_srcs=[str(p) for p in parts])


def normal(made: Made) -> np.ndarray:
    row, column = np.asarray(made.cosines, dtype=float).reshape(2, 3)
    return np.cross(row, column)


def voxels(made: Made) -> np.ndarray:
    """(columns, rows, slices) values that are all different."""
    size = made.columns * made.rows * made.slices
    return np.arange(1, size + 1, dtype=np.uint16).reshape(made.columns, made.rows, made.slices)


def expected_lps(made: Made, i: int, j: int, k: int) -> np.ndarray:
    """PS3.3 C.7.6.2.1.1, written out: the slow oracle of every geometry test."""
    row, column = np.asarray(made.cosines).reshape(2, 3)
    between_rows, between_columns = made.spacing
    start = np.asarray(made.origin) + k * made.step * normal(made)
    return start + i * between_columns * row + j * between_rows * column


def datasets(made: Made, data: np.ndarray | None = None) -> list[Dataset]:
    """One dataset a slice, in order of the normal."""
    values = voxels(made) if data is None else data
    return [_slice(made, k, values[:, :, k].T) for k in range(made.slices)]


def _slice(made: Made, k: int, pixels: np.ndarray) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = MR
    ds.SOPInstanceUID = uid("sop", made.study, made.series, made.te, made.date, k)
    ds.file_meta.MediaStorageSOPClassUID = MR
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    _patient_and_study(ds, made)
    _how_it_was_made(ds, made)
    position = np.asarray(made.origin) + k * made.step * normal(made)
    ds.ImageOrientationPatient = decimals(made.cosines)
    ds.ImagePositionPatient = decimals(position)
    ds.PixelSpacing = decimals(made.spacing)
    ds.SliceThickness, ds.InstanceNumber = str(made.step)[:16], str(k + 1)
    ds.Rows, ds.Columns = pixels.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    ds.PixelData = np.ascontiguousarray(pixels, dtype=np.uint16).tobytes()
    for name, value in made.tags.items():
        setattr(ds, name, value)
    return ds


def _patient_and_study(ds: Dataset, made: Made) -> None:
    ds.StudyInstanceUID = uid("study", made.study, made.date)
    ds.SeriesInstanceUID = uid("series", made.study, made.series, made.date)
    ds.FrameOfReferenceUID = uid("frame", made.frame, made.date)
    ds.PatientID, ds.PatientName = made.patient_id, "Secret^Sally"
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = made.birth_date, "M", "046Y"
    ds.InstitutionName, ds.PatientAddress = "St. Nowhere", "Seaview 1"
    ds.AccessionNumber, ds.ReferringPhysicianName = "ACC4711", "Dr. Hyde"
    ds.StudyID = ds.StudyTime = ds.PositionReferenceIndicator = ""
    ds.Manufacturer, ds.SeriesNumber = "", "1"
    ds.StudyDate, ds.Modality = made.date, "MR"


def _how_it_was_made(ds: Dataset, made: Made) -> None:
    ds.SeriesDescription, ds.BodyPartExamined = made.description, made.body_part
    ds.Laterality, ds.ImageType = made.laterality, list(made.image_type)
    ds.RepetitionTime, ds.EchoTime, ds.FlipAngle = str(made.tr), str(made.te), "90"
    ds.ScanningSequence, ds.SequenceVariant = "SE", "SK"
    ds.ScanOptions = list(made.options)


def decimals(values: Sequence[float]) -> list[str]:
    """As DICOM writes decimals: at most 16 characters."""
    return [format_number_as_ds(float(value)) for value in values]


def write(folder: Path, slices: Sequence[Dataset], stem: str = "im") -> list[Path]:
    """Write slices into a folder; file names say nothing of their order, but of the patient."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, ds in enumerate(slices):
        path = folder / f"sally-{stem}{(number * 7919) % 1000:03d}.dcm"
        pydicom.dcmwrite(path, ds, enforce_file_format=True)
        paths.append(path)
    return paths


def write_series(folder: Path, made: Made, data: np.ndarray | None = None) -> list[Path]:
    stem = f"s{made.study}-{made.series}-{made.te:g}-{made.date}-"
    return write(folder, datasets(made, data), stem)


def header(**tags: str | Sequence[str]) -> Header:
    """A header without a file, for tests of what is read from tags alone."""
    values = {
        name: (value,) if isinstance(value, str) else tuple(value) for name, value in tags.items()
    }
    return Header(Path("nowhere"), ExplicitVRLittleEndian, values, None)


@st.composite
def placed_anyhow(draw: st.DrawFn, *, slices: int, rows: int, columns: int) -> Made:
    """A series turned and mirrored in any way, on either side."""
    turn = Rotation.from_rotvec(draw(st.tuples(*[st.floats(-3, 3)] * 3))).as_matrix()
    flips = [draw(st.sampled_from([1.0, -1.0])) for _ in range(2)]
    return Made(
        cosines=(*(turn[:, 0] * flips[0]), *(turn[:, 1] * flips[1])),
        origin=(draw(st.sampled_from([60.0, -60.0])), 10.0, -20.0),
        spacing=(draw(st.floats(0.3, 1.2)), draw(st.floats(0.3, 1.2))),
        step=draw(st.floats(1.0, 6.0)),
        slices=slices,
        rows=rows,
        columns=columns,
    )
