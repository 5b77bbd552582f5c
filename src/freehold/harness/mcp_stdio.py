"""MCP over the standard streams of a program that we start: one JSON object a line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from freehold.harness.mcp_session import McpError
from freehold.wire.lines import LineSplitter, LineTooLongError

_LONGEST_LINE = 16 * 1024 * 1024
_NOT_OFFERED = {"code": -32601, "message": "not offered"}


class StdioTransport:
    """The program's standard error is ours. Its end fails whatever waits for it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def start(cls, command: list[str], env: Mapping[str, str], cwd: Path) -> StdioTransport:
        """Raises `McpError` when it cannot be started."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise McpError(f"{command[0]} cannot be started: {error.strerror}") from error
        return cls(process)

    def agreed(self, version: str) -> None:
        """The streams carry no version."""

    async def ask(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        future = self._waiting[message["id"]] = asyncio.get_running_loop().create_future()
        try:
            if self._reading.done():
                raise McpError(f"{message['method']}: the program has ended")
            await self.tell(message)
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            raise McpError(f"{message['method']}: no answer within {timeout_s:.0f} s") from None
        finally:
            del self._waiting[message["id"]]

    async def tell(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(message) + b"\n")
            await self._process.stdin.drain()
        except ConnectionError as error:
            raise McpError(f"{message.get('method', 'an answer')}: the program has ended") from error

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        splitter = LineSplitter(_LONGEST_LINE)
        why = "the program has ended"
        try:
            while data := await self._process.stdout.read(65536):
                for line in splitter.feed(data):
                    await self._take(line)
        except LineTooLongError as error:
            why = f"it wrote {error}"
        except McpError as error:
            why = str(error)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(McpError(why))

    async def _take(self, line: bytes) -> None:
        try:
            message = msgspec.json.decode(line)
        except msgspec.DecodeError:
            return  # programs print
        if not isinstance(message, dict):
            return
        call_id = message.get("id")
        if "method" in message:
            if call_id is not None:
                answer = {"result": {}} if message["method"] == "ping" else {"error": _NOT_OFFERED}
                await self.tell({"jsonrpc": "2.0", "id": call_id, **answer})
            return
        future = self._waiting.get(call_id) if isinstance(call_id, int) else None
        if future and not future.done():
            future.set_result(message)
