"""How certain it is that a bright area of marrow is oedema.

Four things brighten marrow on a fat-suppressed series: oedema, red marrow, fat that was not
suppressed, and chance. What tells them apart is put into one score, each part of it in the
direction that physics gives, its weight learned:

* brightness against normal marrow of the bone: oedema is 2 to 9 times as bright;
* brightness against muscle, which fades faster than both: red marrow is hardly as bright;
* fat outside the bone that stayed bright: fat suppression failed there, and perhaps here;
* the place: red marrow lingers in the metaphysis and spares the epiphysis (20 of 20 knees in
  Shellock et al., 10.2214/ajr.158.2.1729795);
* T1: oedema took the place of fat, so that T1 fell; unsuppressed fat keeps its T1. More loss
  than the brightness accounts for is red marrow, sclerosis or fibrous tissue.

The weights are those of a ridge logistic regression on synthetic patients of the building
family, which ``scripts/fit_oedema_evidence.py`` repeats; no real image was used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from marrowtrail.lesions.lesion import RegionShare
from marrowtrail.record.vocabulary import vocabulary

CERTAIN = 0.55
"""From here on an area is oedema. The score is held back by its ridge: of 114 areas with T1 that
are not oedema one lies above 0.46 (at 0.63), and of 55 that are the five below 0.6 are lesions of
less than 0.4 ml or areas that run far beyond one."""

POSSIBLE = 0.25
"""From here on it may be: it is said, and its bone is not called clear."""

OF_LONG_BONES = frozenset({"distal_metaphysis", "proximal_metaphysis", "shaft"})
HOME = OF_LONG_BONES | {"neck"}
"""Regions of long bones in which red marrow lingers in adults. A talus has a neck too."""

USUAL_OVER_MUSCLE = 0.75
"""Stands for the brightness against muscle where muscle could not be measured: it speaks neither
for oedema (0.8 to 1.5 times muscle) nor for red marrow (0.2 to 0.7)."""

MUSCLE_T2_MS, MARROW_T2_MS = 32.0, 60.0
"""Of muscle (Pai et al., 10.1016/j.mri.2008.02.017), and between red marrow's and oedema's: the
longer the echo time, the brighter is either against muscle."""

USUAL_ECHO_MS = 40.0
"""Of fat-suppressed proton density and STIR of joints, where the header does not say."""

FAT_LOST_MOST = 0.1
"""T1 lower by a tenth has fallen; by how much more is told by the brightness already."""

LOSS_BY_CONTRAST = 0.1
"""Oedema takes up to this much of the T1 for each unit of contrast above 1: from 0.05 (STIR) to
0.09 (PD with fat suppression) where no suppression failed."""

UNEXPLAINED_MOST = 0.2

WEIGHTS_T1 = (-1.14, 3.67, 2.96, -1.50, -3.00, 2.89, -1.55)
WEIGHTS = (-1.31, 4.75, 2.51, -1.79, -1.62)
"""Constant, log contrast, log brightness over muscle, log brightness of the fat outside over
suppressed fat, share in the home of red marrow; with T1 also the fat lost and the loss
unexplained, each as a share of its most."""

FAT_FAILED = 1.6
"""Fat outside this many times as bright as suppressed fat is named as the doubt."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for and against oedema in one area.

    ``contrast`` is its signal over that of normal marrow, ``over_muscle`` over that of muscle
    as if at no echo time (``None`` where unknown), ``fat_outside`` the brightness of fat about it
    over suppressed fat (1 where unknown), ``home_share`` the part of it in the home of red
    marrow, ``t1`` its T1 signal over normal (``None`` without T1).
    ``hidden_on_t1`` is true where the visit has a T1 that shows too little of the area.
    """

    contrast: float
    over_muscle: float | None
    fat_outside: float
    home_share: float
    t1: float | None
    hidden_on_t1: bool = False

    @property
    def parts(self) -> tuple[float, ...]:
        """The score's terms in the order of its weights, the constant first."""
        muscle = USUAL_OVER_MUSCLE if self.over_muscle is None else self.over_muscle
        common = (
            1.0,
            float(np.log(max(self.contrast, 1.0))),
            float(np.log(max(muscle, 0.05))),
            float(np.log(max(self.fat_outside, 1.0))),
            self.home_share,
        )
        if self.t1 is None:
            return common
        lost = 1.0 - self.t1
        beyond = lost - LOSS_BY_CONTRAST * (self.contrast - 1.0)
        return (
            *common,
            float(np.clip(lost / FAT_LOST_MOST, 0.0, 1.0)),
            float(np.clip(beyond / UNEXPLAINED_MOST, 0.0, 1.0)),
        )

    @property
    def certainty(self) -> float:
        """0 to 1 that the area is oedema."""
        weights = WEIGHTS if self.t1 is None else WEIGHTS_T1
        return float(1.0 / (1.0 + np.exp(-np.dot(weights, self.parts))))


class Reading(StrEnum):
    """What an area is read as; the words follow a count of areas."""

    OEDEMA = "oedema"
    POSSIBLE = "possible oedema"
    UNSUPPRESSED = "not counted: fat suppression failed there"
    RED_MARROW = "not counted: taken for red marrow"
    FAINT = "not counted: too faint, or T1 does not bear it out"


def read_evidence(evidence: Evidence) -> Reading:
    """What an area is, or else what speaks most against it.

    An area that T1 could not show, in a thin bone or at the edge of the image, is possible at
    most: what brightens such bones is as often fat, flow or the coil.
    """
    if evidence.certainty >= CERTAIN and not evidence.hidden_on_t1:
        return Reading.OEDEMA
    if evidence.certainty >= POSSIBLE:
        return Reading.POSSIBLE
    if evidence.fat_outside > FAT_FAILED:
        return Reading.UNSUPPRESSED
    return Reading.RED_MARROW if evidence.home_share > 0.5 else Reading.FAINT


def doubt(evidence: Evidence) -> str:
    """What speaks against oedema in an area that may be."""
    doubts = [
        (evidence.fat_outside > FAT_FAILED, "fat suppression failed near it"),
        (evidence.home_share > 0.5, "red marrow lies there too"),
        (evidence.t1 is not None and evidence.t1 > 0.97, "T1 shows its fat kept"),
        (evidence.hidden_on_t1, "T1 shows too little of it"),
        (evidence.t1 is None, "no T1 shows its fat"),
        (True, "it is faint"),
    ]
    return next(words for applies, words in doubts if applies)


def without_decay(over_muscle: float, echo_ms: float | None) -> float:
    """Brightness over muscle as it would be at an echo time of zero."""
    echo_ms = USUAL_ECHO_MS if echo_ms is None else echo_ms
    return float(over_muscle * np.exp(echo_ms / MARROW_T2_MS - echo_ms / MUSCLE_T2_MS))


def home_share(bone: str, shares: Sequence[RegionShare]) -> float:
    """Share of an area where red marrow lingers, 0 to 1; 0 in a short bone.

    A part without a named region is a shaft further than regions reach.
    """
    if not any(region.key in OF_LONG_BONES for region in vocabulary().bone(bone).regions):
        return 0.0
    return 1.0 - sum(one.share_of_lesion for one in shares if one.region not in HOME)
