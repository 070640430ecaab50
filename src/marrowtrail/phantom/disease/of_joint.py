"""All that is ill in one joint of a patient, and how it stands at each visit."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marrowtrail.phantom.body.limb import Limb, PatientBone
from marrowtrail.phantom.disease.cyst import CystShape, draw_cyst
from marrowtrail.phantom.disease.demarcation import DemarcationShape, draw_demarcation
from marrowtrail.phantom.disease.lesion_shape import (
    LesionShape,
    cut_piece,
    draw_lesion,
    marrow_level,
)
from marrowtrail.phantom.disease.sheet import SheetAtVisit, SheetShape, at_visit, draw_sheet
from marrowtrail.phantom.disease.surface_loss import (
    CollapseShape,
    ErosionShape,
    draw_collapse,
    draw_erosion,
    without_lost,
)
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.scenario import Scenario


@dataclass(frozen=True, slots=True, eq=False)
class Disease:
    """Every lesion (by key) and sign that a joint will ever have, at rest."""

    lesions: Mapping[str, LesionShape]
    bands: tuple[DemarcationShape, ...] = ()
    sheets: tuple[SheetShape, ...] = ()
    collapses: tuple[CollapseShape, ...] = ()
    cysts: tuple[CystShape, ...] = ()
    erosions: tuple[ErosionShape, ...] = ()

    def limb_at(self, limb: Limb, visit: int) -> Limb:
        """The limb at a visit (counted from 1), without the bone that is lost by then."""
        if not self.collapses and not self.erosions:
            return limb
        return replace(limb, bones=tuple(self.bone_at(bone, visit) for bone in limb.bones))

    def bone_at(self, bone: PatientBone, visit: int) -> PatientBone:
        """One bone at a visit."""
        key = bone.bone_id.bone
        sunk = [one.sunk(visit) for one in self.collapses if one.bone == key]
        erosions = [
            one for one in self.erosions if one.plan.bone == key and visit in one.plan.visits
        ]
        return without_lost(bone, [one for one in sunk if one is not None], erosions)

    def bands_at(self, visit: int, key: str) -> tuple[DemarcationShape, ...]:
        """Demarcation bands in a lesion at a visit."""
        return tuple(
            band for band in self.bands if band.plan.lesion == key and visit in band.plan.visits
        )

    def cysts_at(self, visit: int, key: str) -> tuple[CystShape, ...]:
        """Cysts in a lesion at a visit."""
        return tuple(
            cyst for cyst in self.cysts if cyst.plan.lesion == key and visit in cyst.plan.visits
        )

    def sheets_at(self, visit: int, key: str, size: float) -> tuple[SheetAtVisit, ...]:
        """Lines and areas in a lesion of that size at a visit."""
        bone = self.bone_at(self.lesions[key].bone, visit)
        level = self.lesions[key].spread_level(size)
        return tuple(
            at_visit(sheet, bone, level, self._sunk(visit, bone))
            for sheet in self._sheets(visit, key)
        )

    def level(self, visit: int, key: str, size: float) -> NDArray[np.float32]:
        """Level of oedema at a visit: the lesion in marrow, without what is not oedema in it.

        Dead marrow within a demarcation band is fat, and a low-signal area is dark: oedema
        lies outside both. A thin line, a crescent or a cyst counts as part of the lesion, as
        a reader's outline would have it.
        """
        spread = self.spread_level(visit, key, size)
        marrow = marrow_level(self.bone_at(self.lesions[key].bone, visit))
        return np.asarray(np.minimum(spread, marrow), dtype=np.float32)

    def spread_level(self, visit: int, key: str, size: float) -> NDArray[np.float32]:
        """The same as if there were marrow everywhere."""
        level = self.lesions[key].spread_level(size)
        for band in self.bands_at(visit, key):
            level = np.minimum(level, band.level.data - np.float32(band.thickness_mm / 2))
        for sheet in self._sheets(visit, key):
            if sheet.plan.kind == "low_signal_area":
                level[sheet.block] = np.minimum(level[sheet.block], sheet.outside())
        return level

    def _sheets(self, visit: int, key: str) -> list[SheetShape]:
        return [one for one in self.sheets if one.plan.lesion == key and visit in one.plan.visits]

    def _sunk(self, visit: int, bone: PatientBone) -> Field | None:
        fields = [one.sunk(visit) for one in self.collapses if one.bone == bone.bone_id.bone]
        there = [one for one in fields if one is not None]
        return np.sum(there, axis=0, dtype=np.float32) if there else None


def draw_disease(scenario: Scenario, limb: Limb, family: Family, seed: tuple[int, ...]) -> Disease:
    """What a scenario puts into one joint.

    Every lesion and sign has a random stream of its own, by its name: adding one to a scenario
    changes no other.
    """

    def stream(*name: object) -> np.random.Generator:
        return np.random.default_rng([*seed, zlib.crc32("/".join(map(str, name)).encode())])

    plans = [plan for plan in scenario.lesions if plan.joint == limb.joint]
    lesions = {
        plan.key: draw_lesion(plan, limb.bone(plan.bone), stream("lesion", plan.key), family)
        for plan in plans
        if plan.part_of is None
    }
    for plan in plans:
        if plan.part_of is not None:
            cut = stream("cut", plan.part_of)
            lesions[plan.key] = cut_piece(plan, lesions[plan.part_of], cut)
    return Disease(
        lesions,
        bands=tuple(
            draw_demarcation(plan, lesions[plan.lesion], stream("band", plan.lesion))
            for plan in scenario.demarcations
            if plan.lesion in lesions
        ),
        sheets=tuple(
            draw_sheet(plan, lesions[plan.lesion], stream(plan.kind, plan.lesion, number))
            for number, plan in enumerate(scenario.sheets)
            if plan.lesion in lesions
        ),
        collapses=tuple(
            draw_collapse(plan, lesions[plan.lesion], stream("collapse", plan.lesion))
            for plan in scenario.collapses
            if plan.lesion in lesions
        ),
        cysts=tuple(
            draw_cyst(plan, lesions[plan.lesion], stream("cyst", plan.lesion, number))
            for number, plan in enumerate(scenario.cysts)
            if plan.lesion in lesions
        ),
        erosions=tuple(
            draw_erosion(plan, limb.bone(plan.bone), stream("erosion", number))
            for number, plan in enumerate(scenario.erosions)
            if plan.joint == limb.joint
        ),
    )
