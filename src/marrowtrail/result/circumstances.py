"""Describing patient and input without identifying them."""

from __future__ import annotations

import hashlib

from marrowtrail.imaging.series import Study
from marrowtrail.record.case import Case

OLDEST_SHOWN = 89
"""Ages above 89 identify (HIPAA's safe harbour groups them); they are given as "90 or older"."""


def describe_patient(case: Case) -> str:
    """As ``man, 46``."""
    age = case.patient.age
    person = {"M": "man", "F": "woman"}.get(case.patient.sex or "", "patient")
    if age is None:
        return f"{person}, age not known"
    return f"{person}, {age if age <= OLDEST_SHOWN else '90 or older'}"


def input_hash(case: Case, study: Study) -> str:
    """Hash of what went in: the series by their UIDs, the case by its content."""
    digest = hashlib.sha256(case.model_dump_json().encode())
    for visit in study.visits:
        for series in visit.series:
            digest.update(series.source_uid.encode())
    return digest.hexdigest()
