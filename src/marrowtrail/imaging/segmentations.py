"""Bone masks that came as DICOM segmentations, on the grid of the series they were drawn on.

A segmentation may leave out empty slices, order its frames in its own way, turn their axes
and cut them to the bone. Each pixel is therefore put where its frame's own position and
orientation say, and only if that is a voxel of the series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import highdicom as hd
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from marrowtrail.errors import InputError
from marrowtrail.imaging.archives import Opener
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.headers import DAMAGE, Header, quiet
from marrowtrail.imaging.own_objects import is_own, is_proposed
from marrowtrail.imaging.segments import bone_of_segment
from marrowtrail.imaging.series import BoneLabels, SetAside
from marrowtrail.imaging.slice_place import SlicePlace, slice_place
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side

ON_VOXEL = 0.25
"""A pixel belongs to a voxel if its centre lies within this share of the voxel of it."""

_KIND = "segmentation"

_OWN = "an earlier run of this program wrote it, and measures from the images again"


@dataclass(frozen=True, slots=True, eq=False)
class ReadSegmentation:
    """Bones of one segmentation, once for each volume of its series, or why it was set aside.

    ``is_own`` is true for what an earlier run of this program wrote.
    """

    bones: tuple[BoneLabels, ...]
    aside: SetAside | None
    is_own: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """One frame: the number that its true pixels get, its place, its (row, column) mask."""

    number: int
    place: SlicePlace | None
    mask: NDArray[np.bool_]


def read_segmentation(
    header: Header, grids: Mapping[str, Sequence[Geometry]], incomplete: Set[str] = frozenset()
) -> ReadSegmentation:
    """Bones of a segmentation on the grids of its series.

    A series of two limbs, or one with slices missing, is several volumes.

    Parameters
    ----------
    header
        The file.
    grids
        Geometries of the volumes of each series that was read, by series instance UID.
    incomplete
        Series of which slices are missing: masks of those slices are left out.

    Raises
    ------
    InputError
        If a frame lies off every grid of the series it refers to.
    """
    with quiet(), Opener() as opener:
        try:
            with opener.open(header.path, header.members) as stream:
                segmentation = _opened(stream, header)
            own = is_own(segmentation)
            bones = _bones(segmentation)
            frames = list(_frames(segmentation, _values(bones)))
            series_uid = _source_series(segmentation)
        except DAMAGE:
            return _aside("it cannot be read as a DICOM segmentation")
    if not bones:
        return _aside(_OWN if own else "none of its segments is a bone of the vocabulary")
    without_side = [bone for bone in bones.values() if bone.side is Side.UNKNOWN]
    if len(without_side) > len(set(without_side)):
        return _aside("several of its segments are the same bone and do not say of which side")
    candidates = grids.get(series_uid, ())
    if not candidates:
        return _aside("the series it was drawn on is not among those that were read")
    frame_uid = header.text("FrameOfReferenceUID")
    try:
        volumes = _on_grids(candidates, frames, frame_uid, may_miss=series_uid in incomplete)
    except InputError:
        if own:
            return _aside(_OWN)
        raise
    used = set(_values(bones).values())
    names = tuple((number, bone) for number, bone in sorted(bones.items()) if number in used)
    return ReadSegmentation(
        tuple(BoneLabels(one, names, "DICOM SEG", series_uid) for one in volumes), None, own
    )


def without_copies(read: Sequence[ReadSegmentation]) -> tuple[ReadSegmentation, ...]:
    """Segmentations as they are; an earlier run's copies set aside where other masks came."""
    if not any(one.bones for one in read if not one.is_own):
        return tuple(read)
    return tuple(_aside(_OWN) if one.is_own and one.bones else one for one in read)


def _opened(stream: BinaryIO, header: Header) -> hd.seg.Segmentation:
    """A segmentation in any syntax; highdicom alone wants a file header and little endian."""
    dataset: Dataset = pydicom.dcmread(stream, force=True)
    if header.transfer_syntax == ExplicitVRBigEndian:
        dataset = _little_endian(dataset)
    elif "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = header.transfer_syntax
    return hd.seg.Segmentation.from_dataset(dataset, copy=False)


def _little_endian(dataset: Dataset) -> Dataset:
    """The same segmentation in little endian; bytes of words change places, single ones do not."""
    pixels = dataset["PixelData"]
    if pixels.VR == "OW":
        pixels.value = np.frombuffer(pixels.value, dtype=">u2").astype("<u2").tobytes()
    for _ in dataset.iterall():  # pydicom writes elements that were never looked at as they were
        pass
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = BytesIO()
    dcmwrite(stream, dataset, force_encoding=True, implicit_vr=False, little_endian=True)
    stream.seek(0)
    return pydicom.dcmread(stream)


def _bones(segmentation: hd.seg.Segmentation) -> dict[int, BoneId]:
    return {
        int(item.SegmentNumber): bone
        for item in segmentation.SegmentSequence
        if not (is_own(segmentation) and is_proposed(item))
        if (bone := bone_of_segment(item)) is not None
    }


