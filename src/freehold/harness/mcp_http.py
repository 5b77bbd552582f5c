"""MCP over HTTP: each message a POST, its answer JSON or an event stream ("Streamable HTTP" in the specification)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from freehold.harness.mcp_session import McpError
from freehold.harness.models import loopback_client

if TYPE_CHECKING:
    import httpx2

_LARGEST_ANSWER = 16 * 1024 * 1024
_ACCEPT = "application/json, text/event-stream"


class HttpTransport:
    def __init__(self, url: str, headers: dict[str, str]) -> None:
        import httpx2

        self._url = url
        self._headers = {**headers, "accept": _ACCEPT, "content-type": "application/json"}
        self._client = loopback_client(url) or httpx2.AsyncClient()

    def agreed(self, version: str) -> None:
        self._headers["mcp-protocol-version"] = version

    async def ask(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        import httpx2

        try:
            async with (
                asyncio.timeout(timeout_s),
                self._client.stream(
                    "POST", self._url, content=msgspec.json.encode(message), headers=self._headers, timeout=timeout_s
                ) as answer,
            ):
                if answer.status_code != 200:
                    raise McpError(await _why(answer))
                if session_id := answer.headers.get("mcp-session-id"):
                    self._headers["mcp-session-id"] = session_id
                if answer.headers.get("content-type", "").startswith("text/event-stream"):
                    return await _from_events(answer, message["id"])
                return _object(await _read(answer))
        except TimeoutError:
            raise McpError(f"{message['method']}: no answer within {timeout_s:.0f} s") from None
        except httpx2.HTTPError as error:
            raise McpError(f"{message['method']}: {error or type(error).__name__}") from error

    async def tell(self, message: dict[str, Any]) -> None:
        import httpx2

        try:
            answer = await self._client.post(self._url, content=msgspec.json.encode(message), headers=self._headers)
        except httpx2.HTTPError as error:
            raise McpError(f"{message['method']}: {error or type(error).__name__}") from error
        if answer.status_code >= 400:
            raise McpError(f"{message['method']}: HTTP status {answer.status_code}")

    async def close(self) -> None:
        await self._client.aclose()


async def _why(answer: httpx2.Response) -> str:
    body = (await _read(answer)).decode("utf-8", "replace")
    try:
        said = msgspec.json.decode(body)
        text = said.get("message") or said.get("error", {}).get("message") or body
    except (msgspec.DecodeError, AttributeError):
        text = body
    return f"HTTP status {answer.status_code}: {str(text)[:500]}"


async def _read(answer: httpx2.Response) -> bytes:
    data = b""
    async for piece in answer.aiter_bytes():
        data += piece
        if len(data) > _LARGEST_ANSWER:
            raise McpError(f"it answers with more than {_LARGEST_ANSWER >> 20} MB")
    return data


async def _from_events(answer: httpx2.Response, call_id: int) -> dict[str, Any]:
    """The answer among the events; what else the server says meanwhile (progress, logs, calls) is passed over."""
    size, data = 0, ""
    async for line in answer.aiter_lines():
        size += len(line)
        if size > _LARGEST_ANSWER:
            raise McpError(f"it answers with more than {_LARGEST_ANSWER >> 20} MB")
        if line.startswith("data:"):
            data += line[5:].removeprefix(" ")
        elif not line and data:
            message = _object(data.encode())
            if message.get("id") == call_id and "method" not in message:
                return message
            data = ""
    raise McpError("its event stream ended before the answer came")


def _object(data: bytes) -> dict[str, Any]:
    try:
        message = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise McpError(f"it answers with something that is no JSON: {data[:100]!r}") from error
    if not isinstance(message, dict):
        raise McpError("it answers with something that is no message")
    return message
