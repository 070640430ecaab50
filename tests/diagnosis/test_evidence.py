from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import pytest

from marrowtrail.diagnosis.evidence import is_evidence, read_findings
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.record.findings import SOFTWARE, Finding, FindingState
from marrowtrail.record.merge import ACCEPTED_BY_OPTION

from .stories import (
    ANKLE,
    CONDYLE,
    FIRST,
    SEED_THIRD,
    THIRD,
    A,
    E,
    P,
    not_done,
    seen,
    told,
)


def states(findings: list[Finding], knowledge: Knowledge) -> dict[str, FindingState]:
    return {e.finding: e.state for e in read_findings(findings, knowledge).evidence}


class TestOncePerFinding:
    def test_present_anywhere_is_present(self, knowledge: Knowledge) -> None:
        findings = seen(CONDYLE, FIRST, "", "effusion") + seen(ANKLE, THIRD, "effusion")
        assert states(findings, knowledge) == {"effusion": P}

    def test_equivocal_outweighs_absent(self, knowledge: Knowledge) -> None:
        findings = [Finding("effusion", E, CONDYLE, FIRST), Finding("effusion", A, ANKLE, FIRST)]
        assert states(findings, knowledge) == {"effusion": E}

    def test_any_order_gives_the_same_reading(self, knowledge: Knowledge) -> None:
        findings = [*SEED_THIRD[5:8], *SEED_THIRD[-6:-2]]
        readings = {read_findings(p, knowledge) for p in itertools.permutations(findings)}
        assert len(readings) == 1

    def test_not_done_is_no_evidence_and_no_complaint(self, knowledge: Knowledge) -> None:
        reading = read_findings(not_done(["effusion", "hla_b27"]), knowledge)
        assert reading.evidence == ()
        assert reading.unused == ()

    def test_not_done_at_one_site_hides_nothing_at_another(self, knowledge: Knowledge) -> None:
        findings = not_done(["effusion"]) + seen(CONDYLE, FIRST, "", "effusion")
        assert states(findings, knowledge) == {"effusion": A}


class TestWhoLooked:
    LINE = "subchondral_line_thin"

    def weights(self, knowledge: Knowledge, state: FindingState, **by: str) -> tuple[float, float]:
        (one,) = read_findings(
            [Finding(self.LINE, state, CONDYLE, FIRST, **by)], knowledge
        ).evidence
        return one.present_weight, one.absent_weight

    def test_what_the_program_misses_counts_less_when_it_calls_it_absent(
        self, knowledge: Knowledge
    ) -> None:
        missed, not_there = self.weights(knowledge, A, entered_by=SOFTWARE)
        assert missed == pytest.approx(5.5 / 20), "5 of 19 lines, half a case added"
        assert not_there == pytest.approx(1 - 3.5 / 100), "3 of 99 invented"
        assert missed / not_there > 10 * np.divide(*self.weights(knowledge, A))

    def test_and_present_counts_as_it_seldom_invents(self, knowledge: Knowledge) -> None:
        there, invented = self.weights(knowledge, P, entered_by=SOFTWARE)
        assert (there, invented) == pytest.approx((1 - 5.5 / 20, 3.5 / 100))

    def test_a_reader_who_confirms_brings_the_error_of_readers(self, knowledge: Knowledge) -> None:
        confirmed = self.weights(knowledge, A, entered_by=SOFTWARE, confirmed_by="reader")
        assert confirmed == self.weights(knowledge, A) == (0.02, 0.98)

    def test_an_option_that_accepts_all_is_no_reader(self, knowledge: Knowledge) -> None:
        accepted = self.weights(knowledge, A, entered_by=SOFTWARE, confirmed_by=ACCEPTED_BY_OPTION)
        assert accepted == self.weights(knowledge, A, entered_by=SOFTWARE)

    def test_the_program_is_never_surer_than_a_reader(self, knowledge: Knowledge) -> None:
        for key, errors in knowledge.program_error.items():
            assert min(errors.missed, errors.invented) >= knowledge.reading_error[key]


class TestContradictions:
    def test_the_reader_holds_against_the_program(self, knowledge: Knowledge) -> None:
        proposed = Finding("effusion", P, CONDYLE, FIRST, entered_by=SOFTWARE)
        entered = Finding("effusion", A, CONDYLE, FIRST, entered_by="reader")
        reading = read_findings([proposed, entered], knowledge)
        assert reading.state_of("effusion") is A
        assert reading.unused == ()

    def test_a_confirmed_proposal_is_not_overruled(self, knowledge: Knowledge) -> None:
        proposed = Finding(
            "effusion", P, CONDYLE, FIRST, entered_by=SOFTWARE, confirmed_by="reader"
        )
        entered = Finding("effusion", A, CONDYLE, FIRST, entered_by="reader")
        assert read_findings([proposed, entered], knowledge).state_of("effusion") is E

    def test_present_and_absent_at_one_place_is_equivocal_and_said(
        self, knowledge: Knowledge
    ) -> None:
        findings = [Finding("effusion", P, CONDYLE, FIRST), Finding("effusion", A, CONDYLE, FIRST)]
        reading = read_findings(findings, knowledge)
        assert reading.state_of("effusion") is E
        assert "joint effusion" in reading.unused[0]

    def test_another_visit_is_no_contradiction(self, knowledge: Knowledge) -> None:
        findings = [Finding("effusion", P, CONDYLE, THIRD), Finding("effusion", A, CONDYLE, FIRST)]
        reading = read_findings(findings, knowledge)
        assert reading.state_of("effusion") is P
        assert reading.unused == ()


