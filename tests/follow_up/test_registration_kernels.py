"""The short functions under the registration, each against a slow and obvious twin."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from marrowtrail.follow_up.bone_surface import surface_of
from marrowtrail.follow_up.brightness import (
    KNOTS,
    SMOOTHNESS,
    Brightness,
    bends,
    edge_scale,
    even_knots,
    fit_brightness,
    hats,
    never_falling,
    solve,
    tukey,
    weighted_median,
)
from marrowtrail.follow_up.gauss_newton import (
    MOTIONS,
    Moving,
    Samples,
    increment,
    jacobian,
    measure,
    register_level,
)
from marrowtrail.follow_up.intensity_alignment import FINEST_BLUR_MM, SLAB_SD, blurs_mm
from marrowtrail.follow_up.surface_alignment import (
    align_surfaces,
    displacement_mm,
    midway,
)
from marrowtrail.follow_up.surface_misfit import stretch_mm, surface_misfit
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from tests.follow_up.made_bones import FEMUR, PATELLA, ball, bone_of, mirrored, sagittal, turn

GRID = sagittal((70, 70, 24), (1.0, 1.0, 3.0))


def smooth_field(points: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = np.moveaxis(points, -1, 0)
    return 100 * np.sin(x / 9) + 80 * np.cos(y / 11 + z / 15) + 60 * np.sin(z / 8)


def smooth_slopes(points: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack(
        [
            100 / 9 * np.cos(x / 9),
            -80 / 11 * np.sin(y / 11 + z / 15),
            -80 / 15 * np.sin(y / 11 + z / 15) + 60 / 8 * np.cos(z / 8),
        ],
        axis=-1,
    )


def samples(n: int = 400, radius_mm: float = 20.0) -> Samples:
    points = np.random.default_rng(3).uniform(-18, 18, size=(n, 3)) + np.array([0, 0, -8])
    values, slopes = smooth_field(points), smooth_slopes(points)
    edges = np.ones(n, dtype=bool)
    centre = np.array([2.0, 1, -8])
    return Samples(points, values, slopes, edges, even_knots(values), np.ones(n), centre, radius_mm)


def straight(fixed: Samples, gain: float, offset: float, tilt: tuple[float, float, float]):  # type: ignore[no-untyped-def]
    levels = gain * fixed.knots + offset
    return Brightness(fixed.knots, levels, np.asarray(tilt), np.ones(KNOTS))


def mask_of(shape, grid: Geometry = GRID) -> NDArray[np.bool_]:  # type: ignore[no-untyped-def]
    ijk = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    return np.asarray(shape(grid.to_lps(ijk)) < 0)


def pooled(levels: NDArray[np.float64], counts: NDArray[np.float64]) -> list[float]:
    """Isotonic regression the slow way: best of all averages over later starts and ends."""
    n = len(levels)
    return [
        max(
            min(np.average(levels[a : b + 1], weights=counts[a : b + 1]) for b in range(i, n))
            for a in range(i + 1)
        )
        for i in range(n)
    ]


class TestJacobian:
    def test_motion_columns_are_the_finite_differences_of_the_model(self) -> None:
        fixed = samples()
        brightness = straight(fixed, 1.3, 20.0, (0.2, -0.1, 0.05))
        well_inside = (fixed.values > fixed.knots[1]) & (fixed.values < fixed.knots[-2])
        columns = jacobian(fixed, brightness)
        step = 1e-4
        for n in range(MOTIONS):
            motion = np.zeros(MOTIONS)
            motion[n] = step
            ahead = smooth_field(increment(motion, fixed).inverse().apply(fixed.points_lps))
            behind = smooth_field(increment(-motion, fixed).inverse().apply(fixed.points_lps))
            rise = brightness.expected(ahead, fixed.places)
            rise -= brightness.expected(behind, fixed.places)
            np.testing.assert_allclose(
                columns[well_inside, n], (rise / (2 * step))[well_inside], atol=2e-3
            )

    def test_brightness_columns_are_the_finite_differences_of_the_map(self) -> None:
        fixed = samples()
        brightness = straight(fixed, 0.8, 50.0, (0.2, -0.1, 0.05))
        columns = jacobian(fixed, brightness)[:, MOTIONS:]
        assert columns.shape[1] == KNOTS + 3
        for n in range(KNOTS + 3):
            change = np.zeros(KNOTS + 3)
            change[n] = 1e-3
            rise = brightness.changed(change).expected(fixed.values, fixed.places)
            rise -= brightness.changed(-change).expected(fixed.values, fixed.places)
            np.testing.assert_allclose(columns[:, n], rise / 2e-3, atol=1e-6)

    def test_a_turn_of_one_unit_moves_the_rim_by_one_mm(self) -> None:
        fixed = samples(radius_mm=25.0)
        rim = fixed.centre_lps + np.array([0.0, 25.0, 0.0])
        moved = increment(np.array([1.0, 0, 0, 0, 0, 0]), fixed).apply(rim)
        assert np.linalg.norm(moved - rim) == pytest.approx(1.0, rel=1e-3)


class TestSolve:
    def test_equals_weighted_least_squares(self) -> None:
        rng = np.random.default_rng(0)
        slopes, target = rng.normal(size=(300, 11)), rng.normal(size=300)
        slopes[:, 3] *= 1e4
        weights = rng.uniform(size=300)
        root = np.sqrt(weights)
        wanted = np.linalg.lstsq(slopes * root[:, None], target * root, rcond=None)[0]
        np.testing.assert_allclose(solve(slopes, target, weights), wanted, rtol=1e-4, atol=1e-9)

    def test_a_penalty_equals_more_rows(self) -> None:
        rng = np.random.default_rng(1)
        fixed = samples(200)
        brightness = straight(fixed, 1.0, 0.0, (0, 0, 0))
        brightness = brightness.changed(np.sort(rng.normal(size=KNOTS + 3)) * 10)
        columns = brightness.columns(fixed.values, fixed.places)
        target, weights = rng.normal(size=200) * 50, rng.uniform(0.2, 1, size=200)
        rows, undone = bends(brightness)
        stiff = np.sqrt(SMOOTHNESS * weights.sum())
        stacked = np.concatenate([columns * np.sqrt(weights)[:, None], stiff * rows])
        aims = np.concatenate([target * np.sqrt(weights), stiff * undone])
        wanted = np.linalg.lstsq(stacked, aims, rcond=None)[0]
        found = solve(columns, target, weights, (rows, undone))
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)

    def test_a_direction_without_information_stays_put(self) -> None:
        slopes = np.zeros((50, 2))
        slopes[:, 0] = 1.0
        np.testing.assert_allclose(solve(slopes, np.full(50, 3.0), np.ones(50)), [3, 0], atol=1e-5)


class TestBrightness:
    def test_hats_share_every_value_between_its_neighbours(self) -> None:
        knots = np.array([0.0, 10.0, 20.0])
        np.testing.assert_allclose(
            hats(np.array([-5.0, 0, 2.5, 20, 99]), knots),
            [[1, 0, 0], [1, 0, 0], [0.75, 0.25, 0], [0, 0, 1], [0, 0, 1]],
        )

    def test_a_curve_that_is_no_gain_is_found(self) -> None:
        fixed = samples(2000)
        tilt = np.array([0.1, -0.05, 0.08])
        found = 300 * (2 - np.exp(-fixed.values / 300)) * (1 + fixed.places @ tilt)
        edges = np.ones(len(found), dtype=bool)
        brightness = fit_brightness(
            fixed.values, fixed.places, found, fixed.knots, edges, np.ones(2000)
        )
        off = brightness.expected(fixed.values, fixed.places) - found
        assert np.median(np.abs(off)) < 0.02 * found.std()
        np.testing.assert_allclose(brightness.tilt, tilt, atol=0.01)

    def test_an_oedema_that_vanished_does_not_bend_the_curve(self) -> None:
        fixed = samples(2000)
        bright = np.linalg.norm(fixed.points_lps - [5, 5, -10], axis=-1) < 9
        assert 0.03 < bright.mean() < 0.3
        values = np.where(bright, fixed.values + 500, fixed.values)
        edges = np.ones(len(values), dtype=bool)
        brightness = fit_brightness(
            values, fixed.places, 1.2 * fixed.values, even_knots(values), edges, np.ones(2000)
        )
        off = brightness.expected(values, fixed.places) - 1.2 * fixed.values
        assert np.median(np.abs(off[~bright])) < 5

    def test_levels_never_fall(self) -> None:
        rng = np.random.default_rng(4)
        for _ in range(20):
            levels, counts = rng.normal(size=KNOTS), rng.uniform(0.5, 2, size=KNOTS)
            found = never_falling(levels, counts)
            assert np.all(np.diff(found) >= -1e-12)
            np.testing.assert_allclose(found, pooled(levels, counts), atol=0.01)
        rising = np.arange(KNOTS, dtype=float)
        np.testing.assert_array_equal(never_falling(rising, np.ones(KNOTS)), rising)

    def test_weighted_median(self) -> None:
        values = np.array([5.0, 1.0, 3.0])
        assert weighted_median(values, np.ones(3)) == 3
        assert weighted_median(values, np.array([9.0, 1, 1])) == 5

    def test_a_knot_without_points_takes_after_its_neighbours(self) -> None:
        values = np.concatenate([np.linspace(0, 100, 200), np.linspace(900, 1000, 200)])
        brightness = fit_brightness(
            values,
            np.zeros((400, 3)),
            2 * values,
            even_knots(values),
            np.ones(400, dtype=bool),
            np.ones(400),
        )
        assert np.all(np.diff(brightness.levels) > 0)
        middle = brightness.expected(np.array([500.0]), np.zeros((1, 3)))[0]
        assert middle == pytest.approx(1000, rel=0.1)

    def test_one_brightness_only_is_survived(self) -> None:
        values = np.full(300, 7.0)
        brightness = fit_brightness(
            values,
            np.zeros((300, 3)),
            values,
            even_knots(values),
            np.ones(300, dtype=bool),
            np.ones(300),
        )
        assert brightness.expected(values, np.zeros((300, 3)))[0] == pytest.approx(7, rel=1e-3)

    def test_scale_is_that_of_edges(self) -> None:
        residual = np.concatenate([np.full(900, 0.1), np.full(100, 5.0)])
        edges = residual > 1
        assert edge_scale(residual, edges) == pytest.approx(1.4826 * 5, rel=1e-6)
        assert edge_scale(residual, ~edges) == pytest.approx(1.4826 * 0.1, rel=1e-6)
        assert edge_scale(residual, np.zeros(1000, dtype=bool)) < 1


class TestTukey:
    def test_falls_from_one_to_nothing(self) -> None:
        np.testing.assert_allclose(tukey(np.array([0.0, 0.5, 1.0, 7.0])), [1, 0.5625, 0, 0])
        assert tukey(np.array([-0.5]))[0] == tukey(np.array([0.5]))[0]


class TestRegisterLevel:
    truth = turn((2.0, -1.5, 1.0), (0.8, -0.6, 0.5), about=(0, 0, -8))

    def moving(self, spoil: float = 0.0, order: int = 1) -> Moving:
        ijk = np.stack(np.meshgrid(*map(np.arange, GRID.shape), indexing="ij"), axis=-1)
        points = self.truth.inverse().apply(GRID.to_lps(ijk))
        data = 1.4 * smooth_field(points) + 35
        data[np.linalg.norm(points - [5, 5, -10], axis=-1) < 8] += spoil
        return Moving.of(Volume(data.astype(np.float32), GRID), order)

    def error(self, spoil: float, order: int = 1) -> float:
        fixed = samples(3000)
        fit = register_level(fixed, self.moving(spoil, order), RigidTransform.identity())
        assert fit is not None
        return float(displacement_mm(fit.transform, self.truth, fixed.points_lps).mean())

    def test_recovers_a_known_motion(self) -> None:
        assert self.error(0.0) < 0.05
        assert self.error(0.0, order=3) < 0.02

    def test_a_lesion_in_one_image_only_does_not_pull(self) -> None:
        assert self.error(400.0) < 0.06

    def test_finds_gain_and_offset(self) -> None:
        fixed = samples(3000)
        fit = measure(fixed, self.moving(), self.truth)
        assert fit is not None
        middle = np.array([0.0, 100.0])
        expected = fit.brightness.expected(middle, np.zeros((2, 3)))
        np.testing.assert_allclose(expected, 1.4 * middle + 35, atol=6)
        assert fit.correlation > 0.99

    def test_noise_does_not_correlate(self) -> None:
        noise = np.random.default_rng(1).normal(size=GRID.shape).astype(np.float32)
        image = Moving.of(Volume(noise, GRID), 1)
        fit = measure(samples(3000), image, RigidTransform.identity())
        assert fit is not None
        assert fit.correlation < 0.2

    def test_nothing_seen_gives_none(self) -> None:
        away = turn((0, 0, 0), (500, 0, 0))
        assert register_level(samples(), self.moving(), away) is None
        assert measure(samples(), self.moving(), away) is None


class TestMoving:
    def test_splines_come_closer_than_lines(self) -> None:
        ijk = np.stack(np.meshgrid(*map(np.arange, GRID.shape), indexing="ij"), axis=-1)
        image = Volume(smooth_field(GRID.to_lps(ijk)).astype(np.float32), GRID)
        points = samples(500).points_lps
        off = []
        for order in (1, 3):
            seen, values = Moving.of(image, order).at(points)
            assert seen.all()
            off.append(float(np.abs(values - smooth_field(points)).max()))
        assert off[1] < 0.3
        assert off[0] > 3 * off[1]

    def test_what_lies_outside_is_not_seen(self) -> None:
        image = Moving.of(Volume(np.ones(GRID.shape, dtype=np.float32), GRID), 3)
        seen, values = image.at(np.array([GRID.centre_lps, [900.0, 0, 0]]))
        np.testing.assert_array_equal(seen, [True, False])
        np.testing.assert_allclose(values, [1.0], rtol=1e-4)


class TestSurface:
    def test_points_lie_on_the_bone_and_normals_point_outward(self) -> None:
        shape = ball((0, 0, -8), (20, 20, 20))
        surface = surface_of(bone_of(PATELLA, mask_of(shape), GRID))
        assert surface is not None
        away = surface.points_lps - np.array([0, 0, -8])
        distance = np.linalg.norm(away, axis=-1)
        assert np.median(distance) == pytest.approx(20, abs=0.25)
        assert np.abs(distance - 20).mean() < 0.4
        outward = np.einsum("ij,ij->i", away / distance[:, None], surface.normals)
        assert np.percentile(outward, 2) > 0.8

    def test_distances_match_the_sphere(self) -> None:
        surface = surface_of(bone_of(PATELLA, mask_of(ball((0, 0, -8), (20, 20, 20))), GRID))
        assert surface is not None
        for radius in (14.0, 19.0, 22.0, 30.0):
            way = np.random.default_rng(2).normal(size=(200, 3))
            way /= np.linalg.norm(way, axis=-1, keepdims=True)
            distance = surface.distance_mm(way * radius + np.array([0, 0, -8]))
            assert np.median(distance) == pytest.approx(abs(radius - 20), abs=0.35)

    def test_the_cut_of_the_field_of_view_is_no_surface(self) -> None:
        shaft = mask_of(lambda p: np.hypot(p[..., 0], p[..., 1]) - 12)
        surface = surface_of(bone_of(FEMUR, shaft, GRID))
        assert surface is not None
        assert np.abs(surface.normals[:, 2]).max() < 0.5
        cut_short = mask_of(lambda p: np.maximum(np.hypot(p[..., 0], p[..., 1]) - 12, p[..., 2]))
        closed = surface_of(bone_of(FEMUR, cut_short, GRID))
        assert closed is not None
        assert np.abs(closed.normals[:, 2]).max() > 0.9

    def test_the_border_of_the_field_of_view_is_not_imaged(self) -> None:
        surface = surface_of(bone_of(PATELLA, mask_of(ball((0, 0, -8), (20, 20, 20))), GRID))
        assert surface is not None
        inside, at_border, outside = GRID.centre_lps, GRID.to_lps(np.array([35, 35, 0])), [999] * 3
        np.testing.assert_array_equal(
            surface.is_imaged(np.array([inside, at_border, outside])), [True, False, False]
        )

    @pytest.mark.parametrize("shape", [(70, 70, 1), (1, 70, 24)])
    def test_a_single_slice_has_no_surface(self, shape: tuple[int, int, int]) -> None:
        grid = Geometry(shape, GRID.affine)
        assert surface_of(bone_of(PATELLA, np.ones(shape, dtype=bool), grid)) is None

    def test_an_empty_or_full_mask_has_no_surface(self) -> None:
        for mask in (np.zeros(GRID.shape, dtype=bool), np.ones(GRID.shape, dtype=bool)):
            assert surface_of(bone_of(PATELLA, mask, GRID)) is None


class TestAlignSurfaces:
    shape = staticmethod(
        lambda p: np.minimum(ball((0, 0, -8), (16, 24, 12))(p), ball((9, 12, -2), (10, 9, 16))(p))
    )

    def test_finds_the_motion_from_far_away(self) -> None:
        motion = turn((9, -12, 8), (3, -2, 4), about=(0, 0, -8))
        first = surface_of(bone_of(PATELLA, mask_of(self.shape), GRID))
        second = surface_of(
            bone_of(PATELLA, mask_of(lambda p: self.shape(motion.inverse().apply(p))), GRID)
        )
        assert first is not None
        assert second is not None
        fit = align_surfaces([(first, second)], [RigidTransform.identity()])
        assert displacement_mm(fit.transform, motion, first.points_lps).mean() < 0.4
        gap = surface_misfit((first, second), fit.transform)
        assert gap is not None
        assert gap.gap_mm < 0.5
        assert gap.common_share > 0.95

    def test_a_mirrored_bone_stays_apart(self) -> None:
        first = surface_of(bone_of(PATELLA, mask_of(self.shape), GRID))
        second = surface_of(bone_of(PATELLA, mask_of(mirrored(self.shape)), GRID))
        assert first is not None
        assert second is not None
        fit = align_surfaces([(first, second)], [RigidTransform.identity()])
        gap = surface_misfit((first, second), fit.transform)
        assert gap is not None
        assert gap.gap_mm > 0.8

    def test_nothing_in_common_has_no_gap(self) -> None:
        first = surface_of(bone_of(PATELLA, mask_of(self.shape), GRID))
        assert first is not None
        gap = surface_misfit((first, first), turn((0, 0, 0), (300, 0, 0)))
        assert gap is None


class TestStretch:
    middle = np.array([0.0, 0, -8])
    radii = np.array([16.0, 24, 20])

    def pair(self, factor: tuple[float, float, float]):  # type: ignore[no-untyped-def]
        fine = sagittal((70, 70, 50), (1.0, 1.0, 1.0), centre=(0, 0, -8))
        surfaces = [
            surface_of(bone_of(PATELLA, mask_of(ball((0, 0, -8), tuple(radii)), fine), fine))
            for radii in (self.radii, self.radii * factor)
        ]
        assert None not in surfaces
        return tuple(surfaces)

    def moved_by(self, factor: tuple[float, float, float], pair) -> float:  # type: ignore[no-untyped-def]
        """The same from the formula of the ellipsoid."""
        first, _ = pair
        place = first.points_lps - self.middle
        normals = place / self.radii**2
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        along = ((place * (np.asarray(factor) - 1)) * normals).sum(axis=-1)
        return float(np.sqrt((along**2).mean()))

    @pytest.mark.parametrize("factor", [(1.0, 1.0, 1.06), (0.94, 1.0, 1.0), (1.05, 1.05, 1.05)])
    def test_a_stretch_is_measured(self, factor: tuple[float, float, float]) -> None:
        pair = self.pair(factor)
        wanted = self.moved_by(factor, pair)
        assert wanted > 0.4
        there = stretch_mm(pair, RigidTransform.identity())
        back = stretch_mm(pair[::-1], RigidTransform.identity())
        assert there == pytest.approx(wanted, rel=0.2)
        assert back == pytest.approx(wanted, rel=0.2)

    def test_the_same_bone_is_not_stretched(self) -> None:
        assert stretch_mm(self.pair((1.0, 1.0, 1.0)), RigidTransform.identity()) < 0.02


class TestMotions:
    def test_midway_twice_is_the_way(self) -> None:
        first, second = turn((3, 1, -2), (4, 0, 1)), turn((5, 2, -2), (5, 1, 0))
        centre = np.array([10.0, -5, 3])
        half = midway(first, second, centre)
        np.testing.assert_allclose(
            half.apply(centre), (first.apply(centre) + second.apply(centre)) / 2, atol=1e-9
        )
        to_first = (half @ first.inverse()).angle_deg
        assert to_first == pytest.approx((second @ half.inverse()).angle_deg, abs=1e-6)
        assert to_first > 0.5

    def test_midway_of_one_motion_is_that_motion(self) -> None:
        one = turn((3, 1, -2), (4, 0, 1))
        np.testing.assert_allclose(midway(one, one, np.zeros(3)).matrix, one.matrix, atol=1e-12)

    def test_displacement_is_zero_only_for_the_same_motion(self) -> None:
        points = np.random.default_rng(0).normal(size=(20, 3)) * 10
        one = turn((3, 1, -2), (4, 0, 1))
        assert displacement_mm(one, one, points).max() == 0
        shifted = turn((3, 1, -2), (4, 3, 5))
        np.testing.assert_allclose(displacement_mm(one, shifted, points), 5.0)


class TestBlurs:
    def test_thick_slices_ask_for_more(self) -> None:
        thick, fine = sagittal(spacing_mm=(0.5, 0.5, 3.5)), sagittal(spacing_mm=(0.6, 0.6, 0.7))
        assert blurs_mm(thick, fine)[-1] == pytest.approx(3.5 * SLAB_SD)
        assert blurs_mm(fine, thick) == blurs_mm(thick, fine)
        assert blurs_mm(fine, fine)[-1] == FINEST_BLUR_MM
