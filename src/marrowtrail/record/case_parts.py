"""The parts of ``case.yaml``: what each entry may say, and what contradicts itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from marrowtrail.record.case_words import COMMON_STATES, case_words
from marrowtrail.record.closed_lists import unknown_word
from marrowtrail.record.contradictions import Contradiction, Part
from marrowtrail.record.field_types import (
    ChangeWord,
    ComorbidityWord,
    Day,
    DxaSiteWord,
    Flag,
    JointWord,
    LaboratoryWord,
    LimbSide,
    Note,
    Number,
    Reason,
    ResultWord,
    RiskFactorWord,
    Sign,
    State,
    StructureWord,
    TreatmentWord,
    Whole,
    Year,
    words,
)
from marrowtrail.record.finding_entry import READER, reason_contradictions
from marrowtrail.record.findings import FindingState
from marrowtrail.record.sites import Side

WEEKS_OF_TRIMESTER = {1: range(1, 14), 2: range(14, 28), 3: range(28, 46)}
"""Completed weeks of gestation."""
LOW_T_SCORE = -1.0
OSTEOPOROTIC_T_SCORE = -2.5
"""Thresholds of the WHO (Technical Report Series 843, 1994): below -1.0 low bone mass, -2.5 or
below osteoporosis."""


class Noted(Part):
    """A part that may carry a note."""

    note: Note | None = None


class Pregnancy(Noted):
    """Pregnant, within half a year of delivery, or neither."""

    state: Annotated[str, words("state", "pregnant", "post_partum", "not_pregnant")]
    trimester: Annotated[Whole, Field(ge=1, le=3)] | None = None
    week: Annotated[Whole, Field(ge=1, le=45)] | None = None
    weeks_post_partum: Annotated[Whole, Field(ge=0, le=26)] | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        """Weeks that belong to another state or trimester."""
        for key in ("trimester", "week"):
            if getattr(self, key) is not None and self.state != "pregnant":
                yield Contradiction((key,), "belongs to state: pregnant only")
        if self.weeks_post_partum is not None and self.state != "post_partum":
            yield Contradiction(("weeks_post_partum",), "belongs to state: post_partum only")
        if self.trimester and self.week and self.week not in WEEKS_OF_TRIMESTER[self.trimester]:
            yield Contradiction(("week",), f"does not lie in trimester {self.trimester}")


class Patient(Part):
    """Who it is, without anything that identifies."""

    age: Annotated[Whole, Field(ge=0, le=120, description="Years at the first visit.")] | None = (
        None
    )
    sex: Annotated[str, words("sex", "M", "F")] | None = None
    pregnancy: Pregnancy | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        """A man is not pregnant."""
        pregnancy = self.pregnancy
        if self.sex == "M" and pregnancy and pregnancy.state != "not_pregnant":
            yield Contradiction(("pregnancy", "state"), f'is "{pregnancy.state}" in a man')


class Onset(Noted):
    """How the complaints of this episode began."""

    date: Day | None = None
    manner: Annotated[str, words("manner", "acute", "gradual")] | None = None
    duration_days: (
        Annotated[Whole, Field(ge=0, description="Days of complaints at the first visit.")] | None
    ) = None


class Pain(Noted):
    """Pain of one joint over one span of time; ``to`` is empty while it lasts."""

    joint: JointWord
    side: LimbSide = Side.UNKNOWN
    start: Day | None = Field(None, alias="from")
    end: Day | None = Field(None, alias="to")
    on_loading: Sign | None = None
    at_rest: Sign | None = None
    at_night: Sign | None = None
    morning_stiffness: Sign | None = None
    unable_to_bear_weight: Sign | None = None

    def contradictions(self) -> Iterable[Contradiction]:
        """An end before the beginning."""
        return _backwards(self.start, self.end)


class Statement(Noted):
    """Something asked for: present, absent, equivocal, or not done with the reason."""

    state: State
    reason: Reason | None = None

    def contradictions(self) -> Iterable[Contradiction]:
        """A reason where none belongs, or none where one does."""
        return reason_contradictions(self.state, self.reason is not None)


class Trauma(Statement):
    """An injury before the complaints."""

    severity: Annotated[str, words("severity", "minor", "major")] | None = None
    date: Day | None = None


class RiskFactor(Statement):
    """One risk factor of the closed list."""

    name: RiskFactorWord


class Comorbidity(Statement):
    """One known illness of the closed list."""

    name: ComorbidityWord
    since: Year | None = None


class Reference(Part):
    """The laboratory's own limits, in the unit of the value."""

    low: Number | None = None
    high: Number | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        """Limits the wrong way round."""
        if self.low is not None and self.high is not None and self.low > self.high:
            yield Contradiction(("low",), "lies above high")


