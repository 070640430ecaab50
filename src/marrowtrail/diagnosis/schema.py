"""What a knowledge file may hold: the models that ``knowledge/*.yaml`` is validated against.

A model checks one file by itself; what files say of each other (does this source exist?) is
checked in :mod:`marrowtrail.diagnosis.loading`.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Key = Annotated[str, Field(min_length=1)]
Probability = Annotated[float, Field(gt=0, lt=1)]
Percent = Annotated[float, Field(ge=0, le=100)]


class Row(BaseModel):
    """Base of all rows: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Basis(StrEnum):
    """How a cell is known."""

    READ = "read"
    SECONDARY = "secondary"
    """Seen only as quoted by another source."""
    MEMORY = "memory"
    """Clinical knowledge without a source, to be verified."""
    SINGLE_CASE = "single_case"
    """One patient's report; kept for the record and never used."""


class Word(StrEnum):
    """A frequency in words, where a source gives no number."""

    NEVER = "never"
    RARE = "rare"
    UNCOMMON = "uncommon"
    COMMON = "common"
    TYPICAL = "typical"
    DEFINING = "defining"


class Manifest(Row):
    """``manifest.yaml``."""

    version: Key
    literature_searched_until: date
    scope: Key


class Source(Row):
    """Where numbers come from; ``study`` names the key that stands for the same study.

    ``no_identifier`` is why ``reference`` holds no DOI, PMID or PMCID.
    """

    key: Key
    citation: Key
    reference: Key
    status: Literal["read_abstract", "read_partial", "read_data", "secondary", "not_seen"]
    study: str | None = None
    note: str = ""
    no_identifier: str = ""


class Population(Row):
    """Patients other than the diagnosis as a whole, and who inherits their numbers."""

    key: Key
    applies_to: tuple[str, ...]
    note: str = ""
    selected_by: tuple[str, ...] = ()


class CellRow(Row):
    """How often a finding is present in a diagnosis, by one source.

    Exactly one of a count (``k`` of ``n`` assessed), a ``percent`` and a word stands.
    """

    finding: Key
    population: str | None = None
    k: float | None = Field(default=None, ge=0)
    n: float | None = Field(default=None, gt=0)
    percent: Percent | None = None
    low: Percent | None = None
    high: Percent | None = None
    ordinal: Word | None = None
    source: str | None = None
    basis: Basis = Basis.READ
    fact: str = ""
    caveat: str = ""

    @model_validator(mode="after")
    def _says_one_thing_with_its_source(self) -> CellRow:
        given = (self.k is not None or self.n is not None, self.percent is not None)
        if sum((*given, self.ordinal is not None)) != 1:
            raise ValueError("give one of k and n, percent, or ordinal")
        if given[0] and (self.k is None or self.n is None or self.k > self.n):
            raise ValueError("a count needs k and n, with k at most n")
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval needs low and high")
        if (self.source is None) != (self.basis is Basis.MEMORY):
            raise ValueError("a source belongs to every cell but one from memory")
        return self


