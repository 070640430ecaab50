"""What the listed pains and episodes say together, and no single one says alone.

Pain *moved* when the record shows three things: a second joint began to hurt after the
first, the first one's pain ended, and the second one outlasted it. Pain that goes on in
the first joint while another joins in has spread, not moved; without an end written down,
nobody knows. One joint alone proves nothing: migration is then not reported, and not
absent.

An earlier episode was *at another site* when its joint, or the side of the same joint,
differs from where this episode began.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from marrowtrail.record.case import Case
from marrowtrail.record.case_entries import Entry, joint_text, pain_text
from marrowtrail.record.case_parts import EarlierEpisode, Pain
from marrowtrail.record.findings import FindingState
from marrowtrail.record.sites import Side


def course_entries(case: Case) -> tuple[Entry, ...]:
    """Entries that follow from several pains and episodes of the case."""
    return (*_movement(case), *_episodes(case))


def moved_on(first: Pain, second: Pain) -> date | None:
    """The day on which the record shows that pain has moved; ``None`` if it does not."""
    if not _differ(first, second) or not (first.start and first.end and second.start):
        return None
    began_later = second.start > first.start
    outlasted = second.end is None or second.end > first.end
    return max(first.end, second.start) if began_later and outlasted else None


def index_pain(case: Case) -> Pain | None:
    """The pain that this episode began with: the earliest, or the first listed."""
    dated = [pain for pain in case.pain if pain.start]
    if dated and len(dated) == len(case.pain):
        return min(dated, key=lambda pain: pain.start or date.max)
    return case.pain[0] if case.pain else None


def _movement(case: Case) -> Iterator[Entry]:
    for first in case.pain:
        for index, second in enumerate(case.pain):
            if (day := moved_on(first, second)) is not None:
                text = f"pain moved from the {pain_text(first)} to the {pain_text(second)}"
                yield Entry("pain.moved", f"pain[{index}]", text, word="present", day=day)


def _episodes(case: Case) -> Iterator[Entry]:
    index_joint = index_pain(case)
    for index, episode in enumerate(case.earlier_episodes):
        address = _address(episode, index_joint)
        place, text = f"earlier_episodes[{index}]", _episode_text(episode)
        yield Entry(address, place, text, word=episode.state.value)


def _address(episode: EarlierEpisode, index_joint: Pain | None) -> str:
    if episode.joint is None:
        return "earlier_episodes.other_site"
    if episode.state is FindingState.ABSENT or index_joint is None:
        return "earlier_episodes.undetermined"
    if _differ(episode, index_joint):
        return "earlier_episodes.other_site"
    unclear = Side.UNKNOWN in (episode.side, index_joint.side)
    return "earlier_episodes.undetermined" if unclear else "earlier_episodes.same_site"


def _episode_text(episode: EarlierEpisode) -> str:
    where = f" of the {joint_text(episode.joint, episode.side)}" if episode.joint else ""
    return f"earlier episode{where}: {episode.state.value}"


def _differ(one: Pain | EarlierEpisode, other: Pain) -> bool:
    """Another joint, or the other side of the same joint where both sides are known."""
    if one.joint != other.joint:
        return True
    return one.side is other.side.opposite and one.side is not other.side
