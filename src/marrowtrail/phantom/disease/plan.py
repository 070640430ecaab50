"""What a scenario says of disease: lesions, signs, what happens to them over the visits.

Every number may be a range. ``visits`` of a sign counts from 1. A sign that no plan names is
not there: that, too, is truth.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from marrowtrail.phantom.ranges import Part, Range
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary

JointKey = Literal["hip", "knee", "ankle", "foot"]
Direction = Literal["inferior", "superior", "anterior", "posterior", "medial", "lateral"]

Form = Literal["blob", "cap", "band", "diffuse", "geographic", "multifocal"]
"""``blob``: an ellipsoid. ``cap``: flat under the joint surface. ``band``: flat across the
bone, as along a physis. ``diffuse``: fills its region unevenly. ``geographic``: with the
outline of a map. ``multifocal``: foci that lie close together."""

Place = Literal["joint", "core"]
"""Under the surface that faces ``towards``, or deep in the region."""

Edge = Literal["any", "sharp", "soft"]
"""Which edge profiles may be drawn; ``any`` leaves it to the seed."""

SheetKind = Literal["subchondral_line", "low_signal_area", "crescent", "fracture_line"]


class OfRegion(Part):
    """Something that lies in a region of a bone, at the side that faces a direction."""

    joint: JointKey
    bone: str
    region: str
    towards: Direction

    @model_validator(mode="after")
    def _region_is_known(self) -> OfRegion:
        try:
            vocabulary().bone(self.bone).region(self.region)
        except UnknownWordError as error:
            raise ValueError(str(error)) from error
        return self


class LesionPlan(OfRegion):
    """Oedema in one region, and how large it is at each visit.

    ``radius_mm`` is the mean semi-axis at ``size`` 1; ``course`` holds the size at each
    visit, 0 for none; ``brightness`` scales its water at each visit. ``towards`` is the side
    of the bone that its joint surface faces, ``also`` a direction in which it lies off the
    middle of its region. One that ``spills`` runs on past its region's border. ``nature``
    infiltration replaces marrow, as a tumour does.

    A lesion that is ``part_of`` another is what one ``half`` (1 or 2) of that one becomes
    when it splits, or was before it merged: it has the other's shape and radius, cut along ``cut``.
    """

    key: str
    radius_mm: Range = Range(low=12.0, high=16.0)
    course: tuple[Range, ...]
    water: Range = Range(low=0.45, high=0.75)
    brightness: tuple[Range, ...] = ()
    form: Form = "blob"
    edge: Edge = "any"
    place: Place = "joint"
    also: Direction | None = None
    spills: bool = False
    nature: Literal["oedema", "infiltration"] = "oedema"
    part_of: str | None = None
    half: Literal[1, 2] = 1
    cut: Direction = "anterior"
    gap_mm: Range = Range(low=7.0, high=10.0)

    @property
    def root(self) -> str:
        """The lesion whose shape this one has."""
        return self.part_of or self.key


class DemarcationPlan(Part):
    """A demarcation band about a subchondral segment inside a lesion.

    ``segment`` is the segment's size as a share of the lesion's radius. ``double_line``: its
    inner half is bright on T2.
    """

    lesion: str
    segment: Range
    thickness_mm: Range
    visits: tuple[int, ...]
    double_line: bool = True


class SheetPlan(Part):
    """A thin flat thing in a lesion's marrow.

    A ``subchondral_line`` is dark and follows the joint surface ``depth_mm`` below the plate;
    a ``low_signal_area`` is dark and lies on the plate; a ``crescent`` is fluid below it. A
    ``fracture_line`` is dark, away from the joint surface, and crosses the bone at right
    angles to ``across``. ``length_mm`` is along its longer axis.
    """

    kind: SheetKind
    lesion: str
    length_mm: Range
    thickness_mm: Range
    visits: tuple[int, ...]
    depth_mm: Range = Range(low=0.5, high=2.0)
    across: Direction = "superior"


class CollapsePlan(Part):
    """Joint surface that sank above a lesion: how deep (mm) at each visit, 0 for not yet."""

    lesion: str
    length_mm: Range
    depth_mm: tuple[Range, ...]


class CystPlan(Part):
    """A fluid-filled cyst under the joint surface, in a lesion."""

    lesion: str
    diameter_mm: Range
    visits: tuple[int, ...]


class ErosionPlan(OfRegion):
    """A bite out of the bone at the margin of a joint surface."""

    diameter_mm: Range
    visits: tuple[int, ...]


class EffusionPlan(Part):
    """Fluid in a joint at each visit: 0 as in health to 1 as much as its recesses hold."""

    joint: JointKey
    course: tuple[Range, ...]


class ShiftPlan(Part):
    """Oedema that faded at one place while it appeared at another."""

    from_lesion: str = Field(alias="from")
    from_visit: int
    to_lesion: str = Field(alias="to")
    to_visit: int
