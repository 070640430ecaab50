"""Slices of one series sorted into stacks that are volumes, and those that are not set aside.

One series may hold several echoes, image types, time points, repetitions, stacks and
orientations (a localiser holds three). Each combination is a stack of its own. A stack becomes
a volume if its slices are parallel, one at each place, at one distance; what its reader must
know of it travels with it as a doubt.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from marrowtrail.errors import Caution, Severity
from marrowtrail.imaging.contrast import Physics, read_contrast
from marrowtrail.imaging.doubts import (
    INTERPOLATED,
    Doubt,
    frames_mixed,
    slices_missing,
    slices_twice,
)
from marrowtrail.imaging.folder import count_set_aside
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.headers import Header, Rejected
from marrowtrail.imaging.kinds import LOCALISER, is_reformat, kind_set_aside
from marrowtrail.imaging.parting import (
    MIN_SLICES,
    along_normal,
    by_acquisition,
    by_kind,
    by_orientation,
    by_stack,
    repeats,
    without_copies,
)
from marrowtrail.imaging.series import SetAside
from marrowtrail.imaging.spacing import (
    BEYOND_A_GAP,
    CROOKED,
    GAPS,
    LOCALISER_SLICES,
    even_runs,
    missing_between,
    straight_geometry,
)

LOCALISER_DIRECTIONS = (2, 3)
"""A series that looks in two or three directions with few slices in each is a localiser,
whether its image type says so (Siemens, Philips) or not (GE). Radial series have more."""

DYNAMIC_POINTS = 4
"""A series with so many time points follows something in time (the arrival of a contrast
agent, a moving joint) at the cost of detail. One before and two after an agent are series."""

_FEW = Rejected("too few slices", f"fewer than {MIN_SLICES} parallel slices of one kind")
_DYNAMIC = Rejected(
    "dynamic series",
    f"{DYNAMIC_POINTS} or more time points of one series; they follow a contrast agent or a "
    "movement, not marrow oedema",
)
_REPEATED = Rejected(
    "several images at one place",
    "slices of one series repeat the same position and nothing tells them apart",
)
_COPY = Rejected(
    "repeated slices", "their series has another image of the same place, which is used"
)
_REFORMAT = Rejected(
    "reformats",
    "they were interpolated from a series that is in the folder, and would count it twice",
)

_REMEDIES = {
    GAPS.what: "send the whole series again",
    CROOKED.what: "send the whole series again",
    _REPEATED.what: "export each acquisition as a series of its own",
}
"""For what would have been measured, had its series come whole and in order."""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Slices that form one volume, in the order of the third axis, and its geometry.

    ``is_part`` is true where slices of its series are missing beside it.
    """

    headers: tuple[Header, ...]
    geometry: Geometry
    doubts: tuple[Doubt, ...] = ()
    is_part: bool = False

    @property
    def first(self) -> Header:
        """A slice that speaks for all in what they share."""
        return self.headers[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Sorted:
    """Stacks found so far, and how many files were set aside for which reason."""

    stacks: list[Stack] = field(default_factory=list)
    aside: Counter[Rejected] = field(default_factory=Counter)

    def add(self, other: _Sorted) -> None:
        self.stacks.extend(other.stacks)
        self.aside.update(other.aside)


def sort_into_stacks(
    images: Iterable[Header],
) -> tuple[tuple[Stack, ...], tuple[SetAside, ...]]:
    """Every stack of a folder's images, and what was set aside with the reason."""
    by_series: dict[tuple[str, ...], list[Header]] = defaultdict(list)
    for header in images:
        by_series[_series(header)].append(header)
    found = _Sorted()
    for members in by_series.values():
        directions = by_orientation(members)
        if _is_localiser(directions):
            found.aside[LOCALISER] += len(members)
            continue
        for parallel in directions:
            for group in by_kind(parallel):
                found.add(_of_one_kind(group))
    kept = _without_reformats(found)
    return tuple(_with_mixed_frames(kept)), count_set_aside(found.aside)


def broken_series(set_aside: Iterable[SetAside]) -> tuple[Caution, ...]:
    """A caution for images that would have been measured, had their series come in order."""
    return tuple(
        Caution(
            "series-incomplete",
            Severity.UNVERIFIED,
            f"{one.files} images could not be used: {one.reason}.",
            "a series in the folder",
            _REMEDIES[one.what],
        )
        for one in set_aside
        if one.what in _REMEDIES
    )


def build_stacks(headers: Sequence[Header]) -> tuple[Stack, ...] | Rejected:
    """The volumes that parallel slices of one kind and time point form, or why they form none.

    There are several only where slices are missing between them, or where they show two
    limbs.
    """
    runs = even_runs(headers)
    if isinstance(runs, Rejected):
        return runs
    used = sum(map(len, runs))
    is_part = used < len(headers) or (len(runs) > 1 and missing_between(runs))
    doubts = (slices_missing(len(runs), used, len(headers)),) if is_part else ()
    stacks = []
    for run in runs:
        geometry = straight_geometry(run)
        if isinstance(geometry, Rejected):
            return geometry
        stacks.append(Stack(tuple(run), geometry, doubts, is_part))
    return tuple(stacks)


def _series(header: Header) -> tuple[str, ...]:
    tags = ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")
    return tuple(header.text(tag) for tag in tags)


def _is_localiser(directions: Sequence[Sequence[Header]]) -> bool:
    few = max(len(group) for group in directions) <= LOCALISER_SLICES
    return few and len(directions) in LOCALISER_DIRECTIONS


def _of_one_kind(group: Sequence[Header]) -> _Sorted:
    """Stacks of slices of one orientation, kind and echo."""
    found = _Sorted()
    kind = kind_set_aside(group)
    if kind is not None:
        found.aside[kind] += len(group)
        return found
    for beside in by_stack(group):
        points = by_acquisition(beside)
        if len(points) >= DYNAMIC_POINTS:
            found.aside[_DYNAMIC] += len(beside)
            continue
        for point in points:
            found.add(_of_one_time(point))
    return found


def _of_one_time(group: Sequence[Header]) -> _Sorted:
    found = _Sorted()
    slices, copies = list(group), list[Header]()
    if repeats(group):
        without = without_copies(group)
        if without is None:
            found.aside[_REPEATED] += len(group)
            return found
        slices, copies = without
    stacks = _FEW if len(slices) < MIN_SLICES else build_stacks(along_normal(slices))
    if isinstance(stacks, Rejected):
        found.aside[stacks] += len(group)
        return found
    doubts = (slices_twice(len(copies), len(slices)),) if copies else ()
    found.stacks.extend(replace(one, doubts=one.doubts + doubts) for one in stacks)
    found.aside.update({_COPY: len(copies)} if copies else {})
    beyond = len(slices) - sum(len(one.headers) for one in stacks)
    found.aside.update({BEYOND_A_GAP: beyond} if beyond else {})
    return found


def _without_reformats(found: _Sorted) -> list[Stack]:
    """Reformats only where the series they were made from did not come, or not whole.

    The original has what was measured; a reformat repeats it with interpolated, correlated
    noise. Where nothing else of its kind came, its geometry is true and it is all there is.
    """
    originals = {_shown(one) for one in found.stacks if not (one.is_part or is_reformat(one.first))}
    kept = []
    for stack in found.stacks:
        if not is_reformat(stack.first):
            kept.append(stack)
        elif _shown(stack) in originals:
            found.aside[_REFORMAT] += len(stack.headers)
        else:
            kept.append(replace(stack, doubts=(*stack.doubts, INTERPOLATED)))
    return kept


def _shown(stack: Stack) -> tuple[object, ...]:
    """What a reformat shares with its original: examination, frame, weighting and timing."""
    header = stack.first
    label = read_contrast(Physics.of(header)).label
    timing = (header.number("RepetitionTime"), header.number("EchoTime"))
    return header.text("StudyInstanceUID"), header.text("FrameOfReferenceUID"), label, *timing


def _with_mixed_frames(stacks: Sequence[Stack]) -> list[Stack]:
    """A doubt on stacks of one series that lie in several frames of reference."""
    frames: dict[str, set[str]] = defaultdict(set)
    for stack in stacks:
        header = stack.first
        frames[header.text("SeriesInstanceUID")].add(header.text("FrameOfReferenceUID"))
    marked = []
    for stack in stacks:
        count = len(frames[stack.first.text("SeriesInstanceUID")])
        doubts = (*stack.doubts, frames_mixed(count)) if count > 1 else stack.doubts
        marked.append(replace(stack, doubts=doubts))
    return marked
