"""A PDF as a DICOM object (PS3.3, A.45.1), in the study that it reports on."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, EncapsulatedPDFStorage, ExplicitVRLittleEndian

from marrowtrail.errors import InputError
from marrowtrail.exchange.dicom.form import IMPLEMENTATION_UID, MANUFACTURER, MODEL, VERSION
from marrowtrail.exchange.dicom.planes import Planes
from marrowtrail.exchange.dicom.writing import INSTANCE, SERIES, DicomObject, written
from marrowtrail.imaging.source import PATIENT, STUDY

_STARTS = b"%PDF-"


def encapsulated_pdf(
    pdf: bytes, planes: Sequence[Planes], title: str, *, names_patient: bool, made_from: str
) -> DicomObject:
    """A PDF for the record.

    Parameters
    ----------
    pdf
        The file.
    planes
        Series that it reports on; the first gives patient and study.
    title
        What viewers list it as.
    names_patient
        The pages themselves say whose they are.
    made_from
        Hash of input and settings.

    Raises
    ------
    InputError
        If the bytes are no PDF.
    """
    if not pdf.startswith(_STARTS):
        raise InputError(
            f"Expected a PDF, which begins with %PDF-; got {len(pdf)} bytes that do not.",
            where="the document to be put into a DICOM object",
            remedy="hand in report.pdf as the program wrote it",
        )

    def build() -> Dataset:
        data = _patient_and_study(planes[0])
        _series(data)
        data.ContentDate, data.ContentTime = planes[0].moment.day, planes[0].moment.time
        data.AcquisitionDateTime = ""
        data.BurnedInAnnotation = "YES" if names_patient else "NO"
        data.VerificationFlag = "UNVERIFIED"
        data.DocumentTitle = title
        data.ConceptNameCodeSequence = []
        data.SourceInstanceSequence = [
            _reference(one.sop_class_uid, uid)
            for each in planes
            for uid, one in {image.sop_instance_uid: image for image in each.images}.items()
        ]
        data.MIMETypeOfEncapsulatedDocument = "application/pdf"
        data.EncapsulatedDocument = pdf if len(pdf) % 2 == 0 else pdf + b"\0"
        data.EncapsulatedDocumentLength = len(pdf)
        return data

    return written(build, made_from)


def _patient_and_study(planes: Planes) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = EncapsulatedPDFStorage
    data.file_meta.MediaStorageSOPInstanceUID = UID(INSTANCE)
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.ImplementationClassUID = IMPLEMENTATION_UID
    data.SOPClassUID = EncapsulatedPDFStorage
    data.SOPInstanceUID = UID(INSTANCE)
    for keyword in ("SpecificCharacterSet", *PATIENT, *STUDY):
        if keyword in planes.datasets[0]:
            data.add(planes.datasets[0][keyword])
    return data


def _series(data: Dataset) -> None:
    data.Modality = "DOC"
    data.SeriesInstanceUID = SERIES
    data.SeriesNumber = 9400
    data.InstanceNumber = 1
    data.SeriesDescription = "Report, research use only"
    data.Manufacturer = MANUFACTURER
    data.ManufacturerModelName = MODEL
    data.SoftwareVersions = VERSION
    data.ConversionType = "WSD"


def _reference(sop_class_uid: str, uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class_uid
    item.ReferencedSOPInstanceUID = uid
    return item
