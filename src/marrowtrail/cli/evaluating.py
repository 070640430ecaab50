"""`marrowtrail evaluate`: a command for each kind of published figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marrowtrail.cli.options import (
    DifficultyOption,
    FamilyOption,
    JsonOption,
    QuietOption,
    SettingOption,
    draw_of,
)
from marrowtrail.cli.terminal import answers, progress

evaluate = typer.Typer(help="Reproduce the published figures.", no_args_is_help=True)


@evaluate.command("bones")
def evaluate_bones(
    data: Annotated[
        Path | None,
        typer.Argument(
            help="Label maps of right knees (imaged synthetically), or NAME/image.nii.gz with "
            "labels.nii.gz and labels.json; else joints of the phantom are drawn."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="First draw.")] = 1,
    count: Annotated[int, typer.Option("--count", min=1, help="Images to draw.")] = 600,
    held_out: Annotated[
        bool,
        typer.Option(
            "--held-out",
            help="Of the label maps, only the subjects that nothing was trained on; else all.",
        ),
    ] = False,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Folder of other networks than the built-in.")
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", help="Append every exam's scores here; go on where it stops."),
    ] = None,
    part: Annotated[
        str,
        typer.Option(
            "--part",
            help="K/N: one of N parts, which may run at once with a log each; join the logs and "
            "run once more without it.",
        ),
    ] = "1/1",
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Bones found by themselves: Dice, surface distance, sides, verdicts, time, memory."""
    from marrowtrail.cli.bones_scores import show_bones_scores
    from marrowtrail.evaluation.bones import score_bones
    from marrowtrail.evaluation.bones_shares import BonesSettings, Part

    number, _, parts = part.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise typer.BadParameter(f"{part!r} is not K/N with K up to N", param_hint="--part")
    one = Part(int(number), int(parts))
    settings = BonesSettings(seed, count, held_out, log, weights, one)
    with progress(quiet=quiet) as say:
        scores = score_bones(data, settings, say)
    answers.print_json(scores.model_dump_json()) if json else show_bones_scores(scores)


@evaluate.command("oedema")
def evaluate_oedema(
    data: Annotated[Path, typer.Argument(help="One folder a patient, with readers' masks.")],
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Oedema against readers' masks: Dice with each read, volume within the readers' range."""
    from marrowtrail.cli import summary
    from marrowtrail.evaluation.oedema import score_oedema

    with progress(quiet=quiet or json) as say:
        scores = score_oedema(data, say)
    answers.print_json(scores.model_dump_json()) if json else summary.show_oedema_scores(scores)


@evaluate.command("signs")
def evaluate_signs(
    data: Annotated[
        Path | None, typer.Argument(help="Patients as `phantom` writes them; else drawn.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Which limbs are drawn.")] = 1,
    count: Annotated[
        int, typer.Option("--count", min=1, help="Limbs to draw; each is imaged 2 to 5 times.")
    ] = 60,
    family: FamilyOption = "evaluation",
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Fracture lines, low-signal areas and demarcation against the truth of synthetic patients."""
    from marrowtrail.cli.sign_scores import show_sign_scores
    from marrowtrail.evaluation.signs import draw_and_score, score_folder

    drawn = draw_of(family, None).family
    with progress(quiet=quiet or json) as say:
        scores = score_folder(data, say) if data else draw_and_score(seed, count, drawn, say)
    answers.print_json(scores.model_dump_json()) if json else show_sign_scores(scores)


@evaluate.command("follow-up")
def evaluate_follow_up(
    data: Annotated[
        Path | None, typer.Argument(help="Patients as `phantom` writes them; else drawn.")
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario", help="Stories to draw, several allowed; serial draws mixed ones."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="First draw.")] = 1,
    count: Annotated[int, typer.Option("--count", min=1, help="Draws of each story.")] = 20,
    family: FamilyOption = "evaluation",
    difficulty: DifficultyOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Registration, oedema and migration against the truth of synthetic patients."""
    from marrowtrail.cli.follow_up_scores import show_follow_up_scores
    from marrowtrail.evaluation.follow_up import draw_and_score, score_folder

    draw = draw_of(family, difficulty)
    with progress(quiet=quiet or json) as say:
        scores = (
            score_folder(data, say)
            if data is not None
            else draw_and_score(tuple(scenario or ("seed",)), seed, count, draw, say)
        )
    answers.print_json(scores.model_dump_json()) if json else show_follow_up_scores(scores)


@evaluate.command("registration")
def evaluate_registration(
    data: Annotated[
        Path | None,
        typer.Argument(
            help="One folder a patient, with before.nii.gz and after.nii.gz (T1), or patients as "
            "`phantom` writes them, whose motion is known; else those are drawn."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="First draw.")] = 1,
    count: Annotated[
        int, typer.Option("--count", min=1, help="Starts: pairs of visits, all bones of each.")
    ] = 126,
    family: FamilyOption = "evaluation",
    difficulty: DifficultyOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Bones registered from starts up to 20 degrees and 30 mm, or real pairs against themselves."""
    from marrowtrail.cli.follow_up_scores import show_serial_scores, show_start_scores
    from marrowtrail.evaluation.registration_pairs import score_pairs
    from marrowtrail.evaluation.registration_starts import score_starts

    is_real = data is not None and not any(data.rglob("truth/truth.json"))
    with progress(quiet=quiet or json) as say:
        if data is not None and is_real:
            pairs = score_pairs(data, say)
        else:
            starts = score_starts(seed, count, draw_of(family, difficulty), say, data)
    if is_real:
        answers.print_json(pairs.model_dump_json()) if json else show_serial_scores(pairs)
    else:
        answers.print_json(starts.model_dump_json()) if json else show_start_scores(starts)


@evaluate.command("regions")
def evaluate_regions(
    seed: Annotated[int, typer.Option("--seed", help="First draw.")] = 1,
    count: Annotated[int, typer.Option("--count", min=1, help="Draws of each joint.")] = 6,
    family: FamilyOption = "evaluation",
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Named regions against those painted on drawn bones, in whole and cut fields of view."""
    from marrowtrail.cli import summary
    from marrowtrail.evaluation.regions import score_regions

    draw = draw_of(family, None)
    with progress(quiet=quiet or json) as say:
        scores = score_regions(seed, count, draw.family, say)
    answers.print_json(scores.model_dump_json()) if json else summary.show_region_scores(scores)


@evaluate.command("realism")
def evaluate_realism(
    data: Annotated[Path, typer.Argument(help="Folder of real series.")],
    seed: Annotated[int, typer.Option("--seed", help="First draw.")] = 1,
    count: Annotated[int, typer.Option("--count", min=1, help="Number of draws.")] = 10,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="PNG of drawn slices beside real ones.")
    ] = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """How the phantom differs from real series: contrast, noise, edges, texture."""
    from marrowtrail.cli import summary
    from marrowtrail.evaluation.realism import compare

    with progress(quiet=quiet or json) as say:
        scores = compare(data, seed, count, say, sheet)
    answers.print_json(scores.model_dump_json()) if json else summary.show_realism(scores)


@evaluate.command("cases")
def evaluate_cases(
    data: Annotated[Path, typer.Argument(help="Folder of published cases, one YAML file each.")],
    setting: SettingOption = "bone_clinic",
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """The differential against published cases, and against simpler ways to rank them."""
    from marrowtrail.cli.case_scores import show_case_scores
    from marrowtrail.evaluation.cases import score_cases

    with progress(quiet=quiet or json) as say:
        scores = score_cases(data, say, setting)
    answers.print_json(scores.model_dump_json()) if json else show_case_scores(scores)
