"""What a partition sees of a bone, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.extent import EndsInView, profile_mm2, span_mm

PROFILE_STEP_MM = 2.0
"""Step of a bone's cross-section profile; finer than a slice, coarse enough to be smooth."""


@dataclass(frozen=True, slots=True, eq=False)
class BoneShape:
    """The voxels of one bone in its own axes.

    ``u`` is (n, 3): lateral, anterior and proximal millimetres of each voxel.
    """

    u: NDArray[np.float64]
    voxel_mm3: float
    ends: EndsInView

    @property
    def lateral_mm(self) -> NDArray[np.float64]:
        """(n,) towards the outside of the limb."""
        return self.u[:, 0]

    @property
    def anterior_mm(self) -> NDArray[np.float64]:
        """(n,) towards the front."""
        return self.u[:, 1]

    @property
    def proximal_mm(self) -> NDArray[np.float64]:
        """(n,) along the bone towards the trunk."""
        return self.u[:, 2]

    def joint_level_mm(self, *, proximal: bool, within_mm: float, share: float) -> float:
        """Height at which the bone's end becomes broad, coming from its tip.

        Spines, styloids and malleoli stand out beyond the joint surface; the surface is
        where the cross-section first reaches ``share`` of the widest one found within
        ``within_mm`` of the tip.
        """
        sign = 1.0 if proximal else -1.0
        height = self.proximal_mm * sign
        centres, areas = profile_mm2(height, self.voxel_mm3, PROFILE_STEP_MM)
        near_end = centres > height.max() - within_mm
        broad = near_end & (areas >= share * areas[near_end].max())
        return float(sign * (centres[broad].max() + PROFILE_STEP_MM / 2))

    def slab(self, low_mm: float, high_mm: float) -> NDArray[np.bool_]:
        """(n,) voxels with a height in the range."""
        return (self.proximal_mm >= low_mm) & (self.proximal_mm <= high_mm)

    def width_mm(self, where: NDArray[np.bool_]) -> tuple[float, float]:
        """Medial and lateral limit of the voxels ``where``."""
        return span_mm(self.lateral_mm[where])

    def depth_mm(self, where: NDArray[np.bool_]) -> tuple[float, float]:
        """Posterior and anterior limit of the voxels ``where``."""
        return span_mm(self.anterior_mm[where])


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """Region names, and for each voxel 0 (none) or 1 + the index of its region."""

    names: tuple[str, ...]
    index: NDArray[np.uint8]

    @classmethod
    def of(cls, n: int, parts: dict[str, NDArray[np.bool_]]) -> Partition:
        """Build from masks; where they overlap, the later one wins."""
        index = np.zeros(n, dtype=np.uint8)
        for number, where in enumerate(parts.values(), start=1):
            index[where] = number
        return cls(tuple(parts), index)
