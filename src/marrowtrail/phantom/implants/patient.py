"""Lesions laid into real series, with truth.

The images are a patient's own, with their noise, texture and shading; only the lesions are
synthetic, so their place, size and contrast are known. They are laid into marrow that looks
normal, outside any oedema that the patient has. Every series of the patient shows the same
lesions: bright where fat is suppressed, dark where it is not.

What comes out is not the patient's any more, but it is still the patient's image: it is for the
use that the images came with, and never published.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.errors import InputError
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume, resample
from marrowtrail.imaging.write_nifti import write_nifti
from marrowtrail.phantom.implants.lesion import RADIUS_MM, ImplantShape, draw_shape
from marrowtrail.phantom.implants.place import (
    Marrow,
    clearance_mm,
    depth_mm,
    map_marrow,
    own_lesions,
    places_for,
)
from marrowtrail.phantom.implants.signal import Levels, lay_in, levels_of, outline_of
from marrowtrail.phantom.implants.source import Source, SourceSeries, read_source
from marrowtrail.phantom.implants.tissue_samples import (
    Mask,
    sample_tissues,
    slices_back,
    slices_first,
)
from marrowtrail.phantom.implants.truth import (
    ImplantedLesion,
    ImplantedSeries,
    ImplantTruth,
    write_implant_truth,
)

TRUTH_AS_READ = "oedema-reader1-read1.nii.gz"
"""Truth goes by a reader's name in the layout with masks, so that what scores readers scores it."""

LESIONS_FILE = "lesions.nii.gz"

MOST_LESIONS = 3
SMALLEST_MM3 = 60.0
"""A smaller lesion is a vessel to any reader."""

IN_MARROW = 0.5
"""At least this share of a lesion must lie in marrow; the rest is cut off by cortex."""

TRIES = 60

PLAIN_CONTRAST = 8.0
"""Nobody misses a lesion that lies so many deviations from marrow."""

LARGE_MM3 = 8000.0
"""Nor one of this volume."""

_ANY_DAY = "2031-01-01"
"""The date in ``case.yaml``: visits need one, and the patient's own is not told."""


@dataclass(frozen=True, slots=True, eq=False)
class _Implant:
    """A lesion and its truth, ``(slice, row, column)`` on the grid of the plain series."""

    shape: ImplantShape
    mask: Mask


def implant(source: Path, out: Path, *, seed: int) -> ImplantTruth:
    """Lay one to three lesions into a patient's series and write the new patient.

    Parameters
    ----------
    source
        A patient as :func:`marrowtrail.phantom.implants.source.read_source` has it.
    out
        Folder to write: the layout with masks comes out as it came in, with truth as the mask
        of a reader; DICOM comes out as NIfTI with ``case.yaml``. Both get ``lesions.nii.gz``
        and ``truth.json``.
    seed
        Draws number, place, size, contrast and edge.

    Raises
    ------
    InputError
        If the patient cannot be used, or a lesion fits nowhere in its marrow.
    """
    patient = read_source(source)
    rng = np.random.default_rng([seed, 51])
    marrow = map_marrow(patient.plain.volume, patient.bone)
    implants = _draw(patient, marrow, rng)
    levels = {one.file: _levels(one, patient, marrow) for one in patient.series}
    out.mkdir(parents=True, exist_ok=True)
    shapes = [one.shape for one in implants]
    for one in patient.series:
        write_nifti(lay_in(one.volume, shapes, marrow, levels[one.file]), out / one.file)
    _write_masks(patient, implants, source, out)
    truth = _truth(patient, marrow, implants, levels, seed)
    write_implant_truth(truth, out)
    return truth


def _draw(patient: Source, marrow: Marrow, rng: np.random.Generator) -> list[_Implant]:
    avoid = np.zeros(marrow.proper.shape, dtype=bool)
    for one in patient.series:
        if one.suppressed:
            avoid |= own_lesions(_on_plain(one, patient), marrow)
    depth = depth_mm(marrow)
    implants: list[_Implant] = []
    for _ in range(int(rng.integers(1, MOST_LESIONS + 1))):
        found = _draw_one(marrow, depth, avoid, rng)
        if found is not None:
            implants.append(found)
            avoid |= found.mask
    if not implants:
        raise InputError(
            f"Expected marrow with room for a lesion of {RADIUS_MM.low:.0f} mm radius; found none.",
            where="the series to lay lesions into",
            remedy="name a patient with more marrow that looks normal",
        )
    return implants


def _draw_one(
    marrow: Marrow, depth: NDArray[np.float64], avoid: Mask, rng: np.random.Generator
) -> _Implant | None:
    """A lesion that lies mostly in marrow, or ``None`` after :data:`TRIES`."""
    geometry = marrow.geometry
    clearance = clearance_mm(avoid, geometry)
    for _ in range(TRIES):
        radius = RADIUS_MM.draw(rng)
        places = places_for(radius, depth, clearance, geometry)
        if not len(places):
            continue
        shape = draw_shape(places[rng.integers(len(places))], radius, rng)
        whole, proper = outline_of(shape, geometry, marrow)
        mask = slices_first(Volume(whole & proper, geometry))
        large = np.count_nonzero(mask) * geometry.voxel_mm3 >= SMALLEST_MM3
        mostly = np.count_nonzero(mask) >= IN_MARROW * np.count_nonzero(whole)
        if large and mostly and not (mask & avoid).any():
            return _Implant(shape, mask)
    return None


