"""Registration of drawn visits from starts far apart, with bending, where the motion is known.

Visits of one knee are drawn, bent differently each time, and the later one's headers are turned
and shifted further: a leg is never laid down twice in the same way. Every other patient is
imaged in 3-D. Bones come with their true masks, so errors of an outline are not in these figures.
Patients that were drawn before are taken as they are.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from marrowtrail.anatomy.bones import BoneMap
from marrowtrail.anatomy.mapping import map_visit
from marrowtrail.errors import InputError
from marrowtrail.evaluation.follow_up_registration import (
    RegistrationCase,
    RegistrationScores,
    judge,
    sum_registrations,
    true_motions,
)
from marrowtrail.evaluation.truth_matching import patients_in
from marrowtrail.follow_up.registration import register_bones
from marrowtrail.imaging.series import Series
from marrowtrail.imaging.study import read_study
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom import Draw, PatientTruth, load_truth, write_patient
from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scanner.plan import SeriesWord
from marrowtrail.phantom.scenario import Scenario, load_scenario

STORY = "stable"
"""Three visits of a knee with one lesion: three pairs a patient."""

STARTS_A_PATIENT = 9
"""Three pairs of visits, three motions each. More would say little: the masks give the same first
place wherever the scanner stood, so that starts of one pair nearly repeat each other."""

TURN_DEG, SHIFT_MM = 20.0, 30.0
"""The furthest start; turn and shift are drawn evenly up to it, in any direction."""

BENT_DEG = Range(low=0, high=20)
"""Flexion at each visit."""

THICK: tuple[SeriesWord, ...] = ("fluid_sagittal", "t1")
THIN: tuple[SeriesWord, ...] = ("pd_3d",)
"""What odd and even patients are imaged with."""

STREAM = 41
"""Name of this module's random stream."""

Imaged = tuple[tuple[Series, BoneMap], ...]


