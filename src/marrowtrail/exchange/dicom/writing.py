"""A finished object as bytes: nothing of the clock or of chance, named by what it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from pydicom import config
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite

from marrowtrail.exchange.dicom.uids import derived_uid, stand_in
from marrowtrail.imaging.headers import quiet

_OF_THE_CLOCK = ("InstanceCreationDate", "InstanceCreationTime")

INSTANCE, SERIES, _DIMENSIONS = stand_in(1), stand_in(2), stand_in(3)
"""What an object, its series and its dimensions are called until its content is known."""


@dataclass(frozen=True, slots=True, eq=False)
class DicomObject:
    """A written object: its class, its names, and its file."""

    sop_class_uid: str
    sop_instance_uid: str
    series_uid: str
    study_uid: str
    content: bytes


def written(build: Callable[[], Dataset], made_from: str) -> DicomObject:
    """Build an object and give it UIDs that hash its content and ``made_from``.

    The same object always gets the same UID, and one that differs in anything another: two
    objects of one name would make an archive lose one of them.
    """
    # Values of the source were checked where they were taken; a UID with a leading zero or an
    # overlong name must be carried as it is.
    with quiet(), config.disable_value_validation():
        dataset = build()
        _without_clock(dataset)
        content = _encoded(dataset)
    # Encoding takes as long as building, so it is done once: the UIDs are put where stand-ins of
    # their length are.
    name = derived_uid("object", made_from, hashlib.sha256(content).hexdigest())
    series = derived_uid("series", name)
    for stand, uid in (
        (INSTANCE, name),
        (SERIES, series),
        (_DIMENSIONS, derived_uid("dimensions", name)),
    ):
        content = content.replace(stand.encode(), uid.encode())
    return DicomObject(
        str(dataset.SOPClassUID), name, series, str(dataset.StudyInstanceUID), content
    )


def _encoded(dataset: Dataset) -> bytes:
    stream = BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def _without_clock(dataset: Dataset) -> None:
    for keyword in _OF_THE_CLOCK:
        if keyword in dataset:
            delattr(dataset, keyword)
    for maker in dataset.get("ContributingEquipmentSequence", ()):
        if "ContributionDateTime" in maker:
            del maker.ContributionDateTime
    for sequence in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in dataset.get(sequence, ()):
            item.DimensionOrganizationUID = _DIMENSIONS
