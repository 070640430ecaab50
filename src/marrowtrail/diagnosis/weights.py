"""States of a finding as weights: what a reading says where the finding is there, and where not."""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.record.findings import FindingState

EQUIVOCAL_WEIGHT = 2.0 / 3.0
"""An equivocal finding is taken to be twice as likely where the finding is there: a convention."""

RANK = {
    FindingState.PRESENT: 3,
    FindingState.EQUIVOCAL: 2,
    FindingState.ABSENT: 1,
    FindingState.NOT_DONE: 0,
}
"""Strongest state first."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Chance that a finding is called absent where it is there, and present where it is not."""

    missed: float
    invented: float


def state_weights(state: FindingState, error: float | Errors) -> tuple[float, float]:
    """(u, v) of a state read with that chance of error: likelihood u * rate + v * (1 - rate)."""
    errors = error if isinstance(error, Errors) else Errors(error, error)
    if state is FindingState.PRESENT:
        return 1.0 - errors.missed, errors.invented
    if state is FindingState.ABSENT:
        return errors.missed, 1.0 - errors.invented
    return EQUIVOCAL_WEIGHT, 1.0 - EQUIVOCAL_WEIGHT
