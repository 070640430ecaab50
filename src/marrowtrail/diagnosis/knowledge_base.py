"""The knowledge once loaded: rules as they stand in the files, rates compiled into a table.

Rows of the table are diagnoses in the order of the vocabulary, ``none_of_these`` last; columns
are the findings that count as evidence. A cell is a Beta distribution of the rate at which the
finding is present in the diagnosis. Labels of one disease share cells: ``owner`` gives the row
that holds a cell, so that shared cells vary together when rates are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from marrowtrail.diagnosis.course_rates import Course
from marrowtrail.diagnosis.ledger_schema import Alternative, FlagRule, Ledger, Test
from marrowtrail.diagnosis.schema import (
    Block,
    Calibration,
    CellRow,
    Composite,
    Dependence,
    Exclusive,
    Family,
    Outlook,
    Priors,
    Setting,
    Source,
    Wording,
)
from marrowtrail.diagnosis.weights import Errors

NONE_OF_THESE = "none_of_these"
"""The class for causes that the list does not hold; its rates are the background's."""


@dataclass(frozen=True, slots=True, eq=False)
class CellTable:
    """Rates of findings by diagnosis.

    Parameters
    ----------
    findings
        F keys, the columns.
    alpha, beta
        (D, F) parameters of the Beta distributions.
    owner
        (D, F) row that holds the cell.
    background
        (F,) rate that stands in where the literature is silent.
    described
        (F,) number of diseases for which any row speaks; labels that share a cell are one.
    rows
        The rows behind a cell by (diagnosis, finding); a silent cell has none.
    definitional
        Cells that follow from a definition.
    """

    findings: tuple[str, ...]
    alpha: NDArray[np.float64]
    beta: NDArray[np.float64]
    owner: NDArray[np.intp]
    background: NDArray[np.float64]
    described: NDArray[np.intp]
    rows: Mapping[tuple[str, str], tuple[CellRow, ...]]
    definitional: frozenset[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class Knowledge:
    """Everything that reasoning knows, validated, with its version and hash.

    ``set_aside`` gives by finding why it is no evidence; ``same_as`` maps a word to the one it
    stands for; ``signature`` holds findings that the literature would mention where they occur;
    ``groups`` gives each diagnosis's family; ``reading_error`` is the chance that an entry of a
    finding is wrong, ``program_error`` how often the program errs where nobody confirmed it.
    """

    version: str
    hash: str
    diagnoses: tuple[str, ...]
    labels: Mapping[str, str]
    groups: Mapping[str, str]
    finding_labels: Mapping[str, str]
    wording: Mapping[str, Wording]
    table: CellTable
    signature: frozenset[str]
    same_as: Mapping[str, str]
    set_aside: Mapping[str, str]
    dependence: Dependence
    families: tuple[Family, ...]
    priors: Priors
    ledger: Ledger
    tests: tuple[Test, ...]
    red_flags: tuple[FlagRule, ...]
    sources: Mapping[str, Source]
    reading_error: Mapping[str, float]
    program_error: Mapping[str, Errors]
    calibration: Calibration
    composites: tuple[Composite, ...]
    outlook: Outlook
    course: Course

    @cached_property
    def block_of(self) -> Mapping[str, Block]:
        """Block of a finding."""
        return {f: b for b in self.dependence.blocks for f in (*b.plus, *b.minus)}

    @cached_property
    def exclusive_of(self) -> Mapping[str, Exclusive]:
        """Exclusive group of a member or part."""
        return {
            key: group
            for group in self.dependence.exclusive
            for key in (*group.members, *(p for parts in group.parts.values() for p in parts))
        }

    @cached_property
    def alternative_of(self) -> Mapping[str, Alternative]:
        """How a diagnosis is answered when it is an alternative."""
        return {entry.diagnosis: entry for entry in self.ledger.alternatives}

    def family_of(self, diagnosis: str) -> Family | None:
        """The disease of which the diagnosis is a label, where it is one."""
        for family in self.families:
            if family.key == self.groups[diagnosis]:
                return family
        return None

    def disease(self, diagnosis: str) -> tuple[str, ...]:
        """All labels of the diagnosis's disease; itself alone for most."""
        if self.family_of(diagnosis) is None:
            return (diagnosis,)
        return tuple(d for d in self.diagnoses if self.groups[d] == self.groups[diagnosis])

    def rows_behind(self, diagnosis: str, finding: str) -> tuple[CellRow, ...]:
        """Rows of the literature behind a cell or behind the course; a silent one has none."""
        both = (self.table.rows, self.course.rows)
        return next((rows[diagnosis, finding] for rows in both if (diagnosis, finding) in rows), ())

    def setting(self, key: str) -> Setting | None:
        """The setting of that key, if there is one."""
        return next((s for s in self.priors.settings if s.key == key), None)

    def words(self, finding: str, *, present: bool) -> str:
        """A finding in a state, as a clinician would say it."""
        worded = self.wording.get(finding)
        if worded is not None:
            return worded.present if present else worded.absent
        label = self.finding_labels[finding]
        return label if present else f"no {label}"
