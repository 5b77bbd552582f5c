"""The entry point of the builtin harness: an ACP agent on its standard streams."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from typing import TYPE_CHECKING

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.wire import acp_rpc, model_choice
from freehold.wire.lines import LineSplitter, LineTooLongError
from freehold.wire.model_choice import MODELS_VARIABLE, ModelChoice

if TYPE_CHECKING:
    from freehold.harness.agent import BuiltinAgent
    from freehold.wire.acp_peer import AcpPeer


def main() -> int:
    """Serve one client until it closes our input. 2: nothing to serve with, told on standard error."""
    out = _claim_standard_output()
    try:
        choice = _first_choice(os.environ.get(MODELS_VARIABLE, ""))
        agent = _load(choice)
    except FreeholdError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        return 2
    asyncio.run(_serve(agent, out))
    return 0


def _claim_standard_output() -> int:
    """A descriptor for messages alone: whatever a library prints goes to standard error instead."""
    out = os.dup(1)
    os.dup2(2, 1)
    return out


def _first_choice(text: str) -> ModelChoice:
    try:
        choices = model_choice.decode(text)
    except msgspec.DecodeError as error:
        message = f"{MODELS_VARIABLE} is no list of models: {error}"
        raise FreeholdError(Code.CONFIG, message, "The keeper sets it for every run.") from error
    if not choices:
        message = "no model of the agent's list fits this harness"
        raise FreeholdError(Code.CONFIG, message, "Set `models` in the agent's config.toml.")
    return choices[0]


def _load(choice: ModelChoice) -> BuiltinAgent:
    """Import the SDK while the runner is still busy. Nothing of it is ever collected, so the collector rests."""
    gc.disable()
    from freehold.harness.agent import BuiltinAgent

    agent = BuiltinAgent(choice, os.environ)
    gc.collect()
    gc.freeze()
    gc.enable()
    return agent


async def _serve(agent: BuiltinAgent, out: int) -> None:
    from freehold.wire.acp_peer import AcpPeer

    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(out, "wb"))
    peer = AcpPeer(transport.write, answerers=agent.answerers(), on_notified=agent.notified, on_odd=_complain)
    agent.serve(peer)
    splitter = LineSplitter(acp_rpc.LONGEST_LINE)
    try:
        while data := await reader.read(65536):
            for line in splitter.feed(data):
                _receive(peer, line)
    except LineTooLongError as error:
        _complain(f"the client sent {error}")
    finally:
        await peer.close()


def _receive(peer: AcpPeer, line: bytes) -> None:
    try:
        peer.receive(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _complain(f"a line that is no message: {error}")


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
