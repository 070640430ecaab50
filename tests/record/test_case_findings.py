from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marrowtrail.record.case import Case
from marrowtrail.record.case_findings import WEIGHT, case_findings
from marrowtrail.record.case_words import case_words
from marrowtrail.record.findings import FindingState, NotDoneReason
from tests.record.written import UNHURRIED, of_key, reading_of, states


def only_finding(folder: Path, text: str) -> tuple[str, str]:
    reading = reading_of(folder, text)
    assert reading.unused == ()
    (found,) = reading.findings
    return found.key, found.state.value


class TestOneEntry:
    @pytest.mark.parametrize(
        ("text", "key", "state"),
        [
            ("patient: {age: 15}", "age_lt_16", "present"),
            ("patient: {age: 16}", "age_16_29", "present"),
            ("patient: {age: 29}", "age_16_29", "present"),
            ("patient: {age: 30}", "age_30_59", "present"),
            ("patient: {age: 59}", "age_30_59", "present"),
            ("patient: {age: 60}", "age_ge_60", "present"),
            ("patient: {sex: M}", "sex_male", "present"),
            ("patient: {sex: F}", "sex_male", "absent"),
            ("patient: {pregnancy: {state: pregnant}}", "pregnancy_peripartum", "present"),
            ("patient: {pregnancy: {state: post_partum}}", "pregnancy_peripartum", "present"),
            ("patient: {pregnancy: {state: not_pregnant}}", "pregnancy_peripartum", "absent"),
            ("onset: {manner: acute}", "onset_acute", "present"),
            ("onset: {manner: gradual}", "onset_insidious", "present"),
            ("onset: {duration_days: 41}", "duration_ge_6w", "absent"),
            ("onset: {duration_days: 42}", "duration_ge_6w", "present"),
            ("pain: [{joint: knee, on_loading: present}]", "pain_weight_bearing", "present"),
            ("pain: [{joint: knee, on_loading: absent}]", "pain_weight_bearing", "absent"),
            ("pain: [{joint: knee, on_loading: equivocal}]", "pain_weight_bearing", "equivocal"),
            ("pain: [{joint: knee, at_rest: present}]", "rest_night_pain", "present"),
            ("pain: [{joint: knee, at_night: present}]", "rest_night_pain", "present"),
            (
                "pain: [{joint: knee, at_rest: absent, at_night: absent}]",
                "rest_night_pain",
                "absent",
            ),
            ("trauma: {state: absent}", "trauma_history", "absent"),
            ("trauma: {state: present, severity: minor}", "trauma_history", "present"),
            ("overuse: {state: present}", "overuse_training_change", "present"),
            ("fever: {state: absent}", "fever", "absent"),
            ("swelling: {state: equivocal}", "swelling", "equivocal"),
            ("weight_loss: {state: present}", "weight_loss", "present"),
            (
                "risk_factors: [{name: corticosteroids, state: present}]",
                "steroid_use",
                "present",
            ),
            ("risk_factors: [{name: corticosteroids, state: absent}]", "steroid_use", "absent"),
            ("risk_factors: [{name: alcohol, state: absent}]", "alcohol_excess", "absent"),
            (
                "comorbidities: [{name: ankylosing spondylitis, state: present}]",
                "spa_known",
                "present",
            ),
            ("comorbidities: [{name: spondyloarthritis, state: absent}]", "spa_known", "absent"),
            ("comorbidities: [{name: psoriasis, state: absent}]", "psoriasis", "absent"),
            (
                "comorbidities: [{name: sickle_cell_disease, state: present}]",
                "sickle_cell",
                "present",
            ),
            ("laboratory: [{name: hla_b27, state: positive}]", "hla_b27", "present"),
            ("laboratory: [{name: hla_b27, state: negative}]", "hla_b27", "absent"),
            ("laboratory: [{name: crp, state: raised}]", "crp_esr_raised", "present"),
            ("laboratory: [{name: esr, state: normal}]", "crp_esr_raised", "absent"),
            (
                "laboratory: [{name: crp, value: 9, unit: mg/L, reference: {high: 5}}]",
                "crp_esr_raised",
                "present",
            ),
            (
                "laboratory: [{name: crp, value: 5, unit: mg/L, reference: {high: 5}}]",
                "crp_esr_raised",
                "absent",
            ),
            ("laboratory: [{name: vitamin_d, state: low}]", "vitd_low", "present"),
            (
                "laboratory: [{name: vitamin_d, value: 20, unit: nmol/L, reference: {low: 50}}]",
                "vitd_low",
                "present",
            ),
            (
                "laboratory: [{name: vitamin_d, value: 50, unit: nmol/L, reference: {low: 50}}]",
                "vitd_low",
                "absent",
            ),
            # A test that knows no "low" is normal there.
            (
                "laboratory: [{name: crp, value: 1, unit: mg/L, reference: {low: 2, high: 5}}]",
                "crp_esr_raised",
                "absent",
            ),
            ("laboratory: [{name: vitamin_d, state: raised}]", "vitd_low", "absent"),
            ("laboratory: [{name: urate, state: low}]", "urate_raised", "absent"),
            ("laboratory: [{name: alkaline_phosphatase, state: raised}]", "alp_raised", "present"),
            ("dxa: [{t_score: -1.5}]", "low_bmd_dxa", "present"),
            ("dxa: [{state: osteoporosis}]", "low_bmd_dxa", "present"),
            ("dxa: [{t_score: -0.9}]", "low_bmd_dxa", "absent"),
            (
                "structures: [{structure: medial_meniscus, change: root_tear, state: absent}]",
                "meniscal_root_tear",
                "absent",
            ),
            ("pain: [{joint: hip, morning_stiffness: absent}]", "morning_stiffness", "absent"),
            (
                "pain: [{joint: hip, unable_to_bear_weight: present}]",
                "unable_to_bear_weight",
                "present",
            ),
            ("risk_factors: [{name: smoking, state: absent}]", "heavy_smoking", "absent"),
            ("comorbidities: [{name: malignancy, state: present}]", "known_malignancy", "present"),
            ("laboratory: [{name: acpa, state: negative}]", "acpa", "absent"),
            ("laboratory: [{name: calcium, state: low}]", "calcium_abnormal", "present"),
            ("laboratory: [{name: calcium, state: normal}]", "calcium_abnormal", "absent"),
            ("laboratory: [{name: blood_count, state: normal}]", "normal_blood_count", "present"),
            ("laboratory: [{name: blood_count, state: abnormal}]", "normal_blood_count", "absent"),
            (
                "structures: [{structure: lateral_meniscus, change: radial_tear, state: present}]",
                "meniscal_root_tear",
                "present",
            ),
            (
                "structures: [{structure: lateral_meniscus, change: tear, state: present}]",
                "meniscal_tear_any",
                "present",
            ),
            (
                "structures: [{structure: lateral_meniscus, change: tear, state: absent}]",
                "meniscal_root_tear",
                "absent",
            ),
            (
                "treatments: [{name: ibandronate, response: none}]",
                "response_bisphosphonate",
                "absent",
            ),
            (
                "treatments: [{name: iloprost, response: complete}]",
                "response_iloprost",
                "present",
            ),
            ("treatments: [{name: nsaid, response: complete}]", "nsaid_marked_relief", "present"),
            ("treatments: [{name: nsaid, response: none}]", "nsaid_marked_relief", "absent"),
            (
                "treatments: [{name: unloading, response: partial}]",
                "response_unloading",
                "present",
            ),
        ],
    )
    def test_gives_one_finding(self, tmp_path: Path, text: str, key: str, state: str) -> None:
        assert only_finding(tmp_path, text) == (key, state)

    @pytest.mark.parametrize(
        ("text", "place", "reason"),
        [
            ("pain: [{joint: knee, at_rest: absent}]", "pain[0].at_rest", "all its parts"),
            ("pain: [{joint: knee, at_night: absent}]", "pain[0].at_night", "all its parts"),
            (
                "comorbidities: [{name: ankylosing spondylitis, state: absent}]",
                "comorbidities[0]",
                "says nothing",
            ),
            ("comorbidities: [{name: depression, state: present}]", "comorbidities[0]", "covers"),
            ("risk_factors: [{name: smoking, state: present}]", "risk_factors[0]", "says nothing"),
            (
                "comorbidities: [{name: malignancy, state: absent}]",
                "comorbidities[0]",
                "all its parts",
            ),
            (
                "structures: [{structure: medial_meniscus, change: radial_tear, state: absent}]",
                "structures[0]",
                "says nothing",
            ),
            (
                "structures: [{structure: medial_meniscus, change: extrusion, state: present}]",
                "structures[0]",
                "covers",
            ),
            (
                "structures: [{structure: deltoid_ligament, change: tear, state: absent}]",
                "structures[0]",
                "not against it",
            ),
            ("laboratory: [{name: blood_culture, state: negative}]", "laboratory[0]", "covers"),
            ("risk_factors: [{name: obesity, state: present}]", "risk_factors[0]", "covers"),
            ("laboratory: [{name: crp, value: 3, unit: mg/L}]", "laboratory[0]", "no state"),
            # Positive by rules of the laboratory that no reference range tells.
            (
                "laboratory: [{name: acpa, value: 90, unit: U/mL, reference: {high: 20}}]",
                "laboratory[0]",
                "no state",
            ),
            ("laboratory: [{name: creatinine, state: raised}]", "laboratory[0]", "covers"),
            ("dxa: [{z_score: -2.5}]", "dxa[0]", "no state"),
            (
                "treatments: [{name: denosumab, response: none}]",
                "treatments[0]",
                "no diagnostic evidence",
            ),
            ("treatments: [{name: nsaid}]", "treatments[0]", "no state"),
            ("treatments: [{name: nsaid, response: partial}]", "treatments[0]", "says nothing"),
            (
                "structures: [{structure: hip_labrum, change: tear, state: present}]",
                "structures[0]",
                "covers",
            ),
        ],
    )
    def test_gives_none_and_is_told_why(
        self, tmp_path: Path, text: str, place: str, reason: str
    ) -> None:
        reading = reading_of(tmp_path, text)
        assert reading.findings == ()
        (unused,) = reading.unused
        assert str(unused).startswith(place)
        assert reason in unused.reason

    def test_an_empty_case_says_nothing(self) -> None:
        reading = case_findings(Case())
        assert reading.findings == ()
        assert reading.unused == ()


