"""NIfTI images and masks, named in ``case.yaml`` because their files tell so little.

Axes keep the order in which the file has them; only the frame is converted, from RAS to LPS.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from marrowtrail.errors import InputError
from marrowtrail.imaging.geometry import LPS_FROM_RAS, Geometry
from marrowtrail.imaging.pixels import checked
from marrowtrail.imaging.series import BoneLabels, Contrast, Weighting
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary


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
    data = np.asarray(image.dataobj)
    if data.ndim != 3 or data.dtype.kind not in "biuf":
        raise InputError(
            f"Expected one 3-D image of real numbers, got shape {data.shape} of {data.dtype}.",
            where=path.name,
            remedy="save one volume a file",
        )
    return checked(data.astype(np.float32), _geometry(image, path), path.name)


def read_labels(bones: NiftiBones) -> BoneLabels:
    """A mask with its names.

    Raises
    ------
    InputError
        If a file is missing or wrong, a value has no name, or a name is not in the
        vocabulary.
    """
    image = _load(bones.file)
    data = np.asarray(image.dataobj)
    whole = np.rint(data)
    if data.ndim != 3 or not np.array_equal(whole, data):
        raise InputError(
            f"Expected a 3-D mask of whole numbers, got shape {data.shape} of {data.dtype}.",
            where=bones.file.name,
            remedy="save the mask as an integer label map",
        )
    names = _names(bones.labels)
    values = {int(value) for value in np.unique(whole) if value != 0}
    unnamed = sorted(values - {value for value, _ in names})
    if unnamed:
        raise InputError(
            f"The mask has the value(s) {', '.join(map(str, unnamed))}, which have no name.",
            where=f"{bones.file.name} and {bones.labels.name}",
            remedy="name every value, or set voxels of no bone to 0",
        )
    labels = Volume(whole.astype(np.int16), _geometry(image, bones.file))
    return BoneLabels(labels, tuple(one for one in names if one[0] in values), "NIfTI mask")


def read_label_values(path: Path) -> NDArray[np.int16]:
    """The whole numbers of a label map, for use on a grid that is known to be its own.

    Raises
    ------
    InputError
        If the file is missing or no NIfTI.
    """
    return np.asarray(np.rint(np.asarray(_load(path).dataobj)), dtype=np.int16)


def content_hash(path: Path) -> str:
    """SHA-256 of a file: the identity of an image that has no UID."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _load(path: Path) -> nib.Nifti1Image:
    if not path.is_file():
        raise InputError(
            "A file that case.yaml names is not there.",
            where=path.name,
            remedy="correct the path under visits: (it is relative to the patient folder)",
        )
    try:
        image = nib.load(path)
    except (ImageFileError, OSError, ValueError, EOFError) as error:
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


def _geometry(image: nib.Nifti1Image, path: Path) -> Geometry:
    shape = image.shape
    try:
        return Geometry((shape[0], shape[1], shape[2]), LPS_FROM_RAS @ image.affine)
    except ValueError as error:
        raise InputError(
            "The image's affine does not place it in the patient.",
            where=path.name,
            remedy="save it again with a valid sform or qform",
        ) from error


def _names(path: Path) -> tuple[tuple[int, BoneId], ...]:
    if not path.is_file():
        raise InputError(
            "The file that names the mask's values is not there.",
            where=path.name,
            remedy='write it: {"1": {"bone": "femur", "side": "right"}}',
        )
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return tuple(
            (int(value), _bone(entry["bone"], entry["side"])) for value, entry in table.items()
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        detail = str(error) if isinstance(error, UnknownWordError) else "it has another form"
        allowed = ", ".join(bone.key for bone in vocabulary().bones)
        raise InputError(
            f'Expected {{"1": {{"bone": "femur", "side": "right"}}}} with known words; {detail}.',
            where=path.name,
            remedy=f"bones: {allowed}; sides: {', '.join(side.value for side in Side)}",
        ) from error


def _bone(bone: str, side: str) -> BoneId:
    return BoneId(vocabulary().bone(bone).key, Side(side))
