"""Slices with outlines, the same place at every visit, ready to stand side by side.

Native pixels, not resampled into one another's frame: each picture is the slice of that
visit's own series nearest to the spot, cut to a square field about it, so that the spot is in
the middle of every picture of a row. Pixels are only made square and all of one size.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from marrowtrail.anatomy.bones import BoneMap, BoneVerdict
from marrowtrail.follow_up.track import BoneRegistration
from marrowtrail.imaging.series import Series, Study
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import BoneReading, Lesion
from marrowtrail.report.display import DisplayedSlice
from marrowtrail.report.motion import Frame
from marrowtrail.report.outlines import contours, mask_on_page
from marrowtrail.report.spots import View, choose_views, holds
from marrowtrail.report.words import bone_name, region_name
from marrowtrail.result.model import FigureRow, OutlineRow

FIELD_MM = 110.0
"""Side of a picture: a knee's femoral and tibial epiphyses or a whole hindfoot."""

PIXEL_MM = 0.25
"""Pixels of a picture: about the finest in-plane spacing of clinical knee and ankle MRI."""

PERCENTILES = (1.0, 98.0, 99.5)
"""Black, the least that may be drawn white, and the usual white of a series: the brightest
half percent is mostly vessels and fluid."""

MARROW_GREY = 0.25
"""Where the median of marrow is drawn on a fat-suppressed series: dark, as a reader expects."""

WEBP_QUALITY = 82
"""Noise of a slice hides the losses; 440 x 440 pixels take 15 to 25 kB."""


@dataclass(frozen=True, slots=True)
class Crop:
    """The square of the page that a picture shows, in native pixels of the page."""

    column: int
    row: int
    columns: int
    rows: int
    width: int
    height: int

    @classmethod
    def about(cls, centre: NDArray[np.float64], cut: DisplayedSlice) -> Crop:
        """A field of :data:`FIELD_MM` about a page point (column, row)."""
        height_mm, width_mm = cut.spacing_mm
        columns = max(1, round(FIELD_MM / width_mm))
        rows = max(1, round(FIELD_MM / height_mm))
        column = round(centre[0] - (columns - 1) / 2)
        row = round(centre[1] - (rows - 1) / 2)
        width = round(columns * width_mm / PIXEL_MM)
        return cls(column, row, columns, rows, width, round(rows * height_mm / PIXEL_MM))

    def pixels(self, page: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows, columns) native pixels of the square, ``NaN`` beyond the image."""
        square = np.full((self.rows, self.columns), np.nan, dtype=np.float32)
        top, left = max(0, self.row), max(0, self.column)
        inside = page[top : self.row + self.rows, left : self.column + self.columns]
        height, width = inside.shape
        row, column = top - self.row, left - self.column
        square[row : row + height, column : column + width] = inside
        return square

    def to_picture(self, page_points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) page points, whole at pixel centres, to picture pixels from its corner."""
        corner = np.array([self.column, self.row]) - 0.5
        scale = np.array([self.width / self.columns, self.height / self.rows])
        return np.asarray((page_points - corner) * scale, dtype=np.float64)


def draw_figures(
    study: Study,
    bone_maps: tuple[BoneMap, ...],
    readings: tuple[BoneReading, ...],
    registrations: tuple[BoneRegistration, ...],
) -> tuple[tuple[FigureRow, ...], dict[str, bytes]]:
    """Pictures of every spot at every visit that shows it.

    Returns
    -------
    The rows of the document, spot by spot and visit by visit, and the WebP bytes of each by
    file name.
    """
    atlas = _Atlas(study, bone_maps, readings)
    rows: list[FigureRow] = []
    files: dict[str, bytes] = {}
    windows: dict[str, Window] = {}
    for number, picture in enumerate(choose_views(study, bone_maps, readings, registrations), 1):
        for view in picture.views:
            row = atlas.row(f"spot{number}-{view.series.id}", view)
            rows.append(row)
            if view.series.id not in windows:
                windows[view.series.id] = atlas.window(view.series)
            files[row.file] = encode(_crop_of(view), view, windows[view.series.id])
    return tuple(rows), files


