"""What the runner is told about one run: `prompt.json`, put together from project, agent, trigger and place. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from freehold.project.agent import Agent
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.project.mcp import McpSpec
from freehold.project.models import ModelSpec
from freehold.project.providers import REHEARSAL
from freehold.project.wire_formats import EVERY_FORMAT
from freehold.runtime.engine import Inside
from freehold.runtime.harness_brief import Command, harness_brief
from freehold.runtime.prompt import PromptFacts, build_prompt
from freehold.wire import places
from freehold.wire.brief import Brief, Harness, McpServer, StagedCredential
from freehold.wire.runs import StartRun


@dataclass(frozen=True)
class BriefFacts:
    """`harness_command` is how the harness starts where the run is; `read_only_root` says whether it is a container."""

    start: StartRun
    agent: Agent
    inside: Inside
    staged: Sequence[StagedCredential]
    harness_command: Command
    read_only_root: bool


def build_brief(facts: BriefFacts) -> Brief:
    """The brief of a run. It names credentials, never their values."""
    agent, inside = facts.agent, facts.inside
    return Brief(
        run_id=facts.start.run_id,
        agent=agent.name,
        attempt=facts.start.attempt,
        harness=_harness(facts),
        skill=agent.skill_body,
        prompt=build_prompt(_prompt_facts(facts)),
        pre_hooks=list(agent.pre_hooks),
        post_hooks=list(agent.post_hooks),
        script=f"{inside.agent_dir}/{places.TEST_SCRIPT}" if agent.script else "",
        permissions=agent.permissions,
        network=agent.network,
        credentials=list(facts.staged),
        credentials_dir=inside.credentials_dir,
        agent_dir=inside.agent_dir,
        shared_dir=inside.shared_dir,
        workspace_dir=inside.workspace_dir,
        working_dir=inside.working_dir,
        home_dir=inside.home_dir,
        mcp_servers=[_mcp_server(spec) for spec in agent.mcp],
        keep_open=facts.start.is_chat,
        idle_shell=facts.start.options.idle,
        params=dict(agent.params),
        env={
            "FREEHOLD_AGENT_DIR": inside.agent_dir,
            "FREEHOLD_SHARED_DIR": inside.shared_dir,
            "FREEHOLD_WORKSPACE": inside.workspace_dir,
        },
    )


def _harness(facts: BriefFacts) -> Harness:
    models = models_of(facts.agent, rehearse=facts.start.options.rehearse)
    return harness_brief(facts.agent.harness, facts.harness_command, models, facts.agent.server_tools)


def models_of(agent: Agent, *, rehearse: bool) -> tuple[ModelSpec, ...]:
    """The agent's models; for a rehearsal, one that plays rehearsal.yaml in their place."""
    if not rehearse:
        return agent.models
    first = agent.models[0] if agent.models else None
    name = first.name if first else REHEARSAL
    model = first.model if first else REHEARSAL
    return (ModelSpec(name, REHEARSAL, model, "", "", "", EVERY_FORMAT, None),)


def _prompt_facts(facts: BriefFacts) -> PromptFacts:
    agent, inside = facts.agent, facts.inside
    return PromptFacts(
        params=dict(agent.params),
        trigger=facts.start.trigger,
        credentials={str(ref): CREDENTIAL_TYPES[ref.type].env_names for ref in agent.credentials},
        network=agent.network,
        hosts=agent.allowed_hosts,
        working_dir=inside.working_dir,
        workspace_dir=inside.workspace_dir,
        credentials_dir=inside.credentials_dir,
        read_only_root=facts.read_only_root,
    )


def _mcp_server(spec: McpSpec) -> McpServer:
    if spec.command:
        return McpServer(name=spec.name, command=list(spec.command), env=dict(spec.env))
    return McpServer(name=spec.name, url=f"http://127.0.0.1:{places.MODEL_PORT}/mcp/{spec.name}")
