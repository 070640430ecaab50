"""What was seen, or why nothing could be: a state for each sign from all series of a visit.

``absent`` is said only where a series could have shown the sign. Limits are set on synthetic
patients of the building family, and measured on the other (``marrowtrail evaluate signs``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from marrowtrail.imaging.series import Weighting
from marrowtrail.lesions.dark_rims import find_rims
from marrowtrail.lesions.demarcation import Demarcation, join_rims
from marrowtrail.lesions.lesion import SignState
from marrowtrail.lesions.low_signal import LowSignal, find_low_signal, has_marrow_beneath
from marrowtrail.lesions.sign_views import SignView
from marrowtrail.lesions.stripes import find_stripes
from marrowtrail.lesions.subchondral_line import Line, join_stripes

NO_JOINT = "no joint surface near the oedema is in the images"
NO_FAT = (
    "no T1 series, nor a PD or T2 without fat suppression, shows it together with the oedema; "
    "a T1 series would settle it"
)
NO_MARROW = "no normal marrow of the bone is left to hold it against"
T1_ONLY = "dark on T1 only, where oedema itself may be as dark"
PARTLY_SHOWN = "the images that could show it hold only a part of the oedema"
THIN_BONE = "too little marrow lies beneath the plate to compare it with"
PARTLY_COVERED = "too little of the joint surface over the oedema stands square in the slices"

LINE_PRESENT_MM2, LINE_POSSIBLE_MM2 = 14.0, 8.0
"""Area times contrast of a line: a line of 9 by 5 mm that lacks a third of the signal about it has
14 mm2."""

AREA_PRESENT_MM2, AREA_POSSIBLE_MM2 = 25.0, 14.0
AREA_DARKNESS = 0.55
"""An area of low signal is as dark as sclerosis: oedema of a plate's blur is half as dark."""

RIM_PRESENT, RIM_POSSIBLE = 0.12, 0.08
"""Contrast of all but a sixth of a rim, as a share of the signal of normal marrow."""

STEEPNESS = 4.0
"""How fast certainty rises with the logarithm of the evidence: at half of what is called present
it is 6 %, at twice that 94 %."""

MOST_CERTAIN = 0.95
"""No state is more certain than this: limits that were set on synthetic images bear no more."""

SAME_MM = 3.0
"""What lies nearer to a rim or an area than this, or within a rim, belongs to it and is no sign of
its own."""

SHORTEST_LINE_MM, SHORTEST_POSSIBLE_MM = 6.0, 4.0
"""A shorter line is possible at most, or none: ends of bands, vessels and grain are as long."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A sign of one bone at one visit.

    ``points_lps`` (n, 3) is where it lies, ``None`` for nothing; ``view`` the series that shows
    it best; ``evidence`` what was held against the limits; ``is_rim`` that it encloses marrow.
    """

    state: SignState
    reason: str
    confidence: float = 0.0
    length_mm: float | None = None
    thickness_mm: float | None = None
    points_lps: NDArray[np.float64] | None = None
    view: SignView | None = None
    evidence: float = 0.0
    is_rim: bool = False


Found = TypeVar("Found", Line, LowSignal, Demarcation)


@dataclass(frozen=True, slots=True, eq=False)
class Best(Generic[Found]):
    """The best candidate of all series: where, and how much speaks for it."""

    view: SignView
    found: Found
    evidence: float


def judge_demarcation(views: Sequence[SignView]) -> Judged:
    """Whether a dark rim encloses a piece of marrow at the joint surface."""
    keeping = [view for view in views if view.keeps_fat]
    shown = [view for view in keeping if view.level is not None]
    if not shown:
        return Judged(SignState.NOT_ASSESSABLE, NO_MARROW if keeping else NO_FAT)
    if not any(view.strips for view in shown):
        return Judged(SignState.NOT_ASSESSABLE, NO_JOINT)
    candidates = [
        Best(view, rim, rim.evidence) for view in shown if (rim := _demarcation(view)) is not None
    ]
    best = max(candidates, key=lambda one: one.evidence, default=None)
    state = _state(best, RIM_PRESENT, RIM_POSSIBLE)
    if state is SignState.ABSENT or best is None:
        if not any(view.is_covered and view.is_fine for view in shown):
            return Judged(SignState.NOT_ASSESSABLE, _why_not(shown), evidence=_evidence(best))
        reason = (
            f"no closed dark rim about marrow at the joint surface on {_names(shown)}; "
            "necrosis that is not demarcated yet shows none"
        )
        certain = 1.0 - _certainty(_evidence(best), RIM_PRESENT)
        return Judged(SignState.ABSENT, reason, certain, evidence=_evidence(best))
    rim = best.found
    doubt = "" if state is SignState.PRESENT else "faint or in one slice only: "
    reason = (
        f"{doubt}dark rim, closed towards the joint, in {len(rim.slices)} slice(s) of "
        f"{_name(best.view)}, about {rim.volume_mm3 / 1000:.1f} ml of marrow that keeps its fat; "
        "whether the line is double was not judged"
    )
    return replace(_shown(state, reason, best, RIM_PRESENT, rim.points_lps), is_rim=True)


