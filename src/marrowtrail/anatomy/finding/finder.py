"""Bones of a series, found: coarse over the whole, cleaned, sided, then fine at the edge.

series ─► normalised ─► coarse ─► pieces ─► sides ─► fine ─► names ─► bones, each judged
                          ▲
      the other series of the visit in its frame
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.anatomy.extent import at_border
from marrowtrail.anatomy.finding.coarse import CoarseBones, coarse_answer, together
from marrowtrail.anatomy.finding.fine import Said, refined
from marrowtrail.anatomy.finding.naming import named, without_small_holes
from marrowtrail.anatomy.finding.networks import BoneNetworks
from marrowtrail.anatomy.finding.pieces import Pieces, cleaned
from marrowtrail.anatomy.finding.resampling import sampled
from marrowtrail.anatomy.finding.sides import SideFrom, sides_of
from marrowtrail.anatomy.finding.verdict import Evidence, doubts_of, doubts_of_place
from marrowtrail.anatomy.network_input import normalised
from marrowtrail.imaging.series import Series
from marrowtrail.imaging.volume import Volume, bounding_box
from marrowtrail.record.sites import BoneId
from marrowtrail.record.vocabulary import vocabulary

CRUMB_MM3 = 150.0
"""A piece of a group of bones below this is none of them."""

SMALLEST_MM3 = 400.0
"""As for masks that were handed in: less is a sliver at the edge of the image."""

NEAR_VOXELS = 4
"""About 10 mm: what the first network thinks of a bone's surroundings counts so far."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundBone:
    """One bone that the networks found on a series.

    Parameters
    ----------
    id
        Which bone, of which side.
    mask
        Boolean, on the grid of the series.
    side_from
        What the side rests on.
    evidence
        What the verdict rests on.
    doubts
        Why it is unsure; empty where it may be measured.
    """

    id: BoneId
    mask: Volume
    side_from: SideFrom
    evidence: Evidence
    doubts: tuple[str, ...]


def find_bones(series: Series, networks: BoneNetworks) -> tuple[FoundBone, ...]:
    """All bones that the networks see on one series alone; see :func:`find_in_visit`."""
    return find_in_visit([series], networks)[0]


def find_in_visit(
    series: Sequence[Series], networks: BoneNetworks
) -> tuple[tuple[FoundBone, ...], ...]:
    """All bones that the networks see on each series, sure or not, in the order of the classes.

    Series that share a frame of reference help one another where their fields of view overlap.
    """
    answers = [
        coarse_answer(_normalised(one), networks.coarse, networks.weights.coarse) for one in series
    ]
    return tuple(
        _found_on(
            one,
            together(
                own,
                [
                    answer
                    for answer in answers
                    if answer is not own and answer.geometry.shares_frame(own.geometry)
                ],
            ),
            networks,
        )
        for one, own in zip(series, answers, strict=True)
    )


def _normalised(series: Series) -> Volume:
    return series.volume.with_data(normalised(series.volume.data))


def _found_on(series: Series, coarse: CoarseBones, networks: BoneNetworks) -> tuple[FoundBone, ...]:
    pieces = cleaned(coarse)
    if not pieces.pieces:
        return ()
    bone = Volume(pieces.labels > 0, pieces.geometry)
    image, weights = _normalised(series), networks.weights.fine
    said = refined(image, bone, coarse.any_bone, networks.fine, weights)
    return tuple(_found(series, said, coarse, pieces))


def _found(series: Series, said: Volume, coarse: CoarseBones, pieces: Pieces) -> list[FoundBone]:
    near = np.asarray(said.data) > 0
    if not near.any():
        return []
    corner, end = bounding_box(near)
    around = said.crop(corner, end)
    names = named(around.with_data(around.data > 0), coarse, pieces)
    sides = sides_of(pieces, series.side)
    found = []
    for number, box in enumerate(ndimage.find_objects(names, len(pieces.pieces)), start=1):
        if box is None:
            continue
        piece, limb = pieces.pieces[number - 1], sides[pieces.pieces[number - 1].limb]
        block = around.crop(*_ends(box))
        mine = names[box] == number
        mask = _one_bone(block, mine, piece.bone)
        if np.count_nonzero(mask.data) * said.geometry.voxel_mm3 < SMALLEST_MM3:
            continue
        full = _placed(mask, said, corner, box)
        evidence = _evidence(number, full, block, mask, mine, coarse, pieces)
        doubts = (
            *doubts_of_place(piece.bone, series.body_part),
            *doubts_of(piece.bone, evidence),
        )
        found.append(FoundBone(BoneId(piece.bone, limb.side), full, limb.by, evidence, doubts))
    return found


