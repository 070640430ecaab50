"""Whether a found bone may be measured: it must be like one, and the networks sure of it.

Ranges and thresholds are data (``plausible.yaml``). All that is wrong is said, not the first
thing alone; any of it makes the bone unsure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field, model_validator

from marrowtrail.record.knowledge import KnowledgeError, checked
from marrowtrail.record.located_yaml import UnreadableYamlError, read_yaml
from marrowtrail.record.vocabulary import vocabulary

_FILE = "plausible.yaml"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(_Entry):
    """What one kind of bone is like."""

    volume_mm3: tuple[float, float]
    ball_mm: tuple[float, float]

    @model_validator(mode="after")
    def _least_before_most(self) -> Range:
        for low, high in (self.volume_mm3, self.ball_mm):
            if not 0 < low < high:
                raise ValueError(f"expected 0 < least < most, got {low} and {high}")
        return self


class Doubts(_Entry):
    """From where on the networks are not sure enough; shares from 0 to 1."""

    least_certainty: float = Field(gt=0, lt=1)
    least_expected: float = Field(gt=0, lt=1)
    least_steadiness: float = Field(gt=0, lt=1)
    most_doubtful: float = Field(gt=0, lt=1)
    least_agreement: float = Field(gt=0, lt=1)
    least_agreement_of_series: float = Field(gt=0, lt=1)


SURE = 1e-3
"""Shares nearer than this to 0 or 1 say no more: log-odds of a certainty would know no bound."""


class Trust(_Entry):
    """The chance that an outline is right, from three things that the networks say of themselves.

    A logistic regression on their log-odds; weights by the names in :class:`Evidence`. Below
    ``least`` a bone is not measured.
    """

    intercept: float
    steadiness: float = Field(ge=0)
    doubtful: float = Field(le=0)
    agreement: float = Field(ge=0)
    least: float = Field(gt=0, lt=1)

    def of(self, evidence: Evidence) -> float:
        """From 0 to 1."""
        total = self.intercept + sum(
            weight * log_odds(share)
            for weight, share in (
                (self.steadiness, evidence.steadiness),
                (self.doubtful, evidence.doubtful),
                (self.agreement, evidence.agreement),
            )
        )
        return 1.0 / (1.0 + math.exp(-total))


def log_odds(share: float) -> float:
    """Of a share, no further out than :data:`SURE` allows."""
    held = min(max(share, SURE), 1.0 - SURE)
    return math.log(held / (1.0 - held))


class Plausible(_Entry):
    """``plausible.yaml``."""

    bones: dict[str, Range]
    joints_together: tuple[tuple[str, ...], ...] = ()
    doubts: Doubts
    trust: Trust

    @model_validator(mode="after")
    def _words_are_known(self) -> Plausible:
        for bone in self.bones:
            vocabulary().bone(bone)
        for joint in (one for together in self.joints_together for one in together):
            vocabulary().joint(joint)
        return self


@cache
def plausible() -> Plausible:
    """Ranges and thresholds of this version, read and validated once."""
    path = resources.files("marrowtrail.anatomy.finding") / _FILE
    try:
        located = read_yaml(path.read_bytes())
    except UnreadableYamlError as error:
        raise KnowledgeError(f"{_FILE}: {error}") from error
    if located.problems:
        raise KnowledgeError(f"{_FILE}: {'; '.join(str(p) for p in located.problems)}")
    return checked(Plausible, located.data)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one found bone.

    Parameters
    ----------
    volume_mm3
        Of the part in view.
    ball_mm
        Diameter of the largest ball inside.
    is_cut
        The field of view cuts it.
    certainty
        Mean probability, by the first network, of the bone's name inside of it.
    expected
        Dice that the first network's own probabilities lead one to expect of its mask.
    steadiness
        Dice of the first network's answers to the image and to its mirror image.
    doubtful
        Share of the band about its surface where the second network does not know.
    agreement
        Dice of the two networks' masks.
    """

    volume_mm3: float
    ball_mm: float
    is_cut: bool
    certainty: float
    expected: float
    steadiness: float
    doubtful: float
    agreement: float


def doubts_of(bone: str, evidence: Evidence, known: Plausible | None = None) -> tuple[str, ...]:
    """Why the bone is unsure, in words that follow a colon; empty where nothing speaks against it.

    Parameters
    ----------
    bone
        A key of the vocabulary.
    evidence
        What is known of it.
    known
        Ranges and thresholds; those of this version where not given.
    """
    known = known or plausible()
    limits = known.doubts
    said = [*_of_shape(evidence, known.bones[bone])] if bone in known.bones else []
    if evidence.certainty < limits.least_certainty:
        said.append(f"the network names it with a certainty of {evidence.certainty:.0%} only")
    if evidence.expected < limits.least_expected:
        said.append(
            f"by the network's own doubts its outline is right by {evidence.expected:.0%} only"
        )
    if evidence.steadiness < limits.least_steadiness:
        said.append(
            f"in the mirrored image the network sees it otherwise: {evidence.steadiness:.0%} agree"
        )
    if evidence.doubtful > limits.most_doubtful:
        said.append(f"its edge is unclear in {evidence.doubtful:.0%} of the band about it")
    if evidence.agreement < limits.least_agreement:
        said.append(f"coarse and fine outline agree by {evidence.agreement:.0%} only")
    trust = known.trust.of(evidence)
    if trust < known.trust.least:
        said.append(
            f"by how steady and sharp it is, it is right with a chance of {trust:.0%}, where "
            f"{known.trust.least:.0%} is asked for"
        )
    return tuple(said)


def doubts_of_place(bone: str, body_part: str, known: Plausible | None = None) -> tuple[str, ...]:
    """Why a bone cannot be in an image of the joint that its header names; else empty.

    Nothing is concluded from a header that names none (``unknown``).
    """
    known = known or plausible()
    words = vocabulary()
    if body_part not in {joint.key for joint in words.joints}:
        return ()
    shown = {body_part} | {
        joint for together in known.joints_together if body_part in together for joint in together
    }
    if shown & set(words.bone(bone).joints):
        return ()
    return (f"the header says that the image shows the {words.joint(body_part).label}",)


def _of_shape(evidence: Evidence, usual: Range) -> list[str]:
    said = []
    least, most = usual.volume_mm3
    if evidence.volume_mm3 > most or (evidence.volume_mm3 < least and not evidence.is_cut):
        said.append(
            f"its volume of {evidence.volume_mm3 / 1000:.0f} mL is not that of such a bone "
            f"({least / 1000:.0f} to {most / 1000:.0f} mL)"
        )
    least, most = usual.ball_mm
    if not least <= evidence.ball_mm <= most:
        said.append(
            f"at its thickest it measures {evidence.ball_mm:.0f} mm, not {least:.0f} to "
            f"{most:.0f} mm"
        )
    return said
