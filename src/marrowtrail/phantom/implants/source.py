"""A real patient to lay lesions into: the series, where bone is, where marrow is normal.

Two layouts are read: a folder with ``stir.nii.gz``, ``t1.nii.gz``, ``bone.nii.gz`` and
``normal-marrow.nii.gz``; or DICOM of one visit with at least one series without fat suppression.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marrowtrail.errors import InputError
from marrowtrail.imaging.nifti import read_volume
from marrowtrail.imaging.series import BoneLabels, Series, Visit, Weighting
from marrowtrail.imaging.study import read_study
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.implants.tissue_samples import Mask, find_bone, slices_first

_PLAIN = (Weighting.T1, Weighting.PD, Weighting.T2)


@dataclass(frozen=True, slots=True, eq=False)
class SourceSeries:
    """One series of the patient; ``file`` is what it will be called beside its lesions."""

    file: str
    volume: Volume
    weighting: Weighting
    suppressed: bool
    echo_ms: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A patient.

    ``plain`` is the series without fat suppression that shows where marrow is; ``bone`` and
    ``normal`` are ``(slice, row, column)`` on its grid. ``body_part`` is a word of the vocabulary.
    """

    series: tuple[SourceSeries, ...]
    plain: SourceSeries
    bone: Mask
    normal: Mask | None
    body_part: str
    has_masks: bool


def read_source(folder: Path) -> Source:
    """Read a patient of either layout.

    Raises
    ------
    InputError
        If readers outlined oedema in it, a file is missing, or no series shows marrow.
    """
    if (folder / "stir.nii.gz").is_file():
        return _from_masks(folder)
    return _from_dicom(folder)


def _from_masks(folder: Path) -> Source:
    if any(folder.glob("oedema-reader*.nii.gz")):
        raise InputError(
            "Expected a patient whose oedema nobody outlined; found readers' masks.",
            where="the folder to lay lesions into",
            remedy="name another patient: truth is what is laid in, and nothing else",
        )
    t1 = SourceSeries("t1.nii.gz", read_volume(folder / "t1.nii.gz"), Weighting.T1, False)
    stir = SourceSeries("stir.nii.gz", read_volume(folder / "stir.nii.gz"), Weighting.STIR, True)
    bone = read_volume(folder / "bone.nii.gz").on_grid_of(t1.volume)
    normal = read_volume(folder / "normal-marrow.nii.gz").on_grid_of(t1.volume)
    geometry = t1.volume.geometry
    return Source(
        series=(stir, t1),
        plain=t1,
        bone=slices_first(Volume(bone, geometry)) > 0,
        normal=slices_first(Volume(normal, geometry)) > 0,
        body_part="sacroiliac",
        has_masks=True,
    )


def _from_dicom(folder: Path) -> Source:
    visit = read_study(folder).visits[0]
    usable = [one for one in visit.series if one.contrast.weighting in (*_PLAIN, Weighting.STIR)]
    plain = [one for one in usable if one.contrast.fat_suppressed is False]
    if not plain:
        raise InputError(
            "Expected a T1, PD or T2 series without fat suppression; found none.",
            where=f"visit {visit.id}",
            remedy="name a patient with one: marrow is told from cortex on it",
        )
    shown = min(plain, key=lambda one: one.echo_time_ms or np.inf)
    files = {one.id: f"series-{number}.nii.gz" for number, one in enumerate(usable, start=1)}
    series = {one.id: _series(one, files[one.id]) for one in usable}
    return Source(
        series=tuple(series.values()),
        plain=series[shown.id],
        bone=_bone(visit, shown.volume),
        normal=None,
        body_part=shown.body_part,
        has_masks=False,
    )


def _series(one: Series, file: str) -> SourceSeries:
    suppressed = one.contrast.fat_suppressed is True
    return SourceSeries(file, one.volume, one.contrast.weighting, suppressed, one.echo_time_ms)


def _bone(visit: Visit, plain: Volume) -> Mask:
    """The masks that came with the images, else what is found in them."""
    handed_in: list[BoneLabels] = [
        one for one in visit.bones if one.labels.geometry.same_grid(plain.geometry)
    ]
    if handed_in:
        return np.asarray(slices_first(handed_in[0].labels) > 0)
    return find_bone(plain)