def judge_low_signal(views: Sequence[SignView], rim: Judged) -> Judged:
    """Whether the subchondral plate carries an area of low signal."""
    shown = [view for view in views if view.keeps_fat]
    if not shown:
        return Judged(SignState.NOT_ASSESSABLE, NO_FAT)
    if not any(view.strips for view in shown):
        return Judged(SignState.NOT_ASSESSABLE, NO_JOINT)
    candidates = [
        Best(view, area, area.area_mm2)
        for view in shown
        for area in find_low_signal(view.strips, view.spacing_mm)
        if area.darkness >= AREA_DARKNESS and not _belongs(area.points_lps, rim)
    ]
    best = max(candidates, key=lambda one: _weight_of_area(one, views), default=None)
    state = _state(best, AREA_PRESENT_MM2, AREA_POSSIBLE_MM2)
    if state is SignState.ABSENT or best is None:
        if not any(view.is_covered and view.is_fine for view in shown):
            return Judged(SignState.NOT_ASSESSABLE, _why_not(shown), evidence=_evidence(best))
        if not any(has_marrow_beneath(view.strips) for view in shown if view.is_covered):
            return Judged(SignState.NOT_ASSESSABLE, THIN_BONE, evidence=_evidence(best))
        reason = f"the plate over the oedema is no thicker than usual on {_names(shown)}"
        certain = 1.0 - _certainty(_evidence(best), AREA_PRESENT_MM2)
        return Judged(SignState.ABSENT, reason, certain, evidence=_evidence(best))
    area = best.found
    may_be_oedema = not _is_no_oedema(best, views)
    doubt = "" if state is SignState.PRESENT else "small: "
    if may_be_oedema:
        state, doubt = SignState.EQUIVOCAL, f"{T1_ONLY}: "
    reason = (
        f"{doubt}dark area on the plate in {len(area.slices)} slice(s) of {_name(best.view)}, "
        f"{area.thickness_mm:.1f} mm thick and {area.length_mm:.0f} mm long"
    )
    judged = _shown(state, reason, best, AREA_PRESENT_MM2, area.points_lps)
    certain = min(judged.confidence, 0.5) if may_be_oedema else judged.confidence
    return replace(judged, confidence=certain)


def judge_line(views: Sequence[SignView], others: Sequence[Judged]) -> Judged:
    """Whether a thin dark line runs parallel to the joint surface within the oedema.

    What belongs to an area or a rim (``others``) is no line.
    """
    if not any(view.strips for view in views):
        return Judged(SignState.NOT_ASSESSABLE, NO_JOINT)
    fine = [view for view in views if view.is_fine]
    if not fine:
        return Judged(SignState.NOT_ASSESSABLE, _why_not(views))
    candidates = [
        Best(view, line, line.evidence_mm2)
        for view in fine
        for line in join_stripes(find_stripes(view.strips), view.spacing_mm)
        if line.length_mm >= SHORTEST_POSSIBLE_MM
        and not any(_belongs(_middle(line), other) for other in others)
    ]
    best = max(candidates, key=lambda one: one.evidence, default=None)
    state = _state(best, LINE_PRESENT_MM2, LINE_POSSIBLE_MM2)
    if state is SignState.PRESENT and best and best.found.length_mm < SHORTEST_LINE_MM:
        state = SignState.EQUIVOCAL
    if state is SignState.ABSENT or best is None:
        if not any(view.is_covered for view in fine):
            return Judged(SignState.NOT_ASSESSABLE, _why_not(fine), evidence=_evidence(best))
        reason = f"no dark line parallel to the joint surface in the oedema on {_names(fine)}"
        certain = 1.0 - _certainty(_evidence(best), LINE_PRESENT_MM2)
        return Judged(SignState.ABSENT, reason, certain, evidence=_evidence(best))
    line = best.found
    doubt = "" if state is SignState.PRESENT else "short or faint: "
    reason = (
        f"{doubt}dark line in {len(line.slices)} slice(s) of {_name(best.view)}, "
        f"{line.depth_mm:.1f} mm below the joint surface, {line.length_mm:.0f} mm long; a thin "
        "line does not rule out a transient lesion"
    )
    return _shown(state, reason, best, LINE_PRESENT_MM2, _middle(line))


