"""The real and the synthetic series that are compared, each with its tissue samples."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.errors import InputError
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.nifti import read_label_values, read_volume
from marrowtrail.imaging.series import Contrast, Series, Visit, Weighting
from marrowtrail.imaging.study import read_study
from marrowtrail.imaging.volume import Volume, resample
from marrowtrail.phantom import write_patient
from marrowtrail.phantom.implants.tissue_samples import (
    Mask,
    TissueSamples,
    find_bone,
    sample_tissues,
    slices_first,
)
from marrowtrail.phantom.scenario import parse_scenario

KNEE_FOLDER, PELVIS_FOLDER = "knee-multi-echo-dicom", "sacroiliac"

OEDEMA_REACH = 5
"""Marrow is sampled this many pixels away from oedema, which fades."""

SEEN = 0.99
"""A voxel with less of the plain series in it than this lies at or beyond that series' edge."""

ONE_VISIT = """
key: realism
title: One visit of a knee with one lesion, drawn to be looked at
sex: F
age: [35, 70]
visits:
  - {after_days: 0, exams: [knee]}
lesions:
  - {key: condyle, joint: knee, bone: femur, region: medial_condyle, towards: inferior,
     radius_mm: [11, 16], course: [1.0]}
"""


class Kind(StrEnum):
    """Series that may be compared with each other."""

    T1 = "T1"
    PLAIN = "PD and T2 without fat suppression"
    FLUID = "PD, T2 and STIR with fat suppression"


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One series with what is known of it, masks ``(slice, row, column)`` on its grid.

    ``pelvis`` is whether it shows a pelvis: then what depends on anatomy is not compared.
    """

    kind: Kind
    volume: Volume
    samples: TissueSamples
    bone: Mask | None
    oedema: Mask | None
    pelvis: bool = False


def real_series(data: Path) -> Iterator[Shown]:
    """The real series of a folder: ``sacroiliac/*`` and ``knee-multi-echo-dicom``.

    Raises
    ------
    InputError
        If it holds neither.
    """
    patients = sorted(one.parent for one in (data / PELVIS_FOLDER).glob("*/stir.nii.gz"))
    knee = data / KNEE_FOLDER
    if not patients and not knee.is_dir():
        raise InputError(
            f"Expected {PELVIS_FOLDER} or {KNEE_FOLDER} in the folder; found neither.",
            where="the folder of real series",
            remedy="name the folder that holds them",
        )
    for folder in patients:
        yield from _pelvis(folder)
    if knee.is_dir():
        yield from _knee(read_study(knee).visits[0])


def synthetic_series(seed: int) -> Iterator[Shown]:
    """The series of one drawn patient: one visit of a knee with one lesion."""
    with tempfile.TemporaryDirectory(prefix="marrowtrail-realism-") as temporary:
        folder = Path(temporary)
        scenario = parse_scenario(ONE_VISIT, where="the scenario of realism")
        truth = write_patient(scenario, folder, seed=seed)
        visit = read_study(folder).visits[0]
        lesions = {one.series_uid: one.lesion_labels for one in truth.series}
        for one in visit.series:
            labels = lesions.get(one.source_uid)
            shown = _synthetic(one, visit, folder / labels if labels else None)
            if shown is not None:
                yield shown


def kind_of(contrast: Contrast) -> Kind | None:
    """What a series may be compared with; ``None`` with nothing."""
    if contrast.dixon is not None or contrast.after_agent:
        return None
    if contrast.is_fluid_sensitive:
        return Kind.FLUID
    if contrast.fat_suppressed is not False:
        return None
    if contrast.weighting is Weighting.T1:
        return Kind.T1
    return Kind.PLAIN if contrast.weighting in (Weighting.PD, Weighting.T2) else None


def _pelvis(folder: Path) -> Iterator[Shown]:
    """STIR and T1 of one patient; oedema is what half of the reads outline."""
    t1, stir = (read_volume(folder / f"{name}.nii.gz") for name in ("t1", "stir"))
    bone = slices_first(Volume(read_volume(folder / "bone.nii.gz").data, t1.geometry)) > 0
    reads = [
        slices_first(Volume(read_label_values(path), t1.geometry)) > 0
        for path in sorted(folder.glob("oedema-reader*.nii.gz"))
    ]
    oedema = np.mean(reads, axis=0) >= 0.5 if reads else None
    anyone = np.any(reads, axis=0) if reads else None
    samples = _without(sample_tissues(t1, bone), anyone)
    yield Shown(Kind.T1, t1, samples, bone, oedema, pelvis=True)
    yield Shown(Kind.FLUID, stir, samples, bone, oedema, pelvis=True)


def _knee(visit: Visit) -> Iterator[Shown]:
    first = min(visit.series, key=lambda one: one.echo_time_ms or 0.0).volume
    bone = find_bone(first)
    samples = sample_tissues(first, bone)
    for one in visit.series:
        kind = kind_of(one.contrast)
        if kind is not None and one.volume.geometry.same_grid(first.geometry):
            yield Shown(kind, one.volume, samples, bone, None)


def _synthetic(one: Series, visit: Visit, labels: Path | None) -> Shown | None:
    """With masks of the bones, and tissue sampled from a plain series of the same exam."""
    kind, grid = kind_of(one.contrast), one.volume.geometry
    bones = [each.labels for each in visit.bones if each.labels.geometry.same_grid(grid)]
    plain = [each for each in visit.series if kind_of(each.contrast) in (Kind.T1, Kind.PLAIN)]
    if kind is None or not bones or not plain:
        return None
    shown = one if kind is not Kind.FLUID else min(plain, key=lambda p: p.plane is not one.plane)
    bone = slices_first(bones[0]) > 0
    oedema = slices_first(Volume(read_label_values(labels), grid)) > 0 if labels else None
    image = one.volume if shown is one else resample(shown.volume, grid)
    samples = _without(_covered(sample_tissues(image, bone), shown.volume, grid), oedema)
    return Shown(kind, one.volume, samples, bone, oedema)


def _covered(samples: TissueSamples, plain: Volume, grid: Geometry) -> TissueSamples:
    """Samples of what the plain series shows: beyond its field of view it would look like air."""
    ones = plain.with_data(np.ones(plain.geometry.shape, dtype=np.float32))
    seen = slices_first(resample(ones, grid)) > SEEN
    kept = {one.name: getattr(samples, one.name) & seen for one in fields(samples)}
    return TissueSamples(**kept)


def _without(samples: TissueSamples, oedema: NDArray[np.bool_] | None) -> TissueSamples:
    if oedema is None or not oedema.any():
        return samples
    near = ndimage.binary_dilation(oedema, np.ones((1, 3, 3)), iterations=OEDEMA_REACH)
    return replace(samples, marrow=samples.marrow & ~near)
