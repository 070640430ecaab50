from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marrowtrail.record.case_parts import Pain
from marrowtrail.record.sites import Side
from marrowtrail.record.symptom_course import index_pain, moved_on
from tests.record.written import UNHURRIED, case_of, of_key, reading_of, states

DAY = date(2020, 1, 1)


def pain(joint: str, start: int | None, end: int | None, side: str = "right") -> Pain:
    def day(number: int | None) -> date | None:
        return None if number is None else DAY + timedelta(number)

    return Pain.model_validate({"joint": joint, "side": side, "from": day(start), "to": day(end)})


days = st.one_of(st.none(), st.integers(0, 400))
spans = st.tuples(days, days).filter(lambda s: None in s or s[0] <= s[1])  # type: ignore[operator]
pains = st.builds(
    lambda joint, span, side: pain(joint, *span, side),
    st.sampled_from(["knee", "ankle"]),
    spans,
    st.sampled_from(["left", "right", "unknown"]),
)


class TestMovedOn:
    @pytest.mark.parametrize(
        ("first", "second", "day"),
        [
            # The second begins when the first has gone.
            (pain("knee", 0, 100), pain("ankle", 150, None), 150),
            (pain("knee", 0, 100), pain("ankle", 100, 200), 100),
            # They overlap, and the first ends first: known when it has ended.
            (pain("knee", 0, 100), pain("ankle", 80, None), 100),
            (pain("knee", 0, 100), pain("ankle", 80, 300), 100),
            # The other side of the same joint.
            (pain("knee", 0, 100), pain("knee", 150, None, "left"), 150),
        ],
    )
    def test_the_record_shows_it(self, first: Pain, second: Pain, day: int) -> None:
        assert moved_on(first, second) == DAY + timedelta(day)
        assert moved_on(second, first) is None

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            # No end of the first is written down: spread, or unknown.
            (pain("knee", 0, None), pain("ankle", 150, None)),
            # Both began together.
            (pain("knee", 0, 100), pain("ankle", 0, 200)),
            # The second came and went while the first lasted.
            (pain("knee", 0, 100), pain("ankle", 20, 50)),
            (pain("knee", 0, 100), pain("ankle", 20, 100)),
            # The same joint again.
            (pain("knee", 0, 100), pain("knee", 150, None)),
            # The same joint on a side that is not known.
            (pain("knee", 0, 100), pain("knee", 150, None, "unknown")),
            (pain("knee", 0, 100, "unknown"), pain("knee", 150, None, "unknown")),
            # No beginning.
            (pain("knee", None, 100), pain("ankle", 150, None)),
            (pain("knee", 0, 100), pain("ankle", None, None)),
        ],
    )
    def test_the_record_does_not_show_it(self, first: Pain, second: Pain) -> None:
        assert moved_on(first, second) is None

    @UNHURRIED
    @given(pains, pains)
    def test_never_both_ways_and_never_before_the_second_began(
        self, first: Pain, second: Pain
    ) -> None:
        day = moved_on(first, second)
        if day is None:
            return
        assert moved_on(second, first) is None
        assert first.end is not None
        assert second.start is not None
        assert day >= second.start
        assert day >= first.end
        assert (first.joint, first.side) != (second.joint, second.side)

    @UNHURRIED
    @given(pains)
    def test_never_to_itself(self, one: Pain) -> None:
        assert moved_on(one, one) is None


class TestMigrationInACase:
    MOVED = """
        pain:
          - {joint: ankle, side: right, from: 2020-06-01, to: null}
          - {joint: knee, side: right, from: 2020-01-01, to: 2020-06-20}
        """

    def test_stands_from_the_day_it_shows_whatever_the_order(self, tmp_path: Path) -> None:
        (found,) = of_key(reading_of(tmp_path, self.MOVED), "migration_of_symptoms")
        assert found.state.value == "present"
        assert found.visit == date(2020, 6, 20)
        assert found.explanation == "pain moved from the right knee to the right ankle"

    @pytest.mark.parametrize(
        "text",
        [
            "pain: [{joint: knee, from: 2020-01-01, to: 2020-02-01}]",
            "pain: [{joint: knee, from: 2020-01-01}, {joint: ankle, from: 2020-03-01}]",
            "pain: []",
            "schema_version: 1",
        ],
    )
    def test_silence_is_not_absence(self, tmp_path: Path, text: str) -> None:
        assert of_key(reading_of(tmp_path, text), "migration_of_symptoms") == ()

    def test_a_reader_may_deny_it(self, tmp_path: Path) -> None:
        text = self.MOVED + "findings: [{finding: migration_of_symptoms, state: absent}]\n"
        reading = reading_of(tmp_path, text.replace("        ", ""))
        assert states(reading)["migration_of_symptoms"] == "absent"
        assert any("states" in unused.reason for unused in reading.unused)


class TestIndexPain:
    def test_is_the_earliest(self, tmp_path: Path) -> None:
        found = index_pain(case_of(tmp_path, TestMigrationInACase.MOVED))
        assert found is not None
        assert (found.joint, found.side) == ("knee", Side.RIGHT)

    def test_is_the_first_listed_where_dates_lack(self, tmp_path: Path) -> None:
        text = "pain: [{joint: hip}, {joint: knee, from: 2020-01-01}]"
        found = index_pain(case_of(tmp_path, text))
        assert found is not None
        assert found.joint == "hip"

    def test_is_none_without_pain(self, tmp_path: Path) -> None:
        assert index_pain(case_of(tmp_path, "pain: []")) is None


class TestEarlierEpisodes:
    KEY = "prior_similar_episode_other_site"
    PAIN = "pain: [{joint: knee, side: right, from: 2020-01-01}]\n"

    @pytest.mark.parametrize(
        ("episode", "state"),
        [
            ("{joint: hip}", "present"),
            ("{joint: knee, side: left}", "present"),
            ("{joint: hip, state: equivocal}", "equivocal"),
            ("{state: absent}", "absent"),
        ],
    )
    def test_at_another_site(self, tmp_path: Path, episode: str, state: str) -> None:
        reading = reading_of(tmp_path, f"{self.PAIN}earlier_episodes: [{episode}]")
        assert states(reading)[self.KEY] == state
        assert reading.unused == ()

    @pytest.mark.parametrize(
        ("episode", "reason"),
        [
            ("{joint: knee}", "does not tell"),
            ("{joint: hip, state: absent}", "does not tell"),
        ],
    )
    def test_not_at_another_site_is_told_as_unused(
        self, tmp_path: Path, episode: str, reason: str
    ) -> None:
        reading = reading_of(tmp_path, f"{self.PAIN}earlier_episodes: [{episode}]")
        assert self.KEY not in states(reading)
        (unused,) = reading.unused
        assert unused.place == "earlier_episodes[0]"
        assert reason in unused.reason

    def test_at_the_same_site_is_a_second_episode(self, tmp_path: Path) -> None:
        text = f"{self.PAIN}earlier_episodes: [{{joint: knee, side: right}}]"
        assert states(reading_of(tmp_path, text)) == {"second_episode_any_site": "present"}

    def test_without_pain_nobody_knows_the_site(self, tmp_path: Path) -> None:
        reading = reading_of(tmp_path, "earlier_episodes: [{joint: hip}]")
        assert reading.findings == ()
        assert "does not tell" in reading.unused[0].reason
