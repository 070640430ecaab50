"""Regions of the proximal femur."""

from __future__ import annotations

import numpy as np

from marrowtrail.anatomy.partitions.shape import BoneShape, Partition

PROXIMAL_FEMUR_MM = 100.0
"""Length of the proximal femur from the top of the head to below the lesser trochanter."""

HEAD_MM = (20.0, 28.0)
"""Radius of an adult femoral head, smallest and largest."""

NECK_MM = 22.0
"""Length of the neck between the head and the trochanters."""


def femur_proximal(shape: BoneShape) -> Partition:
    """Head, neck, trochanters and shaft.

    The head is the ball that touches the most medial and the most proximal bone; the neck
    follows it towards the lateral side.
    """
    top = float(np.percentile(shape.proximal_mm, 99.9))
    upper = shape.proximal_mm > top - PROXIMAL_FEMUR_MM
    near_top = shape.proximal_mm > top - 2 * HEAD_MM[1]
    medial = float(np.percentile(shape.lateral_mm[near_top], 0.5))
    capped = near_top & (shape.lateral_mm < medial + HEAD_MM[1])
    back, front = shape.depth_mm(capped)
    radius = float(np.clip((front - back) / 2, *HEAD_MM))
    head_top = float(np.percentile(shape.proximal_mm[capped], 99.5))
    centre = np.array([medial + radius, (back + front) / 2, head_top - radius])
    distance = np.linalg.norm(shape.u - centre, axis=1)
    head = upper & (distance <= 1.05 * radius)
    beyond = shape.lateral_mm - centre[0]
    neck = upper & ~head & (beyond < radius + NECK_MM) & (distance < radius + 1.5 * NECK_MM)
    return Partition.of(
        len(shape.u),
        {"shaft": ~upper, "trochanters": upper & ~head & ~neck, "neck": neck, "head": head},
    )
