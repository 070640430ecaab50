"""Rows of the document made from what the images gave."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from marrowtrail.anatomy.bones import Bone, BoneMap
from marrowtrail.errors import Caution
from marrowtrail.follow_up.lineage import lineages
from marrowtrail.follow_up.shifts import name
from marrowtrail.follow_up.track import BoneRegistration, FollowUp, Step
from marrowtrail.imaging.series import Series, Visit
from marrowtrail.lesions.lesion import BoneReading, Lesion, Sign
from marrowtrail.record.findings import Finding
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary
from marrowtrail.result.follow_up_rows import MatchRow, RegistrationRow, ShiftRow, StepRow, TrackRow
from marrowtrail.result.inputs import Measured
from marrowtrail.result.model import (
    BoneNetworkRow,
    BoneRow,
    FindingRow,
    LesionRow,
    RegionShareRow,
    SeriesRow,
    SetAsideRow,
    SignRow,
    VisitRow,
    WarningRow,
)
from marrowtrail.result.places import distances_to_joint_mm, subregion_rows
from marrowtrail.result.undated import undated


def visit_rows(measured: Measured, *, keep_dates: bool) -> tuple[VisitRow, ...]:
    """One row a visit, with its series and bones."""
    visits = measured.study.visits
    maps = {bone_map.series_id: bone_map for bone_map in measured.bone_maps}
    return tuple(
        VisitRow(
            id=visit.id,
            date=visit.date if keep_dates else None,
            day=(visit.date - visits[0].date).days,
            series=tuple(_series_row(one) for one in visit.series),
            bones=tuple(
                _bone_row(reading, visit, maps)
                for reading in measured.readings
                if reading.visit_id == visit.id
            ),
        )
        for visit in visits
    )


def _series_row(series: Series) -> SeriesRow:
    geometry = series.volume.geometry
    return SeriesRow(
        id=series.id,
        label=series.contrast.label,
        plane=series.plane.value,
        body_part=series.body_part,
        side=series.side,
        is_fluid_sensitive=series.contrast.is_fluid_sensitive,
        weighting_reason=series.contrast.reason,
        spacing_mm=geometry.spacing_mm,
        shape=geometry.shape,
    )


def _bone_row(reading: BoneReading, visit: Visit, maps: dict[str, BoneMap]) -> BoneRow:
    seen = [maps[one.id].get(reading.bone) for one in visit.series]
    chosen = maps[reading.series_id].get(reading.bone) if reading.series_id else None
    bone = chosen or next(one for one in seen if one is not None)
    return BoneRow(
        bone=reading.bone.bone,
        side=reading.bone.side,
        end=reading.bone.end,
        series=reading.series_id,
        is_read=reading.is_read,
        reason=reading.reason,
        verdict=bone.verdict.value,
        source=bone.source,
        cut_by_field_of_view=bone.touches_edge,
    )


def bone_network_row(bone_maps: Iterable[BoneMap]) -> BoneNetworkRow | None:
    """The networks that were asked for bones; one package has one pair of them."""
    asked = next((one.network for one in bone_maps if one.network is not None), None)
    if asked is None:
        return None
    return BoneNetworkRow(
        version=asked.version, coarse_sha256=asked.coarse.sha256, fine_sha256=asked.fine.sha256
    )


def lesion_rows(measured: Measured) -> tuple[LesionRow, ...]:
    """One row a lesion; lesions of one line of descent share its tracking UID."""
    lesions = measured.lesions
    source = {one.id: one.source_uid for visit in measured.study.visits for one in visit.series}
    order = [visit.id for visit in measured.study.visits]
    lines = lineages(lesions, measured.followed.matches, order)
    uids = {one.id: tracking_uid(one, source[one.series_id]) for one in lesions.values()}
    maps = {bone_map.series_id: bone_map for bone_map in measured.bone_maps}
    distances = distances_to_joint_mm(tuple(lesions.values()), measured.bone_maps)
    return tuple(
        _lesion_row(
            lesion,
            uids[lines[lesion.id].first],
            tuple(uids[one] for one in lines[lesion.id].predecessors),
            maps[lesion.series_id].get(lesion.bone),
            distances.get(lesion.id),
        )
        for lesion in lesions.values()
    )


def tracking_uid(first: Lesion, source_uid: str) -> str:
    """DICOM UID of a lesion for life, from where and on which series it was seen first.

    Later visits change nothing in it, and it tells nothing of the source.
    """
    place = ",".join(f"{value:.0f}" for value in first.centroid_lps)
    text = f"{source_uid}|{first.bone.bone}|{first.bone.side.value}|{place}"
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}"


def _lesion_row(
    lesion: Lesion,
    uid: str,
    predecessors: tuple[str, ...],
    bone: Bone | None,
    joint_distance_mm: float | None,
) -> LesionRow:
    labels = {one.key: one.label for one in vocabulary().bone(lesion.bone.bone).regions}
    x, y, z = (round(float(value), 2) for value in lesion.centroid_lps)
    return LesionRow(
        id=lesion.id,
        tracking_uid=uid,
        visit=lesion.visit_id,
        series=lesion.series_id,
        bone=lesion.bone.bone,
        side=lesion.bone.side,
        region=lesion.main_region,
        label=name(lesion),
        region_shares=tuple(
            RegionShareRow(
                region=share.region,
                label=labels[share.region],
                share_of_lesion=round(share.share_of_lesion, 4),
                share_of_region=round(share.share_of_region, 4),
            )
            for share in lesion.regions
        ),
        subregion_shares=subregion_rows(lesion, bone),
        joint_distance_mm=joint_distance_mm,
        volume_mm3=round(lesion.volume.mm3, 1),
        volume_low_mm3=round(lesion.volume.low_mm3, 1),
        volume_high_mm3=round(lesion.volume.high_mm3, 1),
        share_of_bone=round(lesion.share_of_bone, 4),
        contrast=round(lesion.contrast, 3),
        centroid_lps=(x, y, z),
        predecessors=predecessors,
    )


def sign_rows(signs: tuple[Sign, ...]) -> tuple[SignRow, ...]:
    """One row a sign."""
    return tuple(
        SignRow(
            kind=sign.kind,
            visit=sign.visit_id,
            bone=sign.bone.bone,
            side=sign.bone.side,
            lesion=sign.lesion_id,
            state=sign.state,
            reason=sign.reason,
            length_mm=sign.length_mm,
            thickness_mm=sign.thickness_mm,
            confidence=sign.confidence,
        )
        for sign in signs
    )


def track_rows(followed: FollowUp) -> tuple[TrackRow, ...]:
    """One row a track."""
    return tuple(
        TrackRow(
            id=track.id,
            bone=track.bone.bone,
            side=track.bone.side,
            lesions=track.lesions,
            clear_at=track.clear_at,
            change=track.change,
            verified=track.verified,
            explanation=track.explanation,
            steps=tuple(_step_row(step) for step in track.steps),
            since_first=None if track.since_first is None else _step_row(track.since_first),
        )
        for track in followed.tracks
    )


def _step_row(step: Step) -> StepRow:
    return StepRow(
        from_visit=step.from_visit,
        to_visit=step.to_visit,
        earlier=step.earlier,
        later=step.later,
        change=step.change,
        verified=step.verified,
        explanation=step.explanation,
        cleared_mm3=step.cleared_mm3,
        appeared_mm3=step.appeared_mm3,
    )


def match_rows(followed: FollowUp) -> tuple[MatchRow, ...]:
    """One row for each edge of the lesion graph, then one for each alternative."""
    known = ((followed.matches, True), (followed.alternatives, False))
    return tuple(
        MatchRow(
            from_=one.earlier,
            to=one.later,
            overlap=round(one.overlap, 4),
            confidence=round(one.confidence, 4),
            verified=one.verified,
            chosen=chosen,
        )
        for matches, chosen in known
        for one in matches
    )


def shift_rows(followed: FollowUp) -> tuple[ShiftRow, ...]:
    """One row a shift."""
    return tuple(
        ShiftRow(
            from_=shift.from_lesion,
            to=shift.to_lesion,
            kind=shift.kind,
            days=shift.days,
            verified=shift.verified,
            explanation=shift.explanation,
            before=shift.before,
            resolved_mm3=shift.resolved_mm3,
            appeared_mm3=shift.appeared_mm3,
            overlap_days=shift.overlap_days,
            overlap_at_most_days=shift.overlap_at_most_days,
        )
        for shift in followed.shifts
    )


def registration_row(one: BoneRegistration) -> RegistrationRow:
    """How a bone moved between two visits."""
    return RegistrationRow(
        bone=one.bone.bone,
        side=one.bone.side,
        end=one.bone.end,
        from_visit=one.from_visit,
        to_visit=one.to_visit,
        verification=one.verification.value,
        reason=one.reason,
        surface_gap_mm=one.surface_gap_mm,
        correlation=one.correlation,
        matrix_lps=tuple(
            tuple(round(float(value), 9) for value in row) for row in one.transform.matrix
        ),
        from_series=one.from_series,
        to_series=one.to_series,
        loop_mm=one.loop_mm,
    )


def finding_row(finding: Finding, *, keep_dates: bool) -> FindingRow:
    """A finding with its label and, in words, its site."""
    words = vocabulary()
    site = finding.site
    where = None
    if site is not None:
        bone = words.bone(site.bone)
        place = bone.region(site.region).label if site.region else bone.label
        has_side = site.side in (Side.LEFT, Side.RIGHT)
        where = f"{site.side.value} {place}" if has_side else place
    return FindingRow(
        finding=finding.key,
        label=words.finding(finding.key).label,
        state=finding.state,
        site=where,
        bone=site.bone if site else None,
        side=site.side if site else None,
        region=site.region if site else None,
        visit=finding.visit if keep_dates else None,
        reason=finding.reason,
        explanation=finding.explanation if keep_dates else undated(finding.explanation),
        entered_by=finding.entered_by,
        confirmed_by=finding.confirmed_by,
    )


def warning_rows(cautions: tuple[Caution, ...]) -> tuple[WarningRow, ...]:
    """One row a caution."""
    return tuple(
        WarningRow(
            code=one.code,
            severity=one.severity.value,
            what=one.what,
            where=one.where,
            remedy=one.remedy,
        )
        for one in cautions
    )


def set_aside_rows(measured: Measured) -> tuple[SetAsideRow, ...]:
    """One row for each thing that was not used."""
    return tuple(
        SetAsideRow(what=one.what, reason=one.reason, files=one.files)
        for one in measured.study.set_aside
    )
