"""The first sentence: what went where, from where, after how long, and since when."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from marrowtrail.diagnosis.differential import Differential
from marrowtrail.follow_up.track import Before, Change, FollowUp, Shift, ShiftKind, Step, Track
from marrowtrail.imaging.series import Study, Visit
from marrowtrail.lesions.lesion import Lesion
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.result.headline import headline
from marrowtrail.result.inputs import Measured
from tests.follow_up.made_visits import FEMUR, TIBIA, dates, lesion, reading

DAYS = dates("v1", "v2", "v3", "v4")
HIP = BoneId("femur", Side.LEFT)
REST = "regional migratory osteoporosis leads"


@dataclass(frozen=True, slots=True)
class Concluded:
    """What the headline takes of a differential."""

    conclusion: str


def said(lesions: list[Lesion], tracks: list[Track], *shifts: Shift) -> str:
    order = sorted({one.visit_id for one in lesions})
    measured = Measured(
        Study(tuple(Visit(one, DAYS[one], (), ()) for one in order), (), ()),
        (),
        tuple(reading(one.visit_id, one.bone, one) for one in lesions),
        (),
        FollowUp((), (), tuple(tracks), shifts),
    )
    concluded: Differential = Concluded(REST)  # type: ignore[assignment]
    return headline(measured, concluded).removesuffix(f" {REST}.")


def track(*lesions: Lesion, clear: tuple[str, ...] = (), change: Change = Change.SINGLE) -> Track:
    return Track(
        lesions[0].id, lesions[0].bone, tuple(one.id for one in lesions), clear, change, True, "why"
    )


def shift(source: Lesion, target: Lesion, before: Before = Before.CLEAR) -> Shift:
    days = (DAYS[target.visit_id] - DAYS[source.visit_id]).days
    kind = ShiftKind.WITHIN_JOINT
    return Shift(source.id, target.id, kind, days, True, "why", before)


CONDYLE = lesion("v1", FEMUR, "medial_condyle", number=1)
PLATEAU = lesion("v2", TIBIA, "lateral_plateau", number=2)
OTHER = lesion("v2", FEMUR, "lateral_condyle", number=3)
ANKLE = lesion("v3", TIBIA, "distal_epiphysis", number=4)
LEFT = lesion("v1", HIP, "head", number=5)
ALONE = [track(one) for one in (CONDYLE, PLATEAU, OTHER, ANKLE, LEFT)]
ALL = [CONDYLE, PLATEAU, OTHER, ANKLE, LEFT]
FROM = (
    "Marrow oedema moved from the right medial femoral condyle to the right lateral tibial plateau"
)


class TestMoves:
    def test_what_goes_on_from_where_it_came_is_a_chain(self) -> None:
        moves = shift(CONDYLE, PLATEAU), shift(PLATEAU, ANKLE)
        assert said(ALL, ALONE, *moves) == (
            f"{FROM} (60 days later) and then to the right distal tibial epiphysis (60 days later)."
        )

    def test_two_arrivals_at_once_are_none(self) -> None:
        moves = shift(CONDYLE, PLATEAU), shift(CONDYLE, OTHER)
        assert said(ALL, ALONE, *moves) == (
            f"{FROM} (60 days later) and to the right lateral femoral condyle (60 days later)."
        )

    def test_a_move_from_elsewhere_stands_for_itself(self) -> None:
        moves = shift(CONDYLE, PLATEAU), shift(LEFT, OTHER)
        assert said(ALL, ALONE, *moves) == (
            f"{FROM} (60 days later); from the left femoral head to the right lateral femoral "
            "condyle (60 days later)."
        )

    def test_a_return_is_told_though_the_place_was_named(self) -> None:
        again = replace(lesion("v3", FEMUR, "medial_condyle", number=6))
        tracks = [track(CONDYLE, again, clear=("v2",)), track(PLATEAU)]
        moves = shift(CONDYLE, PLATEAU), shift(PLATEAU, again)
        assert said([CONDYLE, PLATEAU, again], tracks, *moves) == (
            f"{FROM} (60 days later) and then to the right medial femoral condyle (60 days later)."
        )

    def test_days_of_a_chain_count_from_the_arrival_before(self) -> None:
        stayed = lesion("v3", TIBIA, "lateral_plateau", number=7)
        late = lesion("v4", TIBIA, "distal_epiphysis", number=8)
        tracks = [track(CONDYLE), track(PLATEAU, stayed), track(late)]
        moves = shift(CONDYLE, PLATEAU), shift(stayed, late)
        told = said([CONDYLE, PLATEAU, stayed, late], tracks, *moves)
        assert told.endswith("and then to the right distal tibial epiphysis (120 days later).")

    @pytest.mark.parametrize(
        ("before", "clear", "note"),
        [
            (Before.NOT_IMAGED, (), ", not imaged before"),
            (Before.NOT_IMAGED, ("v1",), ""),
            (Before.CLEAR, (), ""),
        ],
    )
    def test_a_place_never_imaged_before_is_not_taken_for_clear(
        self, before: Before, clear: tuple[str, ...], note: str
    ) -> None:
        tracks = [track(CONDYLE), track(PLATEAU), track(ANKLE, clear=clear)]
        moves = shift(CONDYLE, PLATEAU), shift(PLATEAU, ANKLE, before)
        told = said([CONDYLE, PLATEAU, ANKLE], tracks, *moves)
        assert told.endswith(f"to the right distal tibial epiphysis (60 days later{note}).")

    def test_one_that_is_not_verified_says_so(self) -> None:
        doubtful = replace(shift(CONDYLE, PLATEAU), verified=False)
        told = said(ALL, ALONE, doubtful)
        assert told.startswith("Marrow oedema seems to have moved from the right medial")
        assert told.endswith("(60 days later); the alignment behind this is not verified.")


class TestSinceFirst:
    @pytest.mark.parametrize(
        ("change", "since", "end", "words"),
        [
            (Change.WITHIN_NOISE, Change.GROWING, "v3", "; since v1 it grew (8 times)"),
            (Change.GROWING, Change.GROWING, "v3", ""),
            (Change.WITHIN_NOISE, Change.UNCLEAR, "v3", ""),
            (Change.RESOLVED, Change.GROWING, "v4", ""),
        ],
    )
    def test_is_told_where_it_says_more_than_the_last_interval(
        self, change: Change, since: Change, end: str, words: str
    ) -> None:
        seen = [lesion(visit, FEMUR, "medial_condyle") for visit in ("v1", "v2", "v3")]
        last = Step("v2" if end == "v3" else "v3", end, (), (), change, True, "why")
        whole = Step("v1", "v3", (), (), since, True, "8 times")
        followed = replace(track(*seen, change=change), steps=(last,), since_first=whole)
        assert said(seen, [followed]).endswith(f"(why){words}.")
