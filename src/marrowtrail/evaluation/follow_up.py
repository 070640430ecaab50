"""Follow-up against the truth of synthetic patients.

Scores any folder of patients as ``marrowtrail phantom`` writes them, or draws its own. What
is measured never sees ``truth/``: the images are read from ``dicom/`` alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from marrowtrail.evaluation.change_scores import score_changes
from marrowtrail.evaluation.follow_up_figures import (
    FollowUpScores,
    PatientFollowed,
    sum_patients,
)
from marrowtrail.evaluation.follow_up_graph import score_edges, score_shifts
from marrowtrail.evaluation.follow_up_registration import score_registrations
from marrowtrail.evaluation.truth_matching import agree, patients_in
from marrowtrail.imaging.study import read_study
from marrowtrail.phantom import Draw, load_truth, write_patient
from marrowtrail.pipeline import measure

Say = Callable[[str], None]


def score_folder(folder: Path, say: Say = lambda _: None) -> FollowUpScores:
    """Score every patient below a folder.

    Raises
    ------
    InputError
        If none has a ``truth/truth.json``.
    """
    return sum_patients([score_patient(patient, say) for patient in patients_in(folder)])


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
    return sum_patients(scored)


def score_patient(patient: Path, say: Say = lambda _: None) -> PatientFollowed:
    """Measure one patient from ``dicom/`` alone and compare with the truth."""
    truth = load_truth(patient)
    say(f"measuring {truth.scenario} {truth.seed}")
    measured = measure(read_study(patient / "dicom"), lambda _: None)
    lesions = agree(measured, truth, patient)
    edges = score_edges(measured, truth, lesions)
    shifts = score_shifts(measured, truth, lesions)
    return PatientFollowed(
        scenario=truth.scenario,
        seed=truth.seed,
        registrations=score_registrations(measured, truth),
        dice=lesions.dice,
        lesions_found=lesions.found,
        lesions_there=lesions.there,
        false_lesions=lesions.false,
        interval_covers=lesions.covered,
        edges_right=edges.right,
        edges_found=edges.found,
        edges_there=edges.there,
        edges_in_reach=edges.in_reach,
        shifts_right=shifts.right,
        shifts_found=shifts.found,
        shifts_there=shifts.there,
        still_visits=shifts.still,
        still_visits_with_shift=shifts.still_called,
        changes=score_changes(measured, truth, lesions),
    )
