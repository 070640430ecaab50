"""Fit the thresholds of the bone verdict to synthetic images of the building family.

    python scripts/fit_bone_verdict.py LABELS --exams 30 [--weights DIR] [--drawn DIR]

``LABELS`` holds knee label maps; those of subjects held out are not read. Exams are drawn of them
and of the phantom's joints, the networks are asked, and each found bone's evidence is set beside
its Dice. Prints the ``trust`` of ``plausible.yaml``: a logistic regression, and the least chance at
which, with each exam left out in turn, no bad outline is handed on.
"""

from __future__ import annotations

import argparse
import math
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import optimize

from marrowtrail.anatomy.finding.finder import FoundBone, find_in_visit
from marrowtrail.anatomy.finding.networks import load_networks, packaged_networks
from marrowtrail.anatomy.finding.verdict import Evidence, log_odds, plausible
from marrowtrail.evaluation.bones_images import Imaged, ImagedExam
from marrowtrail.evaluation.bones_scoring import GOOD_DICE
from marrowtrail.evaluation.bones_sources import (
    PHANTOM_JOINTS,
    KneeSource,
    PhantomSource,
    label_maps,
)
from marrowtrail.evaluation.overlap import dice
from marrowtrail.phantom.body.labelled import HELD_OUT
from marrowtrail.phantom.family import Family

SEED = 77
IMAGES = 4
"""At most so many of an exam: as many as a visit has, since its series help one another."""

FEATURES = {"steadiness": (0.0, None), "doubtful": (None, 0.0), "agreement": (0.0, None)}
"""What is weighed, and on which side of nothing its weight may lie: the first network's certainty
and the Dice that it expects add nothing to these three, and free weights would turn them round."""

RIDGE = 1.0
"""Prior precision of weights on standardised log-odds, against a perfect split of few bones."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One found bone: what is known of it, and how well it lies on the true one."""

    exam: str
    bone: str
    evidence: Evidence
    dice: float

    @property
    def is_good(self) -> bool:
        """Fit to be measured."""
        return self.dice >= GOOD_DICE


def main() -> None:
    """Draw, find, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path)
    parser.add_argument("--exams", type=int, default=30)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--drawn", type=Path, help="keeps drawn exams; of 0 exams, those kept")
    asked = parser.parse_args()
    networks = packaged_networks() if asked.weights is None else load_networks(asked.weights)
    tried: list[Tried] = []
    for exam in exams(asked.labels, asked.exams, asked.drawn):
        found = find_in_visit([image.series for image in exam.images], networks)
        for image, bones in zip(exam.images, found, strict=True):
            tried.extend(compared(exam.key, image, bones))
        print(f"{exam.key}: {len(tried)} bones so far", flush=True)
    # Shape and place are no matter of fitting: what they refuse stays refused.
    tried = [one for one in tried if not is_refused_by_shape(one)]
    report(tried)


def exams(labels: Path, count: int, drawn: Path | None) -> Iterator[ImagedExam]:
    """Exams of the building family: knees of the label maps and joints of the phantom in turn."""
    if count == 0 and drawn is not None:
        yield from (pickle.loads(path.read_bytes()) for path in sorted(drawn.glob("*.pkl")))
        return
    maps = [
        one
        for one in label_maps(labels, held_out=False)
        if one.subject not in HELD_OUT and one.months == 0
    ]
    for number in range(count):
        turn, of_joint = number // 2, number // (2 * len(PHANTOM_JOINTS)) + 1
        source = (
            KneeSource(maps[turn % len(maps)], SEED, Family.BUILDING)
            if number % 2 == 0
            else PhantomSource(PHANTOM_JOINTS[turn % len(PHANTOM_JOINTS)], SEED, Family.BUILDING)
        )
        which = turn // len(maps) + 1 if number % 2 == 0 else of_joint
        kept = drawn and drawn / f"{source.key}-{which}.pkl"
        if kept is not None and kept.is_file():
            yield pickle.loads(kept.read_bytes())
            continue
        exam = source.open().exam(which, IMAGES)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(pickle.dumps(exam))
        yield exam


def compared(exam: str, image: Imaged, found: Sequence[FoundBone]) -> Iterator[Tried]:
    """Every found bone beside the true one of its name; sides are another matter."""
    for one in found:
        scores = [
            dice(mask, np.asarray(one.mask.data, dtype=bool))
            for bone, mask in image.truth.bones.items()
            if bone.bone == one.id.bone
        ]
        yield Tried(exam, one.id.bone, one.evidence, max(scores, default=0.0))


def is_refused_by_shape(one: Tried) -> bool:
    """Too large, small, thick or thin."""
    usual = plausible().bones[one.bone]
    (least, most), (thin, thick) = usual.volume_mm3, usual.ball_mm
    seen = one.evidence
    too_small = seen.volume_mm3 < least and not seen.is_cut
    return too_small or seen.volume_mm3 > most or not thin <= seen.ball_mm <= thick


def fitted(shares: np.ndarray, good: np.ndarray) -> tuple[float, np.ndarray]:
    """Intercept and weights of the log-odds in the columns of ``shares``."""
    mean, spread = shares.mean(axis=0), shares.std(axis=0)
    scaled = np.column_stack([np.ones(len(shares)), (shares - mean) / spread])
    sign = np.where(good, 1.0, -1.0)

    def lack(weights: np.ndarray) -> float:
        wrong = np.logaddexp(0.0, -sign * (scaled @ weights)).sum()
        return float(wrong + RIDGE * (weights[1:] ** 2).sum() / 2)

    bounds = [(None, None), *FEATURES.values()]
    found = optimize.minimize(lack, np.zeros(len(bounds)), method="L-BFGS-B", bounds=bounds).x
    weights = found[1:] / spread
    return float(found[0] - (weights * mean).sum()), weights


def left_out(shares: np.ndarray, good: np.ndarray, exams: np.ndarray) -> np.ndarray:
    """The chance of each bone by what the other exams taught."""
    chance = np.zeros(len(good))
    for one in np.unique(exams):
        mine = exams == one
        intercept, weights = fitted(shares[~mine], good[~mine])
        chance[mine] = 1 / (1 + np.exp(-(intercept + shares[mine] @ weights)))
    return chance


def report(tried: Sequence[Tried]) -> None:
    """The model, and what it hands on of bones that it was not fitted to."""
    shares = np.array([[log_odds(getattr(t.evidence, k)) for k in FEATURES] for t in tried])
    good = np.array([one.is_good for one in tried])
    chance = left_out(shares, good, np.array([one.exam for one in tried]))
    least = math.floor(100 * chance[~good].max(initial=0.0) + 1) / 100
    intercept, weights = fitted(shares, good)
    print(f"  intercept: {intercept:.2f}")
    for name, weight in zip(FEATURES, weights, strict=True):
        print(f"  {name}: {weight:.2f}")
    print(f"  least: {least:.2f}")
    kept = chance >= least
    print(f"handed on: {(good & kept).sum()} good of {good.sum()}, {(~good & kept).sum()} bad")
    for bone in sorted({one.bone for one in tried}):
        mine = np.array([one.bone == bone for one in tried])
        middle = np.median([one.dice for one in tried if one.bone == bone])
        print(f"  {bone}: {(mine & kept).sum()} of {mine.sum()}, median Dice {middle:.2f}")


if __name__ == "__main__":
    main()
