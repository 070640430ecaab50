"""The commands."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from marrowtrail.cli.evaluating import evaluate
from marrowtrail.cli.options import (
    DifficultyOption,
    FamilyOption,
    JsonOption,
    LanguageOption,
    OutOption,
    QuietOption,
    SettingOption,
    SilentOption,
    draw_of,
    language_of,
)
from marrowtrail.cli.pacs import pacs
from marrowtrail.cli.terminal import answers, people, progress
from marrowtrail.errors import Severity
from marrowtrail.version import __version__

app = typer.Typer(
    name="marrowtrail",
    help="Follows bone marrow oedema across serial MRI of the lower limb and works through its "
    "differential diagnosis. Research use only; not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

UNUSABLE_EXIT = 1
UNVERIFIED_EXIT = 3


def _show_version(asked: bool) -> None:
    if asked:
        answers.print(f"marrowtrail {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


@app.command()
def run(
    patient: Annotated[
        Path, typer.Argument(help="Folder or zip with DICOM files; case.yaml optional.")
    ],
    out: OutOption,
    accept_proposed: Annotated[
        bool, typer.Option("--accept-proposed", help="Record proposed findings as accepted.")
    ] = False,
    no_dates: Annotated[
        bool, typer.Option("--no-dates", help="Keep days since the first visit, no dates.")
    ] = False,
    identified: Annotated[
        bool, typer.Option("--identified", help="Name the patient in the PDF and in FHIR.")
    ] = False,
    pseudonymous: Annotated[
        bool,
        typer.Option("--pseudonymous", help="Write dicom/ without the patient, UIDs re-mapped."),
    ] = False,
    labelmap: Annotated[
        bool,
        typer.Option("--labelmap", help="DICOM segmentations as label maps, run-length encoded."),
    ] = False,
    setting: SettingOption = "musculoskeletal_mri",
    language: LanguageOption = "en",
    quiet: SilentOption = False,
    json: JsonOption = False,
) -> None:
    """Measure, follow and reason: from a patient's folder to a report."""
    from marrowtrail.cli import summary
    from marrowtrail.cli.job import Job, run_job
    from marrowtrail.exchange.dicom.form import DicomForm

    spoken = language_of(language)
    form = DicomForm(pseudonymous=pseudonymous, labelmap=labelmap)
    with progress(quiet=quiet or json) as say:
        job = Job(patient, out, setting, accept_proposed, not no_dates, form, identified, spoken)
        document = run_job(job, say)
    if json:
        answers.print_json(document.model_dump_json(by_alias=True))
    elif not quiet:
        summary.show(document, out)
    if any(one.severity == Severity.UNVERIFIED for one in document.warnings):
        raise typer.Exit(UNVERIFIED_EXIT)


@app.command()
def demo(
    out: OutOption = Path("demo"),
    seed: Annotated[int, typer.Option("--seed", help="Another draw of the same patient.")] = 1,
    language: LanguageOption = "en",
    quiet: SilentOption = False,
    json: JsonOption = False,
) -> None:
    """Write the synthetic seed patient as DICOM, run it, and say where the report is."""
    from marrowtrail.phantom import write_patient
    from marrowtrail.result.folder import check_target

    language_of(language)
    check_target(out)
    with tempfile.TemporaryDirectory(prefix="marrowtrail-demo-") as folder:
        patient = Path(folder) / "patient"
        with progress(quiet=quiet or json) as say:
            say("writing the synthetic patient as DICOM")
            write_patient("seed", patient, seed=seed, masks=False)
        if not (quiet or json):
            people.print("[bold]A synthetic patient; nothing here is about a real person.[/]")
        run(patient, out=out, language=language, quiet=quiet, json=json)


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="Folder or zip archive to look into.")],
    json: JsonOption = False,
) -> None:
    """Say what a folder holds: visits, series, weighting, geometry, problems."""
    from marrowtrail.cli.overview import overview
    from marrowtrail.cli.overview_text import show_overview

    seen = overview(path)
    if json:
        answers.print_json(seen.model_dump_json())
    else:
        show_overview(seen)
    if not seen.is_usable:
        raise typer.Exit(UNUSABLE_EXIT)
    if not seen.is_verified:
        raise typer.Exit(UNVERIFIED_EXIT)


