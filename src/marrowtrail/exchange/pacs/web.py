"""An archive that speaks DICOMweb: QIDO to search, WADO to fetch, STOW to store (PS3.18)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from itertools import groupby

import pydicom
import requests
from dicomweb_client import DICOMwebClient
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.address import WebAddress
from marrowtrail.exchange.pacs.credentials import Credentials
from marrowtrail.exchange.pacs.failures import Dropped, Unwanted
from marrowtrail.exchange.pacs.model import (
    Instance,
    Level,
    Outgoing,
    Row,
    Take,
    Verdict,
)
from marrowtrail.exchange.pacs.tls import Tls
from marrowtrail.exchange.pacs.web_answers import refusal, verdict
from marrowtrail.exchange.pacs.web_session import (
    Answered,
    Envelope,
    asked,
    not_dicomweb,
    open_session,
)
from marrowtrail.imaging.headers import DAMAGE

_TIMEOUTS_S = (10.0, 120.0)
"""To connect, and between two bytes: an archive may have to fetch old images from a tape."""

_ANY_LENGTH = 1 << 31
"""Bytes that are sent in one piece: many servers do not take a message in chunks."""

_AS_KEPT = (("application/dicom", "*"),)
"""In the encoding in which the archive keeps it."""

_UPPER = frozenset({"StudyInstanceUID", "SeriesInstanceUID"})
"""Keys that stand in the address, not among the filters."""


class WebArchive:
    """A DICOMweb service.

    Raises
    ------
    InputError
        If the address or a file for TLS cannot be used, or a password would go unencrypted.
    """

    def __init__(
        self,
        address: WebAddress,
        credentials: Credentials,
        tls: Tls,
        *,
        allow_unencrypted: bool = False,
    ) -> None:
        self._address = address
        self._sizes: dict[str, int] = {}
        self._is_careful = False
        is_safe = address.is_encrypted or address.is_this_machine or allow_unencrypted
        if credentials and not is_safe:
            raise InputError(
                "Over http the password or token could be read on the way; nothing was sent.",
                where=self.where,
                remedy="use https, or give --unencrypted if the whole way is in trusted hands",
            )
        self._envelope = Envelope()
        self._session = open_session(address, credentials, tls)
        try:
            self._client = DICOMwebClient(
                address.url,
                session=self._session,
                headers={"Accept": "application/dicom+json"},
                callback=self._envelope,
                chunk_size=_ANY_LENGTH,
                permissive_uid=True,
                timeout=_TIMEOUTS_S,
            )
        except ValueError as error:
            raise not_dicomweb(self.where) from error
        self._client.set_http_retry_params(retry=False)

    @property
    def where(self) -> str:
        """The address."""
        return str(self._address)

    def find(self, level: Level, keys: Row, returned: Sequence[str]) -> tuple[Row, ...]:
        """See ``Archive``. Asks on until nothing new comes: a server may limit its answers."""
        found: dict[str, Row] = {}
        name = {Level.STUDY: "Study", Level.SERIES: "Series", Level.IMAGE: "SOP"}[level]
        returned = tuple(dict.fromkeys((f"{name}InstanceUID", *returned)))
        offset = 0
        while True:
            page = self._page(level, keys, returned, offset)
            rows = [_row(one, returned) for one in page]
            fresh = {row[f"{name}InstanceUID"]: row for row in rows}
            if not fresh.keys() - found.keys():
                break
            found |= fresh
            offset += len(page)
        if level is Level.IMAGE and "SOPInstanceUID" not in keys:
            self._sizes[keys["SeriesInstanceUID"]] = len(found)
        return tuple(found.values())

    def fetch(self, wanted: Sequence[Instance], take: Take) -> None:
        """See ``Archive``.

        A series of which all is wanted comes in one answer, unless something went wrong before;
        then each object comes on its own, so that what has come stays.
        """
        reason = ""
        try:
            for request in self._requests(wanted):
                try:
                    for content in self._retrieve(request):
                        take(content)
                except Unwanted as unwanted:
                    reason = unwanted.reason
            if reason:
                raise Dropped(reason)
        except Dropped:
            self._is_careful = True
            raise

    def store(self, objects: Iterable[Outgoing]) -> Iterator[Verdict]:
        """See ``Archive``. One request an object, so that each has an answer of its own."""
        for one in objects:
            dataset = pydicom.dcmread(one.path)
            try:
                answer = asked(partial(self._send, dataset), self.where)
            except Answered as answered:
                yield refusal(one, answered.response)
            else:
                yield verdict(one, answer)

    def close(self) -> None:
        """See ``Archive``."""
        self._session.close()

    def _send(self, dataset: Dataset) -> Dataset:
        """What the server says; nothing where that is no answer to a store."""
        try:
            return self._client.store_instances([dataset])
        except requests.exceptions.InvalidJSONError:
            return Dataset()
        except requests.exceptions.RequestException:
            raise
        except (SyntaxError, *DAMAGE):
            return Dataset()

    def _page(self, level: Level, keys: Row, returned: Sequence[str], offset: int) -> list[object]:
        try:
            answer = asked(partial(self._search, level, keys, returned, offset), self.where)
        except Answered as answered:
            status = answered.response.status_code
            if status == HTTPStatus.NOT_FOUND and level is not Level.STUDY:
                return []
            raise not_dicomweb(f"{self.where} (HTTP {status})") from answered
        if not isinstance(answer, list):
            raise not_dicomweb(self.where)
        return answer

    def _search(self, level: Level, keys: Row, returned: Sequence[str], offset: int) -> object:
        study, series = keys.get("StudyInstanceUID"), keys.get("SeriesInstanceUID")
        first, fields = offset or None, list(returned)
        if level is Level.STUDY:
            return self._client.search_for_studies(
                offset=first, fields=fields, search_filters=dict(keys)
            )
        filters = {key: keys[key] for key in keys if key not in _UPPER}
        if level is Level.SERIES:
            return self._client.search_for_series(
                study, offset=first, fields=fields, search_filters=filters
            )
        return self._client.search_for_instances(
            study, series, offset=first, fields=fields, search_filters=filters
        )

    def _requests(self, wanted: Sequence[Instance]) -> Iterator[Callable[[], object]]:
        one, whole = self._client.retrieve_instance, self._client.retrieve_series
        for (study, series), some in groupby(wanted, lambda one: (one.study_uid, one.series_uid)):
            uids = [each.sop_uid for each in some]
            if self._sizes.get(series) == len(uids) and not self._is_careful:
                yield partial(whole, study, series, _AS_KEPT)
            else:
                yield from (partial(one, study, series, uid, _AS_KEPT) for uid in uids)

    def _retrieve(self, request: Callable[[], object]) -> tuple[bytes, ...]:
        try:
            asked(request, self.where)
        except Answered as answered:
            raise Unwanted(f"the server does not give an object ({answered})") from answered
        except InputError:
            raise
        except (InvalidDicomError, *DAMAGE) as damage:
            raise Unwanted("what came is no whole DICOM file") from damage
        return self._envelope.contents


def _row(answer: object, returned: Sequence[str]) -> Row:
    """The first value of each keyword in a dataset of the DICOM JSON model; else empty."""
    elements = answer if isinstance(answer, Mapping) else {}
    return {word: _first(elements.get(f"{tag_for_keyword(word):08X}")) for word in returned}


def _first(element: object) -> str:
    values = element.get("Value") if isinstance(element, Mapping) else None
    value = values[0] if isinstance(values, list) and values else ""
    return str(value).strip() if isinstance(value, str | int | float) else ""