class LaboratoryResult(Noted):
    """One result. ``state`` may be left to ``value`` and ``reference``."""

    name: LaboratoryWord
    date: Day | None = None
    state: ResultWord | None = None
    reason: Reason | None = None
    value: Number | None = None
    unit: str | None = None
    reference: Reference | None = None

    @field_validator("state")
    @classmethod
    def _state_of_the_test(cls, state: str | None, info: ValidationInfo) -> str | None:
        if state is not None and (name := info.data.get("name")):
            allowed = (*case_words().laboratory_test(name).states, *COMMON_STATES)
            if state not in allowed:
                raise unknown_word("state", state, allowed)
        return state

    @field_validator("unit")
    @classmethod
    def _unit_of_the_test(cls, unit: str | None, info: ValidationInfo) -> str | None:
        if unit is not None and (name := info.data.get("name")):
            allowed = case_words().laboratory_test(name).units
            if unit not in allowed:
                raise unknown_word("unit", unit, allowed)
        return unit

    @property
    def measured_state(self) -> str | None:
        """``low``, ``normal`` or ``raised`` by value and reference; ``None`` without them.

        Only for a test that knows these words: a raised rheumatoid factor is *positive* by
        rules of the laboratory that no reference range tells.
        """
        reference, value = self.reference, self.value
        states = case_words().laboratory_test(self.name).states
        if value is None or reference is None or "normal" not in states:
            return None
        if reference.low is not None and value < reference.low:
            return "low" if "low" in states else "normal"
        if reference.high is not None and value > reference.high:
            return "raised"
        return "normal"

    def contradictions(self) -> Iterator[Contradiction]:
        """A value without unit, a state that value and reference deny, an empty result."""
        yield from reason_contradictions(self.state, self.reason is not None)
        if self.state is None and self.value is None:
            yield Contradiction((), "has neither state nor value")
        if self.value is not None and self.unit is None:
            yield Contradiction(("value",), "has no unit")
        measured = self.measured_state
        if measured and self.state not in (None, "equivocal", measured):
            text = f'is "{self.state}", but value and reference make it "{measured}"'
            yield Contradiction(("state",), text)


class BoneDensity(Noted):
    """One DXA measurement. ``state`` may be left to the T-score."""

    site: DxaSiteWord | None = None
    date: Day | None = None
    t_score: Annotated[Number, Field(ge=-10, le=10)] | None = None
    z_score: Annotated[Number, Field(ge=-10, le=10)] | None = None
    state: (
        Annotated[str, words("state", "normal", "osteopenia", "osteoporosis", *COMMON_STATES)]
        | None
    ) = None
    reason: Reason | None = None

    @property
    def measured_state(self) -> str | None:
        """The WHO category of the T-score; ``None`` without one."""
        if self.t_score is None:
            return None
        if self.t_score <= OSTEOPOROTIC_T_SCORE:
            return "osteoporosis"
        return "osteopenia" if self.t_score < LOW_T_SCORE else "normal"

    def contradictions(self) -> Iterator[Contradiction]:
        """An empty result, or a state that the T-score denies."""
        yield from reason_contradictions(self.state, self.reason is not None)
        if self.state is None and self.t_score is None and self.z_score is None:
            yield Contradiction((), "has neither state nor score")
        measured = self.measured_state
        if measured and self.state not in (None, "equivocal", measured):
            text = f'is "{self.state}", but the T-score makes it "{measured}"'
            yield Contradiction(("state",), text)


class EarlierEpisode(Noted):
    """A like episode before this one; ``state: absent`` says that there was none."""

    state: Sign = FindingState.PRESENT
    joint: JointWord | None = None
    side: LimbSide = Side.UNKNOWN
    date: Day | None = None
    year: Year | None = None
    resolved: Flag | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        """An episode without a joint, or two dates that disagree."""
        if self.state is FindingState.PRESENT and self.joint is None:
            yield Contradiction((), 'lacks "joint"')
        if self.date and self.year and self.date.year != self.year:
            yield Contradiction(("year",), "is not the year of date")


class StructureFinding(Statement):
    """What a reader saw of a structure beside bone."""

    structure: StructureWord
    change: ChangeWord
    side: LimbSide = Side.UNKNOWN
    visit: Day | None = None
    entered_by: Annotated[str, words("author", READER)] = READER

    @field_validator("change")
    @classmethod
    def _change_of_the_tissue(cls, change: str, info: ValidationInfo) -> str:
        if structure := info.data.get("structure"):
            allowed = case_words().changes_of(case_words().structure(structure).tissue)
            if change not in allowed:
                raise unknown_word("change", change, allowed)
        return change


class Treatment(Noted):
    """A treatment and what became of the complaints under it."""

    name: TreatmentWord
    start: Day | None = Field(None, alias="from")
    end: Day | None = Field(None, alias="to")
    response: Annotated[str, words("response", "none", "partial", "complete", "worse")] | None = (
        None
    )

    def contradictions(self) -> Iterable[Contradiction]:
        """An end before the beginning."""
        return _backwards(self.start, self.end)


def _backwards(start: date | None, end: date | None) -> Iterator[Contradiction]:
    if start and end and end < start:
        yield Contradiction(("to",), f"{end} lies before from {start}")
