"""Whether a picture of the report shows what it says, judged by its pixels.

Three balls at known points of the patient are found in the picture. They tell which way its
right and its bottom point in the patient; letters, outlines and the habits of radiological
display are held against that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from tests.orientation import knee
from tests.orientation.files import Written
from tests.orientation.markers import LEVELS, Markers
from tests.orientation.page import Picture
from tests.orientation.scan import Scan, Vector

BALL_GREY = 145
"""Balls are drawn brighter than this, oedema at about 125, all else darker."""

SMALLEST_BALL = 600
"""Pixels of a picture; a ball cut off centre has 1500."""

DIRECTION_DEG = 5.0
SCALE = 0.06
"""Middles of balls are found to a third of a native pixel of 3.6 mm, some 40 mm apart."""

CENTRE_MM = 3.6
"""An outline follows native pixels of 2.7 to 3.6 mm, and an oblique cut is not quite centred."""

SECOND_LETTER = 0.5
UNDECIDED = 0.02
"""An edge gets a second letter where the cosine is above a half; next to it either is right."""

SLICES_OFF = (-0.7, -0.35, 0.0, 0.35, 0.7)
"""The slice shown lies within so many slices of the middle of the oedema, and its bones are
those of one of these places."""

GROWN = 1.8
"""An area of oedema this much larger holds any outline of it: by half a pixel and a slice."""

BONE_DICE = 0.85
"""Overlap of the outlined bones with the true ones; 0.55 at most where they are mirrored."""

AXES = {"R": (-1, 0, 0), "L": (1, 0, 0), "A": (0, -1, 0), "P": (0, 1, 0)} | {
    "F": (0, 0, -1),
    "H": (0, 0, 1),
}
DISPLAYED = {"sagittal": "APHF", "coronal": "RLHF", "axial": "RLAP"}
"""Left, right, top and bottom of a picture as a radiologist expects it."""

EDGES = ("left", "right", "top", "bottom")
COARSE = 6
"""Areas are compared on every sixth pixel of a picture, half of a native one."""


@dataclass(frozen=True)
class Laid:
    """How a picture lies in the patient: LPS of its corner, of a pixel to the right, down."""

    corner: Vector
    right: Vector
    down: Vector

    def lps(self, x: Vector, y: Vector) -> Vector:
        across = np.multiply.outer(np.asarray(x), self.right)
        return np.asarray(self.corner + across + np.multiply.outer(np.asarray(y), self.down))

    def at(self, lps: Vector) -> Vector:
        """Picture x and y of a point, seen along the normal of the slice."""
        steps = np.stack([self.right, self.down], axis=1)
        return np.asarray(np.linalg.lstsq(steps, lps - self.corner, rcond=None)[0])

    def directions(self) -> dict[str, Vector]:
        right = self.right / np.linalg.norm(self.right)
        down = self.down / np.linalg.norm(self.down)
        return {"left": -right, "right": right, "top": -down, "bottom": down}


def picture_faults(picture: Picture, written: Written, one: knee.Oedema) -> Iterator[str]:
    """What is wrong with the picture of an oedema; nothing if all agrees."""
    scan = written.scan
    markers = next(each for each in written.markers if each.about is one)
    if picture.grey is None:
        yield "the pixels do not fill the drawing of outlines and letters"
        return
    balls = find_balls(picture)
    if len(balls) != len(LEVELS):
        yield f"{len(balls)} balls are seen instead of {len(LEVELS)}"
        return
    laid = _laid(balls, markers)
    yield from _display_faults(laid, scan)
    yield from _letter_faults(laid, picture, scan.combination.plane)
    yield from _outline_faults(laid, picture, scan, markers)


def find_balls(picture: Picture) -> Vector:
    """(n, 2) middles of the bright balls, dimmest first."""
    assert picture.grey is not None
    grey = picture.grey[::2, ::2]
    pieces, count = ndimage.label(grey > BALL_GREY)
    numbers = np.arange(1, count + 1)
    sizes = ndimage.sum_labels(pieces > 0, pieces, numbers)
    numbers = numbers[4 * sizes > SMALLEST_BALL]
    if len(numbers) == 0:
        return np.empty((0, 2))
    levels = ndimage.median(grey, pieces, numbers)
    middles = np.array(ndimage.center_of_mass(pieces > 0, pieces, numbers))
    # Every second pixel, whose centre lies half a pixel from the corner: x, then y.
    return (2 * middles[np.argsort(levels), ::-1]) + 0.5


def _laid(balls: Vector, markers: Markers) -> Laid:
    system = np.column_stack([balls, np.ones(3)])
    right, down, corner = np.linalg.solve(system, markers.centres)
    return Laid(corner, right, down)


def _display_faults(laid: Laid, scan: Scan) -> Iterator[str]:
    """Size, and the one way to lay the stored rows and columns on a page."""
    for name, step in (("right", laid.right), ("down", laid.down)):
        if abs(np.linalg.norm(step) / 0.25 - 1) > SCALE:
            yield f"a pixel to the {name} is {np.linalg.norm(step):.3f} mm and not 0.25"
    ways = [scan.row, -scan.row, scan.column, -scan.column]
    for edge, letter in zip(EDGES, DISPLAYED[scan.combination.plane], strict=True):
        expected = max(ways, key=lambda way: way @ np.array(AXES[letter]))
        seen = laid.directions()[edge]
        angle = np.degrees(np.arccos(np.clip(seen @ expected, -1, 1)))
        if angle > DIRECTION_DEG:
            yield f"the {edge} of the picture is {angle:.0f} degrees from where {letter} lies"


def _letter_faults(laid: Laid, picture: Picture, plane: str) -> Iterator[str]:
    if set(picture.letters) != set(EDGES):
        yield f"letters stand only at {sorted(picture.letters)}"
        return
    for edge, direction in laid.directions().items():
        seen = picture.letters[edge]
        cosines = {letter: float(direction @ np.array(axis)) for letter, axis in AXES.items()}
        main = max(cosines, key=lambda letter: cosines[letter])
        others = {a for a, cosine in cosines.items() if cosine > SECOND_LETTER + UNDECIDED}
        maybe = {a for a, cosine in cosines.items() if cosine > SECOND_LETTER - UNDECIDED}
        right = seen[:1] == main and others <= set(seen) <= maybe | {main}
        if not right or len(set(seen)) != len(seen):
            yield f"the {edge} is marked {seen} and lies towards {main}"
        if seen[:1] != DISPLAYED[plane][EDGES.index(edge)]:
            yield f"the {edge} of a {plane} picture is marked {seen}"


def _outline_faults(laid: Laid, picture: Picture, scan: Scan, markers: Markers) -> Iterator[str]:
    rows, columns = (int(n) // COARSE for n in (picture.height, picture.width))
    y, x = np.indices((rows, columns)) * COARSE + COARSE / 2
    points = laid.lps(x, y)
    yield from _lesion_faults(laid, picture, scan.lie.to_rest(points), markers, (rows, columns))
    drawn = _filled([line for kind, line in picture.outlines if kind == "bone"], (rows, columns))
    overlap = max(
        _overlap(drawn, knee.labels(scan.lie.to_rest(points + off * scan.step)) > 0)
        for off in SLICES_OFF
    )
    if overlap < BONE_DICE:
        yield f"the outlined bones cover the true ones with a Dice of {overlap:.2f}"


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * np.count_nonzero(one & other) / max(1, one.sum() + other.sum()))


def _lesion_faults(
    laid: Laid, picture: Picture, rest: Vector, markers: Markers, shape: tuple[int, int]
) -> Iterator[str]:
    lines = [line for kind, line in picture.outlines if kind == "lesion"]
    if not lines:
        yield "no oedema is outlined"
        return
    middle = laid.at(markers.middle)
    own = [line for line in lines if _filled([line], shape)[_cell(middle, shape)]]
    if len(own) != 1:
        yield f"{len(own)} of {len(lines)} outlines enclose the middle of the oedema"
        return
    drawn = _filled(own, shape)
    row, column = (COARSE * (one + 0.5) for one in ndimage.center_of_mass(drawn))
    away = 0.25 * float(np.hypot(*(np.array([column, row]) - middle)))
    if away > CENTRE_MM:
        yield f"the outline of the oedema lies {away:.1f} mm beside it"
    true = [knee.in_oedema(rest, one, grown=GROWN) for one in knee.OEDEMAS]
    if (_filled(lines, shape) & ~np.logical_or.reduce(true)).any():
        yield "an outline of oedema runs where there is none"
    assert picture.grey is not None
    core = knee.in_oedema(rest, markers.about) & ~ndimage.binary_dilation(~drawn)
    around = ndimage.binary_dilation(drawn, iterations=5) & ~ndimage.binary_dilation(
        drawn, iterations=2
    )
    grey = picture.grey[COARSE // 2 :: COARSE, COARSE // 2 :: COARSE][: shape[0], : shape[1]]
    if not core.any() or np.median(grey[core]) < 1.4 * np.median(grey[around]):
        yield "what is outlined as oedema is not bright"


def _cell(place: Vector, shape: tuple[int, int]) -> tuple[int, int]:
    column, row = (int(n) for n in np.clip(place // COARSE, 0, np.array(shape[::-1]) - 1))
    return row, column


def _filled(lines: list[Vector], shape: tuple[int, int]) -> np.ndarray:
    """(rows, columns) inside of closed outlines; one within another is a hole."""
    inside = np.zeros(shape, dtype=bool)
    for line in lines:
        image = Image.new("1", shape[::-1])
        points = [(float(x) / COARSE - 0.5, float(y) / COARSE - 0.5) for x, y in line]
        ImageDraw.Draw(image).polygon(points, fill=1)
        inside ^= np.asarray(image)
    return inside
