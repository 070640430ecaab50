"""Where bones lie in another visit, from their masks alone.

Points of each surface are drawn towards the tangent plane of the nearest point on the same
bone's other surface (point-to-plane ICP, Chen and Medioni 1992, doi:10.1016/0262-8856(92)90066-C),
in both directions at once, with Tukey weights whose width shrinks step by step. Points are
compared only where the other visit imaged them, so that shafts cut at different heights do
not pull. Many starts are tried coarsely and the best is carried on: a knee may lie turned by
20 degrees and 30 mm away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from marrowtrail.follow_up.bone_surface import SAME_FACING, BoneSurface
from marrowtrail.follow_up.brightness import tukey
from marrowtrail.imaging.transform import RigidTransform


@dataclass(frozen=True, slots=True)
class Round:
    """One round of the descent: who takes part, on how many points, with which weights.

    Parameters
    ----------
    entrants
        The best so many of the round before.
    every
        Every so many points are used.
    widths_mm
        Tukey width of each step.
    """

    entrants: int
    every: int
    widths_mm: tuple[float, ...]


ROUNDS = (
    Round(entrants=64, every=10, widths_mm=(30.0, 30.0, 25.0)),
    Round(entrants=8, every=10, widths_mm=(20.0, 20.0, 15.0, 12.0, 10.0)),
    Round(entrants=3, every=4, widths_mm=(10.0, 8.0, 6.0, 6.0, 5.0, 5.0, 4.0, 4.0)),
    Round(entrants=1, every=1, widths_mm=(4.0,) * 5),
)
"""The widest weights let a patella that glided by 20 mm still pull; the narrowest are about a
slice wide, so that only real misfit is dropped. A hundred points a bone rank the starts as
well as a thousand did, in a third of the time."""

STILL_MM = 0.01
"""A step that moves the bones by less ends a round."""

START_TURNS_DEG = (-25.0, 0.0, 25.0)
"""Turns tried about each axis of the patient: with a capture range of about 20 degrees
around each start, legs rolled or bent by up to 40 degrees are found."""

COST_CAP_MM = 8.0
"""A point further off than this counts as this far, when starts are compared."""

UNSEEN_COST_MM = 5.0
"""What a point counts that the other visit did not image, or that meets no face like its
own: dearer than any true misfit (another person's knee is 2 to 4 mm off), so that pushing a
bone out of the field of view does not pay."""

CORNERS_MM = 30.0 * np.concatenate([np.eye(3), -np.eye(3)])
"""Points about a bone's middle at which a step is measured."""

PointSet = NDArray[np.float64]
Pair = tuple[BoneSurface, BoneSurface]
"""One bone's surface at the earlier and at the later visit."""


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceFit:
    """A transform, earlier to later, and what its misfit costs (mm, lower is better)."""

    transform: RigidTransform
    cost_mm: float


def align_surfaces(pairs: Sequence[Pair], starts: Sequence[RigidTransform]) -> SurfaceFit:
    """The rigid motion that carries all earlier surfaces onto the later ones.

    Parameters
    ----------
    pairs
        Bones that move as one; at least one.
    starts
        Motions to try; their order breaks ties.
    """
    runners = list(starts)
    for one in ROUNDS:
        runners = _compete(pairs, runners[: one.entrants], one)
    return SurfaceFit(runners[0], misfit_mm(pairs, runners[0]))


def joint_starts(pairs: Sequence[Pair]) -> list[RigidTransform]:
    """Turns of :data:`START_TURNS_DEG` that bring the middle of all bones onto the other."""
    earlier = np.concatenate([first.probe_lps for first, _ in pairs]).mean(axis=0)
    later = np.concatenate([second.probe_lps for _, second in pairs]).mean(axis=0)
    turns = sorted(product(START_TURNS_DEG, repeat=3), key=lambda turn: float(np.abs(turn).sum()))
    return [
        RigidTransform.identity(),
        *(RigidTransform.about(earlier, np.radians(turn), later - earlier) for turn in turns),
    ]


def bone_starts(pair: Pair, whole: RigidTransform, turn_deg: float = 12.0) -> list[RigidTransform]:
    """The joint's motion, alone and turned about this bone, and the bone brought middle to middle.

    ``turn_deg`` covers the bending of a joint between visits (15 degrees) together with the
    descent's own range.
    """
    first, second = pair
    centre = first.probe_lps.mean(axis=0)
    there = whole.apply(centre)
    to_middle = second.probe_lps.mean(axis=0) - there
    starts = []
    for shift in (np.zeros(3), to_middle):
        for turn in (np.zeros(3), *(turn_deg * np.concatenate([np.eye(3), -np.eye(3)]))):
            starts.append(RigidTransform.about(there, np.radians(turn), shift) @ whole)
    return starts


def misfit_mm(pairs: Sequence[Pair], transform: RigidTransform, every: int = 1) -> float:
    """Mean capped distance of all points, with what was not imaged at a fixed cost."""
    costs = []
    for pair in pairs:
        for source, target, motion in both_ways(pair, transform):
            points = motion.apply(source.probe_lps[::every])
            normals = source.probe_normals[::every] @ motion.matrix[:3, :3].T
            closest, facing = target.nearest(points)
            gap = np.minimum(np.linalg.norm(points - closest, axis=-1), COST_CAP_MM)
            same = np.einsum("ij,ij->i", normals, facing) >= SAME_FACING
            gap = np.where(same, gap, np.maximum(gap, UNSEEN_COST_MM))
            costs.append(np.where(target.is_imaged(points), gap, UNSEEN_COST_MM))
    return float(np.concatenate(costs).mean())


def both_ways(
    pair: Pair, transform: RigidTransform
) -> tuple[tuple[BoneSurface, BoneSurface, RigidTransform], ...]:
    """(source, target, motion) with the earlier surface carried over, and the later one back."""
    first, second = pair
    return (first, second, transform), (second, first, transform.inverse())


def _compete(
    pairs: Sequence[Pair], starts: Sequence[RigidTransform], one: Round
) -> list[RigidTransform]:
    """Where every start ends, the best first."""
    ends = [_descend(pairs, start, one.widths_mm, one.every) for start in starts]
    costs = [misfit_mm(pairs, end, one.every) for end in ends]
    return [ends[n] for n in np.argsort(costs, kind="stable")]


def _descend(
    pairs: Sequence[Pair], start: RigidTransform, widths_mm: Sequence[float], every: int
) -> RigidTransform:
    transform = start
    middle = np.mean([first.probe_lps.mean(axis=0) for first, _ in pairs], axis=0)
    corners = middle + CORNERS_MM
    for width in widths_mm:
        step = _step(pairs, transform, width, every)
        if step is None:
            break
        before, transform = transform, step @ transform
        settled = displacement_mm(before, transform, corners).max() < STILL_MM
        if settled and width == widths_mm[-1]:
            break
    return transform


def _step(
    pairs: Sequence[Pair], transform: RigidTransform, width_mm: float, every: int
) -> RigidTransform | None:
    """One weighted Gauss-Newton step about the later bones' middle; ``None`` if too few pull."""
    centre = np.mean([second.probe_lps.mean(axis=0) for _, second in pairs], axis=0)
    rows = [
        _rows(source, target, motion, transform, centre, width_mm, every)
        for pair in pairs
        for source, target, motion in both_ways(pair, transform)
    ]
    slopes = np.concatenate([row[0] for row in rows])
    gaps = np.concatenate([row[1] for row in rows])
    weights = np.concatenate([row[2] for row in rows])
    if np.count_nonzero(weights) < 30:
        return None
    weighted = slopes * weights[:, None]
    normal = np.einsum("ni,nj->ij", weighted, slopes)
    normal += np.diag(1e-6 * np.trace(normal) / 6 * np.ones(6))
    change = np.linalg.solve(normal, -np.einsum("ni,n->i", weighted, gaps))
    return RigidTransform.about(centre, change[:3], change[3:])


def _rows(
    source: BoneSurface,
    target: BoneSurface,
    motion: RigidTransform,
    forward: RigidTransform,
    centre: NDArray[np.float64],
    width_mm: float,
    every: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Jacobian (n, 6), distance (n,) and weight (n,) of a surface's points against the other.

    The unknowns turn and shift in the **later** frame, whichever way the points are carried.
    """
    own = source.probe_lps[::every]
    moved = motion.apply(own)
    closest, facing = target.nearest(moved)
    away = moved - closest
    gaps = np.einsum("ij,ij->i", away, facing)
    normals = source.probe_normals[::every] @ motion.matrix[:3, :3].T
    same = np.einsum("ij,ij->i", normals, facing) >= SAME_FACING
    used = same & target.is_imaged(moved)
    weights = np.where(used, tukey(np.linalg.norm(away, axis=-1) / width_mm), 0.0)
    if motion is forward:
        lever, pull = moved - centre, facing
    else:
        lever, pull = own - centre, -(facing @ forward.matrix[:3, :3].T)
    return np.concatenate([np.cross(lever, pull), pull], axis=1), gaps, weights


def displacement_mm(
    first: RigidTransform, second: RigidTransform, points_lps: PointSet
) -> NDArray[np.float64]:
    """(n,) how far apart two motions put each point."""
    return np.asarray(np.linalg.norm(first.apply(points_lps) - second.apply(points_lps), axis=-1))


def midway(
    first: RigidTransform, second: RigidTransform, centre_lps: NDArray[np.float64]
) -> RigidTransform:
    """The motion halfway between two that nearly agree, turning about where a centre goes."""
    between = second @ first.inverse()
    there = first.apply(centre_lps)
    turn = Rotation.from_matrix(between.matrix[:3, :3]).as_rotvec()
    shift = between.apply(there) - there
    return RigidTransform.about(there, turn / 2, shift / 2) @ first
