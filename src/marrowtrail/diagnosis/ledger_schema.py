"""What the knowledge files on alternatives, tests and dangers may hold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from marrowtrail.diagnosis.schema import Key, Probability, Row


class Condition(Row):
    """A finding in a state, read at least ``after_days`` after the first scan with oedema.

    ``within_days``, where given: a dated reading may be at most so much older than the scan that
    showed oedema at the last joint to show it. ``each_joint``: a reading of a place counts for its
    joint alone, and every joint with oedema needs one.
    """

    finding: Key
    state: Literal["present", "absent"]
    after_days: int = Field(default=0, ge=0)
    within_days: int | None = Field(default=None, gt=0)
    each_joint: bool = False


class Alternative(Row):
    """How one alternative is answered: by which findings, and by which tests if not."""

    diagnosis: Key
    unlikely_below: Probability
    supported_by: tuple[str, ...]
    excluded_by: tuple[tuple[Condition, ...], ...]
    reason: Key
    tests: tuple[str, ...]


class MustAnswer(Row):
    """What a leading group of diagnoses must be told apart from, rivals of its own included.

    ``no_rivals`` are diagnoses of the group that are no rivals of its others.
    """

    lead: Key
    alternatives: tuple[str, ...]
    no_rivals: tuple[str, ...] = ()


class Ledger(Row):
    """``ledger.yaml``."""

    must_answer: tuple[MustAnswer, ...]
    alternatives: tuple[Alternative, ...]


class Test(Row):
    """Something that can still be done, and which findings it answers."""

    key: Key
    label: Key
    findings: tuple[str, ...]
    delay: Key
    burden: Key
    cost: Literal["none", "low", "moderate", "high"]
    after_days: int = Field(ge=0)


class FlagRule(Row):
    """A danger and the sets of present findings that call it."""

    category: Key
    explanation: Key
    any_of: tuple[tuple[str, ...], ...]
