"""The client of a session, as the harness sees it: told what happens, asked for leave."""

from __future__ import annotations

from typing import Protocol

import msgspec

from freehold.wire import acp
from freehold.wire.acp_peer import AcpPeer, CallRefusedError

_encode = msgspec.json.Encoder().encode


class Client(Protocol):
    def update(self, update: acp.SessionUpdate) -> None: ...

    async def ask_permission(self, tool_call_id: str, title: str, tool_name: str) -> str:
        """The kind of the option that was chosen (`allow_once`, …); the empty string for none."""
        ...


class AcpClient:
    """A client at the other end of an ACP connection."""

    def __init__(self, peer: AcpPeer, session_id: str) -> None:
        self._peer = peer
        self._session_id = session_id

    def update(self, update: acp.SessionUpdate) -> None:
        notification = acp.SessionNotification(session_id=self._session_id, update=msgspec.Raw(_encode(update)))
        self._peer.notify("session/update", notification)

    async def ask_permission(self, tool_call_id: str, title: str, tool_name: str) -> str:
        options = [
            acp.PermissionOption(option_id="allow_once", name="Allow", kind="allow_once"),
            acp.PermissionOption(option_id="allow_always", name=f"Always allow {tool_name}", kind="allow_always"),
            acp.PermissionOption(option_id="reject_once", name="Reject", kind="reject_once"),
        ]
        request = acp.RequestPermissionRequest(
            session_id=self._session_id,
            tool_call=acp.ToolCallUpdate(tool_call_id=tool_call_id, title=title),
            options=options,
        )
        try:
            answer = await self._peer.call("session/request_permission", request, acp.RequestPermissionResponse)
        except CallRefusedError:
            return ""
        return answer.outcome.option_id or ""
