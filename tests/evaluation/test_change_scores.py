"""Change classes against the truth: right, wrong, not claimed, and of nothing that is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marrowtrail.evaluation.change_scores import (
    KINDS,
    ChangeCase,
    f1_by_kind,
    false_changes,
    macro_f1,
    score_changes,
)
from marrowtrail.evaluation.truth_matching import LesionAgreement
from marrowtrail.follow_up.track import Change, FollowUp, Step, Track
from marrowtrail.imaging.series import Study
from marrowtrail.lesions.lesion import VolumeEstimate
from marrowtrail.phantom import PatientTruth
from marrowtrail.phantom.truth import ChangeKind, ChangeTruth, LesionTruth
from marrowtrail.record.sites import Side
from marrowtrail.result.inputs import Measured
from tests.follow_up.made_visits import FEMUR, lesion, reading

FIRST, SECOND, THIRD = (lesion(visit, FEMUR, "medial_condyle") for visit in ("v1", "v2", "v3"))
PART = lesion("v2", FEMUR, "medial_condyle", number=2)
SAME = {FIRST.id: "v1-a", SECOND.id: "v2-a", THIRD.id: "v3-a", PART.id: "v2-b"}

Case = tuple[ChangeKind | None, ChangeKind | None]


def truth(*changes: ChangeTruth, mm3: float = 2000.0) -> PatientTruth:
    names = {one for change in changes for one in (*change.earlier, *change.later)}
    lesions = tuple(
        LesionTruth(
            id=name,
            visit=name[:2],
            track="condyle",
            joint="knee",
            bone="femur",
            side=Side.RIGHT,
            region="medial_condyle",
            region_shares=(),
            volume_mm3=mm3,
        )
        for name in sorted(names)
    )
    return PatientTruth.model_construct(lesions=lesions, changes=changes)


def change(
    kind: ChangeKind, earlier: tuple[str, ...], later: tuple[str, ...], to_visit: str = "v2"
) -> ChangeTruth:
    return ChangeTruth(from_visit="v1", to_visit=to_visit, earlier=earlier, later=later, kind=kind)


def step(
    found: Change, earlier: tuple[str, ...], later: tuple[str, ...], to_visit: str = "v2"
) -> Step:
    return Step("v1", to_visit, earlier, later, found, verified=True, explanation="test")


def scored(
    steps: tuple[Step, ...], true: PatientTruth, identity: dict[str, str], mm3: float = 2000.0
) -> list[Case]:
    volume = VolumeEstimate(mm3, mm3, mm3)
    seen = [replace(one, volume=volume) for one in (FIRST, SECOND, THIRD, PART)]
    readings = tuple(reading(one.visit_id, FEMUR, one) for one in seen)
    ids = tuple(one.id for one in seen)
    track = Track("t1", FEMUR, ids, (), Change.UNCLEAR, True, "test", steps)
    measured = Measured(Study((), (), ()), (), readings, (), FollowUp((), (), (track,), ()))
    cases = score_changes(measured, true, LesionAgreement((), 0, 0, 0, (), identity))
    return [(one.true, one.called) for one in cases]


GROWN = truth(change("grown", ("v1-a",), ("v2-a",)))


@pytest.mark.parametrize(
    ("found", "called"),
    [
        (Change.GROWING, "grown"),
        (Change.WITHIN_NOISE, "stable"),
        (Change.UNCLEAR, None),
        (Change.SINGLE, None),
    ],
)
def test_one_lesion_that_grew(found: Change, called: ChangeKind | None) -> None:
    steps = (step(found, (FIRST.id,), (SECOND.id,)),)
    assert scored(steps, GROWN, SAME) == [("grown", called)]


def test_a_change_that_no_step_speaks_of_is_missed() -> None:
    assert scored((), GROWN, SAME) == [("grown", None)]
    other_visit = (step(Change.GROWING, (FIRST.id,), (THIRD.id,), "v3"),)
    assert scored(other_visit, GROWN, SAME) == [("grown", None), (None, "grown")]


@pytest.mark.parametrize("mm3", [2000.0, 200.0])
def test_a_claim_of_nothing_is_false_unless_it_is_small(mm3: float) -> None:
    """Also where the lesion is true but the truth has nothing to compare it with."""
    expected = [(None, "new")] if mm3 > 300 else []
    arrived = (step(Change.NEW, (), (SECOND.id,)),)
    assert scored(arrived, truth(), {}, mm3) == expected
    assert scored(arrived, truth(), SAME, mm3) == expected
    assert scored((step(Change.UNCLEAR, (), (SECOND.id,)),), truth(), SAME, mm3) == []


def test_small_true_lesions_do_not_count() -> None:
    small = truth(change("grown", ("v1-a",), ("v2-a",)), mm3=200.0)
    steps = (step(Change.GROWING, (FIRST.id,), (SECOND.id,)),)
    assert scored(steps, small, SAME) == []


def test_every_interval_counts_and_not_the_last_alone() -> None:
    later = change("resolved", ("v2-a",), (), "v3")
    both = truth(change("grown", ("v1-a",), ("v2-a",)), later)
    first = step(Change.GROWING, (FIRST.id,), (SECOND.id,))
    gone = step(Change.RESOLVED, (SECOND.id,), (), "v3")
    assert scored((first, gone), both, SAME) == [("grown", "grown"), ("resolved", "resolved")]
    assert scored((gone,), both, SAME) == [("grown", None), ("resolved", "resolved")]


def test_a_split_told_as_growth_and_a_new_lesion_is_wrong_twice() -> None:
    split = truth(change("split", ("v1-a",), ("v2-a", "v2-b")))
    whole = step(Change.SPLIT, (FIRST.id,), (SECOND.id, PART.id))
    assert scored((whole,), split, SAME) == [("split", "split")]
    apart = (step(Change.GROWING, (FIRST.id,), (SECOND.id,)), step(Change.NEW, (), (PART.id,)))
    assert scored(apart, split, SAME) == [("split", "grown"), (None, "new")]


def test_one_step_may_tell_of_two_lesions_that_went() -> None:
    gone = truth(change("resolved", ("v2-a",), (), "v3"), change("resolved", ("v2-b",), (), "v3"))
    steps = (step(Change.RESOLVED, (SECOND.id, PART.id), (), "v3"),)
    assert scored(steps, gone, SAME) == [("resolved", "resolved")] * 2


def cases(*pairs: Case) -> list[ChangeCase]:
    return [ChangeCase(to_visit="v2", true=true, called=called) for true, called in pairs]


def test_a_rare_class_weighs_as_much_as_a_common_one() -> None:
    common = cases(*[("stable", "stable")] * 9, ("split", "stable"))
    assert f1_by_kind(common) == {"split": 0.0, "stable": pytest.approx(18 / 19)}
    assert macro_f1(common) == pytest.approx(9 / 19)
    assert macro_f1(cases(("new", "new"), ("split", "split"))) == 1.0
    assert macro_f1(cases(("new", "new"), (None, "split"))) == 0.5
    assert macro_f1([]) is None


def test_false_changes_are_judged_step_by_step() -> None:
    """A lesion that stayed and then truly went changed once, and that is true."""
    stayed_then_went = cases(("stable", "stable"), ("resolved", "resolved"))
    assert false_changes(stayed_then_went) == (0, 1)
    assert false_changes(cases(("stable", "grown"), ("stable", None))) == (1, 2)
    assert false_changes(cases(("grown", "shrunk"), (None, "new"))) == (0, 0)


def test_every_change_that_claims_something_has_a_word() -> None:
    assert set(Change) - set(KINDS) == {Change.UNCLEAR, Change.SINGLE}
