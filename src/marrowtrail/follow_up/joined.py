"""Lesions that edges join, directly or through others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from marrowtrail.follow_up.track import Match


class Joined:
    """Which lesions are joined by the edges so far; a lesion without an edge is by itself."""

    def __init__(self, edges: Iterable[Match] = ()) -> None:
        self._root: dict[str, str] = {}
        for edge in edges:
            self.add(edge)

    def add(self, edge: Match) -> None:
        """Join the two ends of an edge, and all that each is joined to."""
        self._root[self._top(edge.later)] = self._top(edge.earlier)

    def are_joined(self, first: str, second: str) -> bool:
        """Whether edges lead from the one lesion to the other, in any direction."""
        return self._top(first) == self._top(second)

    def groups(self, lesions: Sequence[str]) -> list[list[str]]:
        """Lesion ids by group, in order of each group's first one."""
        groups: dict[str, list[str]] = {}
        for lesion in lesions:
            groups.setdefault(self._top(lesion), []).append(lesion)
        return list(groups.values())

    def _top(self, lesion: str) -> str:
        while self._root.get(lesion, lesion) != lesion:
            lesion = self._root[lesion]
        return lesion
