"""The language of the report, and the catalogue of its words.

Every text that the report itself says stands in ``texts/en.yaml``, under a key that tells where
it is shown; another language is one more file of the same keys. ``str.format`` fills the
placeholders. The language holds for a block (:func:`speaking`), as a decimal mark does, so that
no function between the page and a word has to hand it on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from importlib import resources
from string import Formatter
from types import MappingProxyType

from markupsafe import Markup

from marrowtrail.record.knowledge import KnowledgeError, read_own_file


class Language(StrEnum):
    """Languages of the report, by their tag."""

    ENGLISH = "en"
    GERMAN = "de"


_spoken: ContextVar[Language] = ContextVar("language", default=Language.ENGLISH)


def spoken_language() -> Language:
    """The language that holds here."""
    return _spoken.get()


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Let every text of a block be said in a language."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def message(key: str, /, **values: object) -> str:
    """The text under a key, its placeholders filled.

    Raises
    ------
    KeyError
        If the catalogue has no such key, or a placeholder has no value.
    """
    return catalogue(_spoken.get())[key].format(**values)


def counted(key: str, count: int, /, **values: object) -> str:
    """The text under ``key.one`` or ``key.many``, with ``count`` filled in."""
    return message(f"{key}.{'one' if count == 1 else 'many'}", count=count, **values)


def marked_up(key: str, /, **values: object) -> Markup:
    """The text under a key as HTML: its own markup holds, and every value is escaped."""
    return Markup(catalogue(_spoken.get())[key]).format(**values)


def section(name: str) -> dict[str, str]:
    """Texts below a key, by the rest of their key, placeholders as they are: for other code."""
    start = f"{name}."
    texts = catalogue(_spoken.get())
    return {key.removeprefix(start): text for key, text in texts.items() if key.startswith(start)}


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """All texts of a language by key, in the order of its file.

    Raises
    ------
    KnowledgeError
        If the file is wrong, or does not say the same as the English one.
    """
    texts = MappingProxyType(dict(_flat(read_texts(language.value), ())))
    if language is not Language.ENGLISH:
        wrong = differences(catalogue(Language.ENGLISH), texts)
        if wrong:
            raise KnowledgeError(f"texts/{language.value}.yaml: {'; '.join(wrong)}")
    return texts


def differences(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """What keeps two catalogues from saying the same: keys of one alone, other placeholders."""
    alone = [f"{key!r} stands in one language only" for key in sorted(first.keys() ^ second.keys())]
    both = [key for key in first if key in second]
    return alone + [
        f"{key!r} has other placeholders: {sorted(placeholders(first[key]))} and "
        f"{sorted(placeholders(second[key]))}"
        for key in both
        if placeholders(first[key]) != placeholders(second[key])
    ]


def placeholders(text: str) -> frozenset[str]:
    """Names of the placeholders of a text."""
    fields = (field for _, field, _, _ in Formatter().parse(text) if field is not None)
    return frozenset(field.split(".")[0] for field in fields)


def read_texts(name: str) -> object:
    """The content of ``texts/NAME.yaml``.

    Raises
    ------
    KnowledgeError
        If it is not readable as strict YAML; says the line.
    """
    file = f"texts/{name}.yaml"
    return read_own_file(resources.files("marrowtrail.report") / file, file)


def _flat(node: object, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for key, below in node.items():
            yield from _flat(below, (*path, str(key)))
    elif isinstance(node, str):
        yield ".".join(path), node
    else:
        raise KnowledgeError(f"{'.'.join(path)}: {node!r} is no text")
