"""One scale for every scanner: what moves it and what must not."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.anatomy.network_input import OUTSIDE, intensity_range, normalised

RNG = np.random.default_rng(3)
TISSUE = RNG.uniform(100.0, 300.0, (20, 30, 40))


def test_lies_between_minus_half_and_half_and_reaches_both() -> None:
    scaled = normalised(TISSUE)
    assert scaled.dtype == np.float32
    assert scaled.shape == TISSUE.shape
    assert (scaled.min(), scaled.max()) == (-0.5, 0.5)


@pytest.mark.parametrize("gain", [0.01, 1.0, 1000.0])
def test_unit_of_the_scanner_does_not_matter(gain: float) -> None:
    assert normalised(TISSUE * gain) == pytest.approx(normalised(TISSUE), abs=1e-5)


def test_amount_of_air_does_not_matter() -> None:
    framed = np.zeros((40, 60, 80))
    framed[:20, :30, :40] = TISSUE
    scaled = normalised(framed)
    assert scaled[:20, :30, :40] == pytest.approx(normalised(TISSUE), abs=0.01)
    assert (scaled[20:] == OUTSIDE).all()


def test_one_hot_pixel_does_not_matter() -> None:
    hot = TISSUE.copy()
    hot[0, 0, 0] = 1e6
    others = np.ones(TISSUE.shape, dtype=bool)
    others[0, 0, 0] = False
    assert normalised(hot)[others] == pytest.approx(normalised(TISSUE)[others], abs=0.01)


def test_contrast_does_matter() -> None:
    assert not np.allclose(normalised(TISSUE**2), normalised(TISSUE), atol=0.01)


def test_a_part_on_the_scale_of_the_whole() -> None:
    part = normalised(TISSUE[:5], intensity_range(TISSUE))
    assert np.array_equal(part, normalised(TISSUE)[:5])


@pytest.mark.parametrize("value", [0.0, 7.0, -3.0, np.nan])
def test_without_contrast_all_is_outside(value: float) -> None:
    assert (normalised(np.full((4, 4, 4), value)) == OUTSIDE).all()


def test_what_is_not_finite_is_outside() -> None:
    holed = TISSUE.copy()
    holed[3, 3, 3] = np.nan
    scaled = normalised(holed)
    assert scaled[3, 3, 3] == OUTSIDE
    assert np.isfinite(scaled).all()
