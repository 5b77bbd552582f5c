"""A Model Context Protocol server on standard streams: messages in, answers out, several at a time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

from freehold.base.errors import Code, FreeholdError
from freehold.cli import mcp_messages as messages
from freehold.cli.mcp_messages import Incoming, McpError
from freehold.cli.mcp_resources import Resources
from freehold.cli.mcp_tools import Toolbox

_AT_ONCE = 4
_INSTRUCTIONS = (
    "Freehold runs AI agents in locked-down containers. `status` says how the project stands, `run` lets an agent "
    "begin, `logs` tells what happened. Everything but `start` needs a running project."
)
_CAPABILITIES: dict[str, Any] = {"tools": {}, "resources": {}}


class McpServer:
    """Answers one message at a time to whoever asks; it may be asked by several threads."""

    def __init__(self, toolbox: Toolbox, resources: Resources) -> None:
        self._toolbox = toolbox
        self._resources = resources
        self._verbs: Mapping[str, Callable[[Incoming], bytes]] = {
            "initialize": self._initialize,
            "server/discover": self._discover,
            "ping": lambda asked: messages.result(asked, {}),
            "tools/list": lambda asked: messages.result(asked, {"tools": toolbox.tools}, cacheable=True),
            "tools/call": self._call,
            "resources/list": lambda asked: messages.result(asked, {"resources": resources.list()}, cacheable=True),
            "resources/templates/list": lambda asked: messages.result(
                asked, {"resourceTemplates": resources.templates}, cacheable=True
            ),
            "resources/read": self._read,
        }

    def answer(self, line: bytes) -> bytes | None:
        """The line that answers `line`; None where none is due."""
        asked_id = None
        try:
            asked = messages.read(line)
            asked_id = asked.id
            if not asked.method or asked.id is None:
                return None
            return self._verb(asked)(asked)
        except McpError as error:
            return messages.failure(asked_id, error)
        except FreeholdError as error:
            return messages.failure(asked_id, _as_mcp_error(error))
        except Exception as error:  # a defect of ours must be an answer, not a client that waits
            defect = McpError(messages.INTERNAL_ERROR, f"{type(error).__name__}: {error}")
            return messages.failure(asked_id, defect)

    def _verb(self, asked: Incoming) -> Callable[[Incoming], bytes]:
        if asked.version not in ("", messages.NEWEST):
            supported = [messages.NEWEST, *messages.WITH_A_BEGINNING]
            raise McpError(
                messages.UNSUPPORTED_VERSION,
                f"version {asked.version[:40]} is not spoken here",
                {"requested": asked.version, "supported": supported},
            )
        verb = self._verbs.get(asked.method)
        if verb is None:
            raise McpError(messages.METHOD_NOT_FOUND, f"there is no method {asked.method[:100]}")
        return verb

    def _initialize(self, asked: Incoming) -> bytes:
        wanted = asked.params.get("protocolVersion")
        agreed = wanted if wanted in messages.WITH_A_BEGINNING else messages.NEWEST_WITH_A_BEGINNING
        about = {"protocolVersion": agreed, "serverInfo": messages.SERVER}
        return messages.result(asked, {**about, "capabilities": _CAPABILITIES, "instructions": _INSTRUCTIONS})

    def _discover(self, asked: Incoming) -> bytes:
        found = {
            "supportedVersions": [messages.NEWEST, *messages.WITH_A_BEGINNING],
            "capabilities": _CAPABILITIES,
            "instructions": _INSTRUCTIONS,
        }
        return messages.result(asked, found, cacheable=True)

    def _call(self, asked: Incoming) -> bytes:
        name, arguments = asked.params.get("name"), asked.params.get("arguments") or {}
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise McpError(messages.INVALID_PARAMS, "a call has a name, and arguments by name")
        return messages.result(asked, self._toolbox.call(name, arguments))

    def _read(self, asked: Incoming) -> bytes:
        uri = asked.params.get("uri")
        try:
            contents = self._resources.read(uri if isinstance(uri, str) else "")
        except FreeholdError as error:
            code = messages.INVALID_PARAMS if asked.version else messages.RESOURCE_NOT_FOUND
            raise McpError(code, error.message, {"uri": uri}) from None
        return messages.result(asked, {"contents": [contents]}, cacheable=True)


def serve(server: McpServer, source: BinaryIO, sink: BinaryIO, *, longest: int = messages.LONGEST_LINE) -> None:
    """Answer what comes from `source` until it ends, and what is under way then. Answers may overtake each other."""
    writing = threading.Lock()

    def work(line: bytes) -> None:
        answer = server.answer(line)
        if answer is not None:
            with writing:
                sink.write(answer)
                sink.flush()

    with ThreadPoolExecutor(_AT_ONCE) as workers:
        while line := source.readline(longest):
            if not line.endswith(b"\n") and len(line) == longest:
                _skip_line(source, longest)
                line = b"!"  # what is too long is answered as what is no JSON
            if line.strip():
                workers.submit(_unless_gone, work, line)


def _unless_gone(work: Callable[[bytes], None], line: bytes) -> None:
    try:
        work(line)
    except BrokenPipeError:
        print("the client is gone", file=sys.stderr)  # noqa: T201  its answers have nowhere to go


def _skip_line(source: BinaryIO, longest: int) -> None:
    while piece := source.readline(longest):
        if piece.endswith(b"\n"):
            return


def _as_mcp_error(error: FreeholdError) -> McpError:
    code = messages.INVALID_PARAMS if error.code in (Code.USAGE, Code.NOT_FOUND) else messages.INTERNAL_ERROR
    return McpError(code, f"{error.message} {error.hint}".strip(), error.as_dict())
