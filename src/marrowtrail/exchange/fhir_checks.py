"""Rules of FHIR R4B that ``fhir.resources`` leaves to whoever writes.

The library checks structure: elements, types, how many. It takes any word for a code, so that
``"status": "nonsense"`` passes. Required value sets and the bounds of numbers stand in
``fhir_values.yaml``; the invariants that concern what we write are below, each with its key in
the standard.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources

import yaml
from fhir.resources.R4B.bundle import Bundle
from pydantic import BaseModel, ConfigDict

from marrowtrail.exchange.fhir_parts import Json, Resource


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CodeRule(_Rule):
    """Codes that an element may hold; with a ``system``, of a coding of that system."""

    path: str
    codes: tuple[str, ...]
    system: str = ""


class NumberRule(_Rule):
    """Bounds of a number."""

    path: str
    least: float
    most: float


class TargetRule(_Rule):
    """Types of resource that a reference may lead to."""

    path: str
    types: tuple[str, ...]


class Values(_Rule):
    """The rules of ``fhir_values.yaml``."""

    codes: tuple[CodeRule, ...]
    numbers: tuple[NumberRule, ...]
    targets: tuple[TargetRule, ...]
    needed: tuple[str, ...]


@cache
def values() -> Values:
    """The rules of this version, read and validated once."""
    text = (resources.files("marrowtrail.exchange") / "fhir_values.yaml").read_text("utf-8")
    return Values.model_validate(yaml.safe_load(text))


def check_bundle(bundle: Resource) -> None:
    """Refuse a bundle that breaks a rule of R4B.

    Raises
    ------
    ValueError
        With every rule that is broken; also if ``fhir.resources`` refuses the structure.
    """
    Bundle.model_validate(bundle)
    broken = tuple(broken_rules(bundle))
    if broken:
        raise ValueError("The FHIR bundle breaks rules of R4B: " + "; ".join(broken) + ".")


def broken_rules(bundle: Resource) -> Iterator[str]:
    """What a bundle breaks, one sentence each."""
    whole = [bundle, *_resources(bundle)]
    for resource in whole:
        yield from _broken_values(resource)
        yield from _broken_invariants(resource)
    yield from _broken_links(bundle)


def _resources(bundle: Resource) -> list[Resource]:
    return [one for one in at(bundle, "entry.resource") if isinstance(one, dict)]


def at(value: Json, path: str) -> list[Json]:
    """Every value at a dotted path, lists flattened."""
    found: list[Json] = [value]
    for name in path.split(".") if path else ():
        inner: list[Json] = []
        for one in found:
            if isinstance(one, dict) and name in one:
                here = one[name]
                inner.extend(here if isinstance(here, list) else [here])
        found = inner
    return found


def _own_path(resource: Resource, path: str) -> str | None:
    kind, _, inner = path.partition(".")
    return inner if resource.get("resourceType") == kind else None


def _broken_values(resource: Resource) -> Iterator[str]:
    for rule in values().codes:
        inner = _own_path(resource, rule.path)
        for value in at(resource, inner) if inner else ():
            if not _is_allowed(value, rule):
                yield f"{rule.path} is {value!r}, which is not in its value set"
    for bound in values().numbers:
        inner = _own_path(resource, bound.path)
        for value in at(resource, inner) if inner else ():
            if not (isinstance(value, int | float) and bound.least <= value <= bound.most):
                yield f"{bound.path} is {value!r}, not {bound.least:g} to {bound.most:g}"
    for path in values().needed:
        inner = _own_path(resource, path)
        if inner and not at(resource, inner):
            yield f"{path} is missing"


def _is_allowed(value: Json, rule: CodeRule) -> bool:
    if not rule.system:
        return value in rule.codes
    codings = [one for one in at(value, "coding") if isinstance(one, dict)]
    own = [one for one in codings if one.get("system") == rule.system]
    return bool(own) and all(one.get("code") in rule.codes for one in own)


def _broken_invariants(resource: Resource) -> Iterator[str]:
    kind = resource.get("resourceType")
    if kind == "Observation":
        yield from _broken_observation(resource)
    if kind == "Condition" and "clinicalStatus" in resource:
        verification = at(resource, "verificationStatus.coding.code")
        if "entered-in-error" in verification:
            yield "con-5: a condition entered in error has no clinical status"
    if kind == "Provenance" and not ("recorded" in resource or "_recorded" in resource):
        yield "Provenance.recorded is missing, and no reason is given"
    for period in (*at(resource, "effectivePeriod"), *at(resource, "occurredPeriod")):
        start, end = at(period, "start"), at(period, "end")
        if start and end and str(start[0]) > str(end[0]):
            yield f"per-1: a period of {kind} ends before it starts"
    yield from _broken_elements(resource, str(kind))


def _broken_observation(resource: Resource) -> Iterator[str]:
    for part in (resource, *at(resource, "component")):
        if not isinstance(part, dict):
            continue
        has_value = any(key.startswith("value") for key in part)
        if has_value and "dataAbsentReason" in part:
            yield "obs-6: a value that is absent has no value"
        if not has_value and "dataAbsentReason" not in part and "component" not in part:
            yield "an observation has neither a value nor a reason why it is absent"


def _broken_elements(value: Json, where: str) -> Iterator[str]:
    """ele-1, ext-1, qty-3 wherever they apply."""
    if isinstance(value, list):
        for one in value:
            yield from _broken_elements(one, where)
    if value in ({}, [], ""):
        yield f"ele-1: an element of {where} is empty"
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        yield from _broken_elements(inner, f"{where}.{name}")
    if where.endswith(".extension"):
        has_value = any(key.startswith("value") for key in value)
        if has_value == ("extension" in value):
            yield f"ext-1: {where} needs a value or extensions, not both"
    if where.endswith("Quantity") and "code" in value and "system" not in value:
        yield f"qty-3: {where} has a code and no system"


def _broken_links(bundle: Resource) -> Iterator[str]:
    urls = [str(one) for one in at(bundle, "entry.fullUrl")]
    for url in sorted({one for one in urls if urls.count(one) > 1}):
        yield f"bdl-7: {url} stands there twice"
    for entry in at(bundle, "entry"):
        ids = at(entry, "resource.id")
        if isinstance(entry, dict) and entry.get("fullUrl") != f"urn:uuid:{ids[0] if ids else ''}":
            yield f"the address {entry.get('fullUrl')} is not that of its resource"
    kinds = {
        f"urn:uuid:{one.get('id')}": str(one.get("resourceType")) for one in _resources(bundle)
    }
    allowed = {rule.path: rule.types for rule in values().targets}
    for resource in _resources(bundle):
        for path, reference in _references(resource, str(resource.get("resourceType"))):
            kind = kinds.get(reference)
            if kind is None:
                yield f"{path} leads to {reference}, which is not in the bundle"
            elif kind not in allowed.get(path, ()):
                yield f"{path} may not lead to a {kind}"


def _references(value: Json, path: str) -> Iterator[tuple[str, str]]:
    """Every reference below a value, with the path that it stands at."""
    if isinstance(value, list):
        for one in value:
            yield from _references(one, path)
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "reference":
                yield path, str(inner)
            else:
                yield from _references(inner, f"{path}.{name}")
