"""Lesions through the visits: the graph of matches cut into tracks, and how each changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from marrowtrail.follow_up.cover import Atlas, Cover
from marrowtrail.follow_up.steps import History, steps_of, volume_change
from marrowtrail.follow_up.track import Change, Match, Step, Track
from marrowtrail.lesions.lesion import Lesion

APPARENT = (Change.SPLIT, Change.MERGED)
"""What happened to one group of lesions that names the whole interval."""

UNSEEN = {
    Cover.NOT_IMAGED: "its place was not imaged at {}",
    Cover.NOT_READ: "its bone could not be read at {}",
    Cover.NOT_COMPARABLE: "its bone cannot be compared with the one of {}",
}
"""Why a visit says nothing of a lesion's place."""


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
    tracks = []
    for number, group in enumerate(ordered, start=1):
        members = [lesions[one] for one in group]
        edges = [match for match in matches if match.earlier in group]
        history = History.of(members, edges, visit_order, atlas)
        tracks.append(_track(f"t{number}", history))
    return tuple(tracks)


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


def _track(track_id: str, history: History) -> Track:
    steps = steps_of(history)
    change, explanation = _last_change(history, steps)
    edges_hold = all(match.verified for match in history.edges)
    return Track(
        track_id,
        history.members[0].bone,
        tuple(lesion.id for lesion in history.members),
        history.clear(),
        change,
        edges_hold and all(step.verified for step in steps) and _is_comparable(change, steps),
        explanation,
        steps,
        _since_first(history),
    )


def _is_comparable(change: Change, steps: Sequence[Step]) -> bool:
    """A track without any step claims no change, unless another visit cannot be compared."""
    return bool(steps) or change is Change.SINGLE


def _last_change(history: History, steps: Sequence[Step]) -> tuple[Change, str]:
    """What happened last, and sentences that say between which visits and what went before."""
    if not steps:
        return _single(history)
    rank = {one: number for number, one in enumerate(history.visits)}
    end = max(steps, key=lambda step: rank[step.to_visit]).to_visit
    last = [step for step in steps if step.to_visit == end]
    change, text = _interval(history, last)
    if change is Change.WITHIN_NOISE:
        change, text = _slowly(history, steps, text)
    returns = [one for one in steps if one.change is Change.RECURRED and one not in last]
    return change, "; ".join((text, *(one.explanation for one in returns[-1:])))


def _interval(history: History, steps: Sequence[Step]) -> tuple[Change, str]:
    """One change for all groups of an interval."""
    if len(steps) == 1:
        return steps[0].change, steps[0].explanation
    unclear = [step for step in steps if step.change is Change.UNCLEAR]
    apparent = [step for step in steps if step.change in APPARENT]
    if unclear or apparent:
        step = (unclear or apparent)[0]
        return step.change, step.explanation
    kinds = {step.change for step in steps}
    if len(kinds) == 1 and not any(step.earlier and step.later for step in steps):
        return steps[0].change, steps[0].explanation
    before, after = history.at(steps[0].from_visit), history.at(steps[0].to_visit)
    change, text = volume_change(before, after)
    if len(before) == len(after):
        return change, text
    numbers = f"{len(before)} at {steps[0].from_visit}, {len(after)} at {steps[0].to_visit}"
    return change, f"{numbers}; {text}"


def _slowly(history: History, steps: Sequence[Step], text: str) -> tuple[Change, str]:
    """A change over many intervals of which each is within noise."""
    start = len(steps)
    while start and steps[start - 1].change is Change.WITHIN_NOISE:
        start -= 1
    steady = steps[start:]
    if not steady:
        return Change.WITHIN_NOISE, text
    first, last = history.at(steady[0].from_visit), history.at(steady[-1].to_visit)
    change, since = volume_change(first, last)
    if change is Change.WITHIN_NOISE or len(steady) == 1:
        return Change.WITHIN_NOISE, text
    return change, since


def _since_first(history: History) -> Step | None:
    """The last sighting against the first, where others lie between."""
    seen = history.seen
    if len(seen) <= len(("first", "last")):
        return None
    first, last = history.at(seen[0]), history.at(seen[-1])
    change, text = volume_change(first, last)
    verified = all(match.verified for match in history.edges)
    if not verified:
        change = Change.UNCLEAR
        text = f"matched by region only from {seen[0]} to {seen[-1]}; a reader must decide"
    ids = (tuple(one.id for one in first), tuple(one.id for one in last))
    return Step(seen[0], seen[-1], *ids, change, verified, text)


def _single(history: History) -> tuple[Change, str]:
    """Seen, and no other visit tells anything: why each of them does not."""
    seen = history.seen
    reasons: dict[Cover, list[str]] = defaultdict(list)
    for visit in history.visits:
        if visit not in seen:
            covers = [one for one in history.covers[visit] if one in UNSEEN]
            if covers:
                reasons[covers[0]].append(visit)
    told = [UNSEEN[cover].format(_listed(visits)) for cover, visits in reasons.items()]
    change = Change.UNCLEAR if Cover.NOT_COMPARABLE in reasons else Change.SINGLE
    where = f"seen at {_listed(seen)}"
    return change, "; ".join((where, *told))


def _listed(words: Sequence[str]) -> str:
    """``v1, v2 and v3``."""
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
