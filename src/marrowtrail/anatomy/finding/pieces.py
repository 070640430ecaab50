"""From probabilities to bones: one piece each, two limbs told apart, nothing stray.

A network calls each voxel by itself. A bone is one piece (the cuneiforms and metatarsals are
several), so of each bone and limb the piece with the most weight is kept; what is called by the
same name elsewhere belongs to the bone it grows on, or to none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.anatomy.finding.coarse import CoarseBones
from marrowtrail.anatomy.finding.verdict import plausible
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.record.vocabulary import vocabulary

LEAST_MM3 = 600.0
"""A piece on the coarse grid below this (43 voxels of 2.4 mm) is no bone: the smallest, a
cuneiform, has three times that."""

LIMBS_APART_MM = 70.0
"""Two pieces of one name whose centres lie further apart from left to right belong to two limbs.
Knees and ankles lie 80 to 300 mm apart; a single bone of one limb is at most 90 mm wide, and if
it falls in two, its halves' centres are at most 50 mm apart."""

LIMBS_ALIKE = 0.3
"""The lesser of two limbs' pieces has at least this share of the greater one's volume: a stray
piece is small, and a limb that the image only grazes cannot be measured."""

MEETING = ("hip_bone",)
"""Bones of two limbs that may be one piece in an image: those of the hip, at the symphysis."""

ACROSS_SHARE = 0.15
"""With so much of it on either side of a plane between two limbs, a bone is one, so is the limb;
what a network leaks beyond a bone of its own limb is less."""

GROUP_APART_MM = 25.0
"""Pieces of one group of bones (metatarsals) lie this near to the rest of it."""

_TOUCHING = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True, slots=True)
class Piece:
    """A bone of one limb; ``limb`` counts the limbs of an image from the patient's right."""

    bone: str
    limb: int


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Bones on the coarse grid.

    ``labels`` is int16, 0 outside, else 1 + index into ``pieces``; ``limbs`` is 1 or 2, and
    ``midline_x_mm`` the LPS x of the plane between two limbs, ``None`` where there is one.
    """

    labels: NDArray[np.int16]
    pieces: tuple[Piece, ...]
    geometry: Geometry
    midline_x_mm: float | None

    @property
    def limbs(self) -> int:
        """How many limbs the image shows."""
        return 1 if self.midline_x_mm is None else 2

    def centre_lps(self, number: int) -> NDArray[np.float64]:
        """(3,) centre of the piece of that label."""
        inside = np.argwhere(self.labels == number)
        return self.geometry.to_lps(inside.mean(axis=0))


def cleaned(coarse: CoarseBones) -> Pieces:
    """The plausible pieces of every bone that the first network sees."""
    classes = np.argmax(coarse.probabilities, axis=0).astype(np.int16)
    midline = _midline_x_mm(classes, coarse)
    limb_of = _limb_of(coarse.geometry, midline)
    kept: list[tuple[Piece, NDArray[np.bool_]]] = []
    for number, bone in enumerate(coarse.classes[1:], start=1):
        for limb in range(1 if midline is None else 2):
            called = (classes == number) & (limb_of == limb)
            mask = _kept(called, coarse.probabilities[number], bone, coarse.geometry)
            if mask is not None:
                kept.append((Piece(bone, limb), mask))
    sound = [one for one in kept if not _is_thin(*one, coarse.geometry)]
    labels = np.zeros(classes.shape, dtype=np.int16)
    for label, (_, mask) in enumerate(sound, start=1):
        labels[mask] = label
    pieces = [piece for piece, _ in sound]
    labels = _with_outgrowths(labels, (classes > 0) & (labels == 0), limb_of, pieces)
    for piece, mask in [one for one in kept if one[0] not in pieces]:
        if not (labels[mask] > 0).any():
            pieces.append(piece)
            labels[mask] = len(pieces)
    return Pieces(_without_holes(labels, len(pieces)), tuple(pieces), coarse.geometry, midline)


def _is_thin(piece: Piece, mask: NDArray[np.bool_], geometry: Geometry) -> bool:
    """Thinner than such a bone can be: perhaps the skin of another one, called by its name."""
    usual = plausible().bones.get(piece.bone)
    depth = ndimage.distance_transform_edt(mask, sampling=geometry.spacing_mm)
    ball_mm = 2 * float(depth.max()) - float(np.mean(geometry.spacing_mm))
    return usual is not None and ball_mm < usual.ball_mm[0]


def _kept(
    called: NDArray[np.bool_], probability: NDArray[np.float32], bone: str, geometry: Geometry
) -> NDArray[np.bool_] | None:
    """The piece with the most weight, or for a group all that lie near to it."""
    parts, count = ndimage.label(called, structure=_TOUCHING)
    if count == 0:
        return None
    weight = np.bincount(parts.ravel(), weights=probability.ravel(), minlength=count + 1)
    weight[0] = 0.0
    main: NDArray[np.bool_] = parts == int(np.argmax(weight))
    if np.count_nonzero(main) * geometry.voxel_mm3 < LEAST_MM3:
        return None
    if vocabulary().bone(bone).pieces == 1:
        return _without_necked(main, bone)
    return _group(parts, main, weight * geometry.voxel_mm3, geometry)


def _without_necked(mask: NDArray[np.bool_], bone: str) -> NDArray[np.bool_]:
    """A thick bone without what hangs on it by a thin neck: a muscle into which the network leaked.

    What is left after a layer of voxels was taken off falls into parts; the largest is the bone,
    and what lies within two layers of it. Thin bones are left alone, they would fall apart.
    """
    usual = plausible().bones.get(bone)
    if usual is None or usual.ball_mm[0] < THICK_BONE_MM:
        return mask
    parts, count = ndimage.label(ndimage.binary_erosion(np.pad(mask, 1, mode="edge")))
    if count < 2:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    core = parts == int(np.argmax(sizes))
    grown = ndimage.binary_dilation(core, structure=_TOUCHING, iterations=2)[1:-1, 1:-1, 1:-1]
    return np.asarray(grown & mask)


THICK_BONE_MM = 17.0
"""Bones whose every part is this thick (``ball_mm`` of plausible.yaml) have no thin neck."""


def _group(
    parts: NDArray[np.int32],
    main: NDArray[np.bool_],
    weight_mm3: NDArray[Any],
    geometry: Geometry,
) -> NDArray[np.bool_]:
    """Pieces large enough, each near to one that belongs to the group already."""
    kept = main
    waiting = [n for n in range(1, len(weight_mm3)) if weight_mm3[n] >= LEAST_MM3 / 2]
    grown = True
    while grown:
        away_mm = ndimage.distance_transform_edt(~kept, sampling=geometry.spacing_mm)
        near = [n for n in waiting if away_mm[parts == n].min() <= GROUP_APART_MM]
        fresh = [n for n in near if not kept[parts == n].any()]
        kept = kept | np.isin(parts, fresh)
        grown = bool(fresh)
    return kept


def _midline_x_mm(classes: NDArray[np.int16], coarse: CoarseBones) -> float | None:
    """Where two limbs part, if any bone is there twice, side by side and about as large.

    Nowhere if a larger bone runs across that plane: then the second one of its name is a stray.
    """
    middles, weights, largest, doubled = [], [], [], 0
    for number in range(1, len(coarse.classes)):
        parts, count = ndimage.label(classes == number, structure=_TOUCHING)
        if count < 1 or vocabulary().bone(coarse.classes[number]).pieces > 1:
            continue
        sizes = np.bincount(parts.ravel())[1:]
        if coarse.classes[number] not in MEETING:
            largest.append(parts == 1 + int(np.argmax(sizes)))
        if count < 2:
            continue
        first, second = np.argsort(sizes, kind="stable")[::-1][:2]
        if sizes[second] * coarse.geometry.voxel_mm3 < LEAST_MM3:
            continue
        if sizes[second] < LIMBS_ALIKE * sizes[first]:
            continue
        centres = [
            coarse.geometry.to_lps(np.argwhere(parts == 1 + one)).mean(axis=0)
            for one in (first, second)
        ]
        if abs(centres[0][0] - centres[1][0]) >= LIMBS_APART_MM:
            middles.append((centres[0][0] + centres[1][0]) / 2)
            weights.append(sizes[second])
            doubled = max(doubled, int(sizes[first]))
    if not middles:
        return None
    midline = float(np.average(middles, weights=weights))
    beyond = _limb_of(coarse.geometry, midline) == 1
    larger = (bone for bone in largest if np.count_nonzero(bone) > doubled)
    return None if any(_runs_across(bone, beyond) for bone in larger) else midline


def _runs_across(bone: NDArray[np.bool_], beyond: NDArray[np.bool_]) -> bool:
    size, there = np.count_nonzero(bone), np.count_nonzero(bone & beyond)
    return bool(min(there, size - there) > ACROSS_SHARE * size)


def _limb_of(geometry: Geometry, midline_x_mm: float | None) -> NDArray[np.int16]:
    """Limb of each voxel: 1 to the patient's left of the midline, else 0."""
    shape = geometry.shape
    if midline_x_mm is None:
        return np.zeros(shape, dtype=np.int16)
    first = float(geometry.affine[0, 3])
    x_mm = first + np.arange(shape[0]) * geometry.spacing_mm[0]
    beyond = (x_mm > midline_x_mm).astype(np.int16)
    return np.broadcast_to(beyond[:, None, None], shape)


