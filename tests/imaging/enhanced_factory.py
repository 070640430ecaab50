"""Enhanced MR multi-frame objects with known geometry, made of the same slices as single ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from tests.imaging.dicom_factory import Made, datasets, decimals, normal, uid

ENHANCED = "1.2.840.10008.5.1.4.1.1.4.1"
LEGACY = "1.2.840.10008.5.1.4.1.1.4.4"


@dataclass(frozen=True)
class Part:
    """Frames of one echo, stack, time or type within a file; ``groups`` win."""

    made: Made = field(default_factory=Made)
    data: np.ndarray | None = None
    stack: str = "1"
    time: int = 1
    slope: float = 1.0
    intercept: float = 0.0
    frame_type: Sequence[str] = ("ORIGINAL", "PRIMARY", "VOLUME", "NONE")
    groups: dict[str, dict[str, object]] = field(default_factory=dict)
    extra_dimension: int = 1


def enhanced(
    parts: Sequence[Part],
    order: Sequence[int] | None = None,
    *,
    shared_geometry: bool = True,
    sop_class: str = ENHANCED,
    **tags: object,
) -> Dataset:
    """One file with every frame of the parts, interleaved as ``order`` says."""
    first = parts[0].made
    ds = datasets(first)[0]
    for name in (
        *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
        *("EchoTime", "RepetitionTime", "FlipAngle", "ScanOptions", "ScanningSequence"),
        *("SequenceVariant", "Laterality"),
    ):
        delattr(ds, name)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.SOPInstanceUID = uid("enhanced", first.series, first.date)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.ImageType = list(parts[0].frame_type)
    ds.EchoPulseSequence, ds.EchoPlanarPulseSequence = "SPIN", "NO"
    ds.SpectrallySelectedSuppression = "FAT" if "FS" in first.options else "NONE"
    ds.DimensionIndexSequence = [_pointer(0x00209056), _pointer(0x00209057), _pointer(0x00181060)]
    shared = Dataset()
    if shared_geometry:
        _set(shared, "PixelMeasuresSequence", _measures(first))
        _set(shared, "PlaneOrientationSequence", _orientation(first))
    ds.SharedFunctionalGroupsSequence = [shared]
    frames = [
        (_frame(part, k, shared_geometry=shared_geometry), slice_.PixelData)
        for part in parts
        for k, slice_ in enumerate(datasets(part.made, part.data))
    ]
    frames = [frames[index] for index in (order or range(len(frames)))]
    ds.NumberOfFrames = len(frames)
    ds.PerFrameFunctionalGroupsSequence = [groups for groups, _ in frames]
    ds.PixelData = b"".join(pixels for _, pixels in frames)
    for name, value in tags.items():
        setattr(ds, name, value)
    return ds


def _pointer(tag: int) -> Dataset:
    item = Dataset()
    item.DimensionIndexPointer = Tag(tag)
    return item


def _measures(made: Made) -> dict[str, object]:
    return {"PixelSpacing": decimals(made.spacing), "SliceThickness": str(made.step)}


def _orientation(made: Made) -> dict[str, object]:
    return {"ImageOrientationPatient": decimals(made.cosines)}


def _frame(part: Part, k: int, *, shared_geometry: bool) -> Dataset:
    made = part.made
    position = np.asarray(made.origin) + k * made.step * normal(made)
    groups: dict[str, dict[str, object]] = {
        "PlanePositionSequence": {"ImagePositionPatient": decimals(position)},
        "MRTimingAndRelatedParametersSequence": {
            "RepetitionTime": str(made.tr), "FlipAngle": "90"
        },
        "MREchoSequence": {"EffectiveEchoTime": made.te},
        "MRModifierSequence": {"InversionRecovery": "NO"},
        "MRImageFrameTypeSequence": {
            "FrameType": list(part.frame_type), "ComplexImageComponent": "MAGNITUDE"
        },
        "PixelValueTransformationSequence": {
            "RescaleSlope": str(part.slope), "RescaleIntercept": str(part.intercept)
        },
        "FrameAnatomySequence": {"FrameLaterality": made.laterality},
        "FrameContentSequence": {
            "StackID": part.stack,
            "InStackPositionNumber": k + 1,
            "TemporalPositionIndex": part.time,
            "DimensionIndexValues": [int(part.stack), k + 1, part.extra_dimension],
        },
    }  # fmt: skip
    if not shared_geometry:
        groups["PixelMeasuresSequence"] = _measures(made)
        groups["PlaneOrientationSequence"] = _orientation(made)
    for name, values in part.groups.items():
        groups[name] = {**groups.get(name, {}), **values}
    frame = Dataset()
    for name, values in groups.items():
        _set(frame, name, values)
    return frame


def _set(owner: Dataset, sequence: str, values: dict[str, object]) -> None:
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    setattr(owner, sequence, [item])
