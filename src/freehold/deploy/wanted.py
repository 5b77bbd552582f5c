"""What a push wants a server to have: read once from the project's files here, before the server is asked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from freehold import __version__
from freehold.base.clock import Clock, rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.deploy.binding import binding
from freehold.deploy.commit import commit_of
from freehold.deploy.credentials_choice import Chosen, choose
from freehold.deploy.lease import this_user
from freehold.deploy.release_files import ReleaseFiles, read_release_files
from freehold.deploy.release_part import require_agent
from freehold.deploy.unhealthy import TIMEOUT_S
from freehold.project.environments import Environment
from freehold.project.home import environment_file
from freehold.project.load import Project, check, load_project
from freehold.project.problems import Problems
from freehold.project.toml import read_toml
from freehold.server.layout import BASE, Layout, server_name
from freehold.server.release import ReleaseRecord
from freehold.store.credentials import FileCredentialStore


@dataclass(frozen=True)
class Wanted:
    """`record` is of the release to be, as far as it is known here. `settings` names what of the configuration counts
    after a restart only. `agent` is the one to be pushed; empty for the whole project. `first_port` is where the
    search for the gateway's port begins."""

    project: Project
    environment: Environment
    layout: Layout
    files: ReleaseFiles
    record: ReleaseRecord
    credentials: Chosen
    settings: str
    first_port: int
    agent: str = ""
    health_timeout_s: float = TIMEOUT_S

    @property
    def expose(self) -> bool:
        server = self.environment.server
        return server is None or server.expose


def read_wanted(
    root: Path,
    home: Path,
    environment: Environment,
    clock: Clock,
    *,
    agent: str = "",
    health_timeout_s: float = TIMEOUT_S,
    only_plan: bool = False,
) -> Wanted:
    """Raises CONFIG with every error of the project (of one agent alone, when that is pushed), CREDENTIAL with every
    one that is missing (unless it is for a plan alone: that says which), NOT_FOUND when there is no project or agent,
    what `read_release_files` raises."""
    project = _sound_project(root, home, environment.name, agent)
    _require_containers(project, agent)
    files = read_release_files(root, binding(project.name, _laid_over(home, environment.name)))
    if agent:
        require_agent(files, agent, project.agent_names)
    credentials = choose(project, FileCredentialStore(home), agent)
    if not only_plan:
        credentials.require_complete()
    base = environment.server.base_path if environment.server else BASE
    layout = Layout(server_name(project.name), base)
    record = ReleaseRecord(
        id="", project=project.name, content="", program="", pushed_at=rfc3339(clock.now()), pushed_by=this_user(),
        version=__version__, git=commit_of(root), credentials=credentials.names,
    )  # fmt: skip
    return Wanted(
        project, environment, layout, files, record, credentials, settings_of(project), project.config.gateway.port,
        agent, health_timeout_s,
    )  # fmt: skip


def settings_of(project: Project) -> str:
    """A digest of what a gateway reads when it starts and at no later time: the database. The rest of the configuration
    it takes over while it runs."""
    url = project.config.database_url
    return hashlib.sha256(url.reveal().encode()).hexdigest()[:16] if url else ""


def _sound_project(root: Path, home: Path, environment: str, agent: str) -> Project:
    """What has errors here would be refused there, after it was sent."""
    if agent:
        project = load_project(root, home=home, environment=environment)
        project.agent(agent)
        return project
    report = check(root, home=home, environment=environment)
    report.problems.raise_errors()
    assert report.project is not None
    if not report.project.agents:
        raise FreeholdError(Code.CONFIG, f"{root} has no agent", "make one with `freehold agent new NAME`")
    return report.project


def _require_containers(project: Project, agent: str) -> None:
    """The keeper of a pushed project is nobody who could become another user."""
    without = [name for name, each in project.agents.items() if each.is_host_user and agent in ("", name)]
    if without:
        raise FreeholdError(
            Code.CONFIG,
            f"host-user is for machines that a project is put on by hand, and so run: {', '.join(sorted(without))}",
            'Set `engine = "docker"` in [local], or `type = "container"` in their [runtime], for this environment '
            "(docs/host-user.md).",
        )


def _laid_over(home: Path, environment: str) -> dict[str, object]:
    path = environment_file(home, environment)
    return read_toml(path.resolve(), str(path), Problems())  # its mistakes were told when the project was loaded
