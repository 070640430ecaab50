"""Parallel slices, one at each place, as volumes: straight, and at one distance.

Nothing is filled in and nothing is measured across a hole. Where slices are missing, the
evenly spaced runs on either side of the hole are volumes of their own, with a caution: most of
a joint measured, and said to be incomplete, serves its reader better than none of it. Runs are
kept only if they hold most of the slices that came, and only if every other gap is wider:
a narrower one means that the slices do not lie where their headers say.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.headers import Header, Rejected
from marrowtrail.imaging.kinds import LOCALISER
from marrowtrail.imaging.parting import MIN_SLICES, SAME_PLACE_MM, place_of
from marrowtrail.imaging.slice_place import SlicePlace

SPACING_TOLERANCE = 0.1
"""Gaps between slices may differ by this share of their median: positions are rounded, and a
missing slice doubles its gap."""

STRAIGHT_MM = 0.5
"""No corner of a slice may lie further from where a straight, even stack would have it. A real
3 T knee with six decimals stays within 0.001 mm; half a millimetre is about a pixel."""

LOCALISER_SLICES = 9
"""Most slices in one direction of a localiser."""

SCOUT_GAP_MM = 8.0
"""So few slices this far apart cannot be measured: they are a localiser whose three directions
were stored as three series. Slices of joints lie 0.5 to 6 mm apart."""

MIN_RUN_SLICES = 8
"""A run beside a hole is read from so many slices on: at 3 to 4 mm they hold one condyle."""

MIN_RUN_SHARE = 0.5
"""The runs that are read hold at least this share of the slices that came; a stack with more
holes than that was damaged in a way that its headers do not tell."""

TWO_LIMBS_MM = 60.0
"""Runs further apart than this are two stacks, as of both knees, and no slice is missing: no
joint is imaged with a hole that wide, and the knees lie 150 to 250 mm apart."""

GAPS = Rejected(
    "gaps between slices",
    "slices are missing or unevenly spaced; nothing is filled in, send the whole series",
)
CROOKED = Rejected("slices out of line", "they are shifted or turned against each other")
BEYOND_A_GAP = Rejected(
    "slices beyond a gap", "too few of them lie together on their side of missing slices"
)


def even_runs(headers: Sequence[Header]) -> list[list[Header]] | Rejected:
    """The evenly spaced runs of slices, in order of their normal; one where none is missing.

    Parameters
    ----------
    headers
        At least three parallel slices in order of their normal, one at each place.
    """
    normal = place_of(headers[0]).normal
    gaps = np.diff([place_of(one).position @ normal for one in headers])
    step = float(np.median(gaps))
    if step >= SCOUT_GAP_MM and len(headers) <= LOCALISER_SLICES:
        return LOCALISER
    tolerance = SPACING_TOLERANCE * step
    if gaps.min() < max(step - tolerance, SAME_PLACE_MM) or _is_thinned_out(headers[0], step):
        return GAPS
    holes = np.flatnonzero(gaps > step + tolerance)
    edges = [0, *(int(hole) + 1 for hole in holes), len(headers)]
    runs = [list(headers[a:b]) for a, b in pairwise(edges)]
    apart = bool(len(holes)) and bool((gaps[holes] > TWO_LIMBS_MM).all())
    fewest = MIN_SLICES if apart or len(runs) == 1 else MIN_RUN_SLICES
    kept = [run for run in runs if len(run) >= fewest]
    if sum(map(len, kept)) < MIN_RUN_SHARE * len(headers):
        return GAPS
    return kept


def missing_between(runs: Sequence[Sequence[Header]]) -> bool:
    """Slices are missing between two runs, which are not those of two limbs."""
    normal = place_of(runs[0][0]).normal
    ends = [(place_of(run[0]).position, place_of(run[-1]).position) for run in runs]
    return any(
        float((later[0] - earlier[1]) @ normal) <= TWO_LIMBS_MM for earlier, later in pairwise(ends)
    )


def straight_geometry(headers: Sequence[Header]) -> Geometry | Rejected:
    """The grid of evenly spaced slices, if no corner lies off it."""
    places = [place_of(header) for header in headers]
    geometry = _geometry(places, headers[0].text("FrameOfReferenceUID"))
    drift = np.linalg.norm(np.cross(places[-1].position - places[0].position, places[0].normal))
    if drift > STRAIGHT_MM or _furthest_corner_mm(places, geometry) > STRAIGHT_MM:
        return CROOKED
    return geometry


def _is_thinned_out(header: Header, step: float) -> bool:
    """Every second (or third) slice is missing, by what the scanner says of its own spacing.

    SpacingBetweenSlices is believed only where it is a distance between centres, as the
    standard has it; some scanners write the gap there, which is smaller than a slice.
    """
    said, thickness = header.number("SpacingBetweenSlices"), header.number("SliceThickness")
    if said is None or thickness is None or said < (1 - SPACING_TOLERANCE) * thickness:
        return False
    times = step / said if said > 0 else 1.0
    return times > 1.5 and abs(times - round(times)) <= SPACING_TOLERANCE


def _geometry(places: Sequence[SlicePlace], frame: str) -> Geometry:
    first, last = places[0], places[-1]
    affine = np.eye(4)
    affine[:3, 0] = first.row * first.spacing_mm[0]
    affine[:3, 1] = first.column * first.spacing_mm[1]
    affine[:3, 2] = (last.position - first.position) / (len(places) - 1)
    affine[:3, 3] = first.position
    return Geometry((*first.size, len(places)), affine, frame or None)


def _furthest_corner_mm(places: Sequence[SlicePlace], geometry: Geometry) -> float:
    """How far any slice's own corners lie from where the geometry has them."""
    columns, rows, _ = geometry.shape
    corners = np.array([[0, 0, 0], [columns - 1, 0, 0], [columns - 1, rows - 1, 0]])
    gaps = [
        np.linalg.norm(place.corners_lps - geometry.to_lps(corners + [0, 0, k]), axis=1).max()
        for k, place in enumerate(places)
    ]
    return float(max(gaps))
