"""Fit the weights of the oedema score to synthetic patients of the building family.

    marrowtrail phantom PATIENTS --scenario seed --seed 101 --count 5        # and other scenarios
    python scripts/fit_oedema_evidence.py PATIENTS

Every bright area that the program finds in the patients below a folder is oedema if at least
:data:`TRUE_SHARE` of it lies in a true lesion. Prints the constants of
``marrowtrail.lesions.evidence``, with T1 and without, and how far the two kinds part.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.mapping import map_visit
from marrowtrail.evaluation.truth_matching import true_masks
from marrowtrail.imaging.series import Visit
from marrowtrail.imaging.study import read_study
from marrowtrail.lesions.candidates import (
    BoneOnSeries,
    Candidate,
    find_candidates,
    look_around,
    normal_marrow,
)
from marrowtrail.lesions.evidence import Evidence
from marrowtrail.phantom import load_truth

TRUE_SHARE = 0.3
"""An area with less of it in a lesion is something else that touches one."""

RIDGE = 0.3
"""Holds back weights that a hundred areas would drive up without end: the kinds part cleanly."""

ROUNDS = 50


def main() -> None:
    """Read the patients, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patients", type=Path)
    folder = parser.parse_args().patients
    patients = sorted(path.parents[1] for path in folder.rglob("truth/truth.json"))
    labelled = [pair for patient in patients for pair in areas_of(patient)]
    for name in ("WEIGHTS_T1", "WEIGHTS"):
        chosen = [pair for pair in labelled if name == "WEIGHTS" or pair[0].t1 is not None]
        evidence = [one if name == "WEIGHTS_T1" else replace(one, t1=None) for one, _ in chosen]
        weights, scores = fit(evidence, [is_true for _, is_true in chosen])
        is_true = np.array([label for _, label in chosen])
        print(f"{name} = {tuple(round(float(one), 2) for one in weights)}")
        print(
            f"  {is_true.sum()} oedema, least {scores[is_true].min():.2f}; "
            f"{(~is_true).sum()} other, most {scores[~is_true].max():.2f}"
        )


def areas_of(patient: Path) -> Iterator[tuple[Evidence, bool]]:
    """Bright areas of a patient, and whether they are oedema."""
    truth = load_truth(patient)
    masks = {one.series_uid: true_masks(one, patient) for one in truth.series}
    for visit in read_study(patient / "dicom").visits:
        for uid, candidate in _candidates(visit):
            area = np.asarray(candidate.lesion.mask.data)
            shares = [(area & true).sum() / area.sum() for true in masks.get(uid, {}).values()]
            yield candidate.evidence, max(shares, default=0.0) >= TRUE_SHARE


def _candidates(visit: Visit) -> Iterator[tuple[str, Candidate]]:
    """Series UID and area, for every bone on every fluid-sensitive series."""
    series = {one.id: one for one in visit.series}
    maps = map_visit(visit.series, visit.bones)
    for bone_map in maps:
        chosen = series[bone_map.series_id]
        if not chosen.contrast.is_fluid_sensitive:
            continue
        look = look_around(chosen, bone_map, visit.series)
        for bone in bone_map.bones:
            seen = [(series[one.series_id], one.get(bone.id)) for one in maps]
            shown = tuple((one, there) for one, there in seen if there is not None)
            place = BoneOnSeries(chosen, bone, shown)
            model, fat = normal_marrow(place, look)
            if model is not None:
                for candidate in find_candidates(visit.id, place, look, model, fat):
                    yield chosen.source_uid, candidate


def fit(
    evidence: Sequence[Evidence], labels: Sequence[bool]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of a ridge logistic regression (the constant is free), and the scores they give."""
    parts = np.array([one.parts for one in evidence])
    is_true = np.array(labels, dtype=np.float64)
    ridge = RIDGE * np.eye(parts.shape[1])
    ridge[0, 0] = 0.0
    weights = np.zeros(parts.shape[1])
    for _ in range(ROUNDS):
        score = 1.0 / (1.0 + np.exp(-parts @ weights))
        slope = parts.T @ (is_true - score) - ridge @ weights
        weights = weights + np.linalg.solve(
            parts.T @ (parts * (score * (1.0 - score) + 1e-9)[:, None]) + ridge, slope
        )
    return weights, 1.0 / (1.0 + np.exp(-parts @ weights))


if __name__ == "__main__":
    main()
