"""What is weighed as one, in words."""

from __future__ import annotations

from marrowtrail.diagnosis.course import CoursePart
from marrowtrail.diagnosis.course_reading import Seen
from marrowtrail.diagnosis.engine import Part
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.wording import describe
from marrowtrail.record.findings import FindingState

MONTH_DAYS = 30.4

IN_DAYS_BELOW = 60.0
"""Shorter spans are told in days."""

SURFACE = {
    FindingState.PRESENT: "joint surface given way",
    FindingState.EQUIVOCAL: "joint surface possibly given way",
    FindingState.ABSENT: "joint surface intact",
}
OEDEMA = {
    FindingState.PRESENT: "oedema still there",
    FindingState.EQUIVOCAL: "oedema possibly gone",
    FindingState.ABSENT: "oedema gone",
}


def describe_part(part: Part, knowledge: Knowledge) -> str:
    """The findings of a group, those present first; the looks at a part of the course, by day."""
    if isinstance(part, CoursePart):
        return ", ".join(_looks(part, knowledge))
    ordered = sorted(part.evidence, key=lambda e: e.state is FindingState.ABSENT)
    return ", ".join(describe(e.finding, e.state, knowledge) for e in ordered)


def span(days: float) -> str:
    """A span of time as a reader is given it."""
    if days < IN_DAYS_BELOW:
        return f"{days:.0f} day{'s' if round(days) != 1 else ''}"
    return f"{days / MONTH_DAYS:.0f} months"


def _looks(part: CoursePart, knowledge: Knowledge) -> list[str]:
    said = [f"{_look(part, seen, knowledge)} after {span(seen.day)}" for seen in part.seen]
    if part.clear_joints:
        joints = "joint" if part.clear_joints == 1 else "joints"
        said.append(f"{part.clear_joints} other {joints} imaged and clear")
    return said


def _look(part: CoursePart, seen: Seen, knowledge: Knowledge) -> str:
    if part.key != "place":
        return describe(seen.finding, seen.state, knowledge)
    is_surface = seen.finding in (knowledge.course.rules.collapse.finding, "contour_collapse")
    return (SURFACE if is_surface else OEDEMA)[seen.state]
