"""The hand-made patient of the report's tests, its series given DICOM sources of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Series, Study, Visit
from marrowtrail.imaging.source import DicomSource, SourceImage
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.findings import Finding
from marrowtrail.result.model import Result
from tests.imaging.dicom_factory import MR
from tests.report.made_result import migrating, migrating_patient

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
ROOT = "1.2.826.0.1.3680043.8.498.77."
FIRST_TRACK = "2.25.301112223334445556667778889990001112223"


def header(series: Series, visit: Visit, **changes: object) -> Dataset:
    """What the first slice of a series says; a change to ``None`` takes an element away."""
    said = Dataset()
    said.PatientName, said.PatientID, said.PatientBirthDate = "Secret^Sally", "XQ77310", "19780101"
    said.PatientSex, said.PatientAge = "F", "043Y"
    joint = series.body_part
    said.StudyInstanceUID = f"{ROOT}1.{visit.id[1:]}.{len(joint)}"
    said.StudyDate, said.StudyTime = visit.date.strftime("%Y%m%d"), "101500"
    said.AccessionNumber, said.StudyID, said.ReferringPhysicianName = "ACC4711", "7", "Hyde^Dr"
    said.StudyDescription = f"MR {joint}"
    said.SeriesInstanceUID = series_uid(series)
    said.ContentDate, said.ContentTime = said.StudyDate, "103000.25"
    for keyword, value in changes.items():
        if value is None:
            delattr(said, keyword)
        else:
            setattr(said, keyword, value)
    return said


def series_uid(series: Series) -> str:
    return f"{ROOT}2.{series.id[1:].replace('-s', '.')}"


def sourced(series: Series, visit: Visit, **changes: object) -> Series:
    """The series as if read from single-frame files in one frame of reference a visit."""
    geometry = series.volume.geometry
    frame = f"{ROOT}3.{visit.id[1:]}"
    images = tuple(
        SourceImage(MR, f"{series_uid(series)}.{k + 1}", None) for k in range(geometry.shape[2])
    )
    return replace(
        series,
        source_uid=series_uid(series),
        volume=Volume(series.volume.data, Geometry(geometry.shape, geometry.affine, frame)),
        source=DicomSource(images, header(series, visit, **changes)),
    )


@cache
def _plain() -> Result:
    return made()


def plain() -> Result:
    """The patient, its first lesion seen at two visits."""
    return _plain()


def made(findings: Iterable[Finding] = (), **changes: object) -> Result:
    """The patient with changes to the header of every series."""
    patient = migrating_patient()
    document, _ = migrating()
    visits = tuple(
        replace(visit, series=tuple(sourced(one, visit, **changes) for one in visit.series))
        for visit in patient.study.visits
    )
    first, second, third = document.lesions
    lesions = (
        first.model_copy(update={"tracking_uid": FIRST_TRACK}),
        second.model_copy(update={"tracking_uid": FIRST_TRACK}),
        third.model_copy(update={"tracking_uid": FIRST_TRACK[:-1] + "7"}),
    )
    tracks = (
        document.tracks[0].model_copy(update={"lesions": (first.id, second.id)}),
        document.tracks[2],
    )
    return Result(
        document.model_copy(update={"is_synthetic": False, "lesions": lesions, "tracks": tracks}),
        tuple(findings),
        Study(visits, (), (), 43, "F"),
        patient.bone_maps,
        patient.readings,
        patient.registrations,
        {},
        "",
    )


def without_dates(result: Result) -> Result:
    """The result as ``--no-dates`` makes it."""
    visits = tuple(one.model_copy(update={"date": None}) for one in result.document.visits)
    return replace(result, document=result.document.model_copy(update={"visits": visits}))


def parsed(content: bytes) -> Dataset:
    return pydicom.dcmread(BytesIO(content))


def complaints(content: bytes, folder: Path) -> list[str]:
    """What dciodvfy says of an object beside its kind; skips where it is missing, but not in CI."""
    if shutil.which("dciodvfy") is None:
        if os.environ.get("CI"):
            pytest.fail("CI has dicom3tools, but dciodvfy is missing.")
        pytest.skip("dicom3tools is not installed")
    path = folder / "object.dcm"
    path.write_bytes(content)
    run = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    lines = (run.stdout + run.stderr).splitlines()
    return [line for line in lines if "Error" in line or "Warning" in line]
