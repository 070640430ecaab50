"""One folder is one patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from marrowtrail.errors import InputError
from marrowtrail.imaging.headers import Header


def one_patient(headers: Sequence[Header]) -> None:
    """Refuse images of several patients, without naming them.

    Patients differ if their ids do, or if issuer, birth date or sex do under one id: an id is
    often reused as a placeholder when images are de-identified, and two hospitals may give
    the same one. Images without an id beside images with one are refused as well; a missing
    issuer, birth date or sex contradicts nothing.

    Raises
    ------
    InputError
        If there is more than one patient.
    """
    ids = Counter(header.text("PatientID") for header in headers)
    if len(ids) > 1:
        kind = "patient ids (one of them empty)" if "" in ids else "patient ids"
        raise _several(kind, ids)
    for tag, kind in (
        ("IssuerOfPatientID", "issuers of one patient id"),
        ("PatientBirthDate", "birth dates under one patient id"),
        ("PatientSex", "sexes under one patient id"),
    ):
        said = Counter(value for header in headers if (value := header.text(tag).upper()))
        if tag == "PatientSex":
            said = Counter({sex: said[sex] for sex in ("F", "M") if sex in said})
        if len(said) > 1:
            raise _several(kind, said)


def _several(kind: str, counts: Counter[str]) -> InputError:
    sizes = " and ".join(str(count) for count in sorted(counts.values(), reverse=True))
    return InputError(
        f"Expected one patient; the images carry {len(counts)} {kind} ({sizes} files).",
        where="PatientID, PatientBirthDate and PatientSex of the images",
        remedy="keep each patient in a folder of their own",
    )
