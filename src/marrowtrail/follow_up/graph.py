"""Which candidate matches become edges of the lesion graph, and which stay alternatives.

An edge joins two histories for good, so a weak one must not join what stronger ones tell
apart. Visits that follow each other are decided first; an edge over a longer interval bridges
a visit that missed a lesion, and is not taken where both of its ends went another way between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    candidates: Sequence[Match], visit_of: Mapping[str, str], visit_order: Sequence[str]
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
    """
    rank = {visit: number for number, visit in enumerate(visit_order)}
    at = {lesion: rank[visit] for lesion, visit in visit_of.items()}
    edges = sorted(candidates, key=lambda one: (_span(one, at), at[one.earlier], *_ends(one)))
    taken, rivals = _Taken(at), _rivals(edges, at)
    chosen, left = [], []
    for edge in edges:
        is_good = _is_enough(edge) and not _is_outdone(edge, rivals, at)
        if is_good and (_span(edge, at) == 1 or taken.leaves_open(edge)):
            taken.add(edge)
            chosen.append(edge)
        else:
            left.append(edge)
    return Graph(tuple(chosen), tuple(left))


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


class _Taken:
    """Edges taken so far, and what they join."""

    def __init__(self, at: Mapping[str, int]) -> None:
        self._at = at
        self._after: dict[str, list[str]] = defaultdict(list)
        self._before: dict[str, list[str]] = defaultdict(list)
        self._root: dict[str, str] = {}

    def add(self, edge: Match) -> None:
        self._after[edge.earlier].append(edge.later)
        self._before[edge.later].append(edge.earlier)
        self._root[self._top(edge.later)] = self._top(edge.earlier)

    def leaves_open(self, edge: Match) -> bool:
        """Both ends are joined already, or one of them has nothing at the visits between."""
        if self._top(edge.earlier) == self._top(edge.later):
            return True
        first, last = self._at[edge.earlier], self._at[edge.later]
        onward = any(self._at[one] < last for one in self._after[edge.earlier])
        backward = any(self._at[one] > first for one in self._before[edge.later])
        return not (onward and backward)

    def _top(self, lesion: str) -> str:
        while lesion in self._root and self._root[lesion] != lesion:
            lesion = self._root[lesion]
        return lesion
