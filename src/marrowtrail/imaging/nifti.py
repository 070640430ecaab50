"""NIfTI images and masks, named in ``case.yaml`` because their files tell so little.

Axes keep the order in which the file has them; only the frame is converted, from RAS to LPS.
"""

from __future__ import annotations

import hashlib
import json
import logging
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marrowtrail.errors import InputError
from marrowtrail.imaging.geometry import LPS_FROM_RAS, Geometry
from marrowtrail.imaging.parting import MIN_SLICES
from marrowtrail.imaging.pixels import checked
from marrowtrail.imaging.series import BoneLabels, Contrast, Weighting
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary

if TYPE_CHECKING:
    import nibabel as nib

_DAMAGE = (OSError, ValueError, EOFError, OverflowError, zlib.error)
"""What nibabel and gzip raise on files that are cut short or altered, as the tests show."""


@dataclass(frozen=True, slots=True)
class NiftiSeries:
    """One image file and what it shows."""

    file: Path
    body_part: str
    side: Side
    weighting: Weighting
    fat_suppressed: bool | None

    @property
    def contrast(self) -> Contrast:
        """As stated; an inversion recovery that nulls fat has no other choice."""
        suppressed = True if self.weighting is Weighting.STIR else self.fat_suppressed
        return Contrast(self.weighting, suppressed, "as case.yaml states")


@dataclass(frozen=True, slots=True)
class NiftiBones:
    """A mask and the JSON file that names its values: ``{"1": {"bone": …, "side": …}}``."""

    file: Path
    labels: Path


@dataclass(frozen=True, slots=True)
class NiftiVisit:
    """What was imaged on one day, as files."""

    date: date
    series: tuple[NiftiSeries, ...]
    bones: NiftiBones | None = None


def read_volume(path: Path) -> Volume:
    """A three-dimensional image as float32, finite and not constant.

    Raises
    ------
    InputError
        If the file is missing, no NIfTI, not three-dimensional, or not usable.
    """
    image = _load(path)
    data = _voxels(image, path)
    if data.ndim != 3 or data.dtype.kind not in "biuf":
        raise InputError(
            f"Expected one 3-D image of real numbers, got shape {data.shape} of {data.dtype}.",
            where=path.name,
            remedy="save one volume a file",
        )
    geometry = _geometry(image, path)
    slices = geometry.shape[geometry.through_plane_axis]
    if slices < MIN_SLICES:
        raise InputError(
            f"Expected a volume of at least {MIN_SLICES} slices, got {slices}.",
            where=path.name,
            remedy="name a file that holds the whole series",
        )
    return checked(data.astype(np.float32), geometry, path.name)


def read_geometry(path: Path) -> Geometry:
    """The grid of an image, from its header.

    Raises
    ------
    InputError
        If the file is missing, no NIfTI or not three-dimensional.
    """
    image = _load(path)
    if len(image.shape) != 3:
        raise InputError(
            f"Expected one 3-D image, got shape {image.shape}.",
            where=path.name,
            remedy="save one volume a file",
        )
    return _geometry(image, path)


def read_labels(bones: NiftiBones) -> BoneLabels:
    """A mask with its names. Several values of one bone are pieces of it and become one.

    Raises
    ------
    InputError
        If a file is missing or wrong, a value has no name, or a name is not in the
        vocabulary.
    """
    image = _load(bones.file)
    whole = _whole_numbers(image, bones.file)
    names = _names(bones.labels)
    values = {int(value) for value in np.unique(whole) if value != 0}
    _refuse_unnamed(values - set(names), bones)
    used = {value: names[value] for value in sorted(values)}
    first: dict[BoneId, int] = {}
    for value, bone in used.items():
        whole[whole == value] = first.setdefault(bone, value)
    _refuse_two_without_side(used, first, bones)
    labels = Volume(whole, _geometry(image, bones.file))
    return BoneLabels(labels, tuple((value, bone) for bone, value in first.items()), "NIfTI mask")


def read_label_values(path: Path) -> NDArray[np.int16]:
    """The whole numbers of a label map, for use on a grid that is known to be its own.

    Raises
    ------
    InputError
        If the file is missing, no NIfTI or no label map.
    """
    return _whole_numbers(_load(path), path)


def _whole_numbers(image: nib.Nifti1Image, path: Path) -> NDArray[np.int16]:
    data = _voxels(image, path)
    limit = np.iinfo(np.int16).max
    is_map = data.ndim == 3 and data.dtype.kind in "biuf"
    fits = is_map and -limit <= data.min(initial=0) and data.max(initial=0) <= limit
    if not fits or not np.array_equal(np.rint(data), data):
        raise InputError(
            f"Expected a 3-D mask of whole numbers up to {limit}, got shape {data.shape} of "
            f"{data.dtype}.",
            where=path.name,
            remedy="save the mask as an integer label map",
        )
    return data.astype(np.int16)


def _refuse_unnamed(unnamed: set[int], bones: NiftiBones) -> None:
    if unnamed:
        raise InputError(
            f"The mask has the value(s) {', '.join(map(str, sorted(unnamed)))}, which have no "
            "name.",
            where=f"{bones.file.name} and {bones.labels.name}",
            remedy="name every value, or set voxels of no bone to 0",
        )


