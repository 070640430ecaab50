"""How DICOM objects that a run of this program wrote are known when they come back as input.

What the program proposed is found again from the images, so its own outlines of bones are not
taken for masks that somebody drew. Copies of masks that had been handed in may stand for them,
where they themselves are no longer there.
"""

from __future__ import annotations

from pydicom.dataset import Dataset

MANUFACTURER = "Marrowtrail"
MODEL = "marrowtrail"
"""With the manufacturer it marks what a run wrote; synthetic patients name another model."""

AUTOMATIC = "AUTOMATIC"
"""Segment Algorithm Type of what the program drew itself."""


def is_own(dataset: Dataset) -> bool:
    """A run of this program wrote the object, and nobody saved it again since."""
    maker = str(dataset.get("Manufacturer", "")), str(dataset.get("ManufacturerModelName", ""))
    return maker == (MANUFACTURER, MODEL)


def is_proposed(segment: Dataset) -> bool:
    """One item of the Segment Sequence is drawn by a program alone."""
    return str(segment.get("SegmentAlgorithmType", "")) == AUTOMATIC
