"""Images and the truth on their grid."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import LPS_FROM_RAS, Geometry
from marrowtrail.phantom.grids import common_box, coordinate
from marrowtrail.phantom.painting.synthesis import DEPTHS, PROFILE
from marrowtrail.phantom.scanner.coil import shading_field
from marrowtrail.phantom.scanner.field_of_view import ROW_COLUMN
from marrowtrail.phantom.truth import SeriesTruth
from tests.phantom.conftest import Written


def pixels_of(small: Written, uid: str) -> NDArray[np.float64]:
    slices = small.images[uid]
    return np.stack([s.pixel_array.T for s in slices], axis=-1).astype(float)


def labels_of(folder: Path, path: str | None) -> tuple[NDArray[np.uint8], Geometry]:
    assert path is not None
    image = nib.load(folder / path)
    data = np.asarray(image.dataobj).astype(np.uint8)
    return data, Geometry(data.shape, LPS_FROM_RAS @ image.affine)


def series_of(small: Written, visit: str, fat_suppressed: bool) -> SeriesTruth:
    return next(
        s for s in small.truth.series if s.visit == visit and s.fat_suppressed is fat_suppressed
    )


def marrow_of(small: Written, series: SeriesTruth, bone: str) -> NDArray[np.bool_]:
    regions, _ = labels_of(small.folder, series.region_labels)
    values = [n.value for n in series.region_names if n.name.startswith(f"{bone}/")]
    return np.isin(regions, values)


@pytest.mark.parametrize("visit", ["v1", "v2"])
def test_the_lesion_is_bright_where_truth_says(small: Written, visit: str) -> None:
    series = series_of(small, visit, fat_suppressed=True)
    lesions, _ = labels_of(small.folder, series.lesion_labels)
    image = pixels_of(small, series.series_uid)
    normal = marrow_of(small, series, "tibia") & (lesions == 0)
    assert np.median(image[lesions == 1]) > 2.0 * np.median(image[normal])
    assert np.median(image[marrow_of(small, series, "femur")]) < 1.5 * np.median(image[normal])


def test_the_lesion_lies_in_its_region(small: Written) -> None:
    series = series_of(small, "v1", fat_suppressed=True)
    lesions, _ = labels_of(small.folder, series.lesion_labels)
    regions, _ = labels_of(small.folder, series.region_labels)
    value = next(n.value for n in series.region_names if n.name == "tibia/lateral_plateau")
    assert (regions[lesions == 1] == value).mean() > 0.8


def test_volumes_in_truth_are_those_of_the_label_maps(small: Written) -> None:
    for lesion in small.truth.lesions:
        series = series_of(small, lesion.visit, fat_suppressed=True)
        value = next(n.value for n in series.lesion_names if n.name == lesion.id)
        labels, geometry = labels_of(small.folder, series.lesion_labels)
        counted = (labels == value).sum() * geometry.voxel_mm3
        assert counted == pytest.approx(lesion.volume_mm3, rel=0.12)


def test_t1_has_no_label_maps(small: Written) -> None:
    series = series_of(small, "v1", fat_suppressed=False)
    assert series.lesion_labels is None
    assert series.region_labels is None


def test_the_slice_profile_is_symmetric_and_adds_up() -> None:
    assert sum(PROFILE) == pytest.approx(1.0)
    assert PROFILE[::-1] == PROFILE
    assert [-d for d in DEPTHS[::-1]] == list(DEPTHS)


def test_rows_and_columns_are_perpendicular() -> None:
    for row, column in ROW_COLUMN.values():
        assert np.dot(row, column) == 0


def test_shading_stays_within_its_strength() -> None:
    field = shading_field((20, 20, 6), 0.3, np.random.default_rng(0))
    assert np.exp(-0.3) - 1e-5 <= field.min() < field.max() <= np.exp(0.3) + 1e-5
    assert np.ptp(field) > 0.1
    flat = shading_field((20, 20, 6), 0.0, np.random.default_rng(0))
    assert np.allclose(flat, 1.0)


def test_coordinates_agree_with_their_slow_twin() -> None:
    row = np.array([0.5, -2.0, 3.0, 7.0])
    box = slice(2, 5), slice(0, 4), slice(1, 3)
    fast = coordinate(row, box)
    for index in np.ndindex(fast.shape):
        ijk = np.add(index, (2, 0, 1))
        assert fast[index] == pytest.approx(row[:3] @ ijk + row[3])


def test_boxes_that_miss_each_other_have_nothing_in_common() -> None:
    one = slice(0, 4), slice(0, 4), slice(0, 4)
    other = slice(2, 6), slice(1, 3), slice(3, 9)
    assert common_box(one, other) == (slice(2, 4), slice(1, 3), slice(3, 4))
    assert common_box(one, (slice(4, 6), slice(0, 4), slice(0, 4))) is None
    assert common_box(one, None) is None
