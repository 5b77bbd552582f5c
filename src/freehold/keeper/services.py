"""What answers on the socket of one run, put together: run API, session, model gateway, egress proxy, MCP relay."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.words import plural
from freehold.egress.dialer import Dialer
from freehold.egress.proxy import EgressProxy
from freehold.egress.rules import Rules, allow_list, nothing
from freehold.keeper.control import Control
from freehold.keeper.mcp_relay import McpRelay, McpServer
from freehold.keeper.model_policy import model_policy
from freehold.keeper.outcome import Stop
from freehold.keeper.run import Run
from freehold.keeper.run_api import RunApi
from freehold.keeper.run_session import RunSession
from freehold.keeper.run_socket import RunSocket
from freehold.keeper.scheduler import Scheduler
from freehold.models.budget import Budgets
from freehold.models.circuit import Circuit
from freehold.models.gateway import ModelGateway
from freehold.models.guard import BudgetGuard
from freehold.models.http_model import HttpModel
from freehold.models.ledger import Ledger
from freehold.models.record import Recorder
from freehold.models.rehearsal import Rehearsal
from freehold.models.rehearsal_file import read_script
from freehold.project.agent import Agent
from freehold.project.budget import Budget
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.project.egress import PACKAGE_REGISTRIES
from freehold.project.load import Project
from freehold.store.credentials import CredentialStore
from freehold.wire.events import Limit, Log, ModelRequest
from freehold.wire.runs import Result, RunError, Usage
from freehold.wire.session import FromKeeper

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServiceMeans:
    """What the services of all runs share."""

    http: aiohttp.ClientSession
    mcp_http: aiohttp.ClientSession
    ledger: Ledger
    circuit: Circuit
    dialer: Callable[[], Dialer]
    """Makes one for a run: what it looks up must not keep others waiting."""
    clock: Clock
    credentials: CredentialStore
    scheduler: Scheduler


class RunServices:
    """Opened with the run's socket, closed with the run."""

    def __init__(self, run: Run, means: ServiceMeans, project: Project, agent: Agent) -> None:
        """Raises CREDENTIAL, DENIED and REHEARSAL for what keeps the run from being served."""
        self._run = run
        self._means = means
        self._control = Control(run)
        self._session = RunSession(self._control.from_runner, self._violation, means.clock)
        self._control.session = self._session
        self._rehearsal = _rehearsal(run, agent)
        self._recorder = _recorder(run, agent)
        self._gateway = self._make_gateway(project, agent)
        self._egress = EgressProxy(rules_of(agent), run.note, dialer=means.dialer(), clock=means.clock)
        self._socket = RunSocket(
            run.directory.socket,
            api=RunApi(run.run_id, self._control, means.scheduler),
            session=self._session,
            gateway=self._gateway,
            egress=self._egress,
            only_uid=run.place.uid,
            mcp=McpRelay(_mcp_servers(agent, means.credentials), means.mcp_http, run.note),
        )

    async def open(self, *, serve: bool) -> None:
        """See `OpenServices`. Raises DISK."""
        if self._run.file.record.adoptions:
            self._charge_what_was_cut()
        if not serve:
            return
        try:
            await self._socket.open()
        except OSError as error:
            path = self._run.directory.socket
            raise FreeholdError(
                Code.DISK, f"{path}: {error.strerror}", f"Look at {path.parent} (df -h, ls -l)."
            ) from error

    async def close(self, *, run_over: bool) -> None:
        await self._gateway.close()
        await self._socket.close()
        await self._control.close()
        if run_over:
            self._close_account()
            self._write_recording()

    def reload(self, project: Project, agent: Agent) -> None:  # noqa: ARG002  the seam's words
        """Connections that an edited allow-list no longer lets out are cut."""
        rules = rules_of(agent)
        if rules != self._egress.rules:
            self._egress.set_rules(rules)
            self._run.note(Limit(limit="reload", message=f"the allow-list was edited; it is now: {rules.names()}"))

    def send(self, message: FromKeeper) -> None:
        self._session.send(message)

    @property
    def rehearsal_problems(self) -> tuple[str, ...]:
        return tuple(self._rehearsal.problems()) if self._rehearsal else ()

    @property
    def models_exhausted(self) -> str:
        return self._gateway.rate_limited

    def _make_gateway(self, project: Project, agent: Agent) -> ModelGateway:
        means, run = self._means, self._run
        # The project's days and months count for all agents together; everything else holds for this agent.
        whole = project.config.budget
        together = Budget(usd_per_day=whole.usd_per_day, usd_per_month=whole.usd_per_month)
        budgets = Budgets(together, agent.budget)
        self._guard = BudgetGuard(run.run_id, budgets, means.ledger, means.clock, self._budget_spent, agent.name)
        return ModelGateway(
            model_policy(agent, means.credentials, run.file.record.start.options),
            self._guard,
            HttpModel(means.http),
            means.clock,
            run.note_request,
            circuit=means.circuit,
            rehearsal=self._rehearsal,
            recorder=self._recorder,
        )

    def _budget_spent(self, message: str) -> None:
        self._run.note(Limit(limit="budget", message=message))
        hint = "Raise it under [budget] in config.toml, or in the agent's own."
        self._run.stop(Stop(Result.BUDGET, RunError(Code.BUDGET, message, hint)))

    def _charge_what_was_cut(self) -> None:
        """Requests that were under way when the keeper before died are charged in full: nobody saw their end."""
        spent_usd = self._guard.recover().usd_micro / 1e6
        known_usd = self._run.spent.cost_usd or 0.0
        # The ledger rounds each request up to a millionth; such a difference is no request.
        if spent_usd - known_usd > (self._run.spent.usage.requests + 1) / 1e6:
            self._run.note_request(
                ModelRequest(
                    model="", provider="", wire_format="", status=0, usage=Usage(), first_byte_s=None, duration_s=0.0,
                    cost_usd=round(spent_usd - known_usd, 6), error="its keeper died meanwhile; it is charged in full",
                )
            )  # fmt: skip

    def _close_account(self) -> None:
        try:
            self._guard.close()
        except FreeholdError as error:  # the next keeper closes it (`Ledger.close_dead_runs`)
            _logger.warning("an account stays open", extra={"run_id": self._run.run_id, "error": error.message})

    def _write_recording(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        path = self._run.file.record.start.options.record
        if self._run.file.record.adoptions:
            self._run.note(Limit(limit="record", message="the recording begins where a new keeper took the run over"))
        try:
            turns = recorder.write()
        except OSError as error:
            self._run.note(
                Limit(limit="record", message=f"the rehearsal could not be written to {path}: {error.strerror}")
            )
        else:
            told = f"{path}: {plural(turns, 'turn')}" if turns else "the model said nothing that could be rehearsed"
            self._run.note(Log(level="info", text=f"recorded {told}"))

    def _violation(self, message: str) -> None:
        self._run.note(Limit(limit="session", message=message))


def rules_of(agent: Agent) -> Rules:
    """What the agent may reach through the proxy."""
    if agent.network != "allowlist":
        return nothing(agent.name, f'network = "{agent.network}"')
    hosts = {ref.type: CREDENTIAL_TYPES[ref.type].egress for ref in agent.credentials}
    return allow_list(
        agent.name,
        egress=agent.egress,
        credential_hosts=hosts,
        registries=PACKAGE_REGISTRIES,
        ssh=agent.holds_git_ssh,
    )


def _rehearsal(run: Run, agent: Agent) -> Rehearsal | None:
    if agent.script:
        return None  # no session asks a model
    rehearsed = run.file.record.start.options.rehearse or any(model.is_rehearsal for model in agent.models)
    if not rehearsed or agent.rehearsal is None:
        return None
    return Rehearsal(read_script(agent.rehearsal), run.directory.rehearsal_progress)


def _recorder(run: Run, agent: Agent) -> Recorder | None:
    target = run.file.record.start.options.record
    return Recorder(Path(target), agent.harness.name) if target else None


def _mcp_servers(agent: Agent, store: CredentialStore) -> list[McpServer]:
    return [
        McpServer(spec, store.get(spec.credential.ref, spec.credential.field) if spec.credential else None)
        for spec in agent.mcp
        if spec.url
    ]
