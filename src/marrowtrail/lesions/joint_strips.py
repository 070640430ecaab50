"""Marrow under a joint surface, straightened: one axis along the surface, one into the bone.

In every slice the outline of the bone is followed where it faces a bone that it articulates with,
and the image is read along the inward normals. What is parallel to the plate, as a subchondral
fracture is, becomes a level stripe in the strip, whatever the shape of the condyle or the head.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.anatomy.bones import Bone, BoneMap
from marrowtrail.anatomy.subchondral import joint_distance_mm
from marrowtrail.imaging.series import Series
from marrowtrail.imaging.volume import Volume, bounding_box

ALONG_MM, DEEP_MM = 0.5, 0.25
"""Steps along the surface and into the bone: no coarser than the finest pixels of a joint."""

DEPTHS_MM = np.arange(0.0, 12.0 + DEEP_MM / 2, DEEP_MM)
"""Depths that are read, from the surface of the mask. Lines lie within 6 mm of it, low-signal areas
reach 7 mm, and marrow beneath both is needed to compare with."""

OUTLINE_MM = 0.8
"""Blur of a mask before its outline is taken: it takes away the steps of its pixels."""

TANGENT_MM = 1.5
"""The direction of the outline is taken over this to either side."""

SHORTEST_MM = 5.0
"""Shorter stretches of joint surface in a slice are rims, where the plate is cut at a slant."""

STEEPEST = 0.9
"""Where the surface moves by more than this from slice to slice, per mm between them (42 degrees),
a slice of 3 mm blurs plate and line into each other, and nothing is read."""

ABOUT_MM = 25.0
"""Only the joint surface within this of the lesion is looked at."""

JOINT_REACH_PX = 1.6
"""An outline belongs to the joint where joint surface is this near, in pixels: a diagonal and a
little, as outlines run between pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class JointStrip:
    """One stretch of joint surface in one slice, n points along it and m depths.

    Parameters
    ----------
    slice_index
        Along the series' axis through the slices.
    points_lps, inward_lps
        (n, 3) points of the surface :data:`ALONG_MM` apart and unit vectors into the bone.
    signal
        (n, m) at :data:`DEPTHS_MM`.
    bone, lesion
        (n, m) whether the bone and the lesion are there.
    is_read
        (n,) the surface stands steeply enough in the slice to be read.
    """

    slice_index: int
    points_lps: NDArray[np.float64]
    inward_lps: NDArray[np.float64]
    signal: NDArray[np.float64]
    bone: NDArray[np.bool_]
    lesion: NDArray[np.bool_]
    is_read: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """One slice: its index, what is in it, and how to go from its pixels to the patient."""

    index: int
    origin_lps: NDArray[np.float64]
    steps_lps: NDArray[np.float64]
    spacing_mm: NDArray[np.float64]
    signal: NDArray[np.float64]
    bone: NDArray[np.float64]
    lesion: NDArray[np.float64]
    joint: NDArray[np.bool_]
    slant: NDArray[np.float64]

    def to_lps(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 2) pixel indices to (..., 3) LPS."""
        return np.asarray(self.origin_lps + pixels @ self.steps_lps)


def joint_strips(
    series: Series, bone_map: BoneMap, bone: Bone, lesion: Volume
) -> tuple[JointStrip, ...]:
    """All stretches of a bone's joint surface about a lesion in a series, slice by slice.

    ``lesion`` is a mask on the series' grid. Empty where there is none, or no bone that it
    articulates with is near it in the image.
    """
    ill = np.asarray(lesion.on_grid_of(series.volume), dtype=bool)
    distance = joint_distance_mm(bone_map, bone) if ill.any() else None
    if distance is None:
        return ()
    through = series.volume.geometry.through_plane_axis
    margin = [
        1 if axis == through else int(np.ceil(ABOUT_MM / step))
        for axis, step in enumerate(series.volume.geometry.spacing_mm)
    ]
    block = bounding_box(ill, (margin[0], margin[1], margin[2]))
    joint = series.volume.with_data(distance <= 0.0)
    image, mask, ours, surface = (
        one.crop(*block) for one in (series.volume, bone.mask, lesion, joint)
    )
    return tuple(
        strip
        for plane in _planes(image, mask, ours, surface, through)
        for strip in _strips(plane, block[0][through])
    )


def _planes(
    image: Volume, bone: Volume, lesion: Volume, joint: Volume, through: int
) -> Iterator[_Plane]:
    geometry = image.geometry
    across = [axis for axis in range(3) if axis != through]
    signal, inside, ill, surface = (
        np.moveaxis(np.asarray(one.data), through, 0) for one in (image, bone, lesion, joint)
    )
    spacing = np.asarray(geometry.spacing_mm)
    signed = np.stack([_signed_mm(plane, spacing[across]) for plane in inside.astype(bool)])
    slant = np.abs(np.gradient(signed, axis=0)) if len(signed) > 1 else np.zeros(signed.shape)
    start = np.zeros(3)
    for index in np.flatnonzero(surface.any(axis=(1, 2))):
        start[through] = index
        yield _Plane(
            int(index),
            geometry.to_lps(start),
            geometry.affine[:3, across].T,
            spacing[across],
            signal[index].astype(np.float64),
            inside[index].astype(np.float64),
            ill[index].astype(np.float64),
            surface[index].astype(bool),
            slant[index] / spacing[through],
        )


def _signed_mm(plane: NDArray[np.bool_], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance to the outline of a mask in its slice, positive inside; 0 where there is none."""
    if not plane.any() or plane.all():
        return np.zeros(plane.shape)
    inside = ndimage.distance_transform_edt(plane, sampling=spacing)
    outside = ndimage.distance_transform_edt(~plane, sampling=spacing)
    return np.asarray(inside - outside)


