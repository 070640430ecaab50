"""Bones of one series, each with its mask, its own axes and its named regions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.finding.networks import Weights
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId


class BoneVerdict(StrEnum):
    """Whether a bone's mask may be measured."""

    ACCEPTED = "accepted"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, eq=False)
class BoneAxes:
    """A bone's own directions: unit LPS vectors and the origin of its measurements.

    ``lateral`` points away from the midline of the body, ``anterior`` to the front of the
    bone, ``proximal`` along it towards the trunk; the three are orthonormal.
    """

    origin_lps: NDArray[np.float64]
    lateral: NDArray[np.float64]
    anterior: NDArray[np.float64]
    proximal: NDArray[np.float64]

    def coordinates_mm(self, points_lps: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 3) LPS points to (lateral, anterior, proximal) millimetres from the origin."""
        basis = np.stack([self.lateral, self.anterior, self.proximal], axis=1)
        return (np.asarray(points_lps) - self.origin_lps) @ basis


@dataclass(frozen=True, slots=True, eq=False)
class Bone:
    """One bone on one series' grid.

    Parameters
    ----------
    id
        Which bone.
    mask
        Boolean volume on the series' grid.
    regions
        uint8 volume on the same grid: 0 outside, else 1 + index into ``region_names``.
    region_names
        Region keys of the vocabulary, in the order of ``regions``.
    axes
        The bone's own directions.
    source
        Where the mask came from, in words.
    verdict, reason
        Whether it may be measured, and if unsure, why.
    touches_edge
        The field of view cuts it.
    is_found
        The networks of this program found it; else its mask was handed in.
    subregions, subregion_names
        Finer parts that nest in the regions, in the same form; ``None`` for a bone without.
    """

    id: BoneId
    mask: Volume
    regions: Volume
    region_names: tuple[str, ...]
    axes: BoneAxes
    source: str
    verdict: BoneVerdict
    reason: str
    touches_edge: bool
    is_found: bool = False
    subregions: Volume | None = None
    subregion_names: tuple[str, ...] = ()

    @property
    def volume_mm3(self) -> float:
        """Volume of the part that was imaged."""
        return float(np.count_nonzero(self.mask.data)) * self.mask.geometry.voxel_mm3

    @property
    def centroid_lps(self) -> NDArray[np.float64]:
        """(3,) LPS centre of the part that was imaged."""
        ijk = np.argwhere(self.mask.data)
        return self.mask.geometry.to_lps(ijk.mean(axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class BoneMap:
    """All bones found on one series.

    A bone that is not among them is absent, or was not recognised. ``network`` says which
    networks were asked about the series, ``None`` where masks told all.
    """

    series_id: str
    visit_id: str
    geometry: Geometry
    bones: tuple[Bone, ...]
    network: Weights | None = None

    def get(self, bone: BoneId) -> Bone | None:
        """The bone, or ``None`` where it was not found."""
        return next((b for b in self.bones if b.id == bone), None)