class TestNotDone:
    def test_keeps_its_reason(self, tmp_path: Path) -> None:
        text = "laboratory: [{name: hla_b27, state: not_done, reason: not_performed}]"
        (found,) = reading_of(tmp_path, text).findings
        assert found.state is FindingState.NOT_DONE
        assert found.reason is NotDoneReason.NOT_PERFORMED

    def test_gives_way_to_anything_known(self, tmp_path: Path) -> None:
        text = """
            laboratory:
              - {name: crp, state: not_done, reason: not_performed}
              - {name: esr, state: normal}
            """
        reading = reading_of(tmp_path, text)
        assert states(reading) == {"crp_esr_raised": "absent"}
        assert [unused.place for unused in reading.unused] == ["laboratory[0]"]

    def test_leaves_a_finding_of_parts_undone(self, tmp_path: Path) -> None:
        text = """
            comorbidities:
              - {name: systemic_lupus, state: absent}
              - {name: connective_tissue_disease, state: not_done, reason: not_reported}
            """
        assert states(reading_of(tmp_path, text)) == {"sle_ctd": "not_done"}


class TestOverTime:
    def test_a_finding_is_dated_by_what_it_came_from(self, tmp_path: Path) -> None:
        text = """
            pain: [{joint: knee, from: 2020-01-05, on_loading: present}]
            laboratory: [{name: crp, date: 2020-02-01, state: normal}]
            structures:
              - structure: medial_meniscus
                change: root_tear
                state: absent
                visit: 2020-02-10
            treatments:
              - {name: nsaid, from: 2020-01-10, to: 2020-03-10, response: none}
            fever: {state: absent}
            """
        found = {one.key: one.visit for one in reading_of(tmp_path, text).findings}
        assert found == {
            "pain_weight_bearing": date(2020, 1, 5),
            "crp_esr_raised": date(2020, 2, 1),
            "meniscal_root_tear": date(2020, 2, 10),
            "nsaid_marked_relief": date(2020, 3, 10),
            "fever": None,
        }

    def test_a_change_is_a_second_finding(self, tmp_path: Path) -> None:
        text = """
            laboratory:
              - {name: crp, date: 2020-05-01, state: raised}
              - {name: crp, date: 2020-02-01, state: normal}
            """
        found = of_key(reading_of(tmp_path, text), "crp_esr_raised")
        assert [(one.visit, one.state.value) for one in found] == [
            (date(2020, 2, 1), "absent"),
            (date(2020, 5, 1), "present"),
        ]

    def test_what_was_seen_is_not_unseen(self, tmp_path: Path) -> None:
        text = """
            laboratory:
              - {name: crp, date: 2020-02-01, state: raised}
              - {name: crp, date: 2020-05-01, state: normal}
            """
        reading = reading_of(tmp_path, text)
        (found,) = reading.findings
        assert (found.visit, found.state.value) == (date(2020, 2, 1), "present")
        (unused,) = reading.unused
        assert unused.place == "laboratory[1]"
        assert "outweighs" in unused.reason

    def test_the_same_again_is_no_second_finding(self, tmp_path: Path) -> None:
        text = """
            pain:
              - {joint: knee, from: 2020-01-05, on_loading: present}
              - {joint: ankle, from: 2020-05-01, on_loading: present}
            """
        reading = reading_of(tmp_path, text)
        assert len(of_key(reading, "pain_weight_bearing")) == 1
        assert reading.unused == ()


