"""Whether a registration may be relied on, from what it did not optimise.

The final motion comes from intensities. It is checked by the distance between the bone's two
surfaces (from the masks), by how far apart the ways there and back end, and by whether the
images agree better than where the masks alone had put them. Two people's bones do not fit
each other: their surfaces stay apart wherever they are put.

The thresholds were measured on 33 real knees drawn twice or more (label maps of thick 3.5 mm
slices, years apart): the mean gap between two visits of one knee was 0.48 to 0.74 mm for
femora, 0.30 to 0.71 mm for tibiae, 0.24 to 0.80 mm for patellae; between femora of different
people 0.95 to 5.6 mm; between a femur and its mirror image 2.05 to 2.9 mm. Small bones of two
people can fit by chance (patellae from 0.62 mm), so the largest bone of a joint speaks for
all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marrowtrail.follow_up.track import Verification

VERIFIED_GAP_MM = 0.9
"""Surfaces of one bone lie closer than this: above every pair of visits of the same knee,
below every pair of different femora."""

IMPOSSIBLE_GAP_MM = 1.8
"""Surfaces of one bone are never this far apart once aligned: over twice the largest gap of
a true pair, below the smallest of a mirrored femur."""

GAP_LOSS_MM = 0.3
"""Intensities may leave the surfaces this much further apart than masks alone do. Masks are
good to half a voxel; a bone that slid by 1.5 mm loses more."""

INVERSE_MM = 0.7
"""There and back must end this close: what the field reports as clinical consistency for
knees (J Magn Reson Imaging 2005, PMID 16215970)."""

LEAST_CORRELATION = 0.6
"""Images of the same tissue agree at least this well once brightness is fitted."""

CORRELATION_LOSS = 0.01
"""Intensities may agree this much less than before the refinement, not more."""

LEAST_COMMON_SHARE = 0.3
"""Share of the surface that both visits must have imaged: less does not fix six unknowns."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one bone's registration.

    Parameters
    ----------
    mask_gap_mm
        Mean distance of the surfaces where the masks alone put them; ``None`` if the two
        visits imaged no part in common.
    gap_mm, common_share
        The same under the final motion, and the share of the surface it was taken from.
    inverse_mm
        How far apart the ways there and back end; ``None`` if intensities were not used.
    correlation, correlation_by_masks
        Agreement of the images under the final motion and under that of the masks.
    doubt
        Why intensities or masks cannot be relied on, if so.
    surface_points
        Size of the imaged surface, to tell the largest bone of a joint.
    """

    mask_gap_mm: float | None
    gap_mm: float | None
    common_share: float
    inverse_mm: float | None
    correlation: float | None
    correlation_by_masks: float | None
    doubt: str | None
    surface_points: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a registration may be relied on, and why."""

    verification: Verification
    reason: str


def judge_joint(evidence: Sequence[Evidence]) -> tuple[Verdict, ...]:
    """Judge the bones of one joint, in order; its largest bone speaks for the others."""
    verdicts = [judge(one) for one in evidence]
    measured = [one for one in evidence if one.mask_gap_mm is not None]
    if not measured:
        return tuple(verdicts)
    largest = max(measured, key=lambda one: one.surface_points)
    return tuple(_heed(verdict, largest) for verdict in verdicts)


def judge(evidence: Evidence) -> Verdict:
    """Judge one bone by itself."""
    if evidence.mask_gap_mm is not None and evidence.mask_gap_mm > IMPOSSIBLE_GAP_MM:
        return Verdict(
            Verification.IMPOSSIBLE,
            f"its surfaces stay {evidence.mask_gap_mm:.1f} mm apart wherever it is put; the same "
            f"bone fits within {VERIFIED_GAP_MM} mm: another person, the other side or a "
            "mirrored image",
        )
    doubts = _doubts(evidence)
    if doubts:
        return Verdict(Verification.UNVERIFIED, "; ".join(doubts))
    return Verdict(
        Verification.VERIFIED,
        f"surfaces lie {evidence.gap_mm:.2f} mm apart, there and back differ by "
        f"{evidence.inverse_mm:.2f} mm, images correlate {evidence.correlation:.2f}",
    )


def _doubts(evidence: Evidence) -> list[str]:
    if evidence.gap_mm is None or evidence.mask_gap_mm is None:
        return [evidence.doubt or "no part of its surface was imaged at both visits"]
    doubts = [evidence.doubt] if evidence.doubt else []
    if evidence.common_share < LEAST_COMMON_SHARE:
        doubts.append(f"only {evidence.common_share:.0%} of its surface was imaged at both visits")
    if evidence.gap_mm > VERIFIED_GAP_MM:
        doubts.append(f"its surfaces lie {evidence.gap_mm:.1f} mm apart, over {VERIFIED_GAP_MM} mm")
    if evidence.gap_mm > evidence.mask_gap_mm + GAP_LOSS_MM:
        doubts.append(
            f"intensities moved its surfaces from {evidence.mask_gap_mm:.1f} to "
            f"{evidence.gap_mm:.1f} mm apart"
        )
    return doubts + _image_doubts(evidence)


def _image_doubts(evidence: Evidence) -> list[str]:
    doubts = []
    if evidence.inverse_mm is not None and evidence.inverse_mm > INVERSE_MM:
        doubts.append(f"the ways there and back end {evidence.inverse_mm:.1f} mm apart")
    if evidence.correlation is not None and evidence.correlation < LEAST_CORRELATION:
        doubts.append(f"the images correlate only {evidence.correlation:.2f}")
    if evidence.correlation is not None and evidence.correlation_by_masks is not None:
        loss = evidence.correlation_by_masks - evidence.correlation
        if loss > CORRELATION_LOSS:
            doubts.append(f"the images agree {loss:.2f} less than where the masks put them")
    if evidence.inverse_mm is None and evidence.doubt is None:
        doubts.append("it was placed by its masks alone")
    return doubts


def _heed(verdict: Verdict, largest: Evidence) -> Verdict:
    gap = largest.mask_gap_mm
    if gap is None or gap <= VERIFIED_GAP_MM or verdict.verification is Verification.IMPOSSIBLE:
        return verdict
    told = f"the largest bone of the joint does not fit ({gap:.1f} mm apart)"
    if gap > IMPOSSIBLE_GAP_MM:
        return Verdict(Verification.IMPOSSIBLE, told)
    if verdict.verification is Verification.VERIFIED:
        return Verdict(Verification.UNVERIFIED, told)
    return verdict
