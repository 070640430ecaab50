"""Lesions through the visits: the graph of matches cut into tracks, and how each changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from marrowtrail.follow_up.change import compare
from marrowtrail.follow_up.cover import Atlas, Cover
from marrowtrail.follow_up.track import Change, Match, Track
from marrowtrail.lesions.lesion import Lesion, VolumeEstimate


def build_tracks(
    lesions: Mapping[str, Lesion],
    matches: Sequence[Match],
    visit_order: Sequence[str],
    atlas: Atlas,
) -> tuple[Track, ...]:
    """One track for each group of lesions that hold the same tissue, in order of time.

    Parameters
    ----------
    lesions
        By id.
    matches
        Edges between them.
    visit_order
        Visit ids, earliest first.
    atlas
        What was imaged when.
    """
    rank = {visit: number for number, visit in enumerate(visit_order)}
    groups = _connected(lesions, matches)
    ordered = sorted(
        (sorted(group, key=lambda one: (rank[lesions[one].visit_id], one)) for group in groups),
        key=lambda group: (rank[lesions[group[0]].visit_id], group[0]),
    )
    return tuple(
        _track(f"t{number}", [lesions[one] for one in group], matches, visit_order, atlas)
        for number, group in enumerate(ordered, start=1)
    )


def _connected(lesions: Mapping[str, Lesion], matches: Sequence[Match]) -> list[list[str]]:
    neighbours: dict[str, set[str]] = defaultdict(set)
    for match in matches:
        neighbours[match.earlier].add(match.later)
        neighbours[match.later].add(match.earlier)
    groups, seen = [], set[str]()
    for start in lesions:
        if start in seen:
            continue
        group, waiting = [], [start]
        seen.add(start)
        while waiting:
            here = waiting.pop()
            group.append(here)
            waiting.extend(neighbours[here] - seen)
            seen |= neighbours[here]
        groups.append(group)
    return groups


def _track(
    track_id: str,
    members: Sequence[Lesion],
    matches: Sequence[Match],
    visit_order: Sequence[str],
    atlas: Atlas,
) -> Track:
    ids = {lesion.id for lesion in members}
    edges = [match for match in matches if match.earlier in ids]
    clear_at = _clear_at(members, visit_order, atlas)
    change, explanation = _last_change(members, visit_order, clear_at)
    seen_at = {lesion.visit_id for lesion in members}
    doubtful = [
        visit
        for visit in visit_order
        if visit not in seen_at and atlas.cover(members[-1], visit) is Cover.POSSIBLE
    ]
    if doubtful and change in (Change.NEW, Change.SINGLE):
        change = Change.UNCLEAR
        explanation = f"its place may be oedematous at {doubtful[0]}; a reader must decide"
    verified = all(match.verified for match in edges)
    return Track(
        track_id,
        members[0].bone,
        tuple(lesion.id for lesion in members),
        clear_at,
        change,
        verified,
        explanation,
    )


def _clear_at(
    members: Sequence[Lesion], visit_order: Sequence[str], atlas: Atlas
) -> tuple[str, ...]:
    """Visits without the lesion that imaged its place, judged from its nearest sighting."""
    rank = {visit: number for number, visit in enumerate(visit_order)}
    seen = {lesion.visit_id for lesion in members}
    clear = []
    for visit in visit_order:
        nearest = min(members, key=lambda one: abs(rank[one.visit_id] - rank[visit]))
        if visit not in seen and atlas.cover(nearest, visit).tells:
            clear.append(visit)
    return tuple(clear)


def _last_change(
    members: Sequence[Lesion], visit_order: Sequence[str], clear_at: Sequence[str]
) -> tuple[Change, str]:
    """What happened last, and a sentence that says between which visits."""
    by_visit: dict[str, list[Lesion]] = defaultdict(list)
    for lesion in members:
        by_visit[lesion.visit_id].append(lesion)
    seen = [visit for visit in visit_order if visit in by_visit]
    clear_after = [v for v in clear_at if visit_order.index(v) > visit_order.index(seen[-1])]
    if clear_after:
        return Change.RESOLVED, f"seen last at {seen[-1]}, clear at {clear_after[0]}"
    if len(seen) == 1:
        return _first_sight(seen[0], visit_order, clear_at)
    before, last = by_visit[seen[-2]], by_visit[seen[-1]]
    between = visit_order[visit_order.index(seen[-2]) + 1 : visit_order.index(seen[-1])]
    if set(between) & set(clear_at):
        return Change.RECURRED, f"clear at {between[-1]}, back at {seen[-1]}"
    if len(last) > len(before):
        return Change.SPLIT, f"{len(before)} at {seen[-2]}, {len(last)} at {seen[-1]}"
    if len(last) < len(before):
        return Change.MERGED, f"{len(before)} at {seen[-2]}, {len(last)} at {seen[-1]}"
    ratio = _total(last).mm3 / _total(before).mm3
    text = f"{ratio:.2f} times its volume from {seen[-2]} to {seen[-1]}"
    return compare(_total(before), _total(last)), text


def _first_sight(
    seen_at: str, visit_order: Sequence[str], clear_at: Sequence[str]
) -> tuple[Change, str]:
    """A lesion seen at one visit and not since: new where earlier visits did not have it."""
    if clear_at:
        return Change.NEW, f"first seen at {seen_at}; its place was clear at {clear_at[-1]}"
    if seen_at != visit_order[0]:
        return Change.NEW, f"first seen at {seen_at}; no earlier visit shows its place"
    return Change.SINGLE, f"seen at {seen_at}; no later visit shows its place"


def _total(lesions: Sequence[Lesion]) -> VolumeEstimate:
    volumes = [lesion.volume for lesion in lesions]
    return VolumeEstimate(
        sum(v.mm3 for v in volumes),
        sum(v.low_mm3 for v in volumes),
        sum(v.high_mm3 for v in volumes),
    )
