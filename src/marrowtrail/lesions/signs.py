"""Signs beside oedema: a subchondral fracture line, a low-signal area, a demarcation zone.

Every bone with oedema is looked at on all series of its visit that can show the sign. What a
series could not have shown is *not assessable*, with the reason: silence would read as absence,
and absence decides between necrosis and a lesion that heals. Bones without oedema are not looked
at, and signs of collapse, cysts and erosions are left to a reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import Bone, BoneMap
from marrowtrail.imaging.series import Series
from marrowtrail.lesions.lesion import BoneReading, Lesion, Sign, SignKind, SignState
from marrowtrail.lesions.sign_states import Judged, judge_demarcation, judge_line, judge_low_signal
from marrowtrail.lesions.sign_views import SignView, sign_views

MISSING = "slices of the bone are missing, and it may lie in them"
NOT_SHOWN = "no series on which it could be seen covers the oedema in one frame of reference"


def look_for_signs(
    readings: Sequence[BoneReading], series: Sequence[Series], bone_maps: Sequence[BoneMap]
) -> tuple[Sign, ...]:
    """Every sign of every bone with oedema, each with its state and reason.

    ``series`` and ``bone_maps`` are those of all visits that were read.
    """
    return tuple(
        sign
        for reading in readings
        if reading.lesions
        for sign in _signs(reading, sign_views(reading, series, bone_maps))
    )


def _signs(reading: BoneReading, views: Sequence[SignView]) -> tuple[Sign, ...]:
    if not views:
        nothing = Judged(SignState.NOT_ASSESSABLE, NOT_SHOWN)
        return tuple(_sign(reading, kind, nothing) for kind in SignKind)
    rim = judge_demarcation(views)
    area = judge_low_signal(views, rim)
    line = judge_line(views, (rim, area))
    judged = {
        SignKind.SUBCHONDRAL_LINE: line,
        SignKind.LOW_SIGNAL_AREA: area,
        SignKind.DEMARCATION: rim,
    }
    return tuple(_sign(reading, kind, _as_far_as_seen(reading, judged[kind])) for kind in SignKind)


def _as_far_as_seen(reading: BoneReading, judged: Judged) -> Judged:
    """Nothing is absent from a bone of which slices are missing."""
    if not reading.is_part or judged.state is not SignState.ABSENT:
        return judged
    return replace(judged, state=SignState.NOT_ASSESSABLE, reason=MISSING, confidence=0.0)


def _sign(reading: BoneReading, kind: SignKind, judged: Judged) -> Sign:
    region, lesion = None, reading.lesions[0]
    if judged.view is not None and judged.points_lps is not None:
        region = _region(judged.view.bone, judged.points_lps)
        lesion = _nearest(reading.lesions, judged.points_lps)
    return Sign(
        kind,
        reading.visit_id,
        reading.bone,
        lesion.id,
        judged.state,
        judged.reason,
        None if judged.length_mm is None else round(judged.length_mm, 1),
        None if judged.thickness_mm is None else round(judged.thickness_mm, 2),
        round(judged.confidence, 3),
        region,
    )


def _region(bone: Bone, points: NDArray[np.float64]) -> str | None:
    """The region with most of the points; ``None`` where none is named there."""
    voxels = np.round(bone.regions.geometry.to_ijk(points)).astype(int)
    voxels = np.clip(voxels, 0, np.asarray(bone.regions.geometry.shape) - 1)
    counts = np.bincount(bone.regions.data[tuple(voxels.T)], minlength=len(bone.region_names) + 1)
    if not counts[1:].any():
        return None
    return bone.region_names[int(np.argmax(counts[1:]))]


def _nearest(lesions: Sequence[Lesion], points: NDArray[np.float64]) -> Lesion:
    """The lesion whose middle lies nearest; the largest is first and wins a tie."""
    middle = points.mean(axis=0)
    return min(lesions, key=lambda one: round(float(np.linalg.norm(one.centroid_lps - middle)), 3))
