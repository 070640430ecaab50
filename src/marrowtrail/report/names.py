"""Names of bones, regions and joints in the language of the report, and their German grammar.

English names stand in the vocabulary. Those of another language stand in ``texts/names.TAG.yaml``
under the same keys; a name that follows "from", "to" or "in" there takes another form.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from marrowtrail.record.knowledge import checked
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary
from marrowtrail.report.language import Language, message, read_texts, spoken_language

Form = Literal["plain", "from", "to", "in"]
"""How a place stands in a sentence."""


class Name(BaseModel):
    """A name. ``after`` is its form after a preposition, as ``medialen Femurkondylus``.

    ``gender`` is m, f, n, or p for a plural; it chooses the preposition's form.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    after: str = ""
    gender: Literal["m", "f", "n", "p"] = "n"


class JointName(Name):
    """A joint. ``end`` says which end of a bone is meant, as ``kniegelenknah``."""

    end: str


class Names(BaseModel):
    """Names by the keys of the vocabulary."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bones: dict[str, Name]
    regions: dict[str, dict[str, Name]]
    joints: dict[str, JointName]
    diagnoses: dict[str, str]
    findings: dict[str, FindingWords]


class FindingWords(BaseModel):
    """A finding as it is named, and in words that say that it is not there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    absent: str


Names.model_rebuild()


@cache
def names(language: Language) -> Names:
    """The names of a language other than English, read and validated once."""
    return checked(Names, read_texts(f"names.{language.value}"))


def bone(key: str) -> Name | None:
    """The name of a bone; ``None`` for a word that is not in the vocabulary."""
    if spoken_language() is not Language.ENGLISH:
        return names(spoken_language()).bones.get(key)
    try:
        return Name(name=vocabulary().bone(key).label)
    except UnknownWordError:
        return None


def region(bone_key: str, key: str) -> Name | None:
    """The name of a region of a bone; ``None`` where the vocabulary has none."""
    if spoken_language() is not Language.ENGLISH:
        return names(spoken_language()).regions.get(bone_key, {}).get(key)
    try:
        return Name(name=vocabulary().bone(bone_key).region(key).label)
    except UnknownWordError:
        return None


def joint(key: str) -> JointName | None:
    """The name of a joint; ``None`` for a word that is not in the vocabulary."""
    if spoken_language() is not Language.ENGLISH:
        return names(spoken_language()).joints.get(key)
    try:
        label = vocabulary().joint(key).label
    except UnknownWordError:
        return None
    return JointName(name=label, end=label)


def placed(name: Name, side: Side, form: Form = "plain", end: str = "") -> str:
    """A name with its side and, for a bone of two ends, the joint of that end, in a form."""
    said = (name.after or name.name) if form != "plain" else name.name
    if side in (Side.LEFT, Side.RIGHT):
        said = message(f"place.{side.value}", place=said)
    if end:
        named = joint(end)
        said = message("place.end", place=said, end=named.end if named else end.replace("_", " "))
    return said if form == "plain" else message(f"place.{form}_{name.gender}", place=said)
