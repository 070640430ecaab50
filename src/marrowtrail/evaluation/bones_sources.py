"""Where the images come from: label maps of knees, real images with labels, or the phantom.

A folder of label maps holds ``SUBJECT_MONTHSm.nii.gz`` of right knees (``SUBJECT`` any word): the
layout of :data:`~marrowtrail.phantom.body.labelled.KNEE_LABELS`. A folder of labelled images holds
``NAME/image.nii.gz``, ``labels.nii.gz`` and ``labels.json`` ({value: {bone, side}}).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from marrowtrail.errors import InputError
from marrowtrail.evaluation.bones_exams import Subject, draw_exam
from marrowtrail.evaluation.bones_images import Imaged, ImagedExam
from marrowtrail.evaluation.bones_scoring import Truth
from marrowtrail.imaging.nifti import (
    NiftiBones,
    read_geometry,
    read_label_values,
    read_labels,
    read_volume,
)
from marrowtrail.imaging.plan import nearest_plane
from marrowtrail.imaging.series import Contrast, Series, Weighting
from marrowtrail.phantom.body.bones import draw_limb
from marrowtrail.phantom.body.labelled import HELD_OUT, KNEE_LABELS, limb_of_labels
from marrowtrail.phantom.body.limb import Limb, mirrored
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.painting.synthesis import THIN_MM
from marrowtrail.record.sites import Side

PHANTOM_JOINTS = ("knee", "ankle", "foot", "hip")
LIMB_STREAM, SIDE_STREAM = 101, 102
"""Random streams beside that of an exam: its limb, and its side."""

_NAME = re.compile(r"(?P<subject>.+)_(?P<months>\d+)m\.nii\.gz")


@dataclass(frozen=True, slots=True)
class LabelMap:
    """One label map: ``number`` counts them by file name, from 1."""

    path: Path
    number: int
    subject: str
    months: int

    @property
    def key(self) -> str:
        """Its name in what is written: no subject's."""
        return f"knee-map-{self.number}"

    def limb(self, family: Family = Family.EVALUATION) -> Limb:
        """The right knee of the map, with what a family adds to it.

        Raises
        ------
        InputError
            If it is no label map of a knee.
        """
        values = read_label_values(self.path)
        known = {0} | {v for it in KNEE_LABELS.values() for v in (*it.bone, *it.cartilage)}
        if unknown := sorted({int(v) for v in np.unique(values)} - known):
            raise self._unusable(f"Expected values up to {max(known)}, got {unknown} as well.")
        try:
            return limb_of_labels(values.astype(np.uint8), read_geometry(self.path), family)
        except ValueError as error:
            raise self._unusable(str(error)) from error

    def _unusable(self, what: str) -> InputError:
        return InputError(
            what,
            where=f"label map {self.number} of the folder, by name",
            remedy="keep to 1 femur, 3 tibia, 5 patella, their cartilages 2 4 6, lesions 7 8 9",
        )


@dataclass(frozen=True, slots=True)
class KneeSource:
    """Exams of the knee of one label map, half of them mirrored to a left knee."""

    label_map: LabelMap
    seed: int
    family: Family = Family.EVALUATION

    @property
    def key(self) -> str:
        """Names its exams."""
        return self.label_map.key

    def open(self) -> KneeExams:
        """Read the map."""
        limb = self.label_map.limb(self.family)
        return KneeExams(limb, self.key, (self.seed, self.label_map.number), self.family)


@dataclass(frozen=True, slots=True, eq=False)
class KneeExams:
    """Exams of a limb that has been read."""

    limb: Limb
    key: str
    seed: tuple[int, ...]
    family: Family = Family.EVALUATION

    def exam(self, number: int, most: int) -> ImagedExam:
        """The exam of that number, with at most so many images."""
        side = draw_side((*self.seed, number))
        limb = self.limb if side is Side.RIGHT else mirrored(self.limb)
        subject = Subject(limb, bends=False, family=self.family)
        return draw_exam(subject, f"{self.key}-{number}", most, (*self.seed, number))


