"""Bones and oedema of one series as DICOM segmentations (PS3.3, A.51) on its own grid.

Frames without any voxel of a segment are left out; each frame that is there says where it lies
and of which source image it is, so a reader that goes by either puts it right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highdicom as hd
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues
from highdicom.seg import SegmentDescription as HighdicomSegment
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from marrowtrail.anatomy.bones import Bone, BoneVerdict
from marrowtrail.exchange.dicom.codes import ABNORMAL, ANATOMY, OEDEMA, SIDES, bone_code
from marrowtrail.exchange.dicom.form import (
    MANUFACTURER,
    MODEL,
    SERIAL_NUMBER,
    VERSION,
    DicomForm,
)
from marrowtrail.exchange.dicom.planes import Planes, name_truly
from marrowtrail.exchange.dicom.writing import INSTANCE, SERIES, DicomObject, written
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.record.vocabulary import vocabulary

_OEDEMA_COLOUR = (65.0, 45.0, 70.0)
_BONE_COLOURS = (
    (60.0, -10.0, -40.0),
    (62.0, -45.0, 20.0),
    (80.0, -15.0, -15.0),
    (60.0, 35.0, -5.0),
)
"""CIELab of Okabe and Ito's palette, which colour-blind readers tell apart: oedema orange."""

_LONGEST_TEXT = 1024
"""Characters of a Segment Description (VR ST)."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """One structure and its voxels.

    Parameters
    ----------
    label
        In words, as ``right femur``.
    mask
        Boolean (i, j, k) on the grid of the series.
    bone
        The bone that it is or lies in.
    is_lesion
        Oedema; else the bone itself.
    is_automatic
        The program drew it; else its mask was handed in.
    description
        Where it comes from, and whether anybody confirmed it.
    tracking_id, tracking_uid
        Which lesion it is, at every visit; empty for bones.
    """

    label: str
    mask: NDArray[np.bool_]
    bone: BoneId
    is_lesion: bool
    is_automatic: bool
    description: str
    tracking_id: str = ""
    tracking_uid: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What a segmentation is about: its label (CS), number and words."""

    label: str
    series_number: int
    description: str
    made_from: str


def bone_segment(bone: Bone) -> Segment:
    """A bone as it is to be written."""
    name = f"{_side(bone.id)}{vocabulary().bone(bone.id.bone).label}"
    unsure = bone.verdict is BoneVerdict.UNSURE
    said = [f"Outline: {bone.source}."]
    if bone.is_found:
        said.append("Proposed by software; not confirmed by a reader.")
    if unsure:
        said.append(f"Unsure, not measured: {bone.reason}.")
    return Segment(
        f"{name} (unsure)" if unsure else name,
        np.asarray(bone.mask.data, dtype=bool),
        bone.id,
        is_lesion=False,
        is_automatic=bone.is_found,
        description=" ".join(said),
    )


def segmentation(
    planes: Planes, segments: Sequence[Segment], content: Content, form: DicomForm
) -> DicomObject:
    """A segmentation of a series; there must be a segment, and each must have a voxel."""
    frames = _frames(segments)
    is_labelmap = form.labelmap and frames.ndim == 3

    def build() -> Dataset:
        dataset = Segmentation(
            source_images=list(planes.datasets),
            pixel_array=frames,
            segmentation_type=(
                SegmentationTypeValues.LABELMAP if is_labelmap else SegmentationTypeValues.BINARY
            ),
            transfer_syntax_uid=RLELossless if is_labelmap else ExplicitVRLittleEndian,
            segment_descriptions=[_described(n, one) for n, one in enumerate(segments, start=1)],
            series_instance_uid=SERIES,
            series_number=content.series_number,
            sop_instance_uid=INSTANCE,
            instance_number=1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=MODEL,
            software_versions=VERSION,
            device_serial_number=SERIAL_NUMBER,
            content_label=content.label,
            content_description=content.description,
            series_description=content.description,
            content_date=planes.moment.day,
            content_time=planes.moment.time,
            omit_empty_frames=True,
        )
        name_truly(dataset, planes.images)
        return dataset

    return written(build, content.made_from)


def _frames(segments: Sequence[Segment]) -> NDArray[np.uint8]:
    """(slice, row, column) with the number of the segment; one more axis where segments overlap.

    highdicom takes both; the second takes it twice the time.
    """
    labels = np.zeros(segments[0].mask.shape[::-1], dtype=np.uint8)
    voxels = 0
    for number, one in enumerate(segments, start=1):
        np.copyto(labels, np.uint8(number), where=one.mask.transpose(2, 1, 0))
        voxels += int(np.count_nonzero(one.mask))
    if np.count_nonzero(labels) == voxels:
        return labels
    return np.stack([one.mask.transpose(2, 1, 0) for one in segments], axis=-1).astype(np.uint8)


def _described(number: int, one: Segment) -> HighdicomSegment:
    kind = OEDEMA if one.is_lesion else bone_code(one.bone.bone)
    colour = _OEDEMA_COLOUR if one.is_lesion else _BONE_COLOURS[(number - 1) % len(_BONE_COLOURS)]
    described = HighdicomSegment(
        segment_number=number,
        segment_label=one.label[:64],
        segmented_property_category=ABNORMAL if one.is_lesion else ANATOMY,
        segmented_property_type=kind,
        algorithm_type=(
            SegmentAlgorithmTypeValues.AUTOMATIC
            if one.is_automatic
            else SegmentAlgorithmTypeValues.MANUAL
        ),
        algorithm_identification=_algorithm(one) if one.is_automatic else None,
        tracking_uid=one.tracking_uid or None,
        tracking_id=one.tracking_id or None,
        anatomic_regions=[bone_code(one.bone.bone)] if one.is_lesion else None,
        display_color=CIELabColor(*colour),
    )
    described.SegmentDescription = one.description[:_LONGEST_TEXT]
    _add_side(described, one)
    return described


def _algorithm(one: Segment) -> hd.AlgorithmIdentificationSequence:
    family: Code = codes.cid7162.HistogramAnalysis
    if not one.is_lesion:
        family = codes.cid7162.ArtificialIntelligence
    return hd.AlgorithmIdentificationSequence(name=MANUFACTURER, family=family, version=VERSION)


def _add_side(described: HighdicomSegment, one: Segment) -> None:
    """The side as a modifier: of the region that a lesion lies in, of the type that a bone is."""
    side = SIDES.get(one.bone.side)
    if side is None:
        return
    modifier = [hd.sr.CodedConcept.from_code(side)]
    if one.is_lesion:
        described.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = modifier
    else:
        kind = described.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = modifier


def _side(bone: BoneId) -> str:
    return f"{bone.side.value} " if bone.side in (Side.LEFT, Side.RIGHT) else ""
