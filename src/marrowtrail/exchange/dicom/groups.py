"""Measurement groups of a structured report (PS3.16, TID 1411 and 1501).

A code says what a machine must know, and a comment beside it says the same to people, with what
no code says: the reason, the interval in millilitres, the region's own name, who confirmed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import highdicom as hd
from highdicom.sr import (
    FindingSite,
    LongitudinalTemporalOffsetFromEvent,
    Measurement,
    MeasurementProperties,
    MeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    ReferencedSegment,
    TextContentItem,
    TimePointContext,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from marrowtrail.exchange.dicom.codes import ABNORMAL, OEDEMA, SIDES, bone_code, region_code
from marrowtrail.exchange.dicom.confirmation import Said
from marrowtrail.exchange.dicom.uids import derived_uid
from marrowtrail.lesions.lesion import SignState
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary
from marrowtrail.result.model import LesionRow, SignRow, VisitRow

Group = VolumetricROIMeasurementsAndQualitativeEvaluations | MeasurementsAndQualitativeEvaluations

IS_THERE = codes.DCM.PresenceOfProperty
PRESENT, ABSENT = codes.SCT.Present, codes.SCT.Absent
EQUIVOCAL, NOT_EVALUATED = codes.SCT.Equivocal, codes.SCT.NotEvaluated

SIGN_STATES = {
    SignState.PRESENT: PRESENT,
    SignState.ABSENT: ABSENT,
    SignState.EQUIVOCAL: EQUIVOCAL,
    SignState.NOT_ASSESSABLE: NOT_EVALUATED,
}
FINDING_STATES = {
    FindingState.PRESENT: PRESENT,
    FindingState.ABSENT: ABSENT,
    FindingState.EQUIVOCAL: EQUIVOCAL,
    FindingState.NOT_DONE: NOT_EVALUATED,
}

_UPPER = codes.SCT.RangeOfUpperMeasurementUncertainty
_LOWER = codes.SCT.RangeOfLowerMeasurementUncertainty


def _time_point(visit: VisitRow, order: int) -> TimePointContext:
    """Which visit it is, and how many days after the first."""
    return TimePointContext(
        time_point=visit.id,
        time_point_order=order,
        temporal_offset_from_event=LongitudinalTemporalOffsetFromEvent(
            value=visit.day, unit=codes.UCUM.Day, event_type=codes.DCM.Baseline
        ),
    )


def tracking_id(first: LesionRow) -> str:
    """What a lesion is called at every visit: by where it was seen first."""
    return f"oedema of the {first.label}"


def lesion_group(
    lesion: LesionRow,
    name: str,
    segment: ReferencedSegment,
    visit: tuple[VisitRow, int],
    said: Said,
) -> Group:
    """A lesion with its volume, interval, regions and segment; a reader has the last word."""
    group = VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=lesion.tracking_uid, identifier=name),
        referenced_segment=segment,
        time_point_context=_time_point(*visit),
        finding_type=OEDEMA,
        finding_category=ABNORMAL,
        finding_sites=_sites(lesion.bone, lesion.side, lesion.region),
        measurements=[_volume(lesion), _contrast(lesion)],
        qualitative_evaluations=[_state(said, PRESENT)],
    )
    shares = "; ".join(
        f"{share.label}: {share.share_of_lesion:.0%} of the lesion, "
        f"{share.share_of_region:.0%} of the region"
        for share in lesion.region_shares
    )
    low, middle, high = (
        f"{value / 1000:.1f}"
        for value in (lesion.volume_low_mm3, lesion.volume_mm3, lesion.volume_high_mm3)
    )
    size = f"Bone marrow oedema, {lesion.label}: {middle} ml (interval {low} to {high} ml)."
    return _commented(group, (size, shares, said.words))


def bone_group(place: tuple[str, Side], state: Code, words: str, uid_of: str) -> Group:
    """A bone without a lesion: clear, in doubt, or not looked at, in ``words`` with the reason."""
    bone, side = place
    name = f"oedema of the {_bone_in_words(bone, side)}"
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=derived_uid("bone", uid_of, bone, side.value), identifier=name
        ),
        finding_type=OEDEMA,
        finding_sites=_sites(bone, side, None),
        qualitative_evaluations=[QualitativeEvaluation(IS_THERE, state)],
    )
    return _commented(group, (words,))


def sign_group(sign: SignRow, uid_of: str, said: Said) -> Group:
    """A sign, its state and the reason; a reader has the last word."""
    label = sign.kind.value.replace("_", " ")
    where = _bone_in_words(sign.bone, sign.side)
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=derived_uid("sign", uid_of, sign.kind.value), identifier=f"{label}, {where}"
        ),
        finding_sites=_sites(sign.bone, sign.side, None),
        measurements=_length(sign),
        qualitative_evaluations=[_state(said, SIGN_STATES[sign.state])],
    )
    state = sign.state.value.replace("_", " ")
    sizes = ((sign.length_mm, "long"), (sign.thickness_mm, "thick"))
    size = "".join(f" {mm:.1f} mm {way}." for mm, way in sizes if mm is not None)
    sentence = f"{_capital(label)}, {where}: {state}.{size} {_capital(sign.reason)}."
    return _commented(group, (sentence, said.words))


def _state(said: Said, measured: Code) -> QualitativeEvaluation:
    """What a reader said, else what was measured."""
    known = measured if said.state is None else FINDING_STATES[said.state]
    return QualitativeEvaluation(IS_THERE, known)


def _length(sign: SignRow) -> list[Measurement] | None:
    """Its length; for its thickness DICOM has no general code, so it stands in words."""
    if sign.length_mm is None:
        return None
    return [Measurement(codes.SCT.Length, sign.length_mm, codes.UCUM.Millimeter)]


def finding_group(finding: Finding, uid_of: str, said: str) -> Group:
    """What a reader found on the images beside oedema and the signs looked for."""
    label = vocabulary().finding(finding.key).label
    site = finding.site
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=derived_uid("finding", uid_of, finding.key, site), identifier=label
        ),
        finding_sites=_sites(site.bone, site.side, site.region) if site else None,
        qualitative_evaluations=[QualitativeEvaluation(IS_THERE, FINDING_STATES[finding.state])],
    )
    return _commented(group, (f"{_capital(label)}.", said))


def _volume(lesion: LesionRow) -> Measurement:
    """In mm3; the interval as its distances above and below, in the same unit (TID 310)."""
    measured = Measurement(
        name=codes.SCT.Volume,
        value=lesion.volume_mm3,
        unit=codes.UCUM.CubicMillimeter,
        properties=MeasurementProperties(
            upper_measurement_uncertainty=round(lesion.volume_high_mm3 - lesion.volume_mm3, 1),
            lower_measurement_uncertainty=round(lesion.volume_mm3 - lesion.volume_low_mm3, 1),
        ),
    )
    # highdicom writes both as pure numbers; they are volumes, as what they belong to.
    for item in measured[0].ContentSequence:
        if item.name in (_UPPER, _LOWER):
            unit = hd.sr.CodedConcept.from_code(codes.UCUM.CubicMillimeter)
            item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence = [unit]
    return measured


def _contrast(lesion: LesionRow) -> Measurement:
    """Median signal over that of normal marrow of the same bone."""
    return Measurement(
        name=codes.DCM.MRSignalIntensity,
        value=lesion.contrast,
        unit=Code("{ratio}", "UCUM", "ratio"),
        derivation=codes.SCT.Median,
    )


def _sites(bone: str, side: Side, region: str | None) -> Sequence[FindingSite]:
    """The bone and, where it has a code, the region of it."""
    laterality = SIDES.get(side)
    sites = [FindingSite(bone_code(bone), laterality)]
    named = None if region is None else region_code(bone, region)
    if named is not None:
        sites.append(FindingSite(named, laterality))
    return sites


def _commented(group: Group, sentences: Iterable[str]) -> Group:
    for sentence in sentences:
        if sentence:
            group[0].ContentSequence.append(comment(sentence))
    return group


def comment(words: str) -> TextContentItem:
    """A sentence for people."""
    return TextContentItem(
        name=codes.DCM.Comment,
        value=words,
        relationship_type=hd.sr.RelationshipTypeValues.CONTAINS,
    )


def _bone_in_words(bone: str, side: Side) -> str:
    label = vocabulary().bone(bone).label
    return f"{side.value} {label}" if side in SIDES else label


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
