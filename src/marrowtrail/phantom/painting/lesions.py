"""Draw what is ill in marrow: oedema, dead marrow and its rim, lines, cysts; add up the truth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from marrowtrail.phantom.body.template import CLIP_MM
from marrowtrail.phantom.disease.lesion_shape import SUBCHONDRAL_MM
from marrowtrail.phantom.disease.plan import SheetKind
from marrowtrail.phantom.grids import Field, within
from marrowtrail.phantom.painting.layers import Layers, Levels, inside, paint
from marrowtrail.phantom.painting.scene import Band, BoneView, Cyst, Oedema, Scene, Sheet
from marrowtrail.phantom.scanner.tissue import Tissue

TEXTURE_OEDEMA = 0.06
"""Standard deviation of the water of oedema that follows the grain of marrow, as a share of
it; patches and gradients come from the lesion's own strength."""

TAPER_MM = 2.5
"""A sheet thins towards its outline over this."""

WALL_MM = 0.6
"""Sclerotic rim of a cyst."""

SHEET_TISSUE: dict[SheetKind, Tissue] = {
    "subchondral_line": Tissue.FIBROUS,
    "low_signal_area": Tissue.FIBROUS,
    "crescent": Tissue.FLUID,
    "fracture_line": Tissue.FIBROUS,
}


@dataclass(slots=True, eq=False)
class Shares:
    """Share of bone and of lesion in every voxel, added up over the depths of a slice."""

    shape: tuple[int, int, int]
    bones: dict[str, Field] = field(default_factory=dict)
    lesions: dict[str, Field] = field(default_factory=dict)

    def of_bone(self, name: str) -> Field:
        """The share of a bone, to add to."""
        return self.bones.setdefault(name, np.zeros(self.shape, dtype=np.float32))

    def of_lesion(self, lesion_id: str) -> Field:
        """The share of a lesion, to add to."""
        return self.lesions.setdefault(lesion_id, np.zeros(self.shape, dtype=np.float32))


def draw_lesions(
    marrow: Layers,
    scene: Scene,
    view: BoneView,
    grain: Field,
    level: Levels,
    shares: Shares,
    weight: np.float32,
) -> None:
    """Lay the lesions of one bone over its marrow.

    ``marrow`` (2, i, j, k) is the box of the view, ``grain`` its texture (mean 0, standard
    deviation 1); truth is added to ``shares`` with the weight of this depth. Where two lesions
    overlap, the wetter one shows.
    """
    name = view.bone.bone_id.bone
    uneven = np.float32(1.0) + np.float32(TEXTURE_OEDEMA) * grain
    wet = np.zeros(view.shape, dtype=np.float32)
    for oedema in (one for one in scene.oedema if one.bone == name):
        share = shares.of_lesion(oedema.lesion_id)
        part = view.part_with(oedema.level)
        if part is None:
            continue
        depth = part.read(oedema.level, -CLIP_MM)
        at = within(part.box, view.box)
        wet[at] = np.maximum(wet[at], _water(part, oedema, depth, uneven[at]))
        in_marrow = part.read(view.bone.surface, CLIP_MM) < -np.float32(SUBCHONDRAL_MM)
        share[part.box] += weight * ((depth > 0) & in_marrow)
    if wet.any():
        paint(marrow, wet, level[Tissue.OEDEMA])
    for band in (one for one in scene.bands if one.bone == name):
        _band(marrow, view, band, level)
    for sheet in (one for one in scene.sheets if one.bone == name):
        _sheet(marrow, view, sheet, level)
    for cyst in (one for one in scene.cysts if one.bone == name):
        _cyst(marrow, view, cyst, level)


def _water(part: BoneView, oedema: Oedema, depth: Field, uneven: Field) -> Field:
    """Water share of a lesion for every voxel of the part."""
    strength = part.read(oedema.strength, 1.0)
    water = np.float32(oedema.water) * strength * uneven * oedema.edge.share(depth)
    return np.asarray(np.clip(water, 0.0, 1.0), dtype=np.float32)


def _band(marrow: Layers, view: BoneView, band: Band, level: Levels) -> None:
    """Draw what shows as the double line sign.

    Sclerosis in the outer half, granulation tissue (bright on T2) in the inner one, and dead
    fat within. Without the double line all of it is sclerosis.
    """
    distance, half = view.read(band.level, CLIP_MM), np.float32(band.thickness_mm / 2)
    inner = Tissue.OEDEMA if band.double_line else Tissue.FIBROUS
    paint(marrow, inside(distance, 0.8), level[Tissue.YELLOW_MARROW])
    paint(marrow, inside(np.abs(distance - half / 2) - half / 2, 0.6), level[Tissue.FIBROUS])
    paint(marrow, inside(np.abs(distance + half / 2) - half / 2, 0.6), level[inner])


def _sheet(marrow: Layers, view: BoneView, sheet: Sheet, level: Levels) -> None:
    part = view.part_with(sheet.across)
    if part is None:
        return
    outline = part.read(sheet.outline, -CLIP_MM)
    across = np.abs(part.read(sheet.across, CLIP_MM))
    taper = np.sqrt(np.clip(outline / np.float32(TAPER_MM), 0.0, 1.0))
    half = np.float32(sheet.thickness_mm / 2) * taper
    shown = inside(across - half, _pixel_mm(view)) * (outline > 0)
    window = (slice(None), *within(part.box, view.box))
    paint(marrow[window], shown, level[SHEET_TISSUE[sheet.kind]])


def _cyst(marrow: Layers, view: BoneView, cyst: Cyst, level: Levels) -> None:
    part = view.part_with(cyst.level)
    if part is None:
        return
    outside, pixel = -part.read(cyst.level, -CLIP_MM), _pixel_mm(view)
    window = (slice(None), *within(part.box, view.box))
    paint(marrow[window], inside(outside - np.float32(WALL_MM), pixel), level[Tissue.FIBROUS])
    paint(marrow[window], inside(outside, pixel), level[Tissue.FLUID])


def _pixel_mm(view: BoneView) -> float:
    """In-plane size of a pixel, over which an edge is spread."""
    return float(np.linalg.norm(view.to_rest[:3, 0]))
