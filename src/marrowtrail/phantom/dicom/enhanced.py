"""Enhanced multi-frame MR images (PS3.3 A.36): one file for all slices of an image.

What holds for all frames stands once, in shared functional groups; every frame says where it
lies and which it is. Attributes are those that the standard asks for, filled with what is known
of the acquisition.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sequence import Sequence

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Dixon, Weighting
from marrowtrail.phantom.dicom.makers.style import PixelCode
from marrowtrail.phantom.scanner.acquisition import Acquisition, larmor_mhz

IN_FUNCTIONAL_GROUPS = (
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "WindowCenter",
    "WindowWidth",
)
"""Attributes of a single image that an enhanced one keeps in its functional groups."""

CONTRAST = {
    Weighting.T1: "T1",
    Weighting.PD: "PROTON_DENSITY",
    Weighting.T2: "T2",
    Weighting.STIR: "STIR",
}

DIXON_FRAME = {
    None: "NONE",
    Dixon.WATER: "WATER",
    Dixon.FAT: "FAT",
    Dixon.IN_PHASE: "IN_PHASE",
    Dixon.OPPOSED_PHASE: "OUT_OF_PHASE",
}

_ANATOMY = {
    "knee": ("72696002", "SCT", "Knee"),
    "ankle": ("70258002", "SCT", "Ankle"),
    "hip": ("29836001", "SCT", "Hip"),
    "foot": ("56459004", "SCT", "Foot"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """All frames of one image: ``numbers`` along the normal, and what goes round the pixels."""

    acquisition: Acquisition
    geometry: Geometry
    image: Dixon | None
    joint: str
    side: str
    begun: datetime
    code: PixelCode
    dimensions_uid: str
    numbers: tuple[int, ...]


def add_frames(data: Dataset, frames: Frames, pixels: NDArray[np.int32]) -> None:
    """Make a multi-frame image of a dataset that has patient, study and series.

    ``pixels`` (i, j, k) are stored values; frames are laid down in the order of ``numbers``.
    """
    order = np.argsort(frames.numbers)
    _image(data, frames)
    _pulse_sequence(data, frames)
    _dimensions(data, frames.dimensions_uid)
    data.SharedFunctionalGroupsSequence = Sequence([_shared(frames)])
    data.PerFrameFunctionalGroupsSequence = Sequence(
        [_of_frame(frames, int(k), number) for number, k in enumerate(order, start=1)]
    )
    data.NumberOfFrames = str(len(order))
    ordered = np.ascontiguousarray(pixels[:, :, order].transpose(2, 1, 0))
    data.PixelData = ordered.astype("<u2").tobytes()


def _item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _frame_type(frames: Frames) -> list[str]:
    # As Philips has it: all images of a Dixon acquisition count as original.
    return ["ORIGINAL", "PRIMARY", "VOLUME", DIXON_FRAME[frames.image]]


def _described(frames: Frames) -> dict[str, object]:
    """What both the image and its frames say of their pixels."""
    return {
        "PixelPresentation": "MONOCHROME",
        "VolumetricProperties": "VOLUME",
        "VolumeBasedCalculationTechnique": "NONE",
        "ComplexImageComponent": "MAGNITUDE",
        "AcquisitionContrast": CONTRAST[frames.acquisition.timing.weighting],
    }


def _image(data: Dataset, frames: Frames) -> None:
    data.ImageType = _frame_type(frames)
    for keyword, value in _described(frames).items():
        setattr(data, keyword, value)
    data.InstanceNumber = "1"
    data.DeviceSerialNumber = "synthetic"
    data.AcquisitionDateTime = frames.begun.strftime("%Y%m%d%H%M%S")
    data.AcquisitionDuration = 180.0
    data.ResonantNucleus = "1H"
    data.KSpaceFiltering = "NONE"
    data.MagneticFieldStrength = f"{frames.acquisition.timing.field_t:g}"
    data.ApplicableSafetyStandardAgency = "IEC"
    data.ContentQualification = "RESEARCH"
    data.BurnedInAnnotation = "NO"
    data.LossyImageCompression = "00"
    data.PresentationLUTShape = "IDENTITY"
    for keyword in IN_FUNCTIONAL_GROUPS:
        if keyword in data:
            delattr(data, keyword)
    data.AcquisitionContextSequence = Sequence([])


def _pulse_sequence(data: Dataset, frames: Frames) -> None:
    timing, sampling = frames.acquisition.timing, frames.acquisition.sampling
    is_gradient = timing.flip_deg is not None
    data.PulseSequenceName = "FFE" if is_gradient else ("TIR" if timing.inversion_ms else "TSE")
    data.EchoPulseSequence = "GRADIENT" if is_gradient else "SPIN"
    if not is_gradient:
        data.MultipleSpinEcho = "NO"
    data.MultiPlanarExcitation = "YES"
    data.PhaseContrast = "NO"
    data.TimeOfFlightContrast = "NO"
    data.SteadyStatePulseSequence = "NONE"
    data.EchoPlanarPulseSequence = "NO"
    data.SaturationRecovery = "NO"
    data.SpectrallySelectedSuppression = "FAT" if timing.fat_left < 1.0 else "NONE"
    data.OversamplingPhase = "NONE"
    data.GeometryOfKSpaceTraversal = "RECTILINEAR"
    data.RectilinearPhaseEncodeReordering = "LINEAR"
    data.SegmentedKSpaceTraversal = "PARTIAL"
    if sampling.is_3d:
        data.CoverageOfKSpace = "FULL"
    data.NumberOfKSpaceTrajectories = 1
    data.MRAcquisitionType = "3D" if sampling.is_3d else "2D"


def _dimensions(data: Dataset, uid: str) -> None:
    stack, place = (0x0020, 0x9056), (0x0020, 0x9057)
    content = (0x0020, 0x9111)
    data.DimensionOrganizationSequence = Sequence([_item(DimensionOrganizationUID=uid)])
    data.DimensionIndexSequence = Sequence(
        [
            _item(
                DimensionOrganizationUID=uid,
                DimensionIndexPointer=pointer,
                FunctionalGroupPointer=content,
            )
            for pointer in (stack, place)
        ]
    )


def _shared(frames: Frames) -> Dataset:
    """Functional groups that hold for all frames."""
    groups = {
        **_measures(frames),
        **_contrast(frames),
        **_coils(),
        **_values(frames),
    }
    return _item(**{keyword: Sequence([item]) for keyword, item in groups.items()})


def _measures(frames: Frames) -> dict[str, Dataset]:
    i, j, spacing = frames.geometry.spacing_mm
    row, column, _ = frames.geometry.directions.T
    code, scheme, meaning = _ANATOMY[frames.joint]
    region = _item(CodeValue=code, CodingSchemeDesignator=scheme, CodeMeaning=meaning)
    return {
        "PixelMeasuresSequence": _item(
            PixelSpacing=[f"{j:.6g}", f"{i:.6g}"],
            SliceThickness=f"{frames.acquisition.thickness_mm:g}",
            SpacingBetweenSlices=f"{spacing:.6g}",
        ),
        "PlaneOrientationSequence": _item(
            ImageOrientationPatient=[f"{x:.12g}"[:16] for x in (*row, *column)]
        ),
        "FrameAnatomySequence": _item(
            FrameLaterality=frames.side, AnatomicRegionSequence=Sequence([region])
        ),
    }


def _contrast(frames: Frames) -> dict[str, Dataset]:
    timing, sampling = frames.acquisition.timing, frames.acquisition.sampling
    read, phase = (
        round(share * frames.geometry.shape[axis])
        for share, axis in zip(
            sampling.acquired, (sampling.read_axis, sampling.phase_axis), strict=True
        )
    )
    return {
        "MRImageFrameTypeSequence": _item(FrameType=_frame_type(frames), **_described(frames)),
        "MRTimingAndRelatedParametersSequence": _timing(frames.acquisition),
        "MRFOVGeometrySequence": _item(
            InPlanePhaseEncodingDirection="ROW" if sampling.phase_axis == 0 else "COLUMN",
            MRAcquisitionFrequencyEncodingSteps=read,
            MRAcquisitionPhaseEncodingStepsInPlane=phase,
            PercentSampling=f"{100 * sampling.acquired[1]:.0f}",
            PercentPhaseFieldOfView="100",
        ),
        "MREchoSequence": _item(EffectiveEchoTime=timing.echo_ms),
        "MRModifierSequence": _modifier(timing.inversion_ms),
        "MRImagingModifierSequence": _item(
            MagnetizationTransfer="NONE",
            BloodSignalNulling="NO",
            Tagging="NONE",
            TransmitterFrequency=larmor_mhz(timing.field_t),
            PixelBandwidth=f"{sampling.bandwidth_hz(timing.field_t):.0f}",
        ),
        "MRAveragesSequence": _item(NumberOfAverages="1"),
    }


def _timing(acquisition: Acquisition) -> Dataset:
    timing = acquisition.timing
    is_gradient = timing.flip_deg is not None
    absorbed = _item(SpecificAbsorptionRateDefinition="IEC_LOCAL", SpecificAbsorptionRateValue=1.2)
    mode = _item(OperatingModeType="GRADIENT", OperatingMode="IEC_NORMAL")
    return _item(
        RepetitionTime=f"{timing.repetition_ms:g}",
        FlipAngle="150" if timing.flip_deg is None else f"{timing.flip_deg:g}",
        EchoTrainLength=str(acquisition.echo_train),
        RFEchoTrainLength=0 if is_gradient else acquisition.echo_train,
        GradientEchoTrainLength=1 if is_gradient else 0,
        GradientOutputType="DB_DT",
        GradientOutput=40.0,
        SpecificAbsorptionRateSequence=Sequence([absorbed]),
        OperatingModeSequence=Sequence([mode]),
    )


def _modifier(inversion_ms: float | None) -> Dataset:
    modifier = _item(
        InversionRecovery="NO" if inversion_ms is None else "YES",
        FlowCompensation="NONE",
        Spoiling="NONE",
        T2Preparation="NO",
        SpectrallySelectedExcitation="NONE",
        SpatialPresaturation="NONE",
        PartialFourier="NO",
        ParallelAcquisition="NO",
    )
    if inversion_ms is not None:
        modifier.InversionTimes = [inversion_ms]
    return modifier


def _coils() -> dict[str, Dataset]:
    return {
        "MRReceiveCoilSequence": _item(
            ReceiveCoilName="SENSE-Knee-8",
            ReceiveCoilManufacturerName="",
            ReceiveCoilType="MULTICOIL",
            QuadratureReceiveCoil="NO",
            MultiCoilDefinitionSequence=Sequence(
                [_item(MultiCoilElementName="1", MultiCoilElementUsed="YES")]
            ),
        ),
        "MRTransmitCoilSequence": _item(
            TransmitCoilName="BODY", TransmitCoilManufacturerName="", TransmitCoilType="BODY"
        ),
    }


def _values(frames: Frames) -> dict[str, Dataset]:
    return {
        "PixelValueTransformationSequence": _item(
            RescaleSlope=f"{frames.code.slope or 1.0:.6g}",
            RescaleIntercept=f"{frames.code.intercept:.6g}",
            RescaleType="US",
        ),
    }


def _of_frame(frames: Frames, k: int, number: int) -> Dataset:
    """Functional groups of one frame."""
    origin = frames.geometry.to_lps(np.array([0, 0, k]))
    content = _item(
        FrameAcquisitionNumber=1,
        FrameReferenceDateTime=frames.begun.strftime("%Y%m%d%H%M%S"),
        FrameAcquisitionDateTime=frames.begun.strftime("%Y%m%d%H%M%S"),
        FrameAcquisitionDuration=180.0,
        DimensionIndexValues=[1, number],
        StackID="1",
        InStackPositionNumber=number,
    )
    place = _item(ImagePositionPatient=[f"{x:.10g}"[:16] for x in origin])
    return _item(FrameContentSequence=Sequence([content]), PlanePositionSequence=Sequence([place]))
