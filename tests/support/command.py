"""Whole commands, as a person types them: what they say, and how they end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from freehold.cli.main import run


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def everything(self) -> str:
        return f"{self.out}\n{self.err}"


def freehold(*words: str, home: Path, project: Path | None = None, stdin: str = "") -> Answer:
    """Run `freehold WORDS` with its own home, in `project`; standard input is no terminal."""
    folder = ["-p", str(project)] if project else ["-p", str(home)]
    environ = {"FREEHOLD_HOME": str(home), "FREEHOLD_ENV": None, "NO_COLOR": "1", "COLUMNS": "120"}
    with CliRunner().isolation(input=stdin, env=environ) as (out, err, _mixed):
        code = run([*folder, *words])
        return Answer(code, out.getvalue().decode(), err.getvalue().decode())
