"""`freehold ci init github`: two workflows, and which secrets they need."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from freehold import __version__
from freehold.base.errors import Code, FreeholdError
from freehold.base.files import write_atomically
from freehold.cli.context import Context
from freehold.cli.output import confirm, note, print_json, say, warn
from freehold.cli.server import environment_asked_for
from freehold.client.server_target import target_of
from freehold.deploy.ci.branch import branch_instead_of
from freehold.deploy.ci.github import ENVIRONMENT_SECRET, Secrets, Workflows, is_unedited
from freehold.deploy.ci.origin import installed_from
from freehold.deploy.ci.reach import why_not_from_outside
from freehold.hosts.ssh_config import route_to
from freehold.project.credential import CredentialRef, FieldRef
from freehold.project.credential_variables import by_variable, fields_of, required_variables, variable_of
from freehold.project.environments import Environment
from freehold.project.home import credentials_directory, environment_file
from freehold.project.load import load_project
from freehold.project.needs import needs_of_project
from freehold.store.credentials import FileCredentialStore

_READABLE = 0o644
_SSH = FieldRef(CredentialRef("vps_ssh"), "private_key")
_PROVIDER_KEYS = {
    "hetzner": FieldRef(CredentialRef("hetzner_api_key"), "api_key"),
    "vultr": FieldRef(CredentialRef("vultr_api_key"), "api_key"),
}
_PUBLISHED = f"freehold=={__version__}"
_CLOUDFLARE = FieldRef(CredentialRef("cloudflare_api_token"), "api_token")


@click.command(name="github")
@click.option("--branch", default="main", show_default=True, help="A push of it is pushed to the server.")
@click.option("--package", default=_PUBLISHED, show_default=True, help="What pip installs there.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask: edits of the files are lost.")
@click.pass_obj
def github(context: Context, branch: str, package: str, yes: bool) -> None:
    """Write two workflows for GitHub Actions: one pushes to the environment when BRANCH changes, and one takes the
    environment down, by hand and after typing DELETE.

    Run again, it brings them up to date; where you edited one, the difference is shown and you are asked. Which secrets
    the repository needs is listed, with a command for each that sets it from what is stored here.
    """
    environment = environment_asked_for(context)
    project = load_project(context.project_dir, home=context.home, environment=environment.name)
    needs = needs_of_project(project)
    fields = by_variable([*(field for need in needs for field in fields_of(need.ref)), _SSH])
    required = {ENVIRONMENT_SECRET, variable_of(_SSH), *required_variables(needs)}
    tokens = {variable_of(field): field for field in _tokens(environment)}
    repository = _repository(context.project_dir)
    workflows = Workflows(
        environment.name,
        _below(context.project_dir, repository),
        branch,
        package,
        Secrets(tuple(sorted(required)), tuple(sorted(set(fields) - required))),
        Secrets((ENVIRONMENT_SECRET, variable_of(_SSH), *sorted(tokens))),
    )
    changed = _write(repository, workflows, context, yes=yes)
    warnings = [*_warnings(context, environment), *_doubts(workflows, repository)]
    _tell(context, environment, {**fields, **tokens}, sorted({*required, *tokens}), changed, warnings)


def _tokens(environment: Environment) -> Iterable[FieldRef]:
    """What opens the accounts in which the environment has something."""
    server = environment.server
    if server and server.provider in _PROVIDER_KEYS:
        yield _PROVIDER_KEYS[server.provider]
    if server and any(name.lower().startswith("cloudflare") for name, _ in server.ids):
        yield _CLOUDFLARE


def _repository(project: Path) -> Path:
    """The root of the git repository that the project is in, by the folders alone: its configuration, which may have
    come with a stranger's project, can name another one. Raises NOT_FOUND."""
    here = project.resolve()
    for folder in (here, *here.parents):
        if (folder / ".git").exists():
            return folder
    raise FreeholdError(Code.NOT_FOUND, f"{project} is in no git repository", "git init")


def _below(project: Path, repository: Path) -> str:
    inside = project.resolve().relative_to(repository).as_posix()
    return "" if inside == "." else inside


