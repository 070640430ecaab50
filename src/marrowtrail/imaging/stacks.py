"""Slices of one series sorted into stacks that are volumes, and those that are not set aside.

One series may hold several echoes, image types, acquisitions and orientations (a localiser
holds three). Each combination is a stack of its own. A stack becomes a volume if its slices
are parallel, one at each place, at one distance.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.headers import Header
from marrowtrail.imaging.series import SetAside

MIN_SLICES = 3
"""A volume needs a slice with a neighbour on either side."""

PARALLEL_COSINE = 0.9999
"""Normals that differ by less than 0.8 degrees are one orientation; scanners write six
decimals, and separate stacks differ by tens of degrees."""

SPACING_TOLERANCE = 0.1
"""Gaps between slices may differ by this share of their median: positions are rounded, and a
missing slice doubles its gap."""

SHEAR_TOLERANCE_MM = 0.5
"""Slices may be shifted within their plane by this much against a straight stack in all."""

LOCALISER_SLICES = 9
"""A series that looks in several directions with at most so many slices in each is a
localiser, whether its image type says so (Siemens, Philips) or not (GE)."""

SCOUT_GAP_MM = 8.0
"""So few slices this far apart cannot be measured: they are a localiser whose three directions
were stored as three series. Slices of joints lie 0.5 to 6 mm apart."""

_LOCALISER_WORDS = frozenset({"LOCALIZER", "LOCALISER", "SCOUT"})
_MAP_WORDS = frozenset(
    {
        "T1 MAP",
        "T2 MAP",
        "T2_MAP",
        "T1_MAP",
        "ADC",
        "SUBTRACT",
        "MIP",
        "PROJECTION IMAGE",
        "DERIVED_MAP",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Slices that form one volume, in the order of the third axis, and its geometry."""

    headers: tuple[Header, ...]
    geometry: Geometry

    @property
    def first(self) -> Header:
        """A slice that speaks for all in what they share."""
        return self.headers[0]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why slices are no volume."""

    what: str
    reason: str


_LOCALISER = Rejected("localiser", "it only places the other series")


def sort_into_stacks(
    images: Iterable[Header],
) -> tuple[tuple[Stack, ...], tuple[SetAside, ...]]:
    """Every stack of a folder's images, and what was set aside with the reason."""
    groups: dict[tuple[object, ...], list[Header]] = defaultdict(list)
    for header in images:
        groups[_group_key(header)].append(header)
    stacks, aside = [], Counter[tuple[str, str]]()
    localisers = _localisers(groups)
    for key, group in groups.items():
        outcome = _LOCALISER if key[0] in localisers else build_stack(group)
        if isinstance(outcome, Stack):
            stacks.append(outcome)
        else:
            aside[outcome.what, outcome.reason] += len(group)
    rows = (SetAside(what, reason, count) for (what, reason), count in sorted(aside.items()))
    return tuple(stacks), tuple(rows)


def _localisers(groups: Mapping[tuple[object, ...], Sequence[Header]]) -> set[object]:
    """Series UIDs with several orientations and few slices in each."""
    normals: dict[object, set[object]] = defaultdict(set)
    largest: Counter[object] = Counter()
    for key, group in groups.items():
        normals[key[0]].add(key[-1])
        largest[key[0]] = max(largest[key[0]], len(group))
    return {uid for uid in normals if len(normals[uid]) > 1 and largest[uid] <= LOCALISER_SLICES}


def build_stack(headers: Sequence[Header]) -> Stack | Rejected:
    """The volume that these slices form, or why they form none."""
    kinds = {word for header in headers for word in header.words("ImageType")}
    if kinds & _LOCALISER_WORDS:
        return _LOCALISER
    if kinds & _MAP_WORDS:
        return Rejected("derived map", "it is calculated from other images, not measured")
    if len(headers) < MIN_SLICES:
        return Rejected("too few slices", f"fewer than {MIN_SLICES} parallel slices of one kind")
    ordered = _sorted_along_normal(headers)
    return _with_geometry(ordered)


def _group_key(header: Header) -> tuple[object, ...]:
    """What slices of one volume share; echoes and orientations part here."""
    normal = np.round(_normal(header), 2) + 0.0
    echo = header.number("EchoTime")
    return (
        header.text("SeriesInstanceUID"),
        header.text("StudyInstanceUID"),
        header.text("FrameOfReferenceUID"),
        None if echo is None else round(echo, 1),
        header.words("ImageType"),
        header.text("AcquisitionNumber") if _splits_by_acquisition(header) else "",
        (header.number("Rows"), header.number("Columns")),
        tuple(normal),
    )


def _splits_by_acquisition(header: Header) -> bool:
    """Interleaved 2-D series number their packages as acquisitions; time points are apart."""
    return bool(header.text("TemporalPositionIdentifier"))


def _axes(header: Header) -> NDArray[np.float64]:
    return np.asarray(header.dataset.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)


def _normal(header: Header) -> NDArray[np.float64]:
    row, column = _axes(header)
    return np.cross(row, column)


def _position(header: Header) -> NDArray[np.float64]:
    return np.asarray(header.dataset.ImagePositionPatient, dtype=np.float64)


def _sorted_along_normal(headers: Sequence[Header]) -> tuple[Header, ...]:
    normal = _normal(headers[0])
    key = {id(one): float(_position(one) @ normal) for one in headers}
    return tuple(sorted(headers, key=lambda one: (key[id(one)], one.text("SOPInstanceUID"))))


def _with_geometry(headers: tuple[Header, ...]) -> Stack | Rejected:
    normal = _normal(headers[0])
    if any(_normal(one) @ normal < PARALLEL_COSINE for one in headers):
        return Rejected("slices that are not parallel", "their orientations differ")
    positions = np.stack([_position(one) for one in headers])
    gaps = np.diff(positions @ normal)
    step = float(np.median(gaps))
    if step < 1e-3 or gaps.min() < 1e-3:
        return Rejected(
            "several images at one place",
            "slices of one series repeat the same position and nothing tells them apart",
        )
    if step >= SCOUT_GAP_MM and len(headers) <= LOCALISER_SLICES:
        return _LOCALISER
    if np.abs(gaps - step).max() > SPACING_TOLERANCE * step:
        return Rejected(
            "gaps between slices",
            "slices are missing or unevenly spaced; nothing is filled in, send the whole series",
        )
    stride = (positions[-1] - positions[0]) / (len(headers) - 1)
    straight = positions[0] + np.arange(len(headers))[:, None] * stride
    if np.linalg.norm(positions - straight, axis=1).max() > SHEAR_TOLERANCE_MM:
        return Rejected("slices out of line", "they are shifted against each other in plane")
    return Stack(headers, _geometry(headers[0], stride, len(headers)))


def _geometry(header: Header, stride: NDArray[np.float64], slices: int) -> Geometry:
    """PS3.3 C.7.6.2.1.1: rows run along the first cosine, columns along the second.

    PixelSpacing gives the distance between rows first, so it belongs to the *second* axis.
    """
    row, column = _axes(header)
    between_rows, between_columns = (float(value) for value in header.dataset.PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0] = row * between_columns
    affine[:3, 1] = column * between_rows
    affine[:3, 2] = stride
    affine[:3, 3] = _position(header)
    shape = (int(header.dataset.Columns), int(header.dataset.Rows), slices)
    return Geometry(shape, affine, header.text("FrameOfReferenceUID") or None)
