"""YAML as people write it by hand, with the line of every value.

A small, strict part of YAML: mappings, sequences and plain values in one document. What
YAML 1.1 would guess is not guessed: ``no`` stays a word, ``045`` is refused rather than
read as octal 37, ``12:30`` stays text. Aliases, anchors and tags are refused, which also
keeps out documents that grow when they are expanded. A mistake that leaves the rest
readable (a key that stands twice, an impossible date) is collected; one that does not
(a syntax error, a tag) ends the reading.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NoReturn, TypeAlias

import yaml

MAX_BYTES = 4 * 1024 * 1024
"""Ten visits with every finding of the vocabulary come to under 1 MiB."""
MAX_DEPTH = 12
"""The deepest documented key stands at depth 5; depth costs stack."""
_TOO_DEEP = f"the file is nested deeper than {MAX_DEPTH} levels"
MAX_DIGITS = 18
"""Digits of a whole number; more would not fit 64 bits."""
WORD_SHOWN = 40
"""Characters of a value that a message repeats: enough to find it, too few to leak a text."""

Location: TypeAlias = tuple[str | int, ...]
Scalar: TypeAlias = str | int | float | bool | date | None
Node: TypeAlias = "Scalar | dict[str, Node] | tuple[Node, ...]"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEAN = {"true": True, "True": True, "false": False, "False": False}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
# Not more than YAML 1.1 takes for a number: other writers leave the rest unquoted as text.
_DECIMAL = re.compile(r"[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file.

    ``line`` counts from 1 and is ``None`` for the file as a whole; ``location`` leads to
    the value, as ``("pain", 0, "joint")``.
    """

    line: int | None
    text: str
    location: Location = ()

    def __str__(self) -> str:
        return self.text if self.line is None else f"line {self.line}: {self.text}"


class UnreadableYamlError(ValueError):
    """The file cannot be read any further."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Located:
    """What a YAML file holds, the line of every value, and what was wrong but readable."""

    data: Node
    lines: Mapping[Location, int]
    problems: tuple[Problem, ...]

    def line(self, location: Location) -> int | None:
        """The line of a value, or of the nearest thing around it that has one."""
        for length in range(len(location), -1, -1):
            if (line := self.lines.get(location[:length])) is not None:
                return line
        return None


def shown(value: object) -> str:
    """A value as a message may repeat it: one line, quoted, cut short."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return "a list" if not isinstance(value, dict) else "a mapping"
    text = "".join(c if c.isprintable() else " " for c in str(value))
    text = text if len(text) <= WORD_SHOWN else text[:WORD_SHOWN].rstrip() + "…"
    return f'"{text}"' if isinstance(value, str) else text


def read_yaml(raw: bytes) -> Located:
    """The content of a YAML file.

    Raises
    ------
    UnreadableYamlError
        If it is empty, too large, not UTF-8, not YAML, or uses aliases, anchors, tags or
        several documents.
    """
    text = _decoded(raw)
    builder = _Builder()
    try:
        data = builder.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise UnreadableYamlError(_syntax_problem(error, text)) from error
    except yaml.reader.ReaderError as error:
        raise UnreadableYamlError(Problem(None, "it holds control characters")) from error
    if data is None:
        raise UnreadableYamlError(Problem(None, "the file is empty"))
    return Located(data, builder.lines, tuple(builder.problems))


def _decoded(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise UnreadableYamlError(
            Problem(None, f"the file has {len(raw)} bytes; at most {MAX_BYTES} are read")
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UnreadableYamlError(
            Problem(line, "a character is not UTF-8; save the file as UTF-8")
        ) from error


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(None, f"not YAML: {error.problem}")
    if "nesting depth" in str(error.problem):  # PyYAML 6.0.4 reads ahead and has a limit of its own
        return Problem(mark.line + 1, _TOO_DEEP)
    lines = text.splitlines()
    if mark.line < len(lines) and lines[mark.line][: mark.column + 1].strip(" ").startswith("\t"):
        return Problem(mark.line + 1, "a tab stands in the indentation; YAML takes spaces only")
    return Problem(mark.line + 1, f"not YAML: {error.problem}")


class _Builder:
    """Turns the events of the YAML parser into values, keeping their lines."""

    def __init__(self) -> None:
        self.lines: dict[Location, int] = {}
        self.problems: list[Problem] = []

    def document(self, events: Iterator[yaml.Event]) -> Node:
        """The first document; a second one ends the reading."""
        data: Node = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    _refuse(event, "a second document begins; put everything in one")
                data = self._node(next(events), events, ())
        return data

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], location: Location) -> Node:
        self._check(event, location)
        self.lines.setdefault(location, _line(event))
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, location)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, location)
        assert isinstance(event, yaml.ScalarEvent), "YAML has no other kind of value"
        return self._scalar(event, location)

    def _check(self, event: yaml.Event, location: Location) -> None:
        if getattr(event, "anchor", None) is not None:
            _refuse(event, "an alias or anchor (& or *) stands here; write the value out")
        if getattr(event, "tag", None) is not None:
            _refuse(event, "a tag (!) stands here; write the plain value")
        if len(location) > MAX_DEPTH:
            _refuse(event, _TOO_DEEP)

    def _mapping(self, events: Iterator[yaml.Event], location: Location) -> dict[str, Node]:
        values: dict[str, Node] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, location)
            place = (*location, key)
            line = _line(event)
            if key in values:
                text = f"{shown(key)} stands twice; the first is in line {self.lines[place]}"
                self.problems.append(Problem(line, text, place))
            value_event = next(events)
            # A block value begins on a later line than its key; the key is what one looks for.
            is_scalar = isinstance(value_event, yaml.ScalarEvent)
            self.lines[place] = _line(value_event) if is_scalar else line
            values[key] = self._node(value_event, events, place)
        return values

    def _key(self, event: yaml.Event, location: Location) -> str:
        self._check(event, location)
        if not isinstance(event, yaml.ScalarEvent):
            _refuse(event, "a list or mapping stands where a key belongs")
        return str(event.value)

    def _sequence(self, events: Iterator[yaml.Event], location: Location) -> tuple[Node, ...]:
        values: list[Node] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            values.append(self._node(event, events, (*location, len(values))))
        return tuple(values)

    def _scalar(self, event: yaml.ScalarEvent, location: Location) -> Scalar:
        text = str(event.value)
        if not event.implicit[0]:
            return text
        try:
            return _plain(text)
        except ValueError as error:
            line = _line(event)
            self.problems.append(Problem(line, f"{shown(text)} {error}", location))
            return text


def _plain(text: str) -> Scalar:
    """An unquoted value; ``ValueError`` with the rest of a sentence about it."""
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _LEADING_ZERO.fullmatch(text):
        raise ValueError("begins with a zero; write the number without, or quote the text")
    if _WHOLE.fullmatch(text):
        if len(text.lstrip("+-")) > MAX_DIGITS:
            raise ValueError("has too many digits")
        return int(text)
    if _DATE.fullmatch(text):
        return _calendar_day(text)
    if _DECIMAL.fullmatch(text):
        if math.isinf(number := float(text)):
            raise ValueError("is too large")
        return number
    return text


def _calendar_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is no day of the calendar") from error


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _refuse(event: yaml.Event, text: str) -> NoReturn:
    raise UnreadableYamlError(Problem(_line(event), text))
