from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from marrowtrail.diagnosis.audit import audit_sheet
from marrowtrail.diagnosis.bars import leading_diseases
from marrowtrail.diagnosis.course_ahead import labels_ahead, outcomes_ahead
from marrowtrail.diagnosis.differential import Differential, Standing, Turn
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.reasoning import diagnose, probabilities
from marrowtrail.diagnosis.turning_ahead import turns_ahead
from marrowtrail.diagnosis.weighing import under_another_prior, weigh
from marrowtrail.record.findings import Finding

from .conftest import Edit
from .stories import (
    ANKLE,
    CONDYLE,
    FIRST,
    HEAD,
    HEALTHY,
    NECROSIS,
    SECOND,
    SEED_FIRST,
    SEED_SECOND,
    SEED_THIRD,
    A,
    P,
    seen,
    told,
)

SETTING = "musculoskeletal_mri"


@pytest.fixture(scope="module")
def first(knowledge: Knowledge) -> Differential:
    return diagnose(SEED_FIRST, knowledge)


@pytest.fixture(scope="module")
def third(knowledge: Knowledge) -> Differential:
    return diagnose(SEED_THIRD, knowledge)


class TestWhatWouldTurnIt:
    def test_every_finding_named_does_turn_the_ranking(
        self, knowledge: Knowledge, first: Differential
    ) -> None:
        today = [t for t in first.turns if t.finding not in knowledge.course.rules.findings]
        assert today
        for turn in today:
            after = [*SEED_FIRST, Finding(turn.finding, turn.state)]
            _turns_indeed(turn, SEED_FIRST, after, knowledge)

    def test_likeliest_first_and_none_that_hardly_happens(self, first: Differential) -> None:
        chances = [turn.chance for turn in first.turns]
        assert chances == sorted(chances, reverse=True)
        assert all(0.01 <= chance <= 1 for chance in chances)

    def test_what_is_known_turns_nothing(self, knowledge: Knowledge) -> None:
        known = [*SEED_FIRST, *told("", "synovitis")]
        assert all(turn.finding != "synovitis" for turn in diagnose(known, knowledge).turns)

    def test_a_settled_case_is_turned_by_nothing(self, knowledge: Knowledge) -> None:
        assert diagnose(NECROSIS, knowledge).turns == ()


ARTHRITIS = SEED_FIRST + seen(CONDYLE, FIRST, "synovitis")
"""Arthritis leads; oedema that moves would be no part of it."""


class TestWhatALaterScanWouldTurn:
    @pytest.mark.parametrize("key", ["shift_other_joint", "shift_same_bone_or_joint"])
    def test_a_move_is_named_with_its_scan_and_does_turn_the_ranking(
        self, knowledge: Knowledge, key: str
    ) -> None:
        (turn,) = [t for t in diagnose(ARTHRITIS, knowledge).turns if t.finding == key]
        assert turn.state is P
        assert turn.words.endswith("(MRI again in 3 months)")
        after = [*ARTHRITIS, Finding(key, P, None, FIRST + timedelta(days=91))]
        _turns_indeed(turn, ARTHRITIS, after, knowledge)

    def test_oedema_that_stays_is_read_at_its_first_place(self, knowledge: Knowledge) -> None:
        (turn,) = [t for t in diagnose(SEED_FIRST, knowledge).turns if "(MRI again" in t.words]
        assert turn.words == "oedema still at its first place (MRI again in 12 months)"
        after = SEED_FIRST + seen(CONDYLE, FIRST + timedelta(days=365), "bme_present")
        _turns_indeed(turn, SEED_FIRST, after, knowledge)

    @pytest.mark.parametrize(
        ("story", "key", "days"),
        [(ARTHRITIS, "shift_other_joint", 91.0), (SEED_FIRST, "resolves_by_12m", 365.0)],
    )
    def test_its_chance_is_that_of_seeing_oedema_there(
        self, knowledge: Knowledge, story: list[Finding], key: str, days: float
    ) -> None:
        """Oedema elsewhere is a move, oedema at its first place is healing that has not come."""
        (turn,) = [t for t in diagnose(story, knowledge).turns if t.finding == key]
        case, course, named = (
            weigh(story, knowledge, SETTING),
            knowledge.course,
            knowledge.diagnoses,
        )
        seen_so_far, error = case.reading.course, knowledge.reading_error[key]
        later = labels_ahead(case.closed_form, seen_so_far, course, named, days)
        there, not_there = outcomes_ahead([key], seen_so_far, course, named, days, error)
        assert turn.chance == pytest.approx(float(later @ there), abs=1e-12)
        assert turn.chance + float(later @ not_there) == pytest.approx(1.0, abs=1e-12)

    def test_a_move_that_was_seen_is_not_waited_for(self, knowledge: Knowledge) -> None:
        known = ARTHRITIS + seen(ANKLE, SECOND, "bme_present shift_other_joint")
        case = weigh(known, knowledge, SETTING)
        named = [t.finding for t in turns_ahead(case, known, knowledge, SETTING)]
        assert "shift_other_joint" not in named

    def test_without_dates_no_later_scan_has_a_day(self, knowledge: Knowledge) -> None:
        undated = told("spa_known hla_b27 synovitis bme_present bme_large_diffuse")
        case = weigh(undated, knowledge, SETTING)
        assert turns_ahead(case, undated, knowledge, SETTING) == ()

    def test_what_would_turn_nothing_is_not_named(self, knowledge: Knowledge) -> None:
        case = weigh(NECROSIS, knowledge, SETTING)
        assert turns_ahead(case, NECROSIS, knowledge, SETTING) == ()


