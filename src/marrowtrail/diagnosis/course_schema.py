"""What ``knowledge/course.yaml`` may hold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from marrowtrail.diagnosis.schema import Key, Probability, Row

Days = Field(gt=0)
Scope = Literal["another_joint", "within_joint"]


class HealedBy(Row):
    """A finding that says by how many days the oedema had gone."""

    finding: Key
    days: float = Days


class CollapseTerm(Row):
    """The finding of a joint surface that gave way, and the term that its rates are taken for."""

    finding: Key
    days: float = Days
    reason: Key


class KnownShare(Row):
    """A share that a source gives for one diagnosis."""

    diagnosis: Key
    share: Probability
    source: Key
    fact: Key


class Relapse(Row):
    """How many relapse at one place, after how long; ``share`` where no source speaks."""

    share: Probability
    mean_days: float = Days
    reason: Key
    known: tuple[KnownShare, ...]


class Gap(Row):
    """Days between two places that a source saw one after the other."""

    days: float = Days
    source: Key


class Move(Row):
    """Oedema that shows elsewhere: the finding, the gaps before it does, how long it stays there.

    ``sources`` are those of ``stays_days``.
    """

    scope: Scope
    label: Key
    finding: Key
    gaps: tuple[Gap, ...] = Field(min_length=1)
    stays_days: float = Days
    sources: tuple[str, ...]
    reason: Key

    @property
    def mean_days(self) -> tuple[float, ...]:
        """Each gap is one time constant."""
        return tuple(gap.days for gap in self.gaps)

    def left_in(self, without: frozenset[str]) -> Move:
        """The move without the gaps of some sources; with all of them where none would be left."""
        kept = tuple(gap for gap in self.gaps if gap.source not in without)
        return self.model_copy(update={"gaps": kept or self.gaps})


class StageLabel(Row):
    """A label that a disease bears once it has moved so far."""

    diagnosis: Key
    moved: Scope


class OneDisease(Row):
    """A disease whose labels are stages; ``labels`` come from the furthest stage back.

    Moves are counted in the diagnoses ``counted`` and in cohorts of the whole family.
    """

    family: Key
    counted: tuple[str, ...]
    days_before_first_scan: float = Days
    source: Key
    reason: Key
    labels: tuple[StageLabel, ...]


class Transition(Row):
    """A disease that may turn into another: ``k`` of ``n`` within some days."""

    key: Key
    from_: Key
    to: Key
    k: float = Field(ge=0)
    n: float = Field(gt=0)
    days: float = Days
    enabled: bool
    sources: tuple[str, ...]
    reason: Key

    def share_by(self, days: float) -> float:
        """Share that has turned, at a constant rate for as long as the sources saw any turn."""
        # half an event more and one patient more: no source can show that it never happens
        within = (self.k + 0.5) / (self.n + 1.0)
        return float(1.0 - (1.0 - within) ** (min(days, self.days) / self.days))


class Treatment(Row):
    """A drug, by its word in ``case.yaml``, and how much faster healing is from its first day on.

    ``label`` is its name in a sentence.
    """

    drug: Key
    label: Key
    healing: float = Field(gt=0)
    source: Key
    reason: Key


class ToldAgain(Row):
    """A finding that is no second event where the course has seen ``of``."""

    finding: Key
    of: Key


class CourseRules(Row):
    """``course.yaml``."""

    healed_by: tuple[HealedBy, ...] = Field(min_length=1)
    collapse: CollapseTerm
    relapse: Relapse
    moves: tuple[Move, ...]
    families: tuple[OneDisease, ...]
    transitions: tuple[Transition, ...]
    treatments: tuple[Treatment, ...]
    told_again: tuple[ToldAgain, ...]

    @model_validator(mode="after")
    def _one_move_of_each_scope(self) -> CourseRules:
        if sorted(m.scope for m in self.moves) != ["another_joint", "within_joint"]:
            raise ValueError("give one move within_joint and one to another_joint")
        return self

    @property
    def findings(self) -> frozenset[str]:
        """Findings that the course takes over from the product."""
        healed = {entry.finding for entry in self.healed_by}
        return frozenset(healed | {self.collapse.finding} | {m.finding for m in self.moves})

    def days_of(self, finding: str) -> float | None:
        """By how many days a finding says that oedema had gone; ``None`` for another finding."""
        return next((e.days for e in self.healed_by if e.finding == finding), None)

    def move(self, scope: Scope) -> Move:
        """The move of a scope."""
        return next(m for m in self.moves if m.scope == scope)

    def left_in(self, without: frozenset[str]) -> CourseRules:
        """The rules without what some sources alone gave: the gaps that they saw."""
        return self.model_copy(update={"moves": tuple(m.left_in(without) for m in self.moves)})
