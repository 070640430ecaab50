"""The slices of a series as highdicom wants its source images: one dataset each, no pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import format_number_as_ds

from marrowtrail.errors import Caution, Severity
from marrowtrail.exchange.dicom.identity import Identity, Moment, source_study_uid
from marrowtrail.exchange.dicom.uids import derived_uid, is_uid
from marrowtrail.imaging.series import Series, Study, Visit
from marrowtrail.imaging.source import DicomSource, SourceImage


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """A series as a source of derived objects.

    Parameters
    ----------
    series
        The series.
    datasets
        One for each slice, in the order of the third axis: patient, study, place. Slices of one
        multi-frame object carry a stand-in for its UID, which ``true_names`` resolves.
    images
        What each slice is named as in a derived object.
    moment
        When it was acquired.
    """

    series: Series
    datasets: tuple[Dataset, ...]
    images: tuple[SourceImage, ...]
    moment: Moment

    @property
    def study_uid(self) -> str:
        """Study instance UID as it is written."""
        return str(self.datasets[0].StudyInstanceUID)

    @property
    def series_uid(self) -> str:
        """Series instance UID as it is written."""
        return str(self.datasets[0].SeriesInstanceUID)


def why_no_planes(series: Series) -> str:
    """Why nothing can be derived from a series; empty where it can."""
    source = series.source
    if source is None:
        return "its images came as NIfTI, and a DICOM object must name DICOM images"
    if not is_uid(source_study_uid(series)):
        return "its images name no study (Study Instance UID)"
    uids = [series.source_uid]
    for image in source.images:
        uids += [image.sop_class_uid, image.sop_instance_uid]
    if not all(is_uid(uid) for uid in uids):
        return "its images have an identifier that is no UID"
    return ""


def dicom_cautions(study: Study) -> tuple[Caution, ...]:
    """A note for each visit of which no DICOM object can be written of some series."""
    return tuple(
        Caution(
            "no-dicom-objects",
            Severity.NOTE,
            f"No DICOM segmentation or report can name {', '.join(ids)}: {reason}.",
            visit.id,
            "use labels/*.nii.gz and result.json, or hand in the images as the scanner's DICOM",
        )
        for visit in study.visits
        for reason, ids in _left_out(visit).items()
    )


def _left_out(visit: Visit) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for series in visit.series:
        reason = why_no_planes(series)
        if reason:
            reasons.setdefault(reason, []).append(series.id)
    return reasons


def planes_of(series: Series, visit: Visit, identity: Identity) -> Planes | None:
    """The slices of a series; ``None`` where :func:`why_no_planes` has a reason."""
    if series.source is None or why_no_planes(series):
        return None
    source = series.source
    images = tuple(
        SourceImage(one.sop_class_uid, identity.uid(one.sop_instance_uid), one.frame)
        for one in source.images
    )
    common = _common(series, source, identity)
    datasets = tuple(_plane(series, common, k, image) for k, image in enumerate(images))
    return Planes(series, datasets, images, identity.moment(source.header, visit.date))


def _common(series: Series, source: DicomSource, identity: Identity) -> Dataset:
    """What all slices share."""
    geometry = series.volume.geometry
    shared = identity.patient_and_study(source.header)
    shared.SOPClassUID = MRImageStorage
    shared.Modality = "MR"
    shared.SeriesInstanceUID = identity.uid(series.source_uid)
    # A series without a frame of reference has one of its own: nothing else is known to lie in it.
    frame = geometry.frame_of_reference or ""
    if not is_uid(frame):
        frame = derived_uid("frame of reference", series.source_uid)
    shared.FrameOfReferenceUID = identity.uid(frame)
    shared.PositionReferenceIndicator = ""
    shared.Columns, shared.Rows = geometry.shape[:2]
    row, column, _ = geometry.directions.T
    shared.ImageOrientationPatient = _decimals([*row, *column])
    across, down, slices = geometry.spacing_mm
    shared.PixelSpacing = _decimals([down, across])
    shared.SliceThickness = _decimals([series.slice_thickness_mm or slices])[0]
    shared.SpacingBetweenSlices = _decimals([slices])[0]
    return shared


def _plane(series: Series, common: Dataset, k: int, image: SourceImage) -> Dataset:
    plane = Dataset()
    plane.update(common)
    plane.file_meta = FileMetaDataset()
    plane.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    plane.SOPInstanceUID = _stand_in(image)
    plane.ImagePositionPatient = _decimals(series.volume.geometry.to_lps(np.array([0, 0, k])))
    return plane


def _stand_in(image: SourceImage) -> str:
    """The UID of a single-frame image; of a frame, one that no other frame shares."""
    if image.frame is None:
        return image.sop_instance_uid
    return derived_uid("frame", image.sop_instance_uid, image.frame)


def name_truly(derived: Dataset, images: Sequence[SourceImage]) -> None:
    """Refer to classes and frames as they are, where stand-ins were referred to."""
    known = {_stand_in(image): image for image in images}
    for groups in derived.get("PerFrameFunctionalGroupsSequence", ()):
        for derivation in groups.get("DerivationImageSequence", ()):
            for reference in derivation.get("SourceImageSequence", ()):
                _refer(reference, known[str(reference.ReferencedSOPInstanceUID)])
    for series in derived.get("ReferencedSeriesSequence", ()):
        named = dict[str, Dataset]()
        for reference in series.ReferencedInstanceSequence:
            image = known[str(reference.ReferencedSOPInstanceUID)]
            _refer(reference, SourceImage(image.sop_class_uid, image.sop_instance_uid, None))
            named.setdefault(image.sop_instance_uid, reference)
        series.ReferencedInstanceSequence = Items(named.values())


def _refer(reference: Dataset, image: SourceImage) -> None:
    reference.ReferencedSOPClassUID = image.sop_class_uid
    reference.ReferencedSOPInstanceUID = image.sop_instance_uid
    if image.frame is not None:
        reference.ReferencedFrameNumber = image.frame


def _decimals(values: Iterable[float]) -> list[str]:
    """Decimal strings of at most 16 characters, to full precision; never -0."""
    return [format_number_as_ds(float(value) + 0.0) for value in values]
