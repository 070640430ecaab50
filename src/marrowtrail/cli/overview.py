"""What ``inspect`` finds: a folder from its headers alone, without reading a pixel.

The object is what ``--json`` prints; its fields are only added to under one ``schema_version``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from marrowtrail.errors import Caution, Severity
from marrowtrail.imaging.archives import patient_folder
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.headers import Header
from marrowtrail.imaging.nifti import NiftiSeries, NiftiVisit, read_geometry
from marrowtrail.imaging.plan import (
    PlannedSeries,
    dicom_not_read,
    is_within,
    nearest_plane,
    plan_folder,
)
from marrowtrail.imaging.requests import nifti_visits
from marrowtrail.imaging.series import Contrast, SetAside, Weighting
from marrowtrail.record.case_file import read_case
from marrowtrail.record.finding_entry import CASE_FILE

SCHEMA_VERSION = "1.0"

DICOM_SLICES = 2
"""The axis of a DICOM volume that runs through its slices."""


class _Seen(BaseModel):
    model_config = ConfigDict(frozen=True)


class GridSeen(_Seen):
    """Where a series has voxels. ``field_mm`` and ``spacing_mm`` follow ``matrix``.

    ``matrix`` is pixels along a row, down a column, and slices. ``gap_mm`` is what lies between
    two slices that was not imaged, negative where slices overlap; ``None`` where the thickness
    is not known. ``acquisition`` is ``2D``, ``3D`` or ``None``, as the scanner says.
    """

    matrix: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    field_mm: tuple[float, float, float]
    slice_thickness_mm: float | None = None
    gap_mm: float | None = None
    acquisition: str | None = None


class SeriesSeen(_Seen):
    """One series: what it shows, how it was made, and why it was read so."""

    id: str
    visit: str
    joint: str
    side: str
    contrast: str
    weighting: str
    fat_suppressed: bool | None
    after_contrast_agent: bool
    is_fluid_sensitive: bool
    reason: str
    plane: str
    grid: GridSeen
    echo_time_ms: float | None = None
    repetition_time_ms: float | None = None


class VisitSeen(_Seen):
    """One visit; ``day`` counts from the first."""

    id: str
    date: date
    day: int
    series: tuple[SeriesSeen, ...]


class Problem(_Seen):
    """Something that stands in the way of a run, or that its result will not be sure of."""

    code: str
    severity: Severity
    what: str
    where: str
    remedy: str


class FolderSeen(_Seen):
    """A folder: its visits, what was set aside and why, and what is wrong with it."""

    schema_version: str = SCHEMA_VERSION
    visits: tuple[VisitSeen, ...]
    bone_masks: int
    set_aside: tuple[SetAside, ...]
    problems: tuple[Problem, ...]

    @property
    def is_usable(self) -> bool:
        """A run would find a series."""
        return bool(self.visits)

    @property
    def is_verified(self) -> bool:
        """Nothing that was found is in doubt."""
        return all(one.severity is not Severity.UNVERIFIED for one in self.problems)


def overview(patient: Path) -> FolderSeen:
    """Look into a folder, or a zip archive of one.

    Raises
    ------
    InputError
        If the folder, its ``case.yaml`` or a NIfTI file named there cannot be used.
    """
    with patient_folder(patient) as folder:
        case_file = folder / CASE_FILE
        requests = nifti_visits(read_case(case_file), folder) if case_file.is_file() else ()
        if any(request.series for request in requests):
            return _nifti(folder, sorted(requests, key=lambda one: one.date))
        return _dicom(folder, requests)


def _dicom(folder: Path, requests: Sequence[NiftiVisit]) -> FolderSeen:
    plan = plan_folder(folder)
    first = plan.visits[0].date if plan.visits else None
    visits = tuple(
        VisitSeen(
            id=visit.id,
            date=visit.date,
            day=(visit.date - first).days if first else 0,
            series=tuple(_planned(one) for one in visit.series),
        )
        for visit in plan.visits
    )
    handed_in = [request.date for request in requests if request.bones is not None]
    astray = [day for day in handed_in if not any(is_within(one, day) for one in plan.visits)]
    masks = len(plan.segmentations) + len(handed_in)
    return FolderSeen(
        visits=visits,
        bone_masks=masks,
        set_aside=plan.set_aside,
        problems=(
            *(_problem(one) for one in plan.cautions),
            *(_astray(day) for day in astray if visits),
            *_in_the_way(visits, masks),
        ),
    )


def _planned(one: PlannedSeries) -> SeriesSeen:
    header = one.stack.first
    return _series(
        one.id,
        one.visit_id,
        one.body_part,
        one.side.value,
        one.contrast,
        one.plane.value,
        _grid(one.stack.geometry, header),
        echo_time_ms=header.number("EchoTime"),
        repetition_time_ms=header.number("RepetitionTime"),
    )


def _nifti(folder: Path, requests: Sequence[NiftiVisit]) -> FolderSeen:
    aside, cautions = dicom_not_read(folder)
    visits = tuple(
        VisitSeen(
            id=f"v{number}",
            date=request.date,
            day=(request.date - requests[0].date).days,
            series=tuple(
                _named(f"v{number}", index, one)
                for index, one in enumerate(request.series, start=1)
            ),
        )
        for number, request in enumerate(requests, start=1)
    )
    masks = sum(request.bones is not None for request in requests)
    problems = (*(_problem(one) for one in cautions), *_in_the_way(visits, masks))
    return FolderSeen(visits=visits, bone_masks=masks, set_aside=aside, problems=problems)


def _named(visit: str, index: int, one: NiftiSeries) -> SeriesSeen:
    geometry = read_geometry(one.file)
    plane = nearest_plane(geometry).value
    series_id = f"{visit}-s{index}"
    side, grid = one.side.value, _grid(geometry)
    return _series(series_id, visit, one.body_part, side, one.contrast, plane, grid)


def _series(
    series_id: str,
    visit: str,
    joint: str,
    side: str,
    contrast: Contrast,
    plane: str,
    grid: GridSeen,
    *,
    echo_time_ms: float | None = None,
    repetition_time_ms: float | None = None,
) -> SeriesSeen:
    return SeriesSeen(
        id=series_id,
        visit=visit,
        joint=joint,
        side=side,
        contrast=contrast.label,
        weighting=contrast.weighting.value,
        fat_suppressed=contrast.fat_suppressed,
        after_contrast_agent=contrast.after_agent,
        is_fluid_sensitive=contrast.is_fluid_sensitive,
        reason=contrast.reason,
        plane=plane,
        grid=grid,
        echo_time_ms=echo_time_ms,
        repetition_time_ms=repetition_time_ms,
    )


def _grid(geometry: Geometry, header: Header | None = None) -> GridSeen:
    """Of a DICOM volume with what its header says; of a NIfTI file, which says no more."""
    spacing = geometry.spacing_mm
    thickness = header.number("SliceThickness") if header else None
    known = thickness is not None and thickness > 0
    field = tuple(round(n * s, 1) for n, s in zip(geometry.shape, spacing, strict=True))
    acquisition = header.text("MRAcquisitionType").upper() if header else ""
    return GridSeen(
        matrix=geometry.shape,
        spacing_mm=(round(spacing[0], 4), round(spacing[1], 4), round(spacing[2], 4)),
        field_mm=(field[0], field[1], field[2]),
        slice_thickness_mm=thickness if known else None,
        gap_mm=round(spacing[DICOM_SLICES] - thickness, 2) if thickness and known else None,
        acquisition=acquisition if acquisition in ("2D", "3D") else None,
    )


def _problem(caution: Caution) -> Problem:
    return Problem(
        code=caution.code,
        severity=caution.severity,
        what=caution.what,
        where=caution.where,
        remedy=caution.remedy,
    )


def _astray(day: date) -> Problem:
    return Problem(
        code="mask-without-visit",
        severity=Severity.UNVERIFIED,
        what=f"The mask of {day.isoformat()} belongs to no visit; a run will refuse it.",
        where="visits: in case.yaml",
        remedy="give the mask the date of the images that it was drawn on",
    )


def _in_the_way(visits: Sequence[VisitSeen], masks: int) -> list[Problem]:
    """What a run lacks, in the order in which it matters."""
    if not visits:
        return [
            _note(
                "nothing-usable",
                "No series can be used.",
                "the folder",
                "add MR images of a joint; what was set aside, and why, is listed",
            )
        ]
    problems = [] if masks else [_no_mask()]
    problems += [one for visit in visits for one in _blind_joints(visit)]
    problems += [
        _note(
            "weighting-unknown",
            f"The weighting of {one.id} is not known: {one.reason}. It is not measured.",
            f"{visit.id}, series {one.id}",
            "restore TR, TE and the sequence in its headers if it matters",
        )
        for visit in visits
        for one in visit.series
        if one.weighting == Weighting.UNKNOWN and not one.contrast.startswith("Dixon")
    ]
    if len(visits) == 1:
        problems.append(
            _note(
                "one-visit",
                "There is one visit only: nothing can be followed.",
                visits[0].id,
                "add the images of other dates to the folder",
            )
        )
    return problems


def _blind_joints(visit: VisitSeen) -> list[Problem]:
    """A joint without a series in which oedema shows."""
    seen = {one.joint for one in visit.series if one.is_fluid_sensitive}
    return [
        _note(
            "no-fluid-sensitive-series",
            f"No fat-suppressed fluid-sensitive series shows the {_in_words(joint)}: "
            "no oedema can be claimed there.",
            visit.id,
            "add a STIR or a fat-suppressed PD or T2 series",
        )
        for joint in sorted({one.joint for one in visit.series} - seen)
    ]


def _in_words(joint: str) -> str:
    """A joint key in words."""
    return "joint (its name is not in the headers)" if joint == "unknown" else joint


def _note(code: str, what: str, where: str, remedy: str) -> Problem:
    return Problem(code=code, severity=Severity.NOTE, what=what, where=where, remedy=remedy)


def _no_mask() -> Problem:
    return _note(
        "no-bone-mask",
        "There is no bone mask: a run finds the bones by itself.",
        "the folder",
        "nothing; where an outline turns out wrong, hand in a mask (DICOM SEG or NIfTI)",
    )
