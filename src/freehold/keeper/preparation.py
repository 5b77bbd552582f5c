"""Getting a run under way: a place, an image, credentials, a directory, a socket, a container."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from freehold.base.clock import rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.base.redaction import Redaction
from freehold.base.threads import in_thread
from freehold.keeper.brief import BriefFacts, build_brief
from freehold.keeper.chats import longest_s
from freehold.keeper.edits import edits_of
from freehold.keeper.permissions import Permissions
from freehold.keeper.record import Step
from freehold.keeper.secrets import secrets_of
from freehold.project.agent import Agent
from freehold.project.dockerfiles.stages import is_freeholds_base
from freehold.project.load import Project
from freehold.project.names import BASE_IMAGE
from freehold.runtime.credential_staging import stage_credentials
from freehold.runtime.engine import Network, Place, RunSpec
from freehold.runtime.run_directory import RunDirectory
from freehold.wire.brief import StagedCredential
from freehold.wire.events import BuildStep, Limit, RunStarted
from freehold.wire.runs import Phase, RunState

if TYPE_CHECKING:
    from freehold.keeper.run import Run


async def prepare(run: Run) -> None:
    """From nothing to a running container. Every step may be repeated after a crash; none is done twice by that."""
    project, agent = load(run)
    run.phases.enter(Phase.QUEUE)
    if run.file.record.slot is None:  # a run that is prepared anew kept its place
        run.file.record.slot = await run.means.slots.take(agent.name, agent.scale)
    image = await _ready_image(run, project, agent)
    place = await locate(run)
    for warning in place.warnings:
        run.note(Limit(limit="engine", message=warning))
    staged = _stage(run, agent)
    await _lay_out(run, project, agent, place, staged)
    await _open_socket(run, project, agent)
    await _start_container(run, agent, _spec(run, project, agent, image))


async def reopen(run: Run, *, serve: bool) -> None:
    """Take up a run that an earlier keeper started; `serve` opens its socket again, for one that still works.

    A configuration that cannot be read now, because somebody edits it, does not end a run: it is served once it can.
    """
    await locate(run)
    try:
        project, agent = load(run)
        if run.file.record.step is Step.CONTAINER:
            _note_running(run, agent)
        run.services = await run.means.open_services(run, project, agent, serve=serve)
    except FreeholdError as error:
        if error.code is Code.DISK:
            raise
        run.unserved = error.message if serve else ""
        run.note(Limit(limit="reload", message=f"taken over, but not served yet: {error.message}"))


async def locate(run: Run) -> Place:
    """Ask the engine where the run's parts are; the answer is the same each time."""
    assert run.engine is not None
    record = run.file.record
    place = await run.engine.place(
        run.run_id,
        record.project,
        record.start.agent,
        record.slot or 0,
        run_as=run.agent.run_as if run.agent else "",
        as_caller=record.start.options.as_caller,
    )
    run.place = place
    run.directory = RunDirectory(run.file.path.parent, place)
    return place


def load(run: Run) -> tuple[Project, Agent]:
    """Read the project and find the run's agent and engine. Raises the project's CONFIG errors."""
    start = run.file.record.start
    begun_from = start.options.revision
    # Before it is read: a later edit must not be missed.
    run.edits = (begun_from,) if begun_from else edits_of(run.means.root, start)
    project = run.means.load(start.options.environment, begun_from)
    agent = project.agent(start.agent)
    run.project, run.agent = project, agent
    run.redaction = Redaction(secrets_of(agent, run.means.credentials))
    run.log.redact(run.redaction)
    run.permissions = Permissions(
        agent.permissions,
        run.log,
        attended=start.options.interactive or start.is_chat,
        deadline_s=agent.permission_deadline_s,
        default=agent.permission_default,
        clock=run.means.clock,
        on_open=run.show_waiting,
    )
    run.file.show(waiting_for=())  # what a keeper before was asked is asked again
    return project, agent


async def _ready_image(run: Run, project: Project, agent: Agent) -> str:
    run.phases.enter(Phase.IMAGE)
    run.file.show(state=RunState.STARTING)
    run.enter(Step.IMAGE)
    if agent.is_host_user:
        return ""
    image = await run.means.images.ensure(
        project, agent, lambda image, text: run.note(BuildStep(image=image, text=text))
    )
    run.file.show(image=image)
    return image


def _stage(run: Run, agent: Agent) -> list[StagedCredential]:
    run.phases.enter(Phase.CREDENTIALS)
    run.enter(Step.CREDENTIALS)
    return stage_credentials(run.directory, agent.credentials, run.means.credentials)


async def _lay_out(run: Run, project: Project, agent: Agent, place: Place, staged: Sequence[StagedCredential]) -> None:
    run.enter(Step.DIRECTORY)
    # In a thread: other runs are served meanwhile, however large the folders are.
    await in_thread(run.directory.snapshot, agent.directory, project.shared_dir)
    facts = BriefFacts(
        start=run.file.record.start,
        agent=agent,
        inside=place.inside,
        staged=staged,
        harness_command=run.means.harness_command(agent, place),
        read_only_root=not agent.is_host_user,
    )
    run.directory.write_brief(build_brief(facts))


async def _open_socket(run: Run, project: Project, agent: Agent) -> None:
    run.enter(Step.SOCKET)
    run.services = await run.means.open_services(run, project, agent, serve=True)


def _spec(run: Run, project: Project, agent: Agent, image: str) -> RunSpec:
    record = run.file.record
    return RunSpec(
        run_id=run.run_id,
        project=record.project,
        agent=agent.name,
        attempt=record.start.attempt,
        slot=record.slot or 0,
        image=image,
        mount=run.directory.mount,
        agent_dir=run.directory.agent,
        credentials_dir=run.directory.credentials,
        shared_dir=run.directory.shared if project.shared_dir else None,
        network=Network(agent.network),
        memory_bytes=agent.memory_bytes,
        cpus=min(agent.cpus, os.cpu_count() or 1),
        timeout_s=longest_s(agent, record.start),
        started_at=rfc3339(run.means.clock.now()),
        run_as=agent.run_as,
        groups=agent.groups,
        as_caller=record.start.options.as_caller,
        base_image=base_of(project.config.local.image),
    )


def base_of(local_image: str) -> str:
    """The image that a project's images are made from: ours, or the one that `local.image` names."""
    return f"{BASE_IMAGE}:latest" if not local_image or is_freeholds_base(local_image) else local_image


async def _start_container(run: Run, agent: Agent, spec: RunSpec) -> None:
    assert run.engine is not None
    run.phases.enter(Phase.CONTAINER)
    record = run.file.record
    record.container_started_at, record.timeout_s, record.memory_bytes = (
        spec.started_at, spec.timeout_s, spec.memory_bytes,
    )  # fmt: skip
    run.enter(Step.CONTAINER)
    await run.engine.start(spec)
    _note_running(run, agent)


def _note_running(run: Run, agent: Agent) -> None:
    """The container is up: said once, also when the keeper that started it died before it could."""
    record = run.file.record
    if not run.log.started:
        run.note(
            RunStarted(
                engine=record.view.engine,
                image=record.view.image,
                harness=agent.harness.name,
                network=agent.network,
                models=[model.name for model in agent.models],
                timeout_s=record.timeout_s,
            )
        )
    run.file.show(state=RunState.RUNNING, started_at=record.container_started_at)
    run.enter(Step.RUNNING)
