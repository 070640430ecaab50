"""Error, time and verdicts of bone-by-bone registration on synthetic patients with known motion.

    python benchmarks/registration.py --patients 6

Every pair of visits of every drawn patient is registered; the error of a bone is the median
distance, over its voxels at the earlier visit, between where its registration and the truth
put them. Where SimpleITK or itk-elastix is installed (neither is a dependency), it registers
the same bones of the same series in the same run, on crops with a band around the bone as the
mask, starting a little aside of our result (:data:`ASIDE`): their figures are of the refinement
alone, ours hold the whole way from the masks.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from peers import Peer, installed_peers

from marrowtrail.anatomy.bones import Bone, BoneMap
from marrowtrail.anatomy.mapping import map_visit
from marrowtrail.follow_up.registration import register_bones
from marrowtrail.follow_up.track import BoneRegistration, Verification
from marrowtrail.imaging.series import Series
from marrowtrail.imaging.study import read_study
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.phantom.patient import write_patient
from marrowtrail.phantom.truth import PatientTruth, load_truth

WRONG_MM = 1.5
"""A registration further off than this is wrong; calling it verified is the one failure that
this project allows itself never."""

ASIDE = np.radians([1.5, 1.5, -1.5]), np.array([1.0, -1.0, 1.0])
"""Turn and shift, in mm, by which the start of the other engines is moved off our result."""

Imaged = tuple[tuple[Series, BoneMap], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One engine's registration of one bone of one pair of visits."""

    engine: str
    patient: str
    bone: str
    visits: str
    error_mm: float
    seconds: float
    verification: str
    reason: str
    gap_mm: float | None


def main() -> int:
    """Run, print a table, return 1 if something wrong was called verified."""
    arguments = _parser().parse_args()
    peers = installed_peers() if arguments.peers else ()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as scratch:
        for patient in _patients(arguments, Path(scratch)):
            outcomes.extend(_measure(patient, peers))
            if not arguments.json:
                print(f"{patient.name}: {len(outcomes)} registrations so far", file=sys.stderr)
    if arguments.json:
        print(json.dumps([asdict(one) for one in outcomes], indent=1))
    else:
        _print_tables(outcomes)
    ours = [one for one in outcomes if one.engine == "marrowtrail"]
    return int(any(_is_wrong(one) and one.verification == "verified" for one in ours))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", default="seed", help="scenario to draw patients of")
    parser.add_argument("--patients", type=int, default=4, help="how many to draw")
    parser.add_argument("--first-seed", type=int, default=1, help="seed of the first one")
    parser.add_argument("--folder", type=Path, help="patients drawn before, one folder each")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="ours alone")
    parser.add_argument("--json", action="store_true", help="every registration, as JSON")
    return parser


def _patients(arguments: argparse.Namespace, scratch: Path) -> Iterator[Path]:
    if arguments.folder is not None:
        yield from sorted(one.parent.parent for one in arguments.folder.glob("*/truth/truth.json"))
        return
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.patients):
        folder = scratch / f"{arguments.scenario}-{seed}"
        write_patient(arguments.scenario, folder, seed=seed)
        yield folder


def _measure(patient: Path, peers: tuple[Peer, ...]) -> list[Outcome]:
    study, truth = read_study(patient), load_truth(patient)
    imaged: dict[str, Imaged] = {}
    for visit in study.visits:
        maps = map_visit(visit.series, visit.bones)
        imaged[visit.id] = tuple(zip(visit.series, maps, strict=True))
    outcomes = []
    for earlier, later in combinations(imaged, 2):
        before = time.process_time()
        registrations = register_bones(imaged[earlier], imaged[later])
        seconds = (time.process_time() - before) / max(len(registrations), 1)
        for one in registrations:
            outcomes.extend(_judge(one, imaged, truth, patient.name, seconds, peers))
    return outcomes


