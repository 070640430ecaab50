"""Named regions against those painted on the phantom's template and carried by its warp.

For each bone and region: Dice on the part in view, and how far the computed border lies from the
painted one inside the bone. Beside it, how often a ball of marrow as large as a lesion gets the
name of the region that it lies in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy import ndimage
from scipy.spatial import cKDTree

from marrowtrail.anatomy.mapping import describe_bone
from marrowtrail.evaluation.overlap import dice
from marrowtrail.evaluation.region_views import View, ViewedBone, views_of
from marrowtrail.phantom.family import Family

JOINTS = ("knee", "ankle", "hip", "foot")

SMALLEST_REGION_MM3 = 300.0
"""A region with less of it in view is not scored: a sliver of another at the edge."""

BALLS = 8
RADIUS_MM = (6.0, 11.0)
DEPTH_MM = 10.0
"""Balls are centred within this of the bone's surface, as oedema under a joint is."""

CLEAR_SHARE = 0.6
"""A ball of which no region holds so much lies on a border, where either name is right."""


class RegionScore(BaseModel):
    """One region of one bone in one view, averaged over draws.

    ``border_mm`` is the mean distance between computed and painted border, both ways, where
    both have one; ``missing`` counts draws in which the region was in view and not named.
    """

    model_config = ConfigDict(frozen=True)

    joint: str
    bone: str
    region: str
    view: str
    draws: int
    dice: float
    worst_dice: float
    border_mm: float | None
    missing: int


class NamingScore(BaseModel):
    """Balls of one bone in one view, and how many were named as painted."""

    model_config = ConfigDict(frozen=True)

    joint: str
    bone: str
    view: str
    balls: int
    right: int


class RegionScores(BaseModel):
    """All bones of one family."""

    model_config = ConfigDict(frozen=True)

    family: str
    draws: int
    mean_dice: float
    named_right: float
    regions: tuple[RegionScore, ...]
    naming: tuple[NamingScore, ...]


@dataclass(slots=True)
class _Tally:
    dices: list[float] = field(default_factory=list)
    borders_mm: list[float] = field(default_factory=list)
    missing: int = 0


@dataclass(slots=True)
class _Naming:
    balls: int = 0
    right: int = 0


def score_regions(
    first_seed: int,
    count: int,
    family: Family,
    say: Callable[[str], None],
    joints: tuple[str, ...] = JOINTS,
) -> RegionScores:
    """Draw limbs of each joint, see their bones in every view, and compare."""
    tallies: dict[tuple[str, str, str, View], _Tally] = defaultdict(_Tally)
    namings: dict[tuple[str, str, View], _Naming] = defaultdict(_Naming)
    for joint in joints:
        for seed in range(first_seed, first_seed + count):
            say(f"{joint}, draw {seed}")
            rng = np.random.default_rng([seed, 7])
            for seen in views_of(joint, family, seed):
                computed = computed_regions(seen)
                _score_bone(seen, computed, tallies)
                _score_balls(seen, computed, namings[joint, seen.id.bone, seen.view], rng)
    regions = tuple(
        RegionScore(
            joint=joint,
            bone=bone,
            region=region,
            view=view.value,
            draws=len(tally.dices),
            dice=round(float(np.mean(tally.dices)), 3),
            worst_dice=round(min(tally.dices), 3),
            border_mm=round(float(np.mean(tally.borders_mm)), 2) if tally.borders_mm else None,
            missing=tally.missing,
        )
        for (joint, bone, region, view), tally in tallies.items()
    )
    naming = tuple(
        NamingScore(joint=joint, bone=bone, view=view.value, balls=one.balls, right=one.right)
        for (joint, bone, view), one in namings.items()
    )
    balls = sum(one.balls for one in naming)
    return RegionScores(
        family=family.value,
        draws=count,
        mean_dice=round(float(np.mean([one.dice for one in regions])), 3) if regions else 0.0,
        named_right=round(sum(one.right for one in naming) / balls, 3) if balls else 0.0,
        regions=regions,
        naming=naming,
    )


def computed_regions(seen: ViewedBone) -> NDArray[np.uint8]:
    """The computed regions in the numbers of the painted ones; 255 for a name not painted."""
    bone = describe_bone(seen.id, seen.mask, "drawn")
    numbers = [0] + [
        seen.names.index(name) + 1 if name in seen.names else 255 for name in bone.region_names
    ]
    return np.asarray(np.array(numbers, dtype=np.uint8)[bone.regions.data])


def _score_bone(
    seen: ViewedBone,
    computed: NDArray[np.uint8],
    tallies: dict[tuple[str, str, str, View], _Tally],
) -> None:
    voxel_mm3 = seen.mask.geometry.voxel_mm3
    for number, region in enumerate(seen.names, start=1):
        painted, found = seen.painted == number, computed == number
        if np.count_nonzero(painted) * voxel_mm3 < SMALLEST_REGION_MM3:
            continue
        tally = tallies[seen.joint, seen.id.bone, region, seen.view]
        tally.dices.append(dice(painted, found))
        tally.missing += not found.any()
        distance = border_distance_mm(seen, painted, found)
        if distance is not None:
            tally.borders_mm.append(distance)


def border_distance_mm(
    seen: ViewedBone, painted: NDArray[np.bool_], found: NDArray[np.bool_]
) -> float | None:
    """Mean distance between the inner borders of two masks; ``None`` where one has none."""
    inside = np.asarray(seen.mask.data)
    borders = [_border(mask, inside) for mask in (painted, found)]
    if not all(len(border) for border in borders):
        return None
    first, second = (seen.mask.geometry.to_lps(border) for border in borders)
    there, back = cKDTree(second).query(first)[0], cKDTree(first).query(second)[0]
    return float((there.mean() + back.mean()) / 2)


def _border(mask: NDArray[np.bool_], inside: NDArray[np.bool_]) -> NDArray[np.integer]:
    """(n, 3) voxels of a mask with a neighbour that is bone and not in the mask."""
    return np.argwhere(mask & ndimage.binary_dilation(inside & ~mask))


def _score_balls(
    seen: ViewedBone, computed: NDArray[np.uint8], naming: _Naming, rng: np.random.Generator
) -> None:
    inside = np.asarray(seen.mask.data)
    geometry = seen.mask.geometry
    points = geometry.to_lps(np.argwhere(inside))
    painted, found = seen.painted[inside], computed[inside]
    depth = ndimage.distance_transform_edt(inside, sampling=geometry.spacing_mm)[inside]
    is_end = painted > 0
    if "shaft" in seen.names:
        is_end &= painted != seen.names.index("shaft") + 1
    candidates = np.flatnonzero(is_end & (depth <= DEPTH_MM))
    if len(candidates) == 0:
        return
    for centre in points[rng.choice(candidates, BALLS)]:
        ball = np.linalg.norm(points - centre, axis=1) < rng.uniform(*RADIUS_MM)
        shares = np.bincount(painted[ball], minlength=256)
        if shares.max() >= CLEAR_SHARE * shares.sum():
            naming.balls += 1
            naming.right += int(np.argmax(np.bincount(found[ball])) == np.argmax(shares))
