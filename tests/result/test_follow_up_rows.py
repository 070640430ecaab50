"""What follow-up tells, as rows of the document and lines of its tables."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from marrowtrail.follow_up.track import (
    Before,
    Change,
    FollowUp,
    Match,
    Shift,
    ShiftKind,
    Step,
    Track,
)
from marrowtrail.result.rows import match_rows, registration_row, shift_rows, track_rows
from marrowtrail.result.tables import tables
from tests.follow_up.made_visits import FEMUR, registration
from tests.report.made_result import migrating

STEP = Step("v1", "v2", ("a",), ("b",), Change.GROWING, True, "test", 0.0, 812.5)
TRACK = Track("t1", FEMUR, ("a", "b"), (), Change.GROWING, True, "test", (STEP,))
SHIFT = Shift(
    "a", "b", ShiftKind.CONTRALATERAL, 60, True, "test", Before.CLEAR, 900.0, 700.0, -60, 120
)
FOLLOWED = FollowUp(
    (),
    (Match("a", "b", 0.8, True, 1.0),),
    (TRACK,),
    (SHIFT,),
    (Match("a", "c", 0.07, True, 0.2),),
)


def test_an_alternative_is_told_from_an_edge() -> None:
    rows = match_rows(FOLLOWED)
    assert [(row.from_, row.to, row.confidence, row.chosen) for row in rows] == [
        ("a", "b", 1.0, True),
        ("a", "c", 0.2, False),
    ]


def test_a_shift_tells_amounts_and_days() -> None:
    (row,) = shift_rows(FOLLOWED)
    assert (row.kind, row.before) == (ShiftKind.CONTRALATERAL, Before.CLEAR)
    assert (row.resolved_mm3, row.appeared_mm3) == (900.0, 700.0)
    assert (row.overlap_days, row.overlap_at_most_days) == (-60, 120)


def test_a_registration_names_its_series() -> None:
    row = registration_row(replace(registration("v1", "v2", FEMUR), loop_mm=0.31))
    assert (row.from_series, row.to_series, row.loop_mm) == ("v1-s1", "v2-s1", 0.31)


def test_every_interval_and_match_is_a_line() -> None:
    document = migrating()[0]
    tracks = (*document.tracks, *track_rows(FOLLOWED))
    document = document.model_copy(update={"tracks": tracks, "matches": match_rows(FOLLOWED)})
    made = {
        name: list(csv.DictReader(io.StringIO(text))) for name, text in tables(document).items()
    }
    (interval,) = made["intervals.csv"]
    assert interval["change"] == "growing"
    assert interval["days"] == str(document.visits[1].day)
    assert float(interval["appeared_mm3"]) == 812.5
    assert [row["chosen"] for row in made["matches.csv"]] == ["True", "False"]
