"""The side of each limb in an image: its place, the header, the anatomy.

Two limbs in one image tell their sides by their place in the patient. A single one has the side
that its header says; where that is silent, bones that lie beside one another tell it (the fibula
is lateral). What the header says is never overruled here: what contradicts it is a caution.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from marrowtrail.anatomy.finding.pieces import Pieces
from marrowtrail.record.sites import Side

MIN_OFFSET_MM = 8.0
"""Two bones lie beside one another only if their centres do by this much: 15 to 40 mm in each
pair below, in a limb that is turned out by up to 40 degrees."""


class SideFrom(StrEnum):
    """What a side rests on."""

    PLACE = "its place beside the other limb"
    HEADER = "the image header"
    ANATOMY = "the anatomy, since the header is silent"
    EXAM = "another series of the exam"
    NOTHING = "nothing: it is not known"


@dataclass(frozen=True, slots=True)
class LimbSide:
    """The side of one limb and what it rests on."""

    side: Side
    by: SideFrom


LATERAL = (("fibula", "tibia"), ("cuboid", "navicular"), ("femur", "hip_bone"))
"""The first bone of each pair lies to the outside of the second."""


def sides_of(pieces: Pieces, header: Side) -> tuple[LimbSide, ...]:
    """Side of each limb, in the order of :class:`~.pieces.Piece`'s ``limb``."""
    if pieces.limbs == 2:
        return (LimbSide(Side.RIGHT, SideFrom.PLACE), LimbSide(Side.LEFT, SideFrom.PLACE))
    if header in (Side.LEFT, Side.RIGHT):
        return (LimbSide(header, SideFrom.HEADER),)
    by_anatomy = side_by_anatomy(pieces)
    if by_anatomy is Side.UNKNOWN:
        return (LimbSide(Side.UNKNOWN, SideFrom.NOTHING),)
    return (LimbSide(by_anatomy, SideFrom.ANATOMY),)


def side_by_anatomy(pieces: Pieces) -> Side:
    """Side of a single limb by its own bones, unknown where none or not all tell the same.

    LPS x grows to the patient's left, so what lies lateral in a left limb lies at a larger x.
    """
    x_mm = {
        piece.bone: float(pieces.centre_lps(number)[0])
        for number, piece in enumerate(pieces.pieces, start=1)
    }
    said = set()
    for outer, inner in LATERAL:
        if outer in x_mm and inner in x_mm:
            offset = x_mm[outer] - x_mm[inner]
            if abs(offset) >= MIN_OFFSET_MM:
                said.add(Side.LEFT if offset > 0 else Side.RIGHT)
    return said.pop() if len(said) == 1 else Side.UNKNOWN
