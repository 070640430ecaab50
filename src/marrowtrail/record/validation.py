"""From a YAML file to a checked model, with every mistake named by its line.

All mistakes are reported at once, in the order of the file. A message repeats at most a
few words of the file: what a person wrote about a patient is not echoed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from marrowtrail.errors import InputError
from marrowtrail.record.closed_lists import nearest
from marrowtrail.record.contradictions import Contradiction
from marrowtrail.record.field_types import EARLIEST_YEAR
from marrowtrail.record.located_yaml import (
    Located,
    Location,
    Problem,
    UnreadableYamlError,
    read_yaml,
    shown,
)

MAX_PROBLEMS = 20
"""Mistakes listed one by one; the rest is counted."""
LONG_LIST = 50
"""A closed list longer than this is not repeated whole in a message."""

M = TypeVar("M", bound=BaseModel)
ErrorDetails = Any
"""pydantic's description of one mistake (a typed dictionary of pydantic_core)."""

_VALUES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "not_a_day": "must be a date, as 2019-05-17",
    "too_long_ago": f"must be a date of {EARLIEST_YEAR} or later",
    "literal_error": "must be 1",
}
_SENTENCES = {
    "string_type": "must be text",
    "tuple_type": 'must be a list, each entry beginning with "- "',
    "model_type": 'must hold keys and values, as "state: absent"',
    "model_attributes_type": 'must hold keys and values, as "state: absent"',
    "string_too_long": "is too long",
    "string_too_short": "is empty",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "must be at least"),
    "less_than_equal": ("le", "must be at most"),
    "greater_than": ("gt", "must be more than"),
}


def read_bytes(path: Path, remedy: str) -> bytes:
    """The content of a file, or :class:`InputError` when there is none to be had."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The file cannot be opened ({error.strerror}).", where=path.name, remedy=remedy
        ) from error


def parse(
    raw: bytes,
    model: type[M],
    *,
    where: str,
    remedy: str,
    further: Callable[[M], Iterable[Contradiction]] = lambda _: (),
) -> M:
    """The model that a YAML file describes.

    Parameters
    ----------
    raw
        Content of the file.
    model
        What it must be.
    where
        Name of the file, for the message.
    remedy
        What to do about a mistake.
    further
        Checks of the finished model that need more than the model.

    Raises
    ------
    InputError
        With every mistake and its line.
    """
    try:
        located = read_yaml(raw)
    except UnreadableYamlError as error:
        raise _input_error((error.problem,), where, remedy) from error
    if not isinstance(located.data, dict):
        problem = Problem(located.line(()), 'the file must hold keys and values, as "key: value"')
        raise _input_error((problem,), where, remedy)
    try:
        value = model.model_validate(located.data)
    except ValidationError as error:
        problems = _merged(located, _problems(error, located, model))
        raise _input_error(problems, where, remedy) from error
    problems = _merged(located, [_contradicted((), found, located) for found in further(value)])
    if problems:
        raise _input_error(problems, where, remedy)
    return value


def path_text(location: Location) -> str:
    """A place in the file as a reader would write it: ``pain[0].joint``."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{shown(step).strip(chr(34))}"
    return text.lstrip(".") or "the file"


def _merged(located: Located, found: list[Problem]) -> tuple[Problem, ...]:
    """Mistakes of YAML and of content together; a place is complained about once."""
    unread = {problem.location for problem in located.problems}
    fresh = [problem for problem in found if problem.location not in unread]
    return tuple(sorted((*located.problems, *fresh), key=lambda problem: problem.line or 0))


def _problems(error: ValidationError, located: Located, model: type[BaseModel]) -> list[Problem]:
    problems: list[Problem] = []
    for details in error.errors(include_url=False):
        location = details["loc"]
        if details["type"] == "contradiction":
            found = details["ctx"]["found"]
            problems += [_contradicted(location, one, located) for one in found]
        else:
            text = _sentence(details, location, model)
            problems.append(Problem(located.line(location), text, location))
    return problems


def _contradicted(location: Location, found: Contradiction, located: Located) -> Problem:
    place = (*location, *found.location)
    return Problem(located.line(place), f"{path_text(place)} {found.what}", place)


def _sentence(details: ErrorDetails, location: Location, model: type[BaseModel]) -> str:
    kind, context, path = details["type"], details.get("ctx", {}), path_text(location)
    if kind == "unknown_word":
        return f"{path} is {shown(details['input'])}; {_allowed(context)}"
    if kind == "missing":
        return f"{path_text(location[:-1])} lacks {shown(location[-1])}"
    if kind == "extra_forbidden":
        return _unknown_key(location, model)
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"{path} is {shown(details['input'])}; it {words} {context[name]}"
    if kind in _VALUES:
        return f"{path} is {shown(details['input'])}; it {_VALUES[kind]}"
    return f"{path} {_SENTENCES.get(kind, details['msg'])}"


def _allowed(context: dict[str, Any]) -> str:
    allowed, meant = context["allowed"], context["nearest"]
    hint = f'. Did you mean "{meant}"?' if meant else ""
    if len(allowed) > LONG_LIST:
        return f"it must be one of the {len(allowed)} keys of the JSON Schema{hint}"
    return f"allowed: {', '.join(allowed)}{hint}"


def _unknown_key(location: Location, model: type[BaseModel]) -> str:
    owner = _model_at(location[:-1], model)
    keys = sorted(field.alias or name for name, field in owner.model_fields.items())
    context = {"allowed": keys, "nearest": nearest(location[-1], keys)}
    return f"{path_text(location[:-1])} has no key {shown(location[-1])}; {_allowed(context)}"


def _model_at(location: Location, model: type[BaseModel]) -> type[BaseModel]:
    """The model that stands at a place, found by following the annotations."""
    for step in location:
        if isinstance(step, str):
            fields = {field.alias or name: field for name, field in model.model_fields.items()}
            model = _model_in(fields[step].annotation) or model
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(argument) for argument in get_args(annotation))
    return next((found for found in inner if found is not None), None)


def _input_error(problems: tuple[Problem, ...], where: str, remedy: str) -> InputError:
    listed = [str(problem) for problem in problems[:MAX_PROBLEMS]]
    if len(problems) > MAX_PROBLEMS:
        listed.append(f"and {len(problems) - MAX_PROBLEMS} more")
    if len(problems) == 1:
        what = f"One mistake: {listed[0]}"
    else:
        what = f"{len(problems)} mistakes:\n" + "\n".join(f"  {line}" for line in listed)
    return InputError(what, where=where, remedy=remedy)
