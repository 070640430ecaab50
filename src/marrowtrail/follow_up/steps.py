"""What became of a lesion over each interval, from the edges of the graph.

An interval lies between two visits that both tell something of the lesion's place. One to
several is a split, several to one a merger, one to one is compared by volume; a lesion without
an edge has gone or is new only where the other visit is known to have imaged its place. Where a
visit imaged a part of the place only, nothing is said of what changed there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from marrowtrail.follow_up.certainty import certainly_only_here_mm3
from marrowtrail.follow_up.cover import Atlas, Cover
from marrowtrail.follow_up.joined import Joined
from marrowtrail.follow_up.sizes import CUT, cut_at, volume_change
from marrowtrail.follow_up.track import Change, Match, Step, Verification
from marrowtrail.lesions.lesion import Lesion


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """One track's lesions and edges, and what the visits say of their place.

    Parameters
    ----------
    members
        Lesions in order of time.
    edges
        Matches between them.
    visits
        All visits in order of time.
    atlas
        What was imaged when.
    covers
        What each visit without the lesion says of its place, at each part of it, judged from
        its nearest sighting; of two equally near ones from the earlier.
    """

    members: tuple[Lesion, ...]
    edges: tuple[Match, ...]
    visits: tuple[str, ...]
    atlas: Atlas
    covers: Mapping[str, tuple[Cover, ...]]

    @classmethod
    def of(
        cls,
        members: Sequence[Lesion],
        edges: Sequence[Match],
        visits: Sequence[str],
        atlas: Atlas,
    ) -> History:
        """Ask the atlas once what each visit says."""
        rank = {one: number for number, one in enumerate(visits)}
        seen = sorted({one.visit_id for one in members}, key=rank.__getitem__)
        covers = {}
        for visit in visits:
            if visit not in seen:
                nearest = min(seen, key=lambda one: abs(rank[one] - rank[visit]))
                there = [one for one in members if one.visit_id == nearest]
                covers[visit] = tuple(atlas.cover(one, visit) for one in there)
        return cls(tuple(members), tuple(edges), tuple(visits), atlas, covers)

    def at(self, visit: str) -> tuple[Lesion, ...]:
        """Lesions of the track at a visit."""
        return tuple(one for one in self.members if one.visit_id == visit)

    @property
    def seen(self) -> tuple[str, ...]:
        """Visits that show the lesion."""
        there = {one.visit_id for one in self.members}
        return tuple(visit for visit in self.visits if visit in there)

    def clear(self) -> tuple[str, ...]:
        """Visits that imaged the place and show no oedema there."""
        return tuple(v for v, here in self.covers.items() if all(cover.tells for cover in here))

    def possible(self) -> tuple[str, ...]:
        """Visits that show what may be oedema at the place."""
        return tuple(v for v, here in self.covers.items() if Cover.POSSIBLE in here)


def steps_of(history: History) -> tuple[Step, ...]:
    """Every interval of a track, in order of time; empty where nothing can be compared."""
    seen, clear = history.seen, history.clear()
    rank = {one: number for number, one in enumerate(history.visits)}
    steps = list(_arrival(history, clear))
    for before, after in pairwise(seen):
        between = [one for one in clear if rank[before] < rank[one] < rank[after]]
        if between:
            steps.append(_gone(history, before, between[0]))
            steps.append(_back(history, between[-1], after))
        else:
            steps.extend(_compared(history, before, after))
        steps.extend(_over_silent_visits(history, after))
    steps.extend(_departure(history, clear))
    return tuple(steps)


def _arrival(history: History, clear: Sequence[str]) -> Iterator[Step]:
    first = history.seen[0]
    earlier = history.visits[: history.visits.index(first)]
    here = _ids(history.at(first))
    before = [one for one in earlier if one in clear]
    doubtful = [one for one in earlier if one in history.possible()]
    if before:
        text = f"first seen at {first}; its place was clear at {before[-1]}"
        yield _came(history, before[-1], first, Change.NEW, text)
    elif doubtful:
        text = f"its place may be oedematous at {doubtful[-1]}; a reader must decide"
        yield Step(doubtful[-1], first, (), here, Change.UNCLEAR, False, text)


def _departure(history: History, clear: Sequence[str]) -> Iterator[Step]:
    last = history.seen[-1]
    later = history.visits[history.visits.index(last) + 1 :]
    after = [one for one in later if one in clear]
    doubtful = [one for one in later if one in history.possible()]
    if after:
        yield _gone(history, last, after[0])
    elif doubtful:
        text = f"its place may be oedematous at {doubtful[0]}; a reader must decide"
        there = _ids(history.at(last))
        yield Step(last, doubtful[0], there, (), Change.UNCLEAR, False, text)


def _gone(history: History, seen: str, clear: str) -> Step:
    lesions, is_read = history.at(seen), _is_read(history, clear, lesions_at=seen)
    return Step(
        seen,
        clear,
        _ids(lesions),
        (),
        Change.RESOLVED,
        is_read,
        f"seen last at {seen}, clear at {clear}",
        cleared_mm3=_certain_mm3(history.atlas, lesions, clear) if is_read else None,
        appeared_mm3=0.0 if is_read else None,
    )


def _back(history: History, clear: str, seen: str) -> Step:
    text = f"clear at {clear}, back at {seen}"
    return _came(history, clear, seen, Change.RECURRED, text)


def _came(history: History, clear: str, seen: str, change: Change, text: str) -> Step:
    lesions, is_read = history.at(seen), _is_read(history, clear, lesions_at=seen)
    return Step(
        clear,
        seen,
        (),
        _ids(lesions),
        change,
        is_read,
        text,
        cleared_mm3=0.0 if is_read else None,
        appeared_mm3=_certain_mm3(history.atlas, lesions, clear) if is_read else None,
    )


def _is_read(history: History, clear: str, lesions_at: str) -> bool:
    """The place of a sighting was found again by a verified registration, and read."""
    covers = [history.atlas.cover(one, clear) for one in history.at(lesions_at)]
    return all(cover is Cover.READ for cover in covers)


def _compared(history: History, before: str, after: str) -> Iterator[Step]:
    """Two visits that both show the lesion, group by group of lesions that edges join."""
    earlier, later = history.at(before), history.at(after)
    edges = [
        one for one in history.edges if one.earlier in _ids(earlier) and one.later in _ids(later)
    ]
    for first, second in _sides(earlier, later, edges):
        if first and second:
            joined = [one for one in edges if one.earlier in _ids(first)]
            yield _joined(history.atlas, first, second, joined)
        else:
            yield from _alone(history, first, second, (before, after))


def _over_silent_visits(history: History, after: str) -> Iterator[Step]:
    """Lesions that an edge joins over visits that say nothing of one of them."""
    later, at = history.at(after), {one.id: one.visit_id for one in history.members}
    reached = history.seen[: history.seen.index(after)]
    for before in reached[:-1]:
        earlier = history.at(before)
        edges = [e for e in history.edges if at[e.earlier] == before and at[e.later] == after]
        skipping = {end for e in edges if _skips(history, e) for end in (e.earlier, e.later)}
        for first, second in _sides(earlier, later, edges):
            if skipping & {*_ids(first), *_ids(second)}:
                joined = [one for one in edges if one.earlier in _ids(first)]
                yield _joined(history.atlas, first, second, joined)


def _skips(history: History, edge: Match) -> bool:
    """No visit between the ends of an edge says anything of one of them."""
    members = {one.id: one for one in history.members}
    ends = members[edge.earlier], members[edge.later]
    start, stop = (history.visits.index(one.visit_id) for one in ends)
    between = history.visits[start + 1 : stop]
    told = [[_is_told(history, end, visit) for visit in between] for end in ends]
    is_clear = any(
        tells and not _has_partner(history, end, visit)
        for end, here in zip(ends, told, strict=True)
        for visit, tells in zip(between, here, strict=True)
    )
    return not is_clear and any(not any(here) for here in told)


def _is_told(history: History, lesion: Lesion, visit: str) -> bool:
    """A visit says something of a lesion's place."""
    cover = history.atlas.cover(lesion, visit)
    return _has_partner(history, lesion, visit) or cover.tells or cover is Cover.POSSIBLE


