"""What a visit shows of one bone with oedema, series by series, for the detectors of signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.anatomy.bones import Bone, BoneMap, BoneVerdict
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Series, Weighting
from marrowtrail.imaging.volume import Volume, bounding_box, resample
from marrowtrail.lesions.joint_strips import DEPTHS_MM, JointStrip, joint_strips
from marrowtrail.lesions.lesion import BoneReading, Lesion

WEIGHTINGS = frozenset({Weighting.T1, Weighting.PD, Weighting.T2, Weighting.STIR})

FINEST_NEEDED_MM = 0.9
"""A pixel no larger than this still shows a line of a millimetre at more than half its contrast."""

WIDEST_SLICES_MM = 6.0
"""Slices further apart than this show a line of 9 mm once or not at all."""

NEAR_JOINT_MM = 7.0
"""A subchondral sign lies within this of the joint surface."""

READ_SHARE = 0.6
"""So much of the joint surface over the oedema must have been readable to call a sign absent."""

SHOWN_SHARE = 0.9
"""So much of the oedema must lie within the images of a series to call a sign absent on it. What is
left covers blur at the edge of a mask."""

OEDEMA_PERCENTILE, DARK_IN_OEDEMA = 75, 0.5
"""Signal of oedema, above its middle as a dark sign may fill half of it; what has less than this
share of it is dark there."""

AWAY_MM = 2.0
"""Normal marrow is taken this far from oedema and from the surface of the bone."""

LEVEL_PERCENTILE = 60
"""Fat marrow's usual signal: a little above the middle, as red marrow and scars are darker."""

LEAST_VOXELS = 100


@dataclass(frozen=True, slots=True, eq=False)
class SignView:
    """One bone on one series of its visit, with its oedema and its straightened joint surface.

    ``level`` is the signal of normal marrow, ``None`` where none is left; ``shown_share`` how much
    of the oedema lies within the images.
    """

    series: Series
    bone: Bone
    lesion: Volume
    strips: tuple[JointStrip, ...]
    level: float | None
    shown_share: float

    @property
    def spacing_mm(self) -> float:
        """Between slices."""
        geometry = self.series.volume.geometry
        return geometry.spacing_mm[geometry.through_plane_axis]

    @property
    def pixel_mm(self) -> float:
        """The larger side of a pixel."""
        geometry = self.series.volume.geometry
        through = geometry.through_plane_axis
        return max(step for axis, step in enumerate(geometry.spacing_mm) if axis != through)

    @property
    def keeps_fat(self) -> bool:
        """Fat is bright: T1, PD or T2 without fat suppression."""
        contrast = self.series.contrast
        return contrast.fat_suppressed is False and contrast.weighting is not Weighting.STIR

    @property
    def is_fine(self) -> bool:
        """Pixels and slices are fine enough for a line of a millimetre."""
        return self.pixel_mm <= FINEST_NEEDED_MM and self.spacing_mm <= WIDEST_SLICES_MM

    def is_dark_at(self, points_lps: NDArray[np.float64]) -> bool:
        """Most of (n, 3) points in the frame of the visit are dark against oedema here."""
        image = self.series.volume
        if not len(points_lps) or not np.any(self.lesion.data):
            return False
        oedema = float(np.percentile(image.data[self.lesion.data], OEDEMA_PERCENTILE))
        at = image.geometry.to_ijk(points_lps).T
        signal = ndimage.map_coordinates(image.data, at, order=1, mode="nearest")
        return bool(np.median(signal) < DARK_IN_OEDEMA * oedema)

    @property
    def is_whole(self) -> bool:
        """The images hold the oedema, not a part of it."""
        return self.shown_share >= SHOWN_SHARE

    @property
    def is_covered(self) -> bool:
        """Enough of the joint surface over the oedema could be read.

        Where none of the oedema comes near it: of the joint surface about it. Oedema that the
        images cut off has joint surface that they do not show.
        """
        if not self.is_whole:
            return False
        near = DEPTHS_MM <= NEAR_JOINT_MM
        over = [strip.lesion[:, near].any(axis=1) for strip in self.strips]
        if not any(rows.any() for rows in over):
            over = [np.ones(len(strip.is_read), dtype=bool) for strip in self.strips]
        read = [rows & strip.is_read for rows, strip in zip(over, self.strips, strict=True)]
        asked = sum(int(rows.sum()) for rows in over)
        return asked > 0 and sum(int(rows.sum()) for rows in read) >= READ_SHARE * asked


def sign_views(
    reading: BoneReading, series: Sequence[Series], bone_maps: Sequence[BoneMap]
) -> tuple[SignView, ...]:
    """All series of the visit that show a bone with oedema and can be held against it.

    Series after a contrast agent, Dixon images that follow no weighting, and series of another
    frame of reference are left out.
    """
    by_id = {one.id: one for one in series}
    maps = {one.series_id: one for one in bone_maps if one.visit_id == reading.visit_id}
    return tuple(_views(reading, by_id, maps))


