"""A bone's own axes, from its mask and its side.

Patients lie in the scanner within some 30 degrees of the frame's axes, so the frame gives
a first guess, and the bone corrects it: a long bone by its joint end where that is in view
(:mod:`marrowtrail.anatomy.axes_of_knee`), else by its shaft; patella, talus and calcaneus by the
directions in which they are long and broad.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.axes_of_foot import axes_of_calcaneus, axes_of_talus
from marrowtrail.anatomy.axes_of_knee import axes_of_distal_femur, axes_of_plateau
from marrowtrail.anatomy.bones import BoneAxes
from marrowtrail.anatomy.directions import MAX_TILT_DEG, orthonormal, turned
from marrowtrail.anatomy.extent import ends_in_view
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side

Vector = NDArray[np.float64]
Points = NDArray[np.float64]

MIN_SHAFT_MM = 25.0
"""Shorter pieces do not tell a long axis."""

LONG = 6.0
"""From this ratio of the first to the second variance on, a piece of bone is so much longer than
wide that its length tells its axis in any pose: 15 and more in fibulae. A stump of tibia has 3 to
4, and its flare pulls its length off its axis."""

MAX_BEND_DEG = 80.0
"""A long bone lies no further off the frame than this in a bent limb; beyond it, which of its ends
is the upper one could not be told."""

LONG_BONES = frozenset({"femur", "tibia", "fibula"})

_TO_HEAD = np.array([0.0, 0.0, 1.0])
_TO_FRONT = np.array([0.0, -1.0, 0.0])
_TO_LEFT = np.array([1.0, 0.0, 0.0])


def bone_axes(bone: BoneId, mask: Volume) -> BoneAxes:
    """Lateral, anterior and proximal directions of a bone, from its centroid.

    For a bone of unknown side or of the midline ``lateral`` is the patient's left.

    Raises
    ------
    ValueError
        If the mask is empty.
    """
    ijk = np.argwhere(mask.data)
    if len(ijk) == 0:
        raise ValueError(f"The mask of the {bone} is empty.")
    points = mask.geometry.to_lps(ijk)
    axes = _frame_axes(bone.side, points.mean(axis=0))
    if bone.bone in LONG_BONES:
        return _of_long_bone(bone.bone, axes, mask, ijk, points)
    correct = _SHORT.get(bone.bone)
    return axes if correct is None else correct(axes, points)


def _frame_axes(side: Side, origin: Vector) -> BoneAxes:
    lateral = -_TO_LEFT if side is Side.RIGHT else _TO_LEFT
    return BoneAxes(origin, lateral, _TO_FRONT, _TO_HEAD)


def _of_long_bone(
    bone: str, axes: BoneAxes, mask: Volume, ijk: NDArray[np.integer], points: Points
) -> BoneAxes:
    bent = _bent(axes, points)
    axes = _along_shaft(axes, points, in_profile_only=bone == "femur")
    ends = ends_in_view(mask, ijk, axes.coordinates_mm(points)[:, 2], axes.proximal)
    if bent is not None:
        bent = _along_shaft(bent, points, in_profile_only=False)
        seen = ends_in_view(mask, ijk, bent.coordinates_mm(points)[:, 2], bent.proximal)
        # A slanting piece may touch the image with both ends; the frame's axes still tell one.
        if seen.proximal or seen.distal:
            axes, ends = bent, seen
    if bone == "femur" and ends.distal:
        return axes_of_distal_femur(axes, points)
    if bone == "tibia" and ends.proximal:
        axes = axes_of_plateau(axes, points)
        axes = turned(axes, _turn_of_tibia(axes.coordinates_mm(points)))
    return axes


def _bent(axes: BoneAxes, points: Points) -> BoneAxes | None:
    """A first guess along a long piece that lies far off the frame: a bent limb, else ``None``."""
    values, vectors = np.linalg.eigh(np.cov(points.T))
    proximal = vectors[:, 2] * np.sign(vectors[:, 2] @ axes.proximal)
    off = np.degrees(np.arccos(np.clip(proximal @ axes.proximal, -1.0, 1.0)))
    if values[2] < LONG * values[1] or not MAX_TILT_DEG < off < MAX_BEND_DEG:
        return None
    return orthonormal(axes.origin_lps, axes.lateral, proximal, axes.anterior)


def _along_shaft(axes: BoneAxes, points: Points, *, in_profile_only: bool) -> BoneAxes:
    """Tilt the axes so that ``proximal`` runs through the centres of the cross-sections.

    ``in_profile_only`` takes the tilt seen from the side and leaves the one seen from the
    front, which the joint end of a femur tells better.
    """
    height = axes.coordinates_mm(points)[:, 2]
    levels = np.arange(height.min(), height.max(), 4.0)
    if len(levels) * 4.0 < MIN_SHAFT_MM:
        return axes
    which = np.digitize(height, levels) - 1
    counts = np.bincount(which, minlength=len(levels))
    sums = np.stack([np.bincount(which, points[:, a], len(levels)) for a in range(3)], axis=1)
    # The shaft is the narrow part; condyles and malleoli would pull the line off it.
    narrow = (counts > 0) & (counts <= np.percentile(counts[counts > 0], 60))
    if narrow.sum() < 4:
        return axes
    centres = sums[narrow] / counts[narrow, None]
    _, _, rows = np.linalg.svd(centres - centres.mean(axis=0), full_matrices=False)
    proximal = rows[0] * np.sign(rows[0] @ axes.proximal)
    if in_profile_only:
        proximal = proximal - (proximal @ axes.lateral) * axes.lateral
        proximal = proximal / np.linalg.norm(proximal)
    if np.degrees(np.arccos(np.clip(proximal @ axes.proximal, -1, 1))) > MAX_TILT_DEG:
        return axes
    return orthonormal(axes.origin_lps, axes.lateral, proximal, axes.anterior)


def _turn_of_tibia(u: Points) -> float:
    """Direction in which the plateau is widest; the distal end has none that is medial-lateral."""
    height = u[:, 2]
    counts, edges = np.histogram(height, bins=np.arange(height.min(), height.max() + 4.0, 4.0))
    widest = edges[int(np.argmax(counts))]
    return _widest_turn(u[(height > widest - 6.0) & (height < widest + 10.0)])


def _widest_turn(u: Points) -> float:
    """Angle of the major axis of the (lateral, anterior) scatter, 0 where it is round."""
    if len(u) < 50:
        return 0.0
    values, vectors = np.linalg.eigh(np.cov(u[:, :2].T))
    if values[1] < 1.3 * values[0]:
        return 0.0
    major = vectors[:, 1] * np.sign(vectors[0, 1])
    return float(np.arctan2(major[1], major[0]))


def _axes_of_patella(axes: BoneAxes, points: Points) -> BoneAxes:
    """Its front looks where the bone is thinnest, in any flexion."""
    _, vectors = np.linalg.eigh(np.cov(axes.coordinates_mm(points).T))
    thin = vectors[:, 0] * np.sign(vectors[1, 0])
    if np.degrees(np.arccos(np.clip(thin[1], -1.0, 1.0))) > MAX_TILT_DEG:
        return axes
    frame = np.stack([axes.lateral, axes.anterior, axes.proximal])
    anterior = thin @ frame
    lateral = axes.lateral - (axes.lateral @ anterior) * anterior
    lateral = lateral / np.linalg.norm(lateral)
    proximal = axes.proximal - (axes.proximal @ anterior) * anterior
    proximal = proximal - (proximal @ lateral) * lateral
    return BoneAxes(axes.origin_lps, lateral, anterior, proximal / np.linalg.norm(proximal))


_SHORT: dict[str, Callable[[BoneAxes, Points], BoneAxes]] = {
    "patella": _axes_of_patella,
    "talus": axes_of_talus,
    "calcaneus": axes_of_calcaneus,
}
