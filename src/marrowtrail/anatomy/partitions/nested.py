"""Subregions: finer parts that nest in the regions of a bone.

At the knee they are the fifteen in which MOAKS (doi:10.1016/j.joca.2011.05.004) scores bone
marrow lesions: two of the patella, six of the femur (trochlea, central and posterior, medial and
lateral), seven of the tibia (anterior, central and posterior, medial and lateral, and under the
spines). Number and names were read in Radiopaedia's article on it and in the abstract; the paper
itself was not at hand. The borders are those of WORMS (PMID 14972335, captions of its figures 1
and 2), from which MOAKS takes them: the ridge of the patella and the groove of the trochlea count
as medial, so the trochlea's halves part at the medial border of the lateral condyle; the front of
the femur faces the patella, its middle bears weight, its back is the convexity that articulates
in flexion; the middle of the tibia is what the horns of the menisci leave free. Both scores draw
these last by the menisci, which no mask shows: here they stand at thirds of the depth.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.partitions.knee import CONDYLES_MM, FEMORAL_DEPTH_MM, lateral_wall_mm
from marrowtrail.anatomy.partitions.shape import BoneShape, Partition

POSTERIOR_FEMUR = 1 / 3
"""Back part of the condyles' depth that no longer bears weight in a straight knee: behind the
posterior horns."""

TIBIAL_THIRDS = (1 / 3, 2 / 3)
"""Borders of the posterior and of the anterior third of each plateau's own depth."""

LESSER_TROCHANTER_SHARE = 0.5
"""Lower part of the trochanters' height, on the medial side of their middle, that holds the
lesser one."""

_Parts = dict[str, NDArray[np.bool_]]


def subregions(bone: str, shape: BoneShape, regions: Partition) -> Partition:
    """The subregions of a bone; where a region has none, 0.

    Each is a part of one region; ``regions`` belongs to the voxels of ``shape``.
    """
    parts: _Parts = {}
    for rule in _RULES.get(bone, ()):
        parts |= rule(shape, regions)
    return Partition.of(len(shape.u), {name: part for name, part in parts.items() if part.any()})


def _moaks_femur(shape: BoneShape, regions: Partition) -> _Parts:
    end = regions.where("medial_condyle", "lateral_condyle", "trochlea")
    if not end.any():
        return {}
    bottom = float(shape.proximal_mm[end].min())
    condyles = end & shape.slab(bottom, bottom + CONDYLES_MM)
    back, front = shape.depth_mm(condyles, FEMORAL_DEPTH_MM)
    behind = shape.anterior_mm < back + POSTERIOR_FEMUR * (front - back)
    outside = shape.lateral_mm > lateral_wall_mm(shape, condyles)
    trochlea = regions.where("trochlea")
    parts = {"medial_trochlea": trochlea & ~outside, "lateral_trochlea": trochlea & outside}
    for side in ("medial", "lateral"):
        condyle = regions.where(f"{side}_condyle")
        parts[f"central_{side}_femur"] = condyle & ~behind
        parts[f"posterior_{side}_femur"] = condyle & behind
    return parts


def _moaks_tibia(shape: BoneShape, regions: Partition) -> _Parts:
    parts = {"subspinous_tibia": regions.where("subspinous")}
    for side in ("medial", "lateral"):
        plateau = regions.where(f"{side}_plateau")
        if not plateau.any():
            continue
        back, front = shape.depth_mm(plateau)
        share = (shape.anterior_mm - back) / max(front - back, 1.0)
        behind, ahead = share < TIBIAL_THIRDS[0], share >= TIBIAL_THIRDS[1]
        parts[f"posterior_{side}_tibia"] = plateau & behind
        parts[f"central_{side}_tibia"] = plateau & ~behind & ~ahead
        parts[f"anterior_{side}_tibia"] = plateau & ahead
    return parts


def _moaks_patella(_shape: BoneShape, regions: Partition) -> _Parts:
    return {f"{side}_patella": regions.where(f"{side}_facet") for side in ("medial", "lateral")}


def _trochanters(shape: BoneShape, regions: Partition) -> _Parts:
    """The greater above and outside, the lesser below and inside, nothing between them."""
    both = regions.where("trochanters")
    if not both.any():
        return {}
    low, high = np.percentile(shape.proximal_mm[both], [1.0, 99.0])
    is_low = shape.proximal_mm < low + LESSER_TROCHANTER_SHARE * (high - low)
    middle = float(np.median(shape.lateral_mm[both & is_low]))
    return {
        "greater_trochanter": both & ~is_low,
        "lesser_trochanter": both & is_low & (shape.lateral_mm < middle),
    }


_RULES: dict[str, tuple[Callable[[BoneShape, Partition], _Parts], ...]] = {
    "femur": (_moaks_femur, _trochanters),
    "tibia": (_moaks_tibia,),
    "patella": (_moaks_patella,),
}