class TestGroups:
    def test_the_part_counts_and_not_the_whole(self, knowledge: Knowledge) -> None:
        assert states(told("age_lt_30 age_16_29"), knowledge) == {"age_16_29": P}

    def test_a_band_that_is_present_makes_absent_ones_needless(self, knowledge: Knowledge) -> None:
        assert states(told("age_30_59", "age_lt_30 age_ge_60"), knowledge) == {"age_30_59": P}

    def test_an_absent_band_alone_counts(self, knowledge: Knowledge) -> None:
        assert states(told("", "age_ge_60"), knowledge) == {"age_ge_60": A}

    def test_two_bands_at_once_count_as_neither(self, knowledge: Knowledge) -> None:
        reading = read_findings(told("age_30_59 age_ge_60"), knowledge)
        assert reading.evidence == ()
        assert "exclude each other" in reading.unused[0]


class TestWhatIsNoEvidence:
    @pytest.mark.parametrize(
        ("key", "said"),
        [
            ("bme_present", "every cause"),
            ("site_knee", "starting probabilities"),
            ("response_bisphosphonate", "heal unaided"),
            ("calcium_abnormal", "no source"),
            ("limp", "too few"),
            ("no_such_word", "vocabulary"),
        ],
    )
    def test_comes_back_with_its_reason(self, knowledge: Knowledge, key: str, said: str) -> None:
        reading = read_findings([Finding(key, P)], knowledge)
        assert reading.evidence == ()
        assert said in reading.unused[0]
        assert not is_evidence(key, knowledge)

    def test_what_is_evidence_does_not(self, knowledge: Knowledge) -> None:
        assert is_evidence("effusion", knowledge)
        assert read_findings(told("effusion"), knowledge).unused == ()

    def test_a_word_for_another_counts_when_present(self, knowledge: Knowledge) -> None:
        assert states(told("skin_warm"), knowledge) == {"skin_temperature_change": P}

    def test_and_says_nothing_when_absent(self, knowledge: Knowledge) -> None:
        reading = read_findings(told("", "skin_warm"), knowledge)
        assert reading.evidence == ()
        assert "only when it is present" in reading.unused[0]


class TestOedema:
    def test_first_seen_where_it_is_present(self, knowledge: Knowledge) -> None:
        findings = seen(ANKLE, date(2019, 1, 1), "", "bme_present") + SEED_THIRD
        assert read_findings(findings, knowledge).first_oedema == FIRST

    def test_absent_only_if_absent_everywhere(self, knowledge: Knowledge) -> None:
        absent = seen(CONDYLE, FIRST, "", "bme_present")
        assert read_findings(absent, knowledge).oedema is A
        assert read_findings(absent + seen(ANKLE, THIRD, "bme_present"), knowledge).oedema is P
        assert read_findings([], knowledge).oedema is None


class TestWhatTheCourseTakesOver:
    @pytest.mark.parametrize("key", ["resolves_by_6m", "shift_other_joint", "progression_collapse"])
    @pytest.mark.parametrize("state", [P, A, E])
    def test_is_no_column_of_the_product(
        self, knowledge: Knowledge, key: str, state: FindingState
    ) -> None:
        reading = read_findings([Finding(key, state)], knowledge)
        assert reading.evidence == ()
        assert reading.unused == ()
        assert not reading.says_nothing
        assert key not in knowledge.table.findings

    def test_pain_that_moved_counts_only_where_no_image_shows_the_move(
        self, knowledge: Knowledge
    ) -> None:
        told_of = told("migration_of_symptoms")
        seen_too = [*told_of, Finding("shift_other_joint", P, ANKLE, THIRD)]
        unsure = [*told_of, Finding("shift_other_joint", E, ANKLE, THIRD)]
        assert states(told_of, knowledge) == {"migration_of_symptoms": P}
        assert states(unsure, knowledge) == {"migration_of_symptoms": P}
        assert states(seen_too, knowledge) == {}
        assert any("counts already" in line for line in read_findings(seen_too, knowledge).unused)

    def test_the_direction_of_a_move_is_no_evidence_beside_it(self, knowledge: Knowledge) -> None:
        reading = read_findings(told("proximal_to_distal_spread"), knowledge)
        assert reading.says_nothing
        assert "counted in the course" in reading.unused[0]
