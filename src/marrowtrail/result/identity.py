"""Who the patient is, for the outputs that are asked to say so (``--identified``).

It comes from the headers of the images and stays out of the document, so that nothing made
from ``result.json`` can name anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from marrowtrail.imaging.series import Study


@dataclass(frozen=True, slots=True)
class Identity:
    """What the images say of who the patient is. Empty where they do not.

    ``birth_date`` is written ``1971-05-30``.
    """

    family_name: str = ""
    given_names: tuple[str, ...] = ()
    patient_id: str = ""
    birth_date: str = ""

    @property
    def words(self) -> str:
        """``Doe, Jane · id 123 · born 1971-05-30``."""
        name = ", ".join(part for part in (self.family_name, " ".join(self.given_names)) if part)
        parts = (
            name,
            f"id {self.patient_id}" if self.patient_id else "",
            f"born {self.birth_date}" if self.birth_date else "",
        )
        return " · ".join(part for part in parts if part)


def identity_of(study: Study) -> Identity | None:
    """The patient of the latest images that name one; ``None`` where none do, as in NIfTI."""
    for visit in reversed(study.visits):
        for series in visit.series:
            if series.source is not None:
                found = _identity(series.source.header)
                if found.words:
                    return found
    return None


def _identity(header: Dataset) -> Identity:
    name = PersonName(str(header.get("PatientName", "")))
    given = " ".join((str(name.given_name), str(name.middle_name))).split()
    return Identity(
        str(name.family_name).strip(),
        tuple(given),
        str(header.get("PatientID", "") or "").strip(),
        _day(str(header.get("PatientBirthDate", "") or "")),
    )


def _day(text: str) -> str:
    """A DICOM date as FHIR and people write it; empty where it is no date."""
    try:
        return datetime.strptime(text.strip(), "%Y%m%d").date().isoformat()
    except ValueError:
        return ""
