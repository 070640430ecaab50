from __future__ import annotations

from typing import Any

import pytest

from marrowtrail.evaluation.cases_file import PublishedCase, View
from marrowtrail.evaluation.cases_findings import CaseReading, read_case
from marrowtrail.evaluation.cases_tables import CaseWords, case_gold, case_words
from marrowtrail.record.findings import FindingState

from .case_files import INFECTED, MOVED, Case, case, site, study

P, A, E = FindingState.PRESENT, FindingState.ABSENT, FindingState.EQUIVOCAL


def read(data: Case, view: View = View.SERIAL) -> CaseReading:
    return read_case(PublishedCase.model_validate(data), view, case_words())


def states(data: Case, view: View = View.SERIAL) -> dict[str, set[FindingState]]:
    found: dict[str, set[FindingState]] = {}
    for finding in read(data, view).findings:
        found.setdefault(finding.key, set()).add(finding.state)
    return found


def told(**presentation: Any) -> Case:
    return case("case-told", presentation=presentation)


class TestWords:
    @pytest.mark.parametrize(
        ("key", "status", "finding", "state"),
        [
            ("fever", "present", "fever", P),
            ("fever", "absent", "fever", A),
            ("fever", "possible", "fever", E),
            ("weight_loss", "absent", "weight_loss", A),
            ("swelling", "present", "swelling", P),
        ],
    )
    def test_a_statement(self, key: str, status: str, finding: str, state: FindingState) -> None:
        assert states(told(**{key: {"status": status}})) == {finding: {state}}

    def test_a_missing_key_is_not_absent(self) -> None:
        assert states(told(chief_sites=["hip"])) == {"site_hip": {P}}

    @pytest.mark.parametrize(
        ("labs", "finding", "state"),
        [
            ({"CRP": {"status": "high"}}, "crp_esr_raised", P),
            ({"CRP": {"status": "normal"}}, "crp_esr_raised", A),
            ({"CRP": {"value": 3, "unit": "mg/L"}}, "crp_esr_raised", A),
            ({"CRP": {"value": 30, "unit": "mg/L"}}, "crp_esr_raised", P),
            ({"vitamin_D": {"status": "low"}}, "vitd_low", P),
            ({"phosphate": {"status": "high"}}, "phosphate_low", A),
            ({"CBC": {"status": "normal"}}, "normal_blood_count", P),
        ],
    )
    def test_laboratory(self, labs: Case, finding: str, state: FindingState) -> None:
        assert states(told(labs=labs)) == {finding: {state}}

    def test_free_text_is_never_read(self) -> None:
        said = told(chief_detail="fever", text="osteomyelitis", trauma_note="fall")
        assert read(said) == CaseReading((), (), ())

    def test_an_unknown_word_is_named_and_the_rest_read(self) -> None:
        reading = read(told(fever={"status": "present"}, moon_phase={"status": "present"}))
        assert [f.key for f in reading.findings] == ["fever"]
        assert reading.unknown == ("presentation.moon_phase",)

    def test_an_unknown_status_is_named(self) -> None:
        reading = read(told(fever={"status": "purple"}))
        assert reading.findings == ()
        assert reading.unknown == ("presentation.fever: 'purple'",)

    def test_an_unknown_list_is_named(self) -> None:
        assert read(told(gadgets=["a"])).unknown == ("presentation.gadgets",)

    @pytest.mark.parametrize(("written", "state"), [("male", P), ("F", A), ("female", A)])
    def test_sex_in_other_words(self, written: str, state: FindingState) -> None:
        assert states(case("c", patient={"sex": written})) == {"sex_male": {state}}

    def test_an_age_in_words(self) -> None:
        assert states(case("c", patient={"age": "47"})) == {"age_30_59": {P}}
        assert states(case("c", patient={"age_text": "middle-aged"})) == {"age_30_59": {P}}
        assert states(case("c", patient={"age_text": "not shown"})) == {}

    def test_a_status_with_a_qualifier(self) -> None:
        assert states(told(fever={"status": "present_low_grade"})) == {"fever": {P}}

    def test_an_unknown_word_for_oedema_is_named(self) -> None:
        odd = study("presentation", 0, site("femur", "head", "sparkling"))
        assert read(case("c", imaging=[odd])).unknown == ("imaging.bme: 'sparkling'",)

    def test_a_word_set_aside_has_a_reason(self) -> None:
        (unused,) = read(told(course="progressive")).unused
        assert unused.word == "presentation.course"
        assert len(unused.reason) > 20

    @pytest.mark.parametrize(
        ("code", "finding", "state"),
        [
            ("no_synovitis", "synovitis", A),
            ("antalgic_gait", "limp", P),
            ("allodynia_of_the_foot", "allodynia_hyperalgesia", P),
        ],
    )
    def test_codes_by_pattern(self, code: str, finding: str, state: FindingState) -> None:
        assert states(told(exam=[code])) == {finding: {state}}

    def test_a_code_without_pattern_is_listed(self) -> None:
        reading = read(told(exam=["trendelenburg_negative", "odd_sign"]))
        assert reading.findings == ()
        assert len(reading.unused) == 2

    @pytest.mark.parametrize(
        ("age", "band"),
        [(15, "age_lt_16"), (16, "age_16_29"), (30, "age_30_59"), (60, "age_ge_60")],
    )
    def test_bands_of_age_meet_without_gap(self, age: int, band: str) -> None:
        assert states(case("case-age", patient={"age": age})) == {band: {P}}

    def test_pregnancy(self) -> None:
        pregnant = {"sex": "F", "pregnancy": {"status": "post_partum", "days": 6}}
        assert states(case("c", patient=pregnant))["pregnancy_peripartum"] == {P}
        not_so = {"sex": "F", "pregnancy": {"status": "not_pregnant"}}
        assert states(case("c", patient=not_so))["pregnancy_peripartum"] == {A}


