"""What the scanner does to a painted limb, each artefact against what it should do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Dixon, Plane, Weighting
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.painting.layers import Layers, blank
from marrowtrail.phantom.scanner.acquisition import Acquisition, Flaws, Sampling, Screw
from marrowtrail.phantom.scanner.chemical_shift import shifted
from marrowtrail.phantom.scanner.coil import coil_profile
from marrowtrail.phantom.scanner.fat_suppression import calculated, share_failing, suppressed
from marrowtrail.phantom.scanner.field_of_view import grid
from marrowtrail.phantom.scanner.imperfections import with_imperfections
from marrowtrail.phantom.scanner.metal import fat_failing, with_metal
from marrowtrail.phantom.scanner.motion import pulsation, shot_phase
from marrowtrail.phantom.scanner.noise import edge_sparing, geometry_factor
from marrowtrail.phantom.scanner.sampling import magnitude_of
from marrowtrail.phantom.scanner.tissue import Timing, Tissue, signal_parts
from marrowtrail.phantom.scanner.wrap import folded

SHAPE = (64, 48, 4)
PD_FS = Timing(Weighting.PD, 3000.0, 35.0, None, 0.1, 3.0)
PD = replace(PD_FS, fat_left=1.0)
STIR = Timing(Weighting.STIR, 4500.0, 40.0, 220.0, 1.0, 3.0, inverted=0.9)
QUIET_SNR = 1e6


def series(
    timing: Timing = PD_FS,
    *,
    sampling: Sampling | None = None,
    flaws: Flaws | None = None,
    images: tuple[Dixon | None, ...] = (None,),
    snr: float = QUIET_SNR,
    family: Family = Family.BUILDING,
    artery: NDArray[np.float64] | None = None,
) -> Acquisition:
    geometry = grid(Plane.SAGITTAL, np.zeros(3), np.eye(3), SHAPE, (1.5, 1.5, 4.0))
    return Acquisition(
        timing,
        Plane.SAGITTAL,
        geometry,
        3.5,
        snr,
        0.0,
        8,
        1,
        sampling=sampling or Sampling(softened=0.0),
        flaws=flaws or Flaws(),
        images=images,
        family=family,
        artery_lps=artery,
    )


def block(geometry: Geometry) -> Layers:
    """A limb: fat, with water in its middle third."""
    layers = blank(geometry)
    i, j, _ = (n // 6 for n in geometry.shape)
    layers[1, i:-i, j:-j] = 1.0
    layers[1, 2 * i : -2 * i, 2 * j : -2 * j] = 0.0
    layers[0, 2 * i : -2 * i, 2 * j : -2 * j] = 0.8
    return layers


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_fat_moves_along_the_read_out_and_water_does_not() -> None:
    row = np.zeros(SHAPE, dtype=np.float32)
    row[20:30] = 1.0
    moved = shifted(row, 0, 3.0)
    assert np.allclose(moved[23:33], 1.0, atol=1e-4)
    assert np.allclose(moved[:20], 0.0, atol=1e-4)
    assert shifted(row, 0, 0.0) is row
    half = shifted(row, 0, 0.5)
    centre = np.average(np.arange(SHAPE[0]), weights=half[:, 0, 0])
    assert centre == pytest.approx(25.0, abs=0.02)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_rim_is_bright_at_one_end_of_the_read_out_and_dark_at_the_other(axis: int) -> None:
    one = series(PD, sampling=Sampling(read_axis=axis, fat_shift_px=3.0, softened=0.0))
    level = {tissue: signal_parts(tissue, PD) for tissue in Tissue}
    (image,) = with_imperfections(block(one.painted), one, level, rng())
    (still,) = with_imperfections(
        block(one.painted), replace(one, sampling=Sampling(axis, softened=0.0)), level, rng()
    )
    change = np.moveaxis(image - still, axis, 0)[:, 24 if axis else 32 - 8, 1]
    assert change.max() > 0.3 * still.max()
    assert change.min() < -0.3 * still.max()


def test_half_of_the_limb_fails_and_the_rest_does_not() -> None:
    one = series(flaws=Flaws(fat_failing=0.4, fails_aside=True))
    layers = block(one.painted)
    failing = np.broadcast_to(share_failing(layers, one, rng(3)), SHAPE)
    limb = layers.sum(axis=0) > 0
    assert 0.2 < (failing[limb] > 0.25).mean() < 0.6
    assert (failing[limb] < 0.05).mean() > 0.2


def test_suppression_that_does_not_fail_leaves_the_layers_as_they_are() -> None:
    one = series()
    layers = block(one.painted)
    failing = share_failing(layers, one, rng())
    assert not failing.any()
    assert np.allclose(suppressed(layers, one, failing, rng()), layers)


def test_suppression_that_fails_wholly_leaves_all_fat_and_the_same_water() -> None:
    one = series(flaws=Flaws(fat_failing=1.0))
    layers = block(one.painted)
    layers[1] *= np.float32(PD_FS.fat_left)
    left = suppressed(layers, one, share_failing(layers, one, rng()), rng())
    assert left[1].max() == pytest.approx(1.0, rel=1e-5)
    assert np.array_equal(left[0], layers[0])


def test_what_an_inversion_leaves_of_fat_is_uneven_and_needs_no_frequency() -> None:
    one = series(STIR, flaws=Flaws(fat_failing=1.0))
    layers = block(one.painted)
    left = suppressed(layers, one, share_failing(layers, one, rng()), rng())
    ratio = left[1][layers[1] > 0]
    assert 0.5 < ratio.min() < 0.95
    assert 1.05 < ratio.max() < 1.9


def test_a_sequence_without_suppression_cannot_fail() -> None:
    one = series(PD, flaws=Flaws(fat_failing=1.0))
    layers = block(one.painted)
    assert suppressed(layers, one, share_failing(layers, one, rng()), rng()) is layers


def test_dixon_images_are_made_of_water_and_fat() -> None:
    layers = np.stack([np.full(SHAPE, 0.7), np.full(SHAPE, 0.2)]).astype(np.float32)
    made = {part: float(calculated(layers, part)[0, 0, 0]) for part in (None, *Dixon)}
    assert made == {
        None: pytest.approx(0.9),
        Dixon.WATER: pytest.approx(0.7),
        Dixon.FAT: pytest.approx(0.2),
        Dixon.IN_PHASE: pytest.approx(0.9),
        Dixon.OPPOSED_PHASE: pytest.approx(0.5),
    }


def test_where_a_dixon_fails_water_and_fat_change_places() -> None:
    one = series(PD, flaws=Flaws(fat_failing=1.0), images=(Dixon.WATER, Dixon.FAT))
    layers = block(one.painted)
    swapped = suppressed(layers, one, share_failing(layers, one, rng()), rng())
    assert np.allclose(swapped[0], layers[1])
    assert np.allclose(swapped[1], layers[0])


def test_what_lies_beyond_one_end_appears_at_the_other() -> None:
    wide = np.zeros((20, 6, 2), dtype=np.float32)
    wide[3] = 1.0
    inner = folded(wide, 0, 4)
    assert inner.shape == (12, 6, 2)
    assert inner[11].max() > 0.5
    assert not inner[:11].any()
    assert folded(wide, 0, 0) is wide


def test_the_painted_grid_extends_the_series_along_phase_only() -> None:
    one = series(sampling=Sampling(read_axis=0), flaws=Flaws(wrap=0.125))
    assert one.painted.shape == (64, 48 + 2 * 6, 4)
    inside = one.painted.to_lps(np.array([5.0, 6.0 + 7.0, 2.0]))
    assert np.allclose(inside, one.geometry.to_lps(np.array([5.0, 7.0, 2.0])))
    assert [part.stop - part.start for part in one.kept] == list(SHAPE)
    assert series(flaws=Flaws(wrap=0.01)).painted.shape == SHAPE


def test_wrap_changes_the_ends_and_not_the_middle() -> None:
    level = {tissue: signal_parts(tissue, PD) for tissue in Tissue}
    pictures = []
    for flaws in (Flaws(), Flaws(wrap=0.125)):
        one = series(PD, flaws=flaws)
        layers = blank(one.painted)
        layers[0] = 0.5
        pictures.append(with_imperfections(layers, one, level, rng(5))[0])
    plain, wrapped = pictures
    assert plain.shape == wrapped.shape == SHAPE
    assert wrapped[:, :4].mean() > 1.2 * plain[:, :4].mean()
    assert wrapped[:, 16:32].mean() == pytest.approx(plain[:, 16:32].mean(), rel=0.05)


@pytest.mark.parametrize("family", list(Family))
def test_noise_has_the_standard_deviation_asked_for(family: Family) -> None:
    one = series(snr=20, family=family, sampling=Sampling(acquired=(0.8, 0.6), softened=0.0))
    even = np.full((128, 128, 4), 1.0, dtype=np.float32)
    image = magnitude_of(even, one, 0.05, rng())
    assert image.std() == pytest.approx(0.05, rel=0.05 if family is Family.BUILDING else 0.75)
    assert image.mean() == pytest.approx(1.0, abs=0.02)


def test_noise_in_air_is_positive_as_that_of_a_magnitude() -> None:
    image = magnitude_of(np.zeros((64, 64, 4), dtype=np.float32), series(), 0.05, rng())
    assert image.mean() == pytest.approx(0.05 * np.sqrt(np.pi / 2), rel=0.05)


def test_zeros_in_k_space_make_noise_smooth() -> None:
    def neighbours(share: float) -> float:
        one = series(sampling=Sampling(acquired=(share, share), softened=0.0))
        noise = magnitude_of(np.full((64, 64, 4), 1.0, dtype=np.float32), one, 0.05, rng()) - 1
        return float(np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1])

    assert abs(neighbours(1.0)) < 0.05
    assert neighbours(0.5) > 0.5


def test_a_sharp_cut_rings_and_a_soft_one_does_not() -> None:
    edge = np.zeros((64, 64, 1), dtype=np.float32)
    edge[16:48, 16:48] = 1.0

    def overshoot(softened: float) -> float:
        sampling = Sampling(acquired=(0.7, 0.7), softened=softened)
        return float(magnitude_of(edge, series(sampling=sampling), 0.0, rng()).max() - 1.0)

    assert overshoot(0.0) > 0.08
    assert overshoot(1.0) < 0.6 * overshoot(0.0)


@pytest.mark.parametrize("read_axis", [0, 1])
def test_motion_throws_ghosts_along_phase_and_not_along_read_out(read_axis: int) -> None:
    dot = np.zeros((64, 64, 2), dtype=np.float32)
    dot[31:34, 31:34] = 1.0
    one = series(sampling=Sampling(read_axis=read_axis, softened=0.0), flaws=Flaws(motion_px=1.5))
    change = magnitude_of(dot, one, 0.0, rng(1)) - dot
    along_phase = np.abs(np.moveaxis(change, one.sampling.phase_axis, 0)[:, 32]).sum()
    along_read = np.abs(np.moveaxis(change, read_axis, 0)[:, 32]).sum()
    assert along_phase > 2.0 * along_read
    still = magnitude_of(dot, replace(one, flaws=Flaws()), 0.0, rng(1))
    assert np.allclose(still, dot, atol=1e-5)


def test_a_limb_that_lies_still_turns_no_phase() -> None:
    assert np.allclose(shot_phase(64, 0.0, 8, 3, rng()), 1.0)
    assert np.allclose(np.abs(shot_phase(64, 1.0, 8, 3, rng())), 1.0)


def test_an_artery_throws_ghosts_along_phase_and_none_without_strength() -> None:
    course = np.column_stack([np.linspace(-8, 8, 9), np.zeros(9), np.zeros(9)])
    one = series(flaws=Flaws(pulsation=0.2), artery=course)
    ghosts = pulsation(one, 1.0, rng())
    assert ghosts is not None
    rows = np.abs(ghosts).max(axis=(1, 2))
    assert rows.argmax() in (31, 32)
    assert np.abs(ghosts[:, 22:26]).max() < 0.02
    assert np.abs(ghosts).max() > 0.02
    assert pulsation(series(artery=course), 1.0, rng()) is None
    assert pulsation(series(flaws=Flaws(pulsation=0.2)), 1.0, rng()) is None


def test_metal_leaves_a_void_with_a_bright_rim_and_nothing_far_away() -> None:
    geometry = grid(Plane.SAGITTAL, np.zeros(3), np.eye(3), (96, 96, 5), (1.0, 1.0, 4.0))
    screw = Screw((-15.0, 0.0, 0.0), (15.0, 0.0, 0.0), 6.0)
    layers = np.ones((2, *geometry.shape), dtype=np.float32)
    image = with_metal(layers, screw, geometry, 0)[0]
    middle = image[:, :, 2]
    assert middle[38:58, 38:58].min() < 0.05
    assert middle.max() > 1.5
    assert np.allclose(middle[:, :18], 1.0, atol=1e-5)
    assert image.sum() < layers[0].sum()
    failing = fat_failing(screw, geometry)[:, :, 2]
    assert failing[48, 48] == 1.0
    assert failing[0, 0] == 0.0


def test_a_coil_hears_best_near_its_loops_and_badly_beyond_its_ends() -> None:
    geometry = grid(Plane.SAGITTAL, np.zeros(3), np.eye(3), (160, 240, 9), (1.0, 1.0, 12.0))
    profile = coil_profile(geometry, rng())
    assert profile[80, 120, 4] == pytest.approx(1.0, abs=0.05)
    assert profile[:, 120, 4].max() > 1.2
    assert profile[80, 0, 4] < 0.5
    assert profile.min() > 0.0


def test_parallel_imaging_only_adds_noise() -> None:
    factor = geometry_factor((64, 64, 3), 1, rng())
    assert factor.min() >= 1.0
    assert 1.2 < factor.max() < 2.0


def test_a_filter_that_spares_edges_smooths_what_is_even() -> None:
    noise = 0.03 * rng().standard_normal((64, 64, 1), dtype=np.float32)
    step = np.ones((64, 64, 1), dtype=np.float32)
    step[32:] = 2.0
    filtered = edge_sparing(step + noise, 0.03)
    assert filtered[4:24].std() < 0.6 * noise.std()
    assert filtered[33:35].mean() - filtered[29:31].mean() > 0.9


def test_the_same_seed_scans_alike_and_another_does_not() -> None:
    one = series(snr=30)
    level = {tissue: signal_parts(tissue, PD_FS) for tissue in Tissue}
    first, again, other = (
        with_imperfections(block(one.painted), one, level, rng(seed))[0] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)
