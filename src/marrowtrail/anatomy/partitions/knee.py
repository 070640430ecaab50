"""Regions of the bones that meet in the knee.

Borders follow the compartments that semi-quantitative scores of the knee read (WORMS,
PMID 14972335; MOAKS, doi:10.1016/j.joca.2011.05.004): the femur's articular end is split at
the notch, its front is the trochlea; the tibial plateau is split at the spines and leaves a strip
under them. Heights are those of a usual adult bone and grow with the width of the one at hand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.axes_of_knee import plateau_level_mm
from marrowtrail.anatomy.partitions.shape import BoneShape, Partition, size_of

FEMORAL_WIDTH_MM = 75.0
"""Width of the condyles of a usual femur, to which its lengths below belong."""

FEMORAL_DEPTH_MM = 57.0
"""Their depth from back to front; used where the image cuts a side."""

CONDYLES_MM = 30.0
"""Height of the slab in which width and depth are taken: below the flare."""

FEMORAL_PHYSIS_MM = 37.0
"""Height of the closed growth plate above the lowest point of the condyles, half the width of
the condyles: where the adductor tubercle stands."""

FEMORAL_PHYSIS_RISE = 0.10
"""It rises to the front by this, per mm."""

FEMORAL_FLARE_MM = 45.0
"""Height of the metaphysis above the growth plate, to where the flare has become a shaft."""

TROCHLEA_DEPTH, TROCHLEA_HALF_WIDTH, TROCHLEA_SHIFT = 0.27, 0.27, 0.10
"""The trochlea, which faces the patella: front part of the condyles' depth, and to each side of
the groove part of their width, the groove lying so much of it lateral of the notch. In the mean of
27 knees, in an atlas and in one further knee the groove lies 0 to 0.1 lateral of the notch, the
ridges of its walls 0.05 to 0.14 medial and 0.30 to 0.43 lateral of it. What lies beside them is
the flank of a condyle."""

TROCHLEA_ABOVE_MM = 11.0
"""Below this height the front of a condyle faces the tibia."""

WALL_STEP_MM, WALL_SHARE = 3.0, 0.25
"""Step in which the wall of the notch is looked for, near a slice of a sagittal series; and the
share of a condyle's bone by which it begins: condyles are round."""

TIBIAL_WIDTH_MM = 74.0
"""Width of a usual plateau, to which the tibia's lengths below belong."""

TIBIAL_DEPTH_MM = 48.0

PLATEAU_MM = 18.0
"""Height of the plateau's regions below the joint surface, to the closed growth plate."""

TIBIAL_FLARE_MM = 36.0
"""Height of the metaphysis below them, to where the flare has become a shaft."""

SPINES_SHIFT, SUBSPINOUS_SHARE = -0.025, 0.115
"""The strip under the spines: its middle stands to the medial side of the plateau's, and its
half-width, as shares of the plateau's width."""

FIBULAR_HEAD_MM = 24.0
"""Height of the fibular head, with its growth plate 16 mm below the tip."""

FIBULAR_NECK_MM = 46.0
"""So far below the tip the flare of the neck has become a shaft: from 16 mm on the section shrinks
to a third, and from here on it stays."""

PATELLAR_RIDGE_SEARCH = (0.2, 0.7)
"""The ridge between the facets lies in this part of the patella's width, from its medial edge."""

RIDGE_STEP_MM, RIDGE_MM = 1.0, 1.0
"""Step of the search; and what lies this much before the furthest point belongs to the ridge,
which scores count to the medial side (WORMS, figure 1)."""


def femur_distal(shape: BoneShape) -> Partition:
    """Condyles, trochlea, metaphysis and shaft, measured from the lowest point."""
    bottom = float(np.percentile(shape.proximal_mm, 0.1))
    condyles = shape.slab(bottom, bottom + CONDYLES_MM)
    medial, lateral, size = femoral_span_mm(shape, condyles)
    back, front = shape.depth_mm(condyles, size * FEMORAL_DEPTH_MM)
    tilted = shape.proximal_mm - FEMORAL_PHYSIS_RISE * (shape.anterior_mm - (back + front) / 2)
    epiphysis = tilted <= bottom + size * FEMORAL_PHYSIS_MM
    metaphysis = tilted <= bottom + size * (FEMORAL_PHYSIS_MM + FEMORAL_FLARE_MM)
    notch = notch_mm(shape, condyles)
    groove = notch + TROCHLEA_SHIFT * (lateral - medial)
    trochlea = (
        epiphysis
        & (shape.anterior_mm > front - TROCHLEA_DEPTH * (front - back))
        & (np.abs(shape.lateral_mm - groove) < TROCHLEA_HALF_WIDTH * (lateral - medial))
        & (shape.proximal_mm > bottom + size * TROCHLEA_ABOVE_MM)
    )
    outside = shape.lateral_mm > notch
    return Partition.of(
        len(shape.u),
        {
            "shaft": ~metaphysis,
            "distal_metaphysis": metaphysis & ~epiphysis,
            "medial_condyle": epiphysis & ~outside,
            "lateral_condyle": epiphysis & outside,
            "trochlea": trochlea,
        },
    )


