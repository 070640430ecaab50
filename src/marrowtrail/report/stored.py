"""Sentences that the result stores in English, said in the language of the report.

Measuring and reasoning write whole sentences into the result, and machines read them there, so
they stay as they are. For another language this module knows them again: words of the
vocabulary by their label, fixed phrases, and sentences with gaps (``texts/stored.TAG.yaml``),
whose gaps are known again in turn. What is not known stays in English, whole.

In a sentence a gap may be ``{n:number}`` for digits alone, or ``{n:visits}`` for a list of visits.
In a translation a gap may be ``{place:from}``, ``:to`` or ``:in``, for a name in that form,
``:kept`` for what is said as it stands, ``:inside`` for a name that began its sentence and does
not any more, or plain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache

from pydantic import BaseModel, ConfigDict

from marrowtrail.diagnosis.wording import capital, inside
from marrowtrail.record.knowledge import checked
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary
from marrowtrail.report.language import (
    Language,
    message,
    placeholders,
    read_texts,
    speaking,
    spoken_language,
)
from marrowtrail.report.names import Form, Name, names, placed

NUMBER = re.compile(r"[<>]? ?[+\N{MINUS SIGN}-]?\d+(\.\d+)?( ?%)?")
MONTHS = (
    "January February March April May June July August September October November December"
).split()
DAY = re.compile(rf"(\d{{1,2}}) ({'|'.join(MONTHS)}) (\d{{4}})")
KEPT = re.compile(r"[A-Z0-9][\w.*+, -]*|unknown")
"""What is said as it stands: names of series and versions, never the start of a sentence."""
PLACE = re.compile(r"((?P<side>left|right) )?(?P<name>.+?)( \((?P<end>[a-z ]+) end\))?")
GAP = re.compile(r"\\\{(\w+)(?::(\w+))?\\\}")
GAPS = {
    None: ".+?",
    "number": r"[\d.]+",
    "visits": r"visit \d+(?:(?:, and |, | and )visit \d+)*",
}
"""What fits in a gap of an English sentence, by the kind that the gap names. Those that name a
kind do not swallow the next part of a sentence, which may end like themselves."""
SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z0-9])")
LISTS = (re.compile("(; )"), re.compile("(, and |, | and )"))
FORMS: dict[str, Form] = {"from": "from", "to": "to", "in": "in"}

MOST_CHARACTERS = 1000
"""A longer text is none of ours, and gaps would take long to find in it."""


class Sentence(BaseModel):
    """An English sentence with gaps, and its translation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str
    to: str


