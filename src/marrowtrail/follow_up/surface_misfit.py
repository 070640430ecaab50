"""How badly two surfaces of what should be one bone fit, once they are aligned.

Two numbers: the mean distance between them, and by how much one would have to be stretched to
fit the other better. Bones of two people of one size lie near each other everywhere, but not
in the same proportions; bones of one person do not stretch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.follow_up.bone_surface import SAME_FACING, BoneSurface
from marrowtrail.follow_up.brightness import solve, tukey
from marrowtrail.follow_up.surface_alignment import Pair, both_ways
from marrowtrail.imaging.transform import RigidTransform

STRETCH_WIDTH_MM = 4.0
"""Points that stay further apart than this have no say in the stretch: a cut shaft, a spur."""

ROUNDS = 5
"""Rounds between stretch and weights."""

FlatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Misfit:
    """How far two aligned surfaces are from being one.

    Parameters
    ----------
    gap_mm
        Mean distance over both directions.
    stretch_mm
        By how much stretching one bone to fit the other would move its surface.
    common_share
        Smaller of the two shares of surface that the other visit imaged too.
    """

    gap_mm: float
    stretch_mm: float
    common_share: float


def surface_misfit(pair: Pair, transform: RigidTransform) -> Misfit | None:
    """The misfit over the part that both visits imaged; ``None`` where there is none."""
    gaps, shares = [], []
    for source, target, motion in both_ways(pair, transform):
        points = motion.apply(source.probe_lps)
        seen = target.is_imaged(points)
        shares.append(float(seen.mean()))
        gaps.append(target.distance_mm(points[seen]))
    if min(map(len, gaps)) == 0:
        return None
    gap = float(np.mean([one.mean() for one in gaps]))
    return Misfit(gap, stretch_mm(pair, transform), min(shares))


def stretch_mm(pair: Pair, transform: RigidTransform) -> float:
    """Root mean square by which stretching a bone to fit the other would move its surface.

    A symmetric strain of the earlier bone about its middle is fitted to the distances along
    the normals, together with what is left of turn and shift. It is told by what it does to
    the surface that was seen, so that a direction hardly seen counts little.
    """
    centre = pair[0].probe_lps.mean(axis=0)
    both = [
        _stretch_rows(source, target, motion, motion is transform, centre)
        for source, target, motion in both_ways(pair, transform)
    ]
    rows, gaps = (np.concatenate(parts) for parts in zip(*both, strict=True))
    found = np.zeros(rows.shape[1])
    for _ in range(ROUNDS):
        left = gaps - np.einsum("ni,i->n", rows, found)
        found = solve(rows, gaps, tukey(left / STRETCH_WIDTH_MM))
    moved = np.einsum("ni,i->n", rows, found)
    return float(np.sqrt((moved**2).mean()))


def _stretch_rows(
    source: BoneSurface,
    target: BoneSurface,
    motion: RigidTransform,
    forward: bool,
    centre: FlatArray,
) -> tuple[FlatArray, FlatArray]:
    """(n, 12) change along the normal with strain, turn and shift, and (n,) what is wanted.

    All is told in the earlier frame, where the earlier bone is the one that stretches.
    """
    points = motion.apply(source.probe_lps)
    closest, facing = target.nearest(points)
    normals = source.probe_normals @ motion.matrix[:3, :3].T
    used = target.is_imaged(points) & (np.einsum("ij,ij->i", normals, facing) >= SAME_FACING)
    wanted = np.einsum("ij,ij->i", closest - points, facing)[used]
    if forward:
        place, normal = source.probe_lps[used] - centre, facing[used] @ motion.matrix[:3, :3]
    else:
        place, normal, wanted = points[used] - centre, facing[used], -wanted
    (x, y, z), (nx, ny, nz) = place.T, normal.T
    shear = (nx * y + ny * x, nx * z + nz * x, ny * z + nz * y)
    strain = np.stack([nx * x, ny * y, nz * z, *shear], axis=1)
    return np.concatenate([strain, np.cross(place, normal), normal], axis=1), wanted
