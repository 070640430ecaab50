"""Where a server is: ``https://host/dicom-web`` or ``dicom://TITLE@host:port``."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from marrowtrail.errors import InputError

_TITLE = re.compile(r"(?=.*\S)[ -\[\]-~]{1,16}")
"""An application entity title (PS3.5 6.2, AE): up to 16 printable letters, no backslash."""

_HOW = (
    "give https://HOST/dicom-web for DICOMweb, or dicom://TITLE@HOST:PORT for DIMSE "
    "(dicoms:// where it is encrypted)"
)


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A DICOMweb service."""

    url: str
    is_encrypted: bool
    is_this_machine: bool

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class DimseAddress:
    """An application entity: its title, machine and port."""

    title: str
    host: str
    port: int
    is_encrypted: bool

    def __str__(self) -> str:
        scheme = "dicoms" if self.is_encrypted else "dicom"
        return f"{scheme}://{self.title}@{self.host}:{self.port}"


def read_address(text: str) -> WebAddress | DimseAddress:
    """Understand a server's address.

    Raises
    ------
    InputError
        If it is none, or carries a password: what stands on the command line, everybody on the
        machine can read.
    """
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise _not_an_address() from error
    is_web = parts.scheme in ("http", "https")
    if parts.password is not None or parts.query or parts.fragment or (is_web and parts.username):
        raise InputError(
            "The address carries a name, password or key, which everybody on this computer could "
            "read from the list of programs that run.",
            where="the server's address",
            remedy="give a name and password or a token in a file (--credentials) or in the "
            "environment, and the address without it",
        )
    if not parts.hostname:
        raise _not_an_address()
    if is_web:
        url = parts.geturl().rstrip("/")
        return WebAddress(url, parts.scheme == "https", _is_this_machine(parts.hostname))
    if parts.scheme in ("dicom", "dicoms") and port:
        return _dimse(parts, parts.hostname, port)
    raise _not_an_address()


def check_title(title: str) -> str:
    """An application entity title without blanks around it.

    Raises
    ------
    InputError
        If it cannot be one.
    """
    if _TITLE.fullmatch(title) is None:
        raise InputError(
            "An AE title has 1 to 16 plain letters.",
            where="the AE title",
            remedy="give the title as it is configured in the archive",
        )
    return title.strip()


def _dimse(parts: SplitResult, host: str, port: int) -> DimseAddress:
    title = check_title(unquote(parts.username or ""))
    return DimseAddress(title, host, port, parts.scheme == "dicoms")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _not_an_address() -> InputError:
    return InputError(
        "The address of a server was expected, and this is none.",
        where="the server's address",
        remedy=_HOW,
    )
