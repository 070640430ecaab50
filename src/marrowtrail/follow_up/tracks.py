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
    change, explanation = _last_change(members, visit_order, atlas)
    verified = all(match.verified for match in edges)
    return Track(
        track_id,
        members[0].bone,
        tuple(lesion.id for lesion in members),
        change,
        verified,
        explanation,
    )


def _last_change(
    members: Sequence[Lesion], visit_order: Sequence[str], atlas: Atlas
) -> tuple[Change, str]:
    """What happened last, and a sentence that says between which visits."""
    by_visit: dict[str, list[Lesion]] = defaultdict(list)
    for lesion in members:
        by_visit[lesion.visit_id].append(lesion)
    seen = [visit for visit in visit_order if visit in by_visit]
    last = by_visit[seen[-1]]
    after = visit_order[visit_order.index(seen[-1]) + 1 :]
    clear = [visit for visit in after if atlas.cover(last[0], visit) is not Cover.NOT_IMAGED]
    if clear:
        return Change.RESOLVED, f"seen last at {seen[-1]}, clear at {clear[0]}"
    if len(seen) == 1:
        return _first_sight(last[0], visit_order, atlas)
    before = by_visit[seen[-2]]
    if len(last) > len(before):
        return Change.SPLIT, f"{len(before)} at {seen[-2]}, {len(last)} at {seen[-1]}"
    if len(last) < len(before):
        return Change.MERGED, f"{len(before)} at {seen[-2]}, {len(last)} at {seen[-1]}"
    change = compare(_total(before), _total(last))
    if change is Change.GROWING and _was_away(seen, visit_order, last[0], atlas):
        change = Change.RECURRED
    ratio = _total(last).mm3 / _total(before).mm3
    return change, f"{ratio:.2f} times its volume from {seen[-2]} to {seen[-1]}"


def _first_sight(lesion: Lesion, visit_order: Sequence[str], atlas: Atlas) -> tuple[Change, str]:
    """A lesion seen at one visit only: new where an earlier visit showed its place clear."""
    before = visit_order[: visit_order.index(lesion.visit_id)]
    clear = [visit for visit in before if atlas.cover(lesion, visit) is not Cover.NOT_IMAGED]
    if clear:
        return Change.NEW, f"first seen at {lesion.visit_id}; its place was clear at {clear[-1]}"
    if before:
        return Change.NEW, f"first seen at {lesion.visit_id}; its place was not imaged before"
    return Change.SINGLE, f"seen at {lesion.visit_id}; no later visit imaged its place"


def _was_away(
    seen: Sequence[str], visit_order: Sequence[str], lesion: Lesion, atlas: Atlas
) -> bool:
    """A visit between the last two sightings showed the place clear."""
    between = visit_order[visit_order.index(seen[-2]) + 1 : visit_order.index(seen[-1])]
    return any(atlas.cover(lesion, visit) is Cover.READ for visit in between)


def _total(lesions: Sequence[Lesion]) -> VolumeEstimate:
    volumes = [lesion.volume for lesion in lesions]
    return VolumeEstimate(
        sum(v.mm3 for v in volumes),
        sum(v.low_mm3 for v in volumes),
        sum(v.high_mm3 for v in volumes),
    )
