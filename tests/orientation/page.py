"""What a reader sees in ``report.html``: pictures with their letters and outlines."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass
class Picture:
    """One picture of the page; outlines as (n, 2) x and y by their kind, letters by edge."""

    heading: str
    alt: str
    width: float
    height: float
    grey: NDArray[np.uint8] | None = None
    outlines: list[tuple[str, NDArray[np.float64]]] = field(default_factory=list)
    letters: dict[str, str] = field(default_factory=dict)
    caption: str = ""


def pictures_of(html: str) -> list[Picture]:
    """The slices of a report in the order of the page."""
    reader = _Reader()
    reader.feed(html)
    return reader.pictures


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[Picture] = []
        self._heading = ""
        self._in_figure = False
        self._text_of: str = ""
        self._at = (0.0, 0.0)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "figure":
            self._in_figure = has.get("class") == "slice"
        elif tag in ("h3", "figcaption"):
            self._text_of = tag
        elif self._in_figure and tag == "svg":
            width, height = (float(n) for n in has["viewbox"].split()[2:])
            self.pictures.append(Picture(self._heading, has["aria-label"], width, height))
        elif self._in_figure and tag == "image":
            self._take_pixels(has)
        elif self._in_figure and tag == "polygon":
            points = [[float(n) for n in pair.split(",")] for pair in has["points"].split()]
            kind = has["class"].removeprefix("outline ")
            self.pictures[-1].outlines.append((kind, np.array(points)))
        elif self._in_figure and tag == "text":
            self._text_of, self._at = "letter", (float(has["x"]), float(has["y"]))

    def handle_endtag(self, tag: str) -> None:
        self._text_of = ""
        if tag == "figure":
            self._in_figure = False

    def handle_data(self, data: str) -> None:
        if self._text_of == "h3":
            self._heading = data
        elif self._text_of == "figcaption" and self._in_figure:
            self.pictures[-1].caption = data
        elif self._text_of == "letter":
            picture = self.pictures[-1]
            picture.letters[_edge(picture, *self._at)] = data

    def _take_pixels(self, has: dict[str, str]) -> None:
        """The image must fill the drawing that outlines and letters share."""
        picture = self.pictures[-1]
        content = base64.b64decode(has["href"].partition("base64,")[2])
        with Image.open(io.BytesIO(content)) as image:
            grey = np.asarray(image.convert("L"))
        fills = (float(has["width"]), float(has["height"])) == (picture.width, picture.height)
        if fills and not {"transform", "x", "y"} & set(has):
            picture.grey = grey


def _edge(picture: Picture, x: float, y: float) -> str:
    """The edge of a picture that a point is nearest to."""
    gaps = {"left": x, "right": picture.width - x, "top": y, "bottom": picture.height - y}
    return min(gaps, key=lambda edge: gaps[edge])
