"""Regions of the bones that meet in the knee.

Borders follow the compartments that semi-quantitative scores of the knee read (WORMS,
PMID 14972335; MOAKS, doi:10.1016/j.joca.2011.05.004): the femur's articular
end is split at the notch, its front is the trochlea; the tibial plateau reaches two
centimetres below the joint and leaves a strip under the spines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.partitions.shape import BoneShape, Partition

FEMORAL_WIDTH_MM = 78.0
"""Width of an adult distal femur to which the heights below are scaled."""

FEMORAL_EPIPHYSIS_MM = 32.0
"""Height of the closed growth plate above the lowest point of the condyles."""

FEMORAL_METAPHYSIS_MM = 70.0
"""Where the flare of the femur has become a shaft, from the same point."""

TROCHLEA_SHARE = 0.30
"""Front part of the femur's articular end that faces the patella, as a share of its depth.
MOAKS draws the border at the front edge of the meniscus, near a third of the depth."""

PLATEAU_MM = 20.0
"""Height of the tibial plateau's regions below the joint surface, as in WORMS."""

TIBIAL_METAPHYSIS_MM = 55.0
"""Where the flare of the proximal tibia has become a shaft."""

SUBSPINOUS_SHARE = 0.10
"""Half-width of the strip under the spines as a share of the plateau's width."""

FIBULAR_EPIPHYSIS_MM = 20.0
"""Height of the fibular head and of the lateral malleolus."""

PATELLAR_RIDGE_SEARCH = (0.25, 0.75)
"""The ridge between the facets lies in the middle half of the patella's width."""


def femur_distal(shape: BoneShape) -> Partition:
    """Condyles, trochlea, metaphysis and shaft, measured from the lowest point."""
    bottom = float(np.percentile(shape.proximal_mm, 0.1))
    condyles = shape.slab(bottom, bottom + FEMORAL_EPIPHYSIS_MM)
    medial_limit, lateral_limit = shape.width_mm(condyles)
    scale = float(np.clip((lateral_limit - medial_limit) / FEMORAL_WIDTH_MM, 0.8, 1.25))
    epiphysis = shape.proximal_mm <= bottom + scale * FEMORAL_EPIPHYSIS_MM
    metaphysis = shape.proximal_mm <= bottom + scale * FEMORAL_METAPHYSIS_MM
    back, front = shape.depth_mm(epiphysis)
    trochlea = epiphysis & (shape.anterior_mm > front - TROCHLEA_SHARE * (front - back))
    lateral = shape.lateral_mm > _notch_mm(shape, epiphysis)
    return Partition.of(
        len(shape.u),
        {
            "shaft": ~metaphysis,
            "distal_metaphysis": metaphysis & ~epiphysis,
            "medial_condyle": epiphysis & ~lateral,
            "lateral_condyle": epiphysis & lateral,
            "trochlea": trochlea,
        },
    )


def _notch_mm(shape: BoneShape, epiphysis: NDArray[np.bool_]) -> float:
    """Lateral coordinate of the intercondylar notch: least bone in the back of the condyles."""
    low, high = shape.width_mm(epiphysis)
    back, front = shape.depth_mm(epiphysis)
    behind = epiphysis & (shape.anterior_mm < back + 0.45 * (front - back))
    counts, edges = np.histogram(shape.lateral_mm[behind], bins=np.linspace(low, high, 33))
    smooth = np.convolve(counts, np.ones(3) / 3, mode="same")
    middle = slice(10, 22)
    centres = (edges[:-1] + edges[1:]) / 2
    lowest = smooth[middle].min()
    # Several empty bins: the middle of the gap is the notch, not its first bin.
    return float(centres[middle][smooth[middle] <= lowest + 0.02 * smooth.max()].mean())


def tibia_proximal(shape: BoneShape) -> Partition:
    """Medial and lateral plateau, the strip under the spines, metaphysis and shaft."""
    level = shape.joint_level_mm(proximal=True, within_mm=40.0, share=0.6)
    plateau = shape.proximal_mm > level - PLATEAU_MM
    metaphysis = shape.proximal_mm > level - TIBIAL_METAPHYSIS_MM
    low, high = shape.width_mm(shape.slab(level - PLATEAU_MM, level))
    middle = (low + high) / 2
    strip = SUBSPINOUS_SHARE * (high - low)
    return Partition.of(
        len(shape.u),
        {
            "shaft": ~metaphysis,
            "proximal_metaphysis": metaphysis & ~plateau,
            "medial_plateau": plateau & (shape.lateral_mm < middle),
            "lateral_plateau": plateau & (shape.lateral_mm >= middle),
            "subspinous": plateau & (np.abs(shape.lateral_mm - middle) < strip),
        },
    )


def fibula_proximal(shape: BoneShape) -> Partition:
    """Head and shaft of the fibula."""
    head = shape.proximal_mm > shape.proximal_mm.max() - FIBULAR_EPIPHYSIS_MM
    return Partition.of(len(shape.u), {"shaft": ~head, "proximal_epiphysis": head})


def patella(shape: BoneShape) -> Partition:
    """Medial and lateral part, split at the ridge between the facets."""
    low, high = shape.width_mm(np.ones(len(shape.u), dtype=bool))
    edges = np.linspace(low, high, 17)
    which = np.clip(np.digitize(shape.lateral_mm, edges) - 1, 0, 15)
    backs = np.array(
        [
            np.percentile(shape.anterior_mm[which == b], 2) if (which == b).any() else np.inf
            for b in range(16)
        ]
    )
    first, last = (int(16 * share) for share in PATELLAR_RIDGE_SEARCH)
    ridge = float(edges[first + int(np.argmin(backs[first:last]))] + (high - low) / 32)
    lateral = shape.lateral_mm >= ridge
    return Partition.of(len(shape.u), {"medial_facet": ~lateral, "lateral_facet": lateral})
