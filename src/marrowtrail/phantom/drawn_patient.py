"""What is drawn once for a patient: bones, lesions, dates, and how large each lesion is when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from marrowtrail.phantom.body.appearance import Appearance, draw_appearance
from marrowtrail.phantom.body.bones import draw_limb
from marrowtrail.phantom.body.limb import Limb
from marrowtrail.phantom.body.soft_tissue import SoftTissue, build_soft_tissue
from marrowtrail.phantom.disease.of_joint import Disease, draw_disease
from marrowtrail.phantom.disease.plan import LesionPlan
from marrowtrail.phantom.family import PLAIN_DRAW, Draw, Family
from marrowtrail.phantom.scenario import SMALLEST_SIZE, Scenario
from marrowtrail.record.sites import Side

EARLIEST = date(2019, 1, 7)
LATEST_START_DAYS = 900
"""First visits lie within these days of EARLIEST."""

STREAM = {"patient": 1, "difficulty": 4, "look": 5, "knee": 11, "ankle": 12, "hip": 13, "foot": 14}
"""Names of random streams: what is drawn for one part does not depend on what another drew."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnJoint:
    """A patient's joint, with everything that will ever be ill in it."""

    limb: Limb
    tissue: SoftTissue
    appearance: Appearance
    disease: Disease


@dataclass(frozen=True, slots=True)
class Course:
    """Side, age and dates of a patient; at each visit, each lesion's size and brightness.

    ``effusions`` holds the fluid (0 to 1) of a joint at each visit.
    """

    side: Side
    age: int
    dates: tuple[date, ...]
    sizes: Mapping[str, tuple[float, ...]]
    brightness: Mapping[str, tuple[float, ...]]
    effusions: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPatient:
    """A patient of a scenario: the course of events, and the joints it happens in."""

    scenario: Scenario
    seed: int
    draw: Draw
    difficulty: float
    course: Course
    joints: Mapping[str, DrawnJoint]

    def present(self, visit: int, joint: str) -> list[tuple[LesionPlan, float]]:
        """Lesions of a joint at a visit (counted from 1), with their size."""
        return [
            (plan, self.course.sizes[plan.key][visit - 1])
            for plan in self.scenario.lesions
            if plan.joint == joint and self.course.sizes[plan.key][visit - 1] > 0
        ]

    def effusion(self, visit: int, joint: str) -> float:
        """Fluid of a joint at a visit, 0 (as in health) to 1."""
        course = self.course.effusions.get(joint)
        return 0.0 if course is None else course[visit - 1]


def lesion_id(visit: int, key: str) -> str:
    """The id of a lesion at a visit, as truth names it."""
    return f"v{visit}-{key}"


def draw_course(scenario: Scenario, seed: int) -> Course:
    """Draw who the patient is and what happens when."""
    rng = np.random.default_rng([seed, STREAM["patient"]])
    side = scenario.sides[int(rng.integers(len(scenario.sides)))]
    age = scenario.age.draw_whole(rng)
    dates, day = [], EARLIEST + timedelta(days=int(rng.integers(LATEST_START_DAYS)))
    for visit in scenario.visits:
        day += timedelta(days=visit.after_days.draw_whole(rng))
        dates.append(day)
    sizes = {
        plan.key: tuple(_size(size.draw(rng)) for size in plan.course) for plan in scenario.lesions
    }
    brightness = {
        plan.key: tuple(one.draw(rng) for one in plan.brightness) or (1.0,) * len(dates)
        for plan in scenario.lesions
    }
    effusions = {
        str(plan.joint): tuple(one.draw(rng) for one in plan.course) for plan in scenario.effusions
    }
    return Course(side, age, tuple(dates), sizes, brightness, effusions)


def draw_patient(scenario: Scenario, seed: int, draw: Draw = PLAIN_DRAW) -> DrawnPatient:
    """Draw all that the scenario leaves open, but for how the visits are imaged."""
    course = draw_course(scenario, seed)
    exams = dict.fromkeys(joint for visit in scenario.visits for joint in visit.exams)
    difficulty = _difficulty(scenario, seed, draw)
    joints: dict[str, DrawnJoint] = {
        joint: _draw_joint(scenario, joint, course.side, seed, draw.family, difficulty)
        for joint in exams
    }
    return DrawnPatient(scenario, seed, draw, difficulty, course, joints)


def _difficulty(scenario: Scenario, seed: int, draw: Draw) -> float:
    drawn = scenario.difficulty.draw(np.random.default_rng([seed, STREAM["difficulty"]]))
    return round(drawn if draw.difficulty is None else draw.difficulty, 3)


def _size(drawn: float) -> float:
    return drawn if drawn >= SMALLEST_SIZE else 0.0


def _draw_joint(
    scenario: Scenario, joint: str, side: Side, seed: int, family: Family, difficulty: float
) -> DrawnJoint:
    limb = draw_limb(joint, side, np.random.default_rng([seed, STREAM[joint]]), family)
    disease = draw_disease(scenario, limb, family, (seed, STREAM[joint]))
    # From a stream of its own: build and grain say nothing of the disease.
    look = np.random.default_rng([seed, STREAM[joint], STREAM["look"]])
    appearance = draw_appearance(scenario.sex, difficulty, look)
    return DrawnJoint(limb, build_soft_tissue(limb, appearance), appearance, disease)