def _has_partner(history: History, lesion: Lesion, visit: str) -> bool:
    there = {*_ids(history.at(visit))}
    ends = ({edge.earlier, edge.later} for edge in history.edges)
    return any(lesion.id in pair and pair & there for pair in ends)


def _joined(
    atlas: Atlas, first: Sequence[Lesion], second: Sequence[Lesion], edges: Sequence[Match]
) -> Step:
    before, after = first[0].visit_id, second[0].visit_id
    verified = all(one.verified for one in edges)
    change, text = volume_change(first, second)
    numbers = f"{len(first)} at {before}, {len(second)} at {after}"
    if len(second) > len(first):
        change, text = Change.SPLIT, numbers
    elif len(second) < len(first):
        change, text = Change.MERGED, numbers
    cut = cut_at(atlas, first, second) if verified else None
    if not verified:
        change = Change.UNCLEAR
        text = f"matched by region only from {before} to {after}; a reader must decide"
    elif cut is not None:
        change, text, verified = Change.UNCLEAR, CUT.format(cut), False
    return Step(
        before,
        after,
        _ids(first),
        _ids(second),
        change,
        verified,
        text,
        cleared_mm3=_certain_mm3(atlas, first, after) if verified else None,
        appeared_mm3=_certain_mm3(atlas, second, before) if verified else None,
        is_cut=cut is not None,
    )


