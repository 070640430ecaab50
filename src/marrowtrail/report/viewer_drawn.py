"""One series on the grid of a place: its signal, and what is outlined on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import Bone, BoneMap, BoneVerdict
from marrowtrail.imaging.series import Study
from marrowtrail.lesions.lesion import BoneReading, Lesion
from marrowtrail.record.sites import BoneId
from marrowtrail.report.motion import Frame
from marrowtrail.report.outlines import HALF
from marrowtrail.report.viewer_field import field_paths
from marrowtrail.report.viewer_frame import ViewerFrame
from marrowtrail.report.viewer_outlines import mask_share, paths_of
from marrowtrail.report.viewer_stack import Stack, brought_onto, coverage, inner, normal_marrow
from marrowtrail.report.words import bone_name, region_name
from marrowtrail.result.viewer_rows import ViewerOutlineKind, ViewerOutlineRow


@dataclass(frozen=True, slots=True, eq=False)
class ViewerAtlas:
    """Bones and lesions by the frame that they lie in."""

    maps: tuple[tuple[Frame, BoneMap], ...]
    found: tuple[tuple[Frame, Lesion], ...]

    @classmethod
    def of(
        cls, study: Study, bone_maps: tuple[BoneMap, ...], readings: tuple[BoneReading, ...]
    ) -> ViewerAtlas:
        """All of a study."""
        frames = {s.id: Frame.of(s) for visit in study.visits for s in visit.series}
        lesions = (lesion for reading in readings for lesion in reading.lesions)
        return cls(
            tuple((frames[one.series_id], one) for one in bone_maps),
            tuple((frames[lesion.series_id], lesion) for lesion in lesions),
        )

    def bone(self, bone_id: BoneId, frame: ViewerFrame) -> Bone | None:
        """The bone on the series itself, or on another one of its frame."""
        here = Frame.of(frame.series)
        shown = [
            (one.series_id != frame.series.id, one.series_id, bone)
            for home, one in self.maps
            if home == here and (bone := one.get(bone_id)) is not None
        ]
        return min(shown, key=lambda one: one[:2])[2] if shown else None

    def lesions(self, frame: ViewerFrame) -> tuple[Lesion, ...]:
        """Every lesion of the frame."""
        here = Frame.of(frame.series)
        return tuple(lesion for home, lesion in self.found if home == here)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnFrame:
    """``stack`` is signal in units of normal marrow, on the grid of the place."""

    stack: Stack
    outlines: tuple[ViewerOutlineRow, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Marked:
    """What is known of a patient frame, for every series of it: marrow, and outlines."""

    marrow: tuple[NDArray[np.bool_], ...]
    outlines: tuple[ViewerOutlineRow, ...]


def draw_frames(
    frames: Sequence[ViewerFrame], bone_id: BoneId, atlas: ViewerAtlas
) -> tuple[DrawnFrame, ...]:
    """Every series as the viewer shows it. Outlines stand with the first series of their frame."""
    marked: dict[Frame, _Marked] = {}
    drawn = []
    for frame in frames:
        here = Frame.of(frame.series)
        is_first = here not in marked
        if is_first:
            same = [one.series.id for one in frames if Frame.of(one.series) == here]
            marked[here] = _mark(frame, tuple(same), bone_id, atlas)
        drawn.append(_draw(frame, marked[here], is_first=is_first))
    return tuple(drawn)


def _draw(frame: ViewerFrame, marked: _Marked, *, is_first: bool) -> DrawnFrame:
    volume = frame.series.volume
    share = coverage(volume.geometry, frame.grid, frame.motion)
    stack = brought_onto(volume, frame.grid, frame.motion, share)
    field = [] if share.all() else [_field(frame)]
    outlines = (*field, *(marked.outlines if is_first else ()))
    return DrawnFrame(stack / np.float32(normal_marrow(stack, marked.marrow)), outlines)


def _mark(
    frame: ViewerFrame, series: tuple[str, ...], bone_id: BoneId, atlas: ViewerAtlas
) -> _Marked:
    bone = atlas.bone(bone_id, frame)
    lesions = [(one, mask_share(one.mask, frame)) for one in atlas.lesions(frame)]
    shown = [(one, share) for one, share in lesions if (share > HALF).any()]

    def row(kind: ViewerOutlineKind, name: str, share: NDArray[np.float32]) -> ViewerOutlineRow:
        return ViewerOutlineRow(
            visit=frame.series.visit_id, series=series, kind=kind, name=name, paths=paths_of(share)
        )

    outlines = [
        row("lesion", region_name(one.bone.bone, one.main_region, one.bone.side), share)
        for one, share in shown
    ]
    if bone is None:
        return _Marked((), tuple(outlines))
    share = mask_share(bone.mask, frame)
    oedema = np.zeros(share.shape, dtype=bool)
    for _, part in shown:
        oedema |= part > HALF
    whole = share > HALF
    marrow = (inner(whole, frame.grid.spacing_mm) & ~oedema,)
    return _Marked(marrow, (row("bone", _name(bone), share), *outlines))


def _field(frame: ViewerFrame) -> ViewerOutlineRow:
    """What the series' field of view holds."""
    series = frame.series
    paths = field_paths(series.volume.geometry, frame.grid, frame.motion)
    return ViewerOutlineRow(
        visit=series.visit_id, series=(series.id,), kind="imaged", name="", paths=paths
    )


def _name(bone: Bone) -> str:
    name = bone_name(bone.id.bone, bone.id.side, bone.id.end)
    return f"{name}, outline unsure" if bone.verdict is BoneVerdict.UNSURE else name