def _views(
    reading: BoneReading, by_id: Mapping[str, Series], maps: Mapping[str, BoneMap]
) -> Iterator[SignView]:
    for series_id in sorted(maps):
        series, bone = by_id[series_id], maps[series_id].get(reading.bone)
        if bone is None or bone.verdict is BoneVerdict.UNSURE or not _tells(series):
            continue
        lesion = _lesions_on(series, reading.lesions)
        if lesion is None or not lesion.data.any() or _is_blank(series.volume, bone.mask):
            continue
        strips = joint_strips(series, maps[series_id], bone, lesion)
        level = _level(series.volume, bone.mask, lesion)
        shown = _shown_share(series, reading.lesions)
        yield SignView(series, bone, lesion, strips, level, shown)


def _tells(series: Series) -> bool:
    contrast = series.contrast
    follows = contrast.dixon is None or contrast.dixon.keeps_weighting
    suppressed_t1 = contrast.weighting is Weighting.T1 and contrast.fat_suppressed is not False
    plain = follows and not contrast.after_agent and not suppressed_t1
    return plain and contrast.weighting in WEIGHTINGS and contrast.fat_suppressed is not None


def _lesions_on(series: Series, lesions: Sequence[Lesion]) -> Volume | None:
    """All lesions of a bone on a series' grid; ``None`` where they cannot be brought there."""
    grid = series.volume.geometry
    found: NDArray[np.bool_] = np.zeros(grid.shape, dtype=bool)
    for lesion in lesions:
        mask = lesion.mask
        if mask.geometry.same_grid(grid):
            found |= np.asarray(mask.data, dtype=bool)
        elif mask.geometry.shares_frame(grid):
            _add_moved(found, mask, grid)
        else:
            return None
    return Volume(found, grid)


def _add_moved(found: NDArray[np.bool_], mask: Volume, grid: Geometry) -> None:
    """Add a mask to one on another grid, of which no more is looked at than the mask reaches."""
    data = np.asarray(mask.data, dtype=bool)
    if not data.any():
        return
    mine = mask.crop(*bounding_box(data, (2, 2, 2)))
    corners = grid.to_ijk(mine.geometry.corners_lps())
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, grid.shape)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, low, grid.shape)
    if (high <= low).any():
        return
    start, stop = (
        (int(low[0]), int(low[1]), int(low[2])),
        (int(high[0]), int(high[1]), int(high[2])),
    )
    moved = resample(mine.with_data(mine.data.astype(np.float32)), grid.crop(start, stop), order=1)
    found[low[0] : high[0], low[1] : high[1], low[2] : high[2]] |= moved.data > 0.5


def _shown_share(series: Series, lesions: Sequence[Lesion]) -> float:
    """Share of the lesions' volume that lies within the images of a series, 0 to 1."""
    grid, shown, whole = series.volume.geometry, 0.0, 0.0
    last = np.asarray(grid.shape) - 0.5
    for lesion in lesions:
        where = grid.to_ijk(lesion.mask.geometry.to_lps(np.argwhere(lesion.mask.data)))
        inside = np.count_nonzero(((where >= -0.5) & (where <= last)).all(axis=1))
        shown += float(inside) * lesion.mask.geometry.voxel_mm3
        whole += len(where) * lesion.mask.geometry.voxel_mm3
    return shown / whole if whole > 0 else 0.0


def _is_blank(image: Volume, bone: Volume) -> bool:
    """Nothing can be told apart in the bone: an empty image would read as one without signs."""
    signal = image.data[np.asarray(bone.data, dtype=bool)]
    return not signal.size or bool(signal.min() == signal.max())


def _level(image: Volume, bone: Volume, lesion: Volume) -> float | None:
    """Signal of normal marrow: bone away from its surface and from oedema."""
    spacing = image.geometry.spacing_mm
    steps = [max(1, round(AWAY_MM / step)) for step in spacing]
    # Through thick slices a step is too far.
    box = [1 if step == 1 < max(steps) else 2 * step + 1 for step in steps]
    solid = np.asarray(bone.data, dtype=bool)
    if not solid.any():
        return None
    block = bounding_box(solid, (steps[0] + 1, steps[1] + 1, steps[2] + 1))
    image, bone, lesion = (one.crop(*block) for one in (image, bone, lesion))
    inside = ndimage.minimum_filter(bone.data.astype(np.uint8), box, mode="nearest")
    ill = ndimage.maximum_filter(lesion.data.astype(np.uint8), box, mode="nearest")
    away = (inside > 0) & (ill == 0)
    if np.count_nonzero(away) < LEAST_VOXELS:
        return None
    level = float(np.percentile(image.data[away], LEVEL_PERCENTILE))
    return level if level > 0 else None
