"""Whole patients: what a clinician must be told, and must not."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date, timedelta

import pytest

from marrowtrail.diagnosis.differential import Differential, LedgerStatus, Standing
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.reasoning import diagnose
from marrowtrail.errors import InputError
from marrowtrail.record.findings import SOFTWARE, Finding
from marrowtrail.record.sites import Side, Site

from .stories import (
    ANKLE,
    CONDYLE,
    FIRST,
    HEALTHY,
    NECROSIS,
    SECOND,
    SEED_FIRST,
    SEED_SECOND,
    SEED_THIRD,
    THIRD,
    A,
    P,
    seen,
    told,
)

TRANSIENT = ("rmo", "toh", "bmes", "isbme")
SETTINGS = ("musculoskeletal_mri", "rheumatology", "uniform")


def share(found: Differential, *diagnoses: str) -> float:
    return sum(c.probability for c in found.causes if c.diagnosis in diagnoses)


def status(found: Differential, diagnosis: str) -> LedgerStatus:
    return next(line.status for line in found.ledger if line.diagnosis == diagnosis)


class TestTheSeedPatient:
    @pytest.mark.parametrize("setting", SETTINGS)
    def test_migratory_osteoporosis_leads_after_the_ankle(
        self, knowledge: Knowledge, setting: str
    ) -> None:
        found = diagnose(SEED_THIRD, knowledge, setting=setting)
        assert found.causes[0].diagnosis == "rmo"
        assert found.causes[0].probability > 1.5 * found.causes[1].probability
        assert found.conclusion.startswith("Regional migratory osteoporosis is the leading")

    def test_a_shift_within_the_joint_leaves_it_and_a_move_to_another_raises_it(
        self, knowledge: Knowledge
    ) -> None:
        stories = (SEED_FIRST, SEED_SECOND, SEED_THIRD)
        steps = [share(diagnose(story, knowledge), "rmo") for story in stories]
        assert steps[1] > 0.9 * steps[0]
        assert steps[0] < 0.05
        assert steps[2] > 5 * steps[1]

    @pytest.mark.parametrize("setting", ["musculoskeletal_mri", "uniform", "bone_clinic"])
    def test_before_any_shift_the_transient_family_leads(
        self, knowledge: Knowledge, setting: str
    ) -> None:
        found = diagnose(SEED_FIRST, knowledge, setting=setting)
        assert found.conclusion.startswith("Transient bone marrow oedema is the leading")
        assert "migratory osteoporosis cannot be claimed until oedema has" in found.conclusion
        assert share(found, *TRANSIENT) > share(found, "spa_arthritis")

    def test_before_the_shift_it_is_not_claimed(self, knowledge: Knowledge) -> None:
        found = diagnose(SEED_SECOND, knowledge)
        assert found.conclusion.startswith("Bone marrow oedema shifting within a joint is the lead")
        assert "migratory osteoporosis cannot be claimed until oedema has" in found.conclusion
        assert share(found, "rmo") < share(found, "isbme")

    def test_nor_when_nothing_stands_out(self, knowledge: Knowledge) -> None:
        undated = told("sex_male bme_large_diffuse pain_weight_bearing")
        found = diagnose(undated, knowledge)
        assert found.conclusion.startswith("No cause stands out")
        assert "migratory osteoporosis cannot be claimed until oedema has" in found.conclusion

    def test_nor_is_it_spoken_of_where_it_hardly_counts(self, knowledge: Knowledge) -> None:
        assert "cannot be claimed" not in diagnose(NECROSIS, knowledge).conclusion

    def test_after_the_shift_nothing_is_withheld(self, knowledge: Knowledge) -> None:
        assert "cannot be claimed" not in diagnose(SEED_THIRD, knowledge).conclusion

    def test_every_alternative_of_the_report_is_answered(self, knowledge: Knowledge) -> None:
        found = diagnose(SEED_THIRD, knowledge)
        read = diagnose([replace(f, confirmed_by="reader") for f in SEED_THIRD], knowledge)
        for diagnosis in ("avn", "sif"):
            assert status(found, diagnosis) is LedgerStatus.EXCLUDED_IF_CONFIRMED
            assert status(read, diagnosis) is LedgerStatus.EXCLUDED_BY_TEST
        answered = {line.diagnosis: line.explanation for line in found.ledger}
        for diagnosis in ("spa_enthesitis", "spa_arthritis", "ra", "cno", "osteomyelitis"):
            assert len(answered[diagnosis]) > 40
        assert "distal tibial epiphysis on 1 July 2020" in answered["avn"]

    def test_no_synovitis_excludes_the_arthritis_of_spondyloarthritis(
        self, knowledge: Knowledge
    ) -> None:
        before = diagnose(SEED_THIRD, knowledge)
        reader = [Finding(k, A, CONDYLE, FIRST) for k in ("synovitis", "effusion")]
        after = diagnose([*SEED_THIRD, *reader], knowledge)
        assert status(before, "spa_arthritis") in (LedgerStatus.OPEN, LedgerStatus.UNLIKELY)
        assert status(after, "spa_arthritis") is LedgerStatus.EXCLUDED_BY_TEST
        assert share(after, "spa_arthritis") < share(before, "spa_arthritis") / 3

    def test_to_look_for_synovitis_is_among_the_next_steps(self, knowledge: Knowledge) -> None:
        steps = diagnose(SEED_THIRD, knowledge).next_steps[:3]
        assert any("synovitis" in step.why for step in steps)

    def test_as_of_an_earlier_visit_nothing_later_is_known(self, knowledge: Knowledge) -> None:
        dated = [f for f in SEED_THIRD if f.visit is not None]
        early = [f for f in dated if f.visit == FIRST]
        found = diagnose(dated, knowledge, as_of=SECOND - timedelta(days=1))
        assert found.causes == diagnose(early, knowledge).causes
        assert found.causes != diagnose(dated, knowledge, as_of=THIRD).causes

    def test_ibandronate_without_effect_is_named_as_unused(self, knowledge: Knowledge) -> None:
        unused = diagnose(SEED_THIRD, knowledge).unused
        assert any("bisphosphonate" in line and "heal unaided" in line for line in unused)

    def test_the_shift_is_marked_as_definitional(self, knowledge: Knowledge) -> None:
        found = diagnose(SEED_THIRD, knowledge)
        bar = next(b for b in found.bars if "shift_other_joint" in b.findings)
        assert bar.diagnosis == "rmo"
        assert bar.note.startswith("definitional")
        assert bar.log10_ratio > 0.5
        assert bar.low <= bar.log10_ratio <= bar.high


class TestNecrosis:
    @pytest.mark.parametrize("setting", SETTINGS)
    def test_leads_with_its_reasons(self, knowledge: Knowledge, setting: str) -> None:
        found = diagnose(NECROSIS, knowledge, setting=setting)
        assert found.causes[0].diagnosis == "avn"
        assert found.causes[0].probability > 0.6
        assert "demarcation line" in found.conclusion
        assert share(found, *TRANSIENT) < 0.05

    def test_without_the_line_it_does_not(self, knowledge: Knowledge) -> None:
        findings = [f for f in NECROSIS if f.key != "demarcation_band_serpiginous"]
        findings.append(Finding("demarcation_band_serpiginous", A, None, THIRD))
        assert share(diagnose(findings, knowledge), "avn") < 0.5


class TestNothingToSay:
    def test_no_oedema_means_nothing_to_explain(self, knowledge: Knowledge) -> None:
        found = diagnose(HEALTHY, knowledge)
        assert found.conclusion.startswith("No bone marrow oedema was found")
        assert (found.bars, found.ledger, found.next_steps) == ((), (), ())
        prior = [c.probability for c in diagnose([], knowledge).causes]
        assert [c.probability for c in found.causes] == pytest.approx(prior)
        assert share(found, *[c.diagnosis for c in found.causes]) == pytest.approx(1.0)

    def test_no_findings_give_the_prior_and_say_so(self, knowledge: Knowledge) -> None:
        found = diagnose([], knowledge)
        assert "says nothing about this patient" in found.conclusion
        assert found.bars == ()
        assert all(c.low == pytest.approx(c.high, abs=1e-12) for c in found.causes)

    @pytest.mark.parametrize(
        ("setting", "said"),
        [
            ("musculoskeletal_mri", "set by judgement and without an interval"),
            ("uniform", "set by convention and without an interval"),
            ("bone_clinic", "set from an audit and without an interval"),
        ],
    )
    def test_a_starting_point_has_no_interval_and_says_so(
        self, knowledge: Knowledge, setting: str, said: str
    ) -> None:
        assert said in diagnose([], knowledge, setting=setting).conclusion
        told_something = diagnose(SEED_FIRST, knowledge, setting=setting).conclusion
        assert "without an interval" not in told_something

    def test_oedema_alone_says_no_more(self, knowledge: Knowledge) -> None:
        found = diagnose(seen(CONDYLE, FIRST, "bme_present"), knowledge)
        assert "says nothing about this patient" in found.conclusion

    def test_little_knowledge_leaves_it_undecided(self, knowledge: Knowledge) -> None:
        found = diagnose(told("sex_male"), knowledge)
        assert found.conclusion.startswith("No cause stands out")

    def test_a_site_beyond_the_lower_limb_is_named(self, knowledge: Knowledge) -> None:
        ilium = Site("hip_bone", Side.LEFT)
        sacrum = Site("sacrum", Side.MIDLINE)
        beyond = diagnose(told("hla_b27") + seen(sacrum, FIRST, "bme_present"), knowledge)
        within = diagnose(told("hla_b27") + seen(ilium, FIRST, "bme_present"), knowledge)
        assert "outside the lower limb" in beyond.conclusion
        assert "outside the lower limb" not in within.conclusion

    def test_an_unknown_setting(self, knowledge: Knowledge) -> None:
        with pytest.raises(InputError, match="uniform"):
            diagnose([], knowledge, setting="casino")


class TestEveryAnswer:
    STORIES = (SEED_FIRST, SEED_SECOND, SEED_THIRD, NECROSIS, HEALTHY, [])

    @pytest.mark.parametrize("story", STORIES, ids=range(6))
    def test_is_whole(self, knowledge: Knowledge, story: list[Finding]) -> None:
        found = diagnose(story, knowledge)
        probabilities = [c.probability for c in found.causes]
        assert sum(probabilities) == pytest.approx(1.0, abs=1e-12)
        assert probabilities == sorted(probabilities, reverse=True)
        assert len(found.causes) == len(knowledge.diagnoses)
        assert all(0 <= c.low <= c.probability <= c.high <= 1 for c in found.causes)
        assert found.knowledge_hash == knowledge.hash

    def test_is_the_same_twice(self, knowledge: Knowledge) -> None:
        first, second = (diagnose(SEED_THIRD, knowledge) for _ in range(2))
        assert json.dumps(asdict(first), default=str) == json.dumps(asdict(second), default=str)

    def test_is_the_same_in_any_order(self, knowledge: Knowledge) -> None:
        assert diagnose(SEED_THIRD[::-1], knowledge) == diagnose(SEED_THIRD, knowledge)


class TestBars:
    def test_three_diseases_and_not_three_labels_of_one(self, knowledge: Knowledge) -> None:
        compared = {b.diagnosis for b in diagnose(SEED_THIRD, knowledge).bars}
        assert len(compared) == 3
        assert len(compared & set(TRANSIENT)) == 1

    def test_known_spondyloarthritis_is_explained_by_itself_and_not_by_rmo(
        self, knowledge: Knowledge
    ) -> None:
        found = diagnose(SEED_THIRD, knowledge)
        (bar,) = [b for b in found.bars if b.diagnosis == "rmo" and "spa_known" in b.findings]
        assert bar.explained_by == "spa_enthesitis"
        assert "second disease" in bar.note
        assert "Explained by a second disease: spondyloarthritis already known" in found.conclusion
        assert found.composites[0].key == "transient_in_spa"
        assert found.composites[0].probability < share(found, "rmo")

    def test_without_it_there_is_no_second_disease(self, knowledge: Knowledge) -> None:
        alone = [f for f in SEED_THIRD if f.key not in ("spa_known", "hla_b27")]
        found = diagnose(alone, knowledge)
        assert found.composites == ()
        assert all(bar.explained_by == "" for bar in found.bars)
        assert "second disease" not in found.conclusion

    def test_every_number_has_its_source_or_says_that_it_has_none(
        self, knowledge: Knowledge
    ) -> None:
        for bar in diagnose(SEED_THIRD, knowledge).bars:
            assert bar.citations or bar.note
            for citation in bar.citations:
                assert citation.reference or citation.source == "memory"
                assert citation.read is False or citation.source != "memory"


class TestRedFlags:
    @pytest.mark.parametrize(
        ("present", "category"),
        [
            ("fever crp_esr_raised", "infection"),
            ("sinus_tract", "infection"),
            ("soft_tissue_mass", "malignancy"),
            ("weight_loss rest_night_pain", "malignancy"),
            ("contour_collapse", "impending_collapse"),
        ],
    )
    def test_are_called(self, knowledge: Knowledge, present: str, category: str) -> None:
        flags = diagnose(told(present), knowledge).red_flags
        assert category in {flag.category for flag in flags}

    @pytest.mark.parametrize(
        ("present", "absent"),
        [("fever", ""), ("fever", "crp_esr_raised"), ("weight_loss", ""), ("", "sinus_tract")],
    )
    def test_are_not_called(self, knowledge: Knowledge, present: str, absent: str) -> None:
        assert diagnose(told(present, absent), knowledge).red_flags == ()

    def test_are_called_without_oedema_too(self, knowledge: Knowledge) -> None:
        findings = [*HEALTHY, *told("soft_tissue_mass")]
        assert diagnose(findings, knowledge).red_flags[0].category == "malignancy"

    def test_say_what_called_them(self, knowledge: Knowledge) -> None:
        (flag,) = diagnose(told("fever crp_esr_raised"), knowledge).red_flags
        assert flag.explanation.startswith("Fever and raised CRP or ESR: may be infection")


class TestSepticArthritisIsExcludedInTimeAndPlace:
    """A normal CRP of months ago says nothing of the joint that hurts now."""

    START = (
        Finding("bme_present", P, CONDYLE, FIRST),
        Finding("bme_present", A, CONDYLE, THIRD),
        Finding("bme_present", P, ANKLE, THIRD),
        Finding("fever", A),
    )

    def answer(self, knowledge: Knowledge, *more: Finding) -> LedgerStatus:
        return status(diagnose([*self.START, *more], knowledge), "septic_arthritis")

    def test_an_old_value_excludes_nothing_and_a_new_one_does(self, knowledge: Knowledge) -> None:
        old, new = (Finding("crp_esr_raised", A, None, day) for day in (FIRST, THIRD))
        assert self.answer(knowledge, old) is not LedgerStatus.EXCLUDED_BY_TEST
        assert self.answer(knowledge, old, new) is LedgerStatus.EXCLUDED_BY_TEST

    def test_a_value_without_a_date_holds_for_the_record(self, knowledge: Knowledge) -> None:
        undated = Finding("crp_esr_raised", A)
        assert self.answer(knowledge, undated) is LedgerStatus.EXCLUDED_BY_TEST

    def test_a_dry_knee_says_nothing_of_the_ankle(self, knowledge: Knowledge) -> None:
        knee, ankle = (Finding("effusion", A, site, THIRD) for site in (CONDYLE, ANKLE))
        assert self.answer(knowledge, knee) is not LedgerStatus.EXCLUDED_BY_TEST
        assert self.answer(knowledge, knee, ankle) is LedgerStatus.EXCLUDED_BY_TEST

    def test_nor_does_a_tibia_of_which_no_end_is_named(self, knowledge: Knowledge) -> None:
        knee = Finding("effusion", A, CONDYLE, THIRD)
        either = Finding("effusion", A, Site("tibia", Side.RIGHT), THIRD)
        assert self.answer(knowledge, knee, either) is not LedgerStatus.EXCLUDED_BY_TEST


class TestTheLedgerHoldsRivalsOfTheGroup:
    @pytest.mark.parametrize(
        ("told_of", "lead", "rivals"),
        [
            (
                "nidus rest_night_pain nsaid_marked_relief",
                "osteoid_osteoma",
                ("marrow_malignancy", "bone_sarcoma"),
            ),
            ("culture_positive sinus_tract abscess", "osteomyelitis", ("septic_arthritis",)),
        ],
    )
    def test_and_not_the_leading_one_itself(
        self, knowledge: Knowledge, told_of: str, lead: str, rivals: tuple[str, ...]
    ) -> None:
        found = diagnose([*told(told_of), Finding("bme_present", P, CONDYLE, FIRST)], knowledge)
        listed = [line.diagnosis for line in found.ledger]
        assert found.causes[0].diagnosis == lead
        assert set(rivals) <= set(listed)
        assert lead not in listed
        assert len(listed) == len(set(listed))


class TestTheLedger:
    def line(self, findings: list[Finding], knowledge: Knowledge, diagnosis: str) -> LedgerStatus:
        return status(diagnose(findings, knowledge), diagnosis)

    def test_one_early_reading_does_not_exclude_necrosis(self, knowledge: Knowledge) -> None:
        undated = [f for f in SEED_THIRD if f.key != "demarcation_band_serpiginous"]
        undated = [f for f in undated if f.key != "resolves_by_3m"]
        early = Finding("demarcation_band_serpiginous", A, CONDYLE, FIRST)
        late = Finding("demarcation_band_serpiginous", A, CONDYLE, SECOND)
        assert self.line([*undated, early], knowledge, "avn") is LedgerStatus.UNLIKELY
        assert self.line([*undated, early, late], knowledge, "avn") is LedgerStatus.EXCLUDED_BY_TEST

    def test_a_reading_without_a_date_proves_no_wait(self, knowledge: Knowledge) -> None:
        told_later = ("demarcation_band_serpiginous", "resolves_by_3m")
        rest = [f for f in SEED_THIRD if f.key not in told_later]
        undated = Finding("demarcation_band_serpiginous", A)
        assert self.line([*rest, undated], knowledge, "avn") is LedgerStatus.UNLIKELY

    def test_healing_with_no_line_excludes_it_at_once(self, knowledge: Knowledge) -> None:
        findings = [f for f in SEED_THIRD if f.key != "demarcation_band_serpiginous"]
        findings.append(Finding("demarcation_band_serpiginous", A, CONDYLE, FIRST))
        assert self.line(findings, knowledge, "avn") is LedgerStatus.EXCLUDED_IF_CONFIRMED
        read = [replace(f, confirmed_by="reader") for f in findings]
        assert self.line(read, knowledge, "avn") is LedgerStatus.EXCLUDED_BY_TEST

    def test_what_the_program_alone_found_excludes_nothing_until_it_is_confirmed(
        self, knowledge: Knowledge
    ) -> None:
        key = "demarcation_band_serpiginous"
        rest = [f for f in SEED_THIRD if f.key != key]
        proposed = Finding(key, A, CONDYLE, SECOND, entered_by=SOFTWARE)
        found = diagnose([*rest, proposed], knowledge)
        assert status(found, "avn") is LedgerStatus.EXCLUDED_IF_CONFIRMED
        assert found.standing is not Standing.ESTABLISHED
        line = next(x for x in found.ledger if x.diagnosis == "avn")
        assert "a reader has not confirmed it" in line.explanation
        confirmed = replace(proposed, confirmed_by="reader")
        assert self.line([*rest, confirmed], knowledge, "avn") is LedgerStatus.EXCLUDED_BY_TEST

    def test_a_sign_of_its_own_supports_an_alternative(self, knowledge: Knowledge) -> None:
        skin = Finding("skin_ppp_acne_psoriasis", P)
        assert self.line(SEED_THIRD, knowledge, "cno") is LedgerStatus.UNLIKELY
        assert self.line([*SEED_THIRD, skin], knowledge, "cno") is LedgerStatus.SUPPORTED

    def test_it_never_forces_a_probability(self, knowledge: Knowledge) -> None:
        for line in diagnose(SEED_THIRD, knowledge).ledger:
            assert 0 < line.probability < 1

    def test_the_leading_disease_is_no_alternative_to_itself(self, knowledge: Knowledge) -> None:
        for story in (SEED_SECOND, SEED_THIRD):
            listed = {line.diagnosis for line in diagnose(story, knowledge).ledger}
            assert not listed & set(TRANSIENT)

    def test_dates_are_written_out(self, knowledge: Knowledge) -> None:
        dry = [Finding("effusion", A, CONDYLE, date(2020, 2, 3))]
        dry.append(Finding("effusion", A, ANKLE, THIRD))
        findings = [*SEED_THIRD, *dry]
        found = diagnose(findings, knowledge)
        septic = next(x for x in found.ledger if x.diagnosis == "septic_arthritis")
        assert septic.status is LedgerStatus.EXCLUDED_BY_TEST
        assert "No joint effusion in the right medial femoral condyle on 3 February 2020" in (
            septic.explanation
        )
        assert "distal tibial epiphysis on 1 July 2020" in septic.explanation