def _alone(
    history: History, gone: Sequence[Lesion], new: Sequence[Lesion], visits: tuple[str, str]
) -> Iterator[Step]:
    """A part without an edge: it has gone, or is new, where the other visit imaged its place."""
    before, after = visits
    lesions, other = (gone, after) if gone else (new, before)
    covers = [history.atlas.cover(one, other) for one in lesions]
    verified = all(cover is Cover.READ for cover in covers)
    if Cover.POSSIBLE in covers:
        change = Change.UNCLEAR
        text = f"its place may be oedematous at {other}; a reader must decide"
    elif not all(cover.tells for cover in covers):
        return
    elif gone:
        change, text = Change.RESOLVED, f"a part seen last at {before}, clear at {after}"
    elif any(edge.later in _ids(new) for edge in history.edges):
        change, text = Change.RECURRED, f"a part clear at {before}, back at {after}"
    else:
        change, text = Change.NEW, f"a part first seen at {after}; its place was clear at {before}"
    certain = _certain_mm3(history.atlas, lesions, other) if verified else None
    yield Step(
        before,
        after,
        _ids(gone),
        _ids(new),
        change,
        verified and change is not Change.UNCLEAR,
        text,
        cleared_mm3=certain if gone else None,
        appeared_mm3=certain if new else None,
    )


def _certain_mm3(atlas: Atlas, lesions: Sequence[Lesion], visit: str) -> float | None:
    """Tissue of lesions that is certainly no oedema at another visit; ``None`` if not known."""
    motion = atlas.motion(lesions[0], visit)
    bone = atlas.bone(lesions[0].bone, visit)
    if motion is None or motion[1] is not Verification.VERIFIED or bone is None:
        return None
    reading = atlas.readings[visit, lesions[0].bone]
    there = (*reading.lesions, *reading.possible)
    return round(certainly_only_here_mm3(lesions, there, bone.mask, motion[0]), 1)


def _ids(lesions: Sequence[Lesion]) -> tuple[str, ...]:
    return tuple(one.id for one in lesions)


def _sides(
    earlier: Sequence[Lesion], later: Sequence[Lesion], edges: Sequence[Match]
) -> Iterator[tuple[tuple[Lesion, ...], tuple[Lesion, ...]]]:
    """Lesions of two visits, group by group of those that edges join; one side may be empty."""
    for group in Joined(edges).groups(_ids((*earlier, *later))):
        yield (
            tuple(one for one in earlier if one.id in group),
            tuple(one for one in later if one.id in group),
        )
