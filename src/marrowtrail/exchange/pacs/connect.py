"""From what a user gives to an archive that can be asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.address import WebAddress, check_title, read_address
from marrowtrail.exchange.pacs.credentials import read_credentials
from marrowtrail.exchange.pacs.dimse import DimseArchive
from marrowtrail.exchange.pacs.model import Archive
from marrowtrail.exchange.pacs.tls import Tls
from marrowtrail.exchange.pacs.web import WebArchive


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach an archive.

    Parameters
    ----------
    server
        ``https://HOST/dicom-web``, ``dicom://TITLE@HOST:PORT`` or ``dicoms://...``.
    ca_file, tls_cert, tls_key
        PEM files: authorities to trust, our certificate, its key.
    title
        Ours, for DIMSE.
    move_port
        A port of this computer that the archive sends images to (C-MOVE); without it, images
        come over the connection that we opened (C-GET).
    allow_unencrypted
        Let a password go over http.
    """

    server: str
    ca_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    title: str = "MARROWTRAIL"
    move_port: int | None = None
    allow_unencrypted: bool = False


def connect(
    access: Access, *, credentials: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Archive:
    """An archive to pull from or push to; nothing is sent yet.

    Parameters
    ----------
    access
        How to reach it.
    credentials
        A file as ``read_credentials`` takes it, for DICOMweb.
    environment
        Where credentials are looked for without a file.

    Raises
    ------
    InputError
        If something given cannot be used, or would be of no use.
    """
    address, tls = read_address(access.server), Tls(access.ca_file, access.tls_cert, access.tls_key)
    if isinstance(address, WebAddress):
        if access.move_port is not None:
            raise _in_vain("--move-port is for DIMSE alone; DICOMweb needs no port of ours.")
        who, unsafe = read_credentials(credentials, environment), access.allow_unencrypted
        return WebArchive(address, who, tls, allow_unencrypted=unsafe)
    if credentials is not None:
        raise _in_vain("DIMSE knows no password or token, and credentials were given.")
    if not address.is_encrypted and (access.ca_file or access.tls_cert):
        raise _in_vain("Certificates were given, and dicom:// is not encrypted.")
    return DimseArchive(address, check_title(access.title), tls, access.move_port)


def _in_vain(what: str) -> InputError:
    return InputError(
        what,
        where="the server's address and its options",
        remedy="leave it out, or give the address that goes with it (dicoms:// for encrypted "
        "DIMSE, https:// for DICOMweb)",
    )
