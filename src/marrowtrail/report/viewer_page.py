"""The viewer as the page holds it: its data, its script, and the policy that lets it run.

The script is in the page, and the content security policy names its hash: no other script
runs, and this one can load nothing. The data are a block of JSON that is never executed. The
words that the script shows stand in the page, from the catalogue of the language.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from marrowtrail.follow_up.track import Verification
from marrowtrail.report.language import message, section
from marrowtrail.report.stored import told
from marrowtrail.report.words import bone_name, capital, visit_when
from marrowtrail.result.model import ResultDocument, VisitRow
from marrowtrail.result.viewer_rows import ViewerContrast, ViewerPlaceRow

SCRIPTS = ("viewer_cuts.js", "viewer_paint.js", "viewer.js", "viewer_events.js")
"""Parts of the script, in the order in which they use one another."""


@dataclass(frozen=True, slots=True)
class ViewerVisit:
    """A visit that has a pane."""

    id: str
    number: int
    when: str


@dataclass(frozen=True, slots=True)
class ViewerPage:
    """What the template needs; ``content`` is the object that the script reads.

    ``words`` are the script's texts by key.
    """

    places: tuple[str, ...]
    contrasts: tuple[str, ...]
    visits: tuple[ViewerVisit, ...]
    content: dict[str, Any]
    words: dict[str, str]
    script: str
    script_hash: str


def viewer_page(document: ResultDocument, figures: Mapping[str, bytes]) -> ViewerPage | None:
    """The viewer of a document, or ``None`` where it has none.

    Raises
    ------
    KeyError
        If the bytes of a stack are not among ``figures``.
    """
    if not document.viewer:
        return None
    visits = tuple(
        ViewerVisit(visit.id, number, visit_when(visit))
        for number, visit in enumerate(document.visits, 1)
    )
    used = {one.contrast for place in document.viewer for one in place.ranges}
    content = {
        "visits": [{"id": one.id, "number": one.number} for one in visits],
        "places": [_place(document, place, figures) for place in document.viewer],
    }
    return ViewerPage(
        places=tuple(_name(place) for place in document.viewer),
        contrasts=tuple(kind.value for kind in ViewerContrast if kind in used),
        visits=visits,
        content=content,
        words=section("script"),
        script=script_text(),
        script_hash=script_hash(),
    )


@cache
def script_text() -> str:
    """The whole script, with nothing of it in the page's global scope."""
    folder = files("marrowtrail.report")
    parts = [folder.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"


@cache
def script_hash() -> str:
    """The script's hash as a content security policy names it."""
    digest = hashlib.sha256(script_text().encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")


def _name(place: ViewerPlaceRow) -> str:
    return capital(bone_name(place.bone, place.side, place.end))


def _place(
    document: ResultDocument, place: ViewerPlaceRow, figures: Mapping[str, bytes]
) -> dict[str, Any]:
    content = place.model_dump(mode="json")
    for stack in content["stacks"]:
        encoded = base64.b64encode(figures[stack["file"]]).decode("ascii")
        stack["data"] = "data:image/webp;base64," + encoded
        stack["label"] = told(stack["label"])
    for outline in content["outlines"]:
        outline["name"] = capital(told(outline["name"]))
    shown = {stack.visit for stack in place.stacks}
    missing = {v.id: _why_missing(document, v, place) for v in document.visits if v.id not in shown}
    return content | {"name": _name(place), "missing": missing}


def _why_missing(document: ResultDocument, visit: VisitRow, place: ViewerPlaceRow) -> str:
    same = [row for row in visit.bones if row.bone == place.bone and row.side == place.side]
    if not same:
        return message("slice.missing")
    if all(row.end != place.end for row in same):
        return message("slice.missing_end")
    for row in document.registrations:
        mine = (row.bone, row.side, row.end) == (place.bone, place.side, place.end)
        pair = {row.from_visit, row.to_visit} == {visit.id, place.home_visit}
        if mine and pair and row.verification == Verification.IMPOSSIBLE:
            return message("slice.missing_alignment")
    return message("slice.missing_place")