class TestDuration:
    ONSET = "onset: {date: 2020-01-01}\n"

    @pytest.mark.parametrize(
        ("first_visit", "state"),
        [(date(2020, 2, 12), "present"), (date(2020, 2, 11), "absent")],
    )
    def test_runs_to_the_first_visit(self, tmp_path: Path, first_visit: date, state: str) -> None:
        reading = reading_of(tmp_path, self.ONSET, presentation=first_visit)
        assert states(reading) == {"duration_ge_6w": state}

    def test_runs_to_the_earliest_visit_of_the_case(self, tmp_path: Path) -> None:
        text = self.ONSET + "visits: [{date: 2020-09-01}, {date: 2020-01-20}]"
        assert states(reading_of(tmp_path, text)) == {"duration_ge_6w": "absent"}

    def test_is_not_known_without_a_visit(self, tmp_path: Path) -> None:
        assert reading_of(tmp_path, self.ONSET).findings == ()

    def test_is_not_known_when_the_onset_came_later(self, tmp_path: Path) -> None:
        reading = reading_of(tmp_path, self.ONSET, presentation=date(2019, 12, 1))
        assert reading.findings == ()


class TestReadersFindings:
    def test_arrive_as_they_stand(self, tmp_path: Path) -> None:
        text = """
            findings:
              - finding: double_line
                state: absent
                site: {bone: femur, side: right, region: medial_condyle}
                visit: 2020-02-01
                confirmed_by: radiologist-1
            """
        (found,) = reading_of(tmp_path, text).findings
        assert found.key == "double_line"
        assert found.site is not None
        assert (found.site.bone, found.site.side, found.site.region) == (
            "femur",
            "right",
            "medial_condyle",
        )
        assert found.visit == date(2020, 2, 1)
        assert (found.entered_by, found.confirmed_by) == ("reader", "radiologist-1")
        assert found.is_confirmed

    def test_stand_in_place_of_what_would_be_derived(self, tmp_path: Path) -> None:
        text = """
            laboratory: [{name: crp, state: raised}]
            findings: [{finding: crp_esr_raised, state: absent}]
            """
        reading = reading_of(tmp_path, text)
        assert states(reading) == {"crp_esr_raised": "absent"}
        assert [unused.place for unused in reading.unused] == ["laboratory[0]"]

    def test_a_bare_proposal_of_the_program_stays_unconfirmed(self, tmp_path: Path) -> None:
        text = "findings: [{finding: double_line, state: present, entered_by: software}]"
        (found,) = reading_of(tmp_path, text).findings
        assert not found.is_confirmed


