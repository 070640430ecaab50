"""The same voxels in another order of axes: every voxel keeps its place and its value."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.reorder import in_order_of
from marrowtrail.imaging.volume import Volume

SHAPE = (4, 5, 6)


def made(turn: Rotation, mirrored: bool = False) -> Volume:
    affine = np.eye(4)
    affine[:3, :3] = turn.as_matrix() * [0.5, 0.6, -3.0 if mirrored else 3.0]
    affine[:3, 3] = 10, -20, 30
    return Volume(np.arange(120).reshape(SHAPE), Geometry(SHAPE, affine, "1.2"))


def shuffled(volume: Volume, axes: tuple[int, ...], ways: tuple[int, ...]) -> Volume:
    """Voxel by voxel, by places alone: the slow oracle."""
    old = volume.geometry
    shape = tuple(old.shape[axis] for axis in axes)
    start, steps = np.zeros(3), np.zeros((3, 3))
    for number, (axis, way) in enumerate(zip(axes, ways, strict=True)):
        start[axis] = 0 if way > 0 else old.shape[axis] - 1
        steps[axis, number] = way
    affine = np.eye(4)
    affine[:3, :3] = old.affine[:3, :3] @ steps
    affine[:3, 3] = old.to_lps(start)
    geometry = Geometry((shape[0], shape[1], shape[2]), affine)
    data = np.zeros(shape, dtype=volume.data.dtype)
    for index in np.ndindex(shape):
        where = np.rint(old.to_ijk(geometry.to_lps(np.array(index)))).astype(int)
        data[index] = volume.data[tuple(where)]
    return Volume(data, geometry)


@given(
    turn=st.tuples(*[st.floats(-3, 3)] * 3).map(Rotation.from_rotvec),
    mirrored=st.booleans(),
    axes=st.sampled_from(list(permutations(range(3)))),
    ways=st.sampled_from(list(product((1, -1), repeat=3))),
)
def test_any_order_comes_back(turn, mirrored, axes, ways) -> None:
    volume = made(turn, mirrored)
    back = in_order_of(shuffled(volume, axes, ways), volume.geometry)
    assert back is not None
    assert np.array_equal(back.on_grid_of(volume), volume.data)


@pytest.mark.parametrize(
    "change",
    [
        Geometry(SHAPE, np.diag([0.5, 0.6, 3.1, 1.0])),
        Geometry(SHAPE, np.array([[0.5, 0, 0, 0.1], [0, 0.6, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]])),
        Geometry((4, 5, 7), np.diag([0.5, 0.6, 3.0, 1.0])),
        Geometry(SHAPE, np.diag([0.5, 0.6, 3.0, 1.0]), "9.9"),
    ],
    ids=["spacing", "place", "shape", "frame of reference"],
)
def test_another_grid_is_none(change: Geometry) -> None:
    here = Geometry(SHAPE, np.diag([0.5, 0.6, 3.0, 1.0]), "1.2")
    volume = Volume(np.arange(120).reshape(SHAPE), here)
    assert in_order_of(volume, change) is None
    assert in_order_of(volume, here) is not None


@pytest.mark.parametrize("angle", [5, 45, 50])
def test_a_turned_grid_is_none(angle: int) -> None:
    grid = made(Rotation.from_euler("xyz", [angle, angle, 0], degrees=True)).geometry
    assert in_order_of(made(Rotation.identity()), grid) is None
