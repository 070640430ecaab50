"""One structured report a visit (PS3.16, TID 1500): oedema, signs, and what was not looked at.

It is never verified and never final: no reader signs here. What a reader confirmed is said
beside each finding, and what is only proposed as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from highdicom.sr import (
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    ReferencedSegment,
    SourceImageForSegmentation,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from marrowtrail.exchange.dicom.confirmation import Readers
from marrowtrail.exchange.dicom.form import (
    IMPLEMENTATION_UID,
    MANUFACTURER,
    MODEL,
    SERIAL_NUMBER,
    VERSION,
)
from marrowtrail.exchange.dicom.groups import (
    ABSENT,
    EQUIVOCAL,
    FINDING_STATES,
    NOT_EVALUATED,
    Group,
    bone_group,
    comment,
    finding_group,
    lesion_group,
    sign_group,
)
from marrowtrail.exchange.dicom.planes import Planes
from marrowtrail.exchange.dicom.writing import INSTANCE, SERIES, DicomObject, written
from marrowtrail.imaging.source import SourceImage
from marrowtrail.lesions.lesion import BoneReading
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary
from marrowtrail.result.model import LesionRow, ResultDocument, VisitRow


@dataclass(frozen=True, slots=True, eq=False)
class SegmentOfLesion:
    """Where a lesion is drawn: the segmentation, its segment, and the images under it."""

    segmentation: DicomObject
    number: int
    images: tuple[SourceImage, ...]


@dataclass(frozen=True, slots=True, eq=False)
class VisitContent:
    """What a report of one visit is made from.

    Parameters
    ----------
    document
        The whole result.
    visit, order
        The visit, and its number counted from 1.
    readings
        Bones of the visit.
    segments, names
        Where each lesion of the visit is drawn, and what its track is called, by lesion id.
    planes
        Every series of the visit that objects can be derived from, that of the report's own study
        first.
    segmentations
        Every segmentation of the visit, with the series it is of.
    readers
        What readers said.
    made_from
        Hash of input and settings.
    """

    document: ResultDocument
    visit: VisitRow
    order: int
    readings: tuple[BoneReading, ...]
    segments: Mapping[str, SegmentOfLesion]
    names: Mapping[str, str]
    planes: tuple[Planes, ...]
    segmentations: tuple[DicomObject, ...]
    readers: Readers
    made_from: str


def report(content: VisitContent) -> DicomObject | None:
    """The report of a visit; ``None`` where no bone was there to be read."""
    groups = tuple(_groups(content))
    if not groups:
        return None

    def build() -> Dataset:
        root = MeasurementReport(
            observation_context=_observer(),
            procedure_reported=codes.LN.MRIUnspecifiedBodyRegion,
            imaging_measurements=groups,
            title=codes.DCM.ImagingMeasurementReport,
        )
        for sentence in _sentences(content):
            root[0].ContentSequence.append(comment(sentence))
        moment = content.planes[0].moment
        return Comprehensive3DSR(
            evidence=list(_evidence(content)),
            content=root[0],
            series_instance_uid=SERIES,
            series_number=9300 + content.order,
            sop_instance_uid=INSTANCE,
            instance_number=1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=MODEL,
            software_versions=VERSION,
            device_serial_number=SERIAL_NUMBER,
            series_description=f"{_mark(content.document)}Report of {content.visit.id}, proposed",
            is_complete=True,
            is_final=False,
            is_verified=False,
            content_date=moment.day,
            content_time=moment.time,
        )

    return written(build, content.made_from)


def _mark(document: ResultDocument) -> str:
    return "SYNTHETIC. " if document.is_synthetic else ""


def _observer() -> ObservationContext:
    device = DeviceObserverIdentifyingAttributes(
        uid=IMPLEMENTATION_UID,
        name=MANUFACTURER,
        manufacturer_name=MANUFACTURER,
        model_name=MODEL,
        serial_number=SERIAL_NUMBER,
    )
    return ObservationContext(
        observer_device_context=ObserverContext(
            observer_type=codes.DCM.Device, observer_identifying_attributes=device
        )
    )


def _groups(content: VisitContent) -> Iterator[Group]:
    visit = (content.visit, content.order)
    drawn = [one for one in content.document.lesions if one.id in content.segments]
    for lesion in drawn:
        segment = _reference(content.segments[lesion.id])
        said = content.readers.on_lesion(lesion)
        yield lesion_group(lesion, content.names[lesion.id], segment, visit, said)
    yield from _bones(content)
    yield from _signs(content, drawn)
    for finding in content.readers.others:
        yield finding_group(finding, content.made_from, content.readers.word_of(finding))


def _bones(content: VisitContent) -> Iterator[Group]:
    """Bones without a lesion that is drawn: silence would read as absence."""
    for reading in content.readings:
        bone = reading.bone
        if all(one.id in content.segments for one in reading.lesions) and reading.lesions:
            continue
        name = vocabulary().bone(bone.bone).label
        where = f"{bone.side.value} {name}" if bone.side in (Side.LEFT, Side.RIGHT) else name
        where += f" ({bone.end} end)" if bone.end else ""
        state, what = _state(reading)
        said = content.readers.on_clear_bone(bone.bone, bone.side)
        words = f"Bone marrow oedema, {where}: {what}; {reading.reason}. {said.words}"
        place = f"{content.made_from}|{bone.end}"
        known = state if said.state is None else FINDING_STATES[said.state]
        yield bone_group((bone.bone, bone.side), known, words, place)


def _state(reading: BoneReading) -> tuple[Code, str]:
    if not reading.is_read:
        return NOT_EVALUATED, "not assessed"
    if reading.lesions:
        return NOT_EVALUATED, "seen, on a series that this report cannot name"
    if reading.possible:
        return EQUIVOCAL, "uncertain, a reader must decide"
    return ABSENT, "none seen"


def _signs(content: VisitContent, drawn: Sequence[LesionRow]) -> Iterator[Group]:
    lives = {one.id: one.tracking_uid for one in drawn}
    for sign in content.document.signs:
        if sign.visit == content.visit.id:
            bone = f"{content.made_from}|{sign.bone}|{sign.side.value}"
            life = lives.get(sign.lesion or "", bone)
            said = content.readers.on_sign(sign)
            yield sign_group(sign, life, said)


def _reference(drawn: SegmentOfLesion) -> ReferencedSegment:
    return ReferencedSegment(
        sop_class_uid=drawn.segmentation.sop_class_uid,
        sop_instance_uid=drawn.segmentation.sop_instance_uid,
        segment_number=drawn.number,
        source_images=[
            SourceImageForSegmentation(
                one.sop_class_uid, one.sop_instance_uid, [one.frame] if one.frame else None
            )
            for one in drawn.images
        ],
    )


def _sentences(content: VisitContent) -> Iterator[str]:
    """What every output says (convention 12 of the design)."""
    document = content.document
    made = document.provenance
    yield document.notice
    if document.is_synthetic:
        yield "Synthetic images: nothing here is about a real person."
    yield (
        f"Made by {made.program} {made.program_version}, knowledge {made.knowledge_version} "
        f"({made.knowledge_hash[:12]})."
    )
    for warning in document.warnings:
        if re.match(rf"{content.visit.id}\b", warning.where):  # v1, not v10
            yield f"{warning.what} ({warning.where})"
    yield from made.known_limits


def _evidence(content: VisitContent) -> Iterator[Dataset]:
    """Images and segmentations that the report rests on; the first gives patient and study.

    Frames of one object come once each; highdicom names it once.
    """
    main = content.planes[0]
    first = Dataset()
    first.update(main.datasets[0])
    first.SOPClassUID, first.SOPInstanceUID = (
        main.images[0].sop_class_uid,
        main.images[0].sop_instance_uid,
    )
    yield first
    for planes in content.planes:
        for image in planes.images:
            yield _named(
                image.sop_class_uid, image.sop_instance_uid, planes.series_uid, planes.study_uid
            )
    for one in content.segmentations:
        yield _named(one.sop_class_uid, one.sop_instance_uid, one.series_uid, one.study_uid)


def _named(sop_class_uid: str, uid: str, series_uid: str, study_uid: str) -> Dataset:
    named = Dataset()
    named.SOPClassUID = sop_class_uid
    named.SOPInstanceUID = uid
    named.SeriesInstanceUID = series_uid
    named.StudyInstanceUID = study_uid
    return named
