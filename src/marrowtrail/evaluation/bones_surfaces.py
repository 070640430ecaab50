"""Distances between the surfaces of two masks on one grid.

A surface is made of the faces between a voxel of the mask and one outside it, each with its area:
a mask that is a pixel too wide in 3.5 mm slices is then off by a pixel, and not by what its
slices are apart. Where the field of view cuts a bone there is no surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from marrowtrail.imaging.geometry import Geometry, Points
from marrowtrail.imaging.volume import bounding_box

FAR_SHARE = 0.95
"""Of the area of both surfaces, this share lies within the surface distance called 95 %."""


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """(n, 3) LPS centres of a mask's faces in mm, and their (n,) areas in mm2."""

    centres_lps: Points
    areas_mm2: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SurfaceDistance:
    """Mean over the area of both surfaces, and what 95 % of it keeps within, in mm."""

    mean_mm: float
    far_mm: float


def faces_of(mask: NDArray[np.bool_], geometry: Geometry) -> Faces:
    """The faces between a mask (i, j, k) and what is not in it, within the grid."""
    if not mask.any():
        return Faces(np.zeros((0, 3)), np.zeros(0))
    start, stop = bounding_box(mask, (1, 1, 1))
    block = mask[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]]
    centres, areas = [], []
    for axis, spacing in enumerate(geometry.spacing_mm):
        ahead = np.argwhere(np.diff(block, axis=axis)).astype(np.float64) + start
        ahead[:, axis] += 0.5
        centres.append(ahead)
        areas.append(np.full(len(ahead), geometry.voxel_mm3 / spacing))
    return Faces(geometry.to_lps(np.concatenate(centres)), np.concatenate(areas))


def surface_distance(
    one: NDArray[np.bool_], other: NDArray[np.bool_], geometry: Geometry
) -> SurfaceDistance | None:
    """Distance from every face of each mask to the nearest of the other.

    ``None`` if either mask has no surface in the field of view.
    """
    faces = faces_of(one, geometry), faces_of(other, geometry)
    if not all(len(each.areas_mm2) for each in faces):
        return None
    there = cKDTree(faces[1].centres_lps).query(faces[0].centres_lps)[0]
    back = cKDTree(faces[0].centres_lps).query(faces[1].centres_lps)[0]
    distances = np.concatenate([there, back])
    areas = np.concatenate([each.areas_mm2 for each in faces])
    return SurfaceDistance(
        float(np.average(distances, weights=areas)), _within(distances, areas, FAR_SHARE)
    )


def _within(distances: NDArray[np.float64], areas: NDArray[np.float64], share: float) -> float:
    """The smallest distance that holds at least that share of the area."""
    order = np.argsort(distances)
    held = np.cumsum(areas[order])
    return float(distances[order][np.searchsorted(held, share * held[-1])])
