"""Figures of signs from cases whose answer is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from marrowtrail.errors import InputError
from marrowtrail.evaluation.signs import score_folder
from marrowtrail.evaluation.signs_exams import first_visit
from marrowtrail.evaluation.signs_figures import SignCase, kind_scores, sum_up
from marrowtrail.lesions.lesion import SignKind, SignState
from marrowtrail.phantom.scenario import load_scenario
from marrowtrail.record.sites import Side


def case(
    state: SignState,
    *,
    there: bool,
    certainty: float = 0.0,
    asked: bool = True,
    difficulty: float = 0.05,
    kind: SignKind = SignKind.SUBCHONDRAL_LINE,
) -> SignCase:
    return SignCase(
        key="k",
        kind=kind,
        difficulty=difficulty,
        oedema_found=True,
        state=state,
        certainty=certainty,
        is_there=there,
        is_asked_for=there and asked,
        pixel_mm=0.5,
        true_length_mm=12.0 if there else None,
        true_thickness_mm=1.0 if there else None,
        length_mm=10.0 if state is SignState.PRESENT else None,
        thickness_mm=1.25 if state is SignState.PRESENT else None,
    )


HIT = case(SignState.PRESENT, there=True, certainty=0.9)
DOUBTED = case(SignState.EQUIVOCAL, there=True, certainty=0.4)
MISSED = case(SignState.ABSENT, there=True, certainty=0.1)
UNSEEN = case(SignState.NOT_ASSESSABLE, there=True)
THIN = case(SignState.ABSENT, there=True, asked=False)
RIGHT = case(SignState.ABSENT, there=False, certainty=0.05, difficulty=0.95)
FALSE = case(SignState.PRESENT, there=False, certainty=0.95)
LEFT_OPEN = case(SignState.NOT_ASSESSABLE, there=False)


def test_only_present_counts_as_found() -> None:
    scores = kind_scores([HIT, DOUBTED, MISSED, UNSEEN, THIN])
    assert (scores.found, scores.asked_for, scores.there) == (1, 4, 5)
    assert scores.sensitivity == 0.25
    assert scores.sensitivity_all == 0.2
    assert scores.sensitivity_low == pytest.approx(0.046, abs=0.001)
    assert (scores.equivocal_there, scores.not_assessable_there) == (1, 1)
    assert scores.specificity is None


def test_what_was_left_open_is_neither_right_nor_false() -> None:
    scores = kind_scores([RIGHT, RIGHT, RIGHT, FALSE, LEFT_OPEN])
    assert (scores.false, scores.not_there, scores.specificity) == (1, 4, 0.75)
    assert scores.not_assessable_not_there == 1
    assert scores.sensitivity is None


def test_errors_are_those_of_what_was_found() -> None:
    scores = kind_scores([HIT, MISSED, FALSE])
    assert scores.length_error_mm == 2.0
    assert scores.thickness_error_mm == 0.25
    assert scores.thickness_error_px == 0.5


def test_the_limit_can_be_moved_to_a_specificity() -> None:
    assert kind_scores([HIT, DOUBTED, RIGHT]).sensitivity_at_098 == 1.0
    assert kind_scores([HIT, DOUBTED, RIGHT, FALSE]).sensitivity_at_098 == 0.0
    # One in fifty may be let through.
    assert kind_scores([HIT, DOUBTED, *[RIGHT] * 49, FALSE]).sensitivity_at_098 == 1.0


def test_each_tenth_and_each_kind_by_itself() -> None:
    other = case(SignState.PRESENT, there=True, certainty=0.9, kind=SignKind.DEMARCATION)
    scores = sum_up([HIT, RIGHT, other], 3, [1.0, 3.0])
    tenths = {one.decile: (one.found, one.there, one.not_there) for one in scores.line.deciles}
    assert tenths == {1: (1, 1, 0), 10: (0, 0, 1)}
    assert scores.demarcation.found == 1
    assert scores.low_signal_area.asked_for == 0
    assert scores.seconds_per_visit == 2.0


def test_a_folder_without_patients_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"truth/truth\.json"):
        score_folder(tmp_path)


class TestFirstVisit:
    def test_it_keeps_what_is_there_then(self) -> None:
        cut = first_visit(load_scenario("avn"), "knee", Side.LEFT)
        assert len(cut.visits) == 1
        assert cut.sides == (Side.LEFT,)
        assert [one.visits for one in cut.demarcations] == [(1,)]
        assert all(len(one.course) == 1 for one in cut.lesions)

    def test_it_drops_what_comes_later(self) -> None:
        cut = first_visit(load_scenario("avn-collapse"), "knee", Side.RIGHT)
        assert cut.sheets == cut.collapses == cut.shifts == ()
        assert len(cut.demarcations) == 1

    def test_it_keeps_one_joint(self) -> None:
        cut = first_visit(load_scenario("seed"), "knee", Side.RIGHT)
        assert {one.joint for one in cut.lesions} == {"knee"}
        assert cut.visits[0].exams == ("knee",)
