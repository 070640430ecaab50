"""Slices of one series sorted into stacks that are volumes, and those that are not set aside.

One series may hold several echoes, image types, time points and orientations (a localiser
holds three). Each combination is a stack of its own. A stack becomes a volume if its slices
are parallel, one at each place, at one distance.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from marrowtrail.errors import Caution, Severity
from marrowtrail.imaging.folder import count_set_aside
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.headers import Header, Rejected
from marrowtrail.imaging.series import SetAside
from marrowtrail.imaging.slice_place import SlicePlace

MIN_SLICES = 3
"""A volume needs a slice with a neighbour on either side."""

PARALLEL_COSINE = 0.9999
"""Directions that differ by less than 0.8 degrees are one orientation; scanners write six
decimals, and separate stacks differ by tens of degrees."""

ECHO_GAP_MS = 0.3
"""Echo times further apart are two echoes. The closest pairs in use, in and out of phase, lie
1.1 ms apart at 3 T; one echo may be written with rounding of 0.1 ms."""

SAME_PLACE_MM = 0.02
"""Slices nearer than this along the normal lie at one place: the thinnest are 0.3 mm apart."""

SPACING_TOLERANCE = 0.1
"""Gaps between slices may differ by this share of their median: positions are rounded, and a
missing slice doubles its gap."""

STRAIGHT_MM = 0.5
"""No corner of a slice may lie further from where a straight, even stack would have it. A real
3 T knee with six decimals stays within 0.001 mm; half a millimetre is about a pixel."""

LOCALISER_SLICES = 9
LOCALISER_DIRECTIONS = (2, 3)
"""A series that looks in two or three directions with at most so many slices in each is a
localiser, whether its image type says so (Siemens, Philips) or not (GE). Radial series have
more directions."""

SCOUT_GAP_MM = 8.0
"""So few slices this far apart cannot be measured: they are a localiser whose three directions
were stored as three series. Slices of joints lie 0.5 to 6 mm apart."""

_LOCALISER_WORDS = frozenset({"LOCALIZER", "LOCALISER", "SCOUT"})

_CALCULATED_WORDS = frozenset(
    {"ADC", "FA", "TRACEW", "SUB", "SUBTRACT", "SUBTRACTION", "MIP", "PROJECTION IMAGE"}
    | {"FRACTION", "FAT_FRACTION", "DERIVED_MAP", "P", "PHASE", "R", "REAL", "I", "IMAGINARY"}
)
"""Words of Image Type for images that are no measured magnitude; so is all that ends in MAP."""

_DIFFUSION_WORD = "DIFFUSION"

_LOCALISER = Rejected("localiser", "it only places the other series")
_CALCULATED = Rejected("derived map", "it is calculated from other images, not measured")
_DIFFUSION = Rejected("diffusion images", "their brightness shows diffusion, not marrow oedema")
_FEW = Rejected("too few slices", f"fewer than {MIN_SLICES} parallel slices of one kind")
_REPEATED = Rejected(
    "several images at one place",
    "slices of one series repeat the same position and nothing tells them apart",
)
_GAPS = Rejected(
    "gaps between slices",
    "slices are missing or unevenly spaced; nothing is filled in, send the whole series",
)
_CROOKED = Rejected("slices out of line", "they are shifted or turned against each other")

_BROKEN = frozenset(one.what for one in (_GAPS, _CROOKED))


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Slices that form one volume, in the order of the third axis, and its geometry."""

    headers: tuple[Header, ...]
    geometry: Geometry

    @property
    def first(self) -> Header:
        """A slice that speaks for all in what they share."""
        return self.headers[0]


def sort_into_stacks(
    images: Iterable[Header],
) -> tuple[tuple[Stack, ...], tuple[SetAside, ...]]:
    """Every stack of a folder's images, and what was set aside with the reason."""
    by_series: dict[tuple[str, ...], list[Header]] = defaultdict(list)
    for header in images:
        by_series[_series(header)].append(header)
    stacks, aside = [], Counter[Rejected]()
    for members in by_series.values():
        directions = _by_orientation(members)
        for group in _groups(directions):
            outcome = _LOCALISER if _is_localiser(directions) else build_stack(group)
            if isinstance(outcome, Stack):
                stacks.append(outcome)
            else:
                aside[outcome] += len(group)
    return tuple(stacks), count_set_aside(aside)


