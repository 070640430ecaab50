"""Keywords of the elements that this room reads of a file; all others are stepped over."""

from __future__ import annotations

TAGS: tuple[str, ...] = tuple(
    (
        "SpecificCharacterSet SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID "
        "FrameOfReferenceUID PatientID IssuerOfPatientID PatientName PatientBirthDate "
        "PatientSex PatientAge "
        "StudyDate SeriesDate AcquisitionDate ContentDate ImageType SyntheticData "
        "SeriesDescription ProtocolName StudyDescription BodyPartExamined Laterality "
        "ImageLaterality RepetitionTime EchoTime EchoNumbers InversionTime FlipAngle "
        "ScanOptions ScanningSequence SequenceName PulseSequenceName "
        "ContrastBolusAgent ContrastBolusVolume ContrastBolusTotalDose ContrastBolusIngredient "
        "ContrastBolusStartTime TemporalPositionIdentifier StackID AcquisitionNumber "
        "AcquisitionTime TriggerTime MRAcquisitionType BurnedInAnnotation DiffusionBValue "
        "PixelAspectRatio SliceLocation "
        "ImageOrientationPatient ImagePositionPatient PixelSpacing SliceThickness "
        "SpacingBetweenSlices Rows Columns SamplesPerPixel RescaleSlope RescaleIntercept "
        "PhotometricInterpretation NumberOfFrames InstanceNumber "
        # How pixels are stored, and whether compression changed them.
        "BitsAllocated BitsStored HighBit PixelRepresentation "
        "LossyImageCompression LossyImageCompressionRatio "
        # Functional groups and the modules of enhanced images.
        "EffectiveEchoTime InversionRecovery InversionTimes SpectrallySelectedSuppression "
        "EchoPulseSequence EchoPlanarPulseSequence FrameType ComplexImageComponent "
        "AcquisitionContrast VolumeBasedCalculationTechnique FrameLaterality CodeMeaning "
        "TemporalPositionIndex DimensionIndexValues DimensionIndexPointer "
        "ContrastBolusAgentAdministered FrameAcquisitionNumber "
        # The index of a medium.
        "DirectoryRecordType ReferencedFileID ReferencedSOPInstanceUIDInFile"
    ).split()
)

GROUPS: tuple[str, ...] = tuple(
    (
        "PixelMeasuresSequence PlanePositionSequence PlaneOrientationSequence "
        "FrameContentSequence MRTimingAndRelatedParametersSequence MREchoSequence "
        "MRModifierSequence MRImageFrameTypeSequence PixelValueTransformationSequence "
        "FrameAnatomySequence MRDiffusionSequence ContrastBolusUsageSequence "
        "UnassignedSharedConvertedAttributesSequence "
        "UnassignedPerFrameConvertedAttributesSequence"
    ).split()
)
"""Functional groups whose values a frame is given."""

SEQUENCES: tuple[str, ...] = (
    *GROUPS,
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "AnatomicRegionSequence",
    "ContrastBolusAgentSequence",
    "DimensionIndexSequence",
    "DirectoryRecordSequence",
)
