"""Reads the data files of this room, as strictly as a user's own file."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from marrowtrail.record.located_yaml import UnreadableYamlError, read_yaml

M = TypeVar("M", bound=BaseModel)


class KnowledgeError(RuntimeError):
    """A data file of the program itself is wrong; no user can mend it by other input.

    No ``ValueError``: pydantic would take one that is raised while a user's file is checked
    for a mistake of the user.
    """


def read_knowledge(name: str) -> object:
    """The content of ``vocabularies/NAME.yaml``.

    Raises
    ------
    KnowledgeError
        If it is not readable as strict YAML; says the line.
    """
    return read_own_file(
        resources.files("marrowtrail.record") / "vocabularies" / f"{name}.yaml", f"{name}.yaml"
    )


def read_own_file(path: Traversable, name: str) -> object:
    """The content of a data file of the program; ``name`` is what a message calls it.

    Raises
    ------
    KnowledgeError
        If it is not readable as strict YAML; says the line.
    """
    try:
        located = read_yaml(path.read_bytes())
    except UnreadableYamlError as error:
        raise KnowledgeError(f"{name}: {error}") from error
    if located.problems:
        raise KnowledgeError(f"{name}: {'; '.join(str(p) for p in located.problems)}")
    return located.data


def checked(model: type[M], data: object) -> M:
    """The model that the data of a file make, or :class:`KnowledgeError`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise KnowledgeError(f"{model.__name__}: {error}") from error