def test_texts_hold_no_dates_and_no_age_that_identifies(tmp_path: Path) -> None:
    text = """
        patient: {age: 93, sex: F}
        onset: {date: 2020-01-01, manner: acute}
        pain:
          - {joint: knee, from: 2020-01-01, to: 2020-03-01, on_loading: present}
          - {joint: ankle, from: 2020-04-01, morning_stiffness: present}
        trauma: {state: present, date: 2019-12-31}
        laboratory: [{name: crp, date: 2020-02-01, state: normal}]
        dxa: [{date: 2020-02-01, z_score: -1}]
        treatments: [{name: denosumab, from: 2020-02-01, response: none}]
        visits: [{date: 2020-02-03}]
        """
    reading = reading_of(tmp_path, text)
    assert len(reading.unused) == 2
    told = " ".join([*(one.explanation for one in reading.findings), *map(str, reading.unused)])
    assert "20" not in told.replace("age 90 or older", "")
    assert "93" not in told
    assert "age 90 or older" in told


def test_notes_reach_nobody(tmp_path: Path) -> None:
    text = "fever: {state: absent, note: secret}\ntreatments: [{name: nsaid, note: secret}]"
    reading = reading_of(tmp_path, text)
    assert "secret" not in repr(reading)


statement = st.sampled_from(["present", "absent", "equivocal"])


