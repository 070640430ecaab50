"""Which axis of a grid runs through its slices."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.imaging.geometry import Geometry


@pytest.mark.parametrize(
    ("spacing_mm", "axis"),
    [
        ((0.5, 0.5, 3.0), 2),
        ((3.0, 0.5, 0.5), 0),
        ((0.5, 3.0, 0.6), 1),
        ((0.7, 0.7, 0.7), 2),
        ((0.7000001, 0.7, 0.7), 2),
        ((0.7, 0.7, 0.5), 2),
        ((0.7, 0.75, 0.7), 2),
    ],
)
def test_thick_slices_tell_and_cubes_have_the_last(
    spacing_mm: tuple[float, float, float], axis: int
) -> None:
    assert Geometry((4, 5, 6), np.diag([*spacing_mm, 1.0])).through_plane_axis == axis
