"""Axes of the bones that meet in the knee, from the shape of their joint ends.

The shaft of a knee series is a stump that may lean, bow or be missing, and its direction says
little about the joint: regions are read off the joint line. The femur is levelled on its
condyles, the tibia on its plateau. Only the femur's tilt in profile comes from the flare above
the condyles, corrected for how far they stand behind the shaft.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import BoneAxes
from marrowtrail.anatomy.directions import MAX_TILT_DEG, orthonormal, turned
from marrowtrail.anatomy.extent import span_mm

Points = NDArray[np.float64]

ROUNDS = 4
"""Landmarks move a little as the bone is levelled; four rounds come within half a degree from 30
degrees off."""

MIN_CONDYLE_DISTANCE_MM = 20.0
"""Two condyles stand 40 to 55 mm apart; points closer than this are on one condyle, as at the
proximal end of the femur or in a field of view that holds only one."""

CONDYLES_MM = 30.0
"""Height of the slab above the lowest point of the femur that holds condyles and no shaft."""

FLARE_SHARES = (0.60, 1.20)
"""Heights between which the femur's flare is followed, as shares of its width."""

MIN_FLARE_MM = 15.0
"""Less of the flare in view does not tell a direction."""

SLANTED_MM = 8.0
"""So far below its top the sections of a cut shaft are whole, up to 15 degrees of slant: the image
cuts it across the patient, not across the bone."""

FLARE_LEAN_DEG = 9.0
"""How far the centres of the flare's sections lean to the front on the way up, against the axis
on which the condyles stand: the condyles lie behind the shaft. 2 to 17 degrees in drawn femora of
both families, 10 on average."""

PLATEAU_MM = 30.0
"""Height of the slab below the highest point of the tibia that holds the whole plateau."""

PLATEAU_INNER, PLATEAU_OUTER, PLATEAU_DEPTH = 0.14, 0.40, 0.30
"""The joint surface of both plateaus, as shares of width and depth from the middle: outside the
spines, inside the rounded rim."""

PLATEAU_STEP_MM = 2.0

MIN_PLATEAU_COLUMNS = 60
"""Fewer columns of 2 mm (240 mm2 of some 1500) do not tell a plane."""


def axes_of_distal_femur(axes: BoneAxes, points: Points) -> BoneAxes:
    """Turned to the backs of the condyles, level on their lowest points, upright in profile.

    ``axes`` is a first guess along the shaft, ``points`` are (n, 3) LPS. The tilt in profile is
    corrected once: on a short flare it would feed on its own error.
    """
    axes = _upright_in_profile(axes, points)
    for _ in range(ROUNDS):
        axes = turned(axes, _turn_of_condyles(axes.coordinates_mm(points)))
        axes = _level_condyles(axes, points)
    return axes


def _turn_of_condyles(u: Points) -> float:
    """Angle of the line through the backs of the two condyles, 0 where one is missing."""
    low = u[u[:, 2] < u[:, 2].min() + CONDYLES_MM]
    middle = np.median(low[:, 0])
    backs = []
    for half in (low[low[:, 0] < middle], low[low[:, 0] >= middle]):
        if len(half) < 50:
            return 0.0
        backs.append(half[half[:, 1] <= np.percentile(half[:, 1], 3)].mean(axis=0))
    medial, lateral = backs
    if lateral[0] - medial[0] < MIN_CONDYLE_DISTANCE_MM:
        return 0.0
    return float(np.arctan2(lateral[1] - medial[1], lateral[0] - medial[0]))


def _level_condyles(axes: BoneAxes, points: Points) -> BoneAxes:
    """Tilt the distal femur until both condyles stand equally low."""
    u = axes.coordinates_mm(points)
    low = u[u[:, 2] < u[:, 2].min() + CONDYLES_MM]
    middle = np.mean(np.percentile(low[:, 0], [1, 99]))
    halves = [low[low[:, 0] < middle], low[low[:, 0] >= middle]]
    if min(len(half) for half in halves) < 50:
        return axes
    feet = [half[half[:, 2] <= np.percentile(half[:, 2], 2)].mean(axis=0) for half in halves]
    across = feet[1][0] - feet[0][0]
    if across < MIN_CONDYLE_DISTANCE_MM:
        return axes
    return _tilted(axes, float(np.arctan2(feet[1][2] - feet[0][2], across)), 0.0)


