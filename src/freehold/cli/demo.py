"""`freehold demo`: one useful agent, on a real repository, in a locked-down container, without an API key."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import sys
from pathlib import Path

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.base.program import with_sudo
from freehold.cli.context import Context
from freehold.cli.demo_repository import apply_patch, fetch_repository, find_repository
from freehold.cli.demo_setting import Setting, choose_setting
from freehold.cli.demo_template import alone_in, lay_out
from freehold.cli.follow import Follower, exit_code_of, follow_until_interrupted
from freehold.cli.output import note, paint, print_json, say
from freehold.client.keeper import connect
from freehold.wire.events import RunFinished
from freehold.wire.runs import Result, RunOptions, RunView, StartRun, Trigger

AGENT = "release-notes"
_SHOWN_LINES = 24


@click.command(name="demo")
@click.option(
    "--repo", default="", metavar="URL|PATH", help="The repository to work on [the one you are in, else Freehold's]."
)
@click.option("--into", type=click.Path(path_type=Path), default=Path("freehold-demo"), show_default=True,
              help="Where the demo's project is made.")  # fmt: skip
@click.option("--engine", type=click.Choice(["docker", "host-user"]), help="Where to run [docker, where it answers].")
@click.option("-v", "--verbose", is_flag=True, help="Whole tool outputs, every connection and request.")
@click.pass_obj
def command(context: Context, repo: str, into: Path, engine: str | None, verbose: bool) -> int:
    """Watch an agent write release notes for a real git repository.

    The model's part is rehearsed (read from a file), everything else is real: image, container, harness, git.
    """
    source = find_repository(repo, Path.cwd())
    return asyncio.run(_demo(context, source, into.absolute(), engine or "", verbose=verbose))


async def _demo(context: Context, source: str, project: Path, engine: str, *, verbose: bool) -> int:
    setting = await choose_setting(project, engine)
    _tell(context, source, project, setting)
    lay_out(project, setting)
    with alone_in(project):
        return await _carry_out(context, source, project, setting, verbose=verbose)


async def _carry_out(context: Context, source: str, project: Path, setting: Setting, *, verbose: bool) -> int:
    clone = fetch_repository(source, project)
    context.project_dir = project
    finished = await _run(context, setting, verbose=verbose)
    if finished.result != Result.COMPLETED:
        return exit_code_of(finished)
    if finished.return_value is None:
        raise FreeholdError(Code.FAILED, "the run completed but handed no patch back", "freehold logs shows why.")
    notes = apply_patch(clone, finished.return_value)
    if context.json:
        print_json({"project": project, "repository": clone, "branch": "release-notes", "file": notes})
    else:
        _show(project, clone, notes, setting)
    return 0


async def _run(context: Context, setting: Setting, *, verbose: bool) -> RunFinished:
    options = RunOptions(rehearse=True, as_caller=setting.as_caller)
    start = StartRun(new_run_id(AGENT), AGENT, Trigger(), options=options)
    connection = await connect(context.project_dir, context.home)
    try:
        await connection.call("run/start", start, RunView)
    except BaseException:
        await connection.close()
        raise
    follower = Follower(context, start.run_id, verbose=verbose)
    return await follow_until_interrupted(follower, context, start.run_id, connection)


def _tell(context: Context, source: str, project: Path, setting: Setting) -> None:
    if context.json or context.quiet:
        return
    note(f"project:     {project}")
    note(f"repository:  {source}")
    note(f"engine:      {setting.engine}: {setting.meaning}")
    for warning in setting.warnings:
        note(paint(f"warning:     {warning}", fg="yellow"))
    note("model:       none: agents/release-notes/rehearsal.yaml plays its part, so there is no key and no cost")
    note("")


def _show(project: Path, clone: Path, notes: Path, setting: Setting) -> None:
    lines = notes.read_text(encoding="utf-8", errors="replace").splitlines()
    say()
    say(paint(f"{notes}", bold=True))
    for line in lines[:_SHOWN_LINES]:
        say(f"  {line}")
    if len(lines) > _SHOWN_LINES:
        say(f"  … {len(lines) - _SHOWN_LINES} more lines")
    say()
    say("The agent committed it on a branch of a copy of the repository:")
    say(f"  git -C {_short(clone)} show release-notes")
    if setting.as_caller:
        say("Runs that are not a rehearsal want a user of their own first:")
        say(f"  {with_sudo('doctor --fix')}")
    say("The same agent, with a real model (a few cents):")
    program = _program()
    say(f"  cd {_short(project)} && {program} creds add anthropic_key && {program} run {AGENT}")


def _program() -> str:
    """How this very program is called from any folder: by name where the shell would find it, else by its path."""
    own = Path(sys.argv[0]).absolute()
    found = shutil.which("freehold")
    return "freehold" if found and Path(found).samefile(own) else shlex.quote(str(own))


def _short(path: Path) -> str:
    """As short as it can be said here, and as the shell takes it for one word."""
    return shlex.quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))
