"""Where a volume came from, for objects that are derived from it.

A derived DICOM object names the images it was made from and carries their patient and study
(PS3.3, A.1.2). What it needs of them is kept when the pixels are read: by then the files of a
patient that came as an archive are still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pydicom
from pydicom.dataset import Dataset

from marrowtrail.imaging.archives import Opener
from marrowtrail.imaging.headers import DAMAGE, Header, quiet

PATIENT: tuple[str, ...] = tuple(
    (
        "PatientName PatientID IssuerOfPatientID TypeOfPatientID "
        "IssuerOfPatientIDQualifiersSequence PatientBirthDate PatientBirthTime PatientSex "
        "QualityControlSubject OtherPatientNames OtherPatientIDsSequence PatientComments "
        "PatientIdentityRemoved DeidentificationMethod DeidentificationMethodCodeSequence "
        "ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName "
        "IssuerOfClinicalTrialProtocolID ClinicalTrialSiteID ClinicalTrialSiteName "
        "IssuerOfClinicalTrialSiteID ClinicalTrialSubjectID IssuerOfClinicalTrialSubjectID "
        "ClinicalTrialSubjectReadingID IssuerOfClinicalTrialSubjectReadingID"
    ).split()
)
"""The Patient and Clinical Trial Subject modules (PS3.3, C.7.1), without animals."""

STUDY: tuple[str, ...] = tuple(
    (
        "StudyInstanceUID StudyDate StudyTime AccessionNumber IssuerOfAccessionNumberSequence "
        "ReferringPhysicianName ReferringPhysicianIdentificationSequence ConsultingPhysicianName "
        "StudyDescription ProcedureCodeSequence PhysiciansOfRecord NameOfPhysiciansReadingStudy "
        "StudyID RequestingService RequestingServiceCodeSequence "
        "ReasonForPerformedProcedureCodeSequence AdmittingDiagnosesDescription PatientAge "
        "PatientSize PatientWeight MedicalAlerts Allergies Occupation SmokingStatus "
        "AdditionalPatientHistory PregnancyStatus LastMenstrualDate ReasonForVisit AdmissionID "
        "IssuerOfAdmissionIDSequence ServiceEpisodeID ServiceEpisodeDescription "
        "IssuerOfServiceEpisodeIDSequence PatientState ClinicalTrialTimePointID "
        "ClinicalTrialTimePointDescription"
    ).split()
)
"""The General Study, Patient Study and Clinical Trial Study modules (PS3.3, C.7.2)."""

SERIES: tuple[str, ...] = (
    "SpecificCharacterSet",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "BodyPartExamined",
    "SliceThickness",
    "SeriesDate",
    "SeriesTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "ContentDate",
    "ContentTime",
)
"""What else of the first image says which series it is of, and when it was acquired."""

_KEPT = PATIENT + STUDY + SERIES


@dataclass(frozen=True, slots=True)
class SourceImage:
    """One slice: the object that holds it and, if it holds several, which frame (from 1)."""

    sop_class_uid: str
    sop_instance_uid: str
    frame: int | None


@dataclass(frozen=True, slots=True, eq=False)
class DicomSource:
    """The DICOM images that a volume was read from.

    Parameters
    ----------
    images
        One for each slice, in the order of the volume's third axis.
    header
        Elements of :data:`PATIENT`, :data:`STUDY` and :data:`SERIES` that the first image has.
        They identify the patient: never shown, and written only where the design allows it.
    """

    images: tuple[SourceImage, ...]
    header: Dataset


def dicom_source(headers: Sequence[Header]) -> DicomSource:
    """Images and identity of slices; an unreadable header gives none of the latter."""
    images = tuple(
        SourceImage(
            header.text("SOPClassUID"),
            header.text("SOPInstanceUID"),
            None if header.frame is None else header.frame + 1,
        )
        for header in headers
    )
    return DicomSource(images, _header(headers[0]))


def _header(first: Header) -> Dataset:
    kept = Dataset()
    with quiet(), Opener() as opener:
        try:
            with opener.open(first.path, first.members) as stream:
                read = pydicom.dcmread(
                    stream, stop_before_pixels=True, specific_tags=list(_KEPT), force=True
                )
        except DAMAGE:
            return kept
        for keyword in _KEPT:
            _keep(kept, read, keyword)
    return kept


def _keep(kept: Dataset, read: Dataset, keyword: str) -> None:
    """Decode an element while the file's character set is known; one that cannot be is lost."""
    try:
        if keyword in read:
            element = read[keyword]
            kept.add(element)
    except DAMAGE:
        return
