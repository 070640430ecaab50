"""A patient and a result made by hand: a knee followed three times, the ankle at the third visit.

Bones are a few ellipsoids and cylinders, in the frame of the first visit (LPS, right side, so
that medial is +x); each visit sees them moved by its own rigid motion. Nothing is measured:
what the report must show is written down here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import Bone, BoneAxes, BoneMap, BoneVerdict
from marrowtrail.diagnosis.differential import (
    Bar,
    Cause,
    Citation,
    LedgerLine,
    LedgerStatus,
    NextStep,
    RedFlag,
)
from marrowtrail.follow_up.track import BoneRegistration, Change, ShiftKind, Verification
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Contrast, Plane, Series, Study, Visit, Weighting
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import (
    BoneReading,
    Lesion,
    RegionShare,
    SignKind,
    SignState,
    VolumeEstimate,
)
from marrowtrail.record.findings import FindingState, NotDoneReason
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.report.figures import draw_figures
from marrowtrail.result.follow_up_rows import RegistrationRow, ShiftRow, TrackRow
from marrowtrail.result.model import (
    BoneRow,
    CourseRow,
    FindingRow,
    LesionRow,
    Provenance,
    RankingRow,
    RegionShareRow,
    ResultDocument,
    SeriesRow,
    SetAsideRow,
    SignRow,
    VisitRow,
    WarningRow,
)

FEMUR = BoneId("femur", Side.RIGHT)
TIBIA = BoneId("tibia", Side.RIGHT)
KNEE_LPS = np.array([-100.0, 0.0, 0.0])
ANKLE_LPS = np.array([-95.0, 0.0, -340.0])
START = date(2021, 3, 4)
DAYS = (0, 84, 201)
LESIONS_LPS = {
    "v1": (FEMUR, "medial_condyle", KNEE_LPS + np.array([22, -2, 20]), 15.0),
    "v2": (TIBIA, "lateral_plateau", KNEE_LPS + np.array([-20, 0, -20]), 13.0),
    "v3": (TIBIA, "distal_epiphysis", ANKLE_LPS + np.array([2, 0, 12]), 11.0),
}
MOTIONS = {
    "v1": RigidTransform.identity(),
    "v2": RigidTransform.about(KNEE_LPS, np.radians([8.0, -4.0, 6.0]), np.array([6.0, -9.0, 4.0])),
    "v3": RigidTransform.about(KNEE_LPS, np.radians([-6.0, 5.0, 3.0]), np.array([-5.0, 7.0, 8.0])),
}


@dataclass(frozen=True, slots=True)
class Patient:
    """All that figures are drawn from."""

    study: Study
    bone_maps: tuple[BoneMap, ...]
    readings: tuple[BoneReading, ...]
    registrations: tuple[BoneRegistration, ...]


def sagittal(centre: NDArray[np.float64], spacing: float = 1.1, size: int = 128) -> Geometry:
    """Rows to the back, columns to the feet, slices to the patient's left, 4 mm apart."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, 4.0], [spacing, 0, 0], [0, -spacing, 0]])
    slices = 24
    half = np.array([(size - 1) / 2, (size - 1) / 2, (slices - 1) / 2])
    affine[:3, 3] = centre - affine[:3, :3] @ half
    return Geometry((size, size, slices), affine, None)


def points_of(geometry: Geometry) -> NDArray[np.float64]:
    """(i, j, k, 3) LPS centres of all voxels."""
    return geometry.to_lps(np.moveaxis(np.indices(geometry.shape), 0, -1))


def ball(
    points: NDArray[np.float64], centre: NDArray[np.float64], radii: object
) -> NDArray[np.bool_]:
    """Inside of an ellipsoid."""
    return np.asarray((((points - centre) / np.asarray(radii)) ** 2).sum(axis=-1) <= 1)


