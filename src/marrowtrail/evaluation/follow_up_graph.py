"""The lesion graph and the shifts of one patient against the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from marrowtrail.evaluation.truth_matching import LesionAgreement
from marrowtrail.phantom import PatientTruth
from marrowtrail.result.inputs import Measured

Pair = tuple[str, str]
"""An earlier and a later lesion, by id."""


@dataclass(frozen=True, slots=True)
class EdgeCounts:
    """Edges between consecutive sightings of one lesion.

    ``there`` are all true ones, also those of lesions that were missed; of ``in_reach`` both
    lesions were found, so that identity alone can lose them.
    """

    right: int
    found: int
    there: int
    in_reach: int


@dataclass(frozen=True, slots=True)
class ShiftCounts:
    """Shifts one by one, and intervals between visits over which nothing moved.

    A found shift is right if it names both lesions, both regions and the kind. ``still`` are
    the visits after the first at which no true shift ends, ``still_called`` those of them at
    which one was found.
    """

    right: int
    found: int
    there: int
    still: int
    still_called: int


def consecutive(edges: Iterable[Pair]) -> frozenset[Pair]:
    """Edges less those that a chain of others already tells.

    A program that compares all pairs of visits joins the first sighting with the third beside
    both with the second.
    """
    after: dict[str, set[str]] = defaultdict(set)
    for earlier, later in edges:
        after[earlier].add(later)
    return frozenset(
        (earlier, later)
        for earlier, ends in after.items()
        for later in ends
        if not any(_leads(one, later, after) for one in ends - {later})
    )


def _leads(start: str, end: str, after: Mapping[str, set[str]]) -> bool:
    waiting, seen = [start], {start}
    while waiting:
        reached = after.get(waiting.pop(), set()) - seen
        if end in reached:
            return True
        seen |= reached
        waiting.extend(reached)
    return False


def score_edges(measured: Measured, truth: PatientTruth, lesions: LesionAgreement) -> EdgeCounts:
    """Edges of the matches, reduced to consecutive sightings, in the truth's names.

    A measured lesion that is no true one keeps its own id, so its edges are found and wrong.
    """
    edges = consecutive((one.earlier, one.later) for one in measured.followed.matches)
    names = lesions.identity
    found = {(names.get(earlier, earlier), names.get(later, later)) for earlier, later in edges}
    there = {(edge.earlier, edge.later) for edge in truth.edges}
    known = set(names.values())
    in_reach = sum(earlier in known and later in known for earlier, later in there)
    return EdgeCounts(len(found & there), len(found), len(there), in_reach)


def score_shifts(measured: Measured, truth: PatientTruth, lesions: LesionAgreement) -> ShiftCounts:
    """Shifts of one patient; right needs both ends, the regions and the kind."""
    mine, names = measured.lesions, lesions.identity
    true_region = {one.id: one.region for one in truth.lesions}
    visit_of = {one.id: one.visit for one in truth.lesions}
    found = {
        (
            names.get(one.from_lesion, ""),
            mine[one.from_lesion].main_region,
            names.get(one.to_lesion, ""),
            mine[one.to_lesion].main_region,
            one.kind.value,
        )
        for one in measured.followed.shifts
    }
    there = {
        (
            one.from_lesion,
            true_region[one.from_lesion],
            one.to_lesion,
            true_region[one.to_lesion],
            one.kind,
        )
        for one in truth.shifts
    }
    ends = {visit_of[one.to_lesion] for one in truth.shifts}
    still = {one.id for one in truth.visits[1:]} - ends
    called = {mine[one.to_lesion].visit_id for one in measured.followed.shifts}
    return ShiftCounts(
        right=len(found & there),
        found=len(measured.followed.shifts),
        there=len(there),
        still=len(still),
        still_called=len(still & called),
    )
