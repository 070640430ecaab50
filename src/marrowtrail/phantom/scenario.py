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
from marrowtrail.phantom.ranges import Part, Range
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary

SMALLEST_SIZE = 0.2
"""A lesion drawn smaller than this share of its radius (under 1 % of its volume) is none."""

JointKey = Literal["knee", "ankle"]
Direction = Literal["inferior", "superior", "anterior", "posterior"]


class VisitPlan(Part):
    """One visit: days since the one before, and the joints imaged."""

    after_days: Range
    exams: tuple[JointKey, ...] = Field(min_length=1)


class LesionPlan(Part):
    """Oedema in one region, and how large it is at each visit.

    ``radius_mm`` is the mean semi-axis at ``size`` 1; ``course`` holds the size at each
    visit, 0 for none. ``towards`` is the side of the bone that its joint surface faces.
    """

    key: str
    joint: JointKey
    bone: str
    region: str
    towards: Direction
    radius_mm: Range
    water: Range = Range(low=0.45, high=0.75)
    course: tuple[Range, ...]

    @model_validator(mode="after")
    def _region_is_known(self) -> LesionPlan:
        try:
            vocabulary().bone(self.bone).region(self.region)
        except UnknownWordError as error:
            raise ValueError(str(error)) from error
        return self


class DemarcationPlan(Part):
    """A demarcation band about a subchondral segment inside a lesion.

    ``segment`` is the segment's size as a share of the lesion's radius.
    """

    lesion: str
    segment: Range
    thickness_mm: Range
    visits: tuple[int, ...]


class ShiftPlan(Part):
    """Oedema that faded at one place while it appeared at another."""

    from_lesion: str = Field(alias="from")
    from_visit: int
    to_lesion: str = Field(alias="to")
    to_visit: int


class ImagingPlan(Part):
    """How images vary. Every range is drawn once per visit, exam or series."""

    flexion_deg: Range = Range(low=0, high=12)
    turn_deg: Range = Range(low=-6, high=6)
    shift_mm: Range = Range(low=-10, high=10)
    plane_tilt_deg: Range = Range(low=-4, high=4)
    snr: Range = Range(low=18, high=40)
    shading: Range = Range(low=0.1, high=0.35)
    pixel_mm: Range = Range(low=0.5, high=0.62)
    thickness_mm: Range = Range(low=3.0, high=3.6)
    gap_share: Range = Range(low=0.05, high=0.2)
    fat_left: Range = Range(low=0.04, high=0.12)
    matrix: tuple[int, ...] = (256, 288)
    vendors: tuple[Literal["siemens", "ge", "philips"], ...] = ("siemens", "ge", "philips")
    fields_t: tuple[float, ...] = (1.5, 3.0)


class Scenario(Part):
    """A whole story. Visits, lesions and courses agree, or it is not accepted."""

    key: str
    title: str
    sex: Literal["M", "F"]
    age: Range
    sides: tuple[Literal[Side.LEFT, Side.RIGHT], ...] = (Side.LEFT, Side.RIGHT)
    visits: tuple[VisitPlan, ...] = Field(min_length=1)
    lesions: tuple[LesionPlan, ...] = ()
    demarcations: tuple[DemarcationPlan, ...] = ()
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
        for demarcation in self.demarcations:
            for visit in demarcation.visits:
                self._check_present(demarcation.lesion, visit)
        for shift in self.shifts:
            self._check_present(shift.from_lesion, shift.from_visit)
            self._check_present(shift.to_lesion, shift.to_visit)
        return self

    def _check_course(self, lesion: LesionPlan) -> None:
        if len(lesion.course) != len(self.visits):
            raise ValueError(
                f"lesion {lesion.key!r}: its course has {len(lesion.course)} entries, "
                f"but there are {len(self.visits)} visits"
            )
        for number, (size, visit) in enumerate(zip(lesion.course, self.visits, strict=True), 1):
            if size.high > 0 and lesion.joint not in visit.exams:
                raise ValueError(
                    f"lesion {lesion.key!r}: visit {number} does not image the {lesion.joint}"
                )

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
