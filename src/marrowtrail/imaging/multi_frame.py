"""The frames of a multi-frame MR image, each with the header that a single image would have.

Enhanced MR (PS3.3 A.36) and Legacy Converted Enhanced MR (A.70) say once what holds for all
frames (shared functional groups) and for each what is its own (per-frame ones, C.7.6.16). What
classic MR writes in other words is translated into those words, so that everything after this
reads both alike. Frames that nothing in those words tells apart, and that lie at one place, are
told apart by the file's own dimensions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from marrowtrail.imaging.elements import Item
from marrowtrail.imaging.headers import FileRead, Header, Rejected, header_of
from marrowtrail.imaging.tags import GROUPS

Values = dict[str, tuple[str, ...]]

WITHOUT_GROUPS = Rejected(
    "multi-frame images without a place for each frame",
    "their functional groups are missing or incomplete; export them as single images",
)

_SAME_MEANING = {
    "EffectiveEchoTime": "EchoTime",
    "InversionTimes": "InversionTime",
    "FrameType": "ImageType",
    "TemporalPositionIndex": "TemporalPositionIdentifier",
}
"""Names of enhanced images and what classic ones call the same. The latter wins where a frame
has both (legacy converted images keep it beside the new one)."""

_SIDES = ("L", "R")

_IN_STACK = {"00209057", "00200032", "00201041", "00209056"}
"""Dimensions that only say where a frame lies: in-stack position, position, slice location and
the stack's id."""

_NOT_MEASURED = {"MAX_IP", "MIN_IP", "VOLUME_RENDER", "SURFACE_RENDER", "CURVED_MPR"}
"""Volume Based Calculation Techniques after which a pixel is no measurement at its place."""

_COMBINED = {
    "DIVISION", "MASKED", "MAXIMUM", "MINIMUM", "MULTIPLICATION", "PERCENTAGE", "QUANTITY",
    "STD_DEVIATION", "SUBTRACTION",
}  # fmt: skip
"""Fourth value of the Frame Type (Derived Pixel Contrast) of calculated images. Sums, means and
resampled images keep the contrast that they were made of."""


def frames_of(file: FileRead) -> tuple[Header, ...] | Rejected:
    """A header for each frame, in the order of the file; or why there are none."""
    per_frame = file.item.sequences.get("PerFrameFunctionalGroupsSequence", ())
    said = file.header.number("NumberOfFrames")
    if not per_frame or said != len(per_frame):
        return WITHOUT_GROUPS
    common = _common(file.item)
    pointers = _dimension_pointers(file.item)
    frames, others = [], []
    for index, groups in enumerate(per_frame):
        values = _frame_values(common, groups)
        values["InstanceNumber"] = (str(index + 1),)
        header = file.header
        frames.append(
            header_of(
                header.path, header.transfer_syntax, values, header.members, index, header.pixels
            )
        )
        others.append(_other_dimensions(values, pointers))
    return _told_apart(frames, others)


def _common(item: Item) -> Values:
    """What holds for every frame, in classic words."""
    values: Values = dict(item.values)
    # Of the whole object: its place and number are not those of a frame.
    for name in ("ImagePositionPatient", "TriggerTime", "InstanceNumber"):
        values.pop(name, None)
    agents = item.sequences.get("ContrastBolusAgentSequence", ())
    if agents and "ContrastBolusAgent" not in values:
        values["ContrastBolusAgent"] = agents[0].values.get("CodeMeaning", ("AGENT",))
    shared = item.sequences.get("SharedFunctionalGroupsSequence", ())
    _add_groups(values, shared[0] if shared else Item())
    _add_region(values, item)
    return values


def _frame_values(common: Mapping[str, tuple[str, ...]], groups: Item) -> Values:
    values = dict(common)
    _add_groups(values, groups)
    _translate_sequence(values)
    _translate_image_type(values)
    laterality = values.get("FrameLaterality", ("",))[0].upper()
    if laterality in _SIDES:
        values["ImageLaterality"] = (laterality,)
    if values.get("ContrastBolusAgentAdministered", ("",))[0].upper() == "NO":
        values.pop("ContrastBolusAgent", None)
    return values