def femoral_span_mm(shape: BoneShape, condyles: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Medial and lateral limit of the condyles, and the femur's size against a usual one.

    Where the image cuts a side, the depth of the condyles tells the size.
    """
    if not (shape.cut.medial or shape.cut.lateral):
        medial, lateral = shape.width_mm(condyles)
        return medial, lateral, size_of(lateral - medial, FEMORAL_WIDTH_MM)
    back, front = shape.depth_mm(condyles, FEMORAL_DEPTH_MM)
    size = size_of(front - back, FEMORAL_DEPTH_MM)
    return (*shape.width_mm(condyles, size * FEMORAL_WIDTH_MM), size)


def notch_mm(shape: BoneShape, condyles: NDArray[np.bool_]) -> float:
    """Lateral coordinate of the intercondylar notch: least bone in the back of the condyles."""
    low, high, _ = femoral_span_mm(shape, condyles)
    back, front = shape.depth_mm(condyles)
    behind = condyles & (shape.anterior_mm < back + 0.45 * (front - back))
    counts, edges = np.histogram(shape.lateral_mm[behind], bins=np.linspace(low, high, 33))
    smooth = np.convolve(counts, np.ones(3) / 3, mode="same")
    middle = slice(10, 22)
    centres = (edges[:-1] + edges[1:]) / 2
    lowest = smooth[middle].min()
    # Several empty bins: the middle of the gap is the notch, not its first bin.
    return float(centres[middle][smooth[middle] <= lowest + 0.02 * smooth.max()].mean())


def lateral_wall_mm(shape: BoneShape, condyles: NDArray[np.bool_]) -> float:
    """Lateral coordinate of the medial border of the lateral condyle: the notch's outer wall.

    Seen from behind: where, going outwards, the bone has grown by :data:`WALL_SHARE` of what the
    condyle has more than the notch.
    """
    notch = notch_mm(shape, condyles)
    _, high, _ = femoral_span_mm(shape, condyles)
    back, front = shape.depth_mm(condyles)
    behind = condyles & (shape.anterior_mm < back + 0.45 * (front - back))
    edges = np.arange(notch, high + WALL_STEP_MM, WALL_STEP_MM)
    counts, _ = np.histogram(shape.lateral_mm[behind], bins=edges)
    if len(counts) == 0:
        return notch
    low, most = int(counts[0]), int(counts.max())
    steps = int(np.argmax(counts > low + WALL_SHARE * (most - low)))
    return notch + steps * WALL_STEP_MM


def tibia_proximal(shape: BoneShape) -> Partition:
    """Medial and lateral plateau, the strip under the spines, metaphysis and shaft."""
    level = plateau_level_mm(shape.u)
    medial, lateral, size = tibial_span_mm(shape, shape.slab(level - PLATEAU_MM, level))
    plateau = shape.proximal_mm > level - size * PLATEAU_MM
    metaphysis = shape.proximal_mm > level - size * (PLATEAU_MM + TIBIAL_FLARE_MM)
    width = lateral - medial
    middle = (medial + lateral) / 2 + SPINES_SHIFT * width
    outside = shape.lateral_mm >= middle
    return Partition.of(
        len(shape.u),
        {
            "shaft": ~metaphysis,
            "proximal_metaphysis": metaphysis & ~plateau,
            "medial_plateau": plateau & ~outside,
            "lateral_plateau": plateau & outside,
            "subspinous": plateau & (np.abs(shape.lateral_mm - middle) < SUBSPINOUS_SHARE * width),
        },
    )


def tibial_span_mm(shape: BoneShape, plateau: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Medial and lateral limit of the plateau, and the tibia's size against a usual one."""
    if not (shape.cut.medial or shape.cut.lateral):
        medial, lateral = shape.width_mm(plateau)
        return medial, lateral, size_of(lateral - medial, TIBIAL_WIDTH_MM)
    back, front = shape.depth_mm(plateau, TIBIAL_DEPTH_MM)
    size = size_of(front - back, TIBIAL_DEPTH_MM)
    return (*shape.width_mm(plateau, size * TIBIAL_WIDTH_MM), size)


def fibula_proximal(shape: BoneShape) -> Partition:
    """Head of the fibula, its metaphysis, which is the neck, and shaft."""
    below = shape.proximal_mm.max() - shape.proximal_mm
    head, neck = below < FIBULAR_HEAD_MM, below < FIBULAR_NECK_MM
    return Partition.of(
        len(shape.u),
        {"shaft": ~neck, "proximal_metaphysis": neck & ~head, "proximal_epiphysis": head},
    )


def patella(shape: BoneShape) -> Partition:
    """Medial and lateral part, split at the lateral foot of the ridge between the facets.

    The ridge is where the back of the bone reaches furthest, at mid-height.
    """
    low, high = np.percentile(shape.proximal_mm, [0.5, 99.5])
    near = shape.slab(low + 0.4 * (high - low), high - 0.4 * (high - low))
    medial, lateral = shape.width_mm(shape.everywhere)
    start, stop = (medial + share * (lateral - medial) for share in PATELLAR_RIDGE_SEARCH)
    at = np.arange(start, stop, RIDGE_STEP_MM)
    back = np.array([_back_mm(shape, near, one) for one in at])
    known = np.isfinite(back)
    border = (medial + lateral) / 2
    if known.any():
        border = float(at[known][back[known] <= back[known].min() + RIDGE_MM].max())
    outside = shape.lateral_mm > border
    return Partition.of(len(shape.u), {"medial_facet": ~outside, "lateral_facet": outside})


def _back_mm(shape: BoneShape, near: NDArray[np.bool_], lateral_mm: float) -> float:
    """Where the back of the bone lies in a strip 4 mm wide; not a number where there is none."""
    strip = near & (np.abs(shape.lateral_mm - lateral_mm) < 2.0)
    return float(np.percentile(shape.anterior_mm[strip], 3)) if strip.any() else float("nan")
