"""Bone masks that came as DICOM segmentations, on the grid of the series they were drawn on.

A segmentation may leave out empty slices and order its frames in its own way. Each frame is
therefore put where its own position says, on the grid of the series that it refers to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset

from marrowtrail.errors import InputError
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.headers import Header
from marrowtrail.imaging.series import BoneLabels, SetAside
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.record.vocabulary import vocabulary

ON_SLICE = 0.25
"""A frame belongs to a slice if it lies within this share of the slice distance of it."""

_SIDE_CODES = {"24028007": Side.RIGHT, "7771000": Side.LEFT}


@dataclass(frozen=True, slots=True, eq=False)
class ReadSegmentation:
    """Bones of one segmentation, or why it was set aside."""

    bones: BoneLabels | None
    aside: SetAside | None


def read_segmentation(header: Header, grids: Mapping[str, Geometry]) -> ReadSegmentation:
    """Bones of a segmentation on the grid of its series.

    Parameters
    ----------
    header
        The file.
    grids
        Geometry of each series that was read, by series instance UID.

    Raises
    ------
    InputError
        If its frames lie off the grid of the series it refers to.
    """
    try:
        segmentation = hd.seg.segread(header.path)
    except (AttributeError, ValueError, TypeError, OSError, RuntimeError):
        return _aside("segmentation", "it cannot be read as a DICOM segmentation")
    segments = {
        int(item.SegmentNumber): bone
        for item in segmentation.SegmentSequence
        if (bone := bone_of_segment(item)) is not None
    }
    if not segments:
        return _aside("segmentation", "none of its segments is a bone of the vocabulary")
    series_uid = _source_series(segmentation)
    grid = grids.get(series_uid or "")
    if grid is None:
        return _aside("segmentation", "the series it was drawn on is not in the folder")
    labels = np.zeros(grid.shape, dtype=np.int16)
    for number in segments:
        frames = _frames_of(segmentation, number)
        for plane, mask in frames:
            k, block = _placed(plane, mask, grid)
            labels[:, :, k][block] = number
    names = tuple(sorted(segments.items()))
    return ReadSegmentation(BoneLabels(Volume(labels, grid), names, "DICOM SEG", series_uid), None)


def bone_of_segment(item: Dataset) -> BoneId | None:
    """The bone that a segment's codes name; its label only where codes do not tell the side."""
    values = {
        code.get("CodeValue", "")
        for name in ("SegmentedPropertyTypeCodeSequence", "AnatomicRegionSequence")
        for code in item.get(name, ())
    }
    label = str(item.get("SegmentLabel", "")).lower()
    bones = [
        term.key
        for term in vocabulary().bones
        if any(code.scheme == "SCT" and code.value in values for code in term.codes)
    ]
    if not bones:
        words = set(label.replace("_", " ").split())
        bones = [term.key for term in vocabulary().bones if term.key in words | {label}]
    return BoneId(bones[0], _side_of(item, label)) if bones else None


def _side_of(item: Dataset, label: str) -> Side:
    modifiers = [
        code.get("CodeValue", "")
        for owner in (
            item.get("SegmentedPropertyTypeCodeSequence", ()),
            item.get("AnatomicRegionSequence", ()),
        )
        for entry in owner
        for name in (
            "SegmentedPropertyTypeModifierCodeSequence",
            "AnatomicRegionModifierSequence",
        )
        for code in entry.get(name, ())
    ]
    modifiers += [
        code.get("CodeValue", "")
        for code in item.get("SegmentedPropertyTypeModifierCodeSequence", ())
    ]
    for value in modifiers:
        if value in _SIDE_CODES:
            return _SIDE_CODES[value]
    words = set(label.replace("_", " ").split())
    named = [side for side in (Side.LEFT, Side.RIGHT) if side.value in words]
    return named[0] if len(named) == 1 else Side.UNKNOWN


def _source_series(segmentation: hd.seg.Segmentation) -> str | None:
    for item in segmentation.get("ReferencedSeriesSequence", ()):
        return str(item.SeriesInstanceUID)
    return None


def _frames_of(
    segmentation: hd.seg.Segmentation, number: int
) -> Iterable[tuple[Sequence[float], np.ndarray]]:
    """(position, (rows, columns) boolean) of each frame of a segment."""
    pixels = segmentation.pixel_array
    stack = pixels[None] if pixels.ndim == 2 else pixels
    for index, frame in enumerate(segmentation.PerFrameFunctionalGroupsSequence):
        which = frame.get("SegmentIdentificationSequence")
        is_labelmap = which is None
        if not is_labelmap and int(which[0].ReferencedSegmentNumber) != number:
            continue
        mask = stack[index] == number if is_labelmap else stack[index] > 0
        yield frame.PlanePositionSequence[0].ImagePositionPatient, mask


def _placed(position: Sequence[float], mask: np.ndarray, grid: Geometry) -> tuple[int, np.ndarray]:
    """The slice that a frame belongs to, and its mask in (i, j) order."""
    ijk = grid.to_ijk(np.asarray(position, dtype=np.float64))
    k = int(np.rint(ijk[2]))
    off = abs(ijk[2] - k) > ON_SLICE or np.abs(ijk[:2]).max() > ON_SLICE
    if off or not 0 <= k < grid.shape[2] or mask.T.shape != grid.shape[:2]:
        raise InputError(
            f"A segmentation of bones does not lie on the grid of the series it refers to: "
            f"expected frames of {grid.shape[0]} x {grid.shape[1]} pixels at its slices, got "
            f"{mask.shape[1]} x {mask.shape[0]} at slice index {ijk[2]:.2f}.",
            where="a DICOM SEG in the folder",
            remedy="draw or resample the mask on the series itself",
        )
    return k, mask.T


def _aside(what: str, reason: str) -> ReadSegmentation:
    return ReadSegmentation(None, SetAside(what, reason, 1))
