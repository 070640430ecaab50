"""The second network: what it is asked, where, and what becomes of its answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from marrowtrail.anatomy.finding.fine import PIXELS_AT_ONCE, Said, depth_mm, planes_of, refined
from marrowtrail.anatomy.finding.networks import FineWeights
from marrowtrail.anatomy.finding.resampling import aligned_grid
from marrowtrail.anatomy.network_input import OUTSIDE
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume

WEIGHTS = FineWeights(file="f", sha256="0" * 64, pixel_mm=0.6, band_mm=6.0)


def oblique(axis: int, flips: tuple[int, int, int] = (1, 1, 1)) -> Geometry:
    """Slices of 4 mm across one axis, turned and mirrored."""
    spacing, shape = [0.9, 0.9, 0.9], [90, 90, 90]
    spacing[axis], shape[axis] = 4.0, 20
    turn = Rotation.from_euler("xyz", (9, -6, 14), degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = turn * flips * spacing
    affine[:3, 3] = (5.0, -20.0, 30.0)
    return Geometry((shape[0], shape[1], shape[2]), affine, "1.2.3")


def away_mm(grid: Geometry, centre: np.ndarray) -> np.ndarray:
    ijk = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    return np.asarray(np.linalg.norm(grid.to_lps(ijk) - centre, axis=-1))


def ball(geometry: Geometry, radius_mm: float) -> tuple[Volume, Volume]:
    """A coarse ball in the middle of a series, and the probability of bone."""
    grid = aligned_grid(geometry, 2.4)
    inside = away_mm(grid, geometry.centre_lps) < radius_mm
    return Volume(inside, grid), Volume(inside.astype(np.float32), grid)


GEOMETRIES = [oblique(2), oblique(0, (-1, 1, 1)), oblique(1, (1, 1, -1))]


@pytest.mark.parametrize("geometry", GEOMETRIES)
class TestOnObliqueSeries:
    def test_the_edge_is_where_the_network_says(self, geometry: Geometry) -> None:
        """Coarse radius 20 mm, true radius 23 mm: the band reaches it."""
        true = away_mm(geometry, geometry.centre_lps)
        image = Volume(np.where(true < 23.0, 0.5, -0.5).astype(np.float32), geometry)
        said = refined(image, *ball(geometry, 20.0), lambda x: 20 * x[:, 1:2], WEIGHTS)
        bone = (said.data & Said.BONE) > 0
        wrong = np.count_nonzero(bone != (true < 23.0))
        assert wrong < 0.02 * np.count_nonzero(true < 23.0)

    def test_beyond_the_band_nobody_asks(self, geometry: Geometry) -> None:
        true = away_mm(geometry, geometry.centre_lps)
        image = Volume(np.zeros(geometry.shape, np.float32), geometry)
        for answer, bone_to_mm in ((9.0, 26.0), (-9.0, 14.0)):
            said = refined(
                image, *ball(geometry, 20.0), lambda x, a=answer: np.full_like(x[:, :1], a), WEIGHTS
            )
            bone = (said.data & Said.BONE) > 0
            assert bone[true < bone_to_mm - 3.0].all()
            assert not bone[true > bone_to_mm + 3.0].any()
            assert not ((said.data & Said.BAND) > 0)[abs(true - 20.0) > 9.0].any()

    def test_the_coarse_answer_is_kept_beside(self, geometry: Geometry) -> None:
        image = Volume(np.zeros(geometry.shape, np.float32), geometry)
        said = refined(image, *ball(geometry, 20.0), lambda x: np.zeros_like(x[:, :1]), WEIGHTS)
        coarse = (said.data & Said.COARSE) > 0
        true = away_mm(geometry, geometry.centre_lps)
        assert coarse[true < 18.0].all()
        assert not coarse[true > 22.0].any()
        band = (said.data & Said.BAND) > 0
        doubtful = (said.data & Said.DOUBTFUL) > 0
        assert not doubtful[~band].any()
        assert doubtful[abs(true - 20.0) < 3.0].all()


def test_the_question_holds_the_slice_its_neighbours_and_the_prior() -> None:
    geometry = Geometry((64, 64, 7), np.diag([0.6, 0.6, 4.0, 1.0]), "1.2.3")
    data = np.broadcast_to(np.arange(7.0) / 10 - 0.4, (64, 64, 7)).astype(np.float32)
    asked = []

    def network(question: np.ndarray) -> np.ndarray:
        asked.append(question)
        return question[:, 1:2]

    refined(Volume(data, geometry), *ball(geometry, 8.0), network, WEIGHTS)
    question = np.concatenate(asked)
    middle = question[:, :, question.shape[2] // 2, question.shape[3] // 2]
    levels = np.arange(7) / 10 - 0.4
    assert middle[:, 0] == pytest.approx(levels[[0, 0, 1, 2, 3, 4, 5]])
    assert middle[:, 1] == pytest.approx(levels)
    assert middle[:, 2] == pytest.approx(levels[[1, 2, 3, 4, 5, 6, 6]])
    assert middle[3, 3] == pytest.approx(1.0)
    assert middle[0, 3] == pytest.approx(0.0, abs=0.01)
    assert all(n % 8 == 0 for n in question.shape[2:])


def test_padding_is_outside_and_no_bone() -> None:
    geometry = Geometry((61, 45, 5), np.diag([0.6, 0.6, 4.0, 1.0]), "1.2.3")
    asked = []

    def network(question: np.ndarray) -> np.ndarray:
        asked.append(question)
        return question[:, 1:2]

    refined(
        Volume(np.full(geometry.shape, 0.3, np.float32), geometry),
        *ball(geometry, 9.0),
        network,
        WEIGHTS,
    )
    question = np.concatenate(asked)
    assert question.shape[2:] == (64, 48)
    assert (question[:, :3, 61:] == OUTSIDE).all()
    assert (question[:, 3, :, 45:] == 0.0).all()


def test_no_bone_asks_nothing() -> None:
    geometry = oblique(2)
    none, prior = ball(geometry, 0.0)

    def never(_: np.ndarray) -> np.ndarray:
        raise AssertionError("asked")

    image = Volume(np.zeros(geometry.shape, np.float32), geometry)
    assert not refined(image, none, prior, never, WEIGHTS).data.any()


def test_questions_are_of_bounded_size() -> None:
    geometry = Geometry((300, 300, 40), np.diag([0.7, 0.7, 0.7, 1.0]), "1.2.3")
    sizes = []

    def network(question: np.ndarray) -> np.ndarray:
        sizes.append(question[:, 0].size)
        return question[:, 1:2]

    refined(
        Volume(np.zeros(geometry.shape, np.float32), geometry),
        *ball(geometry, 60.0),
        network,
        WEIGHTS,
    )
    assert len(sizes) > 5
    assert max(sizes) <= PIXELS_AT_ONCE


def test_a_bone_that_the_image_cuts_has_no_surface_there() -> None:
    """A slab of bone from the first slice to the last: only its sides are asked about."""
    geometry = Geometry((80, 40, 10), np.diag([1.2, 1.2, 4.0, 1.0]), "1.2.3")
    grid = aligned_grid(geometry, 2.4)
    x_mm = geometry.to_lps(np.array([40, 0, 0]))[0]
    at = grid.to_lps(np.stack([np.arange(grid.shape[0])] + [np.zeros(grid.shape[0])] * 2, axis=1))
    slab = np.broadcast_to((np.abs(at[:, 0] - x_mm) < 24.0)[:, None, None], grid.shape)
    image = Volume(np.zeros(geometry.shape, np.float32), geometry)
    prior = Volume(slab.astype(np.float32), grid)
    said = refined(image, Volume(slab, grid), prior, lambda x: -9 * np.ones_like(x[:, :1]), WEIGHTS)
    bone = (said.data & Said.BONE) > 0
    assert bone[30:51].all()
    assert not bone[:18].any()


class TestDepth:
    def test_the_surface_lies_between_voxels(self) -> None:
        grid = Geometry((20, 3, 3), np.diag([2.0, 2.0, 2.0, 1.0]))
        half = np.zeros((20, 3, 3), dtype=bool)
        half[:10] = True
        assert depth_mm(Volume(half, grid))[8:12, 1, 1] == pytest.approx([3.0, 1.0, -1.0, -3.0])

    def test_nothing_is_infinitely_far(self) -> None:
        grid = Geometry((3, 3, 3), np.eye(4))
        assert (depth_mm(Volume(np.zeros((3, 3, 3), bool), grid)) == -np.inf).all()
        assert (depth_mm(Volume(np.ones((3, 3, 3), bool), grid)) == np.inf).all()


@pytest.mark.parametrize(("axis", "order"), [(0, (0, 1, 2)), (1, (1, 0, 2)), (2, (2, 0, 1))])
def test_planes_are_those_that_were_acquired(axis: int, order: tuple[int, int, int]) -> None:
    planes = planes_of(oblique(axis), 0.6)
    assert planes.order == order
    assert planes.own.spacing_mm == pytest.approx((4.0, 0.9, 0.9))
    assert planes.fine.spacing_mm == pytest.approx((4.0, 0.6, 0.6))
    assert planes.fine.centre_lps == pytest.approx(oblique(axis).centre_lps)