def _add_groups(values: Values, groups: Item) -> None:
    for name in GROUPS:
        for group in groups.sequences.get(name, ()):
            own = group.values
            for new, old in _SAME_MEANING.items():
                if new in own:
                    values[old] = own[new]
            values.update(own)
            _add_region(values, group)


def _add_region(values: Values, item: Item) -> None:
    """The anatomic region's own words, where no body part is named."""
    for region in item.sequences.get("AnatomicRegionSequence", ()):
        if "CodeMeaning" in region.values:
            values.setdefault("BodyPartExamined", region.values["CodeMeaning"])


def _translate_sequence(values: Values) -> None:
    """Pulse sequence and fat suppression, as Scanning Sequence and Scan Options have them.

    A sequence that is both spin and gradient echo refocuses: its contrast is a spin echo's.
    """
    if "ScanningSequence" not in values and "EchoPulseSequence" in values:
        words = ["GR" if values["EchoPulseSequence"][0].upper() == "GRADIENT" else "SE"]
        if _says_yes(values, "InversionRecovery"):
            words.append("IR")
        if _says_yes(values, "EchoPlanarPulseSequence"):
            words.append("EP")
        values["ScanningSequence"] = tuple(words)
    if values.get("SpectrallySelectedSuppression", ("",))[0].upper() == "FAT":
        values["ScanOptions"] = (*values.get("ScanOptions", ()), "FS")


def _translate_image_type(values: Values) -> None:
    """Phase, diffusion and calculated images, as words of the Image Type."""
    kind = tuple(word.upper() for word in values.get("ImageType", ()))
    words = list(kind)
    part = values.get("ComplexImageComponent", ("",))[0].upper()
    if part in ("PHASE", "REAL", "IMAGINARY"):
        words.append(part)
    technique = values.get("VolumeBasedCalculationTechnique", ("",))[0].upper()
    if technique in _NOT_MEASURED or (len(kind) > 3 and kind[3] in _COMBINED):
        words.append("DERIVED_MAP")
    if values.get("AcquisitionContrast", ("",))[0].upper() == "DIFFUSION":
        words.append("DIFFUSION")
    values["ImageType"] = tuple(words)


def _says_yes(values: Mapping[str, tuple[str, ...]], name: str) -> bool:
    return values.get(name, ("",))[0].upper() == "YES"


def _dimension_pointers(item: Item) -> tuple[str, ...]:
    return tuple(
        one.values.get("DimensionIndexPointer", ("",))[0]
        for one in item.sequences.get("DimensionIndexSequence", ())
    )


def _other_dimensions(
    values: Mapping[str, tuple[str, ...]], pointers: tuple[str, ...]
) -> tuple[str, ...]:
    """A frame's index in every dimension that is not its place."""
    indices = values.get("DimensionIndexValues", ())
    if len(indices) != len(pointers):
        return ()
    pairs = zip(pointers, indices, strict=True)
    return tuple(index for pointer, index in pairs if pointer not in _IN_STACK)


def _told_apart(frames: list[Header], others: list[tuple[str, ...]]) -> tuple[Header, ...]:
    """Frames as they are; where some repeat a place, each with its dimensions as a time point."""
    seen = Counter(_identity(frame) for frame in frames)
    if max(seen.values()) == 1:
        return tuple(frames)
    return tuple(_with_dimensions(frames, others))


def _identity(frame: Header) -> tuple[tuple[str, ...], ...]:
    names = (
        *("ImagePositionPatient", "ImageOrientationPatient", "ImageType", "EchoTime", "StackID"),
        *("TemporalPositionIdentifier", "AcquisitionNumber"),
    )
    return tuple(frame.values.get(name, ()) for name in names)


def _with_dimensions(frames: list[Header], others: list[tuple[str, ...]]) -> Iterator[Header]:
    for frame, indices in zip(frames, others, strict=True):
        time = frame.values.get("TemporalPositionIdentifier", ("",))
        values = {**frame.values, "TemporalPositionIdentifier": (*time, *indices)}
        yield replace(frame, values=values)
