"""The PDF for the record: two to four pages from the same result as ``report.html``.

Typst lays it out (its wheel carries the compiler and the fonts; nothing is fetched). All text
reaches the template as strings of one JSON value and never as markup, so that nothing a case
says can run or format anything. Characters that steer the line instead of standing on it are
taken out first. The same result gives the same bytes: no clock, no system font, no random id.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib import resources
from typing import Literal

import typst

from marrowtrail.report.language import Language, speaking
from marrowtrail.report.pdf_content import paper_of
from marrowtrail.report.pdf_drawings import palette
from marrowtrail.report.pdf_paper import ROOMS, Paper
from marrowtrail.result.identity import Identity
from marrowtrail.result.model import ResultDocument

MOST_PAGES = 4
"""A record holds a report of this length without losing its readers."""

ACCESSIBLE: Literal["ua-1"] = "ua-1"
"""PDF/UA-1: tagged for screen readers. A character that no font of the wheel has forbids it."""

PNG_PPI = 110.0
"""A page as wide as a screen's column."""

PAGE_OBJECT = re.compile(rb"/Type ?/Page(?!s)")

BREAKABLE = re.compile(r"[^\S\N{NO-BREAK SPACE}]+")
"""Space of any kind but the one that holds two words together."""

STEERING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that can reorder, hide or break a line; none is needed to read one."""


def render_pdf(
    document: ResultDocument,
    figures: Mapping[str, bytes],
    identity: Identity | None = None,
    language: Language = Language.ENGLISH,
) -> bytes:
    """The PDF of a result, cut until it has at most :data:`MOST_PAGES` pages.

    Parameters
    ----------
    document
        All that is shown.
    figures
        WebP bytes by the file name in :class:`~marrowtrail.result.model.FigureRow`.
    identity
        Who the patient is; without it nobody is named.
    language
        In which the pages are written.

    Raises
    ------
    KeyError
        If the bytes of a figure of the document are missing.
    """
    with speaking(language):
        return _fitting(document, figures, identity)[1]


def render_pages(
    document: ResultDocument,
    figures: Mapping[str, bytes],
    identity: Identity | None = None,
    language: Language = Language.ENGLISH,
) -> tuple[bytes, ...]:
    """The same pages as PNG, for looking at."""
    with speaking(language):
        inputs = {"data": _fitting(document, figures, identity)[0]}
    compiler = typst.Compiler(_template(), font_paths=_fonts(), sys_inputs=inputs)
    pages = compiler.compile(_template(), format="png", ppi=PNG_PPI)
    return tuple(pages) if isinstance(pages, list) else (pages or b"",)


def _fitting(
    document: ResultDocument, figures: Mapping[str, bytes], identity: Identity | None
) -> tuple[str, bytes]:
    """The fullest content whose pages are few enough, and its PDF; the barest where none is."""
    data, written = "", b""
    for room in ROOMS:
        data = _data(paper_of(document, figures, room, identity))
        written = _compile(data)
        if page_count(written) <= MOST_PAGES:
            break
    return data, written


def page_count(written: bytes) -> int:
    """Pages of a PDF that Typst wrote: their objects are never packed into streams."""
    return len(PAGE_OBJECT.findall(written))


def printable(text: str) -> str:
    """A text without characters that steer: line ends become spaces, the others go.

    A space at which no line may end stays: "99 %" is one word.
    """
    spaced = BREAKABLE.sub(" ", text).strip()
    return "".join(c for c in spaced if unicodedata.category(c) not in STEERING)


def _compile(data: str) -> bytes:
    inputs = {"data": data}
    try:
        return typst.compile(
            _template(),
            font_paths=_fonts(),
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=ACCESSIBLE,
        )
    except typst.TypstError as refused:
        if "could not be displayed" not in str(refused):
            raise
    return typst.compile(_template(), font_paths=_fonts(), format="pdf", sys_inputs=inputs)


def _data(paper: Paper) -> str:
    content = _clean({**asdict(paper), "palette": palette()})
    return json.dumps(content, ensure_ascii=False, sort_keys=True)


def _clean(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return value


@cache
def _template() -> bytes:
    return (resources.files("marrowtrail.report") / "templates" / "report.typ").read_bytes()


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
