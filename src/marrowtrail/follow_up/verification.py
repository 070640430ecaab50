"""Whether a registration may be relied on, from what it did not optimise.

The final motion comes from intensities. It is checked by the distance between the bone's two
surfaces (from the masks), by how far apart the ways there and back end, and by whether the
images agree better than where the masks alone had put them. Two people's bones do not fit
each other: their surfaces stay apart wherever they are put.

The thresholds were measured on 33 real knees drawn twice or more (label maps of thick 3.5 mm
slices, up to eight years apart):

=========================  ==============  ==============  ==============
mean gap / stretch, mm     femur           tibia           patella
=========================  ==============  ==============  ==============
one knee, two visits (15)  0.48-0.74       0.30-0.71       0.24-0.80
..                         0.09-0.40       0.09-0.38       0.10-0.43
two people (54)            0.89-5.6        0.75-7.0        0.62-4.1
..                         0.28-4.4        0.38-4.0        0.38-3.9
mirrored (10)              2.1-3.1         2.1-3.0         0.78-1.4
..                         0.32-1.4        0.36-1.3        0.28-1.1
=========================  ==============  ==============  ==============

Small bones of two people can fit by chance, so the largest bone of a joint speaks for all of
them: no pair of people passed both limits there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marrowtrail.follow_up.surface_misfit import Misfit
from marrowtrail.follow_up.track import Verification

VERIFIED_GAP_MM = 0.9
"""Surfaces of one bone lie closer than this: above every pair of visits of the same knee,
below every pair of different femora."""

IMPOSSIBLE_GAP_MM = 1.8
"""Surfaces of one bone are never this far apart once aligned: over twice the largest gap of
a true pair, below the smallest of a mirrored femur."""

STRETCH_MM = 0.5
"""Stretching one bone to fit the other better moves its surface by less than this (root mean
square): above every bone of one knee, below nine tenths of those of two people."""

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
    by_masks
        Misfit of the surfaces where the masks alone put them; ``None`` if the two visits
        imaged no part in common.
    final
        The same under the final motion.
    inverse_mm
        How far apart the ways there and back end; ``None`` if intensities were not used.
    correlation, correlation_by_masks
        Agreement of the images under the final motion and under that of the masks.
    doubt
        Why intensities or masks cannot be relied on, if so.
    surface_points
        Size of the imaged surface, to tell the largest bone of a joint.
    """

    by_masks: Misfit | None
    final: Misfit | None
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
    measured = [one for one in evidence if one.by_masks is not None]
    if not measured:
        return tuple(verdicts)
    largest = max(measured, key=lambda one: one.surface_points)
    return tuple(_heed(verdict, largest.by_masks) for verdict in verdicts)


def judge(evidence: Evidence) -> Verdict:
    """Judge one bone by itself."""
    if evidence.by_masks is not None and evidence.by_masks.gap_mm > IMPOSSIBLE_GAP_MM:
        return Verdict(
            Verification.IMPOSSIBLE,
            f"its surfaces stay {evidence.by_masks.gap_mm:.1f} mm apart wherever it is put; the "
            f"same bone fits within {VERIFIED_GAP_MM} mm: another person, the other side or a "
            "mirrored image",
        )
    doubts = _doubts(evidence)
    if doubts or evidence.final is None:
        return Verdict(Verification.UNVERIFIED, "; ".join(doubts))
    return Verdict(
        Verification.VERIFIED,
        f"surfaces lie {evidence.final.gap_mm:.2f} mm apart, there and back differ by "
        f"{evidence.inverse_mm:.2f} mm, images correlate {evidence.correlation:.2f}",
    )


def _doubts(evidence: Evidence) -> list[str]:
    by_masks, final = evidence.by_masks, evidence.final
    if by_masks is None or final is None:
        return [evidence.doubt or "no part of its surface was imaged at both visits"]
    doubts = [evidence.doubt] if evidence.doubt else []
    if final.common_share < LEAST_COMMON_SHARE:
        doubts.append(f"only {final.common_share:.0%} of its surface was imaged at both visits")
    if final.gap_mm > VERIFIED_GAP_MM:
        doubts.append(f"its surfaces lie {final.gap_mm:.1f} mm apart, over {VERIFIED_GAP_MM} mm")
    if by_masks.stretch_mm > STRETCH_MM:
        doubts.append(f"it would fit better if stretched by {by_masks.stretch_mm:.1f} mm")
    if final.gap_mm > by_masks.gap_mm + GAP_LOSS_MM:
        doubts.append(
            f"intensities moved its surfaces from {by_masks.gap_mm:.1f} to "
            f"{final.gap_mm:.1f} mm apart"
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


def _heed(verdict: Verdict, largest: Misfit | None) -> Verdict:
    """What the misfit of the joint's largest bone leaves of another bone's verdict."""
    if largest is None or verdict.verification is Verification.IMPOSSIBLE:
        return verdict
    told = f"the largest bone of the joint does not fit ({largest.gap_mm:.1f} mm apart"
    if largest.gap_mm > IMPOSSIBLE_GAP_MM:
        return Verdict(Verification.IMPOSSIBLE, f"{told})")
    fits = largest.gap_mm <= VERIFIED_GAP_MM and largest.stretch_mm <= STRETCH_MM
    if not fits and verdict.verification is Verification.VERIFIED:
        told += f", stretched by {largest.stretch_mm:.1f} mm)"
        return Verdict(Verification.UNVERIFIED, told)
    return verdict
