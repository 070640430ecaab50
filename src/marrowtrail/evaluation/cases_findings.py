"""A published case as findings: what each of its words says, by the table of words.

Nothing is dropped silently. A word that the table maps gives findings; one that it sets aside is
listed as unused with the reason; any other is listed as unknown, and the case is ranked without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from marrowtrail.evaluation.cases_course import FIRST_DAY, GONE, SEEN, course_findings
from marrowtrail.evaluation.cases_file import (
    Entry,
    PublishedCase,
    Study,
    View,
    codes,
    statements,
)
from marrowtrail.evaluation.cases_places import joint_of, place_of
from marrowtrail.evaluation.cases_tables import CaseWords, WordRow
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.sites import Side

P, A = FindingState.PRESENT, FindingState.ABSENT

ACUTE_DAYS, LONG_DAYS = 14, 42
"""Less than two weeks, six weeks or more: the durations that the vocabulary names."""

AGE_BANDS = (
    ("age_lt_16", 0, 16),
    ("age_16_29", 16, 30),
    ("age_30_59", 30, 60),
    ("age_ge_60", 60, 200),
)


@dataclass(frozen=True, slots=True)
class Unused:
    """A word of a case that gave no finding."""

    word: str
    reason: str


@dataclass(frozen=True, slots=True)
class CaseReading:
    """Findings of a case in one view; ``unknown`` lists words that the table does not hold."""

    findings: tuple[Finding, ...]
    unused: tuple[Unused, ...]
    unknown: tuple[str, ...]


def read_case(case: PublishedCase, view: View, words: CaseWords) -> CaseReading:
    """What a case says in one view."""
    reader = _Reader(words)
    reader.patient(case)
    reader.presentation(case)
    for study in case.studies(view):
        reader.study(study)
    if view is View.SERIAL:
        reader.follow_up(case)
    found = (*reader.findings, *course_findings(case.studies(view), words))
    unknown = (*case.unreadable, *reader.unknown)
    return CaseReading(tuple(dict.fromkeys(found)), tuple(reader.unused), unknown)


class _Reader:
    """Collects findings and what gave none, in the order of the case."""

    def __init__(self, words: CaseWords) -> None:
        self.words = words
        self.findings: list[Finding] = []
        self.unused: list[Unused] = []
        self.unknown: list[str] = []

    def patient(self, case: PublishedCase) -> None:
        """Age, sex, pregnancy."""
        known = dict(case.patient)
        age, sex, text = known.pop("age", None), known.pop("sex", None), known.pop("age_text", None)
        if isinstance(age, str):
            age, text = (float(age), text) if age.isdecimal() else (None, age)
        if isinstance(age, (int, float)):
            self.findings += [Finding(key, P) for key, low, high in AGE_BANDS if low <= age < high]
        elif text is not None:
            self.code("patient.age_text", str(text))
        letter = str(sex)[:1].upper()
        if letter in ("M", "F"):
            self.findings.append(Finding("sex_male", P if letter == "M" else A))
        pregnancy = known.pop("pregnancy", None)
        if isinstance(pregnancy, dict):
            is_so = str(pregnancy.get("status")) in ("pregnant", "post_partum")
            said = Entry("patient.pregnancy", "present" if is_so else "absent")
            self.entries([said])
        self.entries(statements(known, "patient"))

    def presentation(self, case: PublishedCase) -> None:
        """What was known at the first visit, imaging apart."""
        known = dict(case.presentation)
        sites = codes(known, "chief_sites")
        known.pop("chief_sites", None)
        self.sites(sites)
        self.episodes(known.pop("prior_episodes", None), sites)
        if known.pop("no_previous_episode", False) is True:
            self.findings.append(Finding("prior_similar_episode_other_site", A))
        self.duration(known.pop("duration_days", None))
        known.pop("duration_text", None)
        for name in ("exam", "comorbidities", "prior_treatment"):
            for code in codes(known, name):
                self.code(f"presentation.{name}", code)
            known.pop(name, None)
        if isinstance(onset := known.pop("onset", None), str):
            self.code("presentation.onset", onset)
        dxa = known.pop("dxa", None)
        if dxa is not None:
            words = dxa.values() if isinstance(dxa, dict) else [dxa]
            for word in words:
                self.code("dxa", str(word))
        self.entries(statements(known, "presentation"))

    def sites(self, sites: Sequence[str]) -> None:
        """Painful sites; two or more joints are a finding of their own."""
        places = [joint_of(site, self.words) for site in sites]
        for joint, _ in places:
            if joint.finding:
                self.findings.append(Finding(joint.finding, P))
        named = {joint.joint for joint, _ in places if joint.joint != "other"}
        sides = {(joint.joint, side) for joint, side in places}
        both = any((j, Side.LEFT) in sides and (j, Side.RIGHT) in sides for j in named)
        if both or any(site.endswith("bilateral") for site in sites):
            self.findings.append(Finding("bilateral", P))
        if len(named) > 1:
            self.findings.append(Finding("more_than_one_joint", P))

    def episodes(self, episodes: object, sites: Sequence[str]) -> None:
        """Earlier episodes: at a joint of this one, or elsewhere."""
        listed = episodes if isinstance(episodes, list) else []
        here = [joint_of(site, self.words) for site in sites]
        for episode in listed:
            if not isinstance(episode, dict) or not here:
                continue
            joint, side = joint_of(str(episode.get("site", "")), self.words)
            same = any(
                joint.joint == j.joint and {side, s} != {Side.LEFT, Side.RIGHT} for j, s in here
            )
            key = "second_episode_any_site" if same else "prior_similar_episode_other_site"
            self.findings.append(Finding(key, P))

    def duration(self, days: object) -> None:
        """Symptoms before the first visit."""
        if isinstance(days, (int, float)):
            self.findings.append(Finding("duration_ge_6w", P if days >= LONG_DAYS else A))
            self.findings.append(Finding("duration_lt_2w", P if days < ACUTE_DAYS else A))

    def study(self, study: Study) -> None:
        """One imaging study: its signs, the extent at its sites, and its descriptors."""
        before = len(self.findings)
        if study.overall == "normal" and study.modality == "XR" and not study.is_later:
            self.findings.append(Finding("radiograph_normal", P))
        self.entries(statements(study.findings, "imaging"), study)
        for site in study.sites:
            if site.bme not in (None, *SEEN, *GONE):
                self.unknown.append(f"imaging.bme: {site.bme!r}")
            if site.extent is not None and site.bme is not None:
                self.code("imaging.extent", site.extent)
            for mark in self.words.marks:
                if re.search(mark.bone, site.bone) and re.search(mark.region, str(site.region)):
                    self.findings.append(Finding(mark.finding, P))
        for name, said in study.descriptors.items():
            self.code(f"imaging.descriptors.{name}", str(said))
        if study.day is not None:
            visit = FIRST_DAY + timedelta(days=round(study.day))
            places = [place_of(one, self.words) for one in study.sites]
            where = next((place.site for place in places if place.site), None)
            self.findings[before:] = [
                Finding(f.key, f.state, where, visit) for f in self.findings[before:]
            ]

    def follow_up(self, case: PublishedCase) -> None:
        """What came later, imaging apart: new symptoms and later laboratory results."""
        known = case.follow_up
        here = [joint_of(s, self.words) for s in codes(case.presentation, "chief_sites")]
        listed = known.get("new_symptoms")
        for symptom in listed if isinstance(listed, list) else []:
            if not isinstance(symptom, dict):
                continue
            joint, side = joint_of(str(symptom.get("site", "")), self.words)
            elsewhere = all(
                joint.joint != j.joint or {side, s} == {Side.LEFT, Side.RIGHT} for j, s in here
            )
            if joint.joint != "other" and here and elsewhere:
                self.findings.append(Finding("migration_of_symptoms", P))
        later = known.get("labs_later")
        if isinstance(later, dict):
            results = dict(later)
            density = results.pop("DXA", None)
            if isinstance(density, dict):
                self.code("dxa", str(density.get("status", density.get("result", ""))))
            self.entries(statements(results, "labs"))

    def entries(self, said: Iterable[Entry], study: Study | None = None) -> None:
        """Statements by the rows of the table."""
        for entry in said:
            path = entry.path.replace("presentation.labs.", "labs.")
            rows = self.words.rows_of.get(path)
            if rows is None:
                self._set_aside(path)
                continue
            for row in rows:
                self._row(row, path, entry, study)

    def code(self, name: str, code: str) -> None:
        """A free code by the patterns of its list."""
        listed = self.words.codes_of(name)
        if listed is None:
            self.unknown.append(name)
            return
        for pattern in listed.patterns:
            if re.search(pattern.pattern, code):
                if pattern.finding is None:
                    break
                self.findings.append(Finding(pattern.finding, pattern.state))
                return
        self.unused.append(Unused(f"{name}: {code}", listed.otherwise))

    def _row(self, row: WordRow, path: str, entry: Entry, study: Study | None) -> None:
        state = self._state(row, path, entry)
        if state is None:
            word = "a value without limits" if entry.status is None else repr(entry.status)
            self.unknown.append(f"{path}: {word}")
            return
        finding = row.state(state)
        if study is not None and not self._holds_for(row, study):
            return
        if finding is None:
            self.unused.append(Unused(path, f"{state.value} says nothing of {row.finding}"))
            return
        self.findings.append(Finding(row.finding, finding))

    def _state(self, row: WordRow, path: str, entry: Entry) -> FindingState | None:
        if entry.status is not None:
            word = re.split(r"[ ,;(]", entry.status.strip(), maxsplit=1)[0]
            whole = self.words.statuses.state_of(word, row.reads)
            return whole or self.words.statuses.state_of(word.split("_", 1)[0], row.reads)
        for limit in self.words.limits:
            if limit.entry == path and limit.unit == entry.unit and entry.value is not None:
                is_out = (limit.above is not None and entry.value > limit.above) or (
                    limit.below is not None and entry.value < limit.below
                )
                return P if is_out else A
        return None

    def _holds_for(self, row: WordRow, study: Study) -> bool:
        if row.modalities and study.modality not in row.modalities:
            return False
        if row.where == "anywhere":
            return True
        places = [place_of(site, self.words) for site in study.sites]
        return bool(places) and all(place.is_surface for place in places)

    def _set_aside(self, path: str) -> None:
        reason = self.words.reasons.get(path)
        if reason is None:
            self.unknown.append(path)
        else:
            self.unused.append(Unused(path, reason))
