"""Follow-up against the truth of synthetic patients.

Scores any folder of patients as ``marrowtrail phantom`` writes them, or draws its own. What
is measured never sees ``truth/``: the images are read from ``dicom/`` alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from marrowtrail.evaluation.change_scores import score_changes
from marrowtrail.evaluation.truth_matching import LesionAgreement, agree, patients_in
from marrowtrail.follow_up.track import Change, Verification
from marrowtrail.imaging.study import read_study
from marrowtrail.phantom import Draw, PatientTruth, load_truth, write_patient
from marrowtrail.pipeline import measure
from marrowtrail.result.inputs import Measured

WRONG_MM = 1.5
"""A registration that is off by more, in the median over its bone, is wrong."""

SAME_VOLUME = 0.1
"""True volumes within a tenth of each other did not change."""

EVERY_VOXEL = 37
"""Bone voxels at which registration is scored, evenly taken."""

Say = Callable[[str], None]


class PatientFollowed(BaseModel):
    """One synthetic patient, scored."""

    model_config = ConfigDict(frozen=True)

    scenario: str
    seed: int
    registration_errors_mm: tuple[float, ...]
    verified: tuple[bool, ...]
    dice: tuple[float, ...]
    lesions_found: int
    lesions_there: int
    false_lesions: int
    interval_covers: tuple[bool, ...]
    edges_right: int
    edges_found: int
    edges_there: int
    shifts_right: int
    shifts_found: int
    shifts_there: int
    changes_right: int
    changes_found: int
    changes_there: int
    unchanged_pairs: int
    false_changes: int

    @property
    def story_found(self) -> bool:
        """Every true shift was found, and no other."""
        return self.shifts_right == self.shifts_there == self.shifts_found


class RegistrationScores(BaseModel):
    """Over all bones and pairs of visits."""

    model_config = ConfigDict(frozen=True)

    pairs: int
    median_error_mm: float | None
    p95_error_mm: float | None
    verified_right: float | None
    verified_wrong: int


class MigrationScores(BaseModel):
    """Over patients: all shifts found, and none where there is none."""

    model_config = ConfigDict(frozen=True)

    sensitivity: float | None
    specificity: float | None


class FollowUpScores(BaseModel):
    """All patients. What no patient of a run can tell is empty.

    ``migration.specificity`` needs patients without a shift, ``false_change`` lesions that stayed
    as they were.
    """

    model_config = ConfigDict(frozen=True)

    registration: RegistrationScores
    edge_f1: float | None
    change_f1: float | None
    migration: MigrationScores
    false_change: float | None
    mean_dice: float | None
    lesions_found: float | None
    false_lesions_per_patient: float
    interval_coverage: float | None
    patients: tuple[PatientFollowed, ...]


def score_folder(folder: Path, say: Say = lambda _: None) -> FollowUpScores:
    """Score every patient below a folder.

    Raises
    ------
    InputError
        If none has a ``truth/truth.json``.
    """
    return _summed([score_patient(patient, say) for patient in patients_in(folder)])


def draw_and_score(
    scenarios: tuple[str, ...], seed: int, count: int, draw: Draw, say: Say = lambda _: None
) -> FollowUpScores:
    """Draw patients one after the other, score each, and keep none."""
    scored = []
    for scenario in scenarios:
        for number in range(seed, seed + count):
            with tempfile.TemporaryDirectory(prefix="marrowtrail-draw-") as folder:
                say(f"drawing {scenario} {number}")
                write_patient(scenario, Path(folder), seed=number, draw=draw)
                scored.append(score_patient(Path(folder), say))
    return _summed(scored)


def score_patient(patient: Path, say: Say = lambda _: None) -> PatientFollowed:
    """Measure one patient from ``dicom/`` alone and compare with the truth."""
    truth = load_truth(patient)
    say(f"measuring {truth.scenario} {truth.seed}")
    measured = measure(read_study(patient / "dicom"), lambda _: None)
    lesions = agree(measured, truth, patient)
    errors, verified = _registration(measured, truth)
    edges = _edges(measured, truth, lesions)
    shifts = _shifts(measured, truth, lesions)
    changes = score_changes(measured, truth, lesions)
    unchanged, changed = _false_changes(measured, truth, lesions)
    return PatientFollowed(
        scenario=truth.scenario,
        seed=truth.seed,
        registration_errors_mm=errors,
        verified=verified,
        dice=lesions.dice,
        lesions_found=lesions.found,
        lesions_there=lesions.there,
        false_lesions=lesions.false,
        interval_covers=lesions.covered,
        edges_right=edges[0],
        edges_found=edges[1],
        edges_there=edges[2],
        shifts_right=shifts[0],
        shifts_found=shifts[1],
        shifts_there=shifts[2],
        changes_right=changes[0],
        changes_found=changes[1],
        changes_there=changes[2],
        unchanged_pairs=unchanged,
        false_changes=changed,
    )


def _registration(
    measured: Measured, truth: PatientTruth
) -> tuple[tuple[float, ...], tuple[bool, ...]]:
    """Median error over each bone in mm, and whether the pair was called verified."""
    maps = {one.series_id: one for one in measured.bone_maps}
    joints = {one.id: one.body_part for v in measured.study.visits for one in v.series}
    motions = {
        (one.from_visit, one.to_visit, one.joint, one.bone): np.asarray(one.matrix_lps)
        for one in truth.motions
    }
    errors, verified = [], []
    for one in measured.followed.registrations:
        key = (one.from_visit, one.to_visit, joints[one.from_series], one.bone.bone)
        bone = maps[one.from_series].get(one.bone)
        if key not in motions or bone is None:
            continue
        ijk = np.argwhere(bone.mask.data)[::EVERY_VOXEL]
        points = bone.mask.geometry.to_lps(ijk)
        true = points @ motions[key][:3, :3].T + motions[key][:3, 3]
        gap = np.linalg.norm(one.transform.apply(points) - true, axis=1)
        errors.append(round(float(np.median(gap)), 4))
        verified.append(one.verification is Verification.VERIFIED)
    return tuple(errors), tuple(verified)


def _edges(
    measured: Measured, truth: PatientTruth, lesions: LesionAgreement
) -> tuple[int, int, int]:
    """Right, found and true edges between consecutive sightings of one lesion."""
    found = set()
    for track in measured.followed.tracks:
        names = [lesions.identity.get(one, one) for one in track.lesions]
        found |= set(pairwise(dict.fromkeys(names)))
    identified = set(lesions.identity.values())
    there = {
        (edge.earlier, edge.later)
        for edge in truth.edges
        if edge.earlier in identified and edge.later in identified
    }
    return len(found & there), len(found), len(there)


def _shifts(
    measured: Measured, truth: PatientTruth, lesions: LesionAgreement
) -> tuple[int, int, int]:
    """Right, found and true shifts; right needs both ends, the regions and the kind."""
    mine = measured.lesions
    true_region = {one.id: one.region for one in truth.lesions}
    found = {
        (
            lesions.identity.get(one.from_lesion, ""),
            mine[one.from_lesion].main_region,
            lesions.identity.get(one.to_lesion, ""),
            mine[one.to_lesion].main_region,
            one.kind.value,
        )
        for one in measured.followed.shifts
    }
    there = {
        (
            one.from_lesion,
            true_region[one.from_lesion],
            one.to_lesion,
            true_region[one.to_lesion],
            one.kind,
        )
        for one in truth.shifts
    }
    return len(found & there), len(found), len(there)


def _false_changes(
    measured: Measured, truth: PatientTruth, lesions: LesionAgreement
) -> tuple[int, int]:
    """Tracks whose truth did not change over their last step, and those called changed."""
    volumes = {one.id: one.volume_mm3 for one in truth.lesions}
    unchanged = changed = 0
    for track in measured.followed.tracks:
        names = [lesions.identity.get(one) for one in track.lesions[-2:]]
        if len(names) < 2 or names[0] is None or names[1] is None or names[0] == names[1]:
            continue
        ratio = volumes[names[1]] / volumes[names[0]]
        if abs(ratio - 1.0) <= SAME_VOLUME:
            unchanged += 1
            changed += track.change is not Change.WITHIN_NOISE
    return unchanged, changed


def _summed(patients: list[PatientFollowed]) -> FollowUpScores:
    errors = [e for one in patients for e in one.registration_errors_mm]
    verified = [v for one in patients for v in one.verified]
    pairs = list(zip(errors, verified, strict=True))
    moved = [one for one in patients if one.shifts_there]
    still = [one for one in patients if not one.shifts_there]
    right = sum(one.edges_right for one in patients)
    edges = sum(one.edges_found + one.edges_there for one in patients)
    changes = sum(one.changes_found + one.changes_there for one in patients)
    dices = [d for one in patients for d in one.dice]
    covers = [c for one in patients for c in one.interval_covers]
    return FollowUpScores(
        registration=RegistrationScores(
            pairs=len(pairs),
            median_error_mm=float(np.median(errors)) if errors else None,
            p95_error_mm=float(np.percentile(errors, 95)) if errors else None,
            verified_right=_share(sum(v and e <= WRONG_MM for e, v in pairs), len(pairs)),
            verified_wrong=sum(v and e > WRONG_MM for e, v in pairs),
        ),
        edge_f1=_share(2 * right, edges),
        change_f1=_share(2 * sum(one.changes_right for one in patients), changes),
        migration=MigrationScores(
            sensitivity=_share(sum(one.story_found for one in moved), len(moved)),
            specificity=_share(sum(one.shifts_found == 0 for one in still), len(still)),
        ),
        false_change=_share(
            sum(one.false_changes for one in patients),
            sum(one.unchanged_pairs for one in patients),
        ),
        mean_dice=float(np.mean(dices)) if dices else None,
        lesions_found=_share(
            sum(one.lesions_found for one in patients), sum(one.lesions_there for one in patients)
        ),
        false_lesions_per_patient=sum(one.false_lesions for one in patients) / len(patients),
        interval_coverage=float(np.mean(covers)) if covers else None,
        patients=tuple(patients),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
