from __future__ import annotations

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marrowtrail.diagnosis.engine import (
    Floats,
    group_evidence,
    group_likelihoods,
    mean_rates,
    posterior,
    rates_at_severity,
    severity_weights,
)
from marrowtrail.diagnosis.evidence import read_findings
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.reasoning import probabilities
from marrowtrail.diagnosis.starting import prior
from marrowtrail.record.findings import Finding, FindingState

from .oracle import slow_likelihood, slow_posterior
from .stories import (
    ANKLE,
    FIRST,
    NECROSIS,
    SEED_FIRST,
    SEED_SECOND,
    SEED_THIRD,
    THIRD,
    A,
    E,
    P,
    not_done,
    told,
)

STATES = st.sampled_from([P, A, E])
COLUMNS = load_knowledge().table.findings
COURSE = sorted(load_knowledge().course.rules.findings)
WORDS = st.sampled_from([*COLUMNS, *COURSE])
RECORDS = st.dictionaries(WORDS, STATES, max_size=25).map(
    lambda record: [Finding(key, state) for key, state in record.items()]
)


def of(posteriors: Floats, diagnosis: str, knowledge: Knowledge) -> float:
    return float(posteriors[knowledge.diagnoses.index(diagnosis)])


class TestAgainstTheSlowTwin:
    @settings(max_examples=40, deadline=None)
    @given(RECORDS)
    def test_any_record(self, findings: list[Finding]) -> None:
        knowledge = load_knowledge()
        evidence = read_findings(findings, knowledge).evidence
        starting = prior(knowledge, "musculoskeletal_mri", ("knee",))
        fast = posterior(
            starting,
            group_likelihoods(group_evidence(evidence, knowledge), mean_rates(knowledge)),
        )
        assert fast == pytest.approx(slow_posterior(evidence, list(starting), knowledge), abs=1e-12)

    @pytest.mark.parametrize("story", [SEED_FIRST, SEED_SECOND, SEED_THIRD, NECROSIS])
    def test_the_stories(self, knowledge: Knowledge, story: list[Finding]) -> None:
        evidence = read_findings(story, knowledge).evidence
        starting = prior(knowledge, "uniform", ("knee",))
        fast = posterior(
            starting,
            group_likelihoods(group_evidence(evidence, knowledge), mean_rates(knowledge)),
        )
        assert fast == pytest.approx(slow_posterior(evidence, list(starting), knowledge), abs=1e-12)

    def test_all_outcomes_of_a_block_and_more_have_probability_1(
        self, knowledge: Knowledge
    ) -> None:
        keys = ["effusion", "synovitis", "erosion", "hla_b27", "t1_hazy_reticular", "nidus"]
        row = knowledge.diagnoses.index("septic_arthritis")
        total = 0.0
        for pattern in itertools.product((P, A), repeat=len(keys)):
            findings = [Finding(k, s) for k, s in zip(keys, pattern, strict=True)]
            total += slow_likelihood(read_findings(findings, knowledge).evidence, row, knowledge)
        assert total == pytest.approx(1.0, abs=1e-12)


