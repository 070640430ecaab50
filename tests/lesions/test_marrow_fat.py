"""T1 tells oedema from fat that was not suppressed, and gives the true border of either."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from marrowtrail.anatomy.mapping import map_bones
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import BoneLabels, Contrast, Plane, Series, Weighting
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import BoneReading
from marrowtrail.lesions.marrow import model_marrow
from marrowtrail.lesions.marrow_fat import MarrowFat, marrow_fat, with_fat
from marrowtrail.lesions.reading import read_visit
from marrowtrail.record.sites import BoneId, Side
from tests.lesions.test_oedema import BONE, FLUID, GRID, INSIDE, ball, image, points

T1 = Contrast(Weighting.T1, False, "test")
PATELLA = BoneId("patella", Side.RIGHT)
GLOWING = 1.0 + 2.0 / (1.0 + np.exp((points()[..., 1] - 24.0) / 3.0))
"""Fat three times as bright at one side of the bone, falling off over a centimetre."""


def t1_image(lesion: np.ndarray | None = None, *, share: float = 0.75) -> Volume:
    """Marrow of 400 in a dark cortex, muscle of 130; a shading of a fifth either way."""
    signal = np.where(BONE, 400.0, 130.0)
    if lesion is not None:
        signal[lesion & BONE] *= share
    signal *= np.exp(0.2 * np.linspace(-1, 1, GRID.shape[1]))[None, :, None]
    signal *= np.exp(np.random.default_rng(1).normal(0, 0.08, signal.shape))
    return Volume(signal.astype(np.float32), GRID)


def glowing(lesion: np.ndarray | None = None, contrast: float = 3.0) -> Volume:
    volume = image(BONE, lesion, contrast=contrast)
    return volume.with_data(np.where(BONE, volume.data * GLOWING, volume.data).astype(np.float32))


def shown(fluid: Volume, t1: Volume | None, contrast: Contrast = T1) -> list[Series]:
    series = [Series("v1-s1", "v1", "uid", fluid, FLUID, Plane.SAGITTAL, "knee", Side.RIGHT)]
    if t1 is not None:
        series.append(
            Series("v1-s2", "v1", "uid2", t1, contrast, Plane.SAGITTAL, "knee", Side.RIGHT)
        )
    return series


def read(fluid: Volume, t1: Volume | None) -> BoneReading:
    series = shown(fluid, t1)
    labels = BoneLabels(Volume(BONE.astype(np.uint8), GRID), ((1, PATELLA),), "test", "uid")
    return read_visit("v1", series, [map_bones(one, (labels,)) for one in series])[0]


def fat_of(fluid: Volume, t1: Volume, contrast: Contrast = T1) -> MarrowFat | None:
    series = shown(fluid, t1, contrast)
    labels = BoneLabels(Volume(BONE.astype(np.uint8), GRID), ((1, PATELLA),), "test", "uid")
    (bone,) = map_bones(series[0], (labels,)).bones
    model = model_marrow(fluid, bone.mask)
    assert model is not None
    piece = fluid.crop(*model.block)
    brightness = piece.with_data(piece.data / model.expected)
    return marrow_fat([(one, bone) for one in series], brightness)


def test_the_share_of_fat_left_is_measured_through_the_shading() -> None:
    lesion = ball(INSIDE, 11)
    fat = fat_of(image(BONE, lesion, contrast=3.0), t1_image(lesion))
    assert fat is not None
    inner, elsewhere = ball(INSIDE, 8), ball((22.0, 42.0, 38.0), 7)
    assert fat.within(Volume(inner, GRID)) == pytest.approx(0.75, abs=0.04)
    assert fat.within(Volume(elsewhere, GRID)) == pytest.approx(1.0, abs=0.04)
    assert fat.within(Volume(~BONE, GRID)) is None


def test_oedema_in_a_third_of_the_bone_does_not_stand_for_normal() -> None:
    lesion = BONE & (points()[..., 0] > 40)
    fat = fat_of(image(BONE, lesion, contrast=4.0), t1_image(lesion))
    assert fat is not None
    within = fat.within(Volume(lesion, GRID))
    assert within is not None
    assert within < 0.85


@pytest.mark.parametrize(
    "contrast",
    [
        Contrast(Weighting.PD, False, ""),
        Contrast(Weighting.T1, True, ""),
        replace(T1, after_agent=True),
    ],
)
def test_only_t1_with_its_fat_and_without_agent_tells(contrast: Contrast) -> None:
    assert fat_of(image(BONE), t1_image(), contrast) is None


def test_another_frame_of_reference_does_not_tell() -> None:
    other = Geometry(GRID.shape, GRID.affine, "9.9.9")
    assert fat_of(image(BONE), Volume(t1_image().data, other)) is None


def test_fat_that_glows_is_no_oedema() -> None:
    found = read(glowing(), t1_image())
    assert found.lesions == ()
    assert found.possible == ()


def test_oedema_beside_a_glow_is_found_with_its_own_border() -> None:
    lesion = ball((33.0, 45.0, 38.0), 9)
    found = read(glowing(lesion, contrast=4.0), t1_image(lesion))
    (one,) = found.lesions
    both = 2 * (one.mask.data & lesion).sum()
    assert both / (one.mask.data.sum() + lesion.sum()) > 0.85


def test_the_glow_is_divided_out_of_normal_marrow_and_oedema_is_not() -> None:
    lesion = ball((33.0, 45.0, 38.0), 9)
    fluid = glowing(lesion, contrast=4.0)
    model = model_marrow(fluid, Volume(BONE, GRID))
    fat = fat_of(fluid, t1_image(lesion))
    assert model is not None
    assert fat is not None
    piece = fluid.crop(*model.block)
    better = with_fat(model, piece, fat)
    ratio = piece.data / better.expected
    glow, oedema = ball((33.0, 14.0, 38.0), 5), ball((33.0, 45.0, 38.0), 6)
    start, stop = model.block
    window = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    assert np.median(ratio[glow[window]]) == pytest.approx(1.0, abs=0.15)
    assert np.median(ratio[oedema[window]]) > 3.0