def _write(repository: Path, workflows: Workflows, context: Context, *, yes: bool) -> list[str]:
    """Which files are other ones now. Raises USAGE where nobody can be asked about an edited one: then none is."""
    new = {}
    for name, text in workflows.texts.items():
        path = repository / name
        before = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        if before == text:
            continue
        if before and not is_unedited(before) and not _agreed(path, before, text, context, yes=yes):
            note(f"{name} stays as it is")
            continue
        new[path] = text
    for path, text in new.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode(), _READABLE)
    return [str(path.relative_to(repository)) for path in new]


def _agreed(path: Path, before: str, text: str, context: Context, *, yes: bool) -> bool:
    for line in difflib.unified_diff(before.splitlines(), text.splitlines(), "yours", "written anew", lineterm=""):
        note(line)
    return confirm(f"{path} was edited. Write it anew, without your edits?", yes=yes, no_input=context.no_input)


def _tell(
    context: Context,
    environment: Environment,
    fields: dict[str, FieldRef],
    secrets: Sequence[str],
    changed: Sequence[str],
    warnings: Sequence[str],
) -> None:
    store = FileCredentialStore(context.home)
    commands = {name: _setting(context, environment, store, fields.get(name), name) for name in secrets}
    if context.json:
        print_json({"written": changed, "secrets": secrets, "warnings": warnings})
        return
    for name in changed:
        say(f"written: {name}")
    if not changed:
        say("The workflows are up to date.")
    if not context.quiet:
        note("The repository needs these secrets. Each is set from here by the GitHub command line:")
        for command in commands.values():
            note(f"  {command}")
        note("Then commit the workflows. Whoever may push to the branch may use what the secrets open.")
    for warning in warnings:
        warn(warning)


def _warnings(context: Context, environment: Environment) -> list[str]:
    """What the jobs will fail by."""
    found = []
    if environment.pin is None:
        pin = f"freehold env check {environment.name} --host-key SHA256:..."
        found.append(f"no host key is pinned in the environment's file, and a job cannot be asked: {pin}")
    if environment.has_server:
        host = route_to(target_of(environment, FileCredentialStore(context.home))).host
        if why := why_not_from_outside(host):
            found.append(
                f"{environment.name} is at {host}, {why}: a hosted runner cannot reach it. If one of yours can, "
                "name it in both workflows: `runs-on: self-hosted`"
            )
    return found


def _doubts(workflows: Workflows, repository: Path) -> list[str]:
    """What the workflows count on, and is not so here."""
    found = []
    if workflows.package == _PUBLISHED and (origin := installed_from()):
        found.append(
            f"the jobs install {_PUBLISHED} from the package index, and this freehold came from {origin}: --package "
            "names what they are to install, as in --package git+https://github.com/you/freehold"
        )
    if branch := branch_instead_of(repository, workflows.branch):
        found.append(
            f"a push of {workflows.branch} starts the job, and this repository has no such branch: --branch {branch}"
        )
    return found


def _setting(
    context: Context, environment: Environment, store: FileCredentialStore, field: FieldRef | None, name: str
) -> str:
    server = environment.server
    key_path = server.key_path if server else ""
    if field is None:
        path = shlex.quote(str(environment_file(context.home, environment.name)))
        # A key's path is one of this machine; there, the key is a secret of its own.
        return f"grep -v keyPath {path} | gh secret set {name}" if key_path else f"gh secret set {name} < {path}"
    if field == _SSH and key_path:
        return f"gh secret set {name} < {shlex.quote(str(Path(key_path).expanduser()))}"
    for instance in (environment.name, field.ref.instance) if field == _SSH else (field.ref.instance,):
        ref = CredentialRef(field.ref.type, instance)
        if store.get(ref, field.field) is not None:
            stored = credentials_directory(context.home) / ref.type / ref.instance / field.field
            return f"gh secret set {name} < {shlex.quote(str(stored))}"
    return f"gh secret set {name}    # {FieldRef(field.ref, field.field)}; it is not stored here"
