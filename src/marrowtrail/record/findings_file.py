"""``findings.yaml`` of the output folder: written by a run, edited by a reader, read back.

The file is plain YAML with one entry per finding and a comment above each that says it in
words. What is written is read back as the same findings, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from marrowtrail.record.contradictions import Part
from marrowtrail.record.finding_entry import FindingEntry
from marrowtrail.record.findings import Finding
from marrowtrail.record.sites import Side
from marrowtrail.record.validation import parse, read_bytes
from marrowtrail.record.vocabulary import vocabulary

SCHEMA_VERSION = 1
LINE_WIDTH = 96
REMEDY = "Correct the file, or delete it: the next run writes it anew."
HEADER = """\
# Findings of this run: proposed by the program, taken from case.yaml, or entered by a reader.
#
# A proposal counts as confirmed once somebody stands behind it. To confirm one, write who,
# as a role or code and not as a name:
#     confirmed_by: radiologist-1
# To correct one, change its state and write  entered_by: reader  and who in confirmed_by.
#
#   state        present | absent | equivocal | not_done
#   reason       for not_done only: not_performed | not_assessable | not_reported
#   entered_by   software | case.yaml | reader
#
# "absent" means that it was looked for and is not there. An entry that is deleted is not
# absent: nothing is known of it. `marrowtrail run` reads this file back. Research use only.
"""


class FindingsDocument(Part):
    """The whole file."""

    schema_version: Literal[1]
    findings: Annotated[tuple[FindingEntry, ...], Field(max_length=20_000)]


def findings_text(findings: Iterable[Finding]) -> str:
    """The content of ``findings.yaml``."""
    blocks = [_block(finding) for finding in findings]
    body = "findings:\n" + "\n".join(blocks) if blocks else "findings: []\n"
    return f"{HEADER}schema_version: {SCHEMA_VERSION}\n{body}"


def write_findings(findings: Iterable[Finding], path: Path) -> None:
    """Writes ``findings.yaml``, in the order given."""
    path.write_text(findings_text(findings), encoding="utf-8", newline="\n")


def read_findings(path: Path) -> tuple[Finding, ...]:
    """The findings of a file that :func:`write_findings` wrote and a reader may have edited.

    Raises
    ------
    InputError
        With every mistake, its line and the allowed words.
    """
    raw = read_bytes(path, REMEDY)
    document = parse(raw, FindingsDocument, where=path.name, remedy=REMEDY)
    return tuple(entry.as_finding() for entry in document.findings)


def _block(finding: Finding) -> str:
    text = yaml.dump(
        [_row(finding)], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=LINE_WIDTH
    )
    return f"# {_in_words(finding)}\n{text}"


def _row(finding: Finding) -> dict[str, Any]:
    entry = FindingEntry.from_finding(finding)
    row = entry.model_dump(mode="json", exclude_none=True)
    row["visit"] = finding.visit
    row["explanation"] = _Quoted(finding.explanation)
    row["confirmed_by"] = _Quoted(finding.confirmed_by) if finding.confirmed_by else None
    if "site" in row:
        row["site"] = _Flow(row["site"])
    keys = [key for key in FindingEntry.model_fields if key in row]
    return {key: row[key] for key in keys}


def _in_words(finding: Finding) -> str:
    words = f"{vocabulary().finding(finding.key).label}: {finding.state.value.replace('_', ' ')}"
    site = finding.site
    if site is None:
        return words
    bone = vocabulary().bone(site.bone)
    part = bone.region(site.region).label if site.region else bone.label
    side = "" if site.side is Side.UNKNOWN else f"{site.side.value} "
    return f"{words} ({side}{part})"


class _Flow(dict[str, Any]):
    """A mapping that is written on one line."""


class _Quoted(str):
    """Free text, always quoted: unquoted, ``089`` or ``0E0`` would be read as numbers.

    PyYAML also writes some line separators unreadably outside of double quotes.
    """


class _Dumper(yaml.SafeDumper):
    """Writes a site on one line, and a date that stands twice twice."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        """Never write an alias: the reader refuses them."""
        return True


def _represent_flow(dumper: yaml.SafeDumper, data: _Flow) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True)


def _represent_quoted(dumper: yaml.SafeDumper, data: _Quoted) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style='"')


_Dumper.add_representer(_Quoted, _represent_quoted)
_Dumper.add_representer(_Flow, _represent_flow)