def _turns_indeed(
    turn: Turn, before: list[Finding], after: list[Finding], knowledge: Knowledge
) -> None:
    """Ranking again with the finding puts the disease first that the turn names."""
    first = leading_diseases(probabilities(before, knowledge), knowledge, count=1)[0]
    again = probabilities(after, knowledge)
    lead = leading_diseases(again, knowledge, count=1)[0]
    assert knowledge.diagnoses[lead] == turn.diagnosis
    assert turn.diagnosis not in knowledge.disease(knowledge.diagnoses[first])
    rows = [knowledge.diagnoses.index(d) for d in knowledge.disease(turn.diagnosis)]
    assert turn.probability == pytest.approx(float(again[rows].sum()), abs=1e-12)


class TestOtherPriors:
    def test_every_setting_is_shown_with_its_basis(
        self, knowledge: Knowledge, third: Differential
    ) -> None:
        assert [s.setting for s in third.under_settings] == [
            s.key for s in knowledge.priors.settings
        ]
        assert {s.basis for s in third.under_settings} == {"judgement", "convention", "audit"}

    def test_as_ranking_under_that_setting(self, knowledge: Knowledge, third: Differential) -> None:
        for shown in third.under_settings:
            again = diagnose(SEED_THIRD, knowledge, setting=shown.setting)
            expected = [(c.diagnosis, c.probability) for c in again.causes[:3]]
            assert [(c.diagnosis, pytest.approx(c.probability)) for c in shown.causes] == expected

    def test_the_odds_are_those_of_the_first_two(self, third: Differential) -> None:
        one, two = third.causes[:2]
        assert third.odds_to_flip == pytest.approx(one.probability / two.probability)


class TestTheAuditSheet:
    @pytest.mark.parametrize("story", [SEED_THIRD, NECROSIS, told("nidus"), []])
    def test_re_adds_to_the_posterior(self, knowledge: Knowledge, story: list[Finding]) -> None:
        case = weigh(story, knowledge, SETTING)
        rows = list(csv.reader(io.StringIO(audit_sheet(case, knowledge, SETTING))))
        assert rows[0][2] == knowledge.hash
        header, body = rows[3], rows[4:]
        added: dict[str, float] = {}
        sums = [math.fsum(float(v) for v in row[2:-2]) for row in body]
        total = math.fsum(math.exp(s) for s in sums)
        for row, value in zip(body, sums, strict=True):
            assert len(row) == len(header)
            assert float(row[-2]) == pytest.approx(value, abs=1e-9)
            share = math.exp(value) / total
            assert float(row[-1]) == pytest.approx(share, abs=1e-12)
            added[row[1]] = added.get(row[1], 0.0) + share
        found = probabilities(story, knowledge, setting=SETTING)
        for diagnosis, probability in zip(knowledge.diagnoses, found, strict=True):
            assert added[diagnosis] == pytest.approx(float(probability), abs=1e-12)

    def test_another_prior_of_the_same_evidence(self, knowledge: Knowledge) -> None:
        case = weigh(SEED_THIRD, knowledge, SETTING)
        expected = probabilities(SEED_THIRD, knowledge, setting="uniform")
        assert np.allclose(under_another_prior(case, knowledge, "uniform"), expected, atol=1e-14)


READ = [replace(finding, confirmed_by="reader") for finding in SEED_THIRD]
"""The seed patient once a reader has confirmed what the program found."""


