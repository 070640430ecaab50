"""The log of an evaluation of bones: a line for every exam and comparison, to go on from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from marrowtrail.errors import InputError
from marrowtrail.evaluation.bones_figures import ExamScore, PairScore


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """What was scored before, and where what is scored now is written, a line each."""

    seed: int
    path: Path | None
    exams: dict[str, ExamScore]
    pairs: dict[str, PairScore]

    @staticmethod
    def read(path: Path | None, seed: int) -> Log:
        """The log in a file; an empty one where it does not exist yet, or none is kept.

        Raises
        ------
        InputError
            If a line is no score, or was drawn with another seed.
        """
        log = Log(seed, path, {}, {})
        if path is None or not path.is_file():
            return log
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            log._take(line, number)
        return log

    def _take(self, line: str, number: int) -> None:
        kept: ExamScore | PairScore
        try:
            kept = (ExamScore if '"images"' in line else PairScore).model_validate_json(line)
        except ValidationError as error:
            raise InputError(
                "Expected a line that an evaluation of bones wrote; got another.",
                where=f"the log, line {number}",
                remedy="take that line out, or name another file",
            ) from error
        if kept.seed != self.seed:
            raise InputError(
                f"Expected scores drawn with seed {self.seed}, got seed {kept.seed}.",
                where=f"the log, line {number}",
                remedy="name another log, or the same seed",
            )
        if isinstance(kept, ExamScore):
            self.exams[kept.key] = kept
        else:
            self.pairs[kept.key] = kept

    def add(self, score: ExamScore | PairScore) -> None:
        """Write a line at once, so that stopping loses one exam at most."""
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(score.model_dump_json() + "\n")
