"""Two visits of one knee, imaged alike: change of the bones' volume beyond that of the labels.

Both label maps are imaged with one pose, one sequence and one grid, and other noise. The figure
is the difference of the logarithms of found over true volume: what the finder adds to the change
between the visits, as a share of the volume.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel, ConfigDict

from marrowtrail.evaluation.bones_exams import imaged_by
from marrowtrail.evaluation.bones_finding import Finder
from marrowtrail.evaluation.bones_images import Imaged
from marrowtrail.evaluation.bones_scoring import BoneScore, Outcome, score_bones_of
from marrowtrail.evaluation.bones_sources import LabelMap
from marrowtrail.phantom.body.limb import Limb
from marrowtrail.phantom.body.pose import draw_pose
from marrowtrail.phantom.body.soft_tissue import build_soft_tissue
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.painting.scene import Scene
from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scanner.plan import ImagingPlan
from marrowtrail.phantom.scanner.protocol import Conditions, plan_exam

WORDS = ("pd_fs_sagittal", "t1_coronal", "pd_3d_sagittal", "t2_fs_coronal", "stir_sagittal")
DIFFICULTY = 0.3
FLEXION_DEG = Range(low=0.0, high=0.0)

Limbs = tuple[Limb, Limb]


class VisitScore(BaseModel):
    """One bone in one sequence at both visits; changes are logarithms of ratios of volumes.

    ``accepted`` is true where both masks were handed on.
    """

    model_config = ConfigDict(frozen=True)

    bone: str
    accepted: bool
    true_change: float
    found_change: float

    @property
    def beyond(self) -> float:
        """What was found beyond the labels' own change, as a share of the volume."""
        return abs(self.found_change - self.true_change)


@dataclass(frozen=True, slots=True)
class PairSource:
    """Two visits of one knee."""

    first: LabelMap
    last: LabelMap
    seed: int

    @property
    def key(self) -> str:
        """Names its comparisons."""
        return f"{self.first.key}-and-{self.last.number}"

    def open(self) -> Limbs:
        """Read both maps."""
        return self.first.limb(), self.last.limb()


def compare_visits(
    source: PairSource, limbs: Limbs, number: int, finder: Finder
) -> tuple[VisitScore, ...]:
    """The bones of both visits in the sequence of that number."""
    scores = [
        {one.bone: one for one in _scores(image, finder)}
        for image in _images(source, limbs, number)
    ]
    return tuple(_compared(scores[0][bone], scores[1][bone]) for bone in _in_both(scores))


def _images(source: PairSource, limbs: Limbs, number: int) -> Iterator[Imaged]:
    for visit, limb in enumerate(limbs):
        rng = np.random.default_rng((source.seed, source.first.number, number))
        plan = ImagingPlan(series=(WORDS[number % len(WORDS)],), flexion_deg=FLEXION_DEG)
        scene = Scene(
            limb,
            build_soft_tissue(limb),
            draw_pose(limb, plan, rng),
            oedema=(),
            family=Family.EVALUATION,
        )
        conditions = Conditions("knee", limb.side, 3.0, DIFFICULTY, Family.EVALUATION)
        acquisition = plan_exam(scene.pose, plan, conditions, rng)[-1]
        other_noise = replace(acquisition, seed=acquisition.seed + visit)
        key = f"{source.key}-{number}-visit-{visit + 1}"
        yield from imaged_by(scene, other_noise, key, silent=False, first=0, rng=rng)


def _scores(image: Imaged, finder: Finder) -> tuple[BoneScore, ...]:
    (found,) = finder([image.series])
    return score_bones_of(image.truth, found, image.series.volume.geometry)


def _in_both(scores: Sequence[dict[str, BoneScore]]) -> tuple[str, ...]:
    """Bones asked for and found at both visits."""
    return tuple(
        bone
        for bone, one in scores[0].items()
        if bone in scores[1]
        and all(
            each.asked and each.outcome is not Outcome.MISSED for each in (one, scores[1][bone])
        )
    )


def _compared(first: BoneScore, last: BoneScore) -> VisitScore:
    return VisitScore(
        bone=first.bone,
        accepted=all(one.outcome is Outcome.ACCEPTED for one in (first, last)),
        true_change=float(np.log(last.true_mm3 / first.true_mm3)),
        found_change=float(np.log(last.found_mm3 / first.found_mm3)),
    )
