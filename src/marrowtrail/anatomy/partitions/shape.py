"""What a partition sees of a bone, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import BoneAxes
from marrowtrail.anatomy.extent import EndsInView, is_cut, profile_mm2, span_mm
from marrowtrail.imaging.volume import Volume

PROFILE_STEP_MM = 2.0
"""Step of a bone's cross-section profile; finer than a slice, coarse enough to be smooth."""

SPREAD = (0.75, 1.3)
"""Adults' bones are within these multiples of the usual size; a measured size beyond them is
the field of view's."""


@dataclass(frozen=True, slots=True)
class CutSides:
    """On which sides the image ends before the bone does."""

    medial: bool = False
    lateral: bool = False
    posterior: bool = False
    anterior: bool = False

    @classmethod
    def of(cls, mask: Volume, ijk: NDArray[np.integer], axes: BoneAxes) -> CutSides:
        """Looked up in a bone's mask; ``ijk`` holds (n, 3) indices of its voxels."""
        ways = (-axes.lateral, axes.lateral, -axes.anterior, axes.anterior)
        return cls(*(is_cut(mask.geometry, ijk, way) for way in ways))


@dataclass(frozen=True, slots=True, eq=False)
class BoneShape:
    """The voxels of one bone in its own axes.

    ``u`` is (n, 3): lateral, anterior and proximal millimetres of each voxel of ``mask``, in the
    order of its indices.
    """

    u: NDArray[np.float64]
    mask: Volume
    axes: BoneAxes
    ends: EndsInView
    cut: CutSides

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

    @property
    def everywhere(self) -> NDArray[np.bool_]:
        """(n,) all voxels."""
        return np.ones(len(self.u), dtype=bool)

    def joint_level_mm(self, *, proximal: bool, within_mm: float, share: float) -> float:
        """Height at which the bone's end becomes broad, coming from its tip.

        Spines, styloids and malleoli stand out beyond the joint surface; the surface is
        where the cross-section first reaches ``share`` of the widest one found within
        ``within_mm`` of the tip.
        """
        sign = 1.0 if proximal else -1.0
        height = self.proximal_mm * sign
        centres, areas = profile_mm2(height, self.mask.geometry.voxel_mm3, PROFILE_STEP_MM)
        near_end = centres > height.max() - within_mm
        broad = near_end & (areas >= share * areas[near_end].max())
        return float(sign * (centres[broad].max() + PROFILE_STEP_MM / 2))

    def slab(self, low_mm: float, high_mm: float) -> NDArray[np.bool_]:
        """(n,) voxels with a height in the range."""
        return (self.proximal_mm >= low_mm) & (self.proximal_mm <= high_mm)

    def width_mm(self, where: NDArray[np.bool_], usual_mm: float = 0.0) -> tuple[float, float]:
        """Medial and lateral limit of the voxels ``where``.

        A limit that the image cut off is set the usual width from the other one, if that is
        further out.
        """
        low, high = span_mm(self.lateral_mm[where])
        return _completed(low, high, self.cut.medial, self.cut.lateral, usual_mm)

    def depth_mm(self, where: NDArray[np.bool_], usual_mm: float = 0.0) -> tuple[float, float]:
        """Posterior and anterior limit of the voxels ``where``, completed in the same way."""
        low, high = span_mm(self.anterior_mm[where])
        return _completed(low, high, self.cut.posterior, self.cut.anterior, usual_mm)


def _completed(
    low: float, high: float, low_cut: bool, high_cut: bool, usual_mm: float
) -> tuple[float, float]:
    if low_cut and high_cut:
        middle, half = (low + high) / 2, max(high - low, usual_mm) / 2
        return middle - half, middle + half
    if low_cut:
        return min(low, high - usual_mm), high
    if high_cut:
        return low, max(high, low + usual_mm)
    return low, high


def size_of(length_mm: float, usual_mm: float) -> float:
    """How large a bone is against the usual one, from one length of it, within :data:`SPREAD`."""
    return float(np.clip(length_mm / usual_mm, *SPREAD))


Parts = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """Region names, and for each voxel 0 (none) or 1 + the index of its region."""

    names: tuple[str, ...]
    index: NDArray[np.uint8]

    @classmethod
    def of(cls, n: int, parts: Parts) -> Partition:
        """Build from masks; where they overlap, the later one wins."""
        index = np.zeros(n, dtype=np.uint8)
        for number, where in enumerate(parts.values(), start=1):
            index[where] = number
        return cls(tuple(parts), index)

    def where(self, *names: str) -> NDArray[np.bool_]:
        """(n,) voxels in any of the regions named; a region that is not there has none."""
        numbers = [number for number, name in enumerate(self.names, start=1) if name in names]
        return np.isin(self.index, numbers)
