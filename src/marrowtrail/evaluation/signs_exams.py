"""Exams drawn to try the detectors of signs on: one limb a seed, ill in one way after another.

The same knee or hip is drawn with a fracture line, a low-signal area, a demarcation band and with
oedema that has none of them, each imaged anew. Images are cut to a hand's breadth about the
oedema, which leaves what is looked at as it is and takes a tenth of the time.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import BoneLabels, Contrast, Plane, Series
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.body.appearance import draw_appearance
from marrowtrail.phantom.body.bones import draw_limb
from marrowtrail.phantom.body.pose import draw_pose
from marrowtrail.phantom.body.soft_tissue import build_soft_tissue
from marrowtrail.phantom.dicom.style import shown_contrast
from marrowtrail.phantom.disease.of_joint import draw_disease
from marrowtrail.phantom.drawn_patient import STREAM, DrawnJoint, DrawnPatient, draw_course
from marrowtrail.phantom.family import Draw, Family
from marrowtrail.phantom.painting.scene import Scene
from marrowtrail.phantom.painting.scene_of import scene_of
from marrowtrail.phantom.painting.synthesis import Rendered, render
from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scanner.acquisition import Acquisition
from marrowtrail.phantom.scanner.plan import ImagingPlan
from marrowtrail.phantom.scanner.protocol import Conditions, plan_exam
from marrowtrail.phantom.scanner.tissue import Tissue, signal
from marrowtrail.phantom.scenario import SMALLEST_SIZE, Scenario, load_scenario
from marrowtrail.phantom.truth import SignTruth
from marrowtrail.phantom.truth_signs import signs_of
from marrowtrail.record.sites import BoneId, Side

WITH_SIGNS: Mapping[str, tuple[str, ...]] = {
    "knee": ("insufficiency-fracture", "low-signal-area", "avn"),
    "hip": ("avn-hip",),
}
WITHOUT: Mapping[str, tuple[str, ...]] = {
    "knee": ("seed", "contusion", "tumour", "stress-fracture", "septic", "early-arthritis"),
    "hip": ("toh-heals",),
}
"""Stories of each joint, at the first of their visits: oedema with a sign, oedema without."""

WITHOUT_EACH = 2
"""Stories without a sign that one limb is drawn with, in turn."""

DECILES, DECILE_STEP = 10, 7
"""Ten limbs in a row have the ten deciles of difficulty, easy and hard ones by turns."""

HIP_EVERY = 3
"""One limb in so many is a hip."""

SERIES: tuple[tuple[str, ...], ...] = (
    ("fluid_sagittal", "t1"),
    ("fluid_coronal", "t1_coronal"),
    ("fluid_sagittal", "t1_coronal", "t2_sagittal"),
    ("fluid_coronal", "t1_sagittal", "pd_sagittal"),
    ("fluid_sagittal", "fluid_coronal", "t1"),
)
THICKNESS_MM = Range(low=3.0, high=5.0)
GAP_SHARE = Range(low=0.0, high=0.2)

CUT_MM = 42.0
"""Half the edge of what is kept of an image about the oedema."""

BESIDE_MM = 9.0
"""Slices are kept this far beyond the oedema."""


@dataclass(frozen=True, slots=True)
class SignImaged:
    """How a sign stands in one series: pixels to its thickness, contrast to marrow over noise."""

    series_id: str
    pixel_mm: float
    contrast_over_noise: float


@dataclass(frozen=True, slots=True, eq=False)
class SignExam:
    """One exam with the signs that are true of it.

    ``imaged`` says how dark tissue would stand out in oedema of each series.
    """

    key: str
    story: str
    difficulty: float
    series: tuple[Series, ...]
    bones: tuple[BoneLabels, ...]
    signs: tuple[SignTruth, ...]
    imaged: tuple[SignImaged, ...]
    scene: Scene


def draw_exams(
    seed: int, number: int, family: Family, stories: Sequence[str] | None = None
) -> Iterator[SignExam]:
    """All exams of one limb, the ``number``-th of its evaluation. The same seed, the same bytes."""
    joint = "hip" if number % HIP_EVERY == HIP_EVERY - 1 else "knee"
    rng = np.random.default_rng([seed, number])
    side = Side.RIGHT if rng.random() < 0.5 else Side.LEFT
    limb = draw_limb(joint, side, np.random.default_rng([seed, number, STREAM[joint]]), family)
    difficulty = float((number * DECILE_STEP % DECILES + rng.random()) / DECILES)
    appearance = draw_appearance("F" if rng.random() < 0.5 else "M", difficulty, rng)
    tissue = build_soft_tissue(limb, appearance)
    for name in _stories(joint, number):
        if stories is not None and name not in stories:
            continue
        own = (seed, number, zlib.crc32(name.encode()))
        scenario = first_visit(load_scenario(name), joint, side)
        disease = draw_disease(scenario, limb, family, own)
        course = draw_course(scenario, own[2] + number)
        patient = DrawnPatient(
            scenario,
            seed,
            Draw(family, difficulty),
            difficulty,
            course,
            {joint: DrawnJoint(limb, tissue, appearance, disease)},
        )
        yield _imaged(patient, joint, f"{name}-{seed}-{number}", np.random.default_rng(own))


def _stories(joint: str, number: int) -> tuple[str, ...]:
    """What a limb is drawn with: every sign, and some of the stories without."""
    plain = WITHOUT[joint]
    turn = [plain[(number * WITHOUT_EACH + k) % len(plain)] for k in range(WITHOUT_EACH)]
    return (*WITH_SIGNS[joint], *dict.fromkeys(turn))


def first_visit(story: Scenario, joint: str, side: Side) -> Scenario:
    """A story cut to its first visit, one joint and one side, without what a case would say."""
    lesions = tuple(
        one.model_copy(update={"course": one.course[:1], "brightness": one.brightness[:1]})
        for one in story.lesions
        if one.joint == joint and one.part_of is None
    )
    there = {one.key for one in lesions if one.course[0].low >= SMALLEST_SIZE}
    signs = {
        name: tuple(
            one.model_copy(update={"visits": (1,)})
            for one in getattr(story, name)
            if 1 in one.visits and one.lesion in there
        )
        for name in ("demarcations", "sheets", "cysts")
    }
    return story.model_copy(
        update={
            "sides": (side,),
            "visits": (story.visits[0].model_copy(update={"exams": (joint,)}),),
            "lesions": lesions,
            **signs,
            "erosions": (),
            "collapses": (),
            "effusions": tuple(
                one.model_copy(update={"course": one.course[:1]})
                for one in story.effusions
                if one.joint == joint
            ),
            "shifts": (),
            "case": {},
        }
    )


def _imaged(patient: DrawnPatient, joint: str, key: str, rng: np.random.Generator) -> SignExam:
    limb = patient.joints[joint].limb
    plan = ImagingPlan(
        series=SERIES[int(rng.integers(len(SERIES)))],
        thickness_mm=THICKNESS_MM,
        gap_share=GAP_SHARE,
    )
    pose = draw_pose(limb, plan, rng)
    scene = scene_of(patient, 1, joint, pose)
    field_t = float(rng.choice(plan.fields_t))
    conditions = Conditions(joint, limb.side, field_t, patient.difficulty, patient.draw.family)
    planned = plan_exam(pose, plan, conditions, rng)
    series, bones, imaged = [], [], []
    for number, acquisition in enumerate(
        (_cut(one, scene) for one in planned if not one.is_localiser), start=1
    ):
        rendered = render(scene, acquisition)
        one = _series(rendered, acquisition, joint, limb.side, key, number)
        series.append(one)
        bones.append(_labels(rendered, one, limb.side))
        imaged.append(_stands_out(acquisition, scene, one.id))
    return SignExam(
        key,
        patient.scenario.key,
        patient.difficulty,
        tuple(series),
        tuple(bones),
        tuple(signs_of(patient)),
        tuple(imaged),
        scene,
    )


def _cut(acquisition: Acquisition, scene: Scene) -> Acquisition:
    """The same images, of a hand's breadth about the oedema."""
    geometry = acquisition.geometry
    points = [
        scene.pose.bones[one.bone].apply(
            one.level.geometry.to_lps(np.argwhere(one.level.data > 0)[::11])
        )
        for one in scene.oedema
    ]
    ijk = geometry.to_ijk(np.concatenate(points))
    middle = (ijk.min(axis=0) + ijk.max(axis=0)) / 2
    spacing = np.asarray(geometry.spacing_mm)
    reach = CUT_MM / spacing
    low, high = middle - reach, middle + reach
    low[2] = ijk[:, 2].min() - BESIDE_MM / spacing[2]
    high[2] = ijk[:, 2].max() + BESIDE_MM / spacing[2]
    start = np.clip(np.floor(low), 0, np.asarray(geometry.shape) - 8).astype(int)
    stop = np.clip(np.ceil(high), start + 8, geometry.shape).astype(int)
    cut = geometry.crop(
        (int(start[0]), int(start[1]), int(start[2])), (int(stop[0]), int(stop[1]), int(stop[2]))
    )
    return replace(acquisition, geometry=cut)