def _weight_of_area(one: Best[LowSignal], views: Sequence[SignView]) -> tuple[bool, float]:
    """What is there for certain before what may be oedema, then by its size."""
    certain = one.evidence >= AREA_PRESENT_MM2 and _is_no_oedema(one, views)
    return certain, one.evidence


def _is_no_oedema(one: Best[LowSignal], views: Sequence[SignView]) -> bool:
    """Oedema may be as dark on T1 as sclerosis is, and is bright on PD, T2 and STIR."""
    if one.view.series.contrast.weighting is not Weighting.T1:
        return True
    fluid = (view for view in views if view.series.contrast.is_fluid_sensitive)
    return any(view.is_dark_at(one.found.points_lps) for view in fluid)


def _demarcation(view: SignView) -> Demarcation | None:
    if view.level is None or not view.strips:
        return None
    rims = find_rims(view.series.volume, view.bone.mask, view.lesion, view.strips, view.level)
    return join_rims(rims, view.spacing_mm)


def _middle(line: Line) -> NDArray[np.float64]:
    return np.concatenate([one.points_lps for one in line.stripes])


def _belongs(points: NDArray[np.float64], other: Judged) -> bool:
    """Half of the points lie on a sign that was found, or within its rim.

    Both are in the frame of one visit.
    """
    if other.points_lps is None or other.state not in (SignState.PRESENT, SignState.EQUIVOCAL):
        return False
    theirs = other.points_lps[::2]
    apart = np.asarray(cKDTree(theirs).query(points)[0])
    slices = 0.0 if other.view is None else other.view.spacing_mm
    on = apart <= np.hypot(SAME_MM, slices)
    if other.is_rim:
        middle = theirs.mean(axis=0)
        reach = np.linalg.norm(theirs - middle, axis=1).max() + SAME_MM
        on |= np.linalg.norm(points - middle, axis=1) <= reach
    return bool(on.mean() >= 0.5)


def _state(best: Best[Found] | None, present: float, possible: float) -> SignState:
    if best is None or best.evidence < possible:
        return SignState.ABSENT
    return SignState.PRESENT if best.evidence >= present else SignState.EQUIVOCAL


def _evidence(best: Best[Found] | None) -> float:
    return 0.0 if best is None else best.evidence


def _certainty(evidence: float, present: float) -> float:
    """That the sign is there: one half at the limit, and never beyond doubt."""
    certain = 1.0 / (1.0 + (present / max(evidence, 1e-6)) ** STEEPNESS)
    return float(min(max(certain, 1.0 - MOST_CERTAIN), MOST_CERTAIN))


def _shown(
    state: SignState, reason: str, best: Best[Found], present: float, points: NDArray[np.float64]
) -> Judged:
    return Judged(
        state,
        reason,
        _certainty(best.evidence, present),
        best.found.length_mm,
        best.found.thickness_mm,
        points,
        best.view,
        best.evidence,
    )


def _why_not(views: Sequence[SignView]) -> str:
    """Why views could not have shown a sign."""
    fine = [view for view in views if view.is_fine]
    if fine:
        return PARTLY_COVERED if any(view.is_whole for view in fine) else PARTLY_SHOWN
    best = min(views, key=lambda view: (view.spacing_mm, view.pixel_mm))
    return (
        f"slices {best.spacing_mm:.1f} mm apart with pixels of {best.pixel_mm:.1f} mm are too "
        "coarse for it"
    )


def _names(views: Sequence[SignView]) -> str:
    return ", ".join(dict.fromkeys(_name(view) for view in views))


def _name(view: SignView) -> str:
    return f"{view.series.contrast.label} {view.series.plane.value}"
