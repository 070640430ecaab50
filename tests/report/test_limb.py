"""The drawn limb covers the vocabulary, and its places make anatomical sense."""

from __future__ import annotations

import re

import pytest

from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import BoneTerm, vocabulary
from marrowtrail.report.limb import limb_map

LOWER = [bone for bone in vocabulary().bones if bone.lower_limb]


def box(path: str) -> tuple[float, float, float, float]:
    """Bounds of all points of an outline."""
    numbers = [float(text) for text in re.findall(r"-?\d+(?:\.\d+)?", path)]
    xs, ys = numbers[0::2], numbers[1::2]
    return min(xs), min(ys), max(xs), max(ys)


@pytest.mark.parametrize("bone", LOWER, ids=lambda bone: bone.key)
def test_every_bone_of_the_lower_limb_and_every_region_has_a_place(bone: BoneTerm) -> None:
    sites = limb_map().sites[bone.key]
    assert set(sites.regions) == {region.key for region in bone.regions}
    shape = next(shape for shape in limb_map().bones if shape.key == bone.key)
    left, top, right, bottom = box(shape.path)
    for x, y in (sites.default, *sites.regions.values()):
        assert left < x < right
        assert top < y < bottom


def test_nothing_else_is_drawn() -> None:
    keys = {bone.key for bone in LOWER}
    assert set(limb_map().sites) == keys
    assert {shape.key for shape in limb_map().bones} == keys
    assert limb_map().site("sacrum", "unspecified", Side.RIGHT) is None
    assert limb_map().site("femur", "head", Side.UNKNOWN) is None


def test_every_joint_of_the_lower_limb_has_a_window_about_its_regions() -> None:
    joints = {joint.key for joint in vocabulary().joints if joint.lower_limb}
    assert set(limb_map().joints) == joints
    for bone in LOWER:
        for region in bone.regions:
            if region.joint in joints:
                window = limb_map().window(region.joint, Side.RIGHT)
                assert window is not None
                x, y = limb_map().sites[bone.key].regions[region.key]
                assert window.x < x < window.x + window.width, (bone.key, region.key)
                assert window.y < y < window.y + window.height, (bone.key, region.key)
    assert limb_map().window("sacroiliac", Side.RIGHT) is None
    assert limb_map().window("knee", Side.MIDLINE) is None


def test_medial_is_towards_the_midline_on_both_sides() -> None:
    """The patient's right limb stands on the viewer's left, so its medial side is on the right."""
    for bone, medial, lateral in (
        ("femur", "medial_condyle", "lateral_condyle"),
        ("tibia", "medial_plateau", "lateral_plateau"),
        ("talus", "medial_dome", "lateral_dome"),
        ("patella", "medial_facet", "lateral_facet"),
    ):
        for side, sign in ((Side.RIGHT, 1), (Side.LEFT, -1)):
            inner = limb_map().site(bone, medial, side)
            outer = limb_map().site(bone, lateral, side)
            assert inner is not None
            assert outer is not None
            assert sign * (inner[0] - outer[0]) > 0
    fibula = limb_map().site("fibula", "shaft", Side.RIGHT)
    tibia = limb_map().site("tibia", "shaft", Side.RIGHT)
    assert fibula is not None
    assert tibia is not None
    assert fibula[0] < tibia[0]


def test_joints_follow_from_the_trunk_down() -> None:
    order = sorted((j for j in vocabulary().joints if j.lower_limb), key=lambda j: j.level)
    heights = [limb_map().joints[joint.key].y for joint in order]
    assert heights == sorted(heights)


def test_an_unnamed_region_stands_in_the_middle_of_its_bone() -> None:
    assert (
        limb_map().site("cuboid", "unspecified", Side.RIGHT) == limb_map().sites["cuboid"].default
    )
