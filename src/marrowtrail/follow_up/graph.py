"""Which candidate matches become edges of the lesion graph, and which stay alternatives.

An edge joins two histories for good, so a weak one must not join what stronger ones tell
apart. What was aligned is decided before what was matched by region, and visits that follow
each other before those further apart: an edge over a longer interval bridges a visit that missed
a lesion, and is not taken where both of its ends went another way between. One by region is not
taken over a visit that was aligned with either end, since that visit knows better.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from marrowtrail.follow_up.joined import Joined
from marrowtrail.follow_up.matching import MIN_OVERLAP
from marrowtrail.follow_up.track import Match

CLEARLY_BETTER = 2.0
"""An edge is left out where both of its ends have another one at the same two visits that
shares so many times as much: two lesions side by side overlap a little crosswise. A part of a
lesion that split has no other partner, and stays."""


@dataclass(frozen=True, slots=True)
class Graph:
    """``chosen`` edges, in order of time, and ``alternatives``."""

    chosen: tuple[Match, ...]
    alternatives: tuple[Match, ...]


def choose(
    candidates: Sequence[Match],
    visit_of: Mapping[str, str],
    visit_order: Sequence[str],
    is_read: Callable[[str, str], bool],
) -> Graph:
    """Divide candidates into edges and alternatives.

    Parameters
    ----------
    candidates
        All pairs of lesions that may be one.
    visit_of
        The visit of each lesion id.
    visit_order
        Visit ids, earliest first.
    is_read
        Whether the place of a lesion, by its id, was found again at a visit by a verified
        registration, and read there.
    """
    rank = {visit: number for number, visit in enumerate(visit_order)}
    at = {lesion: rank[visit] for lesion, visit in visit_of.items()}
    edges = sorted(candidates, key=lambda one: (_span(one, at), at[one.earlier], *_ends(one)))
    taken, rivals = _Taken(at), _rivals(edges, at)
    chosen = []
    for edge in sorted(edges, key=lambda one: not one.verified):
        if not _is_enough(edge) or _is_outdone(edge, rivals, at):
            continue
        if not edge.verified and _is_known_between(edge, taken, visit_order, is_read):
            continue
        if _span(edge, at) == 1 or taken.leaves_open(edge):
            taken.add(edge)
            chosen.append(edge)
    kept = set(chosen)
    return Graph(
        tuple(edge for edge in edges if edge in kept),
        tuple(edge for edge in edges if edge not in kept),
    )


def _ends(edge: Match) -> tuple[str, str]:
    return edge.earlier, edge.later


def _span(edge: Match, at: Mapping[str, int]) -> int:
    return at[edge.later] - at[edge.earlier]


def _is_enough(edge: Match) -> bool:
    return not edge.verified or edge.overlap >= MIN_OVERLAP


def _rivals(edges: Sequence[Match], at: Mapping[str, int]) -> dict[tuple[str, int], list[Match]]:
    """Verified edges by one end and by the place in time of the other one."""
    rivals: dict[tuple[str, int], list[Match]] = defaultdict(list)
    for edge in edges:
        if edge.verified:
            rivals[edge.earlier, at[edge.later]].append(edge)
            rivals[edge.later, at[edge.earlier]].append(edge)
    return rivals


def _is_outdone(
    edge: Match, rivals: Mapping[tuple[str, int], Sequence[Match]], at: Mapping[str, int]
) -> bool:
    """Both ends have a clearly better partner at the same two visits."""
    least = CLEARLY_BETTER * edge.overlap
    ends = ((edge.earlier, at[edge.later]), (edge.later, at[edge.earlier]))
    return edge.verified and all(
        any(one.overlap >= least and one != edge for one in rivals[end]) for end in ends
    )


def _is_known_between(
    edge: Match, taken: _Taken, visit_order: Sequence[str], is_read: Callable[[str, str], bool]
) -> bool:
    """A visit between the ends of an edge was aligned with one of them, and shows its place."""
    between = range(taken.at[edge.earlier] + 1, taken.at[edge.later])
    return any(
        taken.has_partner(end, number) or is_read(end, visit_order[number])
        for number in between
        for end in _ends(edge)
    )


class _Taken:
    """Edges taken so far, and what they join."""

    def __init__(self, at: Mapping[str, int]) -> None:
        self.at = at
        self._after: dict[str, list[str]] = defaultdict(list)
        self._before: dict[str, list[str]] = defaultdict(list)
        self._partners: set[tuple[str, int]] = set()
        self._joined = Joined()

    def add(self, edge: Match) -> None:
        self._after[edge.earlier].append(edge.later)
        self._before[edge.later].append(edge.earlier)
        if edge.verified:
            self._partners |= {
                (edge.earlier, self.at[edge.later]),
                (edge.later, self.at[edge.earlier]),
            }
        self._joined.add(edge)

    def has_partner(self, lesion: str, number: int) -> bool:
        """A verified edge leads from a lesion to the visit at a place in time."""
        return (lesion, number) in self._partners

    def leaves_open(self, edge: Match) -> bool:
        """Both ends are joined already, or one of them has nothing at the visits between."""
        if self._joined.are_joined(edge.earlier, edge.later):
            return True
        first, last = self.at[edge.earlier], self.at[edge.later]
        onward = any(self.at[one] < last for one in self._after[edge.earlier])
        backward = any(self.at[one] > first for one in self._before[edge.later])
        return not (onward and backward)
