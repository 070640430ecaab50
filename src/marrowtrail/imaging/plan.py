"""What a folder holds, known from headers alone: visits, their series, what is set aside.

``marrowtrail inspect`` shows a plan; reading a study fills it with pixels.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from marrowtrail.errors import Caution, InputError, Severity
from marrowtrail.imaging.body import body_part, side
from marrowtrail.imaging.contrast import Physics, read_contrast
from marrowtrail.imaging.doubts import doubts_of_header
from marrowtrail.imaging.folder import scan
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.headers import Header
from marrowtrail.imaging.patients import one_patient
from marrowtrail.imaging.series import Contrast, Plane, SetAside
from marrowtrail.imaging.stacks import Stack, broken_series, sort_into_stacks
from marrowtrail.record.sites import Side

ONE_VISIT_DAYS = 7
"""Studies within a week of the first are one visit: knee and ankle are often imaged on two
days, and marrow oedema does not change its place in a week."""

OLDEST_YEARS = 120
PLACEHOLDER_YEAR = 1900
"""A higher age, an age of 000Y and a birth in 1900 are what de-identification leaves behind."""

_DATE_TAGS = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
_PER_YEAR = {"Y": 1, "M": 12, "W": 52, "D": 365}


@dataclass(frozen=True, slots=True, eq=False)
class PlannedSeries:
    """One series of a visit before its pixels are read."""

    id: str
    visit_id: str
    stack: Stack
    contrast: Contrast
    plane: Plane
    body_part: str
    side: Side

    @property
    def where(self) -> str:
        """In words that a user recognises and that identify nobody."""
        part = self.body_part if self.body_part != "unknown" else "joint not named"
        return f"series {self.id} ({part}, {self.contrast.label}, {self.plane.value})"


@dataclass(frozen=True, slots=True, eq=False)
class PlannedVisit:
    """A visit and its series; ``id`` counts visits by date."""

    id: str
    date: date
    series: tuple[PlannedSeries, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A folder's DICOM, from its headers."""

    visits: tuple[PlannedVisit, ...]
    segmentations: tuple[Header, ...]
    set_aside: tuple[SetAside, ...]
    cautions: tuple[Caution, ...]
    age_years: int | None
    sex: str | None
    is_synthetic: bool


def plan_folder(folder: Path) -> Plan:
    """Sort a folder's DICOM files into visits and series.

    Raises
    ------
    InputError
        If the folder does not exist, holds two patients, or its dates do not tell visits
        apart.
    """
    if not folder.is_dir():
        what = "this is a single file" if folder.exists() else "there is nothing of that name"
        raise InputError(
            f"Expected a folder with a patient's images; {what}.",
            where=str(folder),
            remedy="name the folder that holds the DICOM files, or a zip of it",
        )
    found = scan(folder)
    cautions = [*found.cautions, *one_patient(found.images)]
    stacks, rejected = sort_into_stacks(found.images)
    cautions += broken_series(rejected)
    by_date = _group_by_date(stacks)
    _refuse_equal_dates(by_date)
    visits = []
    for number, (day, members) in enumerate(by_date, start=1):
        series, said = _series_of_visit(f"v{number}", members)
        visits.append(PlannedVisit(f"v{number}", day, series))
        cautions.extend(said)
    return Plan(
        tuple(visits),
        found.segmentations,
        (*found.set_aside, *rejected),
        tuple(cautions),
        _age_years(found.images),
        _sex(found.images),
        any(one.text("SyntheticData").upper() == "YES" for one in found.images),
    )


def is_within(visit: PlannedVisit, day: date) -> bool:
    """A study of that day would belong to the visit."""
    return timedelta(0) <= day - visit.date <= timedelta(days=ONE_VISIT_DAYS)


def dicom_not_read(folder: Path) -> tuple[tuple[SetAside, ...], list[Caution]]:
    """What lies beside the NIfTI files that the case names; nothing where there is no DICOM."""
    found = scan(folder)
    files = len(found.images) + len(found.segmentations)
    if not files:
        return (), []
    reason = "case.yaml names NIfTI images, and this version reads one kind or the other"
    caution = Caution(
        "dicom-not-read",
        Severity.UNVERIFIED,
        f"{files} DICOM images or masks in the folder were not read: {reason}.",
        "the patient folder",
        "take the NIfTI series out of case.yaml, or list every visit there as NIfTI",
    )
    return (SetAside("DICOM images and masks", reason, files),), [caution]


def nearest_plane(geometry: Geometry, slices: int | None = None) -> Plane:
    """The anatomical plane nearest to the slices of a volume.

    ``slices`` is the axis that runs through them, where it is known: it is the last in DICOM,
    even if its voxels are shorter than the pixels.
    """
    axis = geometry.through_plane_axis if slices is None else slices
    normal = np.abs(geometry.directions[:, axis])
    return (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL)[int(np.argmax(normal))]


