from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from marrowtrail.errors import InputError
from marrowtrail.record.case import Case
from marrowtrail.record.case_file import read_case
from marrowtrail.record.findings import FindingState, NotDoneReason
from marrowtrail.record.sites import Side
from tests.record.written import TODAY, case_of, written


def mistakes(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as refused:
        case_of(folder, text)
    assert refused.value.where == "case.yaml"
    assert "docs/case.md" in refused.value.remedy
    return refused.value.what


class TestReading:
    def test_values_arrive_as_written(self, tmp_path: Path) -> None:
        case = case_of(
            tmp_path,
            """
            schema_version: 1
            patient: {age: 46, sex: M}
            pain:
              - {joint: knee, side: right, from: 2020-01-10, to: null, on_loading: present}
            weight_loss: {state: not_done, reason: not_reported}
            comorbidities: [{name: ankylosing spondylitis, state: present}]
            """,
        )
        assert case.patient.age == 46
        assert case.patient.sex == "M"
        pain = case.pain[0]
        assert (pain.joint, pain.side, pain.start, pain.end) == (
            "knee",
            Side.RIGHT,
            date(2020, 1, 10),
            None,
        )
        assert pain.on_loading is FindingState.PRESENT
        assert pain.at_rest is None
        assert case.weight_loss is not None
        assert case.weight_loss.reason is NotDoneReason.NOT_REPORTED
        assert case.comorbidities[0].name == "ankylosing_spondylitis"

    def test_what_is_left_out_is_not_there(self, tmp_path: Path) -> None:
        case = case_of(tmp_path, "schema_version: 1\n")
        assert case == Case()
        assert case.fever is None
        assert case.patient.age is None
        assert not case.synthetic

    def test_a_case_cannot_be_changed(self) -> None:
        with pytest.raises(ValueError, match="frozen"):
            Case().synthetic = True  # type: ignore[misc]

    def test_a_quoted_date_is_a_date(self, tmp_path: Path) -> None:
        case = case_of(tmp_path, "onset: {date: '2020-01-10'}")
        assert case.onset is not None
        assert case.onset.date == date(2020, 1, 10)

    def test_no_such_file(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be opened"):
            read_case(tmp_path / "case.yaml")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be opened"):
            read_case(tmp_path)


class TestHeader:
    def test_fills_in_only_what_the_case_leaves_open(self) -> None:
        case = Case.model_validate({"patient": {"age": 50}}).with_header(60, "F")
        assert (case.patient.age, case.patient.sex) == (50, "F")

    def test_another_sex_of_dicom_is_not_known(self) -> None:
        assert Case().with_header(None, "O").patient.sex is None


class TestWords:
    @pytest.mark.parametrize(
        ("text", "line", "names"),
        [
            (
                "pain:\n  - side: right\n    joint: kneee\n",
                3,
                'pain[0].joint is "kneee"; allowed: ankle, foot, hip, knee, sacroiliac. '
                'Did you mean "knee"?',
            ),
            (
                "pain: [{joint: knee, side: rihgt}]",
                1,
                'side is "rihgt"; allowed: left, right, unknown. Did you mean "right"?',
            ),
            ("pain: [{joint: knee, side: midline}]", 1, "allowed: left, right, unknown"),
            (
                "pain: [{joint: knee, on_loading: no}]",
                1,
                'on_loading is "no"; allowed: present, absent, equivocal',
            ),
            ("pain: [{joint: knee, at_rest: true}]", 1, "at_rest is true; allowed: present"),
            ("pain: [{joint: null}]", 1, "joint is empty; allowed: ankle"),
            ("patient: {sex: male}", 1, 'sex is "male"; allowed: M, F'),
            ("onset: {manner: sudden}", 1, "allowed: acute, gradual"),
            ("fever: {state: none}", 1, "allowed: present, absent, equivocal, not_done"),
            ("\n\ntrauma: {state: absent, severity: big}", 3, "allowed: minor, major"),
            (
                "risk_factors: [{name: steroids, state: absent}]",
                1,
                'Did you mean "corticosteroids"?',
            ),
            (
                "comorbidities: [{name: AS, state: present}]",
                1,
                'name is "AS"; allowed: ankylosing_spondylitis, ',
            ),
            (
                "comorbidities: [{name: AS, state: present}]",
                1,
                'Did you mean "ankylosing_spondylitis"?',
            ),
            (
                "laboratory: [{name: hla_b27, state: raised}]",
                1,
                'state is "raised"; allowed: positive, negative, equivocal, not_done',
            ),
            ("laboratory: [{name: crp, value: 3, unit: mg}]", 1, "allowed: mg/L, mg/dL"),
            ("dxa: [{site: hip, t_score: -1}]", 1, "allowed: lumbar_spine, total_hip"),
            ("treatments: [{name: ibandronat}]", 1, 'Did you mean "ibandronate"?'),
            (
                "treatments: [{name: ibandronate, response: good}]",
                1,
                "allowed: none, partial, complete, worse",
            ),
            (
                "structures: [{structure: medial_meniscus, change: thinning, state: present}]",
                1,
                'change is "thinning"; allowed: root_tear, radial_tear, tear, extrusion, '
                "degeneration",
            ),
            (
                "findings: [{finding: double_lin, state: present}]",
                1,
                'Did you mean "double_line"?',
            ),
            (
                "findings: [{finding: double_line, state: present, site: {bone: femoor}}]",
                1,
                'bone is "femoor"; allowed: femur, tibia, ',
            ),
            (
                "findings:\n"
                "  - finding: double_line\n"
                "    state: present\n"
                "    site: {bone: femur, region: medial_plateau}\n",
                4,
                'region is "medial_plateau"; allowed: head, neck, trochanters, ',
            ),
            (
                "visits: [{date: 2020-01-01, series: [{file: a.nii, body_part: leg}]}]",
                1,
                "allowed: ankle, foot, hip, knee, sacroiliac",
            ),
            (
                "visits: [{date: 2020-01-01, series: [{file: a.nii, body_part: knee, "
                "weighting: T1}]}]",
                1,
                'allowed: t1, pd, t2, stir, t2_star, unknown. Did you mean "t1"?',
            ),
        ],
    )
    def test_a_wrong_one_is_told_with_line_and_list(
        self, tmp_path: Path, text: str, line: int, names: str
    ) -> None:
        what = mistakes(tmp_path, text)
        assert f"line {line}: " in what
        assert names in what

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("pian: []", 'the file has no key "pian"; allowed: comorbidities, '),
            ("pian: []", 'Did you mean "pain"?'),
            ("patient: {name: A}", 'patient has no key "name"; allowed: age, pregnancy, sex'),
            ("pain: [{joint: knee, frm: 2020-01-01}]", 'Did you mean "from"?'),
            ("pain: [{joint: knee, start: 2020-01-01}]", 'pain[0] has no key "start"'),
            ("laboratory: [{name: crp, value: 1, unit: mg/L, reference: {max: 5}}]", "high, low"),
        ],
    )
    def test_an_unknown_key_is_told_with_the_known_ones(
        self, tmp_path: Path, text: str, says: str
    ) -> None:
        assert says in mistakes(tmp_path, text)


