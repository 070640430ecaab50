"""``truth.json`` and ``case.yaml``."""

from __future__ import annotations

import json
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from marrowtrail.errors import InputError
from marrowtrail.phantom import load_truth, scenario_names
from marrowtrail.phantom.case_text import case_text
from marrowtrail.phantom.drawn_patient import draw_course, draw_patient
from marrowtrail.phantom.scenario import Scenario, load_scenario
from marrowtrail.phantom.truth import truth_schema
from marrowtrail.phantom.truth_of import truth_of
from marrowtrail.record.case_file import read_case
from marrowtrail.record.sites import Side
from tests.phantom.conftest import Written


def test_truth_is_read_back_as_it_was_written(small: Written) -> None:
    assert load_truth(small.folder) == small.truth
    assert load_truth(small.folder / "truth" / "truth.json") == small.truth


def test_missing_truth_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"truth\.json"):
        load_truth(tmp_path)


def test_it_holds_by_its_published_schema(small: Written) -> None:
    content = small.truth.model_dump(mode="json", by_alias=True)
    jsonschema.validate(content, truth_schema())
    content["surprise"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, truth_schema())


def test_lesions_and_edges_follow_the_course(small: Written) -> None:
    assert [lesion.id for lesion in small.truth.lesions] == ["v1-plateau", "v2-plateau"]
    assert [(e.earlier, e.later) for e in small.truth.edges] == [("v1-plateau", "v2-plateau")]
    first, second = small.truth.lesions
    assert second.volume_mm3 < first.volume_mm3
    assert {lesion.side for lesion in small.truth.lesions} == {Side.LEFT}
    assert small.truth.lesions_at("v2") == (second,)
    assert small.truth.lesions_at("v9") == ()
    assert small.truth.shifts == ()


def test_every_series_of_the_truth_is_on_disk_and_no_localiser(small: Written) -> None:
    assert {s.series_uid for s in small.truth.series} == set(small.masks)


def test_every_bone_has_a_motion_between_the_visits(small: Written) -> None:
    assert {m.bone for m in small.truth.motions} == {"femur", "tibia", "patella", "fibula"}
    for motion in small.truth.motions:
        matrix = np.array(motion.matrix_lps)
        assert np.allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3))


def test_the_seeds_shifts_are_within_the_joint_then_between_joints() -> None:
    """Without imaging: the drawn patient alone tells them."""
    patient = draw_patient(load_scenario("seed"), 1)
    truth = truth_of(patient, {}, ())
    assert [shift.kind for shift in truth.shifts] == ["within_joint", "between_joints"]
    assert [shift.days for shift in truth.shifts] == [
        (later - earlier).days for earlier, later in pairwise(patient.course.dates)
    ]
    assert [truth.lesions_at(f"v{n}")[-1].region for n in (1, 2, 3)] == [
        "medial_condyle",
        "lateral_plateau",
        "distal_epiphysis",
    ]
    for shift in truth.shifts:
        assert {shift.from_lesion, shift.to_lesion} <= {lesion.id for lesion in truth.lesions}


def test_seeds_differ_in_side_dates_and_sizes() -> None:
    drawn = [draw_course(load_scenario("seed"), seed) for seed in range(1, 21)]
    assert {course.side for course in drawn} == {Side.LEFT, Side.RIGHT}
    assert len({course.dates for course in drawn}) == 20
    assert len({course.sizes["medial-condyle"][0] for course in drawn}) == 20
    leftover = [course.sizes["medial-condyle"][1] for course in drawn]
    assert 0.0 in leftover
    assert max(leftover) > 0.0


@pytest.mark.parametrize("name", scenario_names())
def test_case_yaml_is_a_case(name: str, tmp_path: Path) -> None:
    scenario = load_scenario(name)
    for seed in range(5):
        case = read_case(_case_file(scenario, seed, tmp_path / f"{seed}.yaml"))
        assert case.synthetic
        assert case.patient.sex == scenario.sex
        assert {pain.side for pain in case.pain} == {Side.RIGHT}


def _case_file(scenario: Scenario, seed: int, path: Path) -> Path:
    rng = np.random.default_rng(seed)
    dates = draw_dates(scenario, rng)
    path.write_text(case_text(scenario, Side.RIGHT, 50, dates, rng), encoding="utf-8")
    return path


def draw_dates(scenario: Scenario, rng: np.random.Generator) -> tuple[date, ...]:
    day, dates = date(2020, 1, 1), []
    for visit in scenario.visits:
        day += timedelta(days=visit.after_days.draw_whole(rng))
        dates.append(day)
    return tuple(dates)


def test_the_seeds_case_tells_the_published_story(tmp_path: Path) -> None:
    case = read_case(_case_file(load_scenario("seed"), 1, tmp_path / "case.yaml"))
    assert [entry.name for entry in case.comorbidities] == ["ankylosing_spondylitis"]
    assert {entry.name: entry.state for entry in case.laboratory}["hla_b27"] == "positive"
    treatment = case.treatments[0]
    assert (treatment.name, treatment.response) == ("ibandronate", "none")
    assert [pain.joint for pain in case.pain] == ["knee", "ankle"]
    assert case.trauma is not None
    assert case.trauma.state.value == "absent"


def test_the_schema_in_the_documents_is_this_one() -> None:
    published = Path(__file__).parents[2] / "docs" / "schemas" / "truth.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == truth_schema()
