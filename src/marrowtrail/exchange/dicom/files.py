"""Every DICOM object of a result: segmentations a series, a report a visit, the PDF."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from marrowtrail.exchange.dicom.confirmation import Readers
from marrowtrail.exchange.dicom.document import encapsulated_pdf
from marrowtrail.exchange.dicom.form import DicomForm
from marrowtrail.exchange.dicom.groups import tracking_id
from marrowtrail.exchange.dicom.identity import Identity
from marrowtrail.exchange.dicom.planes import Planes, planes_of
from marrowtrail.exchange.dicom.report import SegmentOfLesion, VisitContent, report
from marrowtrail.exchange.dicom.segmentation import (
    Content,
    Segment,
    bone_segment,
    segmentation,
)
from marrowtrail.exchange.dicom.writing import DicomObject
from marrowtrail.imaging.series import Visit
from marrowtrail.lesions.lesion import Lesion
from marrowtrail.result.model import LesionRow, Result

_BONES, _OEDEMA = 9100, 9200
"""Series numbers begin here: far above those that scanners give."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A result on its way into DICOM."""

    result: Result
    form: DicomForm
    identity: Identity
    made_from: str
    rows: Mapping[str, LesionRow]
    names: Mapping[str, str]

    @property
    def mark(self) -> str:
        """Begins every description of objects that are about nobody."""
        return "SYNTHETIC. " if self.result.document.is_synthetic else ""


@dataclass(frozen=True, slots=True, eq=False)
class _VisitObjects:
    """What was derived from the series of one visit."""

    planes: dict[str, Planes]
    files: dict[str, DicomObject]
    lesions: dict[str, SegmentOfLesion]


def dicom_files(
    result: Result,
    form: DicomForm | None = None,
    *,
    pdf: bytes | None = None,
    names_patient: bool = False,
) -> dict[str, bytes]:
    """File names and contents of ``dicom/``; empty where no image came as DICOM.

    Parameters
    ----------
    result
        A whole result, with its images and masks.
    form
        How to write; as the source says and BINARY where not given.
    pdf
        The report as PDF, which comes into the study of the last visit.
    names_patient
        The PDF's own pages name the patient.
    """
    job = _job(result, form or DicomForm())
    files: dict[str, bytes] = {}
    latest: tuple[Planes, ...] = ()
    for order, visit in enumerate(result.study.visits, start=1):
        derived = _segmentations(job, visit)
        if not derived.planes:
            continue
        latest = _main_first(derived)
        objects = dict(derived.files)
        said = report(_content(job, visit, order, derived))
        if said is not None:
            objects[f"{visit.id}-report.dcm"] = said
        files.update({name: one.content for name, one in objects.items()})
    if pdf is not None and latest:
        title = f"{job.mark}Bone marrow oedema, all visits. Research use only"
        document = encapsulated_pdf(
            pdf, latest, title, names_patient=names_patient, made_from=job.made_from
        )
        files["report-pdf.dcm"] = document.content
    return files


def _job(result: Result, form: DicomForm) -> _Job:
    document = result.document
    keep_dates = all(visit.date is not None for visit in document.visits)
    rows = {one.id: one for one in document.lesions}
    made = document.provenance
    parts = (made.input_hash, made.program_version, sorted(made.settings.items()), form)
    return _Job(
        result,
        form,
        Identity.of(result.study, pseudonymous=form.pseudonymous, keep_dates=keep_dates),
        hashlib.sha256(repr(parts).encode()).hexdigest(),
        rows,
        {
            lesion: tracking_id(rows[track.lesions[0]])
            for track in document.tracks
            for lesion in track.lesions
        },
    )


def _segmentations(job: _Job, visit: Visit) -> _VisitObjects:
    """Bones and oedema of every series of a visit that came as DICOM."""
    derived = _VisitObjects({}, {}, {})
    for number, series in enumerate(visit.series, start=1):
        planes = planes_of(series, visit, job.identity)
        if planes is None:
            continue
        derived.planes[series.id] = planes
        bones = [
            bone_segment(bone)
            for bone_map in job.result.bone_maps
            if bone_map.series_id == series.id
            for bone in bone_map.bones
            if bone.mask.data.any()
        ]
        if bones:
            content = Content(
                "BONES", _BONES + number, f"{job.mark}Bones, research use only", job.made_from
            )
            derived.files[f"{series.id}-bones.dcm"] = segmentation(planes, bones, content, job.form)
        _draw_oedema(job, planes, _OEDEMA + number, derived)
    return derived


def _draw_oedema(job: _Job, planes: Planes, number: int, derived: _VisitObjects) -> None:
    series_id = planes.series.id
    lesions = [one for one in job.result.lesions if one.series_id == series_id]
    if not lesions:
        return
    content = Content(
        "OEDEMA", number, f"{job.mark}Oedema, proposed, research use only", job.made_from
    )
    segments = [_lesion_segment(job, one) for one in lesions]
    drawn = segmentation(planes, segments, content, job.form)
    derived.files[f"{series_id}-oedema.dcm"] = drawn
    for segment, lesion in enumerate(lesions, start=1):
        slices = np.flatnonzero(np.asarray(lesion.mask.data).any(axis=(0, 1)))
        images = tuple(planes.images[int(k)] for k in slices)
        derived.lesions[lesion.id] = SegmentOfLesion(drawn, segment, images)


def _lesion_segment(job: _Job, lesion: Lesion) -> Segment:
    row = job.rows[lesion.id]
    visit = next(one for one in job.result.study.visits if one.id == lesion.visit_id)
    said = _readers(job, visit).on_lesion(row).words
    low, high = row.volume_low_mm3 / 1000, row.volume_high_mm3 / 1000
    size = f"{row.volume_mm3 / 1000:.1f} ml ({low:.1f} to {high:.1f} ml)"
    return Segment(
        f"oedema, {row.label}",
        np.asarray(lesion.mask.data, dtype=bool),
        lesion.bone,
        is_lesion=True,
        is_automatic=True,
        description=f"{size}. {said}",
        tracking_id=job.names[lesion.id],
        tracking_uid=row.tracking_uid,
    )


def _readers(job: _Job, visit: Visit) -> Readers:
    return Readers.of(job.result.findings, visit, hide_names=job.form.pseudonymous)


def _content(job: _Job, visit: Visit, order: int, derived: _VisitObjects) -> VisitContent:
    document = job.result.document
    return VisitContent(
        document,
        next(one for one in document.visits if one.id == visit.id),
        order,
        tuple(one for one in job.result.readings if one.visit_id == visit.id),
        derived.lesions,
        job.names,
        _main_first(derived),
        tuple(derived.files.values()),
        _readers(job, visit),
        job.made_from,
    )


def _main_first(derived: _VisitObjects) -> tuple[Planes, ...]:
    """Series of a visit; first those of the study that shows most oedema, which the report joins.

    A visit may be several studies (a knee and an ankle of one week), and a report is in one.
    """
    study = {one.segmentation.study_uid: 0 for one in derived.lesions.values()}
    for one in derived.lesions.values():
        study[one.segmentation.study_uid] += len(one.images)
    most = max(study, key=lambda uid: (study[uid], uid), default="")
    every = tuple(derived.planes.values())
    own = tuple(one for one in every if one.study_uid == most)
    return own + tuple(one for one in every if one.study_uid != most)
