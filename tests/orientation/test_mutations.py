"""The battery finds every mistake of orientation that is put into the program on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marrowtrail.anatomy import mapping
from marrowtrail.anatomy.bones import BoneAxes
from marrowtrail.imaging import nifti, plan, study, write_nifti
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import BoneLabels
from marrowtrail.imaging.volume import Volume
from marrowtrail.report import display, figures
from marrowtrail.report.display import DisplayedSlice
from tests.orientation.checks import disagreements
from tests.orientation.design import Combination

TWO = (
    Combination(
        *("FFS", "sagittal", "double", "swapped, rows negated", "shuffled", "descending"),
        *("left", "2D thick", "201", "+-+"),
    ),
    Combination(
        *("HFDR", "coronal", "single", "columns negated", "descending", "shuffled"),
        *("right", "3D isotropic", "120", "-++"),
    ),
)
"""Enough to see each mistake below, in one of them at least."""


@dataclass(frozen=True)
class Mistake:
    """What is put in, and a part of the battery that must object."""

    name: str
    owner: Any
    attribute: str
    wrong: Callable[[Any], Any]
    seen_in: str


def _after(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function as it is, with its answer changed."""

    def wrong(right: Any) -> Any:
        if isinstance(right, property):
            return property(lambda one: change(right.fget(one)))
        return lambda *args, **kwargs: change(right(*args, **kwargs))

    return wrong


def _data(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A volume, or bones, with another array on the same grid."""

    def changed(one: Any) -> Any:
        if one is None:
            return None
        return Volume(np.ascontiguousarray(change(one.data)), one.geometry)

    return _after(changed)


def _seg(one: Any) -> Any:
    def turned(bones: BoneLabels) -> BoneLabels:
        labels = bones.labels
        return replace(bones, labels=Volume(labels.data[::-1].copy(), labels.geometry))

    return replace(one, bones=tuple(turned(bones) for bones in one.bones))


def _untransposed(data: Any) -> Any:
    return data.transpose(1, 0, 2).reshape(data.shape)


MISTAKES = (
    Mistake("x is flipped", Geometry, "to_lps", _after(lambda p: p * [-1, 1, 1]), "refused"),
    Mistake("i and k exchanged", Geometry, "to_ijk", _after(lambda p: p[..., ::-1]), "refused"),
    Mistake("rows reversed", study, "read_pixels", _data(lambda d: d[:, ::-1]), "geometry"),
    Mistake("columns reversed", study, "read_pixels", _data(lambda d: d[::-1]), "geometry"),
    Mistake("slices reversed", study, "read_pixels", _data(lambda d: d[:, :, ::-1]), "geometry"),
    Mistake("no transpose", study, "read_pixels", _data(_untransposed), "geometry"),
    Mistake("SEG mirrored", study, "read_segmentation", _after(_seg), "masks"),
    Mistake("mask reversed", study, "in_order_of", _data(lambda d: d[::-1, ::-1]), "masks"),
    Mistake("NIfTI read as LPS", nifti, "LPS_FROM_RAS", lambda _: np.eye(4), "refused"),
    Mistake("NIfTI written as LPS", write_nifti, "LPS_FROM_RAS", lambda _: np.eye(4), "labels"),
    Mistake("side exchanged", plan, "side", _after(lambda s: (s[0].opposite, s[1])), "side"),
    Mistake(
        "lateral is medial",
        mapping,
        "bone_axes",
        _after(lambda a: BoneAxes(a.origin_lps, -a.lateral, a.anterior, a.proximal)),
        "regions",
    ),
    Mistake(
        "rows are the normal",
        plan,
        "nearest_plane",
        lambda right: lambda grid, **_: right(grid, slices=0),
        "side",
    ),
    Mistake("page mirrored", DisplayedSlice, "page", _after(lambda p: p[:, ::-1]), "pictures"),
    Mistake("page upside down", DisplayedSlice, "page", _after(lambda p: p[::-1]), "pictures"),
    Mistake("outlines mirrored", figures, "mask_on_page", _after(lambda m: m[:, ::-1]), "pictures"),
    Mistake(
        "letters exchanged",
        DisplayedSlice,
        "letters",
        _after(lambda s: (s[1], s[0], s[2], s[3])),
        "pictures",
    ),
    Mistake(
        "left is called right",
        display,
        "LETTERS",
        lambda right: (right[0][::-1], *right[1:]),
        "pictures",
    ),
    Mistake(
        "shown from the other side",
        display,
        "PAGE",
        lambda right: {plane: (-across, down) for plane, (across, down) in right.items()},
        "pictures",
    ),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one.name)
def test_it_is_found(mistake: Mistake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    right = vars(mistake.owner)[mistake.attribute]
    monkeypatch.setattr(mistake.owner, mistake.attribute, mistake.wrong(right))
    # One combination after the other: most mistakes show in the first.
    assert any(
        mistake.seen_in == one.about
        for number, combination in enumerate(TWO)
        for one in disagreements(combination, tmp_path / str(number))
    )


def test_without_a_mistake_nothing_is_found(tmp_path: Path) -> None:
    for number, combination in enumerate(TWO):
        assert disagreements(combination, tmp_path / str(number)) == []
