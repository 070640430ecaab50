"""Bones of a series of a synthetic patient, as DICOM SEG on the series' own grid."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import highdicom as hd
import numpy as np
from highdicom.seg import Segmentation, SegmentDescription
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from marrowtrail.phantom.dicom.writer import Exam, WrittenSeries, synthetic_uid
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary

SIDE_CODES = {
    Side.RIGHT: Code("24028007", "SCT", "Right"),
    Side.LEFT: Code("7771000", "SCT", "Left"),
}


def write_bone_masks(
    masks: Mapping[str, NDArray[np.bool_]],
    series: WrittenSeries,
    exam: Exam,
    number: int,
    path: Path,
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
            setattr(seg, keyword, exam.start.strftime("%Y%m%d"))
    for keyword in ("ContentTime", "InstanceCreationTime", "SeriesTime", "AcquisitionTime"):
        if keyword in seg:
            setattr(seg, keyword, stamp)
    organisation = synthetic_uid(uid, "dimensions")
    for name in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in seg.get(name, []):
            item.DimensionOrganizationUID = organisation
    for item in seg.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in item:
            item.ContributionDateTime = f"{exam.start.strftime('%Y%m%d')}{stamp}"
