"""Regions stand on the joint end, whatever the shaft does and wherever the image ends."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.anatomy.extent import ends_in_view
from marrowtrail.anatomy.mapping import describe_bone
from marrowtrail.anatomy.spheres import head_sphere, socket_sphere
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side
from tests.anatomy.made_knee import grid

GRID = grid((2.0, 2.0, 2.0))


def points(geometry: Geometry) -> np.ndarray:
    return geometry.to_lps(np.moveaxis(np.indices(geometry.shape), 0, -1))


def leaning_tibia(lean: float) -> Volume:
    """A plateau of 20 mm on a shaft that runs sideways by ``lean`` mm a mm (right, lateral -x)."""
    x, y, z = np.moveaxis(points(GRID), -1, 0)
    plateau = ((x / 37) ** 2 + (y / 25) ** 2 < 1) & (z < -1) & (z > -20)
    wide = np.clip(37 - 0.6 * (-20 - z), 14, 37)
    off = x - lean * (-20 - z)
    shaft = ((off / wide) ** 2 + (y / 20) ** 2 < 1) & (z <= -20)
    return Volume(plateau | shaft, GRID)


@pytest.mark.parametrize("lean", [-0.25, 0.0, 0.25])
def test_a_leaning_shaft_leaves_the_plateau_level(lean: float) -> None:
    tibia = describe_bone(BoneId("tibia", Side.RIGHT), leaning_tibia(lean), "test")
    assert tibia.axes.proximal[2] > np.cos(np.radians(4.0))
    for x, region in ((28.0, "medial_plateau"), (-28.0, "lateral_plateau")):
        ijk = np.rint(GRID.to_ijk(np.array([x, 0.0, -13.0]))).astype(int)
        assert tibia.region_names[int(tibia.regions.data[tuple(ijk)]) - 1] == region


def test_an_image_that_cuts_the_side_leaves_the_end_in_view() -> None:
    mask = leaning_tibia(0.0)
    cut = mask.crop((20, 0, 0), mask.geometry.shape)
    ijk = np.argwhere(cut.data)
    height = cut.geometry.to_lps(ijk)[:, 2]
    seen = ends_in_view(cut, ijk, height, np.array([0.0, 0.0, 1.0]))
    assert seen.proximal
    assert not seen.distal


def malleolus(start: tuple[int, int, int]) -> Volume:
    """A fibula's lower end, a block of 8 by 14 by 20 mm under a shaft 8 mm thick, in 1 mm voxels.

    ``start`` is where the image begins: (0, 0, 0) leaves a margin on every side.
    """
    i, j, k = np.indices((30, 30, 70))
    block = (i >= 4) & (i < 12) & (j >= 8) & (j < 22) & (k >= 4) & (k < 24)
    shaft = (np.hypot(i - 7.5, j - 14.5) < 4.0) & (k >= 24) & (k < 64)
    geometry = Geometry((30, 30, 70), np.eye(4), "1.2.3")
    return Volume(block | shaft, geometry).crop(start, (30, 30, 70))


@pytest.mark.parametrize(
    ("start", "distal"),
    [((0, 0, 0), True), ((4, 0, 0), True), ((0, 0, 4), False), ((0, 0, 9), False)],
    ids=["whole", "grazed at its side", "at the end of the image", "cut by it"],
)
def test_an_end_that_the_image_grazes_is_in_view(start: tuple[int, int, int], distal: bool) -> None:
    mask = malleolus(start)
    ijk = np.argwhere(mask.data)
    seen = ends_in_view(mask, ijk, ijk[:, 2].astype(float), np.array([0.0, 0.0, 1.0]))
    assert seen.distal is distal


def test_a_malleolus_has_its_metaphysis_above_it() -> None:
    i, j, k = np.indices((40, 40, 110))
    off = np.hypot(i - 20, j - 20)
    wide = np.where(k < 35, 11.0, np.clip(11.0 - 0.25 * (k - 35), 6.0, 11.0))
    geometry = Geometry((40, 40, 110), np.eye(4), "1.2.3")
    fibula = describe_bone(
        BoneId("fibula", Side.LEFT), Volume((off < wide) & (k >= 5), geometry), "test"
    )
    assert fibula.id.end == "ankle"
    for height, region in (
        (15, "distal_epiphysis"),
        (45, "distal_metaphysis"),
        (75, "shaft"),
    ):
        assert fibula.region_names[int(fibula.regions.data[20, 20, 5 + height]) - 1] == region


class TestSpheres:
    def femur(self, *, with_head: bool) -> Volume:
        p = points(GRID)
        neck = (np.hypot(p[..., 1], p[..., 2] + 0.6 * p[..., 0]) < 12) & (p[..., 0] < 0)
        ball = np.linalg.norm(p - [4.0, 2.0, 6.0], axis=-1) < 24.0
        return Volume(neck & (p[..., 0] > -45) | (ball & with_head), GRID)

    def test_a_head_is_found(self) -> None:
        head = head_sphere(self.femur(with_head=True))
        assert head is not None
        assert np.linalg.norm(head.centre_lps - [4.0, 2.0, 6.0]) < 1.5
        assert abs(head.radius_mm - 24.0) < 1.5

    def test_a_neck_alone_has_none(self) -> None:
        assert head_sphere(self.femur(with_head=False)) is None

    def test_a_socket_is_hollow_and_no_head(self) -> None:
        p = points(GRID)
        away = np.linalg.norm(p, axis=-1)
        shell = Volume((away > 27.0) & (away < 35.0) & (p[..., 2] > 0), GRID)
        socket = socket_sphere(shell)
        assert socket is not None
        assert np.linalg.norm(socket.centre_lps) < 2.0
