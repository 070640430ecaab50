"""Orientation: a dot at a known place in the patient lands where a radiologist expects it."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Plane
from marrowtrail.report.display import DisplayedSlice, direction_letters, slice_axis

TOWARDS = {
    "R": (-1, 0, 0),
    "L": (1, 0, 0),
    "A": (0, -1, 0),
    "P": (0, 1, 0),
    "F": (0, 0, -1),
    "H": (0, 0, 1),
}
EXPECTED = {Plane.SAGITTAL: "APHF", Plane.CORONAL: "RLHF", Plane.AXIAL: "RLAP"}
"""Left, right, top and bottom of the page, as a radiologist reads films."""
NORMALS = {Plane.SAGITTAL: 0, Plane.CORONAL: 1, Plane.AXIAL: 2}
CENTRE = np.array([40.0, -25.0, 310.0])
STORED = list(product(permutations(range(3)), product((1, -1), repeat=3)))


def grid(
    plane: Plane,
    order: tuple[int, ...],
    signs: tuple[int, ...],
    tilt: NDArray[np.float64] | None = None,
) -> Geometry:
    """A block about CENTRE, thick across the plane, stored in any order and direction."""
    spacing = np.array([0.9, 0.9, 0.9])
    spacing[NORMALS[plane]] = 3.5
    axes = np.eye(3) * spacing
    turn = np.eye(3) if tilt is None else Rotation.from_rotvec(tilt).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = turn @ axes[:, list(order)] * np.array(signs)
    shape = np.array([41, 41, 41])
    shape[[n for n, axis in enumerate(order) if axis == NORMALS[plane]]] = 15
    affine[:3, 3] = CENTRE - affine[:3, :3] @ ((shape - 1) / 2)
    return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def seen_at(geometry: Geometry, plane: Plane, point: NDArray[np.float64]) -> tuple[int, int]:
    """Column and row of the bright dot, found in the pixels."""
    data = np.zeros(geometry.shape, dtype=np.float32)
    i, j, k = np.rint(geometry.to_ijk(point)).astype(int)
    data[i, j, k] = 1
    page = DisplayedSlice.through(geometry, plane, point).page(data)
    row, column = np.argwhere(page == 1)[0]
    return int(column), int(row)


@pytest.mark.parametrize("plane", list(Plane))
@pytest.mark.parametrize(("order", "signs"), STORED)
def test_a_dot_lands_where_expected_in_every_storage_order(
    plane: Plane, order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    geometry = grid(plane, order, signs)
    cut = DisplayedSlice.through(geometry, plane, CENTRE)
    middle = seen_at(geometry, plane, CENTRE)

    assert "".join(cut.letters) == EXPECTED[plane]
    for edge, (dx, dy) in enumerate(((-1, 0), (1, 0), (0, -1), (0, 1))):
        step = 9.0 * np.array(TOWARDS[EXPECTED[plane][edge]])
        column, row = seen_at(geometry, plane, CENTRE + step)
        assert (column - middle[0], row - middle[1]) == (10 * dx, 10 * dy)


@given(
    plane=st.sampled_from(list(Plane)),
    stored=st.sampled_from(STORED),
    tilt=st.lists(st.floats(-0.45, 0.45), min_size=3, max_size=3),
    offset=st.lists(st.floats(-12, 12), min_size=2, max_size=2),
)
def test_letters_points_and_pixels_agree_on_oblique_planes(
    plane: Plane,
    stored: tuple[tuple[int, ...], tuple[int, ...]],
    tilt: list[float],
    offset: list[float],
) -> None:
    geometry = grid(plane, *stored, np.array(tilt))
    cut = DisplayedSlice.through(geometry, plane, CENTRE)
    point = CENTRE + offset[0] * cut.right_lps + offset[1] * cut.below_lps
    ijk = np.rint(geometry.to_ijk(point))

    np.testing.assert_allclose(cut.to_page(ijk), seen_at(geometry, plane, point))
    for edge, sign in ((0, -1), (1, 1)):
        assert sign * cut.right_lps @ TOWARDS[cut.letters[edge][0]] > 0.5
    for edge, sign in ((2, -1), (3, 1)):
        assert sign * cut.below_lps @ TOWARDS[cut.letters[edge][0]] > 0.5


@given(stored=st.sampled_from(STORED), tilt=st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_no_plane_is_ever_mirrored(
    stored: tuple[tuple[int, ...], tuple[int, ...]], tilt: list[float]
) -> None:
    """Sagittal is seen from the patient's left, coronal from the front, axial from the feet."""
    seen_along = np.array([[-1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    geometry = grid(Plane.CORONAL, *stored, np.array(tilt))
    axis = geometry.through_plane_axis
    cut = DisplayedSlice.of(geometry, axis, 0)
    into = np.cross(cut.right_lps, cut.below_lps)
    nearest = int(np.argmax(np.abs(geometry.directions[:, axis])))
    assert into @ seen_along[nearest] > 0.5


@given(stored=st.sampled_from(STORED), tilt=st.lists(st.floats(-0.4, 0.4), min_size=3, max_size=3))
def test_storage_order_changes_nothing_on_the_page(
    stored: tuple[tuple[int, ...], tuple[int, ...]], tilt: list[float]
) -> None:
    plain = grid(Plane.SAGITTAL, (0, 1, 2), (1, 1, 1), np.array(tilt))
    data = np.random.default_rng(3).normal(size=plain.shape)
    order, signs = stored
    other = grid(Plane.SAGITTAL, order, signs, np.array(tilt))
    moved = np.transpose(data, order)[tuple(slice(None, None, s) for s in signs)]
    point = CENTRE + np.array([3.0, 2.0, 1.0])

    expected = DisplayedSlice.through(plain, Plane.SAGITTAL, point).page(data)
    actual = DisplayedSlice.through(other, Plane.SAGITTAL, point).page(moved)
    np.testing.assert_array_equal(actual, expected)


def test_a_steep_axis_gets_a_second_letter_and_a_gentle_one_does_not() -> None:
    steep = np.array([0.0, np.cos(np.radians(40)), np.sin(np.radians(40))])
    gentle = np.array([0.0, np.cos(np.radians(20)), np.sin(np.radians(20))])
    assert direction_letters(steep) == "PH"
    assert direction_letters(gentle) == "P"
    assert direction_letters(-steep) == "AF"


def test_a_point_beyond_the_last_slice_shows_the_last_slice() -> None:
    geometry = grid(Plane.AXIAL, (0, 1, 2), (1, 1, 1))
    cut = DisplayedSlice.through(geometry, Plane.AXIAL, CENTRE + np.array([0, 0, 500.0]))
    assert cut.index == geometry.shape[2] - 1


def test_thick_slices_are_cut_across_and_a_cube_along_its_nominal_plane() -> None:
    thick = grid(Plane.CORONAL, (2, 1, 0), (1, 1, 1))
    assert slice_axis(thick, Plane.AXIAL) == 1
    cube = Geometry((9, 9, 9), np.diag([1.0, 1.0, 1.0, 1.0]))
    assert [slice_axis(cube, plane) for plane in Plane] == [0, 1, 2]
