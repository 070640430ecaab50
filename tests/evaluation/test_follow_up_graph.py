"""Edges and shifts against the truth, on graphs made by hand."""

from __future__ import annotations

import pytest

from marrowtrail.evaluation.follow_up_graph import (
    EdgeCounts,
    ShiftCounts,
    consecutive,
    score_edges,
    score_shifts,
)
from marrowtrail.evaluation.truth_matching import LesionAgreement
from marrowtrail.follow_up.track import FollowUp, Match, Shift, ShiftKind
from marrowtrail.imaging.series import Study
from marrowtrail.lesions.lesion import Lesion
from marrowtrail.phantom import PatientTruth
from marrowtrail.phantom.truth import Edge, LesionTruth, ShiftTruth, VisitTruth
from marrowtrail.record.sites import Side
from marrowtrail.result.inputs import Measured
from tests.follow_up.made_visits import FEMUR, TIBIA, dates, lesion, reading

Pair = tuple[str, str]


def edges(truth: list[Pair], found: list[Pair], missed: tuple[str, ...] = ()) -> EdgeCounts:
    """Counts where every lesion but the missed ones was found, under its own name."""
    told = PatientTruth.model_construct(edges=tuple(Edge(earlier=a, later=b) for a, b in truth))
    matches = tuple(Match(a, b, 0.9, verified=True) for a, b in found)
    names = {one for pair in truth for one in pair} - {*missed}
    measured = Measured(Study((), (), ()), (), (), (), FollowUp((), matches, (), ()))
    return score_edges(measured, told, LesionAgreement((), 0, 0, 0, (), {n: n for n in names}))


def f1(counts: EdgeCounts) -> float:
    return 2 * counts.right / (counts.found + counts.there)


SPLIT = [("v1-a", "v2-b"), ("v1-a", "v2-c")]
MERGER = [("v1-a", "v2-a"), ("v1-b", "v2-b"), ("v2-a", "v3-c"), ("v2-b", "v3-c")]
CHAIN = [("v1-a", "v2-a"), ("v2-a", "v3-a")]


@pytest.mark.parametrize("true", [SPLIT, MERGER, CHAIN])
def test_perfect_tracking_scores_one(true: list[Pair]) -> None:
    assert f1(edges(true, true)) == 1.0


def test_edges_over_all_pairs_of_visits_count_as_consecutive_ones() -> None:
    assert f1(edges(CHAIN, [*CHAIN, ("v1-a", "v3-a")])) == 1.0
    assert f1(edges(MERGER, [*MERGER, ("v1-a", "v3-c"), ("v1-b", "v3-c")])) == 1.0


def test_a_lost_edge_a_wrong_edge_and_a_missed_lesion_cost() -> None:
    assert edges(MERGER, MERGER[:3]) == EdgeCounts(right=3, found=3, there=4, in_reach=4)
    wrong = edges(MERGER, [*MERGER, ("v1-a", "v2-b")])
    assert (wrong.right, wrong.found) == (4, 5)
    missed = edges(CHAIN, [], missed=("v2-a",))
    assert missed == EdgeCounts(right=0, found=0, there=2, in_reach=0)
    no_lesion = edges(CHAIN, [*CHAIN, ("v2-femur-9", "v3-femur-9")])
    assert (no_lesion.right, no_lesion.found) == (2, 3)


def test_an_edge_over_a_visit_is_kept_where_nothing_else_joins_its_ends() -> None:
    assert consecutive([("v1-a", "v3-a"), ("v2-a", "v3-a")]) == {
        ("v1-a", "v3-a"),
        ("v2-a", "v3-a"),
    }
    assert consecutive([("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")]) == {
        ("a", "b"),
        ("b", "c"),
        ("c", "d"),
    }
    assert consecutive([]) == frozenset()


CONDYLE = lesion("v1", FEMUR, "medial_condyle")
PLATEAU = lesion("v2", TIBIA, "lateral_plateau")
ANKLE = lesion("v3", TIBIA, "distal_epiphysis")
NAMES = {CONDYLE.id: "v1-condyle", PLATEAU.id: "v2-plateau", ANKLE.id: "v3-ankle"}


def shift(source: Lesion, arrived: Lesion, kind: ShiftKind = ShiftKind.WITHIN_JOINT) -> Shift:
    return Shift(source.id, arrived.id, kind, 60, verified=True, explanation="test")


def true_lesion(one: Lesion) -> LesionTruth:
    return LesionTruth(
        id=NAMES[one.id],
        visit=one.visit_id,
        track=NAMES[one.id][3:],
        joint="knee",
        bone=one.bone.bone,
        side=Side.RIGHT,
        region=one.main_region,
        region_shares=(),
        volume_mm3=2000.0,
    )


TRUE = PatientTruth.model_construct(
    lesions=tuple(map(true_lesion, (CONDYLE, PLATEAU, ANKLE))),
    visits=tuple(
        VisitTruth(id=visit, date=day, joints=("knee",))
        for visit, day in dates("v1", "v2", "v3").items()
    ),
    shifts=(
        ShiftTruth.model_validate(
            {"from": "v1-condyle", "to": "v2-plateau", "kind": "within_joint", "days": 60}
        ),
    ),
)


def shifts(*found: Shift) -> ShiftCounts:
    readings = tuple(reading(one.visit_id, one.bone, one) for one in (CONDYLE, PLATEAU, ANKLE))
    measured = Measured(Study((), (), ()), (), readings, (), FollowUp((), (), (), found))
    return score_shifts(measured, TRUE, LesionAgreement((), 0, 0, 0, (), NAMES))


def test_shifts_are_scored_one_by_one() -> None:
    right = shift(CONDYLE, PLATEAU)
    assert shifts(right) == ShiftCounts(right=1, found=1, there=1, still=1, still_called=0)
    assert shifts() == ShiftCounts(right=0, found=0, there=1, still=1, still_called=0)
    false = shift(PLATEAU, ANKLE, ShiftKind.BETWEEN_JOINTS)
    assert shifts(right, false) == ShiftCounts(right=1, found=2, there=1, still=1, still_called=1)


def test_another_kind_or_another_source_is_not_right() -> None:
    assert shifts(shift(CONDYLE, PLATEAU, ShiftKind.WITHIN_BONE)).right == 0
    assert shifts(shift(ANKLE, PLATEAU)).right == 0
