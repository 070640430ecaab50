"""Who we are to a server. Never from the command line, never in a message."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from marrowtrail.errors import InputError

USER, PASSWORD, TOKEN = (f"MARROWTRAIL_PACS_{name}" for name in ("USER", "PASSWORD", "TOKEN"))
"""The environment that may hold them."""

_KEYS = ("user", "password", "token")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name with its password, or a bearer token, or nothing. Its ``repr`` shows none of it."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.user or self.token)


def read_credentials(file: Path | None, environment: Mapping[str, str]) -> Credentials:
    """From a file (YAML: ``user`` and ``password``, or ``token``), else from the environment.

    Raises
    ------
    InputError
        If the file cannot be read, others than its owner can read it, or what it holds is no such
        thing. The message repeats nothing of it.
    """
    if file is None:
        values = {key: environment.get(name, "") for key, name in _in_environment()}
        return _checked(values, "the environment")
    return _checked(_read(file), str(file))


def _in_environment() -> tuple[tuple[str, str], ...]:
    return tuple(zip(_KEYS, (USER, PASSWORD, TOKEN), strict=True))


def _read(file: Path) -> dict[str, str]:
    try:
        # Of the open file, so that no other can take its place between the two.
        with file.open(encoding="utf-8") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(file, "The file with the credentials cannot be read.") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(
            "Others on this computer may open the file with the credentials.",
            where=str(file),
            remedy="take it from them (chmod 600), and think of the password as known",
        )
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError:
        # Not chained: its text shows the line that it stumbled over.
        values = None
    if not isinstance(values, dict) or not set(values) <= set(_KEYS):
        raise _unusable(file, "The file with the credentials holds something else.")
    if not all(isinstance(value, str) for value in values.values()):
        raise _unusable(file, "A value is not text, as a password of digits without quotes is not.")
    return {str(key): str(value) for key, value in values.items()}


def _checked(values: Mapping[str, str], where: str) -> Credentials:
    found = Credentials(**{key: values.get(key, "") for key in _KEYS})
    is_clear = not found.token or not (found.user or found.password)
    is_sendable = all(value.isprintable() for value in values.values())
    if is_clear and is_sendable and bool(found.user) == bool(found.password):
        return found
    raise InputError(
        "A user with a password was expected, or a token alone, on one line each.",
        where=where,
        remedy=f"give {USER} and {PASSWORD}, or {TOKEN}",
    )


def _unusable(file: Path, what: str) -> InputError:
    return InputError(
        what,
        where=str(file),
        remedy='write lines `user: "..."` and `password: "..."`, or `token: "..."`, '
        "into it, and let nobody else read it",
    )
