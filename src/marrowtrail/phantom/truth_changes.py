"""What became of every lesion from visit to visit, by a stated rule.

A lesion and the pieces that it splits into, or was merged from, are one family. For each
family and each two visits that follow each other for its joint:

* no lesion before and none now: nothing is said;
* some now and none before: ``recurred`` if any was there at a still earlier visit that imaged
  the joint, else ``new``;
* some before and none now: ``resolved``;
* one before and several now: ``split``; several before and one now: ``merged``;
* one before and one now: ``grown`` or ``shrunk`` if the volume changed by more than
  :data:`STABLE_SHARE`, else ``stable``;
* several before and several now: each is paired with itself, and one without a partner is
  ``new`` or ``resolved``.

Edges join each lesion with itself at the next visit at which its family is seen, however
many visits lie between; where a family has other members then, all of those that have no
self to be joined with are joined with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from marrowtrail.phantom.drawn_patient import DrawnPatient
from marrowtrail.phantom.truth import ChangeKind, ChangeTruth, Edge, LesionTruth

STABLE_SHARE = 0.10
"""Volumes within a tenth of each other are the same: readers and scans differ by more."""

_Seen = list[tuple[str, list[LesionTruth]]]
"""Visits that imaged a family's joint, in order, with the members that were there."""


def edges_of(patient: DrawnPatient, lesions: Sequence[LesionTruth]) -> list[Edge]:
    """All edges between sightings of the same lesions."""
    return [
        Edge(earlier=one.id, later=two.id)
        for seen in _families(patient, lesions)
        for (_, before), (_, after) in pairwise([each for each in seen if each[1]])
        for one, two in _joined(before, after)
    ]


def changes_of(patient: DrawnPatient, lesions: Sequence[LesionTruth]) -> list[ChangeTruth]:
    """All changes between visits that follow each other for a joint."""
    return [
        ChangeTruth(
            from_visit=seen[at - 1][0],
            to_visit=seen[at][0],
            earlier=tuple(lesion.id for lesion in before),
            later=tuple(lesion.id for lesion in after),
            kind=kind,
        )
        for seen in _families(patient, lesions)
        for at in range(1, len(seen))
        for before, after, kind in _changes(seen, at)
    ]


def _families(patient: DrawnPatient, lesions: Sequence[LesionTruth]) -> list[_Seen]:
    plans = {plan.key: plan for plan in patient.scenario.lesions}
    families = []
    for root in dict.fromkeys(plan.root for plan in plans.values()):
        visits = [
            f"v{number}"
            for number, visit in enumerate(patient.scenario.visits, start=1)
            if plans[root].joint in visit.exams
        ]
        members = [lesion for lesion in lesions if plans[lesion.track].root == root]
        families.append(
            [(visit, [one for one in members if one.visit == visit]) for visit in visits]
        )
    return families


def _joined(
    before: Sequence[LesionTruth], after: Sequence[LesionTruth]
) -> list[tuple[LesionTruth, LesionTruth]]:
    same = [(one, two) for one in before for two in after if one.track == two.track]
    paired = {one.track for one, _ in same}
    alone = [one for one in before if one.track not in paired]
    others = [two for two in after if two.track not in paired]
    return same + [(one, two) for one in alone for two in others]


_Change = tuple[list[LesionTruth], list[LesionTruth], ChangeKind]


def _changes(seen: _Seen, at: int) -> list[_Change]:
    before, after = seen[at - 1][1], seen[at][1]
    if not before and not after:
        return []
    if not before:
        back = any(members for _, members in seen[: at - 1])
        return [([], [one], "recurred" if back else "new") for one in after]
    if not after:
        return [([one], [], "resolved") for one in before]
    if len(before) == 1 and len(after) == 1:
        return [(before, after, _by_volume(before[0], after[0]))]
    if len(before) == 1 or len(after) == 1:
        return _parted(before, after)
    same = [(one, two) for one in before for two in after if one.track == two.track]
    paired = {one.track for one, _ in same}
    return [
        *(([one], [two], _by_volume(one, two)) for one, two in same),
        *(([one], [], _RESOLVED) for one in before if one.track not in paired),
        *(([], [two], _NEW) for two in after if two.track not in paired),
    ]


_RESOLVED: ChangeKind = "resolved"
_NEW: ChangeKind = "new"


def _parted(before: list[LesionTruth], after: list[LesionTruth]) -> list[_Change]:
    """One and several: a split or a merger, unless the one is itself among the several."""
    one, several = (before[0], after) if len(before) == 1 else (after[0], before)
    own = [piece for piece in several if piece.track == one.track]
    if not own:
        return [(before, after, "split" if len(before) == 1 else "merged")]
    if len(before) == 1:
        rest: list[_Change] = [([], [two], "new") for two in after if two not in own]
        return [(before, own, _by_volume(one, own[0])), *rest]
    rest = [([two], [], "resolved") for two in before if two not in own]
    return [(own, after, _by_volume(own[0], one)), *rest]


def _by_volume(before: LesionTruth, after: LesionTruth) -> ChangeKind:
    ratio = after.volume_mm3 / before.volume_mm3
    if abs(ratio - 1.0) <= STABLE_SHARE:
        return "stable"
    return "grown" if ratio > 1.0 else "shrunk"
