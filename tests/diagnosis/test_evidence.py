from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest

from marrowtrail.diagnosis.evidence import (
    UNDATED_FOLLOW_UP_DAYS,
    follow_up_share,
    is_evidence,
    read_findings,
    state_weights,
)
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.reasoning import probabilities
from marrowtrail.record.findings import SOFTWARE, Finding, FindingState

from .stories import (
    ANKLE,
    CONDYLE,
    FIRST,
    PLATEAU,
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
        findings = SEED_THIRD[5:10]
        readings = {read_findings(p, knowledge) for p in itertools.permutations(findings)}
        assert len(readings) == 1

    def test_not_done_is_no_evidence_and_no_complaint(self, knowledge: Knowledge) -> None:
        reading = read_findings(not_done(["effusion", "hla_b27"]), knowledge)
        assert reading.evidence == ()
        assert reading.unused == ()

    def test_not_done_at_one_site_hides_nothing_at_another(self, knowledge: Knowledge) -> None:
        findings = not_done(["effusion"]) + seen(CONDYLE, FIRST, "", "effusion")
        assert states(findings, knowledge) == {"effusion": A}


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

    def test_the_shortest_time_within_which_oedema_went(self, knowledge: Knowledge) -> None:
        found = states(told("resolves_by_6m resolves_by_12m resolves_by_24m"), knowledge)
        assert found == {"resolves_by_6m": P}

    def test_with_the_longest_after_which_it_was_still_there(self, knowledge: Knowledge) -> None:
        found = states(told("resolves_by_12m", "resolves_by_3m resolves_by_4m"), knowledge)
        assert found == {"resolves_by_4m": A, "resolves_by_12m": P}

    def test_gone_before_it_was_still_there_is_a_contradiction(self, knowledge: Knowledge) -> None:
        reading = read_findings(told("resolves_by_3m", "resolves_by_12m"), knowledge)
        assert reading.evidence == ()
        assert "contradict" in reading.unused[0]


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


class TestAwaited:
    def share(self, knowledge: Knowledge, days: int | None) -> float:
        findings = seen(CONDYLE, FIRST, "bme_present")
        visit = None if days is None else FIRST + timedelta(days=days)
        findings.append(Finding("shift_other_joint", A, None, visit))
        (evidence,) = read_findings(findings, knowledge).evidence
        return evidence.followed_share

    def test_absence_weighs_more_the_longer_the_wait(self, knowledge: Knowledge) -> None:
        shares = [self.share(knowledge, days) for days in (0, 30, 365, 3650)]
        assert shares == sorted(shares)
        assert shares[0] == 0.0
        assert shares[-1] > 0.99

    def test_no_wait_says_nothing(self, knowledge: Knowledge) -> None:
        findings = [
            *seen(CONDYLE, FIRST, "bme_present"),
            Finding("shift_other_joint", A, PLATEAU, FIRST),
        ]
        (evidence,) = read_findings(findings, knowledge).evidence
        assert (evidence.present_weight, evidence.absent_weight) == (1.0, 1.0)

    def test_an_undated_wait_is_half_a_year(self, knowledge: Knowledge) -> None:
        tau = knowledge.tau_days_of["shift_other_joint"]
        assert self.share(knowledge, None) == follow_up_share(UNDATED_FOLLOW_UP_DAYS, tau)

    def test_presence_needs_no_waiting(self, knowledge: Knowledge) -> None:
        (evidence,) = read_findings(told("shift_other_joint"), knowledge).evidence
        assert (evidence.present_weight, evidence.absent_weight) == state_weights(
            P, knowledge.reading_error["shift_other_joint"]
        )


class TestOedema:
    def test_first_seen_where_it_is_present(self, knowledge: Knowledge) -> None:
        findings = seen(ANKLE, date(2019, 1, 1), "", "bme_present") + SEED_THIRD
        assert read_findings(findings, knowledge).first_oedema == FIRST

    def test_absent_only_if_absent_everywhere(self, knowledge: Knowledge) -> None:
        absent = seen(CONDYLE, FIRST, "", "bme_present")
        assert read_findings(absent, knowledge).oedema is A
        assert read_findings(absent + seen(ANKLE, THIRD, "bme_present"), knowledge).oedema is P
        assert read_findings([], knowledge).oedema is None


class TestHealingUnderTreatment:
    HEALED = told("resolves_by_6m", "resolves_by_3m")

    def weights(self, findings: list[Finding], knowledge: Knowledge) -> dict[str, float]:
        return {e.finding: e.absent_weight for e in read_findings(findings, knowledge).evidence}

    @pytest.mark.parametrize("response", [P, A])
    def test_counts_in_part_whatever_the_response(
        self, knowledge: Knowledge, response: FindingState
    ) -> None:
        treated = [*self.HEALED, Finding("response_bisphosphonate", response)]
        alone, given = self.weights(self.HEALED, knowledge), self.weights(treated, knowledge)
        assert given["resolves_by_6m"] == pytest.approx(0.5 + 0.5 * alone["resolves_by_6m"])
        assert given["resolves_by_3m"] == alone["resolves_by_3m"]
        said = read_findings(treated, knowledge).unused
        assert any("counted in part" in line for line in said)

    def test_a_treatment_that_was_not_given_changes_nothing(self, knowledge: Knowledge) -> None:
        undone = [*self.HEALED, *not_done(["response_bisphosphonate"])]
        assert self.weights(undone, knowledge) == self.weights(self.HEALED, knowledge)

    def test_healing_then_speaks_less_for_a_transient_disease(self, knowledge: Knowledge) -> None:
        base = told("bme_large_diffuse")
        treated = [*base, Finding("response_iloprost", P)]
        rows = [knowledge.diagnoses.index(d) for d in knowledge.disease("rmo")]

        def gain(findings: list[Finding]) -> float:
            healed = [*findings, *told("resolves_by_3m")]
            before, after = (probabilities(f, knowledge)[rows].sum() for f in (findings, healed))
            return float(after / before)

        assert 1.0 < gain(treated) < gain(base)