class TestViews:
    def test_presentation_knows_nothing_of_what_came_later(self) -> None:
        first, later = states(MOVED, View.PRESENTATION), states(MOVED)
        assert "shift_other_joint" not in first
        assert later["shift_other_joint"] == {P}

    def test_treatments_and_outcome_are_in_neither(self) -> None:
        treated = {**MOVED, "follow_up": {"treatments": [{"name": "antibiotics"}], "biopsy": {}}}
        assert read(treated) == read(MOVED)

    def test_new_symptoms_elsewhere_are_serial(self) -> None:
        moved = {**told(chief_sites=["hip_right"])}
        moved["follow_up"] = {"new_symptoms": [{"site": "hip_left", "day": 30}]}
        assert states(moved)["migration_of_symptoms"] == {P}
        assert "migration_of_symptoms" not in states(moved, View.PRESENTATION)

    def test_new_symptoms_at_the_same_joint_are_no_migration(self) -> None:
        same = {**told(chief_sites=["hip_right"])}
        same["follow_up"] = {"new_symptoms": [{"site": "hip", "day": 30}]}
        assert "migration_of_symptoms" not in states(same)


class TestCourse:
    def serial(self, *later: Case, first: Case | None = None) -> dict[str, set[FindingState]]:
        begun = first or study("presentation", 0, site("femur", "medial_condyle"), order=1)
        return states(case("case-course", imaging=[begun, *later]))

    def test_healed_within_the_shortest_span_that_holds(self) -> None:
        healed = study("follow_up", 150, site("femur", "medial_condyle", "resolved"), order=2)
        assert self.serial(healed)["resolves_by_6m"] == {P}

    def test_still_there_after_the_longest_span_that_holds(self) -> None:
        there = study("follow_up", 200, site("femur", "medial_condyle"), order=2)
        found = self.serial(there)
        assert found["resolves_by_6m"] == {A}
        assert "resolves_by_12m" not in found

    def test_a_study_without_a_day_proves_no_short_span(self) -> None:
        healed = study("follow_up", None, site("femur", "medial_condyle", "resolved"), order=2)
        found = self.serial(healed)
        assert found["resolves_by_24m"] == {P}
        assert "resolves_by_3m" not in found

    def test_a_shift_within_the_joint(self) -> None:
        shifted = study("follow_up", 60, site("tibia", "lateral_plateau"), order=2)
        found = self.serial(shifted)
        assert found["shift_same_bone_or_joint"] == {P}
        assert "shift_other_joint" not in found

    def test_the_same_place_again_is_no_shift(self) -> None:
        again = study("follow_up", 60, site("femur", "medial_condyle"), order=2)
        found = self.serial(again)
        assert found["shift_same_bone_or_joint"] == {A}
        assert "shift_other_joint" not in found

    def test_the_other_side_is_another_joint(self) -> None:
        left = {**site("femur", "head"), "side": "left"}
        first = study("presentation", 0, site("femur", "head"), order=1)
        found = self.serial(study("follow_up", 400, left, order=2), first=first)
        assert found["shift_other_joint"] == {P}

    def test_a_second_joint_beside_the_first_may_only_have_spread(self) -> None:
        both = study(
            "follow_up",
            60,
            site("femur", "medial_condyle"),
            site("tibia", "distal_epiphysis"),
            order=2,
        )
        assert self.serial(both)["shift_other_joint"] == {E}

    def test_one_joint_imaged_again_says_nothing_of_the_others(self) -> None:
        healed = study("follow_up", 900, site("femur", "medial_condyle", "resolved"), order=2)
        assert "shift_other_joint" not in self.serial(healed)

    def test_sites_without_oedema_are_none(self) -> None:
        first = study("presentation", 0, site("femur", "head", None), order=1)
        assert "bme_present" not in self.serial(first=first)

    @pytest.mark.parametrize("region", ["unspecified", "mid_shaft"])
    def test_an_end_named_later_is_no_other_joint(self, region: str) -> None:
        first = study("presentation", 0, site("femur", region), order=1)
        found = self.serial(study("follow_up", 60, site("femur", "head"), order=2), first=first)
        assert "shift_other_joint" not in found

    def test_the_pelvis_beside_the_hip_is_no_other_joint(self) -> None:
        first = study("presentation", 0, site("femur", "head"), order=1)
        found = self.serial(study("follow_up", 60, site("pubis", "body"), order=2), first=first)
        assert "shift_other_joint" not in found

    def test_two_sides_and_several_bones(self) -> None:
        left = {**site("femur", "head"), "side": "left"}
        first = study("presentation", 0, site("femur", "head"), left, site("acetabulum", "x"))
        found = self.serial(first=first)
        assert found["bilateral"] == {P}
        assert found["multiple_bones_same_region"] == {P}
        assert "skeletal_multifocal_remote" not in found

    def test_a_bone_outside_the_vocabulary_is_a_remote_site(self) -> None:
        first = study("presentation", 0, site("femur", "head"), site("humerus", "head"))
        assert self.serial(first=first)["skeletal_multifocal_remote"] == {P}


class TestTables:
    def test_every_diagnosis_has_a_place(self) -> None:
        assert len(case_gold().categories) == 17

    def test_a_word_of_no_finding_is_refused(self) -> None:
        data = case_words().model_dump(by_alias=True)
        data["rows"][0]["finding"] = "hiccups"
        with pytest.raises(ValueError, match="hiccups"):
            CaseWords.model_validate(data)

    def test_the_infected_case_is_read_whole(self) -> None:
        reading = read(INFECTED)
        assert reading.unknown == ()
        assert {"fever", "crp_esr_raised", "leukocytosis", "abscess", "penumbra_sign"} <= {
            f.key for f in reading.findings if f.state is P
        }
