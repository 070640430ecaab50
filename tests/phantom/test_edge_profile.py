"""Edges of lesions: half way at the true edge, in both families."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from marrowtrail.phantom.disease.edge_profile import EdgeProfile, Profile, draw_edge
from marrowtrail.phantom.disease.extent import greatest_extent
from marrowtrail.phantom.disease.lesion_shape import FADED_MM
from marrowtrail.phantom.disease.plan import Edge
from marrowtrail.phantom.family import Family

DEPTHS = np.linspace(-30.0, 30.0, 601, dtype=np.float32)


@pytest.mark.parametrize(("profile", "width"), [*product(Profile, (0.4, 1.0, 2.0, 3.5))])
def test_every_profile_is_one_half_at_the_edge_and_rises(profile: Profile, width: float) -> None:
    share = EdgeProfile(profile, width).share(DEPTHS)
    assert share[300] == pytest.approx(0.5, abs=0.005)
    assert np.all(np.diff(share) >= -1e-6)
    assert share[0] < 1e-3
    assert share[-1] > 1.0 - 1e-3


@pytest.mark.parametrize("profile", Profile)
def test_a_wider_edge_is_wider(profile: Profile) -> None:
    narrow, wide = (
        np.interp([0.1, 0.4], EdgeProfile(profile, width).share(DEPTHS), DEPTHS)
        for width in (0.5, 2.0)
    )
    assert np.ptp(wide) > np.ptp(narrow)


@pytest.mark.parametrize("family", list(Family))
def test_drawn_edges_have_faded_where_lesions_are_cut_off(family: Family) -> None:
    for seed in range(60):
        edge = draw_edge("any", family, np.random.default_rng(seed))
        assert edge.share(np.float32([-FADED_MM]))[0] < 0.01


@pytest.mark.parametrize("family", list(Family))
def test_a_sharp_edge_is_sharper_than_a_soft_one(family: Family) -> None:
    def rise(wanted: Edge) -> list[float]:
        edges = [draw_edge(wanted, family, np.random.default_rng(seed)) for seed in range(30)]
        ends = [np.interp([0.15, 0.45], edge.share(DEPTHS), DEPTHS) for edge in edges]
        return [float(np.ptp(each)) for each in ends]

    assert max(rise("sharp")) < max(rise("soft"))
    assert np.median(rise("sharp")) < np.median(rise("soft"))


def test_the_greatest_extent_agrees_with_its_slow_twin() -> None:
    rng = np.random.default_rng(0)
    for stretch in ((1.0, 1.0, 1.0), (9.0, 1.0, 0.1), (1.0, 7.0, 3.0)):
        points = rng.standard_normal((60, 3)) * stretch
        slow = max(np.linalg.norm(a - b) for a in points for b in points)
        assert greatest_extent(points) == pytest.approx(slow, rel=0.005)
        assert greatest_extent(points) <= slow + 1e-9
    assert greatest_extent(points[:1]) == 0.0
    assert greatest_extent(points[:0]) == 0.0