class TestStanding:
    def test_open_alternatives_keep_it_provisional(self, first: Differential) -> None:
        assert first.standing is Standing.PROVISIONAL
        assert "arthritis of spondyloarthritis must be answered first" in first.standing_why

    def test_what_no_test_excludes_keeps_it_provisional_too(self, knowledge: Knowledge) -> None:
        untreated = [f for f in READ if f.key != "response_bisphosphonate"]
        found = diagnose(untreated, knowledge)
        assert found.standing is Standing.PROVISIONAL
        why = "Arthritis of spondyloarthritis: unlikely, but no test excludes it yet."
        assert found.standing_why == why

    def test_with_all_answered_it_is_established(self, knowledge: Knowledge) -> None:
        reader = [Finding(k, A, CONDYLE, FIRST) for k in ("synovitis", "effusion")]
        found = diagnose([*READ, *reader], knowledge)
        assert found.standing is Standing.ESTABLISHED
        assert found.causes[0].diagnosis == "rmo"

    def test_what_no_reader_has_confirmed_keeps_it_provisional(self, knowledge: Knowledge) -> None:
        reader = [Finding(k, A, CONDYLE, FIRST) for k in ("synovitis", "effusion")]
        found = diagnose([*SEED_THIRD, *reader], knowledge)
        assert found.standing is Standing.PROVISIONAL
        assert "only if a reader confirms what the program found" in found.standing_why

    def test_it_forces_no_probability(self, knowledge: Knowledge) -> None:
        assert diagnose(NECROSIS, knowledge).causes[0].probability < 1.0

    def test_where_nothing_stands_out_it_is_undecided(self, knowledge: Knowledge) -> None:
        assert diagnose(told("sex_male"), knowledge).standing is Standing.UNDECIDED

    def test_without_oedema_there_is_no_standing(self, knowledge: Knowledge) -> None:
        found = diagnose(HEALTHY, knowledge)
        assert found.standing is Standing.UNDECIDED
        assert (found.turns, found.under_settings, found.outlook) == ((), (), ())


class TestOutlook:
    def test_names_resolution_and_the_failure_of_ibandronate(self, third: Differential) -> None:
        kinds = {line.kind for line in third.outlook}
        assert {"resolution", "another_site", "treatment"} <= kinds
        (failed,) = [line for line in third.outlook if "ibandronate failed" in line.text]
        assert any("van Straten" in source for source in failed.sources)

    def test_every_line_has_a_width(self, knowledge: Knowledge) -> None:
        for story in (SEED_FIRST, SEED_THIRD, NECROSIS):
            assert all(line.width and line.text for line in diagnose(story, knowledge).outlook)

    def test_of_necrosis_it_tells_collapse(self, knowledge: Knowledge) -> None:
        assert {line.diagnosis for line in diagnose(NECROSIS, knowledge).outlook} == {"avn"}

    def test_a_site_that_has_come_is_not_awaited(
        self, first: Differential, third: Differential
    ) -> None:
        awaited = "another joint within a year"
        assert any(line.text.startswith(awaited) for line in first.outlook)
        assert not any(line.text.startswith(awaited) for line in third.outlook)


class TestSecondDiseases:
    def test_a_neck_fracture_of_pregnancy_may_be_both(self, knowledge: Knowledge) -> None:
        said = told("pregnancy_peripartum fracture_line_nonsubchondral bme_large_diffuse")
        found = diagnose([*said, *seen(HEAD, FIRST, "bme_present")], knowledge)
        assert found.composites[0].key == "transient_with_neck_fracture"

    EARLY = "bme_large_diffuse t1_hazy_reticular radiographic_osteopenia_after_4_8w"

    def test_a_necrosis_may_have_looked_transient_first(self, knowledge: Knowledge) -> None:
        def share(findings: list[Finding]) -> float:
            case = weigh(findings, knowledge, SETTING)
            named = [c.key if c else "" for c in case.hypotheses.composites]
            return float(case.weighed[named.index("necrosis_after_transient")])

        early = [*NECROSIS, *told(self.EARLY)]
        assert share(early) > 5 * share(NECROSIS) > 0.0
        assert diagnose(early, knowledge).causes[0].diagnosis == "avn"

    def test_that_can_be_switched_off(self, folder: Path, edit: Edit) -> None:
        edit("course.yaml", "enabled: true", "enabled: false")
        found = diagnose([*NECROSIS, *told(self.EARLY)], load_knowledge(folder))
        assert "necrosis_after_transient" not in {c.key for c in found.composites}

    def test_the_share_of_a_composite_is_taken_from_its_first_disease(
        self, knowledge: Knowledge
    ) -> None:
        case = weigh([], knowledge, SETTING)
        assert float(case.hypotheses.prior.sum()) == pytest.approx(1.0, abs=1e-12)
        assert np.all(case.hypotheses.prior > 0)


class TestContradictionsAndGaps:
    def test_impossible_together_is_said(self, knowledge: Knowledge) -> None:
        both = [Finding("fever", P, None, FIRST), Finding("fever", A, None, FIRST)]
        unused = diagnose(both, knowledge).unused
        assert any("present and as absent" in line for line in unused)

    def test_an_unknown_word_is_said(self, knowledge: Knowledge) -> None:
        found = diagnose([*SEED_FIRST, Finding("hiccups", P)], knowledge)
        assert "hiccups: not a word of the vocabulary" in found.unused
        assert found.causes == diagnose(SEED_FIRST, knowledge).causes

    def test_a_later_day_than_asked_counts_for_nothing(self, knowledge: Knowledge) -> None:
        early = diagnose(SEED_SECOND, knowledge, as_of=FIRST - timedelta(days=400))
        told_only = [f for f in SEED_SECOND if f.visit is None]
        assert early.causes == diagnose(told_only, knowledge).causes
