"""What follow-up says: how bones moved between visits, which lesion is which, where it went."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.record.sites import BoneId


class Verification(StrEnum):
    """Whether a registration may be relied on."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True, eq=False)
class BoneRegistration:
    """How one bone lies in a later visit.

    ``transform`` maps a point of the earlier series' frame to the same tissue in the later
    one's. ``surface_gap_mm`` is the independent check: mean distance between the bone's two
    surfaces once aligned, which was not what the registration optimised. ``from_frame`` and
    ``to_frame`` are the frames of reference that it holds between, ``None`` where a series
    names none. ``loop_mm`` is how far the best loop over three visits ends from where it began.
    """

    bone: BoneId
    from_visit: str
    to_visit: str
    from_series: str
    to_series: str
    transform: RigidTransform
    verification: Verification
    reason: str
    surface_gap_mm: float | None
    correlation: float | None
    from_frame: str | None = None
    to_frame: str | None = None
    loop_mm: float | None = None

    def within(self, earlier: str | None, later: str | None) -> Verification:
        """Whether it may be relied on between two frames of reference.

        A verified registration of other frames says nothing certain of these.
        """
        same = self.from_frame in (None, earlier) and self.to_frame in (None, later)
        if same or self.verification is Verification.IMPOSSIBLE:
            return self.verification
        return Verification.UNVERIFIED


@dataclass(frozen=True, slots=True)
class MovedSeries:
    """A series whose bones lie ``apart_mm`` from where the series ``home_id`` shows them.

    Both name one frame of reference: the patient moved between them.
    """

    visit_id: str
    series_id: str
    home_id: str
    apart_mm: float


@dataclass(frozen=True, slots=True)
class Match:
    """An edge of the lesion graph: the two lesions hold the same tissue.

    Parameters
    ----------
    earlier, later
        Lesion ids.
    overlap
        Shared volume over the smaller lesion's, 0 to 1; 0 where matched by region only.
    verified
        Matched by the tissue that they share, under a verified registration.
    confidence
        0 to 1, how surely they are one: see :func:`.matching.candidates`.
    """

    earlier: str
    later: str
    overlap: float
    verified: bool
    confidence: float = 1.0


class Change(StrEnum):
    """What became of a lesion's track over its visits."""

    NEW = "new"
    RESOLVED = "resolved"
    GROWING = "growing"
    SHRINKING = "shrinking"
    WITHIN_NOISE = "within_noise"
    SPLIT = "split"
    MERGED = "merged"
    RECURRED = "recurred"
    UNCLEAR = "unclear"
    SINGLE = "single"
    """Seen once, with no later or earlier visit that imaged its place."""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of lesions of a track over one interval.

    Parameters
    ----------
    from_visit, to_visit
        Two visits that both tell something of the lesions' place; none between them does.
    earlier, later
        Lesion ids; empty where the place was clear. Several on one side have split or merged.
    change, explanation
        What happened, and the figures behind it.
    verified
        Every edge rests on a verified registration, and a clear place was found again by one.
    cleared_mm3, appeared_mm3
        Tissue that was oedema at the first visit only, and at the second only, beyond what the
        outlines and the registration can be wrong; ``None`` where that is not verified.
    is_cut
        One of the visits did not image part of the other one's oedema: their volumes say nothing
        of what changed.
    """

    from_visit: str
    to_visit: str
    earlier: tuple[str, ...]
    later: tuple[str, ...]
    change: Change
    verified: bool
    explanation: str
    cleared_mm3: float | None = None
    appeared_mm3: float | None = None
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """One lesion through the visits: lesion ids in order of date, and how it changed last.

    ``clear_at`` are the visits that imaged its place and showed no oedema there. ``steps`` say
    what became of it over each interval, ``since_first`` how its last sighting compares with
    its first, where there are more than two.
    """

    id: str
    bone: BoneId
    lesions: tuple[str, ...]
    clear_at: tuple[str, ...]
    change: Change
    verified: bool
    explanation: str
    steps: tuple[Step, ...] = ()
    since_first: Step | None = None


class ShiftKind(StrEnum):
    """How far oedema went."""

    WITHIN_BONE = "within_bone"
    WITHIN_JOINT = "within_joint"
    BETWEEN_JOINTS = "between_joints"
    CONTRALATERAL = "contralateral"
    """To the same joint of the other side."""


class Before(StrEnum):
    """What the visit of the first lesion says of the place of the second."""

    CLEAR = "clear"
    CLEAR_BY_REGION = "clear_by_region"
    POSSIBLE = "possible"
    NOT_COMPARABLE = "not_comparable"
    NOT_READ = "not_read"
    NOT_IMAGED = "not_imaged"


@dataclass(frozen=True, slots=True)
class Shift:
    """Oedema that faded in one place while it appeared in another.

    Parameters
    ----------
    from_lesion, to_lesion
        Lesion ids.
    kind
        How far it went.
    days
        From the visit of the first lesion to the visit of the second.
    verified
        The first lesion's place was found again by a verified registration, and nothing speaks
        against the second being new. Whether its place had been imaged at all says ``before``.
    explanation
        In words.
    before
        Clear is told apart from not imaged: only a clear place dates the arrival.
    resolved_mm3, appeared_mm3
        What the first lost until then, and the volume of the second when it was first seen.
    overlap_days
        Days for which both were there at least, up to the last visit that shows both; negative
        where the first was seen last before the second was seen first.
    overlap_at_most_days
        Days for which both can have been there: up to the visit that shows one of them clear,
        from the one that shows the second not there yet. ``None`` where no visit bounds it.
    """

    from_lesion: str
    to_lesion: str
    kind: ShiftKind
    days: int
    verified: bool
    explanation: str
    before: Before = Before.NOT_IMAGED
    resolved_mm3: float = 0.0
    appeared_mm3: float = 0.0
    overlap_days: int = 0
    overlap_at_most_days: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FollowUp:
    """All that comparing the visits gave.

    ``matches`` are the edges that tracks are made of; ``alternatives`` are those that were
    weighed and not taken, for a reader who knows better. ``moved`` are series that share their
    frame with the one that was read in name only. ``bridged`` are verified ways through other
    visits that were used in place of a measured registration that is not verified.
    """

    registrations: tuple[BoneRegistration, ...]
    matches: tuple[Match, ...]
    tracks: tuple[Track, ...]
    shifts: tuple[Shift, ...]
    alternatives: tuple[Match, ...] = ()
    moved: tuple[MovedSeries, ...] = ()
    bridged: tuple[BoneRegistration, ...] = ()