def _strips(plane: _Plane, first: int) -> Iterator[JointStrip]:
    smooth = ndimage.gaussian_filter(plane.bone, OUTLINE_MM / plane.spacing_mm, mode="nearest")
    near = ndimage.distance_transform_edt(~plane.joint) <= JOINT_REACH_PX
    for line in contour_generator(z=smooth).lines(0.5):
        outline = _evenly(np.asarray(line)[:, ::-1], plane.spacing_mm)
        if len(outline) * ALONG_MM < SHORTEST_MM:
            continue
        inward = _inward(outline, smooth, plane.spacing_mm)
        faces = _read(near.astype(np.float64), outline, 0) > 0.5
        for run in _runs(faces):
            yield _strip(plane, first, outline[run], inward[run])


def _evenly(outline: NDArray[np.float64], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) pixels of an outline, evenly :data:`ALONG_MM` apart."""
    lengths = np.linalg.norm(np.diff(outline * spacing, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    at = np.arange(0.0, along[-1], ALONG_MM)
    return np.stack([np.interp(at, along, outline[:, axis]) for axis in range(2)], axis=1)


def _inward(
    outline: NDArray[np.float64], smooth: NDArray[np.float64], spacing: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n, 2) unit vectors in mm, into the bone."""
    closed = bool(np.linalg.norm((outline[0] - outline[-1]) * spacing) < 2.5 * ALONG_MM)
    even = ndimage.gaussian_filter1d(
        outline * spacing, TANGENT_MM / ALONG_MM, axis=0, mode="wrap" if closed else "nearest"
    )
    tangent = np.gradient(even, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    ahead = _read(smooth, outline + normal / spacing, 1) - _read(
        smooth, outline - normal / spacing, 1
    )
    return np.asarray(normal * (1.0 if np.median(ahead) > 0 else -1.0))


def _runs(faces: NDArray[np.bool_]) -> Iterator[slice]:
    """Stretches of joint surface that are long enough; gaps of a millimetre do not part one."""
    joined = ndimage.binary_closing(np.pad(faces, 4), np.ones(5))[4:-4] | faces
    pieces, count = ndimage.label(joined)
    for number in range(1, count + 1):
        at = np.flatnonzero(pieces == number)
        if len(at) * ALONG_MM >= SHORTEST_MM:
            yield slice(int(at[0]), int(at[-1]) + 1)


def _strip(
    plane: _Plane, first: int, outline: NDArray[np.float64], inward: NDArray[np.float64]
) -> JointStrip:
    deep = outline[:, None, :] + inward[:, None, :] * DEPTHS_MM[:, None] / plane.spacing_mm
    steps_lps = plane.steps_lps / plane.spacing_mm[:, None]
    return JointStrip(
        first + plane.index,
        plane.to_lps(outline),
        inward @ steps_lps,
        _read(plane.signal, deep, 3),
        _read(plane.bone, deep, 1) > 0.5,
        _read(plane.lesion, deep, 0) > 0.5,
        _read(plane.slant, outline, 1) <= STEEPEST,
    )


def _read(
    image: NDArray[np.float64], pixels: NDArray[np.float64], order: int
) -> NDArray[np.float64]:
    return np.asarray(
        ndimage.map_coordinates(image, np.moveaxis(pixels, -1, 0), order=order, mode="nearest")
    )
