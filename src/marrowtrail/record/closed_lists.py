"""Closed lists as field types: a word stands in the list or is refused with the list.

``Annotated[str, OneOf("joint", joint_words)]`` is a pydantic field that takes a word of
``joint_words()`` and nothing else. The list is looked up when a value is checked, so that
a vocabulary stays data, and it stands in the JSON Schema as ``enum``. A refusal is a
pydantic error of type ``unknown_word`` that carries the word, the list and the nearest
match; :mod:`marrowtrail.record.validation` turns it into a sentence with a line number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum, StrEnum

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

SIMILARITY = 0.6
"""Smallest similarity (0 to 1) of a word that is offered instead of a wrong one."""


@dataclass(frozen=True)
class OneOf:
    """Restricts a field to the words of a list.

    Parameters
    ----------
    kind
        What the words are, as ``joint``.
    words
        Gives the list; called for every check.
    spaces
        Also take a word written with spaces for underscores; the field holds the key.
    """

    kind: str
    words: Callable[[], Sequence[str]]
    spaces: bool = False

    def __get_pydantic_core_schema__(
        self, source: type[object], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check the word, then let the field's own type have it."""
        return core_schema.no_info_before_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The list as ``enum``, in its own order."""
        words = list(self.words())
        if self.spaces:
            words += [spaced for word in words if (spaced := word.replace("_", " ")) != word]
        return {"type": "string", "enum": words}

    def _checked(self, value: object) -> str:
        word = value.value if isinstance(value, Enum) else value
        if isinstance(word, str) and self.spaces:
            word = word.replace(" ", "_")
        if isinstance(word, str) and word in self.words():
            return word
        raise unknown_word(self.kind, value, self.words())


def words_of(kind: str, members: type[StrEnum] | Sequence[StrEnum]) -> OneOf:
    """A closed list made of the values of an enumeration, or of some of them."""
    words = tuple(member.value for member in members)
    return OneOf(kind, lambda: words)


def unknown_word(kind: str, word: object, allowed: Sequence[str]) -> PydanticCustomError:
    """The error for a word that is not in its list."""
    return PydanticCustomError(
        "unknown_word",
        "{word} is no {kind}",
        {"kind": kind, "word": word, "allowed": tuple(allowed), "nearest": nearest(word, allowed)},
    )


def nearest(word: object, allowed: Sequence[str]) -> str | None:
    """The word of the list that was probably meant; ``None`` when nothing comes near.

    Abbreviations by initials are understood: *AS* is near ``ankylosing_spondylitis``.
    """
    if not isinstance(word, str) or not word:
        return None
    plain = word.strip().lower().replace(" ", "_").replace("-", "_")
    if abbreviated := [full for full in allowed if _initials(full) == plain]:
        return abbreviated[0]
    spelling = {full.lower(): full for full in allowed}
    # A long paste is compared by its start: difflib takes quadratic time.
    close = get_close_matches(plain[:64], spelling, n=1, cutoff=SIMILARITY)
    return spelling[close[0]] if close else None


def _initials(word: str) -> str:
    parts = word.lower().split("_")
    return "".join(part[:1] for part in parts) if len(parts) > 1 else ""
