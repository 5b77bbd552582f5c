"""How a run ended, decided from facts that the keeper saw itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from freehold.base.errors import Code
from freehold.base.words import size
from freehold.runtime.engine import Exit
from freehold.wire.run_api import ExitCode
from freehold.wire.runs import Result, RunError


class Stop(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why the keeper ended a run: the first reason counts, and is written down before the container is killed."""

    result: Result
    error: RunError | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class Facts:
    """What is known when a run's container is gone. `exit` is None when it never started or was lost."""

    exit: Exit | None
    stop: Stop | None = None
    failure: RunError | None = None
    """What went wrong before or around the container: image, credentials, engine, disk."""
    conclusion: RunError | None = None
    """What the runner said about its exit: words, not facts."""
    concluded: bool = False
    """The runner said that it ends, so a code of 137 is its own and no kill from outside."""
    rerun_requested: bool = False
    rehearsal_problems: tuple[str, ...] = ()
    models_exhausted: str = ""
    memory_bytes: int = 0


@dataclass(frozen=True)
class Verdict:
    result: Result
    exit_code: int | None
    error: RunError | None


_MEANINGS: dict[int, tuple[str, str]] = {
    ExitCode.AUTHENTICATION: ("authentication failed", "Check the agent's credentials: freehold creds check"),
    ExitCode.PERMISSION: ("permission was denied", "Check what the agent's credentials allow: freehold creds check"),
    ExitCode.RATE_LIMITED: ("every model is rate limited", "Wait, or add a model to the agent's `models` list."),
    ExitCode.CONFIGURATION: ("the agent's configuration is wrong", "freehold doctor"),
    ExitCode.MISSING_DEPENDENCY: ("a program is missing", "Add it to the agent's Dockerfile (docs/dockerfiles.md)."),
    ExitCode.UNRECOVERABLE: ("the agent gave up (fh exit)", ""),
    ExitCode.ABORTED: ("the agent was aborted", ""),
}

_ENDED_BY_ENGINE = {(ExitCode.KILLED, False), (ExitCode.TERMINATED, False), (ExitCode.TERMINATED, True)}
"""Exit code, and whether the runner said that it ends: a Docker that is being stopped lets its containers do that."""


def decide(facts: Facts) -> Verdict:
    """The verdict: what stopped the run beats what it said; a zero exit alone makes it `completed`."""
    if facts.stop:
        code = facts.stop.exit_code if facts.stop.exit_code is not None else _code_of(facts.exit)
        if facts.stop.result is Result.COMPLETED and facts.rehearsal_problems:
            # `fh exit 0` in the middle of a rehearsal: what it was to show was not shown.
            return Verdict(Result.ERROR, code, _rehearsal(facts.rehearsal_problems))
        return Verdict(facts.stop.result, code, facts.stop.error)
    if facts.failure:
        return Verdict(Result.ERROR, _code_of(facts.exit), facts.failure)
    if facts.exit is None:
        return Verdict(Result.LOST, None, _lost())
    if facts.exit.workspace_full:
        return Verdict(Result.ERROR, facts.exit.code, _workspace_full())
    if facts.exit.out_of_memory and facts.exit.code != ExitCode.OK:
        return Verdict(Result.ERROR, facts.exit.code, _out_of_memory(facts.memory_bytes))
    if facts.exit.code == ExitCode.RERUN or (facts.rerun_requested and facts.exit.code == ExitCode.OK):
        return Verdict(Result.RERUN, ExitCode.RERUN, None)
    if facts.exit.code == ExitCode.OK:
        if facts.rehearsal_problems:
            return Verdict(Result.ERROR, 0, _rehearsal(facts.rehearsal_problems))
        return Verdict(Result.COMPLETED, 0, None)
    verdict = _failed(facts.exit, facts)
    if facts.rehearsal_problems and verdict.error:
        # What the script missed may be the cause or the consequence; a person needs both to tell.
        missed = _rehearsal(facts.rehearsal_problems)
        told = RunError(
            verdict.error.code, f"{verdict.error.message}\n{missed.message}", verdict.error.hint or missed.hint
        )
        return Verdict(verdict.result, verdict.exit_code, told)
    return verdict


def _failed(ended: Exit, facts: Facts) -> Verdict:
    if facts.models_exhausted:
        error = RunError(Code.UPSTREAM, facts.models_exhausted, _MEANINGS[ExitCode.RATE_LIMITED][1])
        return Verdict(Result.ERROR, ExitCode.RATE_LIMITED, error)
    if ended.engine_was_away and (ended.code, facts.concluded) in _ENDED_BY_ENGINE:
        message = "its engine went away while the run was under way, and ended it"
        return Verdict(Result.LOST, ended.code, RunError(Code.FAILED, message, "Start it again: freehold run AGENT"))
    if ended.code == ExitCode.KILLED and not facts.concluded:
        message = "the container was killed from outside Freehold (exit code 137)"
        return Verdict(Result.KILLED, ended.code, RunError(Code.FAILED, message, "Start it again: freehold run AGENT"))
    return Verdict(Result.ERROR, ended.code, facts.conclusion or _by_exit_code(ended))


def _by_exit_code(ended: Exit) -> RunError:
    meaning, hint = _MEANINGS.get(ended.code, ("the run failed", ""))
    said = f"; it wrote last:\n{ended.output.strip()}" if ended.output.strip() else ""
    return RunError(Code.FAILED, f"{meaning} (exit code {ended.code}){said}", hint or "freehold logs RUN shows all")


def _out_of_memory(memory_bytes: int) -> RunError:
    return RunError(
        Code.OUT_OF_MEMORY,
        f"the container ran out of memory: its limit is {size(memory_bytes)}",
        'Raise it in config.toml: [local] memory = "8g"    # default: "4g"\n'
        'or in the agent\'s own config.toml, which wins: memory = "8g"',
    )


def _workspace_full() -> RunError:
    return RunError(
        Code.DISK,
        "the agent's /workspace is full: it holds more than 2 GB",
        "Look with `freehold shell AGENT` what takes the room, and let the agent clean up after itself.",
    )


def _rehearsal(problems: tuple[str, ...]) -> RunError:
    problems_told = "; ".join(problems)
    return RunError(Code.REHEARSAL, f"the rehearsal did not go as written: {problems_told}", "Correct rehearsal.yaml.")


def _lost() -> RunError:
    return RunError(
        Code.FAILED,
        "the run's container is gone and left no exit code: the machine restarted, or somebody removed it",
        "Start it again: freehold run AGENT",
    )


def _code_of(ended: Exit | None) -> int | None:
    return ended.code if ended else None