def _judge(
    one: BoneRegistration,
    imaged: dict[str, Imaged],
    truth: PatientTruth,
    patient: str,
    seconds: float,
    peers: tuple[Peer, ...],
) -> Iterator[Outcome]:
    fixed, bone = _find(imaged[one.from_visit], one.from_series, one)
    moving, _ = _find(imaged[one.to_visit], one.to_series, one)
    true = _true_motion(truth, one, fixed.body_part)

    def outcome(engine: str, motion: RigidTransform, spent: float, verdict: str) -> Outcome:
        visits = f"{one.from_visit}-{one.to_visit}"
        error = _error_mm(motion, true, bone)
        return Outcome(
            engine, patient, str(one.bone), visits, error, spent, verdict, one.reason,
            one.surface_gap_mm,
        )  # fmt: skip

    yield outcome("marrowtrail", one.transform, seconds, one.verification.value)
    start = one.transform @ RigidTransform.about(bone.centroid_lps, *ASIDE)
    for peer in peers:
        before = time.process_time()
        motion = peer.register(fixed, moving, bone, start)
        yield outcome(peer.name, motion, time.process_time() - before, "")


def _find(imaged: Imaged, series_id: str, one: BoneRegistration) -> tuple[Series, Bone]:
    for series, bone_map in imaged:
        bone = bone_map.get(one.bone)
        if series.id == series_id and bone is not None:
            return series, bone
    raise LookupError(f"{series_id} does not hold {one.bone}")


def _true_motion(truth: PatientTruth, one: BoneRegistration, joint: str) -> RigidTransform:
    wanted = (joint, one.bone.bone, one.bone.side, one.from_visit, one.to_visit)
    for motion in truth.motions:
        if (motion.joint, motion.bone, motion.side, motion.from_visit, motion.to_visit) == wanted:
            return RigidTransform(np.asarray(motion.matrix_lps))
    raise LookupError(f"the truth does not say how {wanted} moved")


def _error_mm(found: RigidTransform, true: RigidTransform, bone: Bone) -> float:
    points = bone.mask.geometry.to_lps(np.argwhere(bone.mask.data))
    return float(np.median(np.linalg.norm(found.apply(points) - true.apply(points), axis=-1)))


def _is_wrong(one: Outcome) -> bool:
    return one.error_mm > WRONG_MM


def _print_tables(outcomes: list[Outcome]) -> None:
    print(f"{'engine':<14}{'bone':<22}{'n':>4}{'median':>9}{'95 %':>8}{'worst':>8}{'CPU s':>8}")
    for engine in dict.fromkeys(one.engine for one in outcomes):
        of_engine = [one for one in outcomes if one.engine == engine]
        for bone in [*sorted({_name(one) for one in of_engine}), "all"]:
            _print_row(engine, bone, [one for one in of_engine if bone in ("all", _name(one))])
    ours = [one for one in outcomes if one.engine == "marrowtrail"]
    _print_verdicts(ours)
    _print_ratios(outcomes, ours)


def _name(one: Outcome) -> str:
    return one.bone.split(" ", 1)[1]


def _print_row(engine: str, bone: str, rows: list[Outcome]) -> None:
    errors = [one.error_mm for one in rows]
    seconds = float(np.mean([one.seconds for one in rows]))
    print(
        f"{engine:<14}{bone:<22}{len(rows):>4}{np.median(errors):>9.3f}"
        f"{np.percentile(errors, 95):>8.2f}{max(errors):>8.2f}{seconds:>8.2f}"
    )


def _print_verdicts(ours: list[Outcome]) -> None:
    verified = [one for one in ours if one.verification == Verification.VERIFIED.value]
    wrong = sum(map(_is_wrong, verified))
    right = len(verified) - wrong
    print(f"\nverified and right {right} of {len(ours)}; verified and wrong {wrong}")
    for one in ours:
        if one not in verified or _is_wrong(one):
            place = f"{one.patient} {one.visits} {one.bone}"
            print(f"  {place}: {one.error_mm:.2f} mm, {one.verification}: {one.reason}")


def _print_ratios(outcomes: list[Outcome], ours: list[Outcome]) -> None:
    for engine in dict.fromkeys(one.engine for one in outcomes if one.engine != "marrowtrail"):
        theirs = [one for one in outcomes if one.engine == engine]
        error = np.median([one.error_mm for one in ours]) / np.median(
            [one.error_mm for one in theirs]
        )
        spent = np.mean([one.seconds for one in ours]) / np.mean([one.seconds for one in theirs])
        print(f"ours over {engine}: error x {error:.2f}, CPU time x {spent:.2f}")


if __name__ == "__main__":
    sys.exit(main())
