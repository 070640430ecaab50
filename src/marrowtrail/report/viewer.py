"""The stacks of slices that the report's viewer shows, within a budget of bytes.

Every place is drawn as finely as it was acquired, with T1 beside the fluid-sensitive series. Where
that takes more than :data:`BUDGET_BYTES`, pixels of all places become coarser step by step and
then T1 is left out, the same way for the same input.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import repeat

from marrowtrail.anatomy.bones import BoneMap
from marrowtrail.follow_up.track import BoneRegistration
from marrowtrail.imaging.series import Study
from marrowtrail.lesions.lesion import BoneReading
from marrowtrail.report.viewer_drawn import ViewerAtlas, draw_frames
from marrowtrail.report.viewer_frame import ViewerFrame
from marrowtrail.report.viewer_grid import (
    SLICES,
    is_reformatted,
    planes_of,
    voxel_at,
    with_pixels,
)
from marrowtrail.report.viewer_places import Place, choose_places
from marrowtrail.report.viewer_stack import encoded, range_of, tile_size, tiles_across
from marrowtrail.result.viewer_rows import ViewerContrast, ViewerPlaceRow, ViewerStackRow

BUDGET_BYTES = 5_500_000
"""All stacks together; 7.3 MB once they stand in the page as text."""

MOST_VOXELS = 40_000_000
"""More are not even tried: they would not fit, and take seconds."""

THREADS = 2
"""Places are drawn side by side: sampling and encoding leave Python to others. Each is drawn by
one thread alone, so that their number changes no byte."""

STEPS = ((1.0, True), (1.35, True), (1.35, False), (1.8, False), (2.6, False), (4.0, False))
"""How much coarser than acquired, and whether with T1."""

Viewer = tuple[tuple[ViewerPlaceRow, ...], dict[str, bytes]]


def draw_viewer(
    study: Study,
    bone_maps: tuple[BoneMap, ...],
    readings: tuple[BoneReading, ...],
    registrations: tuple[BoneRegistration, ...],
    budget_bytes: int = BUDGET_BYTES,
) -> Viewer:
    """Every place of the viewer, and the WebP bytes of its stacks by file name."""
    places = choose_places(study, bone_maps, readings, registrations)
    atlas = ViewerAtlas.of(study, bone_maps, readings)
    while places:
        for coarser, with_t1 in STEPS:
            drawn = _draw_all(places, atlas, coarser, with_t1=with_t1, budget_bytes=budget_bytes)
            if drawn is not None:
                return drawn
        places = places[:-1]
    return (), {}


def _draw_all(
    places: tuple[Place, ...],
    atlas: ViewerAtlas,
    coarser: float,
    *,
    with_t1: bool,
    budget_bytes: int,
) -> Viewer | None:
    """Everything at one coarseness, or ``None`` where it is too much."""
    chosen = [_at(place, coarser, with_t1=with_t1) for place in places]
    if sum(len(one.frames) * math.prod(one.grid.shape) for one in chosen) > MOST_VOXELS:
        return None
    names = [f"viewer{number}" for number in range(1, len(places) + 1)]
    with ThreadPoolExecutor(THREADS) as pool:
        drawn = list(pool.map(_draw, names, chosen, places, repeat(atlas)))
    files = {name: content for _, made in drawn for name, content in made.items()}
    if sum(map(len, files.values())) > budget_bytes:
        return None
    return tuple(row for row, _ in drawn), files


def _at(place: Place, coarser: float, *, with_t1: bool) -> Place:
    grid = with_pixels(place.grid, coarser)
    frames = tuple(
        replace(frame, grid=grid)
        for frame in place.frames
        if with_t1 or frame.series.id not in place.companions
    )
    return replace(place, grid=grid, frames=frames)


def _draw(
    name: str, place: Place, native: Place, atlas: ViewerAtlas
) -> tuple[ViewerPlaceRow, dict[str, bytes]]:
    grid = place.grid
    drawn = draw_frames(place.frames, place.bone, atlas)
    rows = [_stack_row(name, place, frame) for frame in place.frames]
    by_kind = {
        kind: [one.stack for one, row in zip(drawn, rows, strict=True) if row.contrast is kind]
        for kind in ViewerContrast
    }
    ranges = tuple(range_of(kind, stacks) for kind, stacks in by_kind.items() if stacks)
    tops = {one.contrast: one.top for one in ranges}
    files = {
        row.file: encoded(one.stack, tops[row.contrast])
        for one, row in zip(drawn, rows, strict=True)
    }
    place_row = ViewerPlaceRow(
        bone=place.bone.bone,
        side=place.bone.side,
        end=place.bone.end,
        spot=place.spot.lesion_id,
        home_visit=place.home.visit_id,
        shape=grid.shape,
        spacing_mm=grid.spacing_mm,
        native_pixel_mm=min(native.grid.spacing_mm[:2]),
        tile=tile_size(grid.shape),
        tiles_across=tiles_across(grid.shape),
        start=voxel_at(grid, place.spot.point_lps),
        planes=planes_of(grid, native.grid.spacing_mm[SLICES]),
        ranges=ranges,
        stacks=tuple(rows),
        outlines=tuple(row for one in drawn for row in one.outlines),
    )
    return place_row, files


def _stack_row(name: str, place: Place, frame: ViewerFrame) -> ViewerStackRow:
    series = frame.series
    is_companion = series.id in place.companions
    return ViewerStackRow(
        contrast=ViewerContrast.T1 if is_companion else ViewerContrast.FLUID,
        visit=series.visit_id,
        series=series.id,
        file=f"{name}-{series.id}.webp",
        label=f"{series.contrast.label}, {series.plane.value}",
        is_reformatted=is_reformatted(series, frame.grid),
        is_verified=frame.verified,
    )
