"""Earlier series on today's grid: the same place of a bone at the same voxel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from marrowtrail.follow_up.track import BoneRegistration, Verification
from marrowtrail.imaging.series import Contrast, Plane, Series, Study, Visit, Weighting
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import Side
from marrowtrail.result.aligned import MARGIN_MM, aligned_volumes
from marrowtrail.result.model import Result
from tests.follow_up.made_visits import (
    FEMUR,
    GRID,
    TIBIA,
    bone_map,
    dates,
    lesion,
    reading,
    registration,
)
from tests.report.made_result import migrating

SHIFT = RigidTransform.about(np.zeros(3), np.zeros(3), np.array([6.0, -4.0, 0.0]))
"""Three voxels along the first axis, two back along the second."""


def series(visit: str, values: np.ndarray, frame: str = "1.2.3") -> Series:
    return Series(
        f"{visit}-s1",
        visit,
        "1.2",
        Volume(values.astype(np.float32), replace(GRID, frame_of_reference=frame)),
        Contrast(Weighting.PD, fat_suppressed=True, reason="test"),
        Plane.SAGITTAL,
        "knee",
        Side.RIGHT,
    )


def coded(offset: float = 0.0) -> np.ndarray:
    """Brightness tells the voxel."""
    i, j, k = np.indices(GRID.shape)
    return 100.0 + i + 3.0 * j + 7.0 * k + offset


def result(*visits: Series, links: tuple[BoneRegistration, ...], sick: bool = True) -> Result:
    readings = [
        reading(one.visit_id, FEMUR, *([lesion(one.visit_id, FEMUR, "medial_condyle")] * sick))
        for one in visits
    ]
    days = dates(*(one.visit_id for one in visits))
    there = tuple(Visit(one.visit_id, days[one.visit_id], (one,), ()) for one in visits)
    return Result(
        migrating()[0],
        (),
        Study(there, (), ()),
        tuple(bone_map(one.visit_id, FEMUR, cut=20) for one in visits),
        tuple(readings),
        links,
        {},
        "",
    )


def test_the_same_tissue_lies_at_the_same_voxel() -> None:
    links = (registration("v1", "v2", FEMUR, transform=SHIFT),)
    # What lay at voxel (i, j) at the first visit lies at (i + 3, j - 2) at the second.
    found = dict(
        aligned_volumes(result(series("v1", coded()), series("v2", coded(-3 + 6)), links=links))
    )
    assert set(found) == {"femur-right-v2-s1", "femur-right-v1-s1-on-v2-s1"}
    today, prior = found["femur-right-v2-s1"], found["femur-right-v1-s1-on-v2-s1"]
    assert today.geometry.same_grid(prior.geometry)
    seen = np.isfinite(prior.data)
    assert seen.sum() > 0.7 * seen.size
    assert np.abs(prior.data - today.data)[seen].max() < 0.2
    assert not seen[0, 0, 0]


def test_the_grid_is_todays_around_the_bone() -> None:
    links = (registration("v1", "v2", FEMUR),)
    found = dict(aligned_volumes(result(series("v1", coded()), series("v2", coded()), links=links)))
    wide = round(MARGIN_MM / 2.0)
    assert found["femur-right-v2-s1"].data.shape == (20 + wide, 40, 20)


@pytest.mark.parametrize(
    ("verification", "names"),
    [
        (Verification.UNVERIFIED, {"femur-right-v1-s1-on-v2-s1-unverified"}),
        (Verification.IMPOSSIBLE, set()),
    ],
)
def test_what_is_not_verified_says_so(verification: Verification, names: set[str]) -> None:
    links = (registration("v1", "v2", FEMUR, verification),)
    found = dict(aligned_volumes(result(series("v1", coded()), series("v2", coded()), links=links)))
    assert set(found) == names | {"femur-right-v2-s1"}


def test_a_visit_far_back_comes_through_those_between() -> None:
    links = tuple(
        registration(first, second, FEMUR) for first, second in (("v1", "v2"), ("v2", "v3"))
    )
    visits = (series(visit, coded()) for visit in ("v1", "v2", "v3"))
    assert "femur-right-v1-s1-on-v3-s1" in dict(aligned_volumes(result(*visits, links=links)))


def test_a_registration_of_another_frame_moves_nothing() -> None:
    link = replace(registration("v1", "v2", FEMUR), from_frame="1.2.3", to_frame="1.2.3")
    far = series("v2", coded(), frame="1.2.9")
    found = dict(aligned_volumes(result(series("v1", coded()), far, links=(link,))))
    assert set(found) == {"femur-right-v2-s1"}


def test_bones_without_oedema_and_other_bones_have_no_files() -> None:
    links = (registration("v1", "v2", FEMUR), registration("v1", "v2", TIBIA))
    visits = (series("v1", coded()), series("v2", coded()))
    assert dict(aligned_volumes(result(*visits, links=links, sick=False))) == {}
    assert all(
        name.startswith("femur") for name in dict(aligned_volumes(result(*visits, links=links)))
    )