Corner = tuple[int, int, int]


def _ends(box: tuple[slice, ...]) -> tuple[Corner, Corner]:
    i, j, k = box
    return (i.start, j.start, k.start), (i.stop, j.stop, k.stop)


def _placed(mask: Volume, onto: Volume, corner: Corner, box: tuple[slice, ...]) -> Volume:
    """A mask of a box, whose indices count from ``corner``, on the whole grid."""
    whole = np.zeros(onto.geometry.shape, dtype=bool)
    there = tuple(slice(c + one.start, c + one.stop) for c, one in zip(corner, box, strict=True))
    whole[there] = mask.data
    return onto.with_data(whole)


def _one_bone(block: Volume, mine: NDArray[np.bool_], bone: str) -> Volume:
    """The largest piece of what bears one bone's name, or all but crumbs of a group."""
    mask = mine & (np.asarray(block.data) & Said.BONE > 0)
    parts, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    if count == 0:
        return block.with_data(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    kept = sizes == sizes.max()
    if vocabulary().bone(bone).pieces > 1:
        kept = sizes * block.geometry.voxel_mm3 >= CRUMB_MM3
    elif np.count_nonzero(kept) > 1:
        kept = np.arange(len(sizes)) == int(np.argmax(sizes))
    whole = block.with_data(kept[parts])
    return block.with_data(without_small_holes(whole))


def _evidence(
    number: int,
    full: Volume,
    block: Volume,
    mask: Volume,
    mine: NDArray[np.bool_],
    coarse: CoarseBones,
    pieces: Pieces,
) -> Evidence:
    said = np.asarray(block.data)
    inside = np.asarray(mask.data, dtype=bool)
    counts = np.bincount(said[mine], minlength=16)
    flags = np.arange(len(counts))
    band = int(counts[flags & Said.BAND > 0].sum())
    doubtful = int(counts[flags & Said.DOUBTFUL > 0].sum())
    by_coarse = mine & (said & Said.COARSE > 0)
    both = np.count_nonzero(by_coarse & inside)
    either = np.count_nonzero(by_coarse) + np.count_nonzero(inside)
    first = _first_answer(number, coarse, pieces)
    return Evidence(
        volume_mm3=np.count_nonzero(inside) * block.geometry.voxel_mm3,
        ball_mm=_ball_mm(full, pieces),
        is_cut=bool(at_border(full).any()),
        certainty=first.certainty,
        expected=first.expected,
        steadiness=first.steadiness,
        doubtful=doubtful / band if band else 0.0,
        agreement=2 * both / either,
    )


@dataclass(frozen=True, slots=True)
class _FirstAnswer:
    """What the first network says of one piece: see :class:`Evidence`."""

    certainty: float
    expected: float
    steadiness: float


def _first_answer(number: int, coarse: CoarseBones, pieces: Pieces) -> _FirstAnswer:
    mine = pieces.labels == number
    (found,) = ndimage.find_objects(mine.astype(np.uint8))
    near = tuple(slice(max(0, one.start - NEAR_VOXELS), one.stop + NEAR_VOXELS) for one in found)
    others = (pieces.labels[near] > 0) & ~mine[near]
    name = coarse.classes.index(pieces.pieces[number - 1].bone)
    own, inside = coarse.probabilities[name][near], mine[near]
    # What bears the name beyond the nearest voxels, or in another piece, is no part of this one.
    around = ~others & ndimage.binary_dilation(inside, iterations=NEAR_VOXELS)
    plain, mirrored = (answer[near][around] == name for answer in coarse.answers)
    called = np.count_nonzero(plain) + np.count_nonzero(mirrored)
    return _FirstAnswer(
        certainty=float(own[inside].mean()),
        expected=float(2 * own[inside].sum() / (own[around].sum() + np.count_nonzero(inside))),
        steadiness=2 * np.count_nonzero(plain & mirrored) / called if called else 0.0,
    )


def _ball_mm(mask: Volume, pieces: Pieces) -> float:
    """Diameter of the largest ball inside, on the coarse grid; beyond the image bone runs on."""
    spacing = pieces.geometry.spacing_mm
    inside = sampled(
        mask.with_data(np.asarray(mask.data, dtype=np.uint8)), pieces.geometry, order=0
    )
    if inside.all():
        return float("inf")
    depth = ndimage.distance_transform_edt(inside > 0, sampling=spacing)
    return 2 * float(depth.max()) - float(np.mean(spacing))
