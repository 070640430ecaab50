"""Ids of visits and series in words, for sentences that people read."""

from __future__ import annotations

import re

SERIES_ID = re.compile(r"\b(?:series )?v(\d+)-s(\d+)\b")
VISIT_ID = re.compile(r"\b(?:visit )?v(\d+)\b")


def spoken_ids(text: str) -> str:
    """A sentence of another room with the ids of visits and series in words.

    ``clear at v2`` becomes ``clear at visit 2``, ``v3-s1`` ``series 1 of visit 3``.
    """
    text = SERIES_ID.sub(r"series \2 of visit \1", text)
    return VISIT_ID.sub(r"visit \1", text)