class TestForm:
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "the file is empty"),
            ("- a\n- b\n", 'line 1: the file must hold keys and values, as "key: value"'),
            ("just words", "line 1: the file must hold keys and values"),
            ("schema_version: 2", "line 1: schema_version is 2; it must be 1"),
            ("synthetic: yes", 'synthetic is "yes"; it must be true or false'),
            ("trauma: absent", 'trauma must hold keys and values, as "state: absent"'),
            ("pain: {joint: knee}", "pain must be a list"),
            ("pain: [{side: left}]", 'pain[0] lacks "joint"'),
            ("risk_factors: [{name: alcohol}]", 'risk_factors[0] lacks "state"'),
            ("patient: {age: 45.5}", "age is 45.5; it must be a whole number"),
            ("patient: {age: true}", "age is true; it must be a whole number"),
            ("patient: {age: forty}", 'age is "forty"; it must be a whole number'),
            ("patient: {age: -1}", "age is -1; it must be at least 0"),
            ("patient: {age: 121}", "age is 121; it must be at most 120"),
            ("patient: {age: 045}", "begins with a zero"),
            ("onset: {date: 2020}", "onset.date is 2020; it must be a date, as 2019-05-17"),
            ("onset: {date: 1890-05-17}", "it must be a date of 1900 or later"),
            ("onset: {date: 17.05.2019}", "it must be a date, as 2019-05-17"),
            ("onset: {date: 0019-05-17}", "it must be a date"),
            ("onset: {date: 2019-02-30}", '"2019-02-30" is no day of the calendar'),
            ("onset: {date: '2019-02-30'}", "it must be a date"),
            ("onset: {date: 2019-05-17 10:00:00}", "it must be a date"),
            ("dxa: [{t_score: low}]", 't_score is "low"; it must be a number'),
            ("dxa: [{t_score: .nan}]", "it must be a number"),
            ("dxa: [{t_score: -25}]", "it must be at least -10"),
            ("patient: {age: 40, age: 50}", '"age" stands twice; the first is in line 1'),
            ("pain:\n\t- joint: knee\n", "line 2: a tab stands in the indentation"),
            ("fever: &a {state: absent}\nswelling: *a\n", "line 1: an alias or anchor"),
            ("fever: !x {state: absent}\n", "line 1: a tag"),
        ],
    )
    def test_a_wrong_one_is_told(self, tmp_path: Path, text: str, says: str) -> None:
        assert says in mistakes(tmp_path, text)

    def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(self, tmp_path: Path) -> None:
        what = mistakes(
            tmp_path,
            """\
            patient: {age: 200}
            onset: {date: 2019-02-30}
            pain:
              - {joint: kneee}
            patient: {sex: F}
            treatments:
              - {name: ibandronate, from: 2020-02-01, to: 2020-01-01}
            """,
        )
        lines = [int(line.split(":")[0].split()[1]) for line in what.splitlines()[1:]]
        assert lines == [2, 4, 5, 7]
        assert what.startswith("4 mistakes:")

    def test_very_many_are_counted(self, tmp_path: Path) -> None:
        what = mistakes(tmp_path, "pain:\n" + "  - {joint: x}\n" * 50)
        assert what.startswith("50 mistakes:")
        assert "and 30 more" in what
        assert len(what.splitlines()) == 22

    def test_what_was_written_about_a_patient_is_not_echoed(self, tmp_path: Path) -> None:
        text = "Mrs Example of Example Street has had pain in her knee since the summer, and then"
        what = mistakes(tmp_path, f"fever: {{state: {text!r}}}\ntrauma: {text}\n")
        assert "summer" not in what
        assert len(what) < 400
        what = mistakes(tmp_path, f"fever: {{state: absent, note: '{text * 20}'}}")
        assert "Example" not in what
        assert "note is too long" in what

    def test_not_utf8(self, tmp_path: Path) -> None:
        path = tmp_path / "case.yaml"
        path.write_bytes("patient: {age: 40}\n# Müller\n".encode("latin-1"))
        with pytest.raises(InputError, match="line 2: a character is not UTF-8"):
            read_case(path)