@dataclass(frozen=True, slots=True)
class PhantomSource:
    """Exams of a joint of a family, each of another patient."""

    joint: str
    seed: int
    family: Family = Family.EVALUATION

    @property
    def key(self) -> str:
        """Names its exams."""
        return f"phantom-{self.joint}"

    def open(self) -> PhantomSource:
        """Nothing to read."""
        return self

    def exam(self, number: int, most: int) -> ImagedExam:
        """The exam of that number, with at most so many images."""
        seed = (self.seed, 1000 + PHANTOM_JOINTS.index(self.joint), number)
        rng = np.random.default_rng((*seed, LIMB_STREAM))
        limb = draw_limb(self.joint, draw_side(seed), rng, self.family)
        return draw_exam(Subject(limb, True, self.family), f"{self.key}-{number}", most, seed)


@dataclass(frozen=True, slots=True)
class RealSource:
    """One real image with its labels; ``number`` counts them by name, from 1."""

    folder: Path
    number: int

    @property
    def key(self) -> str:
        """Its name in what is written: not the folder's."""
        return f"image-{self.number}"

    def open(self) -> RealSource:
        """Read when asked for."""
        return self

    def exam(self, number: int, most: int) -> ImagedExam:  # noqa: ARG002 (it has one image)
        """The image and its labels.

        Raises
        ------
        InputError
            If a file is missing or cannot be used, or the labels are not on the image's grid.
        """
        volume = read_volume(self.folder / "image.nii.gz")
        bones = NiftiBones(self.folder / "labels.nii.gz", self.folder / "labels.json")
        labels = read_labels(bones)
        if not labels.labels.geometry.same_grid(volume.geometry):
            raise InputError(
                f"Expected labels on the image's grid {volume.geometry.in_words}, got "
                f"{labels.labels.geometry.in_words}.",
                where=f"labelled image {self.number} of the folder, by name",
                remedy="resample the labels to the image",
            )
        truth = Truth(
            {bone: np.asarray(labels.labels.data == value) for value, bone in labels.names},
            frozenset(bone.bone for _, bone in labels.names),
        )
        series = Series(
            id="v1-s1",
            visit_id="v1",
            source_uid=self.key,
            volume=volume,
            contrast=Contrast(Weighting.UNKNOWN, None, "not stated"),
            plane=nearest_plane(volume.geometry),
            body_part="unknown",
            side=Side.UNKNOWN,
        )
        thin = max(volume.geometry.spacing_mm) <= THIN_MM
        return ImagedExam(self.key, "unknown", (Imaged(series, truth, thin),))


Source = KneeSource | PhantomSource | RealSource


def draw_side(seed: tuple[int, ...]) -> Side:
    """Left or right, from a stream of its own."""
    rng = np.random.default_rng((*seed, SIDE_STREAM))
    return Side.RIGHT if rng.random() < 0.5 else Side.LEFT


def label_maps(data: Path, *, held_out: bool) -> tuple[LabelMap, ...]:
    """The label maps of a folder by name; none where it holds none.

    ``held_out`` keeps those of :data:`~marrowtrail.phantom.body.labelled.HELD_OUT`.

    Raises
    ------
    InputError
        If the folder holds maps, but none of the subjects held out.
    """
    paths = sorted(data.glob("*.nii.gz"))
    named = [(path, _NAME.fullmatch(path.name)) for path in paths]
    maps = [
        LabelMap(path, number, name["subject"], int(name["months"]))
        if name
        else LabelMap(path, number, path.name.removesuffix(".nii.gz"), 0)
        for number, (path, name) in enumerate(named, start=1)
    ]
    kept = [one for one in maps if not held_out or one.subject in HELD_OUT]
    if maps and not kept:
        raise InputError(
            f"Expected label maps of the held-out subjects, got {len(maps)} of others.",
            where="the folder of label maps",
            remedy="leave out --held-out to score all of them",
        )
    return tuple(kept)


def visit_pairs(maps: Sequence[LabelMap]) -> tuple[tuple[LabelMap, LabelMap], ...]:
    """First and last map of every subject that has several."""
    ordered = sorted(maps, key=lambda one: (one.subject, one.months))
    groups = [list(group) for _, group in groupby(ordered, key=lambda one: one.subject)]
    return tuple((group[0], group[-1]) for group in groups if len(group) > 1)


def real_sources(data: Path) -> tuple[RealSource, ...]:
    """The labelled images of a folder by name."""
    folders = sorted(path.parent for path in data.glob("*/labels.json"))
    return tuple(RealSource(folder, number) for number, folder in enumerate(folders, start=1))
