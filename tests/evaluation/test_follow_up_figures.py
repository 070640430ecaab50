"""What patients' counts sum to, and how it is told."""

from __future__ import annotations

import pytest

from marrowtrail.cli.follow_up_scores import show_follow_up_scores
from marrowtrail.evaluation.change_scores import ChangeCase
from marrowtrail.evaluation.follow_up_figures import PatientFollowed, sum_patients


def patient(**counts: object) -> PatientFollowed:
    nothing = {
        "scenario": "made",
        "seed": 1,
        "registrations": (),
        "dice": (),
        "lesions_found": 0,
        "lesions_there": 0,
        "false_lesions": 0,
        "interval_covers": (),
        "edges_right": 0,
        "edges_found": 0,
        "edges_there": 0,
        "edges_in_reach": 0,
        "shifts_right": 0,
        "shifts_found": 0,
        "shifts_there": 0,
        "still_visits": 0,
        "still_visits_with_shift": 0,
        "changes": (),
    }
    return PatientFollowed.model_validate({**nothing, **counts})


MOVED = patient(
    edges_right=3,
    edges_found=4,
    edges_there=5,
    edges_in_reach=3,
    shifts_right=1,
    shifts_found=2,
    shifts_there=2,
    still_visits=1,
    changes=(
        ChangeCase(to_visit="v2", true="stable", called="grown"),
        ChangeCase(to_visit="v3", true="stable", called="stable"),
    ),
)
STILL = patient(still_visits=3, still_visits_with_shift=1)


def test_counts_of_all_patients_make_the_figures() -> None:
    scores = sum_patients([MOVED, STILL])
    assert scores.edge_f1 == pytest.approx(6 / 9)
    assert scores.edge_recall_in_reach is not None
    assert scores.edge_recall_in_reach.share == 1.0
    assert (scores.migration.sensitivity, scores.migration.specificity) == (0.5, 0.75)
    assert (scores.migration.found, scores.migration.right) == (2, 1)
    assert (scores.migration.stories_found, scores.migration.stories_there) == (0, 1)
    assert scores.false_change == 0.5
    assert scores.change_f1 == pytest.approx((0.0 + 2 / 3) / 2)
    share = scores.migration.sensitivity_share
    assert share is not None
    assert 0.0 < share.low < 0.5 < share.high < 1.0


def test_what_no_patient_tells_is_empty_and_not_nought() -> None:
    scores = sum_patients([patient()])
    assert scores.edge_f1 is scores.change_f1 is scores.false_change is None
    assert scores.migration.sensitivity is scores.migration.specificity is None
    assert scores.registration.median_error_mm is None


def test_the_terminal_tells_shares_with_interval_and_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_follow_up_scores(sum_patients([MOVED, STILL]))
    told = capsys.readouterr().out
    assert "0.750 (0.301 to 0.954), 3 of 4" in told
    assert "not assessed" in told
    assert "whole story found" in told
