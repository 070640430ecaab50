"""What a scenario says: the patient's story, in numbers to draw from.

A scenario is a YAML file in ``scenarios/``: who the patient is, which joints are imaged at
which visit, which lesions there are and how large each is at each visit, which sign goes
with them, what became what, how images vary, and what ``case.yaml`` says. Every number may
be a range; the seed draws from it.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from marrowtrail.errors import InputError
from marrowtrail.phantom.disease.plan import (
    CollapsePlan,
    CystPlan,
    DemarcationPlan,
    EffusionPlan,
    ErosionPlan,
    JointKey,
    LesionPlan,
    SheetPlan,
    ShiftPlan,
)
from marrowtrail.phantom.ranges import Part, Range
from marrowtrail.phantom.scanner.plan import ImagingPlan
from marrowtrail.record.sites import Side

SMALLEST_SIZE = 0.2
"""A lesion drawn smaller than this share of its radius (under 1 % of its volume) is none."""


class VisitPlan(Part):
    """One visit: days since the one before, and the joints imaged.

    ``off_centre_mm`` centres the planes beside the joint, in mm along the axes of a right limb
    (to the patient's left, so medially; backwards; upwards): what lies on the other side is cut.
    """

    after_days: Range
    exams: tuple[JointKey, ...] = Field(min_length=1)
    off_centre_mm: tuple[Range, Range, Range] | None = None


class Scenario(Part):
    """A whole story. Visits, lesions and courses agree, or it is not accepted.

    ``purpose`` says what it was written for: a ``disease`` is what ``random`` draws from, what
    tries ``follow_up`` (fields of view that cut, visits that are missed) is left to ``serial``.
    """

    key: str
    title: str
    purpose: Literal["disease", "follow_up"] = "disease"
    sex: Literal["M", "F"]
    age: Range
    sides: tuple[Literal[Side.LEFT, Side.RIGHT], ...] = (Side.LEFT, Side.RIGHT)
    visits: tuple[VisitPlan, ...] = Field(min_length=1)
    lesions: tuple[LesionPlan, ...] = ()
    demarcations: tuple[DemarcationPlan, ...] = ()
    sheets: tuple[SheetPlan, ...] = ()
    collapses: tuple[CollapsePlan, ...] = ()
    cysts: tuple[CystPlan, ...] = ()
    erosions: tuple[ErosionPlan, ...] = ()
    effusions: tuple[EffusionPlan, ...] = ()
    shifts: tuple[ShiftPlan, ...] = ()
    imaging: ImagingPlan = ImagingPlan()
    difficulty: Range = Range(low=0.1, high=0.6)
    case: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _parts_agree(self) -> Scenario:
        keys = [lesion.key for lesion in self.lesions]
        if len(set(keys)) != len(keys):
            raise ValueError("two lesions share one key")
        for lesion in self.lesions:
            self._check_course(lesion)
            self._check_parts(lesion)
        signs: tuple[DemarcationPlan | SheetPlan | CystPlan, ...] = (
            *self.demarcations,
            *self.sheets,
            *self.cysts,
        )
        for sign in signs:
            for visit in sign.visits:
                self._check_present(sign.lesion, visit)
        for collapse in self.collapses:
            self._check_length(f"collapse in {collapse.lesion!r}", collapse.depth_mm)
            for visit, depth in enumerate(collapse.depth_mm, start=1):
                if depth.high > 0:
                    self._check_present(collapse.lesion, visit)
        for erosion in self.erosions:
            for visit in erosion.visits:
                self._check_imaged(f"erosion of the {erosion.bone}", erosion.joint, visit)
        for effusion in self.effusions:
            self._check_length(f"effusion of the {effusion.joint}", effusion.course)
        for shift in self.shifts:
            self._check_present(shift.from_lesion, shift.from_visit)
            self._check_present(shift.to_lesion, shift.to_visit)
        return self

    def _check_course(self, lesion: LesionPlan) -> None:
        name = f"lesion {lesion.key!r}"
        self._check_length(name, lesion.course)
        if lesion.brightness:
            self._check_length(name, lesion.brightness)
        for visit, size in enumerate(lesion.course, start=1):
            if size.high > 0:
                self._check_imaged(name, lesion.joint, visit)

    def _check_length(self, name: str, course: tuple[Range, ...]) -> None:
        if len(course) != len(self.visits):
            raise ValueError(
                f"{name}: its course has {len(course)} entries, "
                f"but there are {len(self.visits)} visits"
            )

    def _check_imaged(self, name: str, joint: JointKey, visit: int) -> None:
        if not 1 <= visit <= len(self.visits) or joint not in self.visits[visit - 1].exams:
            raise ValueError(f"{name}: visit {visit} does not image the {joint}")

    def _check_parts(self, lesion: LesionPlan) -> None:
        """A piece lies in its whole, which is a lesion of its own and never there with it."""
        if lesion.part_of is None:
            return
        whole = next((one for one in self.lesions if one.key == lesion.part_of), None)
        if whole is None or whole.part_of is not None:
            raise ValueError(f"lesion {lesion.key!r}: no whole lesion is called {lesion.part_of!r}")
        if (whole.joint, whole.bone) != (lesion.joint, lesion.bone):
            raise ValueError(f"lesion {lesion.key!r} is part of one in another bone")
        both = zip(whole.course, lesion.course, strict=True)
        if any(one.high > 0 and two.high > 0 for one, two in both):
            raise ValueError(f"lesion {lesion.key!r} is there together with its whole")

    def _check_present(self, key: str, visit: int) -> None:
        """A sign or a shift needs a lesion that is surely there."""
        lesion = next((one for one in self.lesions if one.key == key), None)
        if lesion is None:
            raise ValueError(f"no lesion is called {key!r}")
        if not 1 <= visit <= len(self.visits) or lesion.course[visit - 1].low < SMALLEST_SIZE:
            raise ValueError(f"lesion {key!r} is not surely there at visit {visit}")


def scenario_names() -> tuple[str, ...]:
    """The scenarios of this version, in alphabetical order."""
    folder = resources.files("marrowtrail.phantom") / "scenarios"
    names = [entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return tuple(sorted(name.removesuffix(".yaml") for name in names))


@cache
def load_scenario(name: str) -> Scenario:
    """A packaged scenario.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in scenario_names():
        raise InputError(
            f"Expected the name of a scenario, got {name!r}.",
            where="--scenario",
            remedy=f"Use one of {', '.join(scenario_names())}.",
        )
    source = resources.files("marrowtrail.phantom") / "scenarios" / f"{name}.yaml"
    return parse_scenario(source.read_text(encoding="utf-8"), where=f"scenario {name}")


def parse_scenario(text: str, *, where: str) -> Scenario:
    """A scenario from YAML.

    Raises
    ------
    InputError
        If it is no YAML, or says something that a scenario cannot.
    """
    remedy = "Compare it with a scenario under marrowtrail/phantom/scenarios."
    try:
        return Scenario.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise InputError(f"Expected YAML: {error}.", where=where, remedy=remedy) from error
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'scenario'}: {e['msg']}" for e in error.errors()
        )
        raise InputError(
            f"The scenario does not hold: {told}.", where=where, remedy=remedy
        ) from error
