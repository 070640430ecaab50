"""What is drawn once for a patient: bones, lesions, dates, and how large each lesion is when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from marrowtrail.phantom.appearance import Appearance, draw_appearance
from marrowtrail.phantom.bone_drawing import draw_limb
from marrowtrail.phantom.demarcation import DemarcationShape, draw_demarcation
from marrowtrail.phantom.family import PLAIN_DRAW, Draw
from marrowtrail.phantom.lesion_shape import LesionShape, draw_lesion
from marrowtrail.phantom.limb import Limb
from marrowtrail.phantom.scenario import SMALLEST_SIZE, LesionPlan, Scenario
from marrowtrail.phantom.soft_tissue import SoftTissue, build_soft_tissue
from marrowtrail.record.sites import Side

EARLIEST = date(2019, 1, 7)
LATEST_START_DAYS = 900
"""First visits lie within these days of EARLIEST."""

STREAM = {"patient": 1, "difficulty": 4, "look": 5, "knee": 11, "ankle": 12}
"""Names of random streams: what is drawn for one part does not depend on what another drew."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnJoint:
    """A patient's joint, with every lesion that it will ever have, by key."""

    limb: Limb
    tissue: SoftTissue
    appearance: Appearance
    lesions: Mapping[str, LesionShape]
    bands: tuple[DemarcationShape, ...]

    def bands_at(self, visit: int, key: str) -> tuple[DemarcationShape, ...]:
        """Demarcation bands in a lesion at a visit (counted from 1)."""
        return tuple(
            band for band in self.bands if band.plan.lesion == key and visit in band.plan.visits
        )

    def level(self, visit: int, key: str, size: float) -> NDArray[np.float32]:
        """Level of oedema at a visit: the lesion, without what a demarcation band bounds.

        Dead marrow within a band is fat; oedema lies outside it.
        """
        level = self.lesions[key].level(size)
        for band in self.bands_at(visit, key):
            outside = band.level.data - np.float32(band.thickness_mm / 2)
            level = np.minimum(level, outside)
        return level


@dataclass(frozen=True, slots=True)
class Course:
    """Side, age and dates of a patient, and each lesion's size at each visit."""

    side: Side
    age: int
    dates: tuple[date, ...]
    sizes: Mapping[str, tuple[float, ...]]


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
    return Course(side, age, tuple(dates), sizes)


def draw_patient(scenario: Scenario, seed: int, draw: Draw = PLAIN_DRAW) -> DrawnPatient:
    """Draw all that the scenario leaves open, but for how the visits are imaged."""
    course = draw_course(scenario, seed)
    exams = dict.fromkeys(joint for visit in scenario.visits for joint in visit.exams)
    joints: dict[str, DrawnJoint] = {
        joint: _draw_joint(scenario, joint, course.side, seed) for joint in exams
    }
    return DrawnPatient(scenario, seed, draw, _difficulty(scenario, seed, draw), course, joints)


def _difficulty(scenario: Scenario, seed: int, draw: Draw) -> float:
    drawn = scenario.difficulty.draw(np.random.default_rng([seed, STREAM["difficulty"]]))
    return round(drawn if draw.difficulty is None else draw.difficulty, 3)


def _size(drawn: float) -> float:
    return drawn if drawn >= SMALLEST_SIZE else 0.0


def _draw_joint(scenario: Scenario, joint: str, side: Side, seed: int) -> DrawnJoint:
    rng = np.random.default_rng([seed, STREAM[joint]])
    limb = draw_limb(joint, side, rng)
    lesions = {
        plan.key: draw_lesion(plan, limb.bone(plan.bone), rng)
        for plan in scenario.lesions
        if plan.joint == joint
    }
    bands = tuple(
        draw_demarcation(plan, lesions[plan.lesion], rng)
        for plan in scenario.demarcations
        if plan.lesion in lesions
    )
    # Drawn last, and from a stream of its own: build and grain say nothing of the disease.
    appearance = draw_appearance(np.random.default_rng([seed, STREAM[joint], STREAM["look"]]))
    return DrawnJoint(limb, build_soft_tissue(limb, appearance), appearance, lesions, bands)