@UNHURRIED
@given(
    st.dictionaries(st.sampled_from(case_words().keys("comorbidities")), statement),
    st.dictionaries(st.sampled_from(case_words().keys("risk_factors")), statement),
)
def test_every_entry_is_used_or_told_as_unused(
    illnesses: dict[str, str], risks: dict[str, str]
) -> None:
    case = Case.model_validate(
        {
            "comorbidities": [{"name": n, "state": s} for n, s in illnesses.items()],
            "risk_factors": [{"name": n, "state": s} for n, s in risks.items()],
        }
    )
    reading = case_findings(case)
    unused = {one.place for one in reading.unused}
    told = {text for one in reading.findings for text in one.explanation.split("; ")}
    for index, illness in enumerate(case.comorbidities):
        label = case_words().label("comorbidities", illness.name)
        assert (f"comorbidities[{index}]" in unused) != (f"{label}: {illness.state}" in told)
    keys = [one.key for one in reading.findings]
    assert len(keys) == len(set(keys))


@UNHURRIED
@given(st.permutations(["2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01"]), st.data())
def test_the_order_of_entries_does_not_matter(order: list[str], data: st.DataObject) -> None:
    words = {day: data.draw(st.sampled_from(["normal", "raised", "equivocal"])) for day in order}

    def reading(days: list[str]) -> list[tuple[date | None, str]]:
        rows = [{"name": "crp", "date": day, "state": words[day]} for day in days]
        found = case_findings(Case.model_validate({"laboratory": rows})).findings
        return [(one.visit, one.state.value) for one in found]

    assert reading(order) == reading(sorted(order))


def test_weights_order_all_states() -> None:
    assert sorted(WEIGHT, key=WEIGHT.__getitem__) == [
        FindingState.NOT_DONE,
        FindingState.ABSENT,
        FindingState.EQUIVOCAL,
        FindingState.PRESENT,
    ]
    assert set(WEIGHT) == set(FindingState)