def broken_series(set_aside: Iterable[SetAside]) -> tuple[Caution, ...]:
    """A caution for images that would have been measured, had their series come whole."""
    return tuple(
        Caution(
            "series-incomplete",
            Severity.UNVERIFIED,
            f"{one.files} images could not be used: {one.reason}.",
            "a series in the folder",
            "send the whole series again",
        )
        for one in set_aside
        if one.what in _BROKEN
    )


def build_stack(headers: Sequence[Header]) -> Stack | Rejected:
    """The volume that these slices form, or why they form none."""
    kinds = {word for header in headers for word in header.words("ImageType")}
    if kinds & _LOCALISER_WORDS:
        return _LOCALISER
    if kinds & _CALCULATED_WORDS or any(word.endswith("MAP") for word in kinds):
        return _CALCULATED
    if _DIFFUSION_WORD in kinds:
        return _DIFFUSION
    if len(headers) < MIN_SLICES:
        return _FEW
    return _evenly_stacked(_along_normal(headers))


def _series(header: Header) -> tuple[str, ...]:
    tags = ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")
    return tuple(header.text(tag) for tag in tags)


def _is_localiser(directions: Sequence[Sequence[Header]]) -> bool:
    few = max(len(group) for group in directions) <= LOCALISER_SLICES
    return few and len(directions) in LOCALISER_DIRECTIONS


def _groups(directions: Sequence[Sequence[Header]]) -> Iterator[list[Header]]:
    """Slices that could be one volume: one orientation, kind, time point and echo."""
    for parallel in directions:
        alike: dict[tuple[object, ...], list[Header]] = defaultdict(list)
        for header in parallel:
            alike[_kind(header)].append(header)
        for group in alike.values():
            yield from _by_echo(group)


def _kind(header: Header) -> tuple[object, ...]:
    return (
        header.words("ImageType"),
        header.text("TemporalPositionIdentifier"),
        _place(header).size,
    )


def _by_orientation(headers: Sequence[Header]) -> list[list[Header]]:
    """Clusters, not rounded values: a value on the edge of rounding would part a stack."""
    clusters: list[list[Header]] = []
    for header in headers:
        home = next((one for one in clusters if _parallel(one[0], header)), None)
        if home is None:
            clusters.append([header])
        else:
            home.append(header)
    return clusters


def _parallel(one: Header, other: Header) -> bool:
    mine, yours = _place(one), _place(other)
    return bool(min(mine.row @ yours.row, mine.column @ yours.column) > PARALLEL_COSINE)


def _by_echo(headers: Sequence[Header]) -> list[list[Header]]:
    """By echo time; by echo number where a file has no time."""
    ordered = sorted(headers, key=_echo)
    clusters = [[ordered[0]]]
    for last, header in pairwise(ordered):
        if _echo(header)[0] - _echo(last)[0] > ECHO_GAP_MS or _echo(header)[1] != _echo(last)[1]:
            clusters.append([])
        clusters[-1].append(header)
    return clusters


def _echo(header: Header) -> tuple[float, str]:
    time = header.number("EchoTime")
    return (0.0, header.text("EchoNumbers")) if time is None else (time, "")


def _place(header: Header) -> SlicePlace:
    if header.place is None:
        raise ValueError("A slice without a place cannot be stacked; the folder's scan drops it.")
    return header.place


def _along_normal(headers: Sequence[Header]) -> tuple[Header, ...]:
    normal = _place(headers[0]).normal
    return tuple(sorted(headers, key=lambda one: float(_place(one).position @ normal)))


def _evenly_stacked(headers: tuple[Header, ...]) -> Stack | Rejected:
    places = [_place(header) for header in headers]
    normal = places[0].normal
    gaps = np.diff([place.position @ normal for place in places])
    step = float(np.median(gaps))
    if gaps.min() < SAME_PLACE_MM:
        return _REPEATED
    if step >= SCOUT_GAP_MM and len(headers) <= LOCALISER_SLICES:
        return _LOCALISER
    if np.abs(gaps - step).max() > SPACING_TOLERANCE * step or _is_thinned_out(headers[0], step):
        return _GAPS
    geometry = _geometry(places, headers[0].text("FrameOfReferenceUID"))
    drift = np.linalg.norm(np.cross(places[-1].position - places[0].position, normal))
    if drift > STRAIGHT_MM or _furthest_corner_mm(places, geometry) > STRAIGHT_MM:
        return _CROOKED
    return Stack(headers, geometry)


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