def _group_by_date(stacks: Sequence[Stack]) -> list[tuple[date, list[Stack]]]:
    dated = sorted(((_date(stack), stack) for stack in stacks), key=lambda pair: pair[0])
    groups: list[tuple[date, list[Stack]]] = []
    for day, stack in dated:
        if groups and day - groups[-1][0] <= timedelta(days=ONE_VISIT_DAYS):
            groups[-1][1].append(stack)
        else:
            groups.append((day, [stack]))
    return groups


def _date(stack: Stack) -> date:
    day = _day_of(stack.first)
    if day is not None:
        return day
    part, _ = body_part(stack.first, "")
    raise InputError(
        "Images carry no date, so visits cannot be told apart.",
        where=f"a series of {len(stack.headers)} slices ({part})",
        remedy="restore the study dates, or give the images as NIfTI with their dates under "
        "visits: in case.yaml",
    )


def _refuse_equal_dates(groups: Sequence[tuple[date, list[Stack]]]) -> None:
    """Two studies of one day that show the same thing in the same way are two visits."""
    for day, stacks in groups:
        studies: dict[tuple[object, ...], set[str]] = defaultdict(set)
        for stack in stacks:
            header = stack.first
            shown = (
                _date(stack),
                body_part(header, "")[0],
                side(header, "")[0],
                read_contrast(Physics.of(header)).label,
                nearest_plane(stack.geometry, slices=2),
            )
            studies[shown].add(header.text("StudyInstanceUID"))
        most = max(len(uids) for uids in studies.values())
        if most > 1:
            raise InputError(
                f"{most} studies that show the same joint in the same way carry one date "
                f"({day.isoformat()}), so their order is not known.",
                where="the study dates of the images",
                remedy="restore the true study dates, or give the images as NIfTI with their "
                "dates under visits: in case.yaml",
            )


def _series_of_visit(
    visit_id: str, stacks: Sequence[Stack]
) -> tuple[tuple[PlannedSeries, ...], list[Caution]]:
    """Number the series of a visit in an order that no file name decides."""
    series, cautions = [], list[Caution]()
    for number, stack in enumerate(sorted(stacks, key=_order), start=1):
        series_id = f"{visit_id}-s{number}"
        where = f"{visit_id}, series {series_id}"
        part, said_of_part = body_part(stack.first, where)
        which, said_of_side = _one_side(stack, where)
        contrast = read_contrast(Physics.of(stack.first))
        doubts = (*stack.doubts, *doubts_of_header(stack.first, contrast))
        cautions += [*said_of_part, *said_of_side, *(one.at(where) for one in doubts)]
        plane = nearest_plane(stack.geometry, slices=2)
        series.append(PlannedSeries(series_id, visit_id, stack, contrast, plane, part, which))
    return tuple(series), cautions


def _one_side(stack: Stack, where: str) -> tuple[Side, tuple[Caution, ...]]:
    """The side that all slices name; none, with a caution, where they name different ones."""
    said = {side(header, "")[0] for header in stack.headers} - {Side.UNKNOWN}
    if len(said) < 2:
        return side(stack.first, where)
    return Side.UNKNOWN, (
        Caution(
            "sides-mixed",
            Severity.UNVERIFIED,
            "Some slices of the series say left, others right; neither was used.",
            where,
            "check the side on the images, and export the series again",
        ),
    )


def _order(stack: Stack) -> tuple[str, str, str, float, str]:
    """By what is shown, then by a hash of the identifier; else as the folder's scan orders."""
    return (
        body_part(stack.first, "")[0],
        read_contrast(Physics.of(stack.first)).label,
        nearest_plane(stack.geometry, slices=2).value,
        stack.first.number("EchoTime") or 0.0,
        hashlib.sha256(stack.first.text("SeriesInstanceUID").encode()).hexdigest(),
    )


def _day_of(header: Header) -> date | None:
    """The first date that is one; old files part it with dots."""
    days = (_day(header.text(tag)) for tag in _DATE_TAGS)
    return next((day for day in days if day is not None), None)


def _day(text: str) -> date | None:
    digits = text.replace(".", "")
    # strptime would also take 2024115.
    if len(digits) != 8:
        return None
    try:
        return datetime.strptime(digits, "%Y%m%d").date()
    except ValueError:
        return None


def _age_years(headers: Sequence[Header]) -> int | None:
    """The age at the first visit that tells one."""
    known = [
        (_day_of(header) or date.max, age)
        for header in headers
        if (age := _age_in(header)) is not None
    ]
    return min(known)[1] if known else None


def _age_in(header: Header) -> int | None:
    """PatientAge (as ``046Y``), or from birth date and date of the study."""
    said = re.fullmatch(r"(\d{1,3})([YMWD])", header.text("PatientAge").upper())
    if said and int(said[1]):
        return _plausible(int(said[1]) // _PER_YEAR[said[2]])
    born, day = _day(header.text("PatientBirthDate")), _day_of(header)
    if born is None or day is None or born.year <= PLACEHOLDER_YEAR:
        return None
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return _plausible(years)


def _plausible(years: int) -> int | None:
    return years if 0 <= years <= OLDEST_YEARS else None


def _sex(headers: Sequence[Header]) -> str | None:
    said = {one.text("PatientSex").upper() for one in headers} & {"M", "F"}
    return said.pop() if len(said) == 1 else None
