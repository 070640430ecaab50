"""Sentences that the result stores, said in German: as a radiologist would, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest
from tests.diagnosis.stories import HEALTHY, NECROSIS, SEED_FIRST, SEED_THIRD
from tests.follow_up.made_visits import (
    FEMUR,
    TIBIA,
    atlas,
    bone_map,
    dates,
    lesion,
    reading,
    registration,
)

from marrowtrail.diagnosis.differential import Differential
from marrowtrail.diagnosis.impossible import without_impossible
from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.reasoning import diagnose
from marrowtrail.diagnosis.wording import describe, inside
from marrowtrail.follow_up.matching import candidates
from marrowtrail.follow_up.shifts import find_shifts
from marrowtrail.follow_up.track import Verification
from marrowtrail.follow_up.tracks import build_tracks
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.report.language import Language, speaking
from marrowtrail.report.stored import gaps_differ, is_known, stored_texts, told
from marrowtrail.report.words import plain
from marrowtrail.result.limits import KNOWN_LIMITS, NOTICE
from marrowtrail.result.spoken_ids import spoken_ids
from marrowtrail.result.undated import undated

GERMAN = stored_texts(Language.GERMAN)

SAID = {
    "Marrow oedema moved from the right medial femoral condyle to the right lateral tibial plateau "
    "(107 days later) and then to the right distal tibial epiphysis (123 days later).": "Das "
    "Knochenmarködem verlagerte sich vom medialen Femurkondylus rechts zum lateralen Tibiaplateau "
    "rechts (nach 107 Tagen) und weiter zur distalen Tibiaepiphyse rechts (nach weiteren 123 "
    "Tagen).",
    "Marrow oedema of 4.2 ml in the left femoral head; with one visit only, nothing can be "
    "followed.": "Knochenmarködem von 4,2 ml im Femurkopf links; mit nur einer Untersuchung ist "
    "kein Verlauf beurteilbar.",
    "Regional migratory osteoporosis is the leading explanation (94 %, likely range 83 to 99 %).": (
        "Führende Erklärung: regionale migratorische Osteoporose (94 %, wahrscheinlicher Bereich "
        "83 bis 99 %)."
    ),
    "seen last at v2, clear at v3": "zuletzt in MRT 2 gesehen, in MRT 3 frei",
    "0.48 times its volume from v1 to v2; repeats alone give 0.72 to 1.40 times (95%)": (
        "0,48-faches Volumen von MRT 1 zu MRT 2; Messwiederholung allein ergibt das 0,72- bis "
        "1,40-Fache (95 %)"
    ),
    "seen at v1, v2 and v3; its place was not imaged at v4": (
        "gesehen in MRT 1, MRT 2 und MRT 3; die Stelle wurde in MRT 4 nicht abgebildet"
    ),
    "from the right lateral tibial plateau to the right distal tibial epiphysis within 123 days; "
    "its place had not been imaged at v2": "vom lateralen Tibiaplateau rechts zur distalen "
    "Tibiaepiphyse rechts innerhalb von 123 Tagen; die Stelle war in MRT 2 nicht abgebildet",
    "Marrow oedema moved from the right medial femoral condyle to the right lateral tibial plateau "
    "(60 days later) and to the right distal tibial epiphysis (60 days later, not imaged before); "
    "from the left femoral head to the right femoral head (1 day later).": "Das Knochenmarködem "
    "verlagerte sich vom medialen Femurkondylus rechts zum lateralen Tibiaplateau rechts (nach 60 "
    "Tagen) und zur distalen Tibiaepiphyse rechts (nach 60 Tagen, zuvor nicht abgebildet); vom "
    "Femurkopf links zum Femurkopf rechts (nach einem Tag).",
    "Marrow oedema of the left femoral head resolved (seen last at v4, clear at v5; clear at v2, "
    "back at v3).": "Das Knochenmarködem im Femurkopf links hat sich zurückgebildet (zuletzt in "
    "MRT 4 gesehen, in MRT 5 frei; in MRT 2 frei, in MRT 3 wieder vorhanden).",
    "Marrow oedema of the left femoral head did not change beyond what repeat measurement gives "
    "(1.02 times its volume from v2 to v3; repeats alone give 0.72 to 1.40 times (95%)); since v1 "
    "it grew (8.00 times its volume from v1 to v3; repeats alone give 0.72 to 1.40 times (95%)).": (
        "Das Knochenmarködem im Femurkopf links hat sich nicht über die Messwiederholung hinaus "
        "geändert (1,02-faches Volumen von MRT 2 zu MRT 3; Messwiederholung allein ergibt das "
        "0,72- bis 1,40-Fache (95 %)); seit MRT 1 hat es zugenommen (8,00-faches Volumen von "
        "MRT 1 zu MRT 3; Messwiederholung allein ergibt das 0,72- bis 1,40-Fache (95 %))."
    ),
    "from the left femoral head to the right femoral head within 1 days; its place was clear at "
    "v1": "vom Femurkopf links zum Femurkopf rechts innerhalb von einem Tag; die Stelle war in "
    "MRT 1 frei",
    "no fever, normal CRP and ESR, and acute onset": (
        "kein Fieber, CRP und BSG normal und akuter Beginn"
    ),
    "pain at night: not after the first scan with oedema, so it does not count; correct the date, "
    "or enter the earlier oedema with its own": "Nachtschmerz: nicht nach der ersten Untersuchung "
    "mit Ödem, zählt daher nicht; das Datum korrigieren oder das frühere Ödem mit seinem Datum "
    "eintragen",
    "No demarcation line in the right tibia on 15 July 2020.": (
        "Keine Demarkationslinie in der Tibia rechts am 15.07.2020."
    ),
    "right femur (knee end), outline unsure": "Femur rechts (kniegelenknah), Kontur unsicher",
    "PD FS, sagittal, slice 5 of 27; place not verified": (
        "PD FS, sagittal, Schicht 5 von 27; Stelle nicht verifiziert"
    ),
    "no fever, normal CRP and ESR": "kein Fieber, CRP und BSG normal",
    "man, 48": "Mann, 48 Jahre",
    "man, 90 or older": "Mann, 90 Jahre oder älter",
}


LAST = {
    "seen last at v4, clear at v5": "zuletzt in MRT 4 gesehen, in MRT 5 frei",
    "a part seen last at v4, clear at v5": "ein Teil zuletzt in MRT 4 gesehen, in MRT 5 frei",
    "a part clear at v4, back at v5": "ein Teil in MRT 4 frei, in MRT 5 wieder vorhanden",
    "a part first seen at v5; its place was clear at v4": (
        "ein Teil erstmals in MRT 5 gesehen; die Stelle war in MRT 4 frei"
    ),
    "2 at v4, 3 at v5": "2 in MRT 4, 3 in MRT 5",
    "2 at v4, 1 at v5; 0.48 times its volume from v4 to v5; repeats alone give 0.72 to 1.40 times "
    "(95%)": "2 in MRT 4, 1 in MRT 5; 0,48-faches Volumen von MRT 4 zu MRT 5; Messwiederholung "
    "allein ergibt das 0,72- bis 1,40-Fache (95 %)",
    "its place may be oedematous at v5; a reader must decide": (
        "die Stelle kann in MRT 5 ödematös sein; ein Befunder muss entscheiden"
    ),
    "part of its place was not imaged at v5; volumes cannot be compared": (
        "ein Teil der Stelle wurde in MRT 5 nicht abgebildet; die Volumina sind nicht vergleichbar"
    ),
    "more than a trace last at v4; 3% of its first volume left at v5": (
        "in MRT 4 zuletzt mehr als ein Rest; in MRT 5 noch 3 % des ersten Volumens"
    ),
    "matched by region only from v4 to v5; a reader must decide": (
        "von MRT 4 zu MRT 5 nur nach der Region zugeordnet; ein Befunder muss entscheiden"
    ),
    "seen at v3; its place was not imaged at v1 and v2; its bone could not be read at v4": (
        "gesehen in MRT 3; die Stelle wurde in MRT 1 und MRT 2 nicht abgebildet; der Knochen war "
        "in MRT 4 nicht beurteilbar"
    ),
}
"""What a track says of its last interval."""

RETURNS = {
    "clear at v2, back at v3": "in MRT 2 frei, in MRT 3 wieder vorhanden",
    "a part clear at v2, back at v3": "ein Teil in MRT 2 frei, in MRT 3 wieder vorhanden",
}
"""What it appends of an earlier one."""


@pytest.fixture(autouse=True)
def _german() -> Iterator[None]:
    with speaking(Language.GERMAN):
        yield


@pytest.mark.parametrize(("stored", "said"), SAID.items())
def test_a_stored_sentence_is_said_in_german(stored: str, said: str) -> None:
    assert plain(stored).replace("\N{NO-BREAK SPACE}", " ") == said


@pytest.mark.parametrize(("before", "said_before"), [("", ""), *RETURNS.items()])
@pytest.mark.parametrize(("last", "said"), LAST.items())
def test_what_went_before_is_said_after_the_last_interval(
    last: str, said: str, before: str, said_before: str
) -> None:
    text = plain("; ".join(one for one in (last, before) if one))
    expected = "; ".join(one for one in (said, said_before) if one)
    assert text.replace("\N{NO-BREAK SPACE}", " ") == expected


def test_in_english_it_stays_as_it_is() -> None:
    with speaking(Language.ENGLISH):
        assert [told(one) for one in SAID] == list(SAID)


def test_what_is_not_known_stays_in_english_and_whole() -> None:
    unknown = "The reader says: no fever, and something that no catalogue holds."
    assert told(unknown) == unknown
    assert not is_known(unknown)
    assert is_known("no fever")


def test_a_known_sentence_beside_an_unknown_one_is_said() -> None:
    assert told("No cause stands out. Nobody wrote this.") == (
        "Keine Ursache hebt sich ab. Nobody wrote this."
    )


def test_a_place_that_is_not_in_the_vocabulary_is_not_guessed() -> None:
    assert not is_known(
        "Marrow oedema of 4.2 ml in the right nose; with one visit only, nothing can be followed."
    )


def test_days_are_said_and_days_that_never_were_are_not() -> None:
    assert told("fever on 5 July 2020") == told("fever on 2020-07-05") == "Fieber am 05.07.2020"
    assert not is_known("fever on 31 February 2020")


def test_sides_are_kept() -> None:
    for side, word in (("right", "rechts"), ("left", "links")):
        said = told(f"{side} lateral tibial plateau")
        assert said == f"laterales Tibiaplateau {word}"


def test_a_long_text_takes_no_time() -> None:
    """Text of a reader may be long and look like one of ours without being one."""
    text = "from the " + "right tibia to the " * 3000
    assert told(text) == text


def test_every_translation_has_the_gaps_of_its_sentence() -> None:
    assert [one.en for one in GERMAN.sentences if gaps_differ(one)] == []


@pytest.mark.parametrize("name", ["phrases", "sentences"])
def test_no_sentence_stands_twice(name: str) -> None:
    if name == "sentences":
        keys = [re.sub(r"\{\w+(:\w+)?\}", "{}", one.en.lower()) for one in GERMAN.sentences]
    else:
        keys = [key.lower() for key in GERMAN.phrases]
    assert sorted(keys) == sorted(set(keys))


class TestReasoning:
    """Whatever reasoning writes about made-up patients is known."""

    @pytest.mark.parametrize(
        "findings", [SEED_FIRST, SEED_THIRD, NECROSIS, HEALTHY, []], ids=lambda f: str(len(f))
    )
    def test_all_that_it_says(self, findings: list[Finding]) -> None:
        answer = diagnose(findings, load_knowledge())
        assert [text for text in sentences(answer) if text and not is_known(text)] == []

    def test_every_finding_in_every_state_and_every_cause(self) -> None:
        knowledge = load_knowledge()
        states = (FindingState.PRESENT, FindingState.ABSENT, FindingState.EQUIVOCAL)
        said = [describe(key, one, knowledge) for key in knowledge.finding_labels for one in states]
        said += [*knowledge.labels.values(), *map(inside, knowledge.labels.values())]
        assert [text for text in said if not is_known(text)] == []

    def test_every_reason_test_danger_setting_and_outlook(self) -> None:
        knowledge = load_knowledge()
        said = [one.reason for one in knowledge.alternative_of.values()]
        for test in knowledge.tests:
            said += [test.label, test.delay, test.burden, test.cost]
        said += [one.explanation for one in knowledge.red_flags]
        said += [one.label for one in knowledge.priors.settings]
        said += [text for one in knowledge.outlook.entries for text in (one.text, one.width)]
        assert [text for text in said if not is_known(text)] == []

    @pytest.mark.parametrize("keep_dates", [True, False])
    def test_what_of_the_course_cannot_be(self, keep_dates: bool) -> None:
        present, absent = FindingState.PRESENT, FindingState.ABSENT
        known = [
            Finding("bme_present", present, visit=date(2020, 3, 1)),
            Finding("shift_other_joint", present, visit=date(2020, 2, 1)),
            Finding("resolves_by_3m", present, visit=date(2020, 7, 1)),
            Finding("resolves_by_12m", absent, visit=date(2021, 5, 1)),
        ]
        _, said = without_impossible(known, load_knowledge())
        assert len(said) == 2
        told_of = [one if keep_dates else undated(one) for one in said]
        assert [one for one in told_of if not is_known(one)] == []
        assert [one for one in told_of if "()" in one or "dated," in one] == []

    def test_what_every_output_says(self) -> None:
        assert [text for text in (NOTICE, *KNOWN_LIMITS) if not is_known(text)] == []


class TestFollowUp:
    """Whatever following writes about lesions whose story is known."""

    @pytest.mark.parametrize("verified", [True, False])
    @pytest.mark.parametrize("tibia_at_first", [True, False])
    def test_tracks_and_shifts(self, verified: bool, tibia_at_first: bool) -> None:
        faded = [lesion("v1", FEMUR, "medial_condyle"), lesion("v2", FEMUR, "medial_condyle")]
        new = lesion("v2", TIBIA, "lateral_plateau", start=(25, 25, 12))
        readings = [
            reading("v1", FEMUR, faded[0]),
            reading("v2", FEMUR, *([] if tibia_at_first else faded[1:])),
            reading("v2", TIBIA, new),
            *([reading("v1", TIBIA)] if tibia_at_first else []),
        ]
        maps = [bone_map("v1", FEMUR, TIBIA), bone_map("v2", FEMUR, TIBIA)]
        how = Verification.VERIFIED if verified else Verification.UNVERIFIED
        moves = [registration("v1", "v2", bone, verification=how) for bone in (FEMUR, TIBIA)]
        lesions = {one.id: one for told_of in readings for one in told_of.lesions}
        known = atlas(readings, maps, moves)
        tracks = build_tracks(lesions, candidates(readings, moves), ("v1", "v2"), known)
        shifts = find_shifts(lesions, tracks, dates("v1", "v2"), known)
        said = [spoken_ids(one.explanation) for one in (*tracks, *shifts)]
        assert len(said) >= 2
        assert [text for text in said if not is_known(text)] == []


def sentences(answer: Differential) -> Iterator[str]:
    """All that a differential says in words, but for its sources."""
    yield answer.conclusion
    yield answer.standing_why
    yield answer.standing.value
    for bar in answer.bars:
        yield from (bar.label, bar.note)
    for line in answer.ledger:
        yield from (line.label, line.explanation)
    for step in answer.next_steps:
        yield from (step.label, step.delay, step.burden, step.cost, step.why)
    for flag in answer.red_flags:
        yield flag.explanation
    for turn in answer.turns:
        yield from (turn.words, turn.label)
    for setting in answer.under_settings:
        yield setting.label
    for two in answer.composites:
        yield two.label
    for line in answer.outlook:
        yield from (line.text, line.width)
