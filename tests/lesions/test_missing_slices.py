"""Bones on a series with a hole: what is seen counts, and what did not come is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.anatomy.mapping import map_bones
from marrowtrail.imaging.series import BoneLabels, Plane, Series
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import BoneReading
from marrowtrail.lesions.reading import read_visit
from marrowtrail.record.sites import BoneId, Side
from tests.lesions.test_oedema import BONE, FLUID, GRID, ball, image

PATELLA = BoneId("patella", Side.RIGHT)
"""A bone of one joint: a piece of it is not asked which end it is."""

FIRST, SECOND = (0, 9), (10, 22)
"""Slices of the two parts; slice 9 is missing."""


def part(number: int, volume: Volume, bone: np.ndarray, slices: tuple[int, int], *, hole: bool):  # type: ignore[no-untyped-def]
    start, stop = (0, 0, slices[0]), (*GRID.shape[:2], slices[1])
    block = volume.crop(start, stop)
    series = Series(
        f"v1-s{number}", "v1", "uid", block, FLUID, Plane.SAGITTAL, "knee", Side.RIGHT, is_part=hole
    )
    mask = Volume(bone.astype(np.uint8), GRID).crop(start, stop)
    return series, BoneLabels(mask, ((1, PATELLA),), "test", "uid")


def read(
    lesion: np.ndarray | None, *slices: tuple[int, int], bone: np.ndarray = BONE, hole: bool = True
) -> BoneReading:
    volume = image(bone, lesion)
    made = [part(n, volume, bone, one, hole=hole) for n, one in enumerate(slices, start=1)]
    labels = tuple(mask for _, mask in made)
    maps = [map_bones(series, labels) for series, _ in made]
    (reading,) = read_visit("v1", [series for series, _ in made], maps)
    return reading


@pytest.mark.parametrize(("z_mm", "series"), [(20.0, "v1-s1"), (52.0, "v1-s2")])
def test_oedema_in_either_part_is_found(z_mm: float, series: str) -> None:
    lesion = ball((34, 31, z_mm), 8)
    found = read(lesion, FIRST, SECOND)
    assert found.is_read
    assert (found.series_id, len(found.lesions)) == (series, 1)
    assert found.lesions[0].series_id == series
    assert found.is_part
    assert "of which slices are missing" in found.reason


def test_none_in_the_parts_is_not_clear() -> None:
    found = read(None, FIRST, SECOND)
    assert not found.is_read
    assert found.lesions == ()
    assert "slices of its series are missing" in found.reason


def test_one_part_alone_that_cuts_the_bone_is_not_clear() -> None:
    found = read(None, SECOND)
    assert not found.is_read


def test_a_bone_that_lies_within_one_part_is_clear() -> None:
    small = ball((33, 33, 56), 14)
    found = read(None, FIRST, SECOND, bone=small)
    assert found.is_read
    assert found.lesions == ()


def test_a_whole_series_is_clear() -> None:
    found = read(None, SECOND, hole=False)
    assert found.is_read
    assert not found.is_part
    assert "missing" not in found.reason
