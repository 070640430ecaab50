"""`marrowtrail pacs`: images out of a hospital's archive, results into it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marrowtrail.cli.options import JsonOption, SilentOption
from marrowtrail.cli.terminal import answers, progress

if TYPE_CHECKING:
    from marrowtrail.exchange.pacs.pull import Pulled
    from marrowtrail.exchange.pacs.push import Pushed

pacs = typer.Typer(
    help="Fetch images from a hospital's archive, and store results in it.", no_args_is_help=True
)

DOUBTFUL_EXIT = 3

ServerArgument = Annotated[
    str,
    typer.Argument(
        help="https://HOST/dicom-web, or dicom://TITLE@HOST:PORT (dicoms:// where encrypted)."
    ),
]
CredentialsOption = Annotated[
    Path | None,
    typer.Option(
        "--credentials",
        help="File with user and password, or token; else MARROWTRAIL_PACS_USER and "
        "MARROWTRAIL_PACS_PASSWORD, or MARROWTRAIL_PACS_TOKEN.",
    ),
]
CaFileOption = Annotated[
    Path | None, typer.Option("--ca-file", help="Certificates of the authorities to trust (PEM).")
]
TlsCertOption = Annotated[
    Path | None, typer.Option("--tls-cert", help="Our certificate, if the server asks (PEM).")
]
TlsKeyOption = Annotated[
    Path | None, typer.Option("--tls-key", help="Its key, if in another file (PEM).")
]
UnencryptedOption = Annotated[
    bool, typer.Option("--unencrypted", help="Let a password or token go over http.")
]
TitleOption = Annotated[str, typer.Option("--ae-title", help="Our title, for DIMSE.")]
AttemptsOption = Annotated[
    int, typer.Option("--attempts", min=1, help="Tries without progress before giving up.")
]


@pacs.command("pull")
def pull_images(
    server: ServerArgument,
    out: Annotated[Path, typer.Option("--out", help="The patient's folder; may hold some.")],
    patient: Annotated[
        str, typer.Option("--patient", help="Patient id; - reads it from standard input.")
    ] = "",
    accession: Annotated[str, typer.Option("--accession", help="Accession number.")] = "",
    study: Annotated[
        list[str] | None, typer.Option("--study", help="Study UID; several of one patient allowed.")
    ] = None,
    segmentations: Annotated[
        bool, typer.Option("--segmentations", help="Fetch segmentations too; else MR images alone.")
    ] = False,
    credentials: CredentialsOption = None,
    ca_file: CaFileOption = None,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
    unencrypted: UnencryptedOption = False,
    ae_title: TitleOption = "MARROWTRAIL",
    move_port: Annotated[
        int | None,
        typer.Option(
            "--move-port",
            min=1,
            max=65535,
            help="Have images sent to this port (C-MOVE); else over our own line (C-GET).",
        ),
    ] = None,
    attempts: AttemptsOption = 4,
    quiet: SilentOption = False,
    json: JsonOption = False,
) -> None:
    """Fetch the MR images of one patient into a folder for `run`; go on where it stopped."""
    if sum(map(bool, (patient, accession, study))) != 1:
        raise typer.BadParameter("give exactly one of --patient, --accession and --study")
    from marrowtrail.exchange.pacs.connect import Access, connect
    from marrowtrail.exchange.pacs.model import Search
    from marrowtrail.exchange.pacs.patience import Patience
    from marrowtrail.exchange.pacs.pull import MODALITIES, WITH_SEGMENTATIONS, pull

    number = typer.get_text_stream("stdin").readline().strip() if patient == "-" else patient
    access = Access(
        server, ca_file, tls_cert, tls_key, ae_title, move_port, allow_unencrypted=unencrypted
    )
    archive = connect(access, credentials=credentials)
    with closing(archive), progress(quiet=quiet or json) as say:
        pulled = pull(
            archive,
            Search(number, accession, tuple(study or ())),
            out,
            modalities=WITH_SEGMENTATIONS if segmentations else MODALITIES,
            patience=Patience(attempts),
            say=say,
        )
    if json:
        answers.print_json(_pulled_json(pulled))
    elif not quiet:
        _show_pulled(pulled)
    if pulled.is_doubtful:
        raise typer.Exit(DOUBTFUL_EXIT)


@pacs.command("push")
def push_result(
    result: Annotated[Path, typer.Argument(help="An output folder of a run.")],
    server: ServerArgument,
    credentials: CredentialsOption = None,
    ca_file: CaFileOption = None,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
    unencrypted: UnencryptedOption = False,
    ae_title: TitleOption = "MARROWTRAIL",
    attempts: AttemptsOption = 4,
    quiet: SilentOption = False,
    json: JsonOption = False,
) -> None:
    """Store the DICOM objects of a result in an archive, and say what it said of each."""
    from marrowtrail.exchange.pacs.connect import Access, connect
    from marrowtrail.exchange.pacs.patience import Patience
    from marrowtrail.exchange.pacs.push import push

    access = Access(server, ca_file, tls_cert, tls_key, ae_title, allow_unencrypted=unencrypted)
    archive = connect(access, credentials=credentials)
    with closing(archive), progress(quiet=quiet or json) as say:
        pushed = push(archive, result, patience=Patience(attempts), say=say)
    if json:
        answers.print_json(_pushed_json(pushed))
    elif not (quiet and pushed.is_complete):
        _show_pushed(pushed)
    if not pushed.is_complete:
        raise pushed.failure(archive.where)
    if pushed.has_warnings:
        raise typer.Exit(DOUBTFUL_EXIT)


def _pulled_json(pulled: Pulled) -> str:
    return dumps(asdict(pulled), default=str)


def _pushed_json(pushed: Pushed) -> str:
    return dumps({"is_complete": pushed.is_complete, "objects": list(map(asdict, pushed.verdicts))})


def _show_pulled(pulled: Pulled) -> None:
    there = pulled.instances - pulled.fetched
    _say(
        f"{pulled.instances} objects ({pulled.studies} studies, {pulled.series} series) "
        f"are in {pulled.folder}: {pulled.fetched} fetched, {there} there already."
    )
    for one in pulled.left_out:
        _say(f"left out: {one.count} {one.what} ({one.reason})")


def _show_pushed(pushed: Pushed) -> None:
    for one in pushed.verdicts:
        _say(f"{one.name}: {one.state}" + (f" ({one.said})" if one.said else ""))


def _say(line: str) -> None:
    answers.print(line, markup=False, soft_wrap=True)
