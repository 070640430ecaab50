"""One combination run from folder to report, and every answer held against the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from unittest.mock import patch

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from marrowtrail import pipeline
from marrowtrail.diagnosis.differential import Differential
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.reasoning import diagnose
from marrowtrail.errors import InputError
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Series
from marrowtrail.record.findings import Finding
from marrowtrail.record.treatments import Given
from marrowtrail.result.model import Result
from tests.orientation import knee
from tests.orientation.design import Combination
from tests.orientation.files import DATE, Written, write_nifti_mask, write_scan
from tests.orientation.page import pictures_of
from tests.orientation.pictures import picture_faults
from tests.orientation.scan import Scan, Vector, scan_of

PLACE_MM = 1e-3
"""Headers carry positions with 16 characters."""

CENTROID_MM = 1.5
"""Half a native pixel; an error of orientation moves an oedema by centimetres."""

VOLUME_SHARE = 0.15
"""Voxels of 20 to 36 mm3 in an area of 3 to 5 ml."""

MASK_DICE = 0.8

LANDMARKS = (
    ("femur", "medial_condyle", (23, 22, 12)),
    ("femur", "lateral_condyle", (-22, 22, 12)),
    ("femur", "trochlea", (-3, -16, 24)),
    ("femur", "distal_metaphysis", (2, 0, 50)),
    ("tibia", "medial_plateau", (22, 0, -9)),
    ("tibia", "lateral_plateau", (-22, 0, -9)),
    ("tibia", "proximal_metaphysis", (0, 0, -40)),
    ("fibula", "proximal_epiphysis", (-34, 22, -26)),
    ("patella", "medial_facet", (9, -40, 24)),
    ("patella", "lateral_facet", (-17, -40, 24)),
)
"""Bones and regions at points of the limb at rest, well within their borders."""


@dataclass(frozen=True)
class Disagreement:
    """Something that does not agree with the truth."""

    combination: Combination
    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.about}: {self.what} [{self.combination}]"


@cache
def _load_once() -> Knowledge:
    return load_knowledge()


@cache
def _diagnosed(findings: tuple[Finding, ...], setting: str, as_of: date | None) -> Differential:
    return diagnose(findings, _load_once(), setting=setting, as_of=as_of)


def _remembered(
    findings: Sequence[Finding],
    _: Knowledge,
    *,
    setting: str,
    as_of: date | None,
    given: Sequence[Given],
) -> Differential:
    """Reasoning takes a quarter of a run, and all knees of the battery pose it one question."""
    assert not given
    return _diagnosed(tuple(findings), setting, as_of)


def disagreements(combination: Combination, folder: Path) -> list[Disagreement]:
    """Write a combination, run it as a user would, and compare."""
    scan = scan_of(combination)
    written = write_scan(scan, folder / "patient")
    _hand_in_mask(written)
    try:
        with patch.object(pipeline, "diagnose", _remembered):
            result = pipeline.run(folder / "patient")
    except InputError as refusal:
        return [Disagreement(combination, "refused", str(refusal))]
    with _only_what_is_compared(combination):
        pipeline.save(result, folder / "out")
    return compare(written, result, folder / "out")


WHOLE = 8
"""One combination in so many writes DICOM, FHIR and the PDF as well. They take most of the time of
saving, nothing here reads them, and each has tests of its own for mirrored and oblique series."""


@contextmanager
def _only_what_is_compared(combination: Combination) -> Iterator[None]:
    if combination.seed % WHOLE == 0:
        yield
        return
    with (
        patch.object(pipeline, "dicom_files", lambda *_, **__: {}),
        patch.object(pipeline, "render_pdf", lambda *_: b"%PDF"),
        patch.object(pipeline, "fhir_bundle", lambda *_: "{}"),
    ):
        yield


def compare(written: Written, result: Result, out: Path) -> list[Disagreement]:
    """Everything in a result and its output folder that is not as it was written."""
    parts = {
        "geometry": _geometry(written, result),
        "masks": _masks(written, result),
        "side": _side(written, result, out),
        "regions": _regions(written, result),
        "oedema": _oedema(written, result),
        "labels": _labels(written, out),
        "pictures": _pictures(written, out),
    }
    combination = written.scan.combination
    return [Disagreement(combination, about, what) for about in parts for what in parts[about]]


def _hand_in_mask(written: Written) -> None:
    """The bones once more as NIfTI in another order of axes, named in ``case.yaml``."""
    combination = written.scan.combination
    side = "unknown" if combination.seed % 2 else combination.limb
    axes, flips = combination.mask_axes, combination.mask_flips
    write_nifti_mask(written.scan, axes, flips, written.folder / "nifti", side)
    day = f"{DATE[:4]}-{DATE[4:6]}-{DATE[6:]}"
    text = f"visits:\n- date: {day}\n  bones: {{file: nifti/mask.nii, labels: nifti/labels.json}}\n"
    (written.folder / "case.yaml").write_text(text, encoding="utf-8")


def _only(result: Result) -> Series:
    ((series,),) = [visit.series for visit in result.study.visits]
    return series


def _at(geometry: Geometry, points: Vector) -> tuple[NDArray[np.int64], float]:
    """(..., 3) voxels that hold points, and how far off their centres the points are at most."""
    index = np.rint(geometry.to_ijk(points)).astype(np.int64)
    index = np.clip(index, 0, np.asarray(geometry.shape) - 1)
    return index, float(np.linalg.norm(geometry.to_lps(index) - points, axis=-1).max())


def _geometry(written: Written, result: Result) -> Iterator[str]:
    volume = _only(result).volume
    if sorted(volume.geometry.shape) != sorted(written.scan.size):
        yield f"the volume has shape {volume.geometry.shape}, written was {written.scan.size}"
        return
    index, gap = _at(volume.geometry, written.scan.points)
    if gap > PLACE_MM:
        yield f"pixels lie up to {gap:.3g} mm off the voxels"
    wrong = np.count_nonzero(volume.data[tuple(np.moveaxis(index, -1, 0))] != written.image)
    if wrong:
        yield f"{wrong} pixels have another's signal"


def _masks(written: Written, result: Result) -> Iterator[str]:
    (visit,) = result.study.visits
    kinds = [mask.source.split(",")[0] for mask in visit.bones]
    if kinds != ["DICOM SEG", "NIfTI mask"]:
        yield f"masks read: {kinds}"
    for mask in visit.bones:
        index, gap = _at(mask.labels.geometry, written.scan.points)
        values = mask.labels.data[tuple(np.moveaxis(index, -1, 0))]
        names = {value: (bone.bone, bone.side.value) for value, bone in mask.names}
        true = {n: (bone, written.scan.combination.limb) for n, bone in enumerate(knee.BONES, 1)}
        wrong = np.count_nonzero(values != written.scan.bones)
        if gap > 0.05 or wrong:
            yield f"{mask.source}: {wrong} voxels of bone elsewhere, grid off by {gap:.3g} mm"
        if names != true:
            yield f"{mask.source}: names {names}"


def _side(written: Written, result: Result, out: Path) -> Iterator[str]:
    """In the series, the document and every word of the page."""
    limb, plane = written.scan.combination.limb, written.scan.combination.plane
    series = _only(result)
    if (series.side.value, series.plane.value, series.body_part) != (limb, plane, "knee"):
        yield f"the series is of a {series.side} {series.body_part}, {series.plane}"
    document = json.loads((out / "result.json").read_text(encoding="utf-8"))
    for row in document["lesions"]:
        if row["side"] != limb:
            yield f"{row['id']} is on the {row['side']}"
    if unverified := [w["code"] for w in document["warnings"] if w["severity"] == "unverified"]:
        yield f"warnings: {unverified}"
    page = (out / "report.html").read_text(encoding="utf-8").lower()
    other = "left" if limb == "right" else "right"
    for word in ("medial femoral", "lateral tibial", "femur", "tibia", "knee"):
        if f"{other} {word}" in page:
            yield f"the page speaks of the {other} {word}"


def _regions(written: Written, result: Result) -> Iterator[str]:
    (bones,) = result.bone_maps
    by_name = {bone.id.bone: bone for bone in bones.bones}
    if set(by_name) != set(knee.BONES):
        yield f"bones found: {sorted(by_name)}"
        return
    for name, region, rest in LANDMARKS:
        bone = by_name[name]
        point = written.scan.lie.to_patient(np.array(rest, dtype=float))
        index, _ = _at(bone.regions.geometry, point)
        value = int(bone.regions.data[tuple(index)])
        found = bone.region_names[value - 1] if value else "outside"
        if found != region:
            yield f"the {region} of the {name} is called {found}"


def _oedema(written: Written, result: Result) -> Iterator[str]:
    """Bone, region, place, size and mask, measured and in the document."""
    scan = written.scan
    if len(result.lesions) != len(knee.OEDEMAS):
        yield f"{len(result.lesions)} areas of oedema"
        return
    rows = {row.id: row for row in result.document.lesions}
    for one, lesion in zip(knee.OEDEMAS, result.lesions, strict=True):
        row = rows[lesion.id]
        named = (lesion.bone.bone, lesion.bone.side.value, lesion.main_region)
        if named != (one.bone, scan.combination.limb, one.region):
            yield f"{one.words} is called {named}"
        if (row.bone, row.side.value, row.region) != named:
            yield f"the document calls {named} {(row.bone, row.side.value, row.region)}"
        if row.label.lower() != f"{scan.combination.limb} {one.words}":
            yield f"the document's label is {row.label}"
        for place in (lesion.centroid_lps, np.array(row.centroid_lps)):
            away = np.linalg.norm(place - scan.lie.to_patient(np.array(one.centre)))
            if away > CENTROID_MM:
                yield f"the {one.words}'s middle is {away:.1f} mm off"
        if abs(lesion.volume.mm3 / one.mm3 - 1) > VOLUME_SHARE:
            yield f"the {one.words} measures {lesion.volume.mm3:.0f} of {one.mm3:.0f} mm3"
        index, _ = _at(lesion.mask.geometry, scan.points)
        mask = lesion.mask.data[tuple(np.moveaxis(index, -1, 0))].astype(bool)
        if _dice(mask, scan.oedema(one)) < MASK_DICE:
            yield f"the {one.words}'s mask has a Dice of {_dice(mask, scan.oedema(one)):.2f}"


def _labels(written: Written, out: Path) -> Iterator[str]:
    """The written NIfTI by either of its orientations, read with no help of ours."""
    (path,) = (out / "labels").glob("*.nii.gz")
    image = nib.load(path)
    data = np.asarray(image.dataobj)
    affine, other = image.get_sform(coded=True)[0], image.get_qform(coded=True)[0]
    if affine is None or other is None or np.abs(affine - other).max() > PLACE_MM:
        yield f"sform and qform differ: {affine}, {other}"
        return
    values = _sampled(data, affine, written.scan)
    for number, one in enumerate(knee.OEDEMAS, start=1):
        dice = _dice(values == number, written.scan.oedema(one))
        if dice < MASK_DICE:
            yield f"{path.name}: {one.words} has a Dice of {dice:.2f}"


def _sampled(data: NDArray[np.integer], affine: Vector, scan: Scan) -> NDArray[np.integer]:
    """Values of a NIfTI array (RAS) at the scan's pixels; 0 outside."""
    ras = scan.points * np.array([-1.0, -1.0, 1.0])
    index = (ras - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    index = np.rint(index).astype(np.int64)
    inside = ((index >= 0) & (index < data.shape)).all(axis=-1)
    index = np.where(inside[..., None], index, 0)
    return np.where(inside, data[tuple(np.moveaxis(index, -1, 0))], 0)


def _pictures(written: Written, out: Path) -> Iterator[str]:
    html = (out / "report.html").read_text(encoding="utf-8")
    pictures = pictures_of(html)
    limb, plane = written.scan.combination.limb, written.scan.combination.plane
    by_heading = {picture.heading.lower(): picture for picture in pictures}
    for one in knee.OEDEMAS:
        words = f"{limb} {one.words}"
        picture = by_heading.get(words)
        if picture is None:
            yield f"no picture of the {words} among {sorted(by_heading)}"
            continue
        for text in (f"{limb} {one.bone}", plane, words):
            if text not in picture.alt:
                yield f"the description does not say {text}: {picture.alt}"
        if plane not in picture.caption:
            yield f"the caption does not say {plane}: {picture.caption}"
        yield from (f"{words}: {fault}" for fault in picture_faults(picture, written, one))


def _dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2 * np.count_nonzero(one & other) / max(1, one.sum() + other.sum()))
