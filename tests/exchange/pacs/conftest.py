"""An archive for all tests here, started once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from marrowtrail.exchange.pacs.tls import Tls
from tests.exchange.pacs.orthanc import Server, running
from tests.exchange.pacs.people import Command, Patient, admit
from tests.exchange.pacs.wires import encrypting


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture(scope="session")
def patient(orthanc: Server, tmp_path_factory: pytest.TempPathFactory) -> Patient:
    """A patient of three visits in the archive; read it, never change it."""
    return admit(orthanc.archive("web"), tmp_path_factory.mktemp("people"), "alpha")


@dataclass(frozen=True)
class Encrypted:
    """Ports of the archive that are spoken to over TLS alone, and files to do it with."""

    web_port: int
    dicom_port: int
    certificate: Path
    key: Path


@pytest.fixture(scope="session")
def encrypted(orthanc: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    """The server's certificate is its own authority; over DICOM it asks for the caller's too."""
    if shutil.which("openssl") is None:
        if os.environ.get("CI"):
            pytest.fail("CI has openssl, but it is missing.")
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("encrypted")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        f"-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {key} "
        f"-out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    one_sided = Tls(cert=certificate, key=key).from_others()
    mutual = Tls(certificate, certificate, key).from_others()
    with (
        encrypting(orthanc.web_port, one_sided) as web,
        encrypting(orthanc.dicom_port, mutual) as dicom,
    ):
        yield Encrypted(web, dicom, certificate, key)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(capsys, monkeypatch)
