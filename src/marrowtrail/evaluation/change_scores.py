"""Whether what became of lesions from visit to visit was named as it is true.

Every true change between two visits that follow each other for its joint is one case, with the
word that the program has for the step that shares most of its lesions; what it calls a change
and is none is a case, too. Lesions below 0.3 ml at both visits are left out. A program that
says *unclear* claims nothing: it is not wrong, and misses the change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from marrowtrail.evaluation.truth_matching import FOUND_MM3, LesionAgreement
from marrowtrail.follow_up.track import Change, Step
from marrowtrail.phantom import PatientTruth
from marrowtrail.phantom.truth import ChangeKind, ChangeTruth
from marrowtrail.result.inputs import Measured

KINDS: dict[Change, ChangeKind] = {
    Change.NEW: "new",
    Change.RESOLVED: "resolved",
    Change.GROWING: "grown",
    Change.SHRINKING: "shrunk",
    Change.WITHIN_NOISE: "stable",
    Change.SPLIT: "split",
    Change.MERGED: "merged",
    Change.RECURRED: "recurred",
}
"""The truth's word for each change; what is not here claims nothing."""


class ChangeCase(BaseModel):
    """One step of one lesion: the truth's word and the program's, ``None`` for none."""

    model_config = ConfigDict(frozen=True)

    to_visit: str
    true: ChangeKind | None
    called: ChangeKind | None


@dataclass(frozen=True, slots=True)
class _Named:
    """A step of the program in the truth's names; ``mm3`` is the larger of its two ends."""

    to_visit: str
    earlier: frozenset[str]
    later: frozenset[str]
    kind: ChangeKind | None
    mm3: float

    def shared(self, change: ChangeTruth) -> int:
        """How many of the lesions of a true change it speaks of."""
        if self.to_visit != change.to_visit:
            return 0
        return len(self.earlier & {*change.earlier}) + len(self.later & {*change.later})


def score_changes(
    measured: Measured, truth: PatientTruth, lesions: LesionAgreement
) -> tuple[ChangeCase, ...]:
    """The cases of one patient: true changes first, then what was called and is none.

    Parameters
    ----------
    measured
        What the program made of the images.
    truth
        What is true of them.
    lesions
        Which lesion is which.
    """
    tracks = measured.followed.tracks
    steps = [_named(one, measured, lesions) for track in tracks for one in track.steps]
    volumes = {one.id: one.volume_mm3 for one in truth.lesions}
    cases, spoken = list[ChangeCase](), set[int]()
    for change in truth.changes:
        about = [n for n, one in enumerate(steps) if one.shared(change)]
        best = max(about, key=lambda n: (steps[n].shared(change), -n), default=None)
        if max(volumes[one] for one in (*change.earlier, *change.later)) < FOUND_MM3:
            spoken.update(about)
            continue
        if best is not None:
            spoken.add(best)
        called = None if best is None else steps[best].kind
        cases.append(ChangeCase(to_visit=change.to_visit, true=change.kind, called=called))
    false = [
        ChangeCase(to_visit=one.to_visit, true=None, called=one.kind)
        for number, one in enumerate(steps)
        if number not in spoken and one.kind is not None and one.mm3 >= FOUND_MM3
    ]
    return (*cases, *false)


def _named(step: Step, measured: Measured, lesions: LesionAgreement) -> _Named:
    def named(ids: Sequence[str]) -> frozenset[str]:
        return frozenset(lesions.identity[one] for one in ids if one in lesions.identity)

    def total(ids: Sequence[str]) -> float:
        return sum(measured.lesions[one].volume.mm3 for one in ids)

    return _Named(
        step.to_visit,
        named(step.earlier),
        named(step.later),
        KINDS.get(step.change),
        max(total(step.earlier), total(step.later)),
    )


def f1_by_kind(cases: Sequence[ChangeCase]) -> dict[str, float]:
    """F1 of each class of change that is there or was called; nothing for an empty sequence."""
    kinds = {one.true for one in cases} | {one.called for one in cases}
    return {kind: _f1(kind, cases) for kind in sorted(one for one in kinds if one is not None)}


def _f1(kind: ChangeKind, cases: Sequence[ChangeCase]) -> float:
    right = sum(one.true == kind == one.called for one in cases)
    named = sum((one.true == kind) + (one.called == kind) for one in cases)
    return 2 * right / named


def macro_f1(cases: Sequence[ChangeCase]) -> float | None:
    """The mean of :func:`f1_by_kind`: a rare class counts as much as a common one."""
    each = f1_by_kind(cases)
    return sum(each.values()) / len(each) if each else None


def false_changes(cases: Sequence[ChangeCase]) -> tuple[int, int]:
    """Steps over which nothing changed that were called changed, and all such steps."""
    still = [one for one in cases if one.true == "stable"]
    return sum(one.called not in (None, "stable") for one in still), len(still)