def _on_plain(one: SourceSeries, patient: Source) -> NDArray[np.float32]:
    geometry = patient.plain.volume.geometry
    if one.volume.geometry.same_grid(geometry):
        return slices_first(one.volume)
    return slices_first(resample(one.volume, geometry))


def _levels(one: SourceSeries, patient: Source, marrow: Marrow) -> Levels:
    plain, geometry = patient.plain.volume, one.volume.geometry
    bone, normal = patient.bone, marrow.proper if patient.normal is None else patient.normal
    if not geometry.same_grid(plain.geometry):
        bone, normal = (_moved(mask, plain.geometry, geometry) for mask in (bone, normal))
        plain = resample(plain, geometry)
    samples = sample_tissues(plain, bone)
    return levels_of(one.volume, samples, normal, suppressed=one.suppressed, echo_ms=one.echo_ms)


def _moved(mask: Mask, geometry: Geometry, onto: Geometry) -> Mask:
    volume = Volume(slices_back(mask.astype(np.uint8), geometry), geometry)
    return np.asarray(slices_first(resample(volume, onto, order=0)) > 0)


def _write_masks(patient: Source, implants: Sequence[_Implant], source: Path, out: Path) -> None:
    geometry = patient.plain.volume.geometry
    labels = np.zeros(patient.bone.shape, dtype=np.uint8)
    for value, one in enumerate(implants, start=1):
        labels[one.mask] = value
    _write(labels, geometry, out / LESIONS_FILE)
    if not patient.has_masks:
        (out / "case.yaml").write_text(_case(patient), encoding="utf-8")
        return
    shutil.copyfile(source / "bone.nii.gz", out / "bone.nii.gz")
    _write((labels > 0).astype(np.uint8), geometry, out / TRUTH_AS_READ)
    if patient.normal is not None:
        near = ndimage.binary_dilation(labels > 0, np.ones((1, 3, 3)), iterations=5)
        _write((patient.normal & ~near).astype(np.uint8), geometry, out / "normal-marrow.nii.gz")


def _write(data: NDArray[np.uint8], geometry: Geometry, path: Path) -> None:
    write_nifti(Volume(np.ascontiguousarray(slices_back(data, geometry)), geometry), path)


def _case(patient: Source) -> str:
    series = [
        {
            "file": one.file,
            "body_part": patient.body_part,
            "weighting": one.weighting.value,
            "fat_suppressed": one.suppressed,
        }
        for one in patient.series
    ]
    visits = [{"date": _ANY_DAY, "series": series}]
    return yaml.safe_dump({"schema_version": 1, "visits": visits}, sort_keys=False)


def _truth(
    patient: Source,
    marrow: Marrow,
    implants: Sequence[_Implant],
    levels: dict[str, Levels],
    seed: int,
) -> ImplantTruth:
    strength = max(abs(one.ratio - 1.0) / one.deviation for one in levels.values())
    lesions = tuple(
        _lesion_truth(value, one, marrow, strength) for value, one in enumerate(implants, start=1)
    )
    return ImplantTruth(
        seed=seed,
        difficulty=round(float(np.mean([one.difficulty for one in lesions])), 3),
        lesions=lesions,
        series=tuple(
            ImplantedSeries(
                file=one.file,
                weighting=one.weighting.value,
                fat_suppressed=one.suppressed,
                fluid_sensitive=one.suppressed and one.weighting is not one.weighting.T1,
                ratio=round(levels[one.file].ratio, 3),
            )
            for one in patient.series
        ),
    )


def _lesion_truth(value: int, one: _Implant, marrow: Marrow, strength: float) -> ImplantedLesion:
    shape = one.shape
    volume = float(np.count_nonzero(one.mask)) * marrow.geometry.voxel_mm3
    contrast = shape.water * strength
    x, y, z = (round(float(c), 2) for c in shape.centre_lps)
    a, b, c = (round(axis, 2) for axis in shape.axes_mm)
    return ImplantedLesion(
        value=value,
        centre_lps=(x, y, z),
        axes_mm=(a, b, c),
        volume_mm3=round(volume, 1),
        water=round(shape.water, 3),
        edge_mm=round(shape.edge_mm, 2),
        profile=shape.profile.value,
        contrast=round(contrast, 2),
        difficulty=round(difficulty_of(contrast, volume), 3),
    )


def difficulty_of(contrast: float, volume_mm3: float) -> float:
    """0 (large and plain) to 1 (at the limit of what is called a lesion).

    One less the geometric mean of how plain (``contrast`` in deviations of marrow, up to
    :data:`PLAIN_CONTRAST`) and how large (logarithm of the volume, up to :data:`LARGE_MM3`).
    """
    plain = np.clip(contrast / PLAIN_CONTRAST, 0.0, 1.0)
    size = np.log(max(volume_mm3, SMALLEST_MM3) / SMALLEST_MM3)
    large = np.clip(size / np.log(LARGE_MM3 / SMALLEST_MM3), 0.0, 1.0)
    return float(1.0 - np.sqrt(plain * large))
