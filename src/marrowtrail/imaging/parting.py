"""Slices of one series parted into those that could be one volume.

By orientation, kind and size, echo; then by stack and, where images repeat a place, by
acquisition. A tag parts slices only if what it makes are whole volumes: interleaved packages
of one volume also carry different acquisition numbers and times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from marrowtrail.imaging.agent import time_of_day_s
from marrowtrail.imaging.headers import Header
from marrowtrail.imaging.slice_place import SlicePlace

PARALLEL_COSINE = 0.9999
"""Directions that differ by less than 0.8 degrees are one orientation; scanners write six
decimals, and separate stacks differ by tens of degrees."""

ECHO_GAP_MS = 0.3
"""Echo times further apart are two echoes. The closest pairs in use, in and out of phase, lie
1.1 ms apart at 3 T; one echo may be written with rounding of 0.1 ms."""

SAME_PLACE_MM = 0.02
"""Slices nearer than this along the normal lie at one place: the thinnest are 0.3 mm apart."""

SIDE_BY_SIDE_MM = 20.0
"""Parallel slices shifted in their plane by more are two stacks (both knees in one series, each
in a field of view of its own). Slices of one stack are shifted by rounding only."""

MIN_SLICES = 3
"""A volume needs a slice with a neighbour on either side."""

COPIED_SHARE = 0.25
"""At most so many places of a volume may be imaged twice for the second image to be left out:
more of them are a second volume, and which image belongs to which is not known."""

_ACQUISITION_TAGS = ("TemporalPositionIdentifier", "AcquisitionNumber", "TriggerTime")


def place_of(header: Header) -> SlicePlace:
    """Where a slice lies.

    Raises
    ------
    ValueError
        If its header does not say; the folder's scan drops such slices.
    """
    if header.place is None:
        raise ValueError("A slice without a place cannot be stacked; the folder's scan drops it.")
    return header.place


def along_normal(headers: Sequence[Header]) -> list[Header]:
    """Parallel slices in order of their normal; at one place by number, then identifier."""
    normal = place_of(headers[0]).normal
    return sorted(
        headers,
        key=lambda one: (
            round(float(place_of(one).position @ normal) / SAME_PLACE_MM),
            one.number("InstanceNumber") or 0.0,
            one.text("SOPInstanceUID"),
        ),
    )


def by_orientation(headers: Sequence[Header]) -> list[list[Header]]:
    """Clusters, not rounded values: a value on the edge of rounding would part a stack."""
    clusters: list[list[Header]] = []
    for header in headers:
        home = next((one for one in clusters if _parallel(one[0], header)), None)
        if home is None:
            clusters.append([header])
        else:
            home.append(header)
    return clusters


def by_kind(headers: Sequence[Header]) -> list[list[Header]]:
    """Parallel slices of one Image Type, size and echo."""
    alike = _by(headers, lambda one: (one.words("ImageType"), place_of(one).size))
    return [echo for group in alike for echo in _by_echo(group)]


def by_stack(headers: Sequence[Header]) -> list[list[Header]]:
    """Stacks that lie beside each other, or that the scanner numbers; else all as they came."""
    by_number = _by(headers, lambda one: one.text("StackID"))
    for parts in (_side_by_side(headers), by_number):
        if len(parts) > 1 and min(map(len, parts)) >= MIN_SLICES:
            return parts
    return [list(headers)]


def by_acquisition(headers: Sequence[Header]) -> list[list[Header]]:
    """Time points and repetitions, earliest first.

    All as they came where no place repeats, or where nothing tells images of one place apart.
    """
    if not repeats(headers):
        return [list(headers)]
    for tag in _ACQUISITION_TAGS:
        parts = _by(headers, _numbered(tag))
        if len(parts) > 1 and _are_volumes(parts, len(_places(headers))):
            return parts
    return _one_after_the_other(headers) or [list(headers)]


def repeats(headers: Sequence[Header]) -> bool:
    """Two images lie at one place."""
    return len(_places(headers)) < len(headers)


def without_copies(headers: Sequence[Header]) -> tuple[list[Header], list[Header]] | None:
    """One image for each place (the first by its number), and those left out.

    ``None`` where more than a few places were imaged twice: the choice would be a guess.
    """
    places = _places(headers)
    rest = [image for images in places for image in images[1:]]
    if len(rest) > COPIED_SHARE * len(places):
        return None
    return [images[0] for images in places], rest


def _by(headers: Sequence[Header], key: Callable[[Header], Any]) -> list[list[Header]]:
    groups: dict[Any, list[Header]] = defaultdict(list)
    for header in headers:
        groups[key(header)].append(header)
    return [groups[one] for one in sorted(groups)]


def _numbered(tag: str) -> Callable[[Header], tuple[float, str]]:
    return lambda header: (header.number(tag) or 0.0, header.text(tag))


def _parallel(one: Header, other: Header) -> bool:
    mine, yours = place_of(one), place_of(other)
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


def _side_by_side(headers: Sequence[Header]) -> list[list[Header]]:
    clusters: list[list[Header]] = []
    for header in along_normal(headers):
        home = next((one for one in clusters if _shift_mm(one[0], header) < SIDE_BY_SIDE_MM), None)
        if home is None:
            clusters.append([header])
        else:
            home.append(header)
    return clusters


def _shift_mm(one: Header, other: Header) -> float:
    """How far a slice is shifted in its own plane against another."""
    mine, yours = place_of(one), place_of(other)
    return float(np.linalg.norm(np.cross(yours.position - mine.position, mine.normal)))


def _places(headers: Sequence[Header]) -> list[list[Header]]:
    """Images of each place along the normal."""
    normal = place_of(headers[0]).normal
    places: list[list[Header]] = []
    last = -np.inf
    for header in along_normal(headers):
        here = float(place_of(header).position @ normal)
        if here - last >= SAME_PLACE_MM:
            places.append([])
        places[-1].append(header)
        last = here
    return places


def _are_volumes(parts: Sequence[Sequence[Header]], places: int) -> bool:
    """No part repeats a place, and most hold every place (the last may have been stopped)."""
    whole = sum(len(part) == places for part in parts)
    return 2 * whole >= len(parts) and not any(repeats(part) for part in parts)


def _one_after_the_other(headers: Sequence[Header]) -> list[list[Header]] | None:
    """The first image of each place in time, the second, and so on.

    Only if each of these volumes was over before the next began.
    """
    if any(_time_s(one) is None for one in headers):
        return None
    places = [sorted(images, key=_seconds) for images in _places(headers)]
    if len({len(images) for images in places}) > 1:
        return None
    volumes = [list(volume) for volume in zip(*places, strict=True)]
    spans = [[_seconds(one) for one in volume] for volume in volumes]
    follows = all(max(first) < min(second) for first, second in pairwise(spans))
    return volumes if follows else None


def _time_s(header: Header) -> float | None:
    return time_of_day_s(header.text("AcquisitionTime"))


def _seconds(header: Header) -> float:
    return _time_s(header) or 0.0