class CellFile(Row):
    """One file of ``cells/``; ``diagnosis`` is empty where every row names a population."""

    diagnosis: str | None
    cells: tuple[CellRow, ...]
    memory: dict[Word, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _every_row_belongs_somewhere(self) -> CellFile:
        if self.diagnosis is None and (self.memory or any(not c.population for c in self.cells)):
            raise ValueError("without a diagnosis every row needs a population")
        return self


class SetAside(Row):
    """Findings that are no evidence of the cause, and the reason that the reader is given."""

    reason: Key
    findings: tuple[str, ...]


class ReadingError(Row):
    """Chance that an entry of one domain of the vocabulary is wrong: a convention."""

    domain: Key
    error: Probability
    reason: Key


class ProgramError(Row):
    """How often the program errs where it looks for a finding by itself.

    It called ``missed`` of ``there`` absent and ``invented`` of ``not_there`` present on images
    never tuned on, as ``measured_by`` (a command) counts. What it could not assess is in neither.
    """

    finding: Key
    missed: int = Field(ge=0)
    there: int = Field(gt=0)
    invented: int = Field(ge=0)
    not_there: int = Field(gt=0)
    measured_by: Key

    @model_validator(mode="after")
    def _counts_fit(self) -> ProgramError:
        if self.missed > self.there or self.invented > self.not_there:
            raise ValueError("more errors than images")
        return self


class Calibration(Row):
    """``calibration.yaml``: the power to which likelihoods are raised, and where it comes from."""

    likelihood_power: float = Field(gt=0)
    reason: Key


class Wording(Row):
    """A finding in words, present and absent."""

    present: Key
    absent: Key


class FindingUses(Row):
    """``findings.yaml``: how each word of the vocabulary enters."""

    signature: tuple[tuple[str, ...], ...]
    ordinary: tuple[tuple[str, ...], ...]
    same_as: dict[str, str]
    set_aside: tuple[SetAside, ...]
    wording: dict[str, Wording]
    reading_errors: tuple[ReadingError, ...]
    program_errors: tuple[ProgramError, ...] = ()


class Block(Row):
    """Findings that share a hidden severity; ``rho`` is its share of their variance."""

    key: Key
    label: Key
    rho: Probability
    reason: Key
    plus: tuple[str, ...]
    minus: tuple[str, ...]

    def sign(self, finding: str) -> int:
        """+1 or -1 as the finding rises or falls with the severity."""
        return -1 if finding in self.minus else 1


class Exclusive(Row):
    """Findings of which exactly one holds; ``parts`` divides a member by fixed shares."""

    key: Key
    label: Key
    members: tuple[str, ...]
    parts: dict[str, dict[str, Probability]]


class Dependence(Row):
    """``blocks.yaml``."""

    blocks: tuple[Block, ...]
    exclusive: tuple[Exclusive, ...]


class Claim(Row):
    """A label that is defined by its course, and what is said while that is unseen."""

    diagnosis: Key
    needs: Key
    unclaimed: Key


class Definition(Row):
    """Rates that follow from what a diagnosis means, by diagnosis."""

    finding: Key
    reason: Key
    rates: dict[str, Probability]


class Family(Row):
    """Labels of one disease, which share every cell except those of ``own_findings``."""

    key: Key
    label: Key
    reason: Key
    own_findings: tuple[str, ...]
    claims: tuple[Claim, ...]


class Composite(Row):
    """``composites.yaml``: two diseases in one patient.

    ``findings`` (and the course at the first place, where ``course`` says so) are explained by the
    second disease. Its starting probability is part of the first disease's: a ``share`` of it, or,
    for a ``transition`` of ``course.yaml``, as much as has turned of the second.
    """

    key: Key
    label: Key
    leads: tuple[str, ...]
    second: Key
    findings: tuple[str, ...]
    course: bool = False
    share: Probability | None = None
    transition: str | None = None
    reason: Key

    @model_validator(mode="after")
    def _starts_from_one_number(self) -> Composite:
        if (self.share is None) == (self.transition is None):
            raise ValueError("give a share or a transition")
        return self


class OutlookEntry(Row):
    """What studies found of the course or the treatment of a disease."""

    diagnosis: Key
    kind: Literal["resolution", "collapse", "another_site", "bone", "treatment"]
    text: Key
    width: Key
    sources: tuple[str, ...]


class Migration(Row):
    """The family whose chance of another site is told, and the sources of its rates."""

    family: Key
    sources: tuple[str, ...]


class Outlook(Row):
    """``outlook.yaml``."""

    migration: Migration
    entries: tuple[OutlookEntry, ...]


class Weights(Row):
    """Words of the priors as weights: a convention."""

    very_common: float = Field(gt=0)
    common: float = Field(gt=0)
    uncommon: float = Field(gt=0)
    rare: float = Field(gt=0)
    very_rare: float = Field(gt=0)
    not_listed: float = Field(gt=0)


class JointPrior(Row):
    """How common each cause is behind oedema that began at one joint, in words."""

    joint: Key
    very_common: tuple[str, ...]
    common: tuple[str, ...]
    uncommon: tuple[str, ...]
    rare: tuple[str, ...]
    very_rare: tuple[str, ...]


class FamilyShare(Row):
    """How much of a clinic's patients have a disease, whichever of its labels, and the source."""

    family: Key
    share: Probability
    reason: Key


class Setting(Row):
    """A clinic: multipliers on the joint's weights, or ``flat``; ``families`` has known shares."""

    key: Key
    label: Key
    basis: Literal["judgement", "convention", "audit"]
    reason: Key
    flat: bool
    multipliers: dict[str, float]
    families: tuple[FamilyShare, ...] = ()


class Priors(Row):
    """``priors.yaml``."""

    weights: Weights
    none_of_these: Probability
    joints: tuple[JointPrior, ...]
    joint_of_finding: dict[str, str]
    settings: tuple[Setting, ...]
