"""Regions of the bones that meet in the ankle and hindfoot."""

from __future__ import annotations

import numpy as np

from marrowtrail.anatomy.partitions.shape import BoneShape, Partition

EPIPHYSIS_ABOVE_PLAFOND_MM = 13.0
"""Height of the closed distal growth plate of the tibia above the joint surface."""

METAPHYSIS_ABOVE_PLAFOND_MM = 45.0
"""Where the flare of the distal tibia has become a shaft."""

MALLEOLUS_MM = 25.0
"""Height of the lateral malleolus with the epiphysis that bears it."""

TALAR_BODY_SHARE = 0.60
"""Back part of the talus that is its body, as a share of its length."""

TALAR_DOME_MM = 12.0
"""Depth of the dome below the top of the talus: what osteochondral lesions occupy."""

TUBEROSITY_SHARE = 0.35
"""Back part of the calcaneus that is its tuberosity, as a share of its length."""


def tibia_distal(shape: BoneShape) -> Partition:
    """Epiphysis with the medial malleolus, metaphysis and shaft."""
    level = shape.joint_level_mm(proximal=False, within_mm=35.0, share=0.6)
    epiphysis = shape.proximal_mm < level + EPIPHYSIS_ABOVE_PLAFOND_MM
    metaphysis = shape.proximal_mm < level + METAPHYSIS_ABOVE_PLAFOND_MM
    return Partition.of(
        len(shape.u),
        {
            "shaft": ~metaphysis,
            "distal_metaphysis": metaphysis & ~epiphysis,
            "distal_epiphysis": epiphysis,
        },
    )


def fibula_distal(shape: BoneShape) -> Partition:
    """Lateral malleolus and shaft of the fibula."""
    malleolus = shape.proximal_mm < shape.proximal_mm.min() + MALLEOLUS_MM
    return Partition.of(len(shape.u), {"shaft": ~malleolus, "distal_epiphysis": malleolus})


def talus(shape: BoneShape) -> Partition:
    """Dome (medial and lateral half), the body below it, neck and head."""
    everything = np.ones(len(shape.u), dtype=bool)
    back, front = shape.depth_mm(everything)
    body = shape.anterior_mm < back + TALAR_BODY_SHARE * (front - back)
    top = float(np.percentile(shape.proximal_mm[body], 99.5))
    dome = body & (shape.proximal_mm > top - TALAR_DOME_MM)
    low, high = shape.width_mm(dome)
    lateral = shape.lateral_mm >= (low + high) / 2
    return Partition.of(
        len(shape.u),
        {
            "body": body & ~dome,
            "neck_and_head": ~body,
            "medial_dome": dome & ~lateral,
            "lateral_dome": dome & lateral,
        },
    )


def calcaneus(shape: BoneShape) -> Partition:
    """Tuberosity and body."""
    back, front = shape.depth_mm(np.ones(len(shape.u), dtype=bool))
    tuberosity = shape.anterior_mm < back + TUBEROSITY_SHARE * (front - back)
    return Partition.of(len(shape.u), {"body": ~tuberosity, "tuberosity": tuberosity})