class StartScores(BaseModel):
    """All starts, and the two kinds of images apart.

    Several starts of one pair of visits are no independent trials, though the intervals count
    them so: ``visit_pairs`` says how many pairs there were. ``seconds_a_bone`` is the time of
    the processor for a bone and pair.
    """

    model_config = ConfigDict(frozen=True)

    starts: int
    patients: int
    visit_pairs: int
    registration: RegistrationScores
    thick: RegistrationScores
    thin: RegistrationScores
    seconds_a_bone: float | None
    cases: tuple[RegistrationCase, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Patient:
    """A drawn patient as it was read: the images of each visit, and what is true."""

    visits: dict[str, Imaged]
    truth: PatientTruth

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return list(combinations(self.visits, 2))


def score_starts(
    seed: int,
    count: int,
    draw: Draw,
    say: Callable[[str], None] = lambda _: None,
    data: Path | None = None,
) -> StartScores:
    """Register ``count`` pairs of visits, each from a start of its own, all bones of each.

    Parameters
    ----------
    seed
        Of the first patient, and of the starts.
    count
        How many; a patient serves for :data:`STARTS_A_PATIENT` of them.
    draw
        Family and difficulty of patients that are drawn.
    say
        Told what is being done.
    data
        Patients as ``phantom`` writes them, to be taken in turn instead of drawn ones.

    Raises
    ------
    InputError
        If ``data`` holds no patient, or one of a single visit.
    """
    folders = None if data is None else patients_in(data)
    cases, seconds = list[RegistrationCase](), 0.0
    seen = set[tuple[int, str, str]]()
    for first in range(0, count, STARTS_A_PATIENT):
        number = first // STARTS_A_PATIENT
        if folders is None:
            say(f"drawing patient {number + 1}")
            patient = _drawn(seed + number, _story(THIN if number % 2 else THICK), draw)
        else:
            number %= len(folders)
            patient = _read(folders[number])
        for start in range(first, min(first + STARTS_A_PATIENT, count)):
            pair = patient.pairs[start % len(patient.pairs)]
            say(f"start {start + 1} of {count}: {pair[0]} and {pair[1]}")
            seen.add((number, *pair))
            before = time.process_time()
            cases += _scored(patient, pair, np.random.default_rng([seed, start, STREAM]))
            seconds += time.process_time() - before
    return StartScores(
        starts=count,
        patients=len({number for number, *_ in seen}),
        visit_pairs=len(seen),
        registration=sum_registrations(cases),
        thick=sum_registrations([one for one in cases if not one.is_3d]),
        thin=sum_registrations([one for one in cases if one.is_3d]),
        seconds_a_bone=seconds / len(cases) if cases else None,
        cases=tuple(cases),
    )


def _story(series: tuple[SeriesWord, ...]) -> Scenario:
    story = load_scenario(STORY)
    imaging = story.imaging.model_copy(update={"series": series, "flexion_deg": BENT_DEG})
    return story.model_copy(update={"imaging": imaging})


def _drawn(seed: int, story: Scenario, draw: Draw) -> _Patient:
    with tempfile.TemporaryDirectory(prefix="marrowtrail-draw-") as folder:
        write_patient(story, Path(folder), seed=seed, draw=draw)
        return _read(Path(folder))


def _read(folder: Path) -> _Patient:
    study, truth = read_study(folder / "dicom"), load_truth(folder)
    if len(study.visits) < 2:
        raise InputError(
            f"Expected two visits or more, got {len(study.visits)}.",
            where=folder.name,
            remedy="name patients whose scenario has several visits",
        )
    visits = {
        one.id: tuple(zip(one.series, map_visit(one.series, one.bones), strict=True))
        for one in study.visits
    }
    return _Patient(visits, truth)


def _scored(
    patient: _Patient, pair: tuple[str, str], rng: np.random.Generator
) -> Iterator[RegistrationCase]:
    earlier, later = (patient.visits[one] for one in pair)
    further = draw_start(_middle(later), rng)
    moved = tuple(moved_by(further, *one) for one in later)
    motions = true_motions(patient.truth)
    by_id = {series.id: (series, bones) for series, bones in (*earlier, *moved)}
    for one in register_bones(earlier, moved):
        first, bones = by_id[one.from_series]
        second, _ = by_id[one.to_series]
        true = motions.get((first.source_uid, second.source_uid), {}).get(one.bone.bone)
        bone = bones.get(one.bone)
        if true is not None and bone is not None:
            grids = (first.volume.geometry, second.volume.geometry)
            yield judge(one, bone, further @ RigidTransform(true), grids)


def _middle(imaged: Imaged) -> NDArray[np.float64]:
    """The middle of the bones of the first series."""
    centres = [bone.centroid_lps for bone in imaged[0][1].bones]
    return np.asarray(np.mean(centres, axis=0))


def draw_start(centre_lps: NDArray[np.float64], rng: np.random.Generator) -> RigidTransform:
    """A turn about a centre and a shift, each in any direction and up to the furthest."""
    axis, way = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
    turn, shift = np.radians(rng.uniform(0.0, TURN_DEG)), rng.uniform(0.0, SHIFT_MM)
    return RigidTransform.about(centre_lps, axis * turn, way * shift)


def moved_by(motion: RigidTransform, series: Series, bones: BoneMap) -> tuple[Series, BoneMap]:
    """A series and its bones as if the scanner had stood elsewhere; voxels stay as they are."""

    def there(volume: Volume) -> Volume:
        grid = volume.geometry
        return Volume(volume.data, replace(grid, affine=motion.matrix @ grid.affine))

    moved = tuple(
        replace(
            one,
            mask=there(one.mask),
            regions=there(one.regions),
            subregions=None if one.subregions is None else there(one.subregions),
        )
        for one in bones.bones
    )
    image = there(series.volume)
    # The axes of bones stay behind: registration reads masks and images alone.
    return replace(series, volume=image), replace(bones, geometry=image.geometry, bones=moved)
