"""Reading the knowledge: YAML files to validated rules, a compiled table, a version and a hash.

Every reference is checked: findings, diagnoses and joints are words of the vocabulary, each
source, population and test exists, each finding has exactly one use. The hash is SHA-256 over
the names and bytes of all files in the order of their names, so it depends on nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from marrowtrail.diagnosis.compiling import compile_table, gather
from marrowtrail.diagnosis.course_compiling import compile_course
from marrowtrail.diagnosis.course_schema import CourseRules
from marrowtrail.diagnosis.knowledge_base import NONE_OF_THESE, Knowledge
from marrowtrail.diagnosis.ledger_schema import FlagRule, Ledger, Test
from marrowtrail.diagnosis.schema import (
    Calibration,
    CellFile,
    Composite,
    Definition,
    Dependence,
    Family,
    FindingUses,
    Manifest,
    Outlook,
    Population,
    Priors,
    Source,
)
from marrowtrail.diagnosis.weights import Errors
from marrowtrail.errors import InputError
from marrowtrail.record.case_words import case_words
from marrowtrail.record.vocabulary import Vocabulary, vocabulary

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class KnowledgeFiles:
    """The files of a knowledge folder, each validated by itself."""

    manifest: Manifest
    sources: tuple[Source, ...]
    populations: tuple[Population, ...]
    findings: FindingUses
    dependence: Dependence
    families: tuple[Family, ...]
    definitions: tuple[Definition, ...]
    priors: Priors
    ledger: Ledger
    tests: tuple[Test, ...]
    red_flags: tuple[FlagRule, ...]
    calibration: Calibration
    composites: tuple[Composite, ...]
    outlook: Outlook
    course: CourseRules
    cells: Mapping[str, CellFile]


def load_knowledge(
    folder: Path | None = None,
    *,
    use_memory: bool = True,
    without: frozenset[str] = frozenset(),
) -> Knowledge:
    """The knowledge of this version, or of another folder of the same layout.

    Parameters
    ----------
    folder
        Folder with ``manifest.yaml`` and the rest; the package's own by default.
    use_memory
        Whether cells without a source count.
    without
        Keys of sources whose cells and gaps between moves do not count, nor those of other keys of
        their studies, as when the case of one of them is ranked.

    Raises
    ------
    InputError
        If the folder or a file is missing, a file is malformed, or refers to something that does
        not exist.
    """
    if folder is None:
        return _own_knowledge(use_memory, without)
    return _load(folder, use_memory, without)


def knowledge_files(folder: Path | None = None) -> KnowledgeFiles:
    """The files behind :func:`load_knowledge`, each validated by itself.

    Raises
    ------
    InputError
        If a file is missing or malformed.
    """
    own = resources.files("marrowtrail.diagnosis") / "knowledge"
    return _parse(_contents(own if folder is None else folder))


@cache
def _own_knowledge(use_memory: bool, without: frozenset[str]) -> Knowledge:
    return _load(resources.files("marrowtrail.diagnosis") / "knowledge", use_memory, without)


def _load(folder: Traversable, use_memory: bool, without: frozenset[str]) -> Knowledge:
    contents = _contents(folder)
    files = _parse(contents)
    words = vocabulary()
    _check_references(files, words)
    without = _with_their_studies(without, files.sources)
    diagnoses = tuple(d.key for d in words.diagnoses if d.key != NONE_OF_THESE)
    groups = {d.key: d.group for d in words.diagnoses}
    literature = gather(
        tuple(_left_in(file, without) for file in files.cells.values()),
        files.populations,
        files.families,
        groups,
        {s.key: s.study or s.key for s in files.sources},
        use_memory=use_memory,
    )
    reading = _reading_errors(files.findings, words)
    return Knowledge(
        version=files.manifest.version,
        hash=_hash(contents),
        diagnoses=(*diagnoses, NONE_OF_THESE),
        labels={d.key: d.label for d in words.diagnoses},
        groups=groups,
        finding_labels={f.key: f.label for f in words.findings},
        wording=files.findings.wording,
        table=compile_table(
            diagnoses=diagnoses,
            finding_order=[f.key for f in words.findings],
            groups=groups,
            uses=files.findings,
            literature=literature,
            families=files.families,
            definitions=files.definitions,
            exclusive=files.dependence.exclusive,
        ),
        signature=frozenset(f for row in files.findings.signature for f in row),
        same_as=files.findings.same_as,
        set_aside={f: entry.reason for entry in files.findings.set_aside for f in entry.findings},
        dependence=files.dependence,
        families=files.families,
        priors=files.priors,
        ledger=files.ledger,
        tests=files.tests,
        red_flags=files.red_flags,
        sources={s.key: s for s in files.sources},
        reading_error=reading,
        program_error=_program_errors(files.findings, reading),
        calibration=files.calibration,
        composites=files.composites,
        outlook=files.outlook,
        course=compile_course(
            files.course.left_in(without), diagnoses, groups, files.families, literature
        ),
    )


def _with_their_studies(keys: frozenset[str], sources: Iterable[Source]) -> frozenset[str]:
    """The keys, and all other keys of the same studies: leaving out a paper leaves out its twin."""
    study_of = {source.key: source.study or source.key for source in sources}
    studies = {study_of.get(key, key) for key in keys}
    return keys | {key for key, study in study_of.items() if study in studies}


def _left_in(file: CellFile, without: frozenset[str]) -> CellFile:
    """The file without the cells of some sources."""
    kept = tuple(cell for cell in file.cells if cell.source not in without)
    return file.model_copy(update={"cells": kept})


def _contents(folder: Traversable) -> dict[str, bytes]:
    """Bytes of every YAML file by its name below the folder."""
    if not folder.is_dir():
        raise InputError(
            "The knowledge cannot be read: there is no such folder.",
            where="the folder of knowledge files",
            remedy="Give a folder that holds manifest.yaml and the rest, or none for the own.",
        )
    found = {f.name: f.read_bytes() for f in folder.iterdir() if f.name.endswith(".yaml")}
    cells = folder / "cells"
    if cells.is_dir():
        found |= {
            f"cells/{f.name}": f.read_bytes() for f in cells.iterdir() if f.name.endswith(".yaml")
        }
    return found


def _hash(contents: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(name.encode())
        digest.update(b"\0")
        digest.update(contents[name])
        digest.update(b"\0")
    return digest.hexdigest()


def _parse(contents: Mapping[str, bytes]) -> KnowledgeFiles:
    def read(name: str, kind: type[_T]) -> _T:
        return _validated(contents, f"{name}.yaml", TypeAdapter(kind))

    cells = TypeAdapter(CellFile)
    return KnowledgeFiles(
        manifest=read("manifest", Manifest),
        sources=read("sources", tuple[Source, ...]),
        populations=read("populations", tuple[Population, ...]),
        findings=read("findings", FindingUses),
        dependence=read("blocks", Dependence),
        families=read("families", tuple[Family, ...]),
        definitions=read("definitions", tuple[Definition, ...]),
        priors=read("priors", Priors),
        ledger=read("ledger", Ledger),
        tests=read("tests", tuple[Test, ...]),
        red_flags=read("red_flags", tuple[FlagRule, ...]),
        calibration=read("calibration", Calibration),
        composites=read("composites", tuple[Composite, ...]),
        outlook=read("outlook", Outlook),
        course=read("course", CourseRules),
        cells={
            n: _validated(contents, n, cells) for n in sorted(contents) if n.startswith("cells/")
        },
    )


def _validated(contents: Mapping[str, bytes], name: str, adapter: TypeAdapter[_T]) -> _T:
    if name not in contents:
        raise _broken("the file is missing", name)
    try:
        # the C loader reads 2,000 rows in 60 ms, the Python one needs 1.5 s
        loaded: Any = yaml.load(contents[name], yaml.CSafeLoader)
        return adapter.validate_python(loaded)
    except yaml.YAMLError as error:
        raise _broken(f"not readable as YAML ({error})", name) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = " > ".join(str(part) for part in first["loc"])
        raise _broken(f"{place}: {first['msg']}", name) from error


def _broken(what: str, name: str) -> InputError:
    return InputError(
        f"The knowledge cannot be used: {what}.",
        where=f"knowledge file {name}",
        remedy="Correct that entry; the models in diagnosis/schema.py say what a file may hold.",
    )


def _check_references(files: KnowledgeFiles, words: Vocabulary) -> None:
    """Every word used by one file is defined by another, or :class:`InputError`."""
    known = {
        "finding": {f.key for f in words.findings},
        "diagnosis": {d.key for d in words.diagnoses},
        "source": {s.key for s in files.sources},
        "population": {p.key for p in files.populations},
        "test": {t.key for t in files.tests},
    }

    def check(kind: str, keys: Iterable[str], name: str) -> None:
        unknown = sorted(set(keys) - known[kind])
        if unknown:
            raise _broken(f"unknown {kind} {', '.join(unknown)}", name)

    _check_uses(files.findings, known["finding"], files.course.findings)
    _check_course(files, check)
    _check_cells(files, check)
    check("diagnosis", (d for p in files.populations for d in p.applies_to), "populations.yaml")
    check("finding", (f for p in files.populations for f in p.selected_by), "populations.yaml")
    check("finding", _dependent_findings(files.dependence), "blocks.yaml")
    for family in files.families:
        check("finding", family.own_findings, "families.yaml")
        check("diagnosis", (c.diagnosis for c in family.claims), "families.yaml")
        check("finding", (c.needs for c in family.claims), "families.yaml")
    for joint in files.priors.joints:
        listed = (*joint.very_common, *joint.common, *joint.uncommon, *joint.rare, *joint.very_rare)
        check("diagnosis", listed, "priors.yaml")
    check("diagnosis", (d for s in files.priors.settings for d in s.multipliers), "priors.yaml")
    check("finding", files.priors.joint_of_finding, "priors.yaml")
    for composite in files.composites:
        check("diagnosis", (*composite.leads, composite.second), "composites.yaml")
        check("finding", composite.findings, "composites.yaml")
    check("diagnosis", (e.diagnosis for e in files.outlook.entries), "outlook.yaml")
    check("source", (s for e in files.outlook.entries for s in e.sources), "outlook.yaml")
    check("source", files.outlook.migration.sources, "outlook.yaml")
    check("finding", (d.finding for d in files.definitions), "definitions.yaml")
    check("diagnosis", (k for d in files.definitions for k in d.rates), "definitions.yaml")
    answered = {entry.diagnosis for entry in files.ledger.alternatives}
    for line in files.ledger.must_answer:
        if not answered >= set(line.alternatives):
            wrong = ", ".join(sorted(set(line.alternatives) - answered))
            raise _broken(f"nothing says how {wrong} is answered", "ledger.yaml")
    for entry in files.ledger.alternatives:
        check("diagnosis", [entry.diagnosis], "ledger.yaml")
        check("finding", entry.supported_by, "ledger.yaml")
        check("finding", (c.finding for rule in entry.excluded_by for c in rule), "ledger.yaml")
        check("test", entry.tests, "ledger.yaml")
    check("finding", (f for t in files.tests for f in t.findings), "tests.yaml")
    check("finding", (f for r in files.red_flags for s in r.any_of for f in s), "red_flags.yaml")


def _check_course(files: KnowledgeFiles, check: Callable[[str, Iterable[str], str], None]) -> None:
    rules, name = files.course, "course.yaml"
    told = {f for t in rules.told_again for f in (t.finding, t.of)}
    check("finding", rules.findings | told, name)
    strange = sorted({t.drug for t in rules.treatments} - set(case_words().keys("treatments")))
    if strange:
        raise _broken(f"unknown treatment {', '.join(strange)}", name)
    check("diagnosis", (known.diagnosis for known in rules.relapse.known), name)
    check("diagnosis", (d for t in rules.transitions for d in (t.from_, t.to)), name)
    for disease in rules.families:
        labels = tuple(label.diagnosis for label in disease.labels)
        check("diagnosis", (*disease.counted, *labels), name)
        if disease.family not in {family.key for family in files.families}:
            raise _broken(f"unknown family {disease.family}", name)
    check("source", (s for move in rules.moves for s in move.sources), name)
    check("source", (gap.source for move in rules.moves for gap in move.gaps), name)
    check("source", (s for turn in rules.transitions for s in turn.sources), name)
    sources = [*(d.source for d in rules.families), *(t.source for t in rules.treatments)]
    check("source", (*sources, *(known.source for known in rules.relapse.known)), name)
    turns = {turn.key for turn in rules.transitions}
    unknown = [c.transition for c in files.composites if c.transition not in (None, *turns)]
    if unknown:
        raise _broken(f"unknown transition {unknown[0]}", "composites.yaml")


def _check_uses(uses: FindingUses, findings: set[str], course: frozenset[str]) -> None:
    listed = [f for row in (*uses.signature, *uses.ordinary) for f in row] + sorted(course)
    listed += [*uses.same_as, *(f for entry in uses.set_aside for f in entry.findings)]
    twice = sorted({f for f in listed if listed.count(f) > 1})
    if twice:
        raise _broken(f"more than one use of {', '.join(twice)}", "findings.yaml")
    if set(listed) != findings:
        wrong = ", ".join(sorted(set(listed) ^ findings))
        raise _broken(f"no use, or no such finding: {wrong}", "findings.yaml")
    if not {*uses.same_as.values(), *uses.wording} <= findings:
        raise _broken("same_as or wording of a finding that does not exist", "findings.yaml")


def _reading_errors(uses: FindingUses, words: Vocabulary) -> dict[str, float]:
    """Chance of a wrong entry by finding; every domain of the vocabulary needs one."""
    errors = {row.domain: row.error for row in uses.reading_errors}
    domains = {term.domain for term in words.findings}
    if domains != errors.keys():
        wrong = ", ".join(sorted(domains ^ errors.keys()))
        raise _broken(f"no reading error, or no such domain: {wrong}", "findings.yaml")
    return {term.key: errors[term.domain] for term in words.findings}


def _program_errors(uses: FindingUses, reading: Mapping[str, float]) -> dict[str, Errors]:
    """Errors of the program by finding, half a case added to both sides of a count.

    Phantoms, on which they were counted, are easier than patients: never below a reader's error.
    """
    strange = sorted({row.finding for row in uses.program_errors} - reading.keys())
    if strange:
        raise _broken(f"program error of no finding: {', '.join(strange)}", "findings.yaml")
    return {
        row.finding: Errors(
            max(reading[row.finding], (row.missed + 0.5) / (row.there + 1)),
            max(reading[row.finding], (row.invented + 0.5) / (row.not_there + 1)),
        )
        for row in uses.program_errors
    }


def _check_cells(files: KnowledgeFiles, check: Callable[[str, Iterable[str], str], None]) -> None:
    for name, file in files.cells.items():
        if file.diagnosis is not None:
            check("diagnosis", [file.diagnosis], name)
        check("finding", (c.finding for c in file.cells), name)
        check("finding", (f for listed in file.memory.values() for f in listed), name)
        check("source", (c.source for c in file.cells if c.source), name)
        check("population", (c.population for c in file.cells if c.population), name)


def _dependent_findings(dependence: Dependence) -> Iterable[str]:
    for block in dependence.blocks:
        yield from (*block.plus, *block.minus)
    for exclusive in dependence.exclusive:
        yield from exclusive.members
        yield from (key for parts in exclusive.parts.values() for key in parts)
