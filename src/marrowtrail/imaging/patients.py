"""One folder is one patient."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from marrowtrail.errors import Caution, InputError, Severity
from marrowtrail.imaging.headers import Header


def one_patient(headers: Sequence[Header]) -> tuple[Caution, ...]:
    """Refuse images of several patients, without naming them.

    Patients differ if their ids do, or if issuer, birth date or sex do under one id: an id is
    often reused as a placeholder when images are de-identified, and two hospitals may give
    the same one. Images without an id beside images with one are refused as well; a missing
    issuer, birth date or sex contradicts nothing.

    Names change with marriage, spelling and de-identification: two under one id are a caution,
    and tell patients apart only where no image has an id.

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
    names = _names(headers)
    if len(names) > 1 and "" in ids:
        raise _several("patient names and no patient id", names)
    return (_two_names(len(names)),) if len(names) > 1 else ()


def _names(headers: Sequence[Header]) -> Counter[str]:
    """Files of each name; one that only leaves out parts of another is the same name."""
    written = Counter(header.text("PatientName") for header in headers)
    parts = {name: frozenset(re.findall(r"[^\W\d_]+|\d+", name.casefold())) for name in written}
    names = Counter[str]()
    for name in sorted(filter(parts.get, written), key=lambda one: (-len(parts[one]), one)):
        fuller = next((one for one in names if parts[name] <= parts[one]), name)
        names[fuller] += written[name]
    return names


def _two_names(count: int) -> Caution:
    return Caution(
        "patient-named-otherwise",
        Severity.UNVERIFIED,
        f"The images carry {count} patient names under one patient id; they were taken for one "
        "patient.",
        "PatientName of the images",
        "check that all images are of this patient",
    )


def _several(kind: str, counts: Counter[str]) -> InputError:
    sizes = " and ".join(str(count) for count in sorted(counts.values(), reverse=True))
    return InputError(
        f"Expected one patient; the images carry {len(counts)} {kind} ({sizes} images).",
        where="PatientID, PatientBirthDate and PatientSex of the images",
        remedy="keep each patient in a folder of their own",
    )