def _series(
    rendered: Rendered, acquisition: Acquisition, joint: str, side: Side, key: str, number: int
) -> Series:
    grid = acquisition.geometry
    weighting, fat_suppressed = shown_contrast(acquisition, None)
    return Series(
        id=f"v1-s{number}",
        visit_id="v1",
        source_uid=f"{key}-{number}",
        volume=Volume(
            rendered.images[0].data, Geometry(grid.shape, grid.affine, frame_of_reference=key)
        ),
        contrast=Contrast(weighting, fat_suppressed, "as drawn"),
        plane=Plane(acquisition.plane),
        body_part=joint,
        side=side,
        echo_time_ms=acquisition.timing.echo_ms,
        repetition_time_ms=acquisition.timing.repetition_ms,
        slice_thickness_mm=acquisition.thickness_mm,
    )


def _labels(rendered: Rendered, series: Series, side: Side) -> BoneLabels:
    values = np.zeros(series.volume.geometry.shape, dtype=np.uint8)
    names = []
    for value, (bone, mask) in enumerate(rendered.bones.items(), start=1):
        if mask.any():
            values[mask] = value
            names.append((value, BoneId(bone, side)))
    return BoneLabels(
        Volume(values, series.volume.geometry), tuple(names), "as drawn", series.source_uid
    )


def _stands_out(acquisition: Acquisition, scene: Scene, series_id: str) -> SignImaged:
    """Fibrous tissue against the oedema about it, over the noise of the series."""
    levels = {tissue: signal(tissue, acquisition.timing) for tissue in Tissue}
    water = float(np.mean([one.water for one in scene.oedema]))
    about = water * levels[Tissue.OEDEMA] + (1.0 - water) * levels[Tissue.YELLOW_MARROW]
    noise = max(levels.values()) / acquisition.snr
    contrast = abs(about - levels[Tissue.FIBROUS]) / noise
    return SignImaged(series_id, acquisition.geometry.spacing_mm[0], float(contrast))
