"""The base of every part of ``case.yaml``: frozen, no unknown keys, no contradictions.

A part says what about it cannot be true by yielding a :class:`Contradiction` for each
such thing; they reach the user together, each with its own line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from marrowtrail.record.located_yaml import Location


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Something that cannot be so: where, counted from the part, and what."""

    location: Location
    what: str


class Part(BaseModel):
    """A part of the record. Missing means not reported, never absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        found = tuple(self.contradictions())
        if found:
            raise PydanticCustomError(
                "contradiction", "{what}", {"what": found[0].what, "found": found}
            )
        return self

    def contradictions(self) -> Iterable[Contradiction]:
        """What cannot be true of this part; nothing, unless a part says otherwise."""
        return ()