class StoredTexts(BaseModel):
    """``phrases`` are whole; ``sentences`` have gaps, and the first that fits is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    phrases: dict[str, str]
    sentences: tuple[Sentence, ...]


class _UnknownError(Exception):
    """A piece of a sentence that is not known."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """What stands in a gap of a sentence; formatting it translates it."""

    text: str

    def __format__(self, form: str) -> str:
        if form == "kept" and KEPT.fullmatch(self.text):
            return self.text
        if form == "inside":
            return format(_Gap(inside(self.text)))
        if form in FORMS:
            said = _place(self.text, FORMS[form])
        else:
            said = _told(self.text) if form == "" else None
        if said is None:
            raise _UnknownError(self.text)
        return said


def told(text: str) -> str:
    """A stored sentence in the language of the report; in English where it is not known."""
    if spoken_language() is Language.ENGLISH or not text:
        return text
    whole = _told(text)
    if whole is not None:
        return whole
    return " ".join(_told(one) or one for one in SENTENCE_END.split(text))


def is_known(text: str) -> bool:
    """Whether a stored sentence can be said in the language of the report."""
    return spoken_language() is Language.ENGLISH or not text or _told(text) is not None


def _told(text: str) -> str | None:
    return _attempt(text, spoken_language()) if len(text) <= MOST_CHARACTERS else None


@lru_cache(maxsize=8192)
def _attempt(text: str, language: Language) -> str | None:
    """By the language as well, so that an answer is found again for its own language alone."""
    with speaking(language):
        ways = (_number, _phrase, _sentences, _without_stop, _place, _sentence, _listed)
        return next((said for one in ways if (said := one(text)) is not None), None)


def _number(text: str) -> str | None:
    if NUMBER.fullmatch(text):
        kept = re.sub(r"(?<=\d) ?%", "\N{NO-BREAK SPACE}%", text)
        return kept.replace(".", message("language.decimal"))
    when = _day(text)
    return None if when is None else message("language.date", date=when)


def _day(text: str) -> date | None:
    """A day as sentences name it; ``None`` for other texts and for a day that never was."""
    found = DAY.fullmatch(text)
    if found is not None:
        text = f"{found[3]}-{MONTHS.index(found[2]) + 1:02d}-{int(found[1]):02d}"
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _phrase(text: str) -> str | None:
    known = _phrases(spoken_language())
    said = known.get(text) or known.get(text[:1].lower() + text[1:]) or known.get(capital(text))
    return None if said is None else _cased(text, said)


def _place(text: str, form: Form = "plain") -> str | None:
    found = PLACE.fullmatch(text)
    if found is None:
        return None
    label = found["name"].lower()
    name = _places(spoken_language()).get(label)
    end = _joint_keys().get(found["end"] or "", "")
    if name is None or (found["end"] and not end):
        return None
    side = Side(found["side"]) if found["side"] else Side.UNKNOWN
    said = placed(name, side, form, end)
    return _cased(text, said) if form == "plain" else said


def _sentence(text: str) -> str | None:
    if SENTENCE_END.search(text):
        return None
    for pattern, to in _patterns(spoken_language()):
        found = pattern.fullmatch(text)
        if found is None:
            continue
        try:
            said = to.format(**{key: _Gap(value) for key, value in found.groupdict().items()})
        except _UnknownError:
            continue
        return _cased(text, said)
    return None


def _without_stop(text: str) -> str | None:
    said = _told(text[:-1]) if text.endswith(".") else None
    return None if said is None else f"{said}."


def _sentences(text: str) -> str | None:
    parts = SENTENCE_END.split(text)
    if len(parts) == 1:
        return None
    said = [_told(part) for part in parts]
    return None if None in said else " ".join(one for one in said if one)


def _listed(text: str) -> str | None:
    """A list of known things; a thing may itself hold the word that joins the list."""
    for joined in LISTS:
        parts = joined.split(text)
        if len(parts) > 1:
            said = _items(parts)
            if said is not None:
                return said
    return None


def _items(parts: list[str]) -> str | None:
    """``parts`` are things and, between them, what joins them; the longest things first."""
    if not parts:
        return None
    for end in range(len(parts), 0, -2):
        head = "".join(parts[:end])
        said = _alone(head)
        if said is None:
            continue
        if end == len(parts):
            return said
        rest = _items(parts[end + 1 :])
        if rest is not None:
            return said + _joint_word(parts[end]) + rest
    return None


def _alone(text: str) -> str | None:
    """Without another try to part it."""
    ways = (_number, _phrase, _place, _sentence)
    return next((said for one in ways if (said := one(text)) is not None), None)


def _joint_word(text: str) -> str:
    return message("join.and") if text.endswith("and ") else text


def _cased(text: str, said: str) -> str:
    """A capital where the original starts a sentence."""
    return capital(said) if text[:1].isupper() else said


@cache
def _patterns(language: Language) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((_pattern(one.en), one.to) for one in stored_texts(language).sentences)


def _pattern(text: str) -> re.Pattern[str]:
    """Any text in the gaps; the first letter may be a capital."""
    escaped = GAP.sub(lambda gap: f"(?P<{gap[1]}>{GAPS[gap[2]]})", re.escape(text))
    first = escaped[:1]
    return re.compile(f"[{first}{first.upper()}]{escaped[1:]}" if first.isalpha() else escaped)


@cache
def stored_texts(language: Language) -> StoredTexts:
    """Phrases and sentences of a language, read and validated once."""
    return checked(StoredTexts, read_texts(f"stored.{language.value}"))


def gaps_differ(one: Sentence) -> bool:
    """Whether a translation has other gaps than its sentence."""
    return placeholders(one.en) != placeholders(one.to)


@cache
def _phrases(language: Language) -> dict[str, str]:
    """Fixed phrases, and the words of the vocabulary by their English label."""
    return {**dict(_vocabulary_phrases(language)), **stored_texts(language).phrases}


def _vocabulary_phrases(language: Language) -> Iterator[tuple[str, str]]:
    own = names(language)
    for diagnosis in vocabulary().diagnoses:
        yield diagnosis.label, own.diagnoses[diagnosis.key]
    for finding in vocabulary().findings:
        words = own.findings[finding.key]
        yield finding.label, words.label
        yield f"no {finding.label}", words.absent


@cache
def _places(language: Language) -> dict[str, Name]:
    own, words = names(language), vocabulary()
    joints = {one.label.lower(): own.joints[one.key] for one in words.joints}
    bones = {one.label.lower(): own.bones[one.key] for one in words.bones}
    keys = {one.key.replace("_", " "): own.bones[one.key] for one in words.bones}
    regions = {
        region.label.lower(): own.regions[bone.key][region.key]
        for bone in words.bones
        for region in bone.regions
    }
    return {**joints, **keys, **regions, **bones}


@cache
def _joint_keys() -> dict[str, str]:
    return {one.label: one.key for one in vocabulary().joints}
