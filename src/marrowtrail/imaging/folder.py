"""One pass over a folder: its MR images and segmentations, and why all else is set aside."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from marrowtrail.imaging.headers import Header, Rejected, quiet, read_header
from marrowtrail.imaging.series import SetAside

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.1"
SEGMENTATIONS = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})

READABLE_SYNTAXES = frozenset(
    {
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.5",
    }
)
"""Uncompressed syntaxes, deflated, and RLE, which pydicom decodes by itself."""

_NOT_IMAGES = frozenset(
    {".yaml", ".yml", ".json", ".csv", ".txt", ".md", ".html", ".pdf", ".gz", ".nii", ".png"}
)
"""Endings of files that are never opened as DICOM."""

_WHAT_AN_IMAGE_IS = ("SeriesInstanceUID", "ImagePositionPatient", "EchoTime", "ImageType")
"""Copies of one image agree in these; two images that share an identifier by mistake do not."""

_DUPLICATE = Rejected("duplicates", "the same image is in the folder more than once")
_CLASH = Rejected(
    "images with another's identifier",
    "a different image in the folder has the same one; export the series again",
)
_NAMELESS = Rejected(
    "images without an identifier", "their instance or series UID is missing; export them again"
)
_CLOSED = Rejected("unreadable files", "they cannot be opened")
_ZIPPED = Rejected("zip archives", "this version does not look into them; unpack them first")
_ENHANCED = Rejected("enhanced multi-frame MR", "this version reads single-frame MR; convert it")
_OTHER_OBJECT = Rejected("other DICOM objects", "they are not MR images")
_COLOUR = Rejected("colour images", "they are screenshots or maps, not measurements")
_REVERSED = Rejected("images of reversed brightness", "in them bright means little signal")
_PLACELESS = Rejected(
    "images without a place",
    "position, orientation, size or pixel spacing is missing or makes no sense",
)


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """What lies in a folder: MR images, segmentations, and what was set aside."""

    images: tuple[Header, ...]
    segmentations: tuple[Header, ...]
    set_aside: tuple[SetAside, ...]


def scan(folder: Path) -> Folder:
    """Read every header below a folder once.

    Images come in the order of their identifiers, so that neither file names nor the disk
    decide anything after this.
    """
    images: dict[str, Header] = {}
    segmentations: dict[str, Header] = {}
    reasons: Counter[Rejected] = Counter()
    with quiet():
        for path in _files(folder):
            outcome = _look_at(path)
            if isinstance(outcome, Rejected):
                reasons[outcome] += 1
                continue
            kind = segmentations if _is_segmentation(outcome) else images
            known = kind.setdefault(outcome.text("SOPInstanceUID"), outcome)
            if known is not outcome:
                reasons[_DUPLICATE if _same_image(known, outcome) else _CLASH] += 1
    return Folder(_in_order(images), _in_order(segmentations), count_set_aside(reasons))


def count_set_aside(reasons: Counter[Rejected]) -> tuple[SetAside, ...]:
    """What was set aside, in alphabetical order."""
    rows = sorted((one.what, one.reason, files) for one, files in reasons.items())
    return tuple(SetAside(*row) for row in rows)


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() not in _NOT_IMAGES:
                yield Path(parent) / name


def _look_at(path: Path) -> Header | Rejected:
    """The header of an image or segmentation, or why the file is not used."""
    if not path.is_file():
        # A dangling link, or a pipe: opening that would wait forever.
        return _CLOSED
    if path.suffix.lower() == ".zip":
        return _ZIPPED
    header = read_header(path)
    if isinstance(header, Rejected):
        return header
    return next((why for applies, why in _objections(header) if applies), header)


def _objections(header: Header) -> Iterator[tuple[bool, Rejected]]:
    """What may stand against a file; the first that applies decides."""
    yield not header.text("SOPInstanceUID"), _NAMELESS
    if _is_segmentation(header):
        return
    yield header.text("SOPClassUID") == ENHANCED_MR_IMAGE, _ENHANCED
    yield header.text("SOPClassUID") != MR_IMAGE, _OTHER_OBJECT
    yield not header.text("SeriesInstanceUID"), _NAMELESS
    yield str(header.transfer_syntax) not in READABLE_SYNTAXES, _encoded(header)
    yield (header.number("NumberOfFrames") or 1) > 1, _ENHANCED
    yield (header.number("SamplesPerPixel") or 1) != 1, _COLOUR
    yield header.text("PhotometricInterpretation") == "MONOCHROME1", _REVERSED
    yield header.place is None, _PLACELESS


def _encoded(header: Header) -> Rejected:
    """Names the syntax by the standard's word; any other could be somebody's UID."""
    syntax = header.transfer_syntax
    name = syntax.name if syntax.name != str(syntax) else "an unknown syntax"
    return Rejected(f"images in {name}", "this version does not decode it; decompress them first")


def _is_segmentation(header: Header) -> bool:
    return header.text("SOPClassUID") in SEGMENTATIONS


def _same_image(one: Header, other: Header) -> bool:
    return all(one.values[tag] == other.values[tag] for tag in _WHAT_AN_IMAGE_IS)


def _in_order(headers: dict[str, Header]) -> tuple[Header, ...]:
    return tuple(headers[uid] for uid in sorted(headers))
