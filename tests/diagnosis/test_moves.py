"""Moves that follow from readings by place and day, and what cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from marrowtrail.diagnosis.evidence import Reading, read_findings
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.move_readings import moves_in_readings
from marrowtrail.diagnosis.reasoning import diagnose, probabilities
from marrowtrail.record.findings import SOFTWARE, Finding, FindingState
from marrowtrail.record.sites import Side, Site

from .stories import ANKLE, CONDYLE, FIRST, HEAD, PLATEAU, A, E, P, not_done, seen, told

TALUS, FEMUR = Site("talus", Side.RIGHT), Site("femur", Side.RIGHT)


def oedema(site: Site, day: int, state: FindingState, by: str = "reader") -> Finding:
    return Finding("bme_present", state, site, FIRST + timedelta(days=day), entered_by=by)


def moved(*readings: Finding) -> list[tuple[str, FindingState]]:
    return [(f.key, f.state) for f in moves_in_readings(readings)]


def rmo(findings: list[Finding], knowledge: Knowledge) -> float:
    return float(probabilities(findings, knowledge)[knowledge.diagnoses.index("rmo")])


def complaints(reading: Reading) -> list[str]:
    """What is unused, but for oedema as such, which tells no cause from another."""
    return [line for line in reading.unused if not line.startswith("bone marrow oedema:")]


ANOTHER, WITHIN = "shift_other_joint", "shift_same_bone_or_joint"
LEFT_FOR_THE_ANKLE = [oedema(CONDYLE, 0, P), oedema(CONDYLE, 183, A), oedema(TALUS, 183, P)]


class TestMovesInReadings:
    def test_one_joint_clear_and_another_with_oedema_is_a_move(self) -> None:
        assert moved(*LEFT_FOR_THE_ANKLE) == [(ANOTHER, P)]

    def test_another_region_of_the_joint_is_a_move_within_it(self) -> None:
        later = [oedema(CONDYLE, 90, A), oedema(PLATEAU, 90, P)]
        assert moved(oedema(CONDYLE, 0, P), *later) == [(WITHIN, P)]

    def test_where_the_first_place_still_shows_it_or_was_not_read_it_may_have_spread(self) -> None:
        stays, unread = [oedema(CONDYLE, 183, P)], list[Finding]()
        for more in (stays, unread):
            assert moved(oedema(CONDYLE, 0, P), oedema(TALUS, 183, P), *more) == [(ANOTHER, E)]

    def test_a_possible_move_says_why_it_is_only_possible(self, knowledge: Knowledge) -> None:
        stays = [oedema(CONDYLE, 0, P), oedema(PLATEAU, 0, P), oedema(TALUS, 183, P)]
        stays += [oedema(CONDYLE, 183, A), oedema(PLATEAU, 183, P)]
        (note,) = read_findings(stays, knowledge).notes
        assert note.endswith("an earlier place still shows it")
        (note,) = read_findings([oedema(CONDYLE, 0, P), oedema(TALUS, 183, P)], knowledge).notes
        assert note.endswith("nobody read the earlier one as clear")

    def test_a_bone_read_as_clear_is_clear_at_its_places(self) -> None:
        whole = [oedema(FEMUR, 183, A), oedema(TALUS, 183, P)]
        assert moved(oedema(CONDYLE, 0, P), *whole) == [(ANOTHER, P)]
        other_side = [oedema(replace(FEMUR, side=Side.LEFT), 183, A), oedema(TALUS, 183, P)]
        assert moved(oedema(CONDYLE, 0, P), *other_side) == [(ANOTHER, E)]

    @pytest.mark.parametrize(
        "readings",
        [
            [],
            [oedema(CONDYLE, 0, P)],
            [oedema(CONDYLE, 0, P), oedema(TALUS, 0, P)],
            [oedema(CONDYLE, 0, P), oedema(TALUS, 7, P)],
            [oedema(CONDYLE, 0, P), oedema(CONDYLE, 90, A)],
            [oedema(CONDYLE, 0, P), oedema(TALUS, 90, A)],
            [oedema(CONDYLE, 0, P), oedema(FEMUR, 90, P)],
            [oedema(FEMUR, 0, P), oedema(CONDYLE, 90, P)],
        ],
        ids=["none", "one", "one day", "one visit", "gone", "clear", "unnamed", "a part of it"],
    )
    def test_what_is_no_move(self, readings: list[Finding]) -> None:
        assert moved(*readings) == []

    def test_a_place_of_an_undated_reading_is_never_new(self) -> None:
        before = Finding("bme_present", P, TALUS)
        assert moved(*LEFT_FOR_THE_ANKLE, before) == []

    def test_what_the_program_read_shows_no_move_but_that_a_place_is_not_new(self) -> None:
        proposed = [replace(f, entered_by=SOFTWARE) for f in LEFT_FOR_THE_ANKLE]
        assert moved(*proposed) == []
        assert moved(oedema(TALUS, 0, P, SOFTWARE), *LEFT_FOR_THE_ANKLE) == []

    def test_what_is_stated_of_the_day_or_later_holds(self) -> None:
        stated = Finding(ANOTHER, A, None, FIRST + timedelta(days=183))
        earlier = replace(stated, visit=FIRST + timedelta(days=100))
        undone = not_done([ANOTHER])
        assert moved(*LEFT_FOR_THE_ANKLE, stated) == []
        assert moved(*LEFT_FOR_THE_ANKLE, earlier) == [(ANOTHER, P)]
        assert moved(*LEFT_FOR_THE_ANKLE, *undone) == [(ANOTHER, P)]

    def test_the_order_of_the_record_is_nothing(self) -> None:
        assert moves_in_readings(LEFT_FOR_THE_ANKLE) == moves_in_readings(LEFT_FOR_THE_ANKLE[::-1])


class TestWhatReadingsSayIsWeighed:
    def test_as_if_it_had_been_stated(self, knowledge: Knowledge) -> None:
        stated = Finding(ANOTHER, P, TALUS, FIRST + timedelta(days=183))
        by_readings = rmo(LEFT_FOR_THE_ANKLE, knowledge)
        assert by_readings == rmo([*LEFT_FOR_THE_ANKLE, stated], knowledge)
        assert by_readings > 5 * rmo(LEFT_FOR_THE_ANKLE[:2], knowledge)

    def test_and_said(self, knowledge: Knowledge) -> None:
        found = diagnose(LEFT_FOR_THE_ANKLE, knowledge)
        assert any("another place" in note for note in found.notes)
        assert found.causes[0].diagnosis == "rmo"
        assert diagnose(LEFT_FOR_THE_ANKLE[:2], knowledge).notes == ()


class TestPainAlone:
    """Pain that moves makes a label likelier; it is claimed when oedema was seen to move."""

    START = (*seen(CONDYLE, FIRST, "bme_present bme_large_diffuse"), *told("migration_of_symptoms"))

    def test_the_label_is_withheld_and_the_disease_is_spoken_of(self, knowledge: Knowledge) -> None:
        found = diagnose(self.START, knowledge, setting="bone_clinic")
        assert set(found.withheld) == {"rmo", "isbme"}
        assert found.causes[0].diagnosis == "rmo"
        assert found.conclusion.startswith("Transient bone marrow oedema is the leading")
        assert "cannot be claimed" in found.conclusion

    def test_oedema_that_moves_gives_the_label(self, knowledge: Knowledge) -> None:
        story = [*LEFT_FOR_THE_ANKLE, *told("migration_of_symptoms")]
        found = diagnose(story, knowledge, setting="bone_clinic")
        assert found.withheld == ("isbme",)
        assert found.conclusion.startswith("Regional migratory osteoporosis is the leading")
        assert "cannot be claimed" not in found.conclusion


class TestTimeAloneSaysNothing:
    START = seen(CONDYLE, FIRST, "bme_present")
    LATE = FIRST + timedelta(days=730)

    @pytest.mark.parametrize("key", ["erosion", "bme_present", ANOTHER, "progression_collapse"])
    def test_what_was_not_done_changes_no_number_whenever_it_was(
        self, knowledge: Knowledge, key: str
    ) -> None:
        (undone,) = not_done([key])
        late = replace(undone, site=CONDYLE, visit=self.LATE)
        plain, more = (diagnose(f, knowledge) for f in (self.START, [*self.START, late]))
        assert plain.causes == more.causes
        assert plain.outlook == more.outlook

    def test_the_date_of_another_finding_is_no_look_at_the_course(
        self, knowledge: Knowledge
    ) -> None:
        early, late = (
            probabilities([*self.START, Finding("erosion", A, CONDYLE, day)], knowledge)
            for day in (FIRST, self.LATE)
        )
        assert early == pytest.approx(late, abs=0.0)

    def test_but_a_scan_of_oedema_is(self, knowledge: Knowledge) -> None:
        gone = [*self.START, oedema(CONDYLE, 60, A)]
        assert read_findings(gone, knowledge).days_followed == 60.0
        assert rmo(gone, knowledge) != rmo(self.START, knowledge)

    def test_a_later_scan_is_asked_for_after_the_record_ends(self, knowledge: Knowledge) -> None:
        late = [*self.START, Finding("erosion", A, CONDYLE, self.LATE)]
        course = read_findings(late, knowledge).course
        assert (course.until_day, course.followed_days) == (0.0, 730.0)


class TestWhatCannotBe:
    START = (oedema(CONDYLE, 0, P),)

    @pytest.mark.parametrize("day", [date(2019, 1, 1), FIRST])
    @pytest.mark.parametrize("key", [ANOTHER, WITHIN, "resolves_by_3m", "progression_collapse"])
    def test_a_course_before_the_first_scan_does_not_count_and_is_named(
        self, knowledge: Knowledge, key: str, day: date
    ) -> None:
        impossible = Finding(key, P, ANKLE, day)
        reading = read_findings([*self.START, impossible], knowledge)
        assert reading.state_of(key) is None
        assert any("not after the first scan" in line for line in reading.unused)
        assert rmo([*self.START, impossible], knowledge) == rmo([*self.START], knowledge)

    def test_a_day_later_it_counts(self, knowledge: Knowledge) -> None:
        possible = Finding(ANOTHER, P, ANKLE, FIRST + timedelta(days=1))
        reading = read_findings([*self.START, possible], knowledge)
        assert reading.state_of(ANOTHER) is P
        assert complaints(reading) == []

    def test_none_seen_on_the_first_day_is_no_mistake(self, knowledge: Knowledge) -> None:
        none = Finding(ANOTHER, A, ANKLE, FIRST)
        assert complaints(read_findings([*self.START, none], knowledge)) == []

    def test_an_undated_reading_may_be_the_earlier_one(self, knowledge: Knowledge) -> None:
        before = Finding("bme_present", P, HEAD)
        first_day = Finding(ANOTHER, P, CONDYLE, FIRST)
        reading = read_findings([*self.START, before, first_day], knowledge)
        assert reading.state_of(ANOTHER) is P

    def test_gone_and_still_there_later_count_as_neither(self, knowledge: Knowledge) -> None:
        both = [Finding("resolves_by_3m", P, CONDYLE), Finding("resolves_by_6m", A, CONDYLE)]
        reading = read_findings([*self.START, *both], knowledge)
        assert any("neither counts" in line for line in reading.unused)
        assert reading.state_of("resolves_by_3m") is None
        assert rmo([*self.START, *both], knowledge) == rmo([*self.START], knowledge)

    def test_still_there_and_gone_later_count_as_both(self, knowledge: Knowledge) -> None:
        both = [Finding("resolves_by_3m", A, CONDYLE), Finding("resolves_by_6m", P, CONDYLE)]
        reading = read_findings([*self.START, *both], knowledge)
        assert complaints(reading) == []
        assert len(reading.course.place) == 2

    def test_at_two_places_they_are_no_contradiction(self, knowledge: Knowledge) -> None:
        both = [Finding("resolves_by_3m", P, CONDYLE), Finding("resolves_by_6m", A, PLATEAU)]
        assert complaints(read_findings([*self.START, *both], knowledge)) == []
