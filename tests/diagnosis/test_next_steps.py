from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from marrowtrail.diagnosis.engine import Floats
from marrowtrail.diagnosis.evidence import Reading, read_findings
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.next_steps import bits_of_test, expected_bits, next_steps
from marrowtrail.diagnosis.reasoning import probabilities
from marrowtrail.diagnosis.starting import joints_of_onset, prior
from marrowtrail.record.findings import Finding

from .oracle import slow_likelihood, slow_posterior
from .stories import NECROSIS, SECOND, SEED_FIRST, SEED_SECOND, SEED_THIRD, A, P, told


def bits_of(key: str, findings: list[Finding], knowledge: Knowledge) -> float:
    test = next(t for t in knowledge.tests if t.key == key)
    reading = read_findings(findings, knowledge)
    return bits_of_test(test, reading, probabilities(findings, knowledge), knowledge)


def starting_of(reading: Reading, findings: list[Finding], knowledge: Knowledge) -> Floats:
    joints = joints_of_onset(findings, knowledge)
    return prior(knowledge, "musculoskeletal_mri", joints, reading.days_followed)


def bits_of_the_rates(key: str, findings: list[Finding], knowledge: Knowledge) -> float:
    """As :func:`bits_of`, of each diagnosis alone and with likelihoods as they are."""
    test = next(t for t in knowledge.tests if t.key == key)
    reading = read_findings(findings, knowledge)
    starting = starting_of(reading, findings, knowledge)
    now = np.array(slow_posterior(reading.evidence, list(starting), knowledge))
    return bits_of_test(test, reading, now, knowledge)


def entropy(values: list[float]) -> float:
    return -sum(v * math.log2(v) for v in values if v > 0)


def slow_bits(keys: list[str], findings: list[Finding], knowledge: Knowledge) -> float:
    """Expected fall of entropy by ranking again after every outcome."""
    reading = read_findings(findings, knowledge)
    known, starting = reading.evidence, starting_of(reading, findings, knowledge)
    rows = range(len(starting))
    now = [starting[i] * slow_likelihood(known, i, knowledge) for i in rows]
    evidence_now = sum(now)
    expected = 0.0
    for pattern in itertools.product((P, A), repeat=len(keys)):
        more = [Finding(k, s) for k, s in zip(keys, pattern, strict=True)]
        evidence = read_findings([*findings, *more], knowledge).evidence
        after = [starting[i] * slow_likelihood(evidence, i, knowledge) for i in rows]
        expected += sum(after) / evidence_now * entropy([v / sum(after) for v in after])
    return entropy([v / evidence_now for v in now]) - expected


class TestBits:
    def test_a_test_that_tells_two_apart_brings_one_bit(self) -> None:
        outcomes = np.array([[1.0, 0.0], [0.0, 1.0]])
        assert expected_bits(np.array([0.5, 0.5]), outcomes) == pytest.approx(1.0)

    def test_a_test_that_tells_nothing_brings_none(self) -> None:
        outcomes = np.array([[0.3, 0.3], [0.7, 0.7]])
        assert expected_bits(np.array([0.2, 0.8]), outcomes) == pytest.approx(0.0)

    def test_nothing_is_left_to_tell_of_a_certainty(self) -> None:
        outcomes = np.array([[0.9, 0.1], [0.1, 0.9]])
        assert expected_bits(np.array([1.0, 0.0]), outcomes) == pytest.approx(0.0)

    @pytest.mark.parametrize("story", [SEED_FIRST, NECROSIS])
    def test_as_ranking_again_after_every_outcome(
        self, knowledge: Knowledge, story: list[Finding]
    ) -> None:
        keys = ["crp_esr_raised", "leukocytosis"]
        expected = slow_bits(keys, story, knowledge)
        bits = bits_of_the_rates("blood_inflammation", story, knowledge)
        assert bits == pytest.approx(expected, abs=1e-9)
        assert expected > 1e-4

    def test_with_part_of_the_block_known_already(self, knowledge: Knowledge) -> None:
        story = [*SEED_SECOND, Finding("effusion", A), Finding("synovitis", A)]
        keys = ["erosion", "soft_tissue_oedema", "enthesis_centred_bme", "periosteal_reaction"]
        expected = slow_bits(keys, story, knowledge)
        bits = bits_of_the_rates("mri_second_reading", story, knowledge)
        assert bits == pytest.approx(expected, abs=1e-9)
        assert expected > 0.01


class TestSteps:
    def test_the_most_informative_comes_first(self, knowledge: Knowledge) -> None:
        reading = read_findings(SEED_FIRST, knowledge)
        steps = next_steps(reading, probabilities(SEED_FIRST, knowledge), knowledge)
        assert [s.bits for s in steps] == sorted((s.bits for s in steps), reverse=True)
        assert 0 < len(steps) <= 6
        assert all(s.delay and s.burden for s in steps)

    def test_what_is_known_is_not_asked_again(self, knowledge: Knowledge) -> None:
        assert bits_of("hla_b27", told("effusion"), knowledge) > 0.0
        assert bits_of("hla_b27", SEED_FIRST, knowledge) == 0.0

    def test_a_shift_not_seen_yet_may_still_come(self, knowledge: Knowledge) -> None:
        reading = read_findings(SEED_SECOND, knowledge)
        assert reading.state_of("shift_other_joint") is A
        steps = next_steps(reading, probabilities(SEED_SECOND, knowledge), knowledge)
        waiting = next(s for s in steps if s.key == "rescan_12_months")
        assert "another joint" in waiting.why

    def test_a_shift_that_was_seen_is_not_waited_for(self, knowledge: Knowledge) -> None:
        reading = read_findings(SEED_THIRD, knowledge)
        steps = next_steps(reading, probabilities(SEED_THIRD, knowledge), knowledge)
        assert all("another joint" not in s.why for s in steps if s.key.startswith("rescan"))

    def test_a_longer_wait_tells_more_of_a_shift(self, knowledge: Knowledge) -> None:
        healed = Finding("resolves_by_3m", P, None, SECOND)
        story = [*SEED_FIRST, healed]
        short, long = (
            bits_of(key, story, knowledge) for key in ("rescan_3_months", "rescan_12_months")
        )
        assert long > short
