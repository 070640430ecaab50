"""Registrations between visits that were not registered directly, through those between.

Forty visits have 780 pairs. Each visit is registered to the next two that show one of its
bones; the rest follow by composition, over as few links as there are.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from marrowtrail.follow_up.track import BoneRegistration, Verification
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.record.sites import BoneId

NEIGHBOURS = 2
"""Each visit of a bone is registered to so many later ones: the second closes loops over three
visits, and bridges a visit whose images are poor."""

MOST_LINKS = 25
"""Errors of 0.3 mm a link, which add at random, stay below the 1.5 mm that count as wrong."""

COSTS = {
    Verification.VERIFIED: 1,
    Verification.UNVERIFIED: 1_000,
    Verification.IMPOSSIBLE: 1_000_000,
}
"""One doubtful link is dearer than any number of verified ones."""

_Node = tuple[int, str | None]
"""A visit by its place in time, and a frame of reference."""


def pairs_to_register(shown: Mapping[str, Collection[BoneId]]) -> list[tuple[str, str]]:
    """Pairs of visits, in order of time: for each bone its next :data:`NEIGHBOURS` sightings.

    ``shown`` are the bones that each visit shows, earliest first.
    """
    sightings: dict[BoneId, list[str]] = defaultdict(list)
    for visit, bones in shown.items():
        for bone in bones:
            sightings[bone].append(visit)
    wanted = {
        (first, second)
        for visits in sightings.values()
        for at, first in enumerate(visits)
        for second in visits[at + 1 : at + 1 + NEIGHBOURS]
    }
    return [pair for pair in combinations(shown, 2) if pair in wanted]


@dataclass(frozen=True, slots=True, eq=False)
class _Path:
    transform: RigidTransform
    nodes: tuple[_Node, ...]
    worst: Verification


def completed(
    registrations: Sequence[BoneRegistration], visit_order: Sequence[str]
) -> tuple[BoneRegistration, ...]:
    """What is known of every pair that the registrations lead to, directly or through others.

    Those given come first, in their order. One that is not verified gives way to a verified
    way through other visits, between the same frames. One that is impossible does not: the
    bones do not fit, however they were reached.

    Parameters
    ----------
    registrations
        As measured.
    visit_order
        Visit ids, earliest first.
    """
    rank = {visit: number for number, visit in enumerate(visit_order)}
    by_bone: dict[BoneId, list[BoneRegistration]] = defaultdict(list)
    for one in registrations:
        by_bone[one.bone].append(one)
    made = [one for bone in by_bone.values() for one in _composed(bone, rank)]
    measured = {_key(one) for one in registrations}
    better = {_key(one): one for one in made if _key(one) in measured}
    others = [one for one in made if _key(one) not in measured]
    return (*(better.get(_key(one), one) for one in registrations), *others)


def bridged(
    registrations: Sequence[BoneRegistration], known: Sequence[BoneRegistration]
) -> tuple[BoneRegistration, ...]:
    """Which of ``known``, as :func:`completed` gave it, stand in for a measured one."""
    return tuple(now for was, now in zip(registrations, known, strict=False) if now is not was)


def _key(one: BoneRegistration) -> tuple[BoneId, str, str]:
    return one.bone, one.from_visit, one.to_visit


def _composed(links: Sequence[BoneRegistration], rank: Mapping[str, int]) -> list[BoneRegistration]:
    """Ways for pairs without a direct one, and verified ways for those whose own is doubtful."""
    direct = {(rank[one.from_visit], rank[one.to_visit]) for one in links}
    doubtful = {
        ((rank[one.from_visit], one.from_frame), (rank[one.to_visit], one.to_frame))
        for one in links
        if one.verification is Verification.UNVERIFIED
    }
    ends: dict[_Node, str] = {}
    ways: dict[_Node, list[tuple[_Node, RigidTransform, Verification]]] = defaultdict(list)
    for one in links:
        start, end = (rank[one.from_visit], one.from_frame), (rank[one.to_visit], one.to_frame)
        ends |= {start: one.from_series, end: one.to_series}
        ways[start].append((end, one.transform, one.verification))
        ways[end].append((start, one.transform.inverse(), one.verification))
    visits = {number: visit for visit, number in rank.items()}
    made = []
    for start in sorted(ends, key=lambda node: (node[0], node[1] or "")):
        for end, path in _paths(start, ways).items():
            if end[0] <= start[0]:
                continue
            way = _registration(links[0].bone, path, visits, (ends[start], ends[end]))
            is_better = (start, end) in doubtful and way.verification is Verification.VERIFIED
            if is_better or (start[0], end[0]) not in direct:
                direct.add((start[0], end[0]))
                made.append(way)
    return made


def _registration(
    bone: BoneId, path: _Path, visits: Mapping[int, str], series: tuple[str, str]
) -> BoneRegistration:
    first, last = path.nodes[0], path.nodes[-1]
    verification, links = path.worst, len(path.nodes) - 1
    if verification is Verification.VERIFIED and links > MOST_LINKS:
        verification = Verification.UNVERIFIED
    between = ", ".join(visits[number] for number, _ in path.nodes[1:-1])
    return BoneRegistration(
        bone,
        visits[first[0]],
        visits[last[0]],
        *series,
        path.transform,
        verification,
        f"through {between}",
        None,
        None,
        first[1],
        last[1],
    )


def _paths(
    start: _Node, ways: Mapping[_Node, Sequence[tuple[_Node, RigidTransform, Verification]]]
) -> dict[_Node, _Path]:
    """The surest way from a visit to every other, of equally sure ones the shortest."""
    reached: dict[_Node, _Path] = {}
    best = _Path(RigidTransform.identity(), (start,), Verification.VERIFIED)
    waiting = [(0, 0, start, best)]
    entered = 0
    while waiting:
        cost, _, node, path = heapq.heappop(waiting)
        if node in reached:
            continue
        reached[node] = path
        for onward, transform, verification in ways[node]:
            if onward not in reached:
                entered += 1
                worst = max(path.worst, verification, key=COSTS.__getitem__)
                further = _Path(transform @ path.transform, (*path.nodes, onward), worst)
                heapq.heappush(waiting, (cost + COSTS[verification], entered, onward, further))
    return reached
