"""Places of published cases: bones, sides and regions in the words of vocabulary and priors."""

from __future__ import annotations

import re
from dataclasses import dataclass

from marrowtrail.evaluation.cases_file import Site as CaseSite
from marrowtrail.evaluation.cases_tables import BonePattern, CaseWords, JointPattern, RegionPattern
from marrowtrail.record.sites import Side, Site

OTHER = "other"
"""Joint of a place that the priors do not list."""

LEVEL = {"sacroiliac": 0, "hip": 1, "knee": 2, "ankle_foot": 3}
"""Joints from the trunk down."""

_ONE_REGION = frozenset(frozenset(pair) for pair in (("pelvis", "hip"), ("pelvis", "sacroiliac")))
"""Joints that the rest of the pelvic bones belong to."""

_SIDES = {"left": Side.LEFT, "right": Side.RIGHT, "midline": Side.MIDLINE}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was described.

    ``site`` is ``None`` for a bone that the vocabulary does not hold; ``part`` names the bone and
    region in the words of the case; ``is_precise`` says that a region of the vocabulary is known.
    """

    site: Site | None
    part: str
    joint: str
    side: Side
    is_precise: bool
    is_surface: bool

    @property
    def bone(self) -> str:
        """The bone in the word of the case."""
        return self.part.split(" ", 1)[0]

    def same_joint(self, other: object) -> bool:
        """The same joint of the same side, or of a side that is not told.

        A bone of which no end is named is at every joint of that bone.
        """
        if not isinstance(other, Place) or self._opposite(other):
            return False
        if self.joint in LEVEL and other.joint in LEVEL:
            return self.joint == other.joint
        return self.bone == other.bone or frozenset((self.joint, other.joint)) in _ONE_REGION

    def lies_in(self, other: object) -> bool:
        """The place itself, in either words, or part of a bone that the other names whole."""
        return isinstance(other, Place) and (
            self.part == other.part
            or (self.is_precise and self.site == other.site)
            or (self.bone == other.bone and not other.is_precise)
        )

    def _opposite(self, other: Place) -> bool:
        return {self.side, other.side} == {Side.LEFT, Side.RIGHT}


def place_of(site: CaseSite, words: CaseWords) -> Place:
    """The place of a site of a study."""
    bone = next(b for b in words.bones if re.search(b.pattern, site.bone))
    named = str(site.region)
    region = next(
        (r for r in words.regions if r.bone == bone.bone and re.search(r.pattern, named)), None
    )
    side = _SIDES.get(site.side, Side.UNKNOWN)
    key = region.region if region else bone.region
    return Place(
        Site(bone.bone, side, key) if bone.bone else None,
        f"{site.bone} {named}",
        _joint(bone, region),
        side,
        key is not None or _is_whole(bone),
        region is not None and region.surface,
    )


def _joint(bone: BonePattern, region: RegionPattern | None) -> str:
    return bone.joint or (region.joint if region else OTHER)


def _is_whole(bone: BonePattern) -> bool:
    """A small bone is a place by itself; the ends of a long one are not the same place."""
    return bone.joint is not None and bone.bone is not None


def joint_of(chief_site: str, words: CaseWords) -> tuple[JointPattern, Side]:
    """Joint and side of a painful site, as ``knee_left``."""
    joint = next(j for j in words.joints if re.search(j.pattern, chief_site))
    side = next((s for name, s in _SIDES.items() if chief_site.endswith(name)), Side.UNKNOWN)
    return joint, side
