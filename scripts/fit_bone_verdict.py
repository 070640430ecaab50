"""Fit the thresholds of the bone verdict to synthetic images of the building family.

    python scripts/fit_bone_verdict.py LABELS --exams 30 [--weights DIR] [--drawn DIR]

``LABELS`` holds knee label maps; those of subjects held out are not read. Exams are drawn of them
and of the phantom's joints, the networks are asked, and each found bone's evidence is set beside
its Dice. Prints the ``doubts`` of ``plausible.yaml`` that hand on as many good masks as they can,
one bad one weighing as much as :data:`BAD_COSTS` good ones, and what they then hand on.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marrowtrail.anatomy.finding.finder import FoundBone, find_in_visit
from marrowtrail.anatomy.finding.networks import load_networks, packaged_networks
from marrowtrail.anatomy.finding.verdict import Evidence, plausible
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

BAD_COSTS = 50.0
"""What is handed on is measured and believed; what is held back is shown and can be mended."""

SEED = 77
IMAGES = 4
"""At most so many of an exam: as many as a visit has, since its series help one another."""

ROUNDS = 6

STEPS = {
    "certainty": np.arange(0.60, 0.985, 0.01),
    "expected": np.arange(0.60, 0.985, 0.01),
    "steadiness": np.arange(0.60, 0.995, 0.01),
    "doubtful": np.arange(0.06, 0.40, 0.01),
    "agreement": np.arange(0.60, 0.985, 0.01),
}
"""Thresholds that are tried. ``doubtful`` is a most, the others are a least."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One found bone: what is known of it, and how well it lies on the true one."""

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
            tried.extend(compared(image, bones))
        print(f"{exam.key}: {len(tried)} bones so far", flush=True)
    # Shape and place are no matter of fitting: what they refuse stays refused.
    tried = [one for one in tried if not is_refused_by_shape(one)]
    report(tried, fitted(tried))


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


def compared(image: Imaged, found: Sequence[FoundBone]) -> Iterator[Tried]:
    """Every found bone beside the true one of its name; sides are another matter."""
    for one in found:
        scores = [
            dice(mask, np.asarray(one.mask.data, dtype=bool))
            for bone, mask in image.truth.bones.items()
            if bone.bone == one.id.bone
        ]
        yield Tried(one.id.bone, one.evidence, max(scores, default=0.0))


def is_refused_by_shape(one: Tried) -> bool:
    """Too large, small, thick or thin."""
    usual = plausible().bones[one.bone]
    (least, most), (thin, thick) = usual.volume_mm3, usual.ball_mm
    seen = one.evidence
    too_small = seen.volume_mm3 < least and not seen.is_cut
    return too_small or seen.volume_mm3 > most or not thin <= seen.ball_mm <= thick


def fitted(tried: Sequence[Tried]) -> dict[str, float]:
    """The best threshold of each kind in turn, the others held, until nothing changes."""
    values = {name: np.array([getattr(one.evidence, name) for one in tried]) for name in STEPS}
    worth = np.array([1.0 if one.is_good else -BAD_COSTS for one in tried])
    chosen = {name: float(STEPS[name][-1 if name == "doubtful" else 0]) for name in STEPS}
    for _ in range(ROUNDS):
        for name, steps in STEPS.items():
            held = np.all([passes(k, values[k], chosen[k]) for k in STEPS if k != name], axis=0)
            gains = [worth[held & passes(name, values[name], step)].sum() for step in steps]
            best = np.flatnonzero(np.array(gains) == max(gains))
            # Of thresholds that are as good, the middle one: as far from either kind as can be.
            chosen[name] = float(steps[best[len(best) // 2]])
    return chosen


def passes(name: str, values: np.ndarray, threshold: float) -> np.ndarray:
    """Which bones one kind of evidence does not hold back."""
    return values <= threshold if name == "doubtful" else values >= threshold


def report(tried: Sequence[Tried], chosen: dict[str, float]) -> None:
    """The thresholds, and what they hand on."""
    kept = [
        one
        for one in tried
        if all(passes(k, np.array(getattr(one.evidence, k)), v) for k, v in chosen.items())
    ]
    good, bad = sum(one.is_good for one in kept), sum(not one.is_good for one in kept)
    for name, threshold in chosen.items():
        print(f"  {'most' if name == 'doubtful' else 'least'}_{name}: {threshold:.2f}")
    print(f"handed on: {good} good of {sum(one.is_good for one in tried)}, and {bad} bad")
    for one in kept:
        if not one.is_good:
            print(f"  bad: {one.bone}, Dice {one.dice:.2f}, {one.evidence}")


if __name__ == "__main__":
    main()
