"""Starts on a drawn patient, once with the true motions and once with false ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marrowtrail.errors import InputError
from marrowtrail.evaluation.registration_starts import StartScores, score_starts
from marrowtrail.phantom.family import PLAIN_DRAW
from marrowtrail.phantom.patient import write_patient
from marrowtrail.phantom.scenario import parse_scenario
from tests.phantom.conftest import SMALL_SCENARIO


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("starts")
    small = parse_scenario(SMALL_SCENARIO, where="the test's scenario")
    write_patient(small, folder / "small", seed=7)
    return folder


def one_start(folder: Path) -> StartScores:
    return score_starts(1, 1, PLAIN_DRAW, data=folder)


def test_bones_are_put_where_they_are_and_a_wrong_truth_is_noticed(patients: Path) -> None:
    scores = one_start(patients)
    assert (scores.starts, scores.patients, scores.visit_pairs) == (1, 1, 1)
    assert {one.bone for one in scores.cases} == {"femur", "tibia", "patella", "fibula"}
    assert scores.thick == scores.registration
    assert scores.thin.pairs == 0
    assert scores.registration.median_error_mm is not None
    assert scores.registration.median_error_mm < 0.8
    assert scores.registration.verified_wrong == 0
    assert scores.registration.verified_right

    path = patients / "small" / "truth" / "truth.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    for motion in told["motions"]:
        motion["matrix_lps"][0][3] += 5.0
    path.write_text(json.dumps(told), encoding="utf-8")
    false = one_start(patients)
    assert false.registration.median_error_mm == pytest.approx(5.0, abs=1.0)
    assert false.registration.verified_wrong > 0
    assert false.registration.verified_right == 0.0


def test_a_folder_without_patients_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"truth\.json"):
        one_start(tmp_path)