def _values(bones: Mapping[int, BoneId]) -> dict[int, int]:
    """The value of each segment: several segments of one bone are pieces of it."""
    first: dict[BoneId, int] = {}
    return {number: first.setdefault(bones[number], number) for number in sorted(bones)}


def _source_series(segmentation: hd.seg.Segmentation) -> str:
    for item in segmentation.get("ReferencedSeriesSequence", ()):
        return str(item.SeriesInstanceUID)
    return ""


def _frames(segmentation: hd.seg.Segmentation, values: Mapping[int, int]) -> Iterator[_Frame]:
    pixels = segmentation.pixel_array
    stack = pixels[None] if pixels.ndim == 2 else pixels
    is_labelmap = segmentation.SegmentationType == "LABELMAP"
    fractional = segmentation.SegmentationType == "FRACTIONAL"
    half = int(segmentation.get("MaximumFractionalValue", 1)) / 2 if fractional else 0
    for index, groups in enumerate(segmentation.PerFrameFunctionalGroupsSequence):
        place = _place(segmentation, groups)
        if is_labelmap:
            for number in set(np.unique(stack[index]).tolist()) & set(values):
                yield _Frame(values[number], place, stack[index] == number)
        else:
            which = _group(segmentation, groups, "SegmentIdentificationSequence")
            number = int(which.ReferencedSegmentNumber)
            if number in values:
                yield _Frame(values[number], place, stack[index] > half)


def _place(segmentation: hd.seg.Segmentation, groups: Dataset) -> SlicePlace | None:
    measures = _group(segmentation, groups, "PixelMeasuresSequence")
    return slice_place(
        orientation=_floats(
            _group(segmentation, groups, "PlaneOrientationSequence").ImageOrientationPatient
        ),
        position=_floats(
            _group(segmentation, groups, "PlanePositionSequence").ImagePositionPatient
        ),
        pixel_spacing=_floats(measures.PixelSpacing),
        size=(float(segmentation.Columns), float(segmentation.Rows)),
    )


def _group(segmentation: hd.seg.Segmentation, groups: Dataset, name: str) -> Dataset:
    """A functional group, which stands once for each frame or once for all."""
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    item: Dataset = (groups if name in groups else shared)[name].value[0]
    return item


def _floats(values: Sequence[Any]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _on_grids(
    grids: Sequence[Geometry], frames: Sequence[_Frame], frame_uid: str, *, may_miss: bool
) -> list[Volume]:
    """A label map on every grid that holds frames; each frame lies on the first that fits it."""
    suited = [one for one in grids if not frame_uid or one.frame_of_reference in (None, frame_uid)]
    painted: dict[int, NDArray[np.int16]] = {}
    for frame in frames:
        home = _home(frame, suited)
        if home is not None:
            index, voxels = home
            labels = painted.setdefault(index, np.zeros(suited[index].shape, dtype=np.int16))
            labels[tuple(voxels.T)] = frame.number
        elif not may_miss:
            raise _off_the_grid(grids[0], frames)
    if not painted:
        raise _off_the_grid(grids[0], frames)
    return [Volume(labels, suited[index]) for index, labels in sorted(painted.items())]


def _home(frame: _Frame, grids: Sequence[Geometry]) -> tuple[int, NDArray[np.int64]] | None:
    for index, grid in enumerate(grids):
        voxels = _voxels(frame, grid)
        if voxels is not None:
            return index, voxels
    return None


def _off_the_grid(expected: Geometry, frames: Sequence[_Frame]) -> InputError:
    sizes = {frame.mask.shape[::-1] for frame in frames}
    got = " and ".join(f"{columns} x {rows}" for columns, rows in sorted(sizes))
    return InputError(
        "A segmentation of bones does not lie on the grid of the series it refers to: expected "
        f"frames on {expected.in_words}, got frames of {got} pixels elsewhere.",
        where="a DICOM SEG in the folder",
        remedy="draw or resample the mask on the series itself",
    )


def _voxels(frame: _Frame, grid: Geometry) -> NDArray[np.int64] | None:
    """(n, 3) voxels of a frame's true pixels; ``None`` if its pixels are not voxels."""
    if frame.place is None:
        return None
    corners = grid.to_ijk(frame.place.corners_lps)
    whole = np.rint(corners).astype(np.int64)
    inside = (whole >= 0).all() and (whole < grid.shape).all()
    if not inside or np.abs(corners - whole).max() > ON_VOXEL:
        return None
    rows, columns = frame.mask.shape
    start, along, down = whole[0], whole[1] - whole[0], whole[2] - whole[1]
    # One step of a pixel is one step of a voxel along one axis: no gaps, no skew.
    for way, count in ((along, columns), (down, rows)):
        if sorted(np.abs(way).tolist()) != [0, 0, count - 1]:
            return None
    row, column = np.nonzero(frame.mask)
    steps = np.sign(along) * column[:, None] + np.sign(down) * row[:, None]
    return np.asarray(start + steps, dtype=np.int64)


def _aside(reason: str) -> ReadSegmentation:
    return ReadSegmentation((), SetAside(_KIND, reason, 1))
