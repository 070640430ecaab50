"""Regions of the bones that meet in the ankle and hindfoot."""

from __future__ import annotations

import numpy as np

from marrowtrail.anatomy.partitions.shape import BoneShape, Partition, size_of

EPIPHYSIS_ABOVE_PLAFOND_MM = 13.0
"""Height of the closed distal growth plate of the tibia above the joint surface."""

METAPHYSIS_ABOVE_PLAFOND_MM = 48.0
"""Where the flare of the distal tibia has become a shaft."""

MALLEOLUS_MM = 29.0
"""Height of the lateral malleolus with the epiphysis that bears it: its growth plate lies level
with the plafond, 24 mm above the tip."""

FIBULAR_FLARE_MM = 60.0
"""So far above the tip the flare over the malleolus has become a shaft."""

TALAR_LENGTH_MM, TALAR_WIDTH_MM = 52.0, 40.0
"""Length of a usual talus along the foot, and its width; used where the image cuts it."""

TALAR_NECK_SHARE, TALAR_HEAD_SHARE = 0.38, 0.22
"""Front part of the talus that is neck and head, and that is head, as shares of its length: the
neck begins in front of the dome's cartilage, the head is what the navicular covers."""

TALAR_DOME_MM = 10.0
"""Depth of the dome below the top of the talus: what osteochondral lesions occupy."""

CALCANEAL_LENGTH_MM, CALCANEAL_WIDTH_MM = 72.0, 42.0

TUBEROSITY_SHARE = 0.36
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
    """Lateral malleolus, metaphysis and shaft of the fibula."""
    above = shape.proximal_mm - shape.proximal_mm.min()
    malleolus, flare = above < MALLEOLUS_MM, above < FIBULAR_FLARE_MM
    return Partition.of(
        len(shape.u),
        {"shaft": ~flare, "distal_metaphysis": flare & ~malleolus, "distal_epiphysis": malleolus},
    )


def talus(shape: BoneShape) -> Partition:
    """Dome (medial and lateral half), the body below it, neck and head."""
    back, front = _length_mm(shape, TALAR_LENGTH_MM, TALAR_WIDTH_MM)
    length = front - back
    neck = shape.anterior_mm > front - TALAR_NECK_SHARE * length
    head = shape.anterior_mm > front - TALAR_HEAD_SHARE * length
    size = size_of(length, TALAR_LENGTH_MM)
    top = float(np.percentile(shape.proximal_mm, 99.8))
    dome = ~neck & (shape.proximal_mm > top - size * TALAR_DOME_MM)
    medial, lateral = shape.width_mm(shape.everywhere, size * TALAR_WIDTH_MM)
    outside = shape.lateral_mm >= (medial + lateral) / 2
    return Partition.of(
        len(shape.u),
        {
            "body": ~neck & ~dome,
            "neck": neck & ~head,
            "head": head,
            "medial_dome": dome & ~outside,
            "lateral_dome": dome & outside,
        },
    )


def calcaneus(shape: BoneShape) -> Partition:
    """Tuberosity and body."""
    back, front = _length_mm(shape, CALCANEAL_LENGTH_MM, CALCANEAL_WIDTH_MM)
    tuberosity = shape.anterior_mm < back + TUBEROSITY_SHARE * (front - back)
    return Partition.of(len(shape.u), {"body": ~tuberosity, "tuberosity": tuberosity})


def _length_mm(shape: BoneShape, usual_mm: float, usual_width_mm: float) -> tuple[float, float]:
    """Back and front of a bone of the foot; its width tells the length of one that is cut."""
    low, high = shape.width_mm(shape.everywhere)
    is_narrowed = shape.cut.medial or shape.cut.lateral
    size = 1.0 if is_narrowed else size_of(high - low, usual_width_mm)
    return shape.depth_mm(shape.everywhere, size * usual_mm)
