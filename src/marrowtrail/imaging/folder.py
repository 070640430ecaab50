"""One pass over a folder: its MR images and segmentations, and why all else is set aside."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from marrowtrail.errors import Caution, Severity
from marrowtrail.imaging import archives
from marrowtrail.imaging.decoding import READABLE_SYNTAXES, is_lossy, stamp_of
from marrowtrail.imaging.headers import (
    DAMAGED,
    NOT_DICOM,
    UNREADABLE,
    FileRead,
    Header,
    Rejected,
    quiet,
    read_file,
)
from marrowtrail.imaging.medium import INDEX_CLASS, Index, count_missing, index_of
from marrowtrail.imaging.multi_frame import frames_of
from marrowtrail.imaging.object_kinds import not_mr
from marrowtrail.imaging.series import SetAside

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR_IMAGES = frozenset({"1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4"})
"""Enhanced MR, and classic MR converted to it."""
ENHANCED_MR_COLOUR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.3"
SEGMENTATIONS = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})

_OURS = frozenset({".yaml", ".yml", ".json", ".nii"})
"""Endings of files that a case names itself (and ``.nii.gz``): read elsewhere or not at all."""

_DOCUMENTS = frozenset(
    {".csv", ".txt", ".md", ".html", ".pdf", ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif"}
    | {".docx", ".xlsx", ".pptx", ".odt", ".jar"}
)
"""Endings of files that are never opened as DICOM; the second row would pass for zip archives."""

_NOT_IMAGES = _OURS | _DOCUMENTS

_WHAT_AN_IMAGE_IS = ("SeriesInstanceUID", "ImagePositionPatient", "EchoTime", "ImageType")
"""Copies of one image agree in these; two images that share an identifier by mistake do not."""

_GREY = frozenset({"", "MONOCHROME1", "MONOCHROME2"})

_DUPLICATE = Rejected("duplicates", "the same image is in the folder more than once")
_DAMAGED_COPY = Rejected(
    "damaged copies", "they are cut short; a whole copy of the same image was read instead"
)
_CLASH = Rejected(
    "images with another's identifier",
    "a different image in the folder has the same one; export the series again",
)
_NAMELESS = Rejected(
    "images without an identifier", "their instance or series UID is missing; export them again"
)
_DOCUMENT = Rejected("documents and pictures", "they are not DICOM images")
_INDEX = Rejected("indices of a medium", "a DICOMDIR lists images and is none")
_COLOUR = Rejected("colour images", "they are screenshots or maps, not measurements")
_REVERSED = Rejected("images of reversed brightness", "in them bright means little signal")
_WITHOUT_PIXELS = Rejected("images without pixels", "only their header was sent; send them again")
_PLACELESS = Rejected(
    "images without a place",
    "position, orientation, size or pixel spacing is missing or makes no sense",
)


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """What lies in a folder: MR images, segmentations, what was set aside, what to know of it."""

    images: tuple[Header, ...]
    segmentations: tuple[Header, ...]
    set_aside: tuple[SetAside, ...]
    cautions: tuple[Caution, ...]


@dataclass(slots=True)
class _Gathered:
    """What the pass has met so far; images of one file go together."""

    images: dict[str, tuple[Header, ...]] = field(default_factory=dict)
    segmentations: dict[str, tuple[Header, ...]] = field(default_factory=dict)
    reasons: Counter[Rejected] = field(default_factory=Counter)
    indices: list[Index] = field(default_factory=list)
    instance_uids: set[str] = field(default_factory=set)

    def take(self, outcome: FileRead | Rejected) -> None:
        """Sort one file in."""
        if isinstance(outcome, Rejected):
            self.reasons[outcome] += 1
            return
        header = outcome.header
        uid = header.text("SOPInstanceUID")
        self.instance_uids.add(uid)
        if INDEX_CLASS in (outcome.media_class, header.text("SOPClassUID")):
            self.indices.append(index_of(outcome.item, _folder_of(header)))
            self.reasons[_INDEX] += 1
            return
        images = _usable(outcome, self.reasons)
        if images:
            kind = self.segmentations if _is_segmentation(header) else self.images
            known = kind.setdefault(uid, images)
            if known is not images:
                self.reasons[_why_not_both(known[0], images[0])] += 1
                if _is_better_copy(images[0], known[0]):
                    kind[uid] = images


def scan(folder: Path) -> Folder:
    """Read every header below a folder once, in archives too.

    Images come in the order of their identifiers, so that neither file names nor the disk
    decide anything after this.
    """
    gathered = _Gathered()
    with quiet():
        for path in _files(folder):
            for outcome in _look_at(path):
                gathered.take(outcome)
    return Folder(
        _in_order(gathered.images),
        _in_order(gathered.segmentations),
        count_set_aside(gathered.reasons),
        tuple(_cautions(gathered)),
    )


def count_set_aside(reasons: Counter[Rejected]) -> tuple[SetAside, ...]:
    """What was set aside, in alphabetical order."""
    rows = sorted((one.what, one.reason, files) for one, files in reasons.items())
    return tuple(SetAside(*row) for row in rows)


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            lower = name.lower()
            if lower.startswith(".") or lower.endswith(".nii.gz"):
                continue
            if os.path.splitext(lower)[1] not in _OURS:  # noqa: PTH122 (pathlib: 5x slower)
                yield Path(parent, name)


def _look_at(path: Path) -> Iterator[FileRead | Rejected]:
    """What a file holds, or each file in it where it is an archive."""
    if path.suffix.lower() in _DOCUMENTS:
        yield _DOCUMENT
        return
    if not path.is_file():
        # A dangling link, or a pipe: opening that would wait forever.
        yield UNREADABLE
        return
    try:
        stream = path.open("rb", buffering=0)
    except OSError:
        yield UNREADABLE
        return
    with stream:
        outcome = read_file(stream, path, (), stamp_of(stream))
        if outcome is not NOT_DICOM:
            yield outcome
        else:
            stream.seek(0)
            yield from _look_into(path, stream)


def _look_into(path: Path, stream: BinaryIO) -> Iterator[FileRead | Rejected]:
    """What is no DICOM: an archive by its first bytes, whatever it is called, or nothing."""
    start = stream.read(512)
    if archives.is_other_archive(start):
        yield archives.OTHER_ARCHIVE
    elif not archives.is_zip(start):
        yield archives.BROKEN if path.suffix.lower() == ".zip" else NOT_DICOM
    else:
        for member in archives.members(path, _NOT_IMAGES):
            if isinstance(member, Rejected):
                yield member
            else:
                yield read_file(member.stream, path, member.names)


def _usable(file: FileRead, reasons: Counter[Rejected]) -> tuple[Header, ...]:
    """The images of a file that can be used; what stands against the others is counted."""
    objection = next((why for applies, why in _objections(file) if applies), None)
    if objection is not None:
        reasons[objection] += 1
        return ()
    header = file.header
    if _is_segmentation(header):
        return (header,)
    images = frames_of(file) if _has_frames(header) else (header,)
    if isinstance(images, Rejected):
        reasons[images] += 1
        return ()
    placed = tuple(one for one in images if one.place is not None)
    reasons.update([_PLACELESS] * (len(images) - len(placed)))
    return placed


def _objections(file: FileRead) -> Iterator[tuple[bool, Rejected]]:
    """What may stand against a file; the first that applies decides."""
    header = file.header
    kind = header.text("SOPClassUID")
    yield not kind, DAMAGED if file.media_class else NOT_DICOM
    yield not header.text("SOPInstanceUID"), _NAMELESS
    if _is_segmentation(header):
        return
    yield kind == ENHANCED_MR_COLOUR_IMAGE, _COLOUR
    if kind != MR_IMAGE and kind not in ENHANCED_MR_IMAGES:
        yield True, not_mr(header)
    yield not header.text("SeriesInstanceUID"), _NAMELESS
    if str(header.transfer_syntax) not in READABLE_SYNTAXES:
        yield True, _encoded(header)
    yield (header.number("SamplesPerPixel") or 1) != 1, _COLOUR
    photometric = header.text("PhotometricInterpretation")
    yield photometric not in _GREY, _COLOUR
    yield photometric == "MONOCHROME1", _REVERSED
    yield not file.has_pixels, _WITHOUT_PIXELS


def _has_frames(header: Header) -> bool:
    is_enhanced = header.text("SOPClassUID") in ENHANCED_MR_IMAGES
    return is_enhanced or (header.number("NumberOfFrames") or 1) > 1


def _encoded(header: Header) -> Rejected:
    """Names the syntax by the standard's word; any other could be somebody's UID."""
    syntax = header.transfer_syntax
    name = syntax.name if syntax.name != str(syntax) else "an unknown syntax"
    return Rejected(f"images in {name}", "this version does not decode it; decompress them first")


def _is_segmentation(header: Header) -> bool:
    return header.text("SOPClassUID") in SEGMENTATIONS


def _folder_of(header: Header) -> Path | None:
    return None if header.members else header.path.parent


def _why_not_both(known: Header, other: Header) -> Rejected:
    """What stands against the second of two files with one identifier."""
    if not _same_image(known, other):
        return _CLASH
    return _DAMAGED_COPY if _is_cut_short(known) != _is_cut_short(other) else _DUPLICATE


def _is_better_copy(one: Header, known: Header) -> bool:
    return _same_image(known, one) and _is_cut_short(known) and not _is_cut_short(one)


def _is_cut_short(header: Header) -> bool:
    return header.pixels is not None and header.pixels.is_cut_short


def _same_image(one: Header, other: Header) -> bool:
    return all(one.values.get(tag) == other.values.get(tag) for tag in _WHAT_AN_IMAGE_IS)


def _in_order(files: dict[str, tuple[Header, ...]]) -> tuple[Header, ...]:
    return tuple(header for uid in sorted(files) for header in files[uid])


def _cautions(gathered: _Gathered) -> Iterator[Caution]:
    """What a run may lack without anybody noticing, and what changed its pixels before."""
    reasons = gathered.reasons
    yield from _if_any(
        reasons[DAMAGED] + reasons[UNREADABLE],
        "files-damaged",
        "Files that could not be read: {}. Images may be missing.",
        "copy or export them again",
    )
    yield from _if_any(
        sum(files for why, files in reasons.items() if why in archives.LOST),
        "archives-not-read",
        "Archives, or files in them, that could not be read: {}. Images may be missing.",
        "unpack them, or export the images again",
    )
    yield from _if_any(
        count_missing(gathered.indices, gathered.instance_uids),
        "medium-incomplete",
        "Files that the index of the medium (DICOMDIR) lists and the folder lacks: {}.",
        "copy the whole medium",
    )
    lossy = [one for one in _in_order(gathered.images) if is_lossy(one)]
    yield from _if_any(
        len(lossy),
        "lossy-compression",
        f"Images that were compressed with loss{_up_to(lossy)}: {{}}. Their intensities are not "
        "those that were measured.",
        "ask for the images as the scanner stored them",
    )


def _if_any(count: int, code: str, what: str, remedy: str) -> Iterator[Caution]:
    if count:
        where = "the patient folder"
        yield Caution(code, Severity.UNVERIFIED, what.format(count), where, remedy)


def _up_to(lossy: list[Header]) -> str:
    """The highest ratio that any step of compression is said to have had."""
    said = {word for one in lossy for word in one.words("LossyImageCompressionRatio")}
    ratios = [ratio for word in said if math.isfinite(ratio := float(word))]
    return f" (up to {max(ratios):.0f} to 1)" if ratios else ""
