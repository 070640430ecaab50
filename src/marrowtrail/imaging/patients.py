"""One folder is one patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from marrowtrail.errors import InputError
from marrowtrail.imaging.headers import Header


def one_patient(headers: Sequence[Header]) -> None:
    """Refuse images of several patients, without naming them.

    Patients differ if their ids do, or if birth date or sex do under one id: an id is often
    reused as a placeholder when images are de-identified.

    Raises
    ------
    InputError
        If there is more than one patient.
    """
    patients = Counter(_identity(header) for header in headers)
    ids = Counter(identity[0] for identity in patients.elements())
    contradictory = [{identity[part] for identity in patients if identity[part]} for part in (1, 2)]
    if len(ids) <= 1 and all(len(values) <= 1 for values in contradictory):
        return
    counts = ids if len(ids) > 1 else patients
    sizes = " and ".join(str(count) for count in sorted(counts.values(), reverse=True))
    kind = "patient ids" if len(ids) > 1 else "birth dates or sexes under one patient id"
    raise InputError(
        f"Expected one patient; the images carry {len(counts)} {kind} ({sizes} files).",
        where="PatientID, PatientBirthDate and PatientSex of the images",
        remedy="keep each patient in a folder of their own",
    )


def _identity(header: Header) -> tuple[str, str, str]:
    patient = f"{header.text('IssuerOfPatientID')}|{header.text('PatientID')}"
    return patient, header.text("PatientBirthDate"), header.text("PatientSex").upper()
