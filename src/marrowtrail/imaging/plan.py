"""What a folder holds, known from headers alone: visits, their series, what is set aside.

``marrowtrail inspect`` shows a plan; reading a study fills it with pixels.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from marrowtrail.errors import Caution, InputError
from marrowtrail.imaging.body import body_part, side
from marrowtrail.imaging.contrast import Physics, read_contrast
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.headers import Header, scan
from marrowtrail.imaging.patients import one_patient
from marrowtrail.imaging.series import Contrast, Plane, SetAside
from marrowtrail.imaging.stacks import Stack, sort_into_stacks
from marrowtrail.record.sites import Side

ONE_VISIT_DAYS = 7
"""Studies within a week of the first are one visit: knee and ankle are often imaged on two
days, and marrow oedema does not change its place in a week."""

_DATE_TAGS = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")


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
        raise InputError(
            "Expected a folder with a patient's images; it does not exist or is a file.",
            where=str(folder),
            remedy="name the folder that holds the DICOM files",
        )
    found = scan(folder)
    one_patient(found.images)
    stacks, rejected = sort_into_stacks(found.images)
    by_date = _group_by_date(stacks)
    _refuse_equal_dates(by_date)
    visits, cautions = [], list[Caution]()
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


def nearest_plane(geometry: Geometry) -> Plane:
    """The anatomical plane nearest to the slices of a volume."""
    normal = np.abs(geometry.directions[:, geometry.through_plane_axis])
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
    for tag in _DATE_TAGS:
        text = stack.first.text(tag).replace(".", "")
        try:
            return datetime.strptime(text, "%Y%m%d").date()
        except ValueError:
            continue
    raise InputError(
        "Images carry no date, so visits cannot be told apart.",
        where=f"a series of {len(stack.headers)} slices ({body_part(stack.first)})",
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
                body_part(header),
                side(header, "")[0],
                read_contrast(Physics.of(header)).label,
                nearest_plane(stack.geometry),
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
    described = sorted((_describe(stack) for stack in stacks), key=lambda one: one[0])
    series, cautions = [], list[Caution]()
    for number, (_, stack, contrast) in enumerate(described, start=1):
        series_id = f"{visit_id}-s{number}"
        which, said = side(stack.first, f"{visit_id}, series {series_id}")
        cautions.extend(said)
        series.append(
            PlannedSeries(
                series_id,
                visit_id,
                stack,
                contrast,
                nearest_plane(stack.geometry),
                body_part(stack.first),
                which,
            )
        )
    return tuple(series), cautions


def _describe(stack: Stack) -> tuple[tuple[str, str, str, float, str], Stack, Contrast]:
    contrast = read_contrast(Physics.of(stack.first))
    uid = hashlib.sha256(stack.first.text("SeriesInstanceUID").encode()).hexdigest()
    key = (
        body_part(stack.first),
        contrast.label,
        nearest_plane(stack.geometry).value,
        stack.first.number("EchoTime") or 0.0,
        uid,
    )
    return key, stack, contrast


def _age_years(headers: Sequence[Header]) -> int | None:
    """Youngest age in the headers, as ``046Y``: the one at the first visit."""
    ages = [text[:3] for one in headers if (text := one.text("PatientAge")).endswith("Y")]
    return min((int(text) for text in ages if text.isdigit()), default=None)


def _sex(headers: Sequence[Header]) -> str | None:
    said = {one.text("PatientSex").upper() for one in headers} & {"M", "F"}
    return said.pop() if len(said) == 1 else None
