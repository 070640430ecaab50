"""The side of a limb: place, header, anatomy, and when nothing tells."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.anatomy.finding.pieces import Piece, Pieces
from marrowtrail.anatomy.finding.sides import LimbSide, SideFrom, side_by_anatomy, sides_of
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.record.sites import Side

L, R, NONE = Side.LEFT, Side.RIGHT, Side.UNKNOWN
GRID = Geometry((60, 10, 10), np.diag([2.4, 2.4, 2.4, 1.0]))


def lying(midline: float | None = None, **x_mm: float) -> Pieces:
    """Bones as small blocks at the given places from the patient's right to left."""
    labels = np.zeros(GRID.shape, dtype=np.int16)
    for number, x in enumerate(x_mm.values(), start=1):
        at = round(x / 2.4)
        labels[at - 1 : at + 2, :, number % 5] = number
    return Pieces(labels, tuple(Piece(name, 0) for name in x_mm), GRID, midline)


@pytest.mark.parametrize(
    ("outer", "inner"), [("fibula", "tibia"), ("cuboid", "navicular"), ("femur", "hip_bone")]
)
class TestByAnatomy:
    def test_outer_to_the_left_is_a_left_limb(self, outer: str, inner: str) -> None:
        assert side_by_anatomy(lying(**{outer: 90.0, inner: 60.0})) is L

    def test_outer_to_the_right_is_a_right_limb(self, outer: str, inner: str) -> None:
        assert side_by_anatomy(lying(**{outer: 30.0, inner: 60.0})) is R

    def test_one_above_the_other_tells_nothing(self, outer: str, inner: str) -> None:
        assert side_by_anatomy(lying(**{outer: 64.0, inner: 60.0})) is NONE

    def test_one_alone_tells_nothing(self, outer: str, inner: str) -> None:
        assert side_by_anatomy(lying(**{outer: 90.0})) is NONE
        assert side_by_anatomy(lying(**{inner: 90.0})) is NONE


def test_pairs_that_contradict_each_other_tell_nothing() -> None:
    assert side_by_anatomy(lying(fibula=90.0, tibia=60.0, cuboid=30.0, navicular=60.0)) is NONE


def test_the_header_comes_before_the_anatomy_and_two_limbs_before_the_header() -> None:
    left = {"fibula": 90.0, "tibia": 60.0}
    assert sides_of(lying(**left), R) == (LimbSide(R, SideFrom.HEADER),)
    assert sides_of(lying(**left), NONE) == (LimbSide(L, SideFrom.ANATOMY),)
    assert sides_of(lying(tibia=60.0), NONE) == (LimbSide(NONE, SideFrom.NOTHING),)
    both = (LimbSide(R, SideFrom.PLACE), LimbSide(L, SideFrom.PLACE))
    for header in (L, R, NONE):
        assert sides_of(lying(70.0, **left), header) == both
