"""`freehold runs files RUN [PATH]`, `freehold runs diff RUN`: what a run left."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import plural, size
from freehold.cli.context import Context
from freehold.cli.elsewhere import gateway_elsewhere, latest_run_id
from freehold.cli.output import note, paint, print_json, say, table
from freehold.cli.target import require_runs_or_project
from freehold.client.gateway import in_path
from freehold.keeper.history import find_run
from freehold.keeper.left import content_of, read_left, told_of
from freehold.project.state import keeper_directory
from freehold.wire.left import LeftContent, RunLeft

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command(name="files")
@click.argument("run")
@click.argument("path", default="")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the content of PATH to this file."
)
@click.pass_obj
def files(context: Context, run: str, path: str, output: Path | None) -> None:
    """List the files that RUN left, or show the content of one, PATH as the list has it.

    It is what the run told at its end: files that it changed in git repositories and did not ignore, and others that
    it wrote in its workspace and its working directory. Contents of up to 256 kB are kept.
    """
    left, content = _left_by(context, run)
    if path and context.json and not output:
        print_json(LeftContent(content(path)))
    elif path:
        _show_content(content(path), path, output)
    elif output:
        raise FreeholdError(
            Code.USAGE, "--output is for the content of one file", "name it: freehold runs files RUN PATH"
        )
    elif context.json:
        print_json(left)
    else:
        _list(context, left)


@click.command(name="diff")
@click.argument("run")
@click.pass_obj
def diff(context: Context, run: str) -> None:
    """Show what RUN changed in git repositories, as a patch: since the commits at which it found or cloned them."""
    left, _ = _left_by(context, run)
    if context.json:
        print_json(left.repositories)
        return
    for repository in left.repositories:
        if not context.quiet:
            note(f"{repository.path}" + (f", since {repository.base[:12]}" if repository.base else ""))
            _note_what_is_not_there(repository.problem, cut=repository.cut)
        _show_patch(repository.patch)
    if not left.repositories and not context.quiet:
        note("it changed nothing in a git repository")


Content = Callable[[str], bytes]


def _left_by(context: Context, target: str) -> tuple[RunLeft, Content]:
    """What a run left, and how to get the content of one of its files. Raises NOT_FOUND."""
    if gateway := gateway_elsewhere(context):
        address = f"/runs/{in_path(latest_run_id(gateway, target))}/left"
        found = gateway.get(address, RunLeft)
        return found, lambda path: gateway.get(f"{address}/content?path={in_path(path)}", LeftContent).content
    require_runs_or_project(context.project_dir)
    state = keeper_directory(context.project_dir)
    left = read_left(state, find_run(context.project_dir, target))
    return told_of(left), lambda path: content_of(left, path)


def _list(context: Context, left: RunLeft) -> None:
    if not left.files:
        say("It left no file that it wrote.")
        return
    rows = [(one.state, "" if one.state == "removed" else size(one.size_bytes), one.path) for one in left.files]
    table(["state", "size", "file"], rows)
    if left.more and not context.quiet:
        note(f"{plural(left.more, 'file')} more, not listed")
    if left.problem and not context.quiet:
        note(left.problem)


def _show_content(content: bytes, path: str, output: Path | None) -> None:
    if output:
        try:
            output.write_bytes(content)
        except OSError as error:
            raise FreeholdError(Code.DISK, f"{output}: {error.strerror}", "Name another file.") from error
    elif sys.stdout.isatty():
        say(_text(content, path))
    else:
        sys.stdout.buffer.write(content)


def _text(content: bytes, path: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise FreeholdError(Code.USAGE, f"{path} is no text", "Write it to a file: --output FILE") from None


def _show_patch(patch: str) -> None:
    """As git wrote it where it is piped, so that git takes it; at a terminal nothing in it is obeyed."""
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(patch.encode())
        return
    for line in patch.removesuffix("\n").split("\n") if patch else ():
        head = line.startswith(("+++", "---", "diff "))
        say(paint(line, bold=True) if head else paint(line, fg=_COLOURS.get(line[:1])))


def _note_what_is_not_there(problem: str, *, cut: bool) -> None:
    if problem:
        note(problem)
    if cut:
        note("the patch is longer than what is kept of it")
