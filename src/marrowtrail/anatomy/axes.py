"""A bone's own axes, from its mask and its side.

Patients lie in the scanner within some 30 degrees of the frame's axes, so the frame gives
a first guess, and the bone corrects it: its long axis from the centres of its
cross-sections, its turn about that axis from what marks medial and lateral in that bone
(the posterior condyles of the femur, the width of the tibial plateau or of the patella,
the long axis of talus and calcaneus).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import BoneAxes
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side

Vector = NDArray[np.float64]
Points = NDArray[np.float64]

MAX_TILT_DEG = 35.0
"""A long axis farther from the frame's is not believed: short pieces of bone are wider
than long and their centres scatter."""

MAX_TURN_DEG = 35.0
"""A turn of the limb about its axis beyond this is not believed; feet point outward by 5 to
25 degrees when a patient lies at ease."""

MIN_SHAFT_MM = 25.0
"""Shorter pieces do not tell a long axis."""

MIN_CONDYLE_DISTANCE_MM = 20.0
"""Two condyles stand 40 to 55 mm apart; points closer than this are on one condyle, as at the
proximal end of the femur or in a field of view that holds only one."""

LEVELLING_ROUNDS = 3
"""The lowest points of the condyles move a little as the bone is levelled; two rounds come
within a degree, three are safe."""

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
    points = mask.geometry.to_lps(np.argwhere(mask.data))
    if len(points) == 0:
        raise ValueError(f"The mask of the {bone} is empty.")
    axes = _frame_axes(bone.side, points.mean(axis=0))
    if bone.bone in LONG_BONES:
        axes = _along_shaft(axes, points, in_profile_only=bone.bone == "femur")
    turn = _TURNS.get(bone.bone)
    if turn is not None:
        axes = _turned(axes, turn(axes.coordinates_mm(points)))
    if bone.bone == "femur":
        for _ in range(LEVELLING_ROUNDS):
            axes = _level_condyles(axes, points)
    return axes


def _frame_axes(side: Side, origin: Vector) -> BoneAxes:
    lateral = -_TO_LEFT if side is Side.RIGHT else _TO_LEFT
    return BoneAxes(origin, lateral, _TO_FRONT, _TO_HEAD)


def _along_shaft(axes: BoneAxes, points: Points, *, in_profile_only: bool) -> BoneAxes:
    """Tilt the axes so that ``proximal`` runs through the centres of the cross-sections.

    ``in_profile_only`` takes the tilt seen from the side and leaves the one seen from the
    front to :func:`_level_condyles`.
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
    return _orthonormal(axes.origin_lps, axes.lateral, proximal)


def _level_condyles(axes: BoneAxes, points: Points) -> BoneAxes:
    """Tilt the distal femur until both condyles stand equally low.

    The shaft leans outward by 5 to 10 degrees on the joint line, and its short stump in a
    knee series tells that angle badly; regions are read off the joint line.
    """
    u = axes.coordinates_mm(points)
    low = u[u[:, 2] < u[:, 2].min() + 30.0]
    middle = np.mean(np.percentile(low[:, 0], [1, 99]))
    halves = [low[low[:, 0] < middle], low[low[:, 0] >= middle]]
    if min(len(half) for half in halves) < 50:
        return axes
    feet = [half[half[:, 2] <= np.percentile(half[:, 2], 2)].mean(axis=0) for half in halves]
    across = feet[1][0] - feet[0][0]
    if across < MIN_CONDYLE_DISTANCE_MM:
        return axes
    angle = float(np.arctan2(feet[1][2] - feet[0][2], across))
    if abs(np.degrees(angle)) > MAX_TILT_DEG:
        return axes
    proximal = np.cos(angle) * axes.proximal - np.sin(angle) * axes.lateral
    return _orthonormal(axes.origin_lps, axes.lateral, proximal)


def _orthonormal(origin: Vector, lateral: Vector, proximal: Vector) -> BoneAxes:
    """Keep ``proximal``, straighten ``lateral`` to it; ``anterior`` is what is left.

    The handedness differs between left and right, so ``anterior`` is taken from the cross
    product with the sign that points to the front.
    """
    proximal = proximal / np.linalg.norm(proximal)
    lateral = lateral - (lateral @ proximal) * proximal
    lateral = lateral / np.linalg.norm(lateral)
    anterior = np.cross(lateral, proximal)
    return BoneAxes(origin, lateral, anterior * np.sign(anterior @ _TO_FRONT), proximal)


def _turned(axes: BoneAxes, angle_rad: float) -> BoneAxes:
    """Turn about ``proximal``; positive moves ``lateral`` towards ``anterior``."""
    if abs(np.degrees(angle_rad)) > MAX_TURN_DEG:
        return axes
    lateral = np.cos(angle_rad) * axes.lateral + np.sin(angle_rad) * axes.anterior
    return _orthonormal(axes.origin_lps, lateral, axes.proximal)


def _turn_of_femur(u: Points) -> float:
    """Angle of the line through the backs of the two condyles."""
    low = u[u[:, 2] < u[:, 2].min() + 30.0]
    middle = np.median(low[:, 0])
    backs = []
    for half in (low[low[:, 0] < middle], low[low[:, 0] >= middle]):
        if len(half) < 50:
            return 0.0
        back = half[half[:, 1] <= np.percentile(half[:, 1], 3)]
        backs.append(back.mean(axis=0))
    medial, lateral = backs
    if lateral[0] - medial[0] < MIN_CONDYLE_DISTANCE_MM:
        return 0.0
    return float(np.arctan2(lateral[1] - medial[1], lateral[0] - medial[0]))


def _turn_of_tibia(u: Points) -> float:
    """Direction in which the plateau is widest; the distal end has none that is medial-lateral."""
    height = u[:, 2]
    if height.max() - height.min() < MIN_SHAFT_MM:
        return 0.0
    counts, edges = np.histogram(height, bins=np.arange(height.min(), height.max() + 4.0, 4.0))
    widest = edges[int(np.argmax(counts))]
    if widest < np.median(height):
        return 0.0
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


def _longest_turn(u: Points) -> float:
    """The same for a bone that is long from front to back."""
    values, vectors = np.linalg.eigh(np.cov(u[:, :2].T))
    if values[1] < 1.3 * values[0]:
        return 0.0
    major = vectors[:, 1] * np.sign(vectors[1, 1])
    return float(-np.arctan2(major[0], major[1]))


_TURNS: dict[str, Callable[[Points], float]] = {
    "femur": _turn_of_femur,
    "tibia": _turn_of_tibia,
    "patella": _widest_turn,
    "talus": _longest_turn,
    "calcaneus": _longest_turn,
}
