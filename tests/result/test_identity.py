"""Who the patient is, as the images say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from pydicom.dataset import Dataset

from marrowtrail.imaging.series import Study, Visit
from marrowtrail.imaging.source import DicomSource
from marrowtrail.result.identity import Identity, identity_of
from tests.report.made_result import migrating_patient


def study(**elements: str) -> Study:
    """One series whose header has some elements; none at all for a series without DICOM."""
    series = migrating_patient().study.visits[0].series[0]
    header = Dataset()
    for keyword, value in elements.items():
        setattr(header, keyword, value)
    source = DicomSource((), header) if elements else None
    visit = Visit("v1", date(2020, 1, 1), (replace(series, source=source),), ())
    return Study((visit,), (), (), None, None, False)


def test_all_that_a_record_asks_for() -> None:
    found = identity_of(
        study(PatientName="Doe^Jane^Mary^Dr", PatientID=" 7 ", PatientBirthDate="19710530")
    )
    assert found == Identity("Doe", ("Jane", "Mary"), "7", "1971-05-30")
    assert found.words == "Doe, Jane Mary · id 7 · born 1971-05-30"


@pytest.mark.parametrize("day", ["", "1971", "19711399", "unknown"])
def test_a_date_that_is_none_is_left_out(day: str) -> None:
    found = identity_of(study(PatientID="7", PatientBirthDate=day))
    assert found == Identity(patient_id="7")


def test_nobody_is_known_without_dicom_or_with_empty_headers() -> None:
    assert identity_of(study()) is None
    assert identity_of(study(PatientName="", PatientID="")) is None
