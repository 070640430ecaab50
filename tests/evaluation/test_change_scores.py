"""Change classes against the truth: right, wrong, not claimed, and of nothing that is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marrowtrail.evaluation.change_scores import KINDS, score_changes
from marrowtrail.evaluation.truth_matching import LesionAgreement
from marrowtrail.follow_up.track import Change, FollowUp, Track
from marrowtrail.imaging.series import Study
from marrowtrail.lesions.lesion import VolumeEstimate
from marrowtrail.phantom import PatientTruth
from marrowtrail.phantom.truth import ChangeKind, ChangeTruth, LesionTruth
from marrowtrail.record.sites import Side
from marrowtrail.result.inputs import Measured
from tests.follow_up.made_visits import FEMUR, lesion, reading

FIRST, SECOND = (lesion(visit, FEMUR, "medial_condyle") for visit in ("v1", "v2"))


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


def change(kind: ChangeKind, earlier: tuple[str, ...], later: tuple[str, ...]) -> ChangeTruth:
    return ChangeTruth(from_visit="v1", to_visit="v2", earlier=earlier, later=later, kind=kind)


def scored(
    found: Change, true: PatientTruth, identity: dict[str, str], mm3: float = 2000.0
) -> tuple[int, int, int]:
    volume = VolumeEstimate(mm3, mm3, mm3)
    seen = [replace(one, volume=volume) for one in (FIRST, SECOND)]
    readings = tuple(reading(one.visit_id, FEMUR, one) for one in seen)
    track = Track("t1", FEMUR, (FIRST.id, SECOND.id), (), found, True, "test")
    measured = Measured(Study((), (), ()), (), readings, (), FollowUp((), (), (track,), ()))
    return score_changes(measured, true, LesionAgreement((), 0, 0, 0, (), identity))


SAME = {FIRST.id: "v1-a", SECOND.id: "v2-a"}
GROWN = truth(change("grown", ("v1-a",), ("v2-a",)))


@pytest.mark.parametrize(
    ("found", "score"),
    [
        (Change.GROWING, (1, 1, 1)),
        (Change.WITHIN_NOISE, (0, 1, 1)),
        (Change.UNCLEAR, (0, 0, 1)),
        (Change.SINGLE, (0, 0, 1)),
    ],
)
def test_one_lesion_that_grew(found: Change, score: tuple[int, int, int]) -> None:
    assert scored(found, GROWN, SAME) == score


@pytest.mark.parametrize(("mm3", "found"), [(2000.0, 1), (200.0, 0)])
def test_a_track_that_is_no_lesion_is_wrong_unless_it_is_small(mm3: float, found: int) -> None:
    assert scored(Change.NEW, truth(), {}, mm3) == (0, found, 0)


def test_small_lesions_and_those_that_cannot_be_compared_do_not_count() -> None:
    small = truth(change("grown", ("v1-a",), ("v2-a",)), mm3=200.0)
    assert scored(Change.GROWING, small, SAME) == (0, 0, 0)
    assert scored(Change.NEW, truth(), SAME) == (0, 0, 0)


def test_the_last_change_of_a_family_counts() -> None:
    later = ChangeTruth(
        from_visit="v2", to_visit="v3", earlier=("v2-a",), later=(), kind="resolved"
    )
    both = truth(change("grown", ("v1-a",), ("v2-a",)), later)
    assert scored(Change.RESOLVED, both, SAME) == (1, 1, 1)
    assert scored(Change.GROWING, both, SAME) == (0, 1, 1)


def test_every_change_that_claims_something_has_a_word() -> None:
    assert set(Change) - set(KINDS) == {Change.UNCLEAR, Change.SINGLE}