def _upright_in_profile(axes: BoneAxes, points: Points) -> BoneAxes:
    """Tilt the femur forwards or back until its flare leans by the usual angle."""
    u = axes.coordinates_mm(points)
    bottom = float(np.percentile(u[:, 2], 0.1))
    low, high = span_mm(u[u[:, 2] < bottom + CONDYLES_MM][:, 0])
    start, stop = (bottom + share * (high - low) for share in FLARE_SHARES)
    levels = np.arange(start, min(stop, float(u[:, 2].max()) - SLANTED_MM), 3.0)
    if len(levels) * 3.0 < MIN_FLARE_MM:
        return axes
    which = np.digitize(u[:, 2], levels)
    centres = [u[which == n, 1].mean() for n in range(1, len(levels)) if (which == n).any()]
    if len(centres) < 4:
        return axes
    lean = np.arctan(np.polyfit(3.0 * np.arange(len(centres)), centres, 1)[0])
    return _tilted(axes, 0.0, float(lean) - np.radians(FLARE_LEAN_DEG))


def axes_of_plateau(axes: BoneAxes, points: Points) -> BoneAxes:
    """Upright on the joint surface of the tibia, whichever way the shaft leans.

    The surface is taken as it is: it slopes by up to 10 degrees against a shaft, and depth below
    the joint is what the regions tell.
    ``axes`` is a first guess within some 40 degrees, ``points`` are (n, 3) LPS.
    """
    for _ in range(ROUNDS):
        slopes = _plateau_slopes(axes.coordinates_mm(points))
        if slopes is None:
            return axes
        axes = _tilted(axes, float(np.arctan(slopes[0])), float(-np.arctan(slopes[1])))
    return axes


def plateau_level_mm(u: Points) -> float:
    """Height of the tibia's joint surface, in axes that are upright on it.

    ``u`` is (n, 3): lateral, anterior and proximal mm of its voxels. The surface is half a voxel
    above what their centres say; that is within the error of any mask.
    """
    return float(np.median(_joint_surface(u)[:, 2]))


def _joint_surface(u: Points) -> Points:
    """(m, 3) highest voxels of the columns under both menisci."""
    near = u[u[:, 2] > u[:, 2].max() - PLATEAU_MM]
    low, high = span_mm(near[:, 0])
    back, front = span_mm(near[:, 1])
    top = _highest_of_columns(near, PLATEAU_STEP_MM)
    aside = np.abs(top[:, 0] - (low + high) / 2) / (high - low)
    ahead = np.abs(top[:, 1] - (back + front) / 2) / (front - back)
    inner = (aside > PLATEAU_INNER) & (aside < PLATEAU_OUTER) & (ahead < PLATEAU_DEPTH)
    return top[inner] if inner.any() else top


def _plateau_slopes(u: Points) -> tuple[float, float] | None:
    """Rise of the plateau per mm to the lateral side and to the front."""
    top = _joint_surface(u)
    if len(top) < MIN_PLATEAU_COLUMNS:
        return None
    design = np.column_stack([top[:, :2], np.ones(len(top))])
    kept = np.ones(len(top), dtype=bool)
    plane = np.zeros(3)
    for _ in range(5):
        plane = np.linalg.lstsq(design[kept], top[kept, 2], rcond=None)[0]
        off = np.abs(top[:, 2] - design @ plane)
        kept = off <= max(2.0, 1.5 * float(np.median(off)))
    return float(plane[0]), float(plane[1])


def _highest_of_columns(u: Points, step_mm: float) -> Points:
    """(m, 3) highest point of each column ``step_mm`` wide along the third axis."""
    cells = np.round(u[:, :2] / step_mm).astype(np.int64)
    order = np.lexsort((-u[:, 2], cells[:, 1], cells[:, 0]))
    _, first = np.unique(cells[order], axis=0, return_index=True)
    return np.asarray(u[order][first])


def _tilted(axes: BoneAxes, across_rad: float, forwards_rad: float) -> BoneAxes:
    """Tilt ``proximal`` so that a rise to the lateral side, or a lean to the front, becomes level.

    Tilts beyond :data:`MAX_TILT_DEG` are not believed.
    """
    if max(abs(np.degrees(across_rad)), abs(np.degrees(forwards_rad))) > MAX_TILT_DEG:
        return axes
    proximal = (
        axes.proximal - np.tan(across_rad) * axes.lateral + np.tan(forwards_rad) * axes.anterior
    )
    return orthonormal(axes.origin_lps, axes.lateral, proximal, axes.anterior)
