"""Grids of the networks against slow twins, on oblique and mirrored series."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from marrowtrail.anatomy.finding.resampling import (
    MULTIPLE,
    aligned_grid,
    onto_aligned_grid,
    rescaled_along,
    sampled,
    within,
)
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume

RNG = np.random.default_rng(11)


def oblique(
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    flips: tuple[int, int, int] = (1, 1, 1),
    order: tuple[int, int, int] = (0, 1, 2),
) -> Geometry:
    turn = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = turn[:, list(order)] * flips * spacing_mm
    affine[:3, 3] = (12.0, -30.0, 44.0)
    return Geometry(shape, affine, "1.2.3")


def slow_rescaled(line: np.ndarray, count: int) -> np.ndarray:
    """Each new sample as the weighted mean of the old ones under a triangle."""
    step = len(line) / count
    width = max(1.0, step)
    out = []
    for n in range(count):
        centre = (n + 0.5) * step - 0.5
        weights = [max(0.0, 1 - abs(m - centre) / width) for m in range(len(line))]
        out.append(np.dot(weights, line) / sum(weights))
    return np.array(out)


class TestAlongOneAxis:
    @settings(max_examples=40, deadline=None)
    @given(before=st.integers(1, 40), after=st.integers(1, 60), axis=st.integers(0, 2))
    def test_agrees_with_its_slow_twin(self, before: int, after: int, axis: int) -> None:
        shape = [3, 2, 4]
        shape[axis] = before
        data = np.random.default_rng(before).normal(size=shape)
        fast = rescaled_along(data, axis, after)
        slow = np.apply_along_axis(slow_rescaled, axis, data, after)
        assert fast == pytest.approx(slow, abs=1e-5)

    def test_a_constant_stays_itself_up_to_the_edge(self) -> None:
        assert rescaled_along(np.full((7, 3, 3), 5.0), 0, 19) == pytest.approx(5.0)
        assert rescaled_along(np.full((70, 3, 3), 5.0), 0, 9) == pytest.approx(5.0)

    def test_a_ramp_keeps_its_place_there_and_back(self) -> None:
        ramp = np.broadcast_to(np.arange(64.0)[:, None, None], (64, 2, 2))
        back = rescaled_along(rescaled_along(ramp, 0, 100), 0, 64)
        assert back[3:-3] == pytest.approx(ramp[3:-3], abs=0.05)

    def test_finer_stripes_than_the_new_samples_are_averaged_away(self) -> None:
        stripes = np.broadcast_to((np.arange(60) % 2)[:, None, None], (60, 1, 1))
        assert rescaled_along(stripes, 0, 15) == pytest.approx(0.5, abs=0.05)


ORIENTED = [
    oblique((40, 32, 12), (1.0, 1.2, 4.0)),
    oblique((40, 32, 12), (1.0, 1.2, 4.0), (12.0, -7.0, 20.0)),
    oblique((40, 32, 12), (1.0, 1.2, 4.0), (12.0, -7.0, 20.0), (-1, 1, -1)),
    oblique((30, 30, 30), (1.5, 1.5, 1.5), (0.0, 5.0, 0.0), (1, -1, 1), (2, 0, 1)),
    oblique((24, 24, 5), (2.6, 2.6, 5.0), (30.0, 0.0, 0.0)),
]


@pytest.mark.parametrize("geometry", ORIENTED)
class TestAlignedGrid:
    def test_runs_left_back_and_head_and_holds_the_series(self, geometry: Geometry) -> None:
        grid = aligned_grid(geometry, 2.4)
        assert np.array_equal(grid.affine[:3, :3], np.diag([2.4] * 3))
        assert all(n % MULTIPLE == 0 for n in grid.shape)
        assert grid.frame_of_reference == geometry.frame_of_reference
        ijk = grid.to_ijk(geometry.corners_lps())
        assert (ijk > -0.51).all()
        assert (ijk < np.array(grid.shape) - 0.49).all()

    def test_a_point_keeps_its_brightness(self, geometry: Geometry) -> None:
        """A smooth field of LPS, sampled and moved, is the field at the new voxels."""

        def field(lps: np.ndarray) -> np.ndarray:
            return np.asarray(lps @ np.array([0.010, -0.006, 0.008]))

        ijk = np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1)
        moved = onto_aligned_grid(Volume(field(geometry.to_lps(ijk)), geometry), 2.4, -9.0)
        there = np.stack(np.meshgrid(*map(np.arange, moved.data.shape), indexing="ij"), axis=-1)
        lps = moved.geometry.to_lps(there)
        at = geometry.to_ijk(lps)
        spare = 2.6 / np.array(geometry.spacing_mm) + 0.5
        deep = ((at > spare) & (at < np.array(geometry.shape) - 1 - spare)).all(axis=-1)
        assert deep.any()
        assert moved.data[deep] == pytest.approx(field(lps)[deep], abs=0.004)

    def test_beyond_the_field_of_view_stands_what_was_asked_for(self, geometry: Geometry) -> None:
        moved = onto_aligned_grid(Volume(np.ones(geometry.shape), geometry), 2.4, -9.0)
        seen = within(geometry, moved.geometry)
        assert (moved.data[~seen] == -9.0).all()
        assert moved.data[seen] == pytest.approx(1.0, abs=1e-5)

    def test_field_of_view_agrees_with_its_slow_twin(self, geometry: Geometry) -> None:
        grid = aligned_grid(geometry, 2.4)
        ijk = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
        at = geometry.to_ijk(grid.to_lps(ijk))
        slow = ((at >= -0.5 - 1e-6) & (at <= np.array(geometry.shape) - 0.5 + 1e-6)).all(axis=-1)
        assert np.array_equal(within(geometry, grid), slow)

    def test_there_and_back_a_ball_stays_where_it_is(self, geometry: Geometry) -> None:
        ijk = np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1)
        away = np.linalg.norm(geometry.to_lps(ijk) - geometry.centre_lps, axis=-1)
        soft = 1 / (1 + np.exp(away - 12.0))
        moved = onto_aligned_grid(Volume(soft, geometry), 2.4, 0.0)
        back = sampled(moved, geometry)
        weight = back / back.sum()
        centre = (geometry.to_lps(ijk) * weight[..., None]).sum(axis=(0, 1, 2))
        assert np.linalg.norm(centre - geometry.centre_lps) < 0.3


def test_one_slice_has_an_aligned_grid_too() -> None:
    flat = oblique((30, 30, 1), (1.0, 1.0, 4.0))
    moved = onto_aligned_grid(Volume(np.ones(flat.shape), flat), 2.4, 0.0)
    assert moved.geometry.shape[2] == MULTIPLE
    assert 1 <= np.count_nonzero((moved.data > 0.5).any(axis=(0, 1))) <= 2
