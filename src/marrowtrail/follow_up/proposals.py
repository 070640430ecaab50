"""What was measured, put into the words of findings for a reader to confirm.

Only what was looked for becomes a finding: a bone that was not read gives ``not_done`` with
the reason, and a shift is called absent only where the visits could have shown one.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from marrowtrail.follow_up.low_signal_limits import size_of_area
from marrowtrail.follow_up.track import FollowUp, Shift, ShiftKind, Track
from marrowtrail.imaging.series import Visit
from marrowtrail.lesions.lesion import BoneReading, Lesion, Sign, SignKind, SignState
from marrowtrail.record.findings import SOFTWARE, Finding, FindingState, NotDoneReason
from marrowtrail.record.sites import Site
from marrowtrail.record.vocabulary import vocabulary

LARGE_SHARE = 0.5
SMALL_SHARE = 0.25
"""Oedema is large if it fills half of a region, by the evidence's own definition ("at least
about half of the epiphysis"), and is not if it fills less than a quarter; between the two a
reader must decide."""

TRACE_SHARE = 0.15
"""What is left counts as a trace, and the lesion as resolved, below this share of its first
volume: the evidence speaks of "no or trace" oedema."""

QUARTER_DAYS = 92
YEAR_DAYS = 366
"""Days that count as three and as twelve months."""

FAR = (ShiftKind.BETWEEN_JOINTS, ShiftKind.CONTRALATERAL)
"""The same joint of the other side is another joint."""

SIGN_FINDINGS = {
    SignKind.DEMARCATION: "demarcation_band_serpiginous",
    SignKind.SUBCHONDRAL_LINE: "subchondral_line_thin",
    SignKind.LOW_SIGNAL_AREA: "subchondral_lowT2_thick_ge4mm_or_long",
}

_STATES = {
    SignState.PRESENT: FindingState.PRESENT,
    SignState.ABSENT: FindingState.ABSENT,
    SignState.EQUIVOCAL: FindingState.EQUIVOCAL,
    SignState.NOT_ASSESSABLE: FindingState.NOT_DONE,
}


def propose_findings(
    visits: Sequence[Visit],
    readings: Sequence[BoneReading],
    signs: Sequence[Sign],
    followed: FollowUp,
) -> tuple[Finding, ...]:
    """Findings that the images of ``visits`` support, as known at the last of them.

    Readings, signs and shifts of later visits are left out, so the same call with fewer
    visits says what was known earlier.
    """
    known = {visit.id: visit for visit in visits}
    seen = [reading for reading in readings if reading.visit_id in known]
    findings = [_oedema(reading, known[reading.visit_id]) for reading in seen]
    findings += _extent(seen, known, {track.lesions[0] for track in followed.tracks})
    findings += [_sign(sign, known[sign.visit_id]) for sign in signs if sign.visit_id in known]
    lesions = {lesion.id: lesion for reading in seen for lesion in reading.lesions}
    shifts = [shift for shift in followed.shifts if shift.to_lesion in lesions]
    if lesions and len(visits) > 1:
        findings += _shifts(visits, seen, shifts, lesions)
        findings += _resolution(visits, followed, lesions)
    return tuple(findings)


def _oedema(reading: BoneReading, visit: Visit) -> Finding:
    bone = reading.bone
    if not reading.is_read:
        return _software(
            "bme_present",
            FindingState.NOT_DONE,
            Site(bone.bone, bone.side),
            visit,
            reading.reason,
        )
    if not reading.lesions and reading.possible:
        site = _site(reading.possible[0])
        return _software("bme_present", FindingState.EQUIVOCAL, site, visit, reading.reason)
    if not reading.lesions:
        site = Site(bone.bone, bone.side)
        return _software("bme_present", FindingState.ABSENT, site, visit, reading.reason)
    largest = reading.lesions[0]
    volume = largest.volume
    text = (
        f"{volume.mm3 / 1000:.1f} ml ({volume.low_mm3 / 1000:.1f} to "
        f"{volume.high_mm3 / 1000:.1f}), {reading.reason}"
    )
    if len(reading.lesions) > 1:
        text += f"; {len(reading.lesions)} areas, the largest is given"
    return _software("bme_present", FindingState.PRESENT, _site(largest), visit, text)


def _extent(
    readings: Sequence[BoneReading], known: dict[str, Visit], first_seen: set[str]
) -> list[Finding]:
    """How large a lesion is when it is first seen; what is left of it later is another matter."""
    findings = []
    for reading in readings:
        if not reading.lesions or reading.lesions[0].id not in first_seen:
            continue
        largest = reading.lesions[0]
        filled = max((share.share_of_region for share in largest.regions), default=0.0)
        state = _size_state(filled)
        text = f"the largest area fills {filled:.0%} of a region"
        if reading.is_part and state is not FindingState.PRESENT:
            state, text = FindingState.NOT_DONE, f"{text}, of which slices are missing"
        visit = known[reading.visit_id]
        findings.append(_software("bme_large_diffuse", state, _site(largest), visit, text))
    return findings


def _size_state(filled: float) -> FindingState:
    if filled >= LARGE_SHARE:
        return FindingState.PRESENT
    return FindingState.ABSENT if filled < SMALL_SHARE else FindingState.EQUIVOCAL


def _sign(sign: Sign, visit: Visit) -> Finding:
    site = Site(sign.bone.bone, sign.bone.side)
    state, text = _STATES[sign.state], sign.reason
    if sign.kind is SignKind.LOW_SIGNAL_AREA and sign.state is SignState.PRESENT:
        state, beside = size_of_area(sign)
        text = f"{text}: {beside}"
    return _software(SIGN_FINDINGS[sign.kind], state, site, visit, text)


def _shifts(
    visits: Sequence[Visit],
    readings: Sequence[BoneReading],
    shifts: Sequence[Shift],
    lesions: dict[str, Lesion],
) -> list[Finding]:
    near = [shift for shift in shifts if shift.kind not in FAR]
    far = [shift for shift in shifts if shift.kind in FAR]
    by_id = {visit.id: visit for visit in visits}
    last = visits[-1]
    findings = [_seen("shift_same_bone_or_joint", shift, lesions, by_id) for shift in near]
    findings += [_seen("shift_other_joint", shift, lesions, by_id) for shift in far]
    findings += [_direction(shift, lesions, by_id) for shift in far]
    first = min(lesions.values(), key=lambda one: (by_id[one.visit_id].date, one.id))
    joint_read = [r for r in readings if r.visit_id == last.id and r.is_read]
    if not near and not far and any(r.bone == first.bone for r in joint_read):
        doubtful = any(reading.possible for reading in joint_read)
        state = FindingState.EQUIVOCAL if doubtful else FindingState.ABSENT
        text = "the visits show the same joint, and no oedema that went elsewhere in it"
        if doubtful:
            text += f" for certain; what may be oedema at {last.id} is left to a reader"
        findings.append(_software("shift_same_bone_or_joint", state, _site(first), last, text))
    return findings


def _seen(key: str, shift: Shift, lesions: dict[str, Lesion], visits: dict[str, Visit]) -> Finding:
    arrived = lesions[shift.to_lesion]
    state = FindingState.PRESENT if shift.verified else FindingState.EQUIVOCAL
    visit = visits[arrived.visit_id]
    return _software(key, state, _site(arrived), visit, shift.explanation)


def _direction(shift: Shift, lesions: dict[str, Lesion], visits: dict[str, Visit]) -> Finding:
    words = vocabulary()
    ends = [lesions[shift.from_lesion], lesions[shift.to_lesion]]
    joints = [words.joint_of(end.bone.bone, end.main_region) for end in ends]
    levels = [words.joint(joint).level if joint else 0 for joint in joints]
    state = FindingState.PRESENT if levels[1] > levels[0] else FindingState.ABSENT
    if not shift.verified:
        state = FindingState.EQUIVOCAL
    visit = visits[ends[1].visit_id]
    site = _site(ends[1])
    return _software("proximal_to_distal_spread", state, site, visit, shift.explanation)


def _resolution(
    visits: Sequence[Visit], followed: FollowUp, lesions: dict[str, Lesion]
) -> list[Finding]:
    """Whether the first area of oedema was gone within three and within twelve months."""
    by_id = {visit.id: visit for visit in visits}
    first_visit = min((by_id[one.visit_id] for one in lesions.values()), key=lambda v: v.date)
    firsts = [one for one in lesions.values() if one.visit_id == first_visit.id]
    first = max(firsts, key=lambda one: (one.volume.mm3, one.id))
    track = next(one for one in followed.tracks if first.id in one.lesions)
    left = {first_visit.id: first.volume.mm3}
    for one in (lesions[one] for one in track.lesions if one in lesions):
        if one.visit_id != first_visit.id:
            left[one.visit_id] = left.get(one.visit_id, 0.0) + one.volume.mm3
    trace = TRACE_SHARE * first.volume.mm3
    last_seen = max((by_id[v] for v, mm3 in left.items() if mm3 > trace), key=lambda v: v.date)
    seen_or_clear = {*left, *track.clear_at}
    cut = _cut(track, visits)
    gone = [v for v in visits if v.date > last_seen.date and v.id in seen_or_clear - cut]
    doubt = "" if _is_sure(track, by_id) else ". The alignment behind this is not verified"
    findings = []
    for key, limit in (("resolves_by_3m", QUARTER_DAYS), ("resolves_by_12m", YEAR_DAYS)):
        if gone and (gone[0].date - first_visit.date).days <= limit:
            state, at = FindingState.PRESENT, gone[0]
            shown = max((by_id[v] for v in left if by_id[v].date < at.date), key=lambda v: v.date)
            text = _gone_text(left, first_visit.id, (last_seen.id, shown.id), at.id)
        elif (last_seen.date - first_visit.date).days > limit:
            state, at, text = FindingState.ABSENT, last_seen, f"still there at {last_seen.id}"
        else:
            continue
        state = FindingState.EQUIVOCAL if doubt else state
        findings.append(_software(key, state, _site(first), at, text + doubt))
    return findings


def _gone_text(left: Mapping[str, float], first: str, ends: tuple[str, str], gone: str) -> str:
    """``left`` is the volume by visit; ``ends`` the last with more than a trace, and with any."""
    last, shown = ends
    if gone not in left:
        return f"seen last at {shown}, clear at {gone}"
    share = left[gone] / left[first]
    return f"more than a trace last at {last}; {share:.0%} of its first volume left at {gone}"


def _cut(track: Track, visits: Sequence[Visit]) -> set[str]:
    """Visits that may show a trace only since the rest was not imaged, at them or before."""
    order = [visit.id for visit in visits]
    cut = [order.index(s.to_visit) for s in track.steps if s.is_cut and s.to_visit in order]
    return {*order[min(cut) :]} - {*track.clear_at} if cut else set()


def _is_sure(track: Track, known: Container[str]) -> bool:
    """What a track says until the last known visit rests on verified alignments alone."""
    if not track.steps:
        return track.verified
    return all(step.verified or step.is_cut for step in track.steps if step.to_visit in known)


def _site(lesion: Lesion) -> Site:
    known = {region.key for region in vocabulary().bone(lesion.bone.bone).regions}
    region = lesion.main_region if lesion.main_region in known else None
    return Site(lesion.bone.bone, lesion.bone.side, region)


def _software(key: str, state: FindingState, site: Site, visit: Visit, explanation: str) -> Finding:
    reason = NotDoneReason.NOT_ASSESSABLE if state is FindingState.NOT_DONE else None
    return Finding(key, state, site, visit.date, reason, explanation, entered_by=SOFTWARE)
