"""The figures of follow-up: one patient's counts, and what they sum to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from marrowtrail.evaluation.cases_scoring import Share, wilson
from marrowtrail.evaluation.change_scores import (
    ChangeCase,
    f1_by_kind,
    false_changes,
    macro_f1,
)
from marrowtrail.evaluation.follow_up_registration import (
    RegistrationCase,
    RegistrationScores,
    sum_registrations,
)


class PatientFollowed(BaseModel):
    """One synthetic patient, scored. What edges and shifts count stands in ``follow_up_graph``."""

    model_config = ConfigDict(frozen=True)

    scenario: str
    seed: int
    registrations: tuple[RegistrationCase, ...]
    dice: tuple[float, ...]
    lesions_found: int
    lesions_there: int
    false_lesions: int
    interval_covers: tuple[bool, ...]
    edges_right: int
    edges_found: int
    edges_there: int
    edges_in_reach: int
    shifts_right: int
    shifts_found: int
    shifts_there: int
    still_visits: int
    still_visits_with_shift: int
    changes: tuple[ChangeCase, ...]

    @property
    def story_found(self) -> bool:
        """Every true shift was found, and no other."""
        return self.shifts_right == self.shifts_there == self.shifts_found


class MigrationScores(BaseModel):
    """Shifts one by one.

    ``sensitivity`` is the share of true shifts found with both ends, regions and kind;
    ``specificity`` of the visits (after a patient's first) to which nothing moved, the share at
    which no shift was found. ``found`` and ``right`` also count what is found beside a true one.
    """

    model_config = ConfigDict(frozen=True)

    sensitivity: float | None
    sensitivity_share: Share | None
    specificity: float | None
    specificity_share: Share | None
    found: int
    right: int
    there: int
    stories_found: int
    stories_there: int


class FollowUpScores(BaseModel):
    """All patients. What no patient of a run can tell is empty. Intervals are Wilson's, 95 %.

    ``edge_recall`` is over all true edges, ``edge_recall_in_reach`` over those of lesions that
    were found. ``change_f1`` is the mean over classes of change of ``change_f1_by_kind``.
    ``false_change`` is the share of steps without a change that were called one.
    """

    model_config = ConfigDict(frozen=True)

    registration: RegistrationScores
    edge_f1: float | None
    edge_precision: Share | None
    edge_recall: Share | None
    edge_recall_in_reach: Share | None
    change_f1: float | None
    change_f1_by_kind: dict[str, float]
    changes_there: int
    migration: MigrationScores
    false_change: float | None
    false_change_share: Share | None
    mean_dice: float | None
    lesions_found: float | None
    false_lesions_per_patient: float
    interval_coverage: float | None
    patients: tuple[PatientFollowed, ...]


def sum_patients(patients: Sequence[PatientFollowed]) -> FollowUpScores:
    """The figures of at least one patient."""

    def total(count: Callable[[PatientFollowed], int]) -> int:
        return sum(count(one) for one in patients)

    right = total(lambda one: one.edges_right)
    found, there = total(lambda one: one.edges_found), total(lambda one: one.edges_there)
    changes = [case for one in patients for case in one.changes]
    false_change = share_of(*false_changes(changes))
    dices = [d for one in patients for d in one.dice]
    covers = [c for one in patients for c in one.interval_covers]
    lesions = share_of(total(lambda one: one.lesions_found), total(lambda one: one.lesions_there))
    return FollowUpScores(
        registration=sum_registrations([r for one in patients for r in one.registrations]),
        edge_f1=2 * right / (found + there) if found + there else None,
        edge_precision=share_of(right, found),
        edge_recall=share_of(right, there),
        edge_recall_in_reach=share_of(right, total(lambda one: one.edges_in_reach)),
        change_f1=macro_f1(changes),
        change_f1_by_kind=f1_by_kind(changes),
        changes_there=sum(case.true is not None for case in changes),
        migration=_migration(patients),
        false_change=value_of(false_change),
        false_change_share=false_change,
        mean_dice=float(np.mean(dices)) if dices else None,
        lesions_found=value_of(lesions),
        false_lesions_per_patient=total(lambda one: one.false_lesions) / len(patients),
        interval_coverage=float(np.mean(covers)) if covers else None,
        patients=tuple(patients),
    )


def _migration(patients: Sequence[PatientFollowed]) -> MigrationScores:
    right = sum(one.shifts_right for one in patients)
    there = sum(one.shifts_there for one in patients)
    still = sum(one.still_visits for one in patients)
    called = sum(one.still_visits_with_shift for one in patients)
    sensitivity, specificity = share_of(right, there), share_of(still - called, still)
    return MigrationScores(
        sensitivity=value_of(sensitivity),
        sensitivity_share=sensitivity,
        specificity=value_of(specificity),
        specificity_share=specificity,
        found=sum(one.shifts_found for one in patients),
        right=right,
        there=there,
        stories_found=sum(one.story_found for one in patients if one.shifts_there),
        stories_there=sum(one.shifts_there > 0 for one in patients),
    )


def share_of(part: int, whole: int) -> Share | None:
    """A share with its interval; nothing of nothing."""
    return wilson(part, whole) if whole else None


def value_of(share: Share | None) -> float | None:
    """The share alone."""
    return None if share is None else share.share
