"""Whom the program is meant for."""

from __future__ import annotations

from marrowtrail.errors import Caution, Severity
from marrowtrail.record.case import Case

ADULT_YEARS = 18


def population_cautions(case: Case) -> tuple[Caution, ...]:
    """A caution for a patient who may still be growing."""
    age = case.patient.age
    if age is None or age >= ADULT_YEARS:
        return ()
    return (
        Caution(
            "not-adult",
            Severity.UNVERIFIED,
            f"The patient is {age} years old. Regions, normal marrow and the evidence are those "
            "of adults with closed growth plates.",
            "case.yaml or the image headers",
            "do not rely on regions or on the differential",
        ),
    )
