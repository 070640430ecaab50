"""Draw what is ill in marrow: oedema, and what bounds dead marrow; add up the truth of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit

from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.lesion_shape import EDGE_SOFT_MM
from marrowtrail.phantom.painting import Layers, Levels, inside, paint
from marrowtrail.phantom.scene import BoneView, Scene
from marrowtrail.phantom.template import CLIP_MM
from marrowtrail.phantom.tissue import Tissue

TEXTURE_OEDEMA = 0.12
"""Standard deviation of the water of oedema from place to place, as a share of it."""


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
    deviation 1); truth is added to ``shares`` with the weight of this depth.
    """
    name = view.bone.bone_id.bone
    uneven = np.float32(1.0) + np.float32(TEXTURE_OEDEMA) * grain
    wet = np.zeros(view.shape, dtype=np.float32)
    for oedema in (one for one in scene.oedema if one.bone == name):
        depth = view.read(oedema.level, -CLIP_MM)
        faded = expit(depth / np.float32(EDGE_SOFT_MM))
        wet = np.maximum(wet, np.float32(oedema.water) * faded * uneven)
        shares.of_lesion(oedema.lesion_id)[view.box] += weight * (depth > 0)
    if wet.any():
        paint(marrow, wet, level[Tissue.OEDEMA])
    for band in (one for one in scene.bands if one.bone == name):
        _band(marrow, view.read(band.level, CLIP_MM), np.float32(band.thickness_mm / 2), level)


def _band(marrow: Layers, distance: Field, half: np.float32, level: Levels) -> None:
    """Draw what shows as the double line sign.

    Sclerosis in the outer half, granulation tissue (bright on T2) in the inner one, and dead
    fat within.
    """
    paint(marrow, inside(distance, 0.8), level[Tissue.YELLOW_MARROW])
    paint(marrow, inside(np.abs(distance - half / 2) - half / 2, 0.6), level[Tissue.FIBROUS])
    paint(marrow, inside(np.abs(distance + half / 2) - half / 2, 0.6), level[Tissue.OEDEMA])
