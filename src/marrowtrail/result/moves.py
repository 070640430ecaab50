"""Where oedema went, as part of a sentence: from one place to another, and on from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from marrowtrail.follow_up.shifts import name
from marrowtrail.follow_up.track import Before, Shift, Track
from marrowtrail.lesions.lesion import Lesion


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """Lesions, the track of each, and the days of the visits."""

    lesions: Mapping[str, Lesion]
    track_of: Mapping[str, Track]
    dates: Mapping[str, date]

    def goes_on(self, last: Shift, shift: Shift) -> bool:
        """Whether a shift starts in what the last one arrived in."""
        return self.track_of[shift.from_lesion] is self.track_of[last.to_lesion] and (
            self.seen(shift.from_lesion) >= self.seen(last.to_lesion)
        )

    def seen(self, lesion: str) -> date:
        return self.dates[self.lesions[lesion].visit_id]

    def days(self, first: str, second: str) -> int:
        return (self.seen(second) - self.seen(first)).days

    def is_new_ground(self, shift: Shift) -> bool:
        """Nobody had imaged the place before oedema was seen there."""
        clear = self.track_of[shift.to_lesion].clear_at
        arrived = self.seen(shift.to_lesion)
        return shift.before is Before.NOT_IMAGED and not any(
            self.dates[visit] < arrived for visit in clear
        )


def told_moves(
    shifts: Sequence[Shift],
    tracks: Sequence[Track],
    lesions: Mapping[str, Lesion],
    dates: Mapping[str, date],
) -> str:
    """``from the A to the B (60 days later) and then to the C (50 days later)``.

    Only a shift that starts in what the one before arrived in is told as going on; another one
    from the same lesion goes "and to the"; one from elsewhere stands for itself. Days count
    from the lesion that the shift starts in, and in a chain from the arrival before.
    """
    course = _Course(lesions, {one: track for track in tracks for one in track.lesions}, dates)
    said, last = "", None
    waiting = list(shifts)
    while waiting:
        shift = _next(waiting, last, course)
        waiting.remove(shift)
        place = name(lesions[shift.to_lesion])
        since = shift.from_lesion
        if last is None:
            said = f"from the {name(lesions[since])} to the {place}"
        elif shift.from_lesion == last.from_lesion:
            said += f" and to the {place}"
        elif course.goes_on(last, shift):
            since = last.to_lesion
            said += f" and then to the {place}"
        else:
            said += f"; from the {name(lesions[since])} to the {place}"
        said += f" ({_when(shift, since, course)})"
        last = shift
    return said


def _next(waiting: Sequence[Shift], last: Shift | None, course: _Course) -> Shift:
    """What arrived from the same lesion, then what goes on, then whatever is left."""
    if last is None:
        return waiting[0]
    beside = [one for one in waiting if one.from_lesion == last.from_lesion]
    onward = [one for one in waiting if course.goes_on(last, one)]
    return (*beside, *onward, *waiting)[0]


def _when(shift: Shift, since: str, course: _Course) -> str:
    days = course.days(since, shift.to_lesion)
    later = f"{days} day later" if days == 1 else f"{days} days later"
    return f"{later}, not imaged before" if course.is_new_ground(shift) else later
