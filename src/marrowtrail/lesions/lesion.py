"""What is measured of oedema at one visit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId


@dataclass(frozen=True, slots=True)
class VolumeEstimate:
    """A volume in mm3 with the interval within which it is thought to lie."""

    mm3: float
    low_mm3: float
    high_mm3: float


@dataclass(frozen=True, slots=True)
class RegionShare:
    """Which part of a lesion lies in a region (0 to 1), and how much of the region it fills."""

    region: str
    share_of_lesion: float
    share_of_region: float


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """One connected area of marrow oedema in one bone at one visit.

    Parameters
    ----------
    id
        Unique in a run, as ``v1-femur-right-1``.
    visit_id, series_id, bone
        Where it was measured.
    mask
        Boolean volume on that series' grid.
    volume
        With its interval.
    regions
        Largest share first.
    centroid_lps
        (3,) LPS millimetres in the frame of the series.
    contrast
        Median signal over the median of normal marrow of the same bone and series.
    share_of_bone
        Of the imaged part of the bone.
    """

    id: str
    visit_id: str
    series_id: str
    bone: BoneId
    mask: Volume
    volume: VolumeEstimate
    regions: tuple[RegionShare, ...]
    centroid_lps: NDArray[np.float64]
    contrast: float
    share_of_bone: float

    @property
    def main_region(self) -> str:
        """The region that holds most of it; ``unspecified`` where the bone has none."""
        return self.regions[0].region if self.regions else "unspecified"


class SignKind(StrEnum):
    """Signs looked for beside oedema."""

    SUBCHONDRAL_LINE = "subchondral_line"
    LOW_SIGNAL_AREA = "low_signal_area"
    DEMARCATION = "demarcation"


class SignState(StrEnum):
    """Result of looking for a sign."""

    PRESENT = "present"
    ABSENT = "absent"
    EQUIVOCAL = "equivocal"
    NOT_ASSESSABLE = "not_assessable"


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign beside one lesion, or of a whole bone (``lesion_id`` is ``None``).

    ``reason`` says what was seen, or why nothing could be. ``confidence`` is how certain its
    state is, between 0 and 1, and of an equivocal sign that it is there; lengths are ``None``
    unless the sign is present or equivocal. ``region`` is the part of the bone that it lies in.
    """

    kind: SignKind
    visit_id: str
    bone: BoneId
    lesion_id: str | None
    state: SignState
    reason: str
    length_mm: float | None = None
    thickness_mm: float | None = None
    confidence: float = 0.0
    region: str | None = None


@dataclass(frozen=True, slots=True)
class BoneReading:
    """Whether a bone could be read for oedema at a visit, from which series, and what was found.

    A bone that was read and has no lesion is clear; one that was not read is unknown, and
    ``reason`` says why. ``is_part`` is true where slices of it are missing: what was found is
    at least so large. ``possible`` are areas that may be oedema: a bone with one is not clear, and
    nothing rests on it.
    """

    visit_id: str
    bone: BoneId
    series_id: str | None
    is_read: bool
    reason: str
    lesions: tuple[Lesion, ...] = ()
    is_part: bool = False
    possible: tuple[Lesion, ...] = ()