def _refuse_two_without_side(
    used: Mapping[int, BoneId], first: Mapping[BoneId, int], bones: NiftiBones
) -> None:
    for value, bone in used.items():
        if bone.side is Side.UNKNOWN and first[bone] != value:
            raise InputError(
                f"The values {first[bone]} and {value} are the same bone ({bone.bone}), and "
                "neither has a side.",
                where=bones.labels.name,
                remedy="give both a side: left and right, or one side if they are pieces of one "
                "bone",
            )


def content_hash(path: Path) -> str:
    """SHA-256 of a file: the identity of an image that has no UID."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep off the user's terminal what nibabel mends in a header.

    It logs that by a handler of its own; what matters is checked here.
    """
    from nibabel.imageglobals import logger as nibabel_log  # noqa: PLC0415 (as in _load)

    level = nibabel_log.level
    nibabel_log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        nibabel_log.setLevel(level)


def _load(path: Path) -> nib.Nifti1Image:
    if not path.is_file():
        raise InputError(
            "A file that case.yaml names is not there.",
            where=path.name,
            remedy="correct the path under visits: (it is relative to the patient folder)",
        )
    import nibabel as nib  # noqa: PLC0415 (half a second that a folder of DICOM need not wait)
    from nibabel.filebasedimages import ImageFileError  # noqa: PLC0415
    from nibabel.spatialimages import HeaderDataError  # noqa: PLC0415

    try:
        with _quiet():
            image = nib.load(path)
    except (ImageFileError, HeaderDataError, *_DAMAGE) as error:
        raise InputError(
            "Expected a NIfTI image; the file cannot be read as one.",
            where=path.name,
            remedy="save it again as .nii or .nii.gz",
        ) from error
    if not isinstance(image, nib.Nifti1Image):
        raise InputError(
            f"Expected a NIfTI image, got {type(image).__name__}.",
            where=path.name,
            remedy="save it again as .nii or .nii.gz",
        )
    return image


def _voxels(image: nib.Nifti1Image, path: Path) -> NDArray[Any]:
    """The array, scaled as the header says; a fourth axis of length one is dropped."""
    try:
        data = np.asarray(image.dataobj)
    except _DAMAGE as error:
        raise InputError(
            "The image's voxels cannot be read; the file is damaged or cut short.",
            where=path.name,
            remedy="copy or export it again",
        ) from error
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    return data


def _geometry(image: nib.Nifti1Image, path: Path) -> Geometry:
    """The grid in LPS.

    A file with neither a qform nor an sform code has no orientation: what readers then assume
    (left to right, of whatever tool wrote it) would decide which side is medial. So would the
    choice between two that mirror each other.
    """
    shape = image.shape
    has_place = int(image.header["sform_code"]) > 0 or int(image.header["qform_code"]) > 0
    _refuse_other_units(image, path)
    _refuse_two_mirrored_places(image, path)
    try:
        if not has_place:
            raise ValueError("no orientation code")
        affine = LPS_FROM_RAS @ np.asarray(image.affine, dtype=np.float64)
        return Geometry((shape[0], shape[1], shape[2]), affine)
    except ValueError as error:
        raise InputError(
            "The image's affine does not place it in the patient.",
            where=path.name,
            remedy="save it again with a valid sform or qform",
        ) from error


def _refuse_other_units(image: nib.Nifti1Image, path: Path) -> None:
    try:
        unit = image.header.get_xyzt_units()[0]
    except KeyError:
        # A code that the format does not have says nothing, as code 0 does.
        return
    if unit not in ("mm", "unknown"):
        raise InputError(
            f"Expected an image in millimetres, got one in units of {unit}.",
            where=path.name,
            remedy="save it again in millimetres",
        )


def _refuse_two_mirrored_places(image: nib.Nifti1Image, path: Path) -> None:
    """Two that differ otherwise are common: a registration may have moved the sform."""
    from nibabel.spatialimages import HeaderDataError  # noqa: PLC0415 (as in _load)

    with np.errstate(all="ignore"):
        try:
            places = [image.get_sform(coded=True)[0], image.get_qform(coded=True)[0]]
        except (ValueError, HeaderDataError):
            return
        if any(place is None for place in places):
            return
        sform, qform = (np.linalg.det(place[:3, :3]) for place in places)
    if np.sign(sform) * np.sign(qform) < 0:
        raise InputError(
            "The image's sform and qform mirror each other, so left and right are not known.",
            where=path.name,
            remedy="save it again with one orientation, after checking it on the images",
        )


def _names(path: Path) -> dict[int, BoneId]:
    if not path.is_file():
        raise InputError(
            "The file that names the mask's values is not there.",
            where=path.name,
            remedy='write it: {"1": {"bone": "femur", "side": "right"}}',
        )
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return {int(value): _bone(entry["bone"], entry["side"]) for value, entry in table.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        allowed = ", ".join(bone.key for bone in vocabulary().bones)
        raise InputError(
            'Expected {"1": {"bone": "femur", "side": "right"}} with known words; '
            f"{_what_is_wrong(error)}.",
            where=path.name,
            remedy=f"bones: {allowed}; sides: {', '.join(side.value for side in Side)}",
        ) from error


def _what_is_wrong(error: Exception) -> str:
    if isinstance(error, UnknownWordError):
        return str(error).rstrip(".")
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno} is no JSON ({error.msg})"
    if isinstance(error, KeyError):
        return f"an entry has no {error}"
    return "it has another form"


def _bone(bone: str, side: str) -> BoneId:
    key = vocabulary().bone(bone).key
    if side not in set(Side):
        raise UnknownWordError(f"{side!r} is no side.")
    return BoneId(key, Side(side))
