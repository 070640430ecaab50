"""Patient and study of a source image, as a derived object may carry them.

What the source left out is empty where the standard wants the element (type 2). A date, time,
age, number or code that breaks its own representation is left out: a validator would blame the
derived object for it. Text stays as it is, in Unicode: it identifies, even where it is too long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.valuerep import PersonName

UNICODE = "ISO_IR 192"

_MUST_BE_THERE = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyID",
)
"""Type 2 of the Patient and General Study modules."""

_FORMS = {
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Z0-9 _]{0,16}"),
    "DA": re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"),
    "DS": re.compile(r"(?=.{1,16}$)[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
    "IS": re.compile(r"[+-]?\d{1,10}"),
    "TM": re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?"),
}
"""What values of these representations look like (PS3.5, 6.2); dates of living patients."""

_SEXES = ("M", "F", "O")


def cleaned(header: Dataset) -> Dataset:
    """A copy of a header's elements that keeps the standard's rules, text in Unicode."""
    clean = Dataset()
    for element in header:
        kept = _cleaned(element)
        if kept is not None:
            clean.add(kept)
    clean.SpecificCharacterSet = UNICODE
    for keyword in _MUST_BE_THERE:
        if keyword not in clean:
            setattr(clean, keyword, "")
    if clean.PatientSex not in _SEXES:
        clean.PatientSex = ""
    return clean


def _cleaned(element: DataElement) -> DataElement | None:
    """The element, or ``None`` where nothing valid is left of it."""
    if element.VR == "SQ":
        items = [item for one in element.value if len(item := _item(one))]
        return DataElement(element.tag, "SQ", Sequence(items)) if items else None
    values = [text for text in _texts(element) if text]
    form = _FORMS.get(element.VR)
    if form is not None:
        values = [text for text in values if form.fullmatch(text)]
    if not values:
        return None
    value: object = values[0] if len(values) == 1 else values
    if element.VR == "PN":
        value = PersonName(values[0])
    return DataElement(element.tag, element.VR, value)


def _item(item: Dataset) -> Dataset:
    clean = Dataset()
    for element in item:
        kept = _cleaned(element)
        if kept is not None:
            clean.add(kept)
    return clean


def _texts(element: DataElement) -> Iterator[str]:
    value = element.value
    several = value if isinstance(value, MultiValue | list) else (value,)
    for one in several:
        if one is not None:
            yield str(one).replace("\0", "").strip()
