"""The ACP session with a harness: opened, prompted, cancelled; every wait in it has a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Raw

from freehold import __version__
from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration, one_of
from freehold.runner.harness_process import HarnessProcess, understands
from freehold.runner.keeper_session import KeeperSession
from freehold.runner.narrator import LONGEST_TITLE, MOST_TOOLS, Narrator, TooManyToolsError
from freehold.runner.refused import as_failure
from freehold.wire import acp
from freehold.wire.acp_peer import AcpPeer, CallRefusedError
from freehold.wire.brief import Brief, McpServer
from freehold.wire.permission import PermissionOption

INITIALIZE_S = 60.0
AUTHENTICATE_S = 60.0
NEW_SESSION_S = 120.0
"""Starting MCP servers is part of it."""
_MOST_OPTIONS = 10
_LONGEST_STOP_REASON = 100
Result = TypeVar("Result")


class Conversation:
    """Joins a harness, the narrator of what it does, and the keeper who answers its permission requests."""

    def __init__(
        self,
        brief: Brief,
        process: HarnessProcess,
        narrator: Narrator,
        keeper: KeeperSession,
        model_last_seen: Callable[[], float],
    ) -> None:
        self._brief = brief
        self._process = process
        self._narrator = narrator
        self._keeper = keeper
        self._model_last_seen = model_last_seen
        self._peer = AcpPeer(
            process.send,
            answerers={"session/request_permission": self._request_permission},
            on_notified=self._on_notified,
            on_odd=self._on_odd,
        )
        self._agent = acp.InitializeResponse(protocol_version=0)
        self._session_id = ""
        self._asked = 0
        self._asking = 0
        self._odd = 0
        self._cancelled = False
        self._lost: asyncio.Future[FreeholdError] = asyncio.get_running_loop().create_future()
        process.on_line = self._on_line
        process.on_fault = self._on_fault

    async def open(self) -> None:
        """Shake hands. Raises `FreeholdError` for a harness that does not speak ACP version 1."""
        client = acp.Implementation(name="freehold", title="Freehold", version=__version__)
        request = acp.InitializeRequest(protocol_version=acp.PROTOCOL_VERSION, client_info=client)
        patience_s = min(INITIALIZE_S, self._brief.silence_timeout_s)
        self._agent = await self._call("initialize", request, acp.InitializeResponse, patience_s)
        if self._agent.protocol_version != acp.PROTOCOL_VERSION:
            version = self._agent.protocol_version
            raise self._process.unlike_acp(
                f"speaks version {version} of the Agent Client Protocol; {acp.PROTOCOL_VERSION} is needed"
            )

    async def begin(self) -> None:
        """Make the session, authenticating first where the harness wants that."""
        servers = [server for spec in self._brief.mcp_servers if (server := self._mcp_server(spec))]
        request = acp.NewSessionRequest(cwd=self._brief.working_dir, mcp_servers=servers)
        try:
            made = await self._call("session/new", request, acp.NewSessionResponse, NEW_SESSION_S)
        except CallRefusedError as refused:
            if refused.error.code != acp.AUTH_REQUIRED:
                raise as_failure(self._process.name, refused) from refused
            await self._authenticate()
            made = await self._plain_call("session/new", request, acp.NewSessionResponse, NEW_SESSION_S)
        self._session_id = made.session_id

    async def turn(self, prompt: list[acp.ContentBlock]) -> str:
        """Prompt, and wait until the harness's turn is over; why it stopped.

        Raises `FreeholdError`: a `RefusedError` when the harness lives on.
        """
        self._cancelled = False
        self._process.last_heard = time.monotonic()  # in a chat, it had nothing to say since its last turn
        request = acp.PromptRequest(session_id=self._session_id, prompt=prompt)
        watching = asyncio.get_running_loop().create_task(self._watch_for_silence())
        try:
            answer = await self._plain_call("session/prompt", request, acp.PromptResponse, None)
        finally:
            watching.cancel()
            self._narrator.turn_ended()
        return answer.stop_reason[:_LONGEST_STOP_REASON]

    def cancel(self) -> None:
        """Ask the harness to end its turn; its open permission requests are cancelled with it."""
        self._cancelled = True
        self._keeper.stop_asking()
        self._peer.notify("session/cancel", acp.CancelNotification(session_id=self._session_id))

    async def lost(self) -> FreeholdError:
        """Waits until the harness can be talked to no more, for whatever reason; the reason."""
        return await asyncio.shield(self._lost)

    async def close(self) -> None:
        await self._peer.close()

    async def _authenticate(self) -> None:
        method = choose_method(self._agent.auth_methods, self._brief.harness.auth_method)
        if method is None:
            names = one_of(method.id for method in self._agent.auth_methods)
            raise self._process.failed(
                f"asks for a login that a run cannot do (its methods: {names})",
                "Choose a harness that takes its key from a variable, or name its method (`auth_method`).",
            )
        await self._plain_call(
            "authenticate", acp.AuthenticateRequest(method_id=method), acp.AuthenticateResponse, AUTHENTICATE_S
        )

    async def _plain_call(self, method: str, params: object, result: type[Result], timeout_s: float | None) -> Result:
        try:
            return await self._call(method, params, result, timeout_s)
        except CallRefusedError as refused:
            raise as_failure(self._process.name, refused) from refused

    async def _call(self, method: str, params: object, result: type[Result], timeout_s: float | None) -> Result:
        if self._process.fault:
            raise self._process.fault
        try:
            return await self._peer.call(method, params, result, timeout_s)
        except TimeoutError as error:
            raise self._process.unlike_acp(f"did not answer `{method}` within {duration(timeout_s or 0)}") from error
        except msgspec.DecodeError as error:
            raise self._process.unlike_acp(f"answered `{method}` with something else: {error}") from error

    async def _watch_for_silence(self) -> None:
        """A harness that is neither heard, nor has a tool at work, nor talks to a model, hangs."""
        longest = self._brief.silence_timeout_s
        while True:
            heard = max(self._process.last_heard, self._model_last_seen())
            busy = self._narrator.tools_running or self._asking
            silent = 0.0 if busy else time.monotonic() - heard
            if silent >= longest:
                self._process.fail(f"said and did nothing for {duration(longest)}, and is taken for hung")
                return
            await asyncio.sleep(max(0.05, min(5.0, longest - silent)))

    def _on_line(self, line: bytes) -> None:
        if not understands(line, self._peer.receive):
            self._process.said_garbage(line)

    def _on_fault(self, fault: FreeholdError) -> None:
        self._peer.fail(fault)
        if not self._lost.done():
            self._lost.set_result(fault)

    def _on_odd(self, what: str) -> None:
        self._odd += 1
        if self._odd <= 5:
            self._process.note(f"sent {what}")

    def _on_notified(self, method: str, params: Raw) -> None:
        if method != "session/update":
            return  # extensions of a harness's own, and later protocols
        try:
            notification = msgspec.json.decode(params, type=acp.SessionNotification)
            update = acp.decode_update(notification.update)
        except (msgspec.DecodeError, RecursionError) as error:
            self._on_odd(f"an update that is none: {error}")
            return
        if self._session_id and notification.session_id != self._session_id:
            self._on_odd("an update of a session that is not ours")
        elif update is not None:
            self._narrate(update)

    def _narrate(self, update: acp.SessionUpdate) -> None:
        try:
            self._narrator.hear(update)
        except TooManyToolsError:
            self._process.fail(f"has more than {MOST_TOOLS} tool calls open")

    async def _request_permission(self, params: Raw) -> object:
        request = msgspec.json.decode(params, type=acp.RequestPermissionRequest)
        title = self._narrator.about_to_ask(request.tool_call)[:LONGEST_TITLE]
        offered = request.options[:_MOST_OPTIONS]
        ids = {option.option_id[:200]: option.option_id for option in offered}
        options = [
            PermissionOption(id=option.option_id[:200], name=option.name[:200], kind=option.kind[:50])
            for option in offered
        ]
        self._asked += 1
        self._asking += 1
        try:
            chosen = await self._keeper.ask(f"p{self._asked}", title, options)
        finally:
            self._asking -= 1
            self._process.last_heard = time.monotonic()
        if self._cancelled:
            return acp.permission_answer("")
        return acp.permission_answer(ids.get(chosen) or ids.get(rejecting(options), ""))

    def _mcp_server(self, spec: McpServer) -> acp.McpServer | None:
        if spec.command:
            return acp.stdio_server(spec.name, spec.command, spec.env)
        if self._agent.agent_capabilities.mcp_capabilities.http:
            return acp.http_server(spec.name, spec.url)
        self._process.note(f"cannot use the MCP server {spec.name}: it does not support HTTP transport")
        return None


def rejecting(options: list[PermissionOption]) -> str:
    """The option that says no, once rather than always; empty (cancelled) when there is none."""
    kinds = {option.kind: option.id for option in reversed(options)}
    return kinds.get("reject_once", kinds.get("reject_always", ""))


def choose_method(methods: list[acp.AuthMethod], wanted: str) -> str | None:
    """The authentication method to use: the one that is wanted, else one that takes a key from a variable.

    A method of type `terminal` needs a person; of the others, those that read a variable say `env_var` or `api-key`.
    """
    offered = [method for method in methods if method.type != "terminal"]
    if wanted:
        return next((method.id for method in offered if method.id == wanted), None)
    for method in offered:
        if method.type == "env_var" or "api-key" in method.id or "api_key" in method.id or "apikey" in method.id:
            return method.id
    return None


def failure_of_stop(name: str, stop_reason: str) -> FreeholdError | None:
    """Why a turn that stopped for this reason did not do its work; None when it did."""
    if stop_reason == acp.StopReason.END_TURN:
        return None
    meanings = {
        acp.StopReason.MAX_TOKENS: ("the model reached its longest answer", "Ask for less at once."),
        acp.StopReason.MAX_TURN_REQUESTS: (
            "the harness reached its bound of requests in one turn",
            "Raise the harness's own limit.",
        ),
        acp.StopReason.REFUSAL: ("the model refused to go on", "freehold logs RUN shows what it was asked."),
        acp.StopReason.CANCELLED: ("the harness cancelled its turn by itself", "freehold logs RUN"),
    }
    what, hint = meanings.get(stop_reason, (f"the turn stopped: {stop_reason}", "freehold logs RUN"))
    return FreeholdError(Code.HARNESS, f"harness {name}: {what}", hint)