class TestWhatCannotBe:
    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (
                "pain:\n  - joint: knee\n    from: 2020-03-01\n    to: 2020-02-01\n",
                "line 4: pain[0].to 2020-02-01 lies before from 2020-03-01",
            ),
            (
                "treatments: [{name: nsaid, from: 2020-03-01, to: 2020-02-01}]",
                "treatments[0].to 2020-02-01 lies before",
            ),
            (
                "onset: {date: 2021-01-01}\npain: [{joint: knee, from: 2020-02-01}]",
                "line 1: onset.date lies after every pain began",
            ),
            (
                "onset: {date: 2021-01-01}\nvisits: [{date: 2020-02-01}]",
                "line 1: onset.date lies after the last visit",
            ),
            ("onset: {date: 2024-06-02}", "is 2024-06-02, which lies in the future"),
            (
                "laboratory: [{name: hla_b27, date: 2030-01-01, state: negative}]",
                "laboratory[0].date is 2030-01-01, which lies in the future",
            ),
            (
                "pain: [{joint: knee, to: 2030-01-01}]",
                "pain[0].to is 2030-01-01, which lies in the future",
            ),
            (
                "onset: {date: 2020-01-01}\nearlier_episodes: [{joint: hip, date: 2020-02-01}]",
                "line 2: earlier_episodes[0].date does not lie before the onset",
            ),
            (
                "onset: {date: 2020-01-01}\nearlier_episodes: [{joint: hip, year: 2021}]",
                "earlier_episodes[0].year does not lie before the onset",
            ),
            (
                "earlier_episodes: [{joint: hip, year: 2019, date: 2018-01-01}]",
                "year is not the year of date",
            ),
            ("earlier_episodes: [{side: left}]", 'earlier_episodes[0] lacks "joint"'),
            ("patient: {sex: M, pregnancy: {state: pregnant}}", '"pregnant" in a man'),
            (
                "patient: {pregnancy: {state: not_pregnant, week: 20}}",
                "patient.pregnancy.week belongs to state: pregnant only",
            ),
            (
                "patient: {pregnancy: {state: pregnant, weeks_post_partum: 3}}",
                "belongs to state: post_partum only",
            ),
            (
                "patient: {pregnancy: {state: pregnant, trimester: 3, week: 12}}",
                "week does not lie in trimester 3",
            ),
            ("fever: {state: not_done}", "fever.state is not_done without a reason"),
            (
                "fever: {state: absent, reason: not_reported}",
                "fever.reason belongs to state: not_done only",
            ),
            (
                "risk_factors: [{name: alcohol, state: not_done}]",
                "risk_factors[0].state is not_done without a reason",
            ),
            (
                "findings: [{finding: double_line, state: not_done}]",
                "findings[0].state is not_done without a reason",
            ),
            (
                "risk_factors:\n"
                "  - {name: alcohol, state: absent}\n"
                "  - {name: smoking, state: absent}\n"
                "  - {name: alcohol, state: present}\n",
                "line 4: risk_factors[2] repeats risk_factors[0]",
            ),
            (
                "comorbidities:\n"
                "  - {name: sickle cell disease, state: absent}\n"
                "  - {name: sickle_cell_disease, state: present}\n",
                "comorbidities[1] repeats comorbidities[0]",
            ),
            (
                "laboratory: [{name: hla_b27, state: positive}, {name: hla_b27, state: negative}]",
                "laboratory[1] repeats laboratory[0]",
            ),
            ("visits: [{date: 2020-01-01}, {date: 2020-01-01}]", "visits[1] repeats visits[0]"),
            ("laboratory: [{name: crp}]", "laboratory[0] has neither state nor value"),
            ("laboratory: [{name: crp, value: 3}]", "laboratory[0].value has no unit"),
            (
                "laboratory: [{name: crp, value: 30, unit: mg/L, reference: {high: 5}, "
                "state: normal}]",
                'state is "normal", but value and reference make it "raised"',
            ),
            (
                "laboratory: [{name: urate, value: 3, unit: mg/dL, reference: {low: 7, high: 2}}]",
                "reference.low lies above high",
            ),
            ("dxa: [{site: radius}]", "dxa[0] has neither state nor score"),
            (
                "dxa: [{t_score: -2.7, state: osteopenia}]",
                'state is "osteopenia", but the T-score makes it "osteoporosis"',
            ),
            (
                "visits: [{date: 2020-01-01, series: [{file: a.nii, body_part: knee}, "
                "{file: a.nii, body_part: knee}]}]",
                "visits[0].series[1].file repeats series[0]",
            ),
        ],
    )
    def test_is_told(self, tmp_path: Path, text: str, says: str) -> None:
        assert says in mistakes(tmp_path, text)

    @pytest.mark.parametrize(
        "text",
        [
            "pain: [{joint: knee, from: 2020-03-01, to: 2020-03-01}]",
            "onset: {date: 2020-02-01}\npain: [{joint: knee, from: 2020-02-01}]",
            "onset: {date: 2024-06-01}",
            "synthetic: true\nonset: {date: 2199-01-01}",
            "onset: {date: 2020-01-01}\nearlier_episodes: [{joint: hip, date: 2019-12-31}]",
            "onset: {date: 2020-01-01}\nearlier_episodes: [{joint: hip, year: 2020}]",
            "earlier_episodes: [{state: absent}]",
            "patient: {sex: M, pregnancy: {state: not_pregnant}}",
            "patient: {sex: F, pregnancy: {state: pregnant, trimester: 3, week: 30}}",
            "patient: {age: 0}",
            "patient: {age: 120}",
            "fever: {state: not_done, reason: not_performed}",
            "laboratory: [{name: crp, date: 2020-01-01, state: normal}, "
            "{name: crp, date: 2020-02-01, state: raised}]",
            "laboratory: [{name: crp, value: 3, unit: mg/L, reference: {high: 5}, state: normal}]",
            "laboratory: [{name: crp, value: 9, unit: mg/L, reference: {high: 5}, "
            "state: equivocal}]",
            "dxa: [{t_score: -1.0, state: normal}]",
            "dxa: [{t_score: -2.5, state: osteoporosis}]",
            "visits: [{date: 2020-01-01}, {date: 2020-01-02}]",
        ],
    )
    def test_its_neighbour_can(self, tmp_path: Path, text: str) -> None:
        case_of(tmp_path, text)

    def test_the_present_day_is_the_default(self, tmp_path: Path) -> None:
        path = written(tmp_path, f"onset: {{date: {date.today().isoformat()}}}")
        assert read_case(path).onset is not None
        with pytest.raises(InputError, match="future"):
            read_case(path, today=TODAY.replace(year=1999))


class TestPaths:
    @pytest.mark.parametrize(
        "file", ["/etc/passwd", "../other/a.nii", "a/../../b.nii", "C:/a.nii", "a\\b.nii", "''"]
    )
    def test_none_leads_out_of_the_folder(self, tmp_path: Path, file: str) -> None:
        text = f"visits: [{{date: 2020-01-01, series: [{{file: {file}, body_part: knee}}]}}]"
        assert "visits[0].series[0].file" in mistakes(tmp_path, text)
        text = f"visits: [{{date: 2020-01-01, bones: {{file: a.nii, labels: {file}}}}}]"
        assert "visits[0].bones.labels" in mistakes(tmp_path, text)

    def test_one_inside_is_fine(self, tmp_path: Path) -> None:
        text = "visits: [{date: 2020-01-01, series: [{file: v1/a..b.nii.gz, body_part: knee}]}]"
        case = case_of(tmp_path, text)
        assert case.visits[0].series[0].file == "v1/a..b.nii.gz"
        assert case.visits[0].series[0].fat_suppressed is None
