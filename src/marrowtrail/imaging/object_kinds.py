"""What DICOM objects other than MR images are called, and why they are not measured.

By SOP class (PS3.4 B.5), which is what a file is, whatever its name says.
"""

from __future__ import annotations

from marrowtrail.imaging.headers import Header, Rejected

_STORAGE = "1.2.840.10008.5.1.4.1.1."

_BY_CLASS: tuple[tuple[tuple[str, ...], Rejected], ...] = (
    (
        ("7",),
        Rejected("secondary captures", "they are screenshots or scanned pages, not measurements"),
    ),
    (("4.2",), Rejected("spectroscopy", "it shows chemistry of one place, it is no image")),
    (("88",), Rejected("structured reports", "they hold words, no image")),
    (("104",), Rejected("documents", "they hold a PDF or text, no image")),
    (("11",), Rejected("display settings", "they say how others looked at an image")),
    (("66", "66.1", "66.2", "66.3"), Rejected("raw data", "they hold no image that can be shown")),
    (("481",), Rejected("contours or plans of radiotherapy", "they are no image")),
    (("9",), Rejected("waveforms", "they are curves, no image")),
    (
        ("1", "2", "3", "6", "12", "13", "20", "77", "128", "130"),
        Rejected("images of another modality", "marrow oedema is measured on MR images only"),
    ),
)
"""The last part of the class; a whole one stands for its subclasses too (``88`` for
``88.33``), except that ``66`` is raw data and ``66.4`` a segmentation."""

_OTHER = Rejected("other DICOM objects", "they are not MR images")


def not_mr(header: Header) -> Rejected:
    """What an object that is no MR image is, and why it is not used."""
    uid = header.text("SOPClassUID")
    if not uid.startswith(_STORAGE):
        return _OTHER
    end = uid.removeprefix(_STORAGE)
    return next(
        (why for classes, why in _BY_CLASS if any(_covers(one, end) for one in classes)), _OTHER
    )


def _covers(one: str, end: str) -> bool:
    return end == one or (end.startswith(f"{one}.") and not one.startswith("66"))
