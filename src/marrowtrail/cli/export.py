"""One kind of output alone, made again from an output folder."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path

from marrowtrail.errors import InputError
from marrowtrail.report.language import Language
from marrowtrail.result.folder import write_files
from marrowtrail.result.stored import ANOTHER_RUN, StoredResult, read_stored

Files = dict[str, "str | bytes"]


class Kind(StrEnum):
    """What can be exported."""

    HTML = "html"
    PDF = "pdf"
    FHIR = "fhir"
    PHENOPACKET = "phenopacket"
    TABLES = "tables"
    NIFTI = "nifti"
    ALIGNED = "aligned"
    DICOM = "dicom"


KEPT = {Kind.NIFTI: "labels", Kind.ALIGNED: "aligned", Kind.DICOM: "dicom"}
"""Kinds that need the images to be made, so that they are taken as the run wrote them."""


def export(
    kind: Kind, result: Path, out: Path, language: Language = Language.ENGLISH
) -> tuple[Path, ...]:
    """Write one kind of output of a result into a folder; all of its files or none.

    Nobody is named in what is made anew: a result does not hold who the patient is. The page and
    the PDF, which stands in the FHIR bundle as well, are written in ``language``.

    Raises
    ------
    InputError
        If ``result`` is no result, lacks what is asked for, or a file is in the way.
    """
    if kind in KEPT:
        files = _kept(result, KEPT[kind])
    else:
        files = _made(kind, read_stored(result), language)
    taken = [name for name in files if (out / name).exists()]
    if taken:
        raise InputError(
            f"{taken[0]!r} is there already; nothing was written.",
            where=str(out),
            remedy="choose another folder with --out",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".export-", dir=out) as folder:
            write_files(Path(folder), files)
            for name in files:
                (Path(folder) / name).rename(out / name)
    except OSError as error:
        raise InputError(
            f"The export could not be written: {error.strerror or error}.",
            where=str(out),
            remedy="free some space or choose another folder with --out",
        ) from error
    return tuple(out / name for name in files)


def _made(kind: Kind, stored: StoredResult, language: Language) -> Files:
    from marrowtrail.exchange.fhir import fhir_bundle
    from marrowtrail.exchange.phenopacket import phenopacket
    from marrowtrail.report.html import render_html
    from marrowtrail.report.pdf import render_pdf
    from marrowtrail.result.tables import tables

    document, figures = stored.document, stored.figures
    if kind is Kind.HTML:
        return {"report.html": render_html(document, figures, language)}
    if kind is Kind.PDF:
        return {"report.pdf": render_pdf(document, figures, language=language)}
    if kind is Kind.FHIR:
        pdf = render_pdf(document, figures, language=language)
        return {"bundle.json": fhir_bundle(document, pdf)}
    if kind is Kind.PHENOPACKET:
        return {"phenopacket.json": phenopacket(document)}
    return dict(tables(document))


def _kept(result: Path, part: str) -> Files:
    document = read_stored(result).document
    paths = sorted(path for path in (result / part).glob("*") if path.is_file())
    if not paths and part == KEPT[Kind.ALIGNED] and not document.lesions:
        raise InputError(
            "No marrow oedema was found, so no bone was brought onto one grid.",
            where=str(result),
            remedy="export another kind; only bones with oedema are brought onto one grid",
        )
    if not paths:
        raise InputError(
            f"The result holds nothing in {part}/.", where=str(result), remedy=ANOTHER_RUN
        )
    return {path.name: path.read_bytes() for path in paths}