@app.command()
def diagnose(
    case: Annotated[Path, typer.Argument(help="A case.yaml.")],
    setting: SettingOption = "musculoskeletal_mri",
    view: Annotated[
        str, typer.Option("--view", help="presentation: the first visit alone; or serial: all.")
    ] = "serial",
    audit: Annotated[
        Path | None, typer.Option("--audit", help="Write every number of the ranking as CSV.")
    ] = None,
    sourced_only: Annotated[
        bool, typer.Option("--sourced-only", help="Leave out what no source read says.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Reason alone: rank the causes from the findings of a case record."""
    from marrowtrail.cli import summary
    from marrowtrail.cli.reasoning import View, reason_on
    from marrowtrail.cli.reasoning_text import show_explanations

    if view not in list(View):
        raise typer.BadParameter(f"{view!r} is not among: {', '.join(View)}", param_hint="--view")
    reasoned = reason_on(case, setting, View(view), use_memory=not sourced_only)
    if audit is not None:
        audit.write_text(reasoned.audit, encoding="utf-8")
    if json:
        answers.print_json(summary.differential_json(reasoned.differential))
    else:
        summary.show_differential(reasoned.differential, reasoned.unused, reasoned.notes)
        show_explanations(reasoned.differential)


@app.command()
def export(
    kind: Annotated[
        str, typer.Argument(help="html, pdf, fhir, phenopacket, tables, nifti or dicom.")
    ],
    result: Annotated[Path, typer.Argument(help="An output folder of a run.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write into.")] = Path(),
    language: LanguageOption = "en",
) -> None:
    """Write one kind of output alone, from the folder that a run wrote."""
    from marrowtrail.cli.export import Kind
    from marrowtrail.cli.export import export as write_kind

    if kind not in list(Kind):
        raise typer.BadParameter(f"{kind!r} is not among: {', '.join(Kind)}", param_hint="KIND")
    for path in write_kind(Kind(kind), result, out, language_of(language)):
        answers.print(str(path), markup=False, soft_wrap=True)


@app.command()
def phantom(
    out: Annotated[Path, typer.Argument(help="Folder for the patients.")],
    scenario: Annotated[
        str, typer.Option("--scenario", help="Which story to write; random draws one.")
    ],
    seed: Annotated[int, typer.Option("--seed", help="First draw.")] = 1,
    count: Annotated[int, typer.Option("--count", min=1, help="Number of draws.")] = 1,
    family: FamilyOption = "building",
    difficulty: DifficultyOption = None,
    masks: Annotated[
        bool, typer.Option("--masks/--no-masks", help="Write masks of the bones as DICOM SEG.")
    ] = True,
    quiet: QuietOption = False,
) -> None:
    """Write synthetic patients with known truth as DICOM."""
    from marrowtrail.phantom import RANDOM, SERIAL, scenario_names, write_patient

    if scenario not in (*scenario_names(), RANDOM, SERIAL):
        known = ", ".join((*scenario_names(), RANDOM, SERIAL))
        raise typer.BadParameter(f"{scenario!r} is not among: {known}", param_hint="--scenario")
    draw = draw_of(family, difficulty)
    with progress(quiet=quiet) as say:
        for number in range(seed, seed + count):
            folder = out if count == 1 else out / f"{scenario}-{number}"
            say(f"writing {scenario}, draw {number}")
            write_patient(scenario, folder, seed=number, draw=draw, masks=masks)
    answers.print(f"{count} synthetic patient(s) in {out}")


@app.command()
def implant(
    data: Annotated[
        Path, typer.Argument(help="A real patient: a folder with masks, or of DICOM files.")
    ],
    out: Annotated[Path, typer.Argument(help="Folder for the patients with lesions laid in.")],
    seed: Annotated[int, typer.Option("--seed", help="First draw.")] = 1,
    count: Annotated[int, typer.Option("--count", min=1, help="Number of draws.")] = 1,
    quiet: SilentOption = False,
) -> None:
    """Lay synthetic lesions into a patient's real series, with known truth."""
    from marrowtrail.phantom.implants.patient import implant as lay_lesions

    with progress(quiet=quiet) as say:
        for number in range(seed, seed + count):
            say(f"laying lesions, draw {number}")
            lay_lesions(data, out / f"implant-{number}", seed=number)
    if not quiet:
        answers.print(f"{count} patient(s) with implanted lesions in {out}")


train = typer.Typer(help="Train again what was learnt.", no_args_is_help=True)
app.add_typer(train, name="train")


@train.command("bones")
def train_bones(
    labels: Annotated[Path, typer.Argument(help="Knee label maps, SUBJECT_00m.nii.gz.")],
    out: Annotated[Path, typer.Option("--out", help="Label sets, checkpoints, weights.")],
    minutes: Annotated[
        float, typer.Option("--minutes", min=0, help="Longest time a network; run again to go on.")
    ] = 90.0,
    stage: Annotated[str | None, typer.Option("--stage", help="coarse or fine; both.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Steps in all.")] = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    batch: Annotated[int | None, typer.Option("--batch", min=1, help="Images in a step.")] = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that draw.")] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Draws and first weights.")] = 1,
    begin_with: Annotated[
        Path | None,
        typer.Option("--begin-with", help="Folder with weights to begin with; else chance."),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Train the networks that find bones, from label maps (extra: train)."""
    from marrowtrail.training.run import Effort
    from marrowtrail.training.run import train_bones as train_both

    effort = Effort(minutes, seed, device, stage, steps, batch, workers, begin_with)
    with progress(quiet=quiet) as say:
        weights = train_both(labels, out, effort, say)
    answers.print(f"weights in {weights}")


app.add_typer(evaluate, name="evaluate")
app.add_typer(pacs, name="pacs")

knowledge = typer.Typer(help="The evidence behind the reasoning.", no_args_is_help=True)
app.add_typer(knowledge, name="knowledge")


@knowledge.command("check")
def knowledge_check(
    folder: Annotated[
        Path | None, typer.Argument(help="Another folder of knowledge files; else the own.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Lint the evidence: every number has a source, every source a reference that leads to it."""
    from marrowtrail.cli.case_scores import show_lint
    from marrowtrail.diagnosis.linting import lint_json, lint_knowledge

    found = lint_knowledge(folder)
    answers.print_json(lint_json(found)) if json else show_lint(found)
    if any(one.is_error for one in found.problems):
        raise typer.Exit(UNUSABLE_EXIT)
