"""Found outlines come out as they may be handed back in; handed-in masks do not come out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from marrowtrail.anatomy.bones import BoneMap, BoneVerdict
from marrowtrail.anatomy.mapping import describe_bone
from marrowtrail.imaging.nifti import NiftiBones, read_labels
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.result.found_bones import write_found_bones
from tests.anatomy.made_knee import bone, grid

GRID = grid((3.0, 3.0, 4.0))


def knee(*, is_found: bool) -> BoneMap:
    femur, tibia = (
        replace(
            describe_bone(BoneId(name, Side.LEFT), bone(name, Side.LEFT, GRID), "x"),
            is_found=is_found,
        )
        for name in ("femur", "tibia")
    )
    tibia = replace(tibia, verdict=BoneVerdict.UNSURE, reason="for this test")
    return BoneMap("v1-s2", "v1", GRID, (femur, tibia))


def test_what_was_found_reads_back_as_a_mask(tmp_path: Path) -> None:
    found = knee(is_found=True)
    write_found_bones([found], tmp_path)
    table = tmp_path / "v1-s2-bones.json"
    back = read_labels(NiftiBones(tmp_path / "v1-s2-bones.nii.gz", table))
    assert back.labels.geometry.same_grid(GRID)
    for (value, bone_id), one in zip(back.names, found.bones, strict=True):
        assert bone_id == BoneId(one.id.bone, one.id.side)
        assert np.array_equal(back.labels.data == value, one.mask.data)
    said = json.loads(table.read_text())
    assert said["1"]["verdict"] == "accepted"
    assert said["2"] == {
        "bone": "tibia",
        "side": "left",
        "verdict": "unsure",
        "reason": "for this test",
    }


def test_masks_that_were_handed_in_are_not_written_again(tmp_path: Path) -> None:
    write_found_bones([knee(is_found=False)], tmp_path)
    write_found_bones([], tmp_path)
    assert list(tmp_path.iterdir()) == []
