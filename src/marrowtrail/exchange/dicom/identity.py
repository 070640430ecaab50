"""Who and what a derived object says it is of: as the source says, or under a pseudonym.

A pseudonym is a hash of the first study's UID. A hash of the patient's number would be no
protection, for all numbers of a hospital can be tried; UIDs are too many.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pydicom.dataset import Dataset

from marrowtrail.exchange.dicom.cleaning import UNICODE, cleaned
from marrowtrail.exchange.dicom.uids import derived_uid, is_uid
from marrowtrail.imaging.series import Series, Study
from marrowtrail.imaging.source import PATIENT, STUDY

_TELLS_NOBODY = ("PatientSex", "StudyDate", "StudyTime")
"""Elements that stay under a pseudonym (PS3.15, table E.1-1, with dates and sex retained)."""

_METHOD = "Marrowtrail: only sex, dates and pixels kept; UIDs replaced"

FIRST_DAY = date(2000, 1, 1)
"""Day of the first visit where dates are not to be told: what is left are days between visits."""

_DATES = (
    ("ContentDate", "ContentTime"),
    ("AcquisitionDate", "AcquisitionTime"),
    ("SeriesDate", "SeriesTime"),
    ("StudyDate", "StudyTime"),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A day and a time as DICOM writes them (DA and TM)."""

    day: str
    time: str


@dataclass(frozen=True, slots=True)
class Identity:
    """How patient, study and UIDs of the source are written.

    ``pseudonym`` is empty where they are written as they are; ``moved`` is added to every date
    (nothing, but where dates are not to be told).
    """

    pseudonym: str
    moved: timedelta

    @classmethod
    def of(cls, study: Study, *, pseudonymous: bool, keep_dates: bool) -> Identity:
        """That of a study; ``keep_dates`` matters under a pseudonym only."""
        if not pseudonymous:
            return cls("", timedelta(0))
        first = next(
            (
                uid
                for visit in study.visits
                for one in visit.series
                if is_uid(uid := source_study_uid(one))
            ),
            "",
        )
        digits = derived_uid("patient", first).removeprefix("2.25.")[:12]
        moved = timedelta(0) if keep_dates else FIRST_DAY - study.visits[0].date
        return cls(digits, moved)

    def uid(self, uid: str) -> str:
        """The UID to write for one of the source."""
        return derived_uid("pseudonymous", uid) if self.pseudonym else uid

    def patient_and_study(self, header: Dataset) -> Dataset:
        """Elements of the patient and study modules, with the character set."""
        clean = cleaned(header)
        kept = Dataset()
        kept.SpecificCharacterSet = UNICODE
        for keyword in _TELLS_NOBODY if self.pseudonym else PATIENT + STUDY:
            if keyword in clean:
                kept.add(clean[keyword])
        kept.StudyInstanceUID = self.uid(str(header.get("StudyInstanceUID", "")))
        if self.pseudonym:
            self._take_away(kept)
        return kept

    def moment(self, header: Dataset, visit_day: date) -> Moment:
        """When the source was acquired; derived objects name no clock, so they come out alike."""
        clean = cleaned(header)
        for day, time in _DATES:
            if day in clean and clean[day].value:
                said = str(clean[time].value) if time in clean and clean[time].value else ""
                return Moment(self._day(str(clean[day].value)), _seconds(said))
        return Moment(self._day(visit_day.strftime("%Y%m%d")), _seconds(""))

    def _take_away(self, kept: Dataset) -> None:
        kept.PatientName = f"Pseudonym^{self.pseudonym}"
        kept.PatientID = f"MT-{self.pseudonym}"
        kept.PatientBirthDate = ""
        kept.AccessionNumber = ""
        kept.ReferringPhysicianName = ""
        kept.StudyID = "1"  # a medium's index (DICOMDIR) needs one
        kept.PatientIdentityRemoved = "YES"
        kept.DeidentificationMethod = _METHOD
        if kept.get("StudyDate"):
            kept.StudyDate = self._day(str(kept.StudyDate))

    def _day(self, day: str) -> str:
        try:
            said = datetime.strptime(day, "%Y%m%d").date()
        except ValueError:  # the 31st of a month that has 30 days
            return FIRST_DAY.strftime("%Y%m%d") if self.moved else day
        return (said + self.moved).strftime("%Y%m%d")


def _seconds(time: str) -> str:
    """A time of day with seconds, midnight where none is known."""
    whole = time.partition(".")[0]
    return whole.ljust(6, "0")


def source_study_uid(series: Series) -> str:
    """The study instance UID of a series' own images; empty where they name none."""
    return "" if series.source is None else str(series.source.header.get("StudyInstanceUID", ""))
