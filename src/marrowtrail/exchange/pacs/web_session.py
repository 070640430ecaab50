"""An HTTP session that sends its credentials to one address only, and says plainly what failed."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TypeVar

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.exceptions import NameResolutionError

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.address import WebAddress
from marrowtrail.exchange.pacs.credentials import PASSWORD, TOKEN, USER, Credentials
from marrowtrail.exchange.pacs.failures import Dropped, no_tls, unknown_host, untrusted
from marrowtrail.exchange.pacs.tls import Tls

T = TypeVar("T")

_BUSY = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Answers after which another try may help."""

_FILES = ("multipart/", "application/dicom")
"""Begin the media types of answers that hold a DICOM file; ``application/dicom+json`` is among
them, and nobody asks for its content here."""

_BOUNDARY = re.compile(r'boundary="?([^";,]+)', re.IGNORECASE)


class Answered(Exception):  # noqa: N818 (what it means depends on the question)
    """The server answered with a status that is neither success nor one of the common ones."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.response = response


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def open_session(address: WebAddress, credentials: Credentials, tls: Tls) -> requests.Session:
    """A session for one server.

    Raises
    ------
    InputError
        If a file for TLS cannot be used.
    """
    tls.check()
    session = requests.Session()
    # Else a .netrc replaces the credentials, and REQUESTS_CA_BUNDLE the authority that was named.
    session.trust_env = False
    if not address.is_this_machine:
        session.proxies = requests.utils.get_environ_proxies(address.url)
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
    session.verify = str(tls.ca_file) if tls.ca_file else bundle or True
    session.cert = tls.own
    session.max_redirects = 0
    if credentials.token:
        session.auth = _Bearer(credentials.token)
    elif credentials.user:
        user, password = (text.encode() for text in (credentials.user, credentials.password))
        session.auth = HTTPBasicAuth(user, password)
    return session


class Envelope:
    """Sees every answer of a session: keeps the objects that came as the server encoded them.

    Decoded and encoded again, an image that was cut short would get a header that fits it.
    """

    def __init__(self) -> None:
        self.contents: tuple[bytes, ...] = ()

    def __call__(self, response: requests.Response, *_: object, **__: object) -> None:
        """Called by requests before anybody else reads the answer.

        Raises
        ------
        requests.exceptions.ChunkedEncodingError
            If an answer in parts ends before its last boundary: HTTP itself need not notice.
        """
        kind = response.headers.get("Content-Type", "")
        boundary = _BOUNDARY.search(kind)
        self.contents = ()
        if not response.ok or not kind.lower().startswith(_FILES):
            return
        if boundary is None or not kind.lower().startswith("multipart/"):
            self.contents = (response.content,)
            return
        mark = b"\r\n--" + boundary[1].encode()
        whole = b"\r\n" + response.content.rstrip()
        if not whole.endswith(mark + b"--"):
            raise requests.exceptions.ChunkedEncodingError("cut short")
        parts = whole.split(mark)[1:-1]
        self.contents = tuple(part.partition(b"\r\n\r\n")[2] for part in parts)


def asked(call: Callable[[], T], where: str) -> T:
    """What a call answers, its failures in our words.

    Raises
    ------
    Dropped
        If another try may help.
    InputError
        If none will.
    Answered
        If the meaning of the status depends on what was asked.
    """
    try:
        return call()
    except requests.exceptions.SSLError as error:
        raise _tls_failure(error, where) from error
    except requests.exceptions.HTTPError as error:
        raise _status_failure(error, where) from error
    except (
        requests.exceptions.ConnectionError,
        requests.exceptions.Timeout,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
    ) as error:
        if any(isinstance(one, NameResolutionError | socket.gaierror) for one in _causes(error)):
            raise unknown_host(where) from error
        raise Dropped(_in_words(error)) from error
    except requests.exceptions.TooManyRedirects as error:
        raise InputError(
            "The server sends us on to another address, and credentials are not sent there unseen.",
            where=where,
            remedy="give the address that it leads to",
        ) from error
    except requests.exceptions.RequestException as error:
        raise not_dicomweb(where) from error


def not_dicomweb(where: str) -> InputError:
    """Something else answers at this address."""
    return InputError(
        "What answers at this address does not speak DICOMweb.",
        where=where,
        remedy="check the path: Orthanc has it at /dicom-web, dcm4chee at "
        "/dcm4chee-arc/aets/TITLE/rs",
    )


def _tls_failure(error: Exception, where: str) -> Exception:
    causes = tuple(_causes(error))
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in causes):
        return untrusted(where)
    if any(isinstance(one, ssl.SSLEOFError) for one in causes):
        return Dropped("the connection broke off")
    return no_tls(where)


def _status_failure(error: requests.exceptions.HTTPError, where: str) -> Exception:
    response = error.response
    if response is None:
        return Dropped("the connection broke off")
    status = response.status_code
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED):
        had_any = "Authorization" in (response.request.headers or {})
        what = (
            "does not accept the user with this password, or the token"
            if had_any
            else ("asks who we are, and no user or token was given")
        )
        return InputError(
            f"The server {what} (HTTP {status}).",
            where=where,
            remedy=f"give {USER} and {PASSWORD}, or {TOKEN}, in the environment, or a file with "
            "--credentials",
        )
    if status == HTTPStatus.FORBIDDEN:
        return InputError(
            "The server knows us and does not allow this (HTTP 403).",
            where=where,
            remedy="ask the administrator of the archive for the right to do it",
        )
    return Dropped(f"the server is busy (HTTP {status})") if status in _BUSY else Answered(response)


def _in_words(error: Exception) -> str:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no answer from the server"
    if isinstance(error, requests.exceptions.Timeout):
        return "the server fell silent"
    if any(isinstance(one, ConnectionRefusedError) for one in _causes(error)):
        return "nothing listens at that port"
    return "the connection broke off"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that lies behind it; requests keeps the cause among the arguments."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            reason = getattr(one, "reason", None)
            pending += [one.__cause__, one.__context__, reason, *one.args]
