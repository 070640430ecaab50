"""Signs beside oedema against the truth of synthetic patients.

Scores any folder of patients as ``marrowtrail phantom`` writes them, or draws exams of its own
(:mod:`marrowtrail.evaluation.signs_exams`), with bones from their true masks. What is scored is a
bone whose oedema was found: a sign is there, or it is not, and the program says one of four things.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from marrowtrail.anatomy.mapping import map_visit
from marrowtrail.evaluation.signs_exams import SignExam, draw_exams
from marrowtrail.evaluation.signs_figures import SignCase, SignScores, Stands, sum_up
from marrowtrail.evaluation.truth_matching import patients_in
from marrowtrail.imaging.series import Series
from marrowtrail.imaging.study import read_study
from marrowtrail.lesions.lesion import Sign, SignKind, SignState
from marrowtrail.lesions.reading import read_visit
from marrowtrail.lesions.signs import look_for_signs
from marrowtrail.phantom import Family, load_truth
from marrowtrail.phantom.truth import SignTruth
from marrowtrail.pipeline import measure

TRUE_KINDS: Mapping[SignKind, str] = {
    SignKind.SUBCHONDRAL_LINE: "subchondral_line",
    SignKind.LOW_SIGNAL_AREA: "low_signal_area",
    SignKind.DEMARCATION: "demarcation",
}
"""The truth's word for each sign."""

CONTRAST_OVER_NOISE = 2.0
"""A sign whose contrast to the marrow about it is less than this many times the noise is not asked
for; nor is one thinner than a pixel."""

Say = Callable[[str], None]


def draw_and_score(seed: int, count: int, family: Family, say: Say = lambda _: None) -> SignScores:
    """Draw ``count`` limbs, each ill in several ways, and score every exam."""
    cases, seconds, exams = list[SignCase](), list[float](), 0
    for number in range(count):
        say(f"limb {number + 1} of {count}")
        for exam in draw_exams(seed, number, family):
            found, taken = score_exam(exam)
            cases += found
            seconds.append(taken)
            exams += 1
    return sum_up(cases, exams, seconds)


def score_exam(exam: SignExam) -> tuple[list[SignCase], float]:
    """Every bone with oedema of one exam, and the seconds that looking for signs took."""
    maps = map_visit(exam.series, exam.bones)
    readings = read_visit("v1", exam.series, maps)
    start = time.perf_counter()
    signs = look_for_signs(readings, exam.series, maps)
    seconds = time.perf_counter() - start
    best = max((one.contrast_over_noise for one in exam.imaged), default=0.0)
    pixel = min((one.pixel_mm for one in exam.imaged), default=0.0)
    cases = _cases(exam.key, exam.difficulty, signs, exam.signs, Stands(pixel, best))
    return cases, seconds


def score_folder(folder: Path, say: Say = lambda _: None) -> SignScores:
    """Score every patient below a folder, visit by visit.

    Raises
    ------
    InputError
        If none has a ``truth/truth.json``.
    """
    cases, visits = list[SignCase](), 0
    for patient in patients_in(folder):
        truth = load_truth(patient)
        say(f"measuring {truth.scenario} {truth.seed}")
        measured = measure(read_study(patient / "dicom"), lambda _: None)
        for visit in measured.study.visits:
            visits += 1
            key = f"{truth.scenario}-{truth.seed}-{visit.id}"
            signs = [one for one in measured.signs if one.visit_id == visit.id]
            true = [one for one in truth.signs if one.visit == visit.id]
            cases += _cases(key, truth.difficulty, signs, true, Stands(_pixel(visit.series), None))
    return sum_up(cases, visits, ())


def _cases(
    key: str,
    difficulty: float,
    signs: Iterable[Sign],
    truth: Sequence[SignTruth],
    stands: Stands,
) -> list[SignCase]:
    """Each sign of each bone; a true sign of a bone in which no oedema was found is missed."""
    told = {(one.bone.bone, one.kind): one for one in signs}
    cases = [
        _case(key, difficulty, sign, kind, _true(truth, bone, kind), stands)
        for (bone, kind), sign in told.items()
    ]
    return cases + list(_unseen(key, difficulty, truth, told, stands))


def _unseen(
    key: str,
    difficulty: float,
    truth: Sequence[SignTruth],
    told: Mapping[tuple[str, SignKind], Sign],
    stands: Stands,
) -> Iterator[SignCase]:
    for kind, name in TRUE_KINDS.items():
        for bone in sorted({one.bone for one in truth if one.kind == name}):
            if (bone, kind) not in told:
                yield _case(key, difficulty, None, kind, _true(truth, bone, kind), stands)


def _true(truth: Sequence[SignTruth], bone: str, kind: SignKind) -> SignTruth | None:
    """The longest true sign of a kind in a bone."""
    mine = [one for one in truth if one.bone == bone and one.kind == TRUE_KINDS[kind]]
    return max(mine, key=lambda one: one.length_mm, default=None)


def _case(
    key: str,
    difficulty: float,
    sign: Sign | None,
    kind: SignKind,
    true: SignTruth | None,
    stands: Stands,
) -> SignCase:
    state = SignState.NOT_ASSESSABLE if sign is None else sign.state
    there = 0.0
    if sign is not None and state is not SignState.NOT_ASSESSABLE:
        is_absent = state is SignState.ABSENT
        there = 1.0 - sign.confidence if is_absent else sign.confidence
    thin = true is not None and true.thickness_mm < stands.pixel_mm
    faint = stands.over_noise is not None and stands.over_noise < CONTRAST_OVER_NOISE
    return SignCase(
        key=key,
        kind=kind,
        difficulty=difficulty,
        oedema_found=sign is not None,
        state=state,
        certainty=round(there, 3),
        is_there=true is not None,
        is_asked_for=true is not None and not thin and not faint,
        pixel_mm=stands.pixel_mm,
        true_length_mm=None if true is None else true.length_mm,
        true_thickness_mm=None if true is None else true.thickness_mm,
        length_mm=None if sign is None else sign.length_mm,
        thickness_mm=None if sign is None else sign.thickness_mm,
    )


def _pixel(series: Sequence[Series]) -> float:
    """The finest pixel of a visit."""
    return min((min(one.volume.geometry.spacing_mm) for one in series), default=0.0)
