"""The record of one patient, as ``case.yaml`` holds it.

A missing key means *not reported*; ``state: absent`` means that somebody looked and it was
not there. Words of bones, joints, regions, sides and findings come from the vocabularies,
the others from ``vocabularies/case_words.yaml``. ``docs/case.md`` describes the format for
people, ``docs/schemas/case.schema.json`` for machines.

Notes are free text for whoever keeps the file. Nothing reads them, nothing shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from marrowtrail.record.case_parts import (
    BoneDensity,
    Comorbidity,
    EarlierEpisode,
    LaboratoryResult,
    Onset,
    Pain,
    Patient,
    RiskFactor,
    Statement,
    StructureFinding,
    Trauma,
    Treatment,
)
from marrowtrail.record.case_visits import CaseVisit
from marrowtrail.record.contradictions import Contradiction, Part
from marrowtrail.record.field_types import Flag
from marrowtrail.record.finding_entry import FindingEntry


class Case(Part):
    """All that a record says about one patient; ``Case()`` is a patient of whom nothing is."""

    model_config = ConfigDict(title="case.yaml")

    schema_version: Annotated[Literal[1], Field(description="Version of this format.")] = 1
    synthetic: Annotated[Flag, Field(description="The patient is invented.")] = False
    patient: Patient = Patient()
    onset: Onset | None = None
    pain: tuple[Pain, ...] = ()
    trauma: Trauma | None = None
    overuse: Statement | None = None
    fever: Statement | None = None
    swelling: Statement | None = None
    weight_loss: Statement | None = None
    risk_factors: tuple[RiskFactor, ...] = ()
    comorbidities: tuple[Comorbidity, ...] = ()
    laboratory: tuple[LaboratoryResult, ...] = ()
    dxa: tuple[BoneDensity, ...] = ()
    earlier_episodes: tuple[EarlierEpisode, ...] = ()
    structures: tuple[StructureFinding, ...] = ()
    findings: tuple[FindingEntry, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    visits: tuple[CaseVisit, ...] = ()

    def contradictions(self) -> Iterable[Contradiction]:
        """Names that stand twice, and dates that cannot follow each other."""
        yield from _twice("risk_factors", [entry.name for entry in self.risk_factors])
        yield from _twice("comorbidities", [entry.name for entry in self.comorbidities])
        results = [(entry.name, entry.date) for entry in self.laboratory]
        yield from _twice("laboratory", results)
        yield from _twice("visits", [visit.date for visit in self.visits])
        yield from self._onset_too_late()
        yield from self._episodes_too_late()

    def with_header(self, age_years: int | None, sex: str | None) -> Case:
        """The same case, with age and sex of the image headers where it has none itself."""
        known = self.patient
        patient = Patient(
            age=known.age if known.age is not None else age_years,
            sex=known.sex or (sex if sex in ("M", "F") else None),
            pregnancy=known.pregnancy,
        )
        return self.model_copy(update={"patient": patient})

    def _onset_too_late(self) -> Iterator[Contradiction]:
        onset = self.onset.date if self.onset else None
        begun = [pain.start for pain in self.pain if pain.start]
        if onset and begun and onset > max(begun):
            yield Contradiction(("onset", "date"), "lies after every pain began")
        if onset and self.visits and onset > max(visit.date for visit in self.visits):
            yield Contradiction(("onset", "date"), "lies after the last visit")

    def _episodes_too_late(self) -> Iterator[Contradiction]:
        onset = self.onset.date if self.onset else None
        for index, episode in enumerate(self.earlier_episodes):
            if onset and episode.date and episode.date >= onset:
                place = ("earlier_episodes", index, "date")
                yield Contradiction(place, "does not lie before the onset of this episode")
            if onset and episode.year and episode.year > onset.year:
                place = ("earlier_episodes", index, "year")
                yield Contradiction(place, "does not lie before the onset of this episode")


def _twice(name: str, keys: Sequence[object]) -> Iterator[Contradiction]:
    for index, key in enumerate(keys):
        if key in keys[:index]:
            yield Contradiction((name, index), f"repeats {name}[{keys.index(key)}]")