class TestPosterior:
    @settings(max_examples=40, deadline=None)
    @given(RECORDS)
    def test_sums_to_1(self, findings: list[Finding]) -> None:
        found = probabilities(findings, load_knowledge())
        assert float(found.sum()) == pytest.approx(1.0, abs=1e-12)
        assert np.all(found > 0)

    @settings(max_examples=30, deadline=None)
    @given(RECORDS, st.sets(WORDS, max_size=10))
    def test_not_done_changes_no_bit(self, findings: list[Finding], more: set[str]) -> None:
        knowledge = load_knowledge()
        with_more = probabilities(findings + not_done(sorted(more)), knowledge)
        assert np.array_equal(probabilities(findings, knowledge), with_more)

    @settings(max_examples=30, deadline=None)
    @given(RECORDS, st.randoms(use_true_random=False))
    def test_order_changes_no_bit(self, findings: list[Finding], rng: random.Random) -> None:
        knowledge = load_knowledge()
        shuffled = findings.copy()
        rng.shuffle(shuffled)
        assert np.array_equal(
            probabilities(findings, knowledge), probabilities(shuffled, knowledge)
        )

    def test_a_finding_read_again_elsewhere_changes_no_bit(self, knowledge: Knowledge) -> None:
        once = SEED_FIRST
        again = [*once, Finding("hla_b27", P, ANKLE, FIRST), Finding("hla_b27", P, None, THIRD)]
        assert np.array_equal(probabilities(once, knowledge), probabilities(again, knowledge))

    def test_no_finding_leaves_the_prior(self, knowledge: Knowledge) -> None:
        starting = prior(knowledge, "rheumatology", ())
        assert probabilities([], knowledge, setting="rheumatology") == pytest.approx(starting)

    @pytest.mark.parametrize("key", ["nidus", "demarcation_band_serpiginous", "effusion"])
    def test_equivocal_lies_between_absent_and_present(
        self, knowledge: Knowledge, key: str
    ) -> None:
        # of likelihoods as they are: raising them to a power keeps odds between, not shares
        literal = knowledge.calibration.model_copy(update={"likelihood_power": 1.0})
        knowledge = replace(knowledge, calibration=literal)
        found = {
            state: probabilities([*SEED_FIRST, Finding(key, state)], knowledge)
            for state in (P, E, A)
        }
        # SEED_FIRST says that there is no demarcation line; the stronger state counts
        assert not np.array_equal(found[P], found[E])
        for name in ("osteoid_osteoma", "avn", "septic_arthritis"):
            values = [of(found[state], name, knowledge) for state in (A, E, P)]
            assert values in (sorted(values), sorted(values, reverse=True))

    @pytest.mark.parametrize("key", ["nidus", "demarcation_band_serpiginous", "effusion"])
    def test_equivocal_keeps_the_odds_of_any_two_between(
        self, knowledge: Knowledge, key: str
    ) -> None:
        absent, equivocal, present = (
            np.log(probabilities([*SEED_FIRST, Finding(key, state)], knowledge))
            for state in (A, E, P)
        )
        odds = [logs[:, None] - logs[None, :] for logs in (absent, equivocal, present)]
        low, high = np.minimum(odds[0], odds[2]), np.maximum(odds[0], odds[2])
        assert (low - 1e-9 <= odds[1]).all()
        assert (odds[1] <= high + 1e-9).all()

    def test_one_wrong_reading_settles_nothing(self, knowledge: Knowledge) -> None:
        found = probabilities(told("nidus"), knowledge)
        assert of(found, "osteoid_osteoma", knowledge) < 0.9


class TestSilence:
    KEY = "sinus_tract"
    SILENT = "osteochondral_lesion"

    def test_is_the_background_and_neither_absence_nor_a_skip(self, knowledge: Knowledge) -> None:
        assert (self.SILENT, self.KEY) not in knowledge.table.rows
        row = knowledge.diagnoses.index(self.SILENT)
        j = knowledge.table.findings.index(self.KEY)
        rates = mean_rates(knowledge)
        assert rates[row, j] == pytest.approx(knowledge.table.background[j])
        assert rates[row, j] > 0

    @pytest.mark.parametrize("state", [P, A])
    def test_holds_a_silent_diagnosis_level_with_none_of_these(
        self, knowledge: Knowledge, state: FindingState
    ) -> None:
        before = probabilities(SEED_FIRST, knowledge)
        after = probabilities([*SEED_FIRST, Finding(self.KEY, state)], knowledge)
        ratios = [
            of(p, self.SILENT, knowledge) / of(p, "none_of_these", knowledge)
            for p in (before, after)
        ]
        assert ratios[0] == pytest.approx(ratios[1])

    def test_presence_moves_it_against_a_described_diagnosis(self, knowledge: Knowledge) -> None:
        before = probabilities(SEED_FIRST, knowledge)
        after = probabilities([*SEED_FIRST, Finding(self.KEY, P)], knowledge)
        ratios = [
            of(p, "osteomyelitis", knowledge) / of(p, self.SILENT, knowledge)
            for p in (before, after)
        ]
        assert ratios[1] > 2 * ratios[0]


class TestBlocks:
    def test_a_severity_keeps_each_rate(self) -> None:
        rates = np.array([0.05, 0.3, 0.8])
        for sign in (1, -1):
            averaged = rates_at_severity(rates, sign, 0.5) @ severity_weights()
            assert averaged == pytest.approx(rates, abs=1e-5)

    def test_members_that_agree_say_less_than_if_independent(self, knowledge: Knowledge) -> None:
        def odds(findings: list[Finding]) -> float:
            found = probabilities(findings, knowledge)
            return of(found, "septic_arthritis", knowledge) / of(found, "oa_bml", knowledge)

        base = odds([])
        alone = [odds(told(key)) / base for key in ("fever", "crp_esr_raised")]
        together = odds(told("fever crp_esr_raised")) / base
        assert max(alone) < together < alone[0] * alone[1]

    def test_one_known_member_is_weighed_as_if_alone(self, knowledge: Knowledge) -> None:
        (group,) = group_evidence(read_findings(told("fever"), knowledge).evidence, knowledge)
        assert group.rho == 0.0
        expected = 0.99 * mean_rates(knowledge)[:, group.columns[0]]
        expected += 0.01 * (1 - mean_rates(knowledge)[:, group.columns[0]])
        assert group_likelihoods([group], mean_rates(knowledge))[:, 0] == pytest.approx(expected)
