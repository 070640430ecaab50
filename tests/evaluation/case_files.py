"""Invented cases in the layout of published ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

Case = dict[str, Any]


def case(blind_id: str, **parts: Any) -> Case:
    return {"schema_version": 1, "blind_id": blind_id, **parts}


def study(phase: str, day: float | None, *sites: Case, **parts: Any) -> Case:
    timed = {} if day is None else {"day": day}
    return {"phase": phase, "modality": "MRI", "sites": list(sites), **timed, **parts}


def site(bone: str, region: str, bme: str | None = "present", **parts: Any) -> Case:
    known = {} if bme is None else {"bme": bme}
    return {"bone": bone, "side": "right", "region": region, **known, **parts}


def gold(category: str, *acceptable: str, **parts: Any) -> Case:
    return {"category": category, "acceptable": list(acceptable or (category,)), **parts}


MOVED = case(
    "case-moved",
    gold=gold("RMO", at_presentation=["TOH_BMES"]),
    meta={"tier": "A", "difficulty": "easy"},
    patient={"age": 48, "sex": "M"},
    presentation={
        "chief_sites": ["knee_right"],
        "pain": {"weight_bearing": {"status": "present"}},
        "trauma": {"status": "absent"},
    },
    imaging=[
        study("presentation", 0, site("femur", "medial_condyle"), order=1),
        study(
            "follow_up",
            120,
            site("femur", "medial_condyle", "resolved"),
            site("tibia", "distal_epiphysis", change="new"),
            order=2,
        ),
    ],
)
INFECTED = case(
    "case-infected",
    gold=gold("INFECTION"),
    meta={"tier": "B", "difficulty": "easy"},
    patient={"age": 12, "sex": "F"},
    presentation={
        "chief_sites": ["knee_left"],
        "fever": {"status": "present"},
        "labs": {"CRP": {"value": 88, "unit": "mg/L"}, "WBC": {"status": "high"}},
    },
    imaging=[
        study(
            "presentation",
            0,
            site("tibia", "proximal_metaphysis"),
            findings={"abscess": {"status": "present"}, "penumbra_sign": {"status": "present"}},
        )
    ],
)
UNKNOWN_ANSWER = case(
    "case-open",
    patient={"age": 60, "sex": "F"},
    presentation={"chief_sites": ["hip_left"], "moon_phase": {"status": "present"}},
)


def write(folder: Path, *cases: Case) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for one in cases:
        text = yaml.safe_dump(one, sort_keys=False)
        (folder / f"{one['blind_id']}.yaml").write_text(text, encoding="utf-8")
    return folder
