"""What ``inspect`` shows: a folder from its headers alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from rich.markup import escape
from rich.table import Table

from marrowtrail.cli.terminal import answers
from marrowtrail.errors import Caution
from marrowtrail.imaging.archives import patient_folder
from marrowtrail.imaging.plan import Plan, plan_folder
from marrowtrail.imaging.requests import nifti_visits
from marrowtrail.imaging.series import SetAside
from marrowtrail.record.case_file import read_case
from marrowtrail.record.finding_entry import CASE_FILE


class SeriesSeen(BaseModel):
    """One series."""

    model_config = ConfigDict(frozen=True)

    id: str
    visit: str
    date: date
    joint: str
    side: str
    contrast: str
    plane: str
    slices: int | None
    spacing_mm: tuple[float, float, float] | None
    is_fluid_sensitive: bool
    reason: str


class FolderSeen(BaseModel):
    """A folder: its series, what was set aside, and what is wrong with it."""

    model_config = ConfigDict(frozen=True)

    series: tuple[SeriesSeen, ...]
    bone_masks: int
    set_aside: tuple[SetAside, ...]
    problems: tuple[str, ...]


def overview(patient: Path) -> FolderSeen:
    """Look into a folder, or a zip archive of one, without reading a pixel.

    Raises
    ------
    InputError
        If the folder or its ``case.yaml`` cannot be used.
    """
    with patient_folder(patient) as folder:
        return _overview(folder)


def _overview(folder: Path) -> FolderSeen:
    case_file = folder / CASE_FILE
    requests = nifti_visits(read_case(case_file), folder) if case_file.is_file() else ()
    if any(request.series for request in requests):
        series = tuple(
            SeriesSeen(
                id=f"v{number}-s{index}",
                visit=f"v{number}",
                date=request.date,
                joint=one.body_part,
                side=one.side.value,
                contrast=one.contrast.label,
                plane="as the file says",
                slices=None,
                spacing_mm=None,
                is_fluid_sensitive=one.contrast.is_fluid_sensitive,
                reason=one.contrast.reason,
            )
            for number, request in enumerate(sorted(requests, key=lambda r: r.date), start=1)
            for index, one in enumerate(request.series, start=1)
        )
        masks = sum(request.bones is not None for request in requests)
        return FolderSeen(
            series=series, bone_masks=masks, set_aside=(), problems=_problems(series, masks, ())
        )
    plan = plan_folder(folder)
    series = _planned(plan)
    masks = len(plan.segmentations) + sum(request.bones is not None for request in requests)
    return FolderSeen(
        series=series,
        bone_masks=masks,
        set_aside=plan.set_aside,
        problems=_problems(series, masks, plan.cautions),
    )


def _planned(plan: Plan) -> tuple[SeriesSeen, ...]:
    return tuple(
        SeriesSeen(
            id=one.id,
            visit=visit.id,
            date=visit.date,
            joint=one.body_part,
            side=one.side.value,
            contrast=one.contrast.label,
            plane=one.plane.value,
            slices=len(one.stack.headers),
            spacing_mm=one.stack.geometry.spacing_mm,
            is_fluid_sensitive=one.contrast.is_fluid_sensitive,
            reason=one.contrast.reason,
        )
        for visit in plan.visits
        for one in visit.series
    )


def _problems(
    series: tuple[SeriesSeen, ...], masks: int, cautions: tuple[Caution, ...]
) -> tuple[str, ...]:
    """What would stand in the way of a run, each with what to do."""
    problems = [f"{one.what} ({one.where}): {one.remedy}." for one in cautions]
    if not series:
        problems.append("No series can be used: add MR images of a joint.")
    if series and not masks:
        problems.append(
            "There is no bone mask: add a DICOM SEG of the bones, or name a NIfTI mask in "
            "case.yaml."
        )
    for visit in sorted({one.visit for one in series}):
        if not any(one.is_fluid_sensitive for one in series if one.visit == visit):
            problems.append(
                f"{visit} has no fat-suppressed fluid-sensitive series: no oedema can be claimed "
                "there; add a STIR or a fat-suppressed PD or T2 series."
            )
    if len({one.visit for one in series}) == 1:
        problems.append("There is one visit only: nothing can be followed.")
    return tuple(problems)


def show_overview(seen: FolderSeen) -> None:
    """A table of series, then what was set aside, then problems."""
    table = Table("series", "date", "joint", "side", "contrast", "plane", "slices", "spacing mm")
    for one in seen.series:
        spacing = " x ".join(f"{s:.2f}" for s in one.spacing_mm) if one.spacing_mm else ""
        slices = "" if one.slices is None else str(one.slices)
        day = one.date.isoformat()
        joint = escape(one.joint)
        table.add_row(one.id, day, joint, one.side, one.contrast, one.plane, slices, spacing)
    answers.print(table)
    answers.print(f"bone masks: {seen.bone_masks}")
    for aside in seen.set_aside:
        answers.print(f"set aside: {aside.files} x {escape(aside.what)} ({escape(aside.reason)})")
    for problem in seen.problems:
        answers.print(f"[yellow]{escape(problem)}[/]")