def femur(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Two condyles and a shaft above the knee."""
    p = points - KNEE_LPS
    shaft = (np.hypot(p[..., 0], p[..., 1] + 6) < 14) & (p[..., 2] > 20) & (p[..., 2] < 400)
    condyles = ball(p, np.array([20, 2, 22]), (18, 30, 21)) | ball(
        p, np.array([-20, 2, 22]), (18, 30, 21)
    )
    return np.asarray(shaft | condyles)


def tibia(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Plateau, shaft, and a distal end above the ankle."""
    p, q = points - KNEE_LPS, points - ANKLE_LPS
    plateau = ball(p, np.array([0, 2, -20]), (40, 27, 18)) & (p[..., 2] < -4)
    shaft = (np.hypot(p[..., 0] - 2, p[..., 1]) < 13) & (p[..., 2] < -20) & (q[..., 2] > 10)
    end = ball(q, np.array([0, 0, 16]), (22, 19, 16)) & (q[..., 2] > 4)
    return np.asarray(plateau | shaft | end)


SHAPES = {FEMUR: femur, TIBIA: tibia}


def blob(visit: str, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The lesion of a visit, in the frame of the first."""
    bone, _, centre, radius = LESIONS_LPS[visit]
    return ball(points, centre, (radius, radius, radius)) & SHAPES[bone](points)


def _image(points: NDArray[np.float64], visit: str, fluid: bool, seed: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(0, 7, points.shape[:-1])
    bones = femur(points) | tibia(points)
    leg = np.hypot(points[..., 0] + 100, (points[..., 1] - 8) * 0.9) < 58
    marrow, soft, lesion = (70.0, 120.0, 230.0) if fluid else (220.0, 90.0, 110.0)
    grey = np.where(leg, soft, 4.0)
    grey = np.where(bones, marrow, grey)
    grey = np.where(blob(visit, points), lesion, grey)
    return np.asarray(np.abs(grey + noise), dtype=np.float32)


def _series(visit: str, number: int, part: str, fluid: bool, geometry: Geometry) -> Series:
    points = MOTIONS[visit].inverse().apply(points_of(geometry))
    weighting = Weighting.PD if fluid else Weighting.T1
    return Series(
        id=f"{visit}-s{number}",
        visit_id=visit,
        source_uid=f"secret-{visit}-{number}",
        volume=Volume(_image(points, visit, fluid, number), geometry),
        contrast=Contrast(weighting, fluid, "from TR, TE and fat saturation"),
        plane=Plane.SAGITTAL,
        body_part=part,
        side=Side.RIGHT,
    )


def _bone_map(series: Series) -> BoneMap:
    geometry = series.volume.geometry
    points = MOTIONS[series.visit_id].inverse().apply(points_of(geometry))
    return BoneMap(
        series.id,
        series.visit_id,
        geometry,
        tuple(
            _bone(name, mask, geometry)
            for name, shape in SHAPES.items()
            if (mask := shape(points)).any()
        ),
    )


def _bone(name: BoneId, mask: NDArray[np.bool_], geometry: Geometry) -> Bone:
    axes = BoneAxes(KNEE_LPS, *np.array([[-1.0, 0, 0], [0, -1.0, 0], [0, 0, 1.0]]))
    return Bone(
        id=name,
        mask=Volume(mask, geometry),
        regions=Volume(mask.astype(np.uint8), geometry),
        region_names=("shaft",),
        axes=axes,
        source="mask handed in",
        verdict=BoneVerdict.ACCEPTED,
        reason="",
        touches_edge=True,
    )


def _lesion(series: Series) -> Lesion:
    visit = series.visit_id
    bone, region, _, _ = LESIONS_LPS[visit]
    geometry = series.volume.geometry
    mask = blob(visit, MOTIONS[visit].inverse().apply(points_of(geometry)))
    mm3 = float(mask.sum()) * geometry.voxel_mm3
    return Lesion(
        id=f"{visit}-{bone.bone}-right-1",
        visit_id=visit,
        series_id=series.id,
        bone=bone,
        mask=Volume(mask, geometry),
        volume=VolumeEstimate(mm3, 0.85 * mm3, 1.2 * mm3),
        regions=(RegionShare(region, 1.0, 0.4),),
        centroid_lps=geometry.to_lps(np.argwhere(mask).mean(axis=0)),
        contrast=2.6,
        share_of_bone=0.12,
    )


@cache
def migrating_patient() -> Patient:
    """Three visits; the third has knee and ankle."""
    series: dict[str, list[Series]] = {}
    for visit, motion in MOTIONS.items():
        knee = sagittal(motion.apply(KNEE_LPS))
        series[visit] = [
            _series(visit, 1, "knee", True, knee),
            _series(visit, 2, "knee", False, knee),
        ]
    ankle = sagittal(MOTIONS["v3"].apply(ANKLE_LPS))
    series["v3"] += [
        _series("v3", 3, "ankle", True, ankle),
        _series("v3", 4, "ankle", False, ankle),
    ]
    visits = tuple(
        Visit(visit, START + timedelta(days), tuple(series[visit]), ())
        for visit, days in zip(MOTIONS, DAYS, strict=True)
    )
    maps = tuple(
        _bone_map(s) for visit in series.values() for s in visit if s.contrast.is_fluid_sensitive
    )
    home = {"v1": "v1-s1", "v2": "v2-s1", "v3": "v3-s3"}
    lesions = {v: _lesion(next(s for s in series[v] if s.id == home[v])) for v in series}
    readings = tuple(
        BoneReading(
            m.visit_id,
            bone.id,
            m.series_id,
            True,
            "",
            tuple(
                found
                for found in lesions.values()
                if found.series_id == m.series_id and found.bone == bone.id
            ),
        )
        for m in maps
        for bone in m.bones
    )
    return Patient(Study(visits, (), (), 46, "M", True), maps, readings, registrations())


def registrations() -> tuple[BoneRegistration, ...]:
    """Consecutive visits, each bone with its true motion."""
    return tuple(
        BoneRegistration(
            bone,
            first,
            second,
            f"{first}-s1",
            f"{second}-s1",
            MOTIONS[second] @ MOTIONS[first].inverse(),
            Verification.VERIFIED,
            "surfaces agree",
            0.4,
            0.93,
        )
        for first, second in (("v1", "v2"), ("v2", "v3"))
        for bone in (FEMUR, TIBIA)
    )


def _visit_rows(patient: Patient) -> tuple[VisitRow, ...]:
    return tuple(
        VisitRow(
            id=visit.id,
            date=visit.date,
            day=(visit.date - START).days,
            series=tuple(
                SeriesRow(
                    id=s.id,
                    label=s.contrast.label,
                    plane=s.plane.value,
                    body_part=s.body_part,
                    side=s.side,
                    is_fluid_sensitive=s.contrast.is_fluid_sensitive,
                    weighting_reason=s.contrast.reason,
                    spacing_mm=s.volume.geometry.spacing_mm,
                    shape=s.volume.geometry.shape,
                )
                for s in visit.series
            ),
            bones=tuple(
                BoneRow(
                    bone=r.bone.bone,
                    side=r.bone.side,
                    end=r.bone.end,
                    series=r.series_id,
                    is_read=r.is_read,
                    reason=r.reason,
                    verdict="accepted",
                    source="mask handed in",
                    cut_by_field_of_view=True,
                )
                for r in patient.readings
                if r.visit_id == visit.id
            ),
        )
        for visit in patient.study.visits
    )


def _lesion_rows(patient: Patient) -> tuple[LesionRow, ...]:
    labels = {
        "medial_condyle": "medial femoral condyle",
        "lateral_plateau": "lateral tibial plateau",
        "distal_epiphysis": "distal tibial epiphysis",
    }
    return tuple(
        LesionRow(
            id=found.id,
            tracking_uid="2.25.1",
            visit=found.visit_id,
            series=found.series_id,
            bone=found.bone.bone,
            side=found.bone.side,
            region=found.main_region,
            label=labels[found.main_region],
            region_shares=(
                RegionShareRow(
                    region=found.main_region,
                    label=labels[found.main_region],
                    share_of_lesion=1.0,
                    share_of_region=0.42,
                ),
            ),
            volume_mm3=found.volume.mm3,
            volume_low_mm3=found.volume.low_mm3,
            volume_high_mm3=found.volume.high_mm3,
            share_of_bone=found.share_of_bone,
            contrast=found.contrast,
            centroid_lps=(0.0, 0.0, 0.0),
        )
        for reading in patient.readings
        for found in reading.lesions
    )


LABELS = {
    "rmo": "regional migratory osteoporosis",
    "avn": "avascular necrosis",
    "bmes": "transient bone marrow oedema of one site",
    "sif": "subchondral insufficiency fracture",
    "spa": "enthesitis of spondyloarthritis",
    "arthritis": "early inflammatory arthritis",
    "osteomyelitis": "osteomyelitis",
    "tumour": "tumour",
    "none": "none of these",
}
COURSE = (
    (0.08, 0.22, 0.24, 0.17, 0.14, 0.07, 0.04, 0.02, 0.02),
    (0.55, 0.05, 0.06, 0.10, 0.11, 0.07, 0.03, 0.01, 0.02),
    (0.86, 0.02, 0.01, 0.03, 0.04, 0.02, 0.01, 0.002, 0.008),
)


def causes(step: tuple[float, ...]) -> tuple[Cause, ...]:
    """Ranked, with intervals."""
    found = [
        Cause(key, LABELS[key], p, 0.6 * p, min(1.0, 1.1 * p + 0.03))
        for key, p in zip(LABELS, step, strict=True)
    ]
    return tuple(sorted(found, key=lambda cause: -cause.probability))


READ = Citation("trevisan2002", "14 of 16 patients shifted between joints", "Trevisan 2002", True)
MEMORY = Citation("korompilias2009", "pain on loading in most", "Korompilias 2009", False)


def bar(diagnosis: str, label: str, value: float, *, read: bool = True, note: str = "") -> Bar:
    """Evidence of one finding."""
    return Bar(
        diagnosis=diagnosis,
        findings=("x",),
        label=label,
        state=FindingState.PRESENT if value > 0 else FindingState.ABSENT,
        log10_ratio=value,
        low=value - 0.3,
        high=value + 0.4,
        against_runner_up=value,
        citations=(READ if read else MEMORY,),
        note=note,
    )


BARS = (
    bar("rmo", "oedema shifts to another joint", 1.6),
    bar("rmo", "oedema shifts within the joint", 0.8),
    bar("rmo", "no subchondral fracture line", 0.2, read=False),
    bar("rmo", "pain on loading", 0.02),
    bar("rmo", "no response to ibandronate", -0.3, read=False),
    bar("avn", "no demarcation line", -1.1),
    bar("avn", "large oedema", 0.3),
    bar("spa", "ankylosing spondylitis", 0.6),
    bar("spa", "oedema away from entheses", -0.9, note="definitional"),
)


def _finding(
    key: str, label: str, state: FindingState, *, software: bool = True, visit: int | None = None
) -> FindingRow:
    return FindingRow(
        finding=key,
        label=label,
        state=state,
        site=None,
        bone="femur" if visit == 0 else None,
        side=Side.RIGHT if visit == 0 else None,
        region="medial_condyle" if visit == 0 else None,
        visit=START + timedelta(DAYS[visit]) if visit is not None else None,
        reason=NotDoneReason.NOT_PERFORMED if state is FindingState.NOT_DONE else None,
        explanation="Measured on the fat-suppressed series." if software else "From the record.",
        entered_by="software" if software else "case.yaml",
        confirmed_by=None,
    )


@cache
def migrating() -> tuple[ResultDocument, dict[str, bytes]]:
    """The whole document of the migrating patient and its figures."""
    patient = migrating_patient()
    rows, files = draw_figures(
        patient.study, patient.bone_maps, patient.readings, patient.registrations
    )
    lesions = _lesion_rows(patient)
    proposed = RankingRow(
        basis="proposed",
        setting="rheumatology",
        conclusion="Regional migratory osteoporosis leads with 86 %.",
        causes=causes(COURSE[-1]),
    )
    confirmed = RankingRow(
        basis="confirmed",
        setting="rheumatology",
        conclusion="Without the measured findings no cause leads.",
        causes=causes(COURSE[0]),
    )
    document = ResultDocument(
        schema_version="1.0",
        notice="Research use only. Not a medical device.",
        headline=(
            "Marrow oedema moved from the right medial femoral condyle to the lateral tibial "
            "plateau and then to the distal tibial epiphysis in 201 days, without a subchondral "
            "fracture or a demarcation line; regional migratory osteoporosis is the most "
            "probable cause (86 %)."
        ),
        is_synthetic=True,
        patient="patient 1",
        visits=_visit_rows(patient),
        lesions=lesions,
        signs=tuple(
            SignRow(
                kind=kind,
                visit=row.visit,
                bone=row.bone,
                side=row.side,
                lesion=row.id,
                state=state,
                reason=reason,
                length_mm=None,
                thickness_mm=None,
                confidence=0.8,
            )
            for row in lesions
            for kind, state, reason in (
                (SignKind.SUBCHONDRAL_LINE, SignState.ABSENT, "no dark line under the surface"),
                (
                    SignKind.DEMARCATION,
                    SignState.NOT_ASSESSABLE,
                    "slices 4 mm thick could hide a thin line",
                ),
            )
        ),
        tracks=tuple(
            TrackRow(
                id=f"t{n}",
                bone=row.bone,
                side=row.side,
                lesions=(row.id,),
                clear_at=clear_at,
                change=change,
                verified=True,
                explanation=explanation,
            )
            for n, (row, clear_at, change, explanation) in enumerate(
                zip(
                    lesions,
                    (("v2", "v3"), ("v1", "v3"), ()),
                    (Change.RESOLVED, Change.RESOLVED, Change.SINGLE),
                    (
                        "Gone at visit 2, where the same tissue was read.",
                        "New at visit 2, gone at visit 3.",
                        "The ankle was imaged once.",
                    ),
                    strict=True,
                ),
                1,
            )
        ),
        shifts=(
            ShiftRow(
                from_=lesions[0].id,
                to=lesions[1].id,
                kind=ShiftKind.WITHIN_JOINT,
                days=84,
                verified=True,
                explanation="The femoral lesion faded while the tibial one appeared.",
            ),
            ShiftRow(
                from_=lesions[1].id,
                to=lesions[2].id,
                kind=ShiftKind.BETWEEN_JOINTS,
                days=117,
                verified=False,
                explanation="The plateau healed; the ankle was not imaged before.",
            ),
        ),
        registrations=tuple(
            RegistrationRow(
                bone=r.bone.bone,
                side=r.bone.side,
                end=r.bone.end,
                from_visit=r.from_visit,
                to_visit=r.to_visit,
                verification=r.verification.value,
                reason=r.reason,
                surface_gap_mm=r.surface_gap_mm,
                correlation=r.correlation,
                matrix_lps=tuple(tuple(float(x) for x in line) for line in r.transform.matrix),
            )
            for r in patient.registrations
        ),
        findings=(
            _finding("bme", "bone marrow oedema", FindingState.PRESENT, visit=0),
            _finding("shift", "oedema shifts to another joint", FindingState.PRESENT, visit=2),
            _finding("as", "ankylosing spondylitis", FindingState.PRESENT, software=False),
            _finding("biopsy", "biopsy", FindingState.NOT_DONE, software=False),
        ),
        differential=causes(COURSE[-1]),
        rankings=(proposed, confirmed),
        course=tuple(
            CourseRow(visit=f"v{n}", day=DAYS[n - 1], causes=causes(step))
            for n, step in enumerate(COURSE, 1)
        ),
        bars=BARS,
        ledger=(
            LedgerLine("avn", LABELS["avn"], 0.02, LedgerStatus.UNLIKELY, "no demarcation line"),
            LedgerLine("osteomyelitis", LABELS["osteomyelitis"], 0.01, LedgerStatus.OPEN, "CRP"),
        ),
        next_steps=(
            NextStep("crp", "C-reactive protein", 0.21, "hours", "blood sample", "infection"),
            NextStep("dxa", "bone density", 0.34, "days", "low_radiation", "tells osteoporosis"),
        ),
        red_flags=(RedFlag("infection", "Fever was not asked for."),),
        unused_findings=("joint effusion: no literature",),
        warnings=(
            WarningRow(
                code="ankle-once",
                severity="unverified",
                what="The ankle was imaged once.",
                where="visit 3",
                remedy="An earlier ankle examination would date the shift.",
            ),
            WarningRow(
                code="thick-slices",
                severity="note",
                what="Slices are thick.",
                where="all",
                remedy="",
            ),
        ),
        set_aside=(SetAsideRow(what="localiser", reason="three planes in one series", files=9),),
        figures=rows,
        provenance=Provenance(
            program="marrowtrail",
            program_version="0.1.0",
            knowledge_version="1",
            knowledge_hash="abc123",
            input_hash="def456",
            settings={"accept_proposed": "no"},
            known_limits=("Bones come from masks handed in.",),
        ),
    )
    return document, files


def without_lesions(document: ResultDocument) -> ResultDocument:
    """The same visits with nothing found."""
    return document.model_copy(
        update={
            "lesions": (),
            "signs": (),
            "tracks": (),
            "shifts": (),
            "figures": (),
            "headline": "No marrow oedema.",
        }
    )


def one_visit(document: ResultDocument) -> ResultDocument:
    """The first visit alone."""
    return document.model_copy(
        update={
            "visits": document.visits[:1],
            "lesions": document.lesions[:1],
            "signs": document.signs[:2],
            "tracks": document.tracks[:1],
            "shifts": (),
            "registrations": (),
            "course": document.course[:1],
            "figures": tuple(row for row in document.figures if row.visit == "v1"),
            "findings": document.findings[2:],
        }
    )
