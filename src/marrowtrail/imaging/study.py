"""A patient's folder read into a study: the room's one entrance for pixels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from marrowtrail.errors import InputError
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.mask_sides import side_cautions, sided
from marrowtrail.imaging.nifti import (
    NiftiVisit,
    content_hash,
    read_labels,
    read_volume,
)
from marrowtrail.imaging.pixels import read_pixels
from marrowtrail.imaging.plan import (
    Plan,
    PlannedSeries,
    dicom_not_read,
    is_within,
    nearest_plane,
    plan_folder,
)
from marrowtrail.imaging.reorder import in_order_of
from marrowtrail.imaging.segmentations import read_segmentation, without_copies
from marrowtrail.imaging.series import (
    BoneLabels,
    Series,
    SetAside,
    Study,
    Visit,
)
from marrowtrail.imaging.source import dicom_source

Progress = Callable[[str], None]


def read_study(
    folder: Path, requests: Sequence[NiftiVisit] = (), *, progress: Progress | None = None
) -> Study:
    """Read every visit of a patient, earliest first.

    Parameters
    ----------
    folder
        Any tree of DICOM files.
    requests
        Visits that ``case.yaml`` names. If one has NIfTI series, the folder's DICOM is not
        read, and a caution says so. If none has, a mask goes to the DICOM visit of its date.
    progress
        Called with a few words at each visit.

    Raises
    ------
    InputError
        If nothing can be used, or something in it cannot be trusted.
    """
    say = progress or (lambda _: None)
    if any(request.series for request in requests):
        return _read_nifti(folder, sorted(requests, key=lambda one: one.date), say)
    say("reading headers")
    plan = plan_folder(folder)
    if not plan.visits:
        raise _nothing_usable(folder, plan)
    return _read_dicom(plan, _by_visit(plan, requests), say)


def _by_visit(plan: Plan, requests: Sequence[NiftiVisit]) -> dict[str, list[NiftiVisit]]:
    """Masks that the case hands in for DICOM, by the visit within whose week they fall."""
    handed_in: dict[str, list[NiftiVisit]] = defaultdict(list)
    for request in requests:
        if request.bones is None:
            continue
        home = [one.id for one in plan.visits if is_within(one, request.date)]
        if not home:
            days = ", ".join(one.date.isoformat() for one in plan.visits)
            raise InputError(
                f"A mask of {request.date.isoformat()} belongs to no visit; the images are of "
                f"{days}.",
                where="visits: in case.yaml",
                remedy="give the mask the date of the images that it was drawn on",
            )
        handed_in[home[0]].append(request)
    return handed_in


def _read_dicom(plan: Plan, handed_in: Mapping[str, Sequence[NiftiVisit]], say: Progress) -> Study:
    bones, aside = _read_bones(plan)
    visits = []
    cautions = list(plan.cautions)
    for visit in plan.visits:
        say(f"reading {visit.id}")
        series = tuple(_series(one) for one in visit.series)
        mine = {one.source_uid for one in series}
        drawn = [one for one in bones if one.series_uid in mine]
        for request in handed_in.get(visit.id, ()):
            drawn += _bones(request, series)
        masks = tuple(sided(one, series) for one in drawn)
        cautions += side_cautions(visit.id, masks)
        visits.append(Visit(visit.id, visit.date, series, masks))
    return Study(
        tuple(visits),
        (*plan.set_aside, *aside),
        tuple(cautions),
        plan.age_years,
        plan.sex,
        plan.is_synthetic,
    )


def _read_bones(plan: Plan) -> tuple[tuple[BoneLabels, ...], tuple[SetAside, ...]]:
    grids: dict[str, list[Geometry]] = defaultdict(list)
    incomplete: set[str] = set()
    for visit in plan.visits:
        for one in visit.series:
            series_uid = one.stack.first.text("SeriesInstanceUID")
            grids[series_uid].append(one.stack.geometry)
            incomplete |= {series_uid} if one.stack.is_part else set()
    outcomes = without_copies(
        [read_segmentation(header, grids, incomplete) for header in plan.segmentations]
    )
    bones = tuple(mask for one in outcomes for mask in one.bones)
    aside = Counter((one.aside.what, one.aside.reason) for one in outcomes if one.aside)
    return bones, tuple(SetAside(*why, files) for why, files in sorted(aside.items()))


def _series(planned: PlannedSeries) -> Series:
    header = planned.stack.first
    return Series(
        planned.id,
        planned.visit_id,
        header.text("SeriesInstanceUID"),
        read_pixels(planned.stack, f"{planned.visit_id}, {planned.where}"),
        planned.contrast,
        planned.plane,
        planned.body_part,
        planned.side,
        header.number("EchoTime"),
        header.number("RepetitionTime"),
        header.number("SliceThickness"),
        planned.stack.is_part,
        dicom_source(planned.stack.headers),
    )


def _read_nifti(folder: Path, requests: Sequence[NiftiVisit], say: Progress) -> Study:
    aside, cautions = dicom_not_read(folder)
    visits = []
    for number, request in enumerate(requests, start=1):
        visit_id = f"v{number}"
        say(f"reading {visit_id}")
        series = []
        for index, one in enumerate(request.series, start=1):
            volume = read_volume(one.file)
            series.append(
                Series(
                    f"{visit_id}-s{index}",
                    visit_id,
                    content_hash(one.file),
                    volume,
                    one.contrast,
                    nearest_plane(volume.geometry),
                    one.body_part,
                    one.side,
                )
            )
        masks = tuple(sided(one, series) for one in _bones(request, series))
        cautions += side_cautions(visit_id, masks)
        visits.append(Visit(visit_id, request.date, tuple(series), masks))
    return Study(tuple(visits), aside, tuple(cautions))


def _bones(request: NiftiVisit, series: Sequence[Series]) -> tuple[BoneLabels, ...]:
    """The visit's mask, which must lie on the grid of one of its series."""
    if request.bones is None:
        return ()
    if not series:
        raise InputError(
            f"The visit of {request.date.isoformat()} has a mask and no series to lay it on.",
            where="visits: in case.yaml",
            remedy="name the series that the mask was drawn on",
        )
    bones = read_labels(request.bones)
    mask = bones.labels.geometry
    for one in series:
        labels = in_order_of(bones.labels, one.volume.geometry)
        if labels is not None:
            return (replace(bones, labels=labels),)
    grids = "; ".join(f"{one.id} {one.volume.geometry.in_words}" for one in series)
    raise InputError(
        "The mask lies on another grid than every series of its visit: expected one of "
        f"{grids}; got {mask.in_words}.",
        where=f"{request.bones.file.name}, visit of {request.date.isoformat()}",
        remedy="draw or resample the mask on one of the series",
    )


def _nothing_usable(folder: Path, plan: Plan) -> InputError:
    reasons = "; ".join(f"{one.files} {one.what}: {one.reason}" for one in plan.set_aside)
    return InputError(
        "Expected MR images; nothing in the folder can be used"
        + (f" ({reasons})." if reasons else ": it holds no file that could be an image."),
        where=str(folder),
        remedy="name a folder with DICOM files, or NIfTI files under visits: in its case.yaml",
    )
