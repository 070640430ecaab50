"""Exams drawn to try the finder on: a limb, posed, ill in some, imaged in some sequences.

Every exam has one to four series of any menu, plane and thickness, with the flaws of the
phantom's scanner. Half of them say neither side nor body part in their headers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from marrowtrail.evaluation.bones_images import Imaged, ImagedExam
from marrowtrail.evaluation.bones_lesions import draw_bands, draw_oedema
from marrowtrail.evaluation.bones_scoring import Truth
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Contrast, Dixon, Series
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.body.appearance import draw_appearance
from marrowtrail.phantom.body.limb import Limb
from marrowtrail.phantom.body.pose import draw_pose
from marrowtrail.phantom.body.soft_tissue import build_soft_tissue
from marrowtrail.phantom.dicom.style import shown_contrast
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.painting.scene import Scene
from marrowtrail.phantom.painting.synthesis import THIN_MM, render
from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scanner.acquisition import Acquisition
from marrowtrail.phantom.scanner.plan import ImagingPlan
from marrowtrail.phantom.scanner.protocol import Conditions, plan_exam
from marrowtrail.record.sites import BoneId, Side

WORDS = {
    "pd_fs": 4,
    "t1": 4,
    "stir": 3,
    "t2_fs": 3,
    "pd": 2,
    "t2": 2,
    "pd_3d": 3,
    "dixon": 1,
    "dixon_t1": 1,
    "dixon_gre": 1,
    "t1_fs": 1,
    "t1_agent": 1,
}
"""Sequences and how often each is drawn against the others, roughly as joints are imaged."""

PLANES = ("sagittal", "coronal", "axial")

MOST_SERIES = 4
FOV_MM = Range(low=110.0, high=215.0)
"""Edge of the field of view: from one that cuts most bones to one that shows the whole joint."""

FOV_3D_MM = Range(low=120.0, high=170.0)
"""That of an exam with a 3D series, whose size in memory grows with its square."""

THICKNESS_MM = Range(low=1.6, high=5.0)
VOXEL_3D_MM = Range(low=0.5, high=1.1)

ILL_SHARE, EFFUSION_SHARE, BAND_SHARE = 0.6, 0.5, 0.15
"""Shares of exams with oedema, with an effusion, with the line of an osteonecrosis."""

SILENT_SHARE = 0.5
"""Share of exams whose headers say neither side nor body part."""

MOST_DIFFICULTY = 0.8
"""Above it the phantom's images are about to be unreadable, and a bone held back is right."""

BEND_DEG = Range(low=0.0, high=6.0)
"""Label maps were taken of knees at rest; bent further about an estimated axis, the bones of one
would sink into each other."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A limb to image, by the rules of a family; ``bends`` unless its bones rest as they are."""

    limb: Limb
    bends: bool
    family: Family = Family.EVALUATION


def draw_exam(subject: Subject, key: str, most: int, seed: tuple[int, ...]) -> ImagedExam:
    """One exam of a limb with at most so many images. The same seed gives the same bytes."""
    rng = np.random.default_rng(seed)
    limb, difficulty = subject.limb, float(rng.uniform(0.0, MOST_DIFFICULTY))
    words = _words(rng)
    plan = _plan(words, subject, rng)
    scene = _scene(subject, plan, difficulty, rng)
    field_t = float(rng.choice(plan.fields_t))
    conditions = Conditions(limb.joint, limb.side, field_t, difficulty, subject.family)
    planned = plan_exam(scene.pose, plan, conditions, rng)
    acquisitions = [one for one in planned if not one.is_localiser]
    silent = bool(rng.random() < SILENT_SHARE)
    images = list[Imaged]()
    for acquisition in acquisitions:
        images += imaged_by(scene, acquisition, key, silent=silent, first=len(images), rng=rng)
        if len(images) >= most:
            break
    return ImagedExam(key, limb.joint, tuple(images[:most]))


def imaged_by(
    scene: Scene,
    acquisition: Acquisition,
    key: str,
    *,
    silent: bool,
    first: int,
    rng: np.random.Generator,
) -> Iterator[Imaged]:
    """The image of an acquisition, or two of the four of a Dixon series."""
    rendered = render(scene, acquisition)
    limb, grid = scene.limb, acquisition.geometry
    placed = Geometry(grid.shape, grid.affine, frame_of_reference=key)
    truth = Truth(
        {BoneId(bone, limb.side): mask for bone, mask in rendered.bones.items() if mask.any()}
    )
    kept = sorted(rng.choice(len(rendered.images), min(2, len(rendered.images)), replace=False))
    for number, index in enumerate(kept, start=first + 1):
        image = acquisition.images[index]
        series = Series(
            id=f"v1-s{number}",
            visit_id="v1",
            source_uid=f"{key}-{number}",
            volume=Volume(rendered.images[index].data, placed),
            contrast=_contrast(acquisition, image),
            plane=acquisition.plane,
            body_part="unknown" if silent else limb.joint,
            side=Side.UNKNOWN if silent else limb.side,
            echo_time_ms=acquisition.timing.echo_ms,
            repetition_time_ms=acquisition.timing.repetition_ms,
            slice_thickness_mm=acquisition.thickness_mm,
        )
        yield Imaged(series, truth, acquisition.thickness_mm <= THIN_MM)


def _contrast(acquisition: Acquisition, image: Dixon | None) -> Contrast:
    weighting, fat_suppressed = shown_contrast(acquisition, image)
    agent = acquisition.timing.after_agent
    return Contrast(weighting, fat_suppressed, "as drawn", agent, image)


def _words(rng: np.random.Generator) -> tuple[str, ...]:
    share = np.array(list(WORDS.values())) / sum(WORDS.values())
    count = int(rng.integers(1, MOST_SERIES + 1))
    kinds = rng.choice(list(WORDS), count, p=share)
    return tuple(f"{kind}_{rng.choice(PLANES)}" for kind in kinds)


def _plan(words: tuple[str, ...], subject: Subject, rng: np.random.Generator) -> ImagingPlan:
    is_3d = any(word.startswith("pd_3d") for word in words)
    fov = (FOV_3D_MM if is_3d else FOV_MM).draw(rng)
    bend = {} if subject.bends else {"flexion_deg": BEND_DEG}
    return ImagingPlan(
        series=words,
        fov_mm=Range(low=fov, high=fov + 5.0),
        thickness_mm=THICKNESS_MM,
        voxel_3d_mm=VOXEL_3D_MM,
        turn_deg=Range(low=-12.0, high=12.0),
        matrix=(192, 256, 288, 320),
        **bend,
    )


def _scene(
    subject: Subject, plan: ImagingPlan, difficulty: float, rng: np.random.Generator
) -> Scene:
    limb = subject.limb
    appearance = draw_appearance("F" if rng.random() < 0.5 else "M", difficulty, rng)
    pose = draw_pose(limb, plan, rng)
    scene = Scene(
        limb,
        build_soft_tissue(limb, appearance),
        pose,
        oedema=(),
        family=subject.family,
        appearance=appearance,
        effusion=float(rng.uniform()) if rng.random() < EFFUSION_SHARE else 0.0,
    )
    if rng.random() < ILL_SHARE:
        scene = replace(scene, oedema=draw_oedema(limb, rng))
    if rng.random() < BAND_SHARE:
        scene = replace(scene, bands=draw_bands(limb, rng))
    return scene
