"""The bones of every series of a visit: from masks handed in, else found by the networks.

A mask wins wherever there is one. The networks are asked about a series that no mask covers, and
about one whose masks lack a bone of the joint that its header names; there a found bone fills in
only what no mask draws, neither by name nor by place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.anatomy.agreement import compared
from marrowtrail.anatomy.axes import bone_axes
from marrowtrail.anatomy.bones import Bone, BoneMap, BoneVerdict
from marrowtrail.anatomy.extent import at_border
from marrowtrail.anatomy.finding.finder import FoundBone, find_in_visit
from marrowtrail.anatomy.finding.networks import (
    BoneNetworks,
    Weights,
    packaged_networks,
)
from marrowtrail.anatomy.finding.sides import SideFrom
from marrowtrail.anatomy.regions import name_parts
from marrowtrail.imaging.series import BoneLabels, Series
from marrowtrail.imaging.volume import Volume, bounding_box, resample
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.record.vocabulary import vocabulary

SMALLEST_BONE_MM3 = 400.0
"""Less than this is a sliver at the edge of the field of view, not a bone to measure: it is
a cube of 7 mm, a tenth of the smallest tarsal bone."""

ONE_PIECE_SHARE = 0.9
"""A bone is one piece. With less of its voxels in the largest one, the mask is doubted;
label maps drawn on thick slices leave crumbs of a few per cent."""

OVERLAP_SHARE = 0.05
"""A found bone that shares more of itself with masks that were handed in is one of their bones by
another name; bones that touch share a few voxels at their edges."""


def map_visit(
    series: Sequence[Series],
    labels: tuple[BoneLabels, ...],
    networks: BoneNetworks | None = None,
) -> tuple[BoneMap, ...]:
    """Bones of every series of a visit.

    A piece too short to tell which end of its bone it is takes that from the other series of
    its exam (its frame of reference), where they agree; so does a found bone of unknown side.

    Parameters
    ----------
    series
        Of one visit.
    labels
        Masks that were handed in for it.
    networks
        Those of the package where not given; they are loaded only if a series needs them.

    Raises
    ------
    InputError
        If networks are needed, and one of their files is missing or altered.
    """
    maps = [map_bones(one, labels) for one in series]
    asked = [lacks_bones(one, own) for one, own in zip(series, maps, strict=True)]
    if any(asked):
        networks = networks or packaged_networks()
        seen = iter(find_in_visit(list(compress(series, asked)), networks))
        found = _with_sides_of_exam([next(seen) if one else () for one in asked], maps)
        maps = [
            _filled_in(own, fresh, networks.weights) if wanted else own
            for own, fresh, wanted in zip(maps, found, asked, strict=True)
        ]
    return compared([_with_ends_of_exam(one, maps) for one in maps])


def lacks_bones(series: Series, masks: BoneMap) -> bool:
    """Whether the networks have something to add to the masks of a series.

    No mask covers it, or the joint that its header names has a bone that no mask draws.
    """
    if not masks.bones:
        return True
    words = vocabulary()
    if series.body_part not in {joint.key for joint in words.joints if joint.lower_limb}:
        return False
    drawn = {bone.id.bone for bone in masks.bones}
    return any(series.body_part in bone.joints and bone.key not in drawn for bone in words.bones)


def _with_sides_of_exam(
    found: Sequence[tuple[FoundBone, ...]], maps: Sequence[BoneMap]
) -> list[tuple[FoundBone, ...]]:
    """Found bones whose side nothing tells take that of the other series in their frame."""
    told = []
    for own, fresh in zip(maps, found, strict=True):
        sides = {
            bone_id.side
            for other, others in zip(maps, found, strict=True)
            if other.geometry.shares_frame(own.geometry)
            for bone_id in [*(bone.id for bone in other.bones), *(bone.id for bone in others)]
        } & {Side.LEFT, Side.RIGHT}
        side = sides.pop() if len(sides) == 1 else Side.UNKNOWN
        told.append(tuple(_told(one, side) for one in fresh))
    return told


def _told(one: FoundBone, side: Side) -> FoundBone:
    if one.id.side is not Side.UNKNOWN or side is Side.UNKNOWN:
        return one
    return replace(one, id=replace(one.id, side=side), side_from=SideFrom.EXAM)


def _filled_in(own: BoneMap, found: Sequence[FoundBone], weights: Weights) -> BoneMap:
    """The masks of a series, and the found bones that are none of theirs."""
    names = {(bone.id.bone, bone.id.side) for bone in own.bones}
    drawn = np.zeros(own.geometry.shape, dtype=bool)
    for bone in own.bones:
        drawn |= np.asarray(bone.mask.data, dtype=bool)
    fresh = [
        _described(one, weights.version)
        for one in found
        if (one.id.bone, one.id.side) not in names
        if np.count_nonzero(drawn & one.mask.data)
        <= OVERLAP_SHARE * np.count_nonzero(one.mask.data)
    ]
    return replace(own, bones=(*own.bones, *fresh), network=weights)


def _described(one: FoundBone, version: str) -> Bone:
    source = f"found by bone network {version}, side from {one.side_from.value}"
    bone = describe_bone(one.id, one.mask, source)
    doubts = [*one.doubts, *([bone.reason] if bone.reason else [])]
    verdict = BoneVerdict.UNSURE if doubts else BoneVerdict.ACCEPTED
    return replace(bone, verdict=verdict, reason="; ".join(doubts), is_found=True)


def _with_ends_of_exam(bone_map: BoneMap, maps: Sequence[BoneMap]) -> BoneMap:
    exam = [one for one in maps if one.geometry.shares_frame(bone_map.geometry)]
    bones = []
    for bone in bone_map.bones:
        ends = {
            other.id.end
            for one in exam
            for other in one.bones
            if (other.id.bone, other.id.side) == (bone.id.bone, bone.id.side) and other.id.end
        }
        takes_over = not bone.id.end and len(ends) == 1
        bones.append(replace(bone, id=replace(bone.id, end=ends.pop())) if takes_over else bone)
    return replace(bone_map, bones=tuple(bones))


def map_bones(series: Series, labels: tuple[BoneLabels, ...]) -> BoneMap:
    """Bones of a series from the masks of its visit.

    Masks drawn on the series itself are taken as they are; else those of the same frame of
    reference are brought onto its grid, which the bone's ``source`` says. There may be several:
    one for each limb, or for each bone. A bone that two of them hold is taken from the first.
    """
    bones: list[Bone] = []
    drawn: set[BoneId] = set()
    for chosen in _choose(series, labels):
        volume, source = _on_grid(series, chosen)
        for value, bone_id in chosen.names:
            mask = volume.with_data(volume.data == value)
            if bone_id not in drawn and _volume_mm3(mask) >= SMALLEST_BONE_MM3:
                drawn.add(bone_id)
                bones.append(describe_bone(bone_id, mask, source))
    return BoneMap(series.id, series.visit_id, series.volume.geometry, tuple(bones))


def describe_bone(bone_id: BoneId, mask: Volume, source: str) -> Bone:
    """Axes, regions and verdict of one mask; its id says which end of the bone it holds.

    Raises
    ------
    ValueError
        If the mask is empty.
    """
    is_one = vocabulary().bone(bone_id.bone).pieces == 1
    piece, verdict, reason = _largest_piece(mask) if is_one else (mask, BoneVerdict.ACCEPTED, "")
    axes = bone_axes(bone_id, piece)
    parts = name_parts(bone_id, piece, axes)
    cut = bool(at_border(piece).any())
    bone_id = replace(bone_id, end=_end_in_view(bone_id.bone, parts.region_names))
    return Bone(
        bone_id,
        piece,
        parts.regions,
        parts.region_names,
        axes,
        source,
        verdict,
        reason,
        cut,
        subregions=parts.subregions,
        subregion_names=parts.subregion_names,
    )


def _end_in_view(bone: str, region_names: tuple[str, ...]) -> str:
    """The joint whose end was imaged; empty for a bone of one joint, or with both ends."""
    words = vocabulary()
    joints = {words.joint_of(bone, region) for region in region_names} - {None}
    several = len(words.bone(bone).joints) > 1
    return str(joints.pop()) if several and len(joints) == 1 else ""


def _choose(series: Series, labels: tuple[BoneLabels, ...]) -> list[BoneLabels]:
    """The masks that lie nearest: of this series, on its grid, or in its frame of reference."""
    geometry = series.volume.geometry
    drawn_here = [one for one in labels if one.labels.geometry.same_grid(geometry)]
    by_name = [one for one in drawn_here if one.series_uid == series.source_uid]
    in_frame = [one for one in labels if one.labels.geometry.shares_frame(geometry)]
    return by_name or drawn_here or in_frame


def _on_grid(series: Series, chosen: BoneLabels) -> tuple[Volume, str]:
    geometry = series.volume.geometry
    if chosen.labels.geometry.same_grid(geometry):
        return Volume(chosen.labels.data, geometry), chosen.source
    moved = resample(chosen.labels, geometry, order=0)
    return moved, f"{chosen.source}, drawn on another series of the visit"


def _largest_piece(mask: Volume) -> tuple[Volume, BoneVerdict, str]:
    data = np.asarray(mask.data, dtype=bool)
    start, stop = bounding_box(data)
    block = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    pieces, count = ndimage.label(data[block], structure=np.ones((3, 3, 3)))
    if count <= 1:
        return mask, BoneVerdict.ACCEPTED, ""
    sizes: NDArray[np.int64] = np.bincount(pieces.ravel())[1:]
    share = float(sizes.max() / sizes.sum())
    if share < ONE_PIECE_SHARE:
        reason = f"its mask is in {count} pieces, the largest holds {share:.0%}"
        return mask, BoneVerdict.UNSURE, reason
    largest = np.zeros_like(data)
    largest[block] = pieces == 1 + int(np.argmax(sizes))
    return mask.with_data(largest), BoneVerdict.ACCEPTED, ""


def _volume_mm3(mask: Volume) -> float:
    return float(np.count_nonzero(mask.data)) * mask.geometry.voxel_mm3
