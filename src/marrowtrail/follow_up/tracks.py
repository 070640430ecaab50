"""Lesions through the visits: the graph of matches cut into tracks, and how each changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from marrowtrail.follow_up.cover import Atlas, Cover
from marrowtrail.follow_up.joined import Joined
from marrowtrail.follow_up.sizes import CUT, cut_at, volume_change
from marrowtrail.follow_up.steps import History, steps_of
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
    groups = Joined(matches).groups(tuple(lesions))
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


def _track(track_id: str, history: History) -> Track:
    steps = steps_of(history)
    change, explanation = _last_change(history, steps)
    return Track(
        track_id,
        history.members[0].bone,
        tuple(lesion.id for lesion in history.members),
        history.clear(),
        change,
        _holds(history, steps) and _is_comparable(change, steps),
        explanation,
        steps,
        _since_first(history),
    )


def _holds(history: History, steps: Sequence[Step]) -> bool:
    edges = all(match.verified for match in history.edges)
    return edges and all(step.verified for step in steps)


def _is_comparable(change: Change, steps: Sequence[Step]) -> bool:
    """A track without any step claims no change, unless another visit cannot be compared."""
    return change is Change.SINGLE or (bool(steps) and change is not Change.UNCLEAR)


def _last_change(history: History, steps: Sequence[Step]) -> tuple[Change, str]:
    """What happened last, and sentences that say between which visits and what went before."""
    if not steps:
        return _single(history)
    rank = {one: number for number, one in enumerate(history.visits)}
    end = max(steps, key=lambda step: rank[step.to_visit]).to_visit
    last = _best_told([step for step in steps if step.to_visit == end])
    change, text = _interval(history, last)
    if change is Change.WITHIN_NOISE:
        change, text = _slowly(history, steps, text)
    returns = [one for one in steps if one.change is Change.RECURRED and one not in last]
    return change, "; ".join((text, *(one.explanation for one in returns[-1:])))


def _best_told(steps: Sequence[Step]) -> list[Step]:
    """Without steps that were cut, where one over a longer interval tells of their lesions."""
    told = {one for step in steps if not step.is_cut for one in step.later}
    return [step for step in steps if not (step.is_cut and told.issuperset(step.later))]


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
    ends = {step.from_visit for step in steps}
    before = _told_of(history, [one for step in steps for one in step.earlier])
    after = _told_of(history, [one for step in steps for one in step.later])
    if len(ends) > 1 or not before or not after:
        step = next((one for one in steps if one.change is not Change.WITHIN_NOISE), steps[0])
        return step.change, step.explanation
    change, text = volume_change(before, after)
    cut = cut_at(history.atlas, before, after)
    if cut is not None:
        change, text = Change.UNCLEAR, CUT.format(cut)
    if len(before) == len(after) or cut is not None:
        return change, text
    numbers = f"{len(before)} at {steps[0].from_visit}, {len(after)} at {steps[0].to_visit}"
    return change, f"{numbers}; {text}"


def _told_of(history: History, ids: Sequence[str]) -> list[Lesion]:
    return [one for one in history.members if one.id in ids]


def _slowly(history: History, steps: Sequence[Step], text: str) -> tuple[Change, str]:
    """A change over many intervals of which each is within noise."""
    start = len(steps)
    while start and steps[start - 1].change is Change.WITHIN_NOISE:
        start -= 1
    steady = steps[start:]
    if not steady:
        return Change.WITHIN_NOISE, text
    start_visit, end_visit = steady[0].from_visit, steady[-1].to_visit
    starts = [one for s in steady if s.from_visit == start_visit for one in s.earlier]
    ends = [one for s in steady if s.to_visit == end_visit for one in s.later]
    first, last = _told_of(history, starts), _told_of(history, ends)
    change, since = volume_change(first, last)
    is_cut = cut_at(history.atlas, first, last) is not None
    if change is Change.WITHIN_NOISE or len(steady) == 1 or is_cut:
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
    cut = cut_at(history.atlas, first, last) if verified else None
    if cut is not None:
        change, text, verified = Change.UNCLEAR, CUT.format(cut), False
    ids = (tuple(one.id for one in first), tuple(one.id for one in last))
    is_cut = cut is not None
    return Step(seen[0], seen[-1], *ids, change, verified, text, is_cut=is_cut)


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
