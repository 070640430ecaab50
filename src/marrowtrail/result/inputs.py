"""What a document is built from: all that was measured, and all that was concluded."""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.anatomy.bones import BoneMap
from marrowtrail.diagnosis.differential import Differential
from marrowtrail.errors import Caution
from marrowtrail.follow_up.track import FollowUp
from marrowtrail.imaging.series import Study
from marrowtrail.lesions.lesion import BoneReading, Lesion, Sign
from marrowtrail.record.findings import Finding


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What the images gave."""

    study: Study
    bone_maps: tuple[BoneMap, ...]
    readings: tuple[BoneReading, ...]
    signs: tuple[Sign, ...]
    followed: FollowUp

    @property
    def lesions(self) -> dict[str, Lesion]:
        """Every lesion, by id, in order of visit and bone."""
        return {one.id: one for reading in self.readings for one in reading.lesions}


@dataclass(frozen=True, slots=True, eq=False)
class Concluded:
    """What reasoning made of the findings.

    ``course`` holds the differential after each visit, by visit id. ``confirmed`` rests on
    findings that a reader or the record stands behind, ``proposed`` on all. ``unused`` says
    what of the case record gave no finding, and why. ``audit`` is the audit sheet of ``proposed``.
    """

    findings: tuple[Finding, ...]
    proposed: Differential
    confirmed: Differential
    course: tuple[tuple[str, Differential], ...]
    unused: tuple[str, ...]
    audit: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else a document says about its making.

    ``patient`` describes the patient without identifying; ``settings`` are (name, value).
    """

    patient: str
    is_synthetic: bool
    keep_dates: bool
    settings: tuple[tuple[str, str], ...]
    cautions: tuple[Caution, ...]
    input_hash: str
