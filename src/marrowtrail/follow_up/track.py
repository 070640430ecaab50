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

    ``transform`` maps a point of the earlier visit's frame to the same tissue in the later
    one's. ``surface_gap_mm`` is the independent check: mean distance between the bone's two
    surfaces once aligned, which was not what the registration optimised.
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


@dataclass(frozen=True, slots=True)
class Match:
    """An edge of the lesion graph: the two lesions hold the same tissue."""

    earlier: str
    later: str
    overlap: float
    """Shared volume over the smaller lesion's, 0 to 1."""
    verified: bool


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
    """Seen once, with no later or earlier visit that imaged the same bone."""


@dataclass(frozen=True, slots=True)
class Track:
    """One lesion through the visits: lesion ids in order of date, and how it changed last.

    ``clear_at`` are the visits that imaged its place and showed no oedema there.
    """

    id: str
    bone: BoneId
    lesions: tuple[str, ...]
    clear_at: tuple[str, ...]
    change: Change
    verified: bool
    explanation: str


class ShiftKind(StrEnum):
    """How far oedema went."""

    WITHIN_BONE = "within_bone"
    WITHIN_JOINT = "within_joint"
    BETWEEN_JOINTS = "between_joints"


@dataclass(frozen=True, slots=True)
class Shift:
    """Oedema that faded in one place while it appeared in another.

    Both lesion ids are given; ``days`` counts from the visit of the first to the visit of
    the second.
    """

    from_lesion: str
    to_lesion: str
    kind: ShiftKind
    days: int
    verified: bool
    explanation: str


@dataclass(frozen=True, slots=True, eq=False)
class FollowUp:
    """All that comparing the visits gave."""

    registrations: tuple[BoneRegistration, ...]
    matches: tuple[Match, ...]
    tracks: tuple[Track, ...]
    shifts: tuple[Shift, ...]
