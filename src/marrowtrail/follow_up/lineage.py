"""Which lesion is the life of which: one line of descent through splits and mergers.

A tracking UID stays for life. A lesion hands its line on to the one at the next sighting that
shares most of its tissue; a part that splits off beside it begins a line of its own, and a line
that flows into a larger one ends there. Either names where it came from. A later visit never
changes an earlier line, since lines are handed on forwards only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marrowtrail.follow_up.track import Match
from marrowtrail.lesions.lesion import Lesion


@dataclass(frozen=True, slots=True)
class Lineage:
    """The line of a lesion: its first lesion's id, and those of other lines it came from."""

    first: str
    predecessors: tuple[str, ...] = ()


def lineages(
    lesions: Mapping[str, Lesion], matches: Sequence[Match], visit_order: Sequence[str]
) -> dict[str, Lineage]:
    """The line of every lesion, by its id.

    Parameters
    ----------
    lesions
        By id.
    matches
        The chosen edges.
    visit_order
        Visit ids, earliest first.
    """
    rank = {visit: number for number, visit in enumerate(visit_order)}
    into: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        into[match.later].append(match)
    lines: dict[str, Lineage] = {}
    for visit in visit_order:
        here = [one for one in lesions.values() if one.visit_id == visit]
        claims = sorted(
            (match for lesion in here for match in into[lesion.id]),
            key=lambda match: (
                -rank[lesions[match.earlier].visit_id],
                -_shared_mm3(match, lesions),
                match.earlier,
                match.later,
            ),
        )
        heirs: dict[str, str] = {}
        for claim in claims:
            line = lines[claim.earlier].first
            if claim.later not in heirs and line not in heirs.values():
                heirs[claim.later] = line
        for lesion in here:
            first = heirs.get(lesion.id, lesion.id)
            parents = (lines[match.earlier].first for match in claims if match.later == lesion.id)
            others = tuple(sorted({one for one in parents if one != first}))
            lines[lesion.id] = Lineage(first, others)
    return lines


def _shared_mm3(match: Match, lesions: Mapping[str, Lesion]) -> float:
    """Tissue in common; by region, where it is not known, the smaller volume ranks."""
    smaller = min(lesions[one].volume.mm3 for one in (match.earlier, match.later))
    return smaller * match.overlap if match.verified else smaller