def _with_outgrowths(
    labels: NDArray[np.int16],
    orphans: NDArray[np.bool_],
    limb_of: NDArray[np.int16],
    pieces: list[Piece],
) -> NDArray[np.int16]:
    """Give what was called by another bone's name to the bone that it grows on.

    A group of orphaned voxels goes as a whole to the bone that it touches most, if that bone is
    much of what surrounds it (:data:`OUTGROWTH_RIM`): a stray that grazes a bone stays a stray.
    """
    labels = labels.copy()
    groups, count = ndimage.label(orphans, structure=_TOUCHING)
    for number, block in enumerate(ndimage.find_objects(groups, count), start=1):
        wide = tuple(slice(max(0, b.start - 1), b.stop + 1) for b in block)
        group = groups[wide] == number
        rim = ndimage.binary_dilation(group, structure=_TOUCHING) & ~group
        beside = labels[wide][rim]
        counts = np.bincount(beside, minlength=len(pieces) + 1)
        counts[0] = 0
        best = int(np.argmax(counts))
        if counts[best] * OUTGROWTH_RIM < np.count_nonzero(rim):
            continue
        limb = np.bincount(limb_of[wide][group], minlength=2)
        if pieces[best - 1].limb == int(np.argmax(limb)):
            labels[wide][group] = best
    return labels


OUTGROWTH_RIM = 4
"""At least one in so many voxels around an orphaned group must belong to one bone."""


def _without_holes(labels: NDArray[np.int16], count: int) -> NDArray[np.int16]:
    """Cavities inside a bone are bone: a lesion that the network did not know."""
    labels = labels.copy()
    for number, block in enumerate(ndimage.find_objects(labels, count), start=1):
        if block is not None:
            filled = ndimage.binary_fill_holes(labels[block] == number)
            labels[block][filled & (labels[block] == 0)] = number
    return labels