def encode(crop: Crop, view: View, window: Window) -> bytes:
    """The picture as WebP."""
    page = view.slice.page(view.series.volume.data).astype(np.float32)
    grey = window.grey_levels(crop.pixels(page))
    resized = Image.fromarray(grey).resize((crop.width, crop.height), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    resized.save(buffer, format="WEBP", quality=WEBP_QUALITY, method=4)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Window:
    """The signal drawn black and the signal drawn white, one pair for a whole series."""

    black: float
    white: float

    @classmethod
    def of(cls, volume: Volume, marrow: NDArray[np.bool_] | None = None) -> Window:
        """Percentiles of all that is finite in a volume, or normal marrow at a fixed grey.

        Percentiles of a fluid-sensitive series depend on how much oedema and fluid it holds,
        so that the same marrow would look dark at one visit and grey at the next. Where
        ``marrow``, the inside of the bones, is given, its median is drawn at
        :data:`MARROW_GREY`, as far as that blinds no more than the brightest fiftieth.
        """
        known = volume.data[np.isfinite(volume.data)]
        if known.size == 0:
            return cls(0.0, 1.0)
        black, bright, white = (float(value) for value in np.percentile(known, PERCENTILES))
        inside = volume.data[marrow] if marrow is not None else known[:0]
        if np.isfinite(inside).any():
            anchored = black + (float(np.nanmedian(inside)) - black) / MARROW_GREY
            white = min(max(anchored, bright), float(known.max()))
        return cls(black, white if white > black else black + 1.0)

    def grey_levels(self, pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
        """(rows, columns) signal to 0..255; black where there is none."""
        scaled = (np.nan_to_num(pixels, nan=self.black) - self.black) / (self.white - self.black)
        return np.asarray(np.round(np.clip(scaled, 0, 1) * 255), dtype=np.uint8)


def _crop_of(view: View) -> Crop:
    cut = view.slice
    return Crop.about(cut.to_page(cut.geometry.to_ijk(view.point_lps)), cut)


class _Atlas:
    """Bones and lesions by series, to outline whatever a slice crosses."""

    def __init__(
        self, study: Study, bone_maps: tuple[BoneMap, ...], readings: tuple[BoneReading, ...]
    ) -> None:
        self._series = {s.id: s for visit in study.visits for s in visit.series}
        self._maps = {bone_map.series_id: bone_map for bone_map in bone_maps}
        self._lesions = tuple(lesion for reading in readings for lesion in reading.lesions)

    def row(self, figure_id: str, view: View) -> FigureRow:
        crop = _crop_of(view)
        bone = view.spot.bone
        return FigureRow(
            id=figure_id,
            spot=view.spot.lesion_id,
            file=f"{figure_id}.webp",
            visit=view.series.visit_id,
            series=view.series.id,
            bone=bone.bone,
            side=bone.side,
            end=bone.end,
            caption=self._caption(view),
            width=crop.width,
            height=crop.height,
            pixel_mm=PIXEL_MM,
            letters=view.slice.letters,
            outlines=tuple(self._outlines(view, crop)),
        )

    def window(self, series: Series) -> Window:
        """Grey levels of a series."""
        own = self._maps.get(series.id)
        if own is None or not own.bones or not series.contrast.is_fluid_sensitive:
            return Window.of(series.volume)
        masks = [bone.mask.on_grid_of(series.volume).astype(bool) for bone in own.bones]
        return Window.of(series.volume, np.logical_or.reduce(masks))

    def _caption(self, view: View) -> str:
        cut = view.slice
        place = f"slice {cut.index + 1} of {cut.geometry.shape[cut.axis]}"
        text = f"{view.series.contrast.label}, {view.series.plane.value}, {place}"
        return text if view.verified else f"{text}; place not verified"

    def _outlines(self, view: View, crop: Crop) -> list[OutlineRow]:
        rows = []
        bones = self._bone_map(view)
        for bone in bones.bones if bones else ():
            mask = mask_on_page(bone.mask, view.slice)
            name = bone_name(bone.id.bone, bone.id.side, bone.id.end)
            if bone.verdict is BoneVerdict.UNSURE:
                name += ", outline unsure"
            rows.extend(_rows("bone", name, mask, crop))
        for lesion in self._lesions_of(view.series):
            site = region_name(lesion.bone.bone, lesion.main_region, lesion.bone.side)
            rows.extend(_rows("lesion", site, mask_on_page(lesion.mask, view.slice), crop))
        return rows

    def _bone_map(self, view: View) -> BoneMap | None:
        """Bones of the series itself, or of another one of its frame that holds the spot."""
        own = self._maps.get(view.series.id)
        if own is not None and own.bones:
            return own
        here = Frame.of(view.series)
        others = (
            bone_map
            for bone_map in self._maps.values()
            if bone_map.bones
            and Frame.of(self._series[bone_map.series_id]) == here
            and holds(bone_map.geometry, view.point_lps)
        )
        return next(others, None)

    def _lesions_of(self, series: Series) -> tuple[Lesion, ...]:
        here = Frame.of(series)
        return tuple(
            lesion for lesion in self._lesions if Frame.of(self._series[lesion.series_id]) == here
        )


def _rows(
    kind: Literal["bone", "lesion"],
    name: str,
    mask: NDArray[np.bool_],
    crop: Crop,
) -> list[OutlineRow]:
    """Outlines that enter the picture; parts beyond its edge are kept for the viewer to clip."""
    rows = []
    for line in contours(mask):
        points = crop.to_picture(line)
        if (points.max(axis=0) < 0).any() or (points.min(axis=0) > (crop.width, crop.height)).any():
            continue
        places = tuple((round(float(x), 1), round(float(y), 1)) for x, y in points)
        rows.append(OutlineRow(kind=kind, name=name, points=places))
    return rows
