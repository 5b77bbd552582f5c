"""`freehold agent add|update`: take over an agent from elsewhere, after showing what it would do."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import visible
from freehold.base.words import plural
from freehold.cli.agent_difference import difference, differing
from freehold.cli.agent_folder import Folder, FoundFile, read_counterparts, read_folder, write_folder
from freehold.cli.agent_review import Fact, facts_of, review
from freehold.cli.agent_source import Source, choose, fetched, find_again, find_candidates, parse_source
from freehold.cli.context import Context
from freehold.cli.output import confirm, note, print_json, say, warn
from freehold.project.agent_config import CONFIG_FILE, read_agent
from freehold.project.load import AGENTS_DIRECTORY, Project, load_project
from freehold.project.names import agent_name_problem
from freehold.project.problems import Problems
from freehold.project.toml import parse_toml

_ASK_AUTHOR = "ask its author for one that can be read"


@dataclass(frozen=True)
class Arrival:
    """An agent as it came, not yet in the project: its name here, what to write as its `source`, its files."""

    name: str
    recorded: str
    files: Folder


@click.command(name="add")
@click.argument("source", metavar="REPOSITORY|FOLDER")
@click.option("-a", "--agent", "wanted", default="", help="Which one, where there are several.")
@click.option("--as", "name", default="", metavar="NAME", help="What to call it here.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask. What it would do is shown all the same.")
@click.pass_obj
def add(context: Context, source: str, wanted: str, name: str, yes: bool) -> None:
    """Add an agent from a git repository (OWNER/REPOSITORY means GitHub's) or a folder, shown before it is trusted."""
    project = _project(context)
    origin = parse_source(source)
    with fetched(origin) as root:
        chosen = choose(origin, find_candidates(origin, root), wanted)
        files = read_folder(root, chosen.inside, origin.text)
    called = name or chosen.name
    _require_free(project, called)
    recorded = Source(origin.text, chosen.inside).recorded
    arrival = Arrival(called, recorded, _with_source(files, recorded))
    _show(project, arrival, arrival.files, None)
    if confirm(f"Add it as {AGENTS_DIRECTORY}/{called}?", yes=yes, no_input=context.no_input):
        _require_free(project, called)  # again: nobody was asked about what came meanwhile
        _install(project, called, lambda target: write_folder(arrival.files, target))
        _tell(context, called, "added")
    else:
        note("Nothing was changed.")


@click.command(name="update")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask. The changes are shown all the same.")
@click.pass_obj
def update(context: Context, name: str, yes: bool) -> None:
    """Bring an agent up to date with where it came from, after showing the changes. Its config.toml stays yours."""
    project = _project(context)
    origin = _recorded_source(project, name)
    with fetched(origin) as root:
        chosen = find_again(origin, find_candidates(origin, root), name)
        theirs = read_folder(root, chosen.inside, origin.text)
    folder = project.root / AGENTS_DIRECTORY / name
    new = {path: file for path, file in theirs.items() if path != CONFIG_FILE}
    ours = read_counterparts(folder, theirs)
    changed = differing(ours, new)
    if not changed:
        _tell_unchanged(context, name)
        return
    for line in difference(ours, new):
        note(line)
    before = _facts(project, folder, name)
    arrival = Arrival(name, origin.recorded, {**ours, **new})
    asks = f"Change {plural(len(changed), 'file')} of {name}"
    if _show(project, arrival, {path: new[path] for path in changed}, before) != before:
        asks += ", and what it may do (see NEW and NO MORE)"
    if confirm(f"{asks}?", yes=yes, no_input=context.no_input):
        _install(project, name, lambda target: _write_over(folder, new, target))
        _tell(context, name, "updated")
    else:
        note("Nothing was changed.")


def _project(context: Context) -> Project:
    return load_project(context.project_dir, home=context.home, environment=context.environment)


def _require_free(project: Project, name: str) -> None:
    problem = agent_name_problem(name)
    if problem:
        raise FreeholdError(Code.USAGE, problem, "choose another with --as NAME")
    if (project.root / AGENTS_DIRECTORY / name).exists():
        raise FreeholdError(
            Code.CONFLICT,
            f"{AGENTS_DIRECTORY}/{name} is there already",
            f"`freehold agent update {name}` brings it up to date; --as NAME adds this one under another name",
        )


def _recorded_source(project: Project, name: str) -> Source:
    problem = agent_name_problem(name)
    folder = project.root / AGENTS_DIRECTORY / name
    if problem or name not in project.agent_names:
        project.agent(name)  # raises, with the names that there are
    source = read_agent(folder, f"{AGENTS_DIRECTORY}/{name}", Problems()).values["source"]
    if not source:
        raise FreeholdError(
            Code.NOT_FOUND,
            f"{AGENTS_DIRECTORY}/{name}/{CONFIG_FILE} does not say where the agent came from",
            'write it there: source = "OWNER/REPOSITORY#FOLDER"',
        )
    return parse_source(source, recorded=True)


def _with_source(files: Folder, recorded: str) -> Folder:
    """The files, with their `source` written into config.toml; its comments stay. Raises DENIED for broken TOML."""
    import tomlkit  # 30 ms that only adding needs

    existing = files.get(CONFIG_FILE, FoundFile(b""))
    problems = Problems()
    text = existing.text
    table = parse_toml(text, CONFIG_FILE, problems) if text is not None else None
    if table is None or problems.errors:
        told = "; ".join(visible(str(problem)) for problem in problems.errors) or f"{CONFIG_FILE}: is no text"
        raise FreeholdError(Code.DENIED, f"what it would do cannot be told: {told}", _ASK_AUTHOR)
    if "source" in table:
        document = tomlkit.parse(text or "")
        document.pop("source")
        text = tomlkit.dumps(document)
    return {**files, CONFIG_FILE: FoundFile((tomlkit.dumps({"source": recorded}) + (text or "")).encode())}


def _show(project: Project, arrival: Arrival, shown: Folder, before: list[Fact] | None) -> list[Fact]:
    """Tell what the agent would do, and what of that is new; the facts. `shown` are the files that are new or changed.

    Raises DENIED when a file cannot be read: what it says would come into force with the first correction.
    """
    with tempfile.TemporaryDirectory(prefix="freehold-review-") as directory:
        folder = Path(directory) / arrival.name
        write_folder(arrival.files, folder)
        problems = Problems()
        written = read_agent(folder, f"{AGENTS_DIRECTORY}/{arrival.name}", problems)
    if not written.readable:
        told = "; ".join(visible(str(problem)) for problem in problems.errors)
        raise FreeholdError(Code.DENIED, f"what it would do cannot be told: {told}", _ASK_AUTHOR)
    facts = facts_of(written, project.config)
    for line in review(arrival.name, arrival.recorded, shown, facts, before):
        note(line)
    for problem in (*problems.errors, *problems.warnings):
        warn(visible(str(problem)))
    return facts


def _facts(project: Project, folder: Path, name: str) -> list[Fact]:
    return facts_of(read_agent(folder, f"{AGENTS_DIRECTORY}/{name}", Problems()), project.config)


def _write_over(folder: Path, files: Folder, target: Path) -> None:
    """A copy of `folder` at `target`, with `files` written over it; what only `folder` has stays."""
    shutil.copytree(folder, target, symlinks=True)
    write_folder(files, target)


def _install(project: Project, name: str, write: Callable[[Path], None]) -> None:
    """Put the agent in place in one step; what was there before is there until then."""
    agents = project.root / AGENTS_DIRECTORY
    agents.mkdir(exist_ok=True)
    target = agents / name
    with tempfile.TemporaryDirectory(prefix=".adding-", dir=agents) as directory:
        new = Path(directory) / "new"
        write(new)
        old = Path(directory) / "old"
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
        except BaseException:
            if old.exists():
                old.rename(target)
            raise


def _tell(context: Context, name: str, done: str) -> None:
    """What was done, and what is still missing before the agent can run."""
    project = _project(context)
    problems = project.broken.get(name)
    told = [str(problem) for problem in problems.errors] if problems else []
    if context.json:
        print_json({done: name, "problems": told})
        return
    say(f"{name} is {done}")
    for problem in told:
        warn(problem)
    if told:
        note(f"It cannot run yet. After you changed that: freehold run {name}")


def _tell_unchanged(context: Context, name: str) -> None:
    if context.json:
        print_json({"updated": None, "problems": []})
    else:
        say(f"{name} is up to date")
