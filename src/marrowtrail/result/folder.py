"""The output folder, written whole or not at all.

Everything goes to a temporary folder beside the target first. Only a complete one takes the
target's place, so a run that is killed or fails leaves the earlier result as it was.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from marrowtrail.errors import InputError
from marrowtrail.imaging.volume import Volume
from marrowtrail.imaging.write_nifti import write_nifti
from marrowtrail.result.aligned import aligned_volumes
from marrowtrail.result.found_bones import write_found_bones
from marrowtrail.result.model import Result
from marrowtrail.result.tables import tables

DOCUMENT = "result.json"
"""Marks a folder as one that a run wrote and may replace."""

VIEWER = "viewer"
"""Holds the stacks of slices that the report's viewer shows."""

ALIGNED = "aligned"
"""Holds every visit's series of a bone with oedema on today's grid."""


def check_target(out: Path) -> None:
    """Refuse a target that holds something other than an earlier result.

    Raises
    ------
    InputError
        If ``out`` is a file, or a folder that is not empty and not a result.
    """
    if out.is_file():
        raise InputError(
            "The output must be a folder, and a file of that name is there.",
            where=str(out),
            remedy="choose another folder with --out",
        )
    if out.is_dir() and any(out.iterdir()) and not (out / DOCUMENT).is_file():
        raise InputError(
            "The output folder is not empty and holds no earlier result; nothing was written.",
            where=str(out),
            remedy="choose a new or an empty folder with --out",
        )


def write_result(result: Result, out: Path, pages: Mapping[str, str | bytes]) -> None:
    """Write a result to its folder, replacing an earlier one.

    Parameters
    ----------
    result
        What to write.
    out
        The folder; parents are made.
    pages
        Further files by name, as ``report.html`` and ``fhir/bundle.json``: text or bytes.

    Raises
    ------
    InputError
        If the target cannot be written, or is not ours to replace.
    """
    check_target(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
            fresh = Path(folder) / "result"
            fresh.mkdir()
            _fill(fresh, result, pages)
            _take_place(fresh, out, Path(folder) / "old")
    except OSError as error:
        raise InputError(
            f"The result could not be written: {error.strerror or error}.",
            where=str(out),
            remedy="free some space or choose another folder with --out; "
            "an earlier result there is unchanged",
        ) from error


def _fill(folder: Path, result: Result, pages: Mapping[str, str | bytes]) -> None:
    document = result.document
    json_text = document.model_dump_json(indent=1, by_alias=True)
    files: dict[str, str | bytes] = {
        DOCUMENT: json_text + "\n",
        "provenance.json": document.provenance.model_dump_json(indent=1) + "\n",
        **tables(document),
        **pages,
    }
    write_files(folder, files)
    (folder / "figures").mkdir()
    stacks = {stack.file for place in document.viewer for stack in place.stacks}
    for name, content in result.figures.items():
        write_files(folder / (VIEWER if name in stacks else "figures"), {name: content})
    (folder / "labels").mkdir()
    for name, volume in _labels(result).items():
        write_nifti(volume, folder / "labels" / f"{name}.nii.gz")
    write_found_bones(result.bone_maps, folder / "labels")
    (folder / ALIGNED).mkdir()
    for name, volume in aligned_volumes(result):
        write_nifti(volume, folder / ALIGNED / f"{name}.nii.gz")


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files by their name within a folder; text as UTF-8 with its line ends as they are."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def _labels(result: Result) -> dict[str, Volume]:
    """Lesions numbered within each series that was read, in the order of the document."""
    volumes: dict[str, Volume] = {}
    grids = {one.id: one.volume.geometry for v in result.study.visits for one in v.series}
    for series_id in sorted({r.series_id for r in result.readings if r.series_id and r.is_read}):
        labels = np.zeros(grids[series_id].shape, dtype=np.uint8)
        here = [one for one in result.lesions if one.series_id == series_id]
        for number, lesion in enumerate(here, start=1):
            labels[np.asarray(lesion.mask.data)] = number
        volumes[f"{series_id}-oedema"] = Volume(labels, grids[series_id])
    return volumes


def _take_place(fresh: Path, out: Path, old: Path) -> None:
    if out.exists():
        out.rename(old)
    try:
        fresh.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
