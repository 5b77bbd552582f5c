"""The builtin harness as an ACP agent: sessions made, prompted, cancelled."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Raw

from freehold import __version__
from freehold.base.errors import FreeholdError
from freehold.base.ids import new_ulid
from freehold.harness.client import AcpClient
from freehold.harness.history import History
from freehold.harness.instructions import instructions
from freehold.harness.models import build_model, settings_of
from freehold.harness.tool import Place, Tool
from freehold.harness.toolbox import Toolbox, builtin_tools
from freehold.harness.turn import Turn
from freehold.wire import acp, acp_rpc
from freehold.wire.acp_peer import AcpPeer, Answerer, RefuseError
from freehold.wire.model_choice import ModelChoice

PERMISSIONS_VARIABLE = "FREEHOLD_PERMISSIONS"
"""`allow`: nothing is asked. Everything that changes something is asked for otherwise."""


class Session:
    """One conversation: its history, its tools, and the turn that is going on."""

    def __init__(self, session_id: str, cwd: Path) -> None:
        self.id = session_id
        self.cwd = cwd
        self.history = History()
        self.told = ""
        self.tools: list[Tool] = builtin_tools()
        self.problems: list[str] = []
        self.turn: asyncio.Task[str] | None = None


class BuiltinAgent:
    """Answers the client's calls. `choice` is the model; `env` what tools and SDKs see."""

    def __init__(self, choice: ModelChoice, env: Mapping[str, str]) -> None:
        self._choice = choice
        self._env = dict(env)
        self._model = build_model(choice, env)
        self._sessions: dict[str, Session] = {}
        self._peer: AcpPeer | None = None

    def answerers(self) -> dict[str, Answerer]:
        return {
            "initialize": self._initialize,
            "authenticate": self._authenticate,
            "session/new": self._new_session,
            "session/prompt": self._prompt,
        }

    def serve(self, peer: AcpPeer) -> None:
        self._peer = peer

    def notified(self, method: str, params: Raw) -> None:
        if method == "session/cancel":
            cancelled = msgspec.json.decode(params, type=acp.CancelNotification)
            session = self._sessions.get(cancelled.session_id)
            if session and session.turn:
                session.turn.cancel()

    async def _initialize(self, params: Raw) -> object:
        msgspec.json.decode(params, type=acp.InitializeRequest)
        return acp.InitializeResponse(
            protocol_version=acp.PROTOCOL_VERSION,
            agent_capabilities=acp.AgentCapabilities(mcp_capabilities=acp.McpCapabilities(http=True)),
            agent_info=acp.Implementation(name="freehold", title="Freehold builtin", version=__version__),
        )

    async def _authenticate(self, _: Raw) -> object:
        return acp.AuthenticateResponse()

    async def _new_session(self, params: Raw) -> object:
        asked = msgspec.json.decode(params, type=acp.NewSessionRequest)
        cwd = Path(asked.cwd)
        if not cwd.is_absolute() or not cwd.is_dir():  # noqa: ASYNC240  one stat
            raise RefuseError(acp_rpc.INVALID_PARAMS, f"cwd is no absolute path of a directory: {asked.cwd}")
        session = Session(new_ulid(), cwd)
        await self._add_mcp(session, asked.mcp_servers)
        self._sessions[session.id] = session
        return acp.NewSessionResponse(session_id=session.id)

    async def _add_mcp(self, session: Session, servers: list[acp.McpServer]) -> None:
        if not servers:
            return
        from freehold.harness.mcp_tools import connect

        remote = await connect(servers, Place(session.cwd, self._env))
        session.tools += remote.tools
        session.problems = remote.problems
        for problem in remote.problems:
            sys.stderr.write(f"{problem}\n")

    async def _prompt(self, params: Raw) -> object:
        asked = msgspec.json.decode(params, type=acp.PromptRequest)
        session = self._sessions.get(asked.session_id)
        if session is None:
            raise RefuseError(acp_rpc.INVALID_PARAMS, f"there is no session {asked.session_id}")
        if session.turn:
            raise RefuseError(acp_rpc.INVALID_REQUEST, "a turn is going on in this session")
        skill, prompt = _texts(asked.prompt)
        session.told = skill or session.told
        session.turn = asyncio.ensure_future(self._turn_of(session).run(prompt))
        try:
            stop_reason = await session.turn
        except asyncio.CancelledError:
            stop_reason = acp.StopReason.CANCELLED
        except FreeholdError as error:
            raise RefuseError(acp_rpc.INTERNAL_ERROR, error.message, error.as_dict()) from error
        finally:
            session.turn = None
        return acp.PromptResponse(stop_reason=stop_reason)

    def _turn_of(self, session: Session) -> Turn:
        assert self._peer is not None
        client = AcpClient(self._peer, session.id)
        asks = self._env.get(PERMISSIONS_VARIABLE, "allow") != "allow"
        toolbox = Toolbox(session.tools, Place(session.cwd, self._env), client, asks=asks)
        told = instructions(session.cwd, session.told, session.problems)
        return Turn(self._model, settings_of(self._choice), toolbox, client, session.history, told)


def _texts(prompt: list[acp.ContentBlock]) -> tuple[str, str]:
    """The skill (the block that the runner marks as instructions) and everything else, as text."""
    skill: list[str] = []
    rest: list[str] = []
    for block in prompt:
        mark = (block.meta or {}).get("freehold")
        role = mark.get("role") if isinstance(mark, dict) else None
        text = block.text if block.text is not None else f"[{block.type}: {block.uri or block.name or 'not shown'}]"
        (skill if role == "instructions" else rest).append(text)
    return "\n\n".join(skill), "\n\n".join(rest)
