"""Two peers, joined line to line: calls both ways, refusals, and answers that nobody waits for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest
from msgspec import Raw

from freehold.wire import acp, acp_rpc
from freehold.wire.acp_peer import AcpPeer, Answerer, CallRefusedError, RefuseError


@dataclass
class End:
    """A peer whose lines go straight to `other`."""

    answerers: dict[str, Answerer] = field(default_factory=dict)
    notified: list[tuple[str, bytes]] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    other: End | None = None

    def __post_init__(self) -> None:
        self.peer = AcpPeer(
            self._send,
            answerers=self.answerers,
            on_notified=lambda method, params: self.notified.append((method, bytes(params))),
            on_odd=self.odd.append,
        )

    def _send(self, line: bytes) -> None:
        self.sent.append(line)
        if self.other:
            asyncio.get_running_loop().call_soon(self.other.peer.receive, line.rstrip(b"\n"))


def joined(one: End, two: End) -> None:
    one.other, two.other = two, one


async def test_calls_go_both_ways_at_once() -> None:
    async def prompt(params: Raw) -> object:
        asked = msgspec.json.decode(params, type=acp.PromptRequest)
        allowed = await agent.peer.call("ask", {}, acp.RequestPermissionResponse)
        assert asked.session_id == "s"
        return acp.PromptResponse(stop_reason=allowed.outcome.outcome)

    async def ask(_: Raw) -> object:
        return acp.permission_answer("")

    client, agent = End({"ask": ask}), End({"prompt": prompt})
    joined(client, agent)
    answer = await client.peer.call("prompt", acp.PromptRequest(session_id="s", prompt=[]), acp.PromptResponse)
    assert answer.stop_reason == "cancelled"
    assert (client.odd, agent.odd) == ([], [])


async def test_a_refusal_is_raised_with_its_data() -> None:
    async def refuse(_: Raw) -> object:
        raise RefuseError(-32000, "spent", {"code": "budget"})

    client, agent = End(), End({"prompt": refuse})
    joined(client, agent)
    with pytest.raises(CallRefusedError) as caught:
        await client.peer.call("prompt", {}, acp.PromptResponse)
    assert (caught.value.error.code, caught.value.error.data) == (-32000, {"code": "budget"})


async def test_what_is_not_offered_or_not_understood_is_refused() -> None:
    async def prompt(params: Raw) -> object:
        return msgspec.json.decode(params, type=acp.PromptRequest)

    client, agent = End(), End({"prompt": prompt})
    joined(client, agent)
    for method, code in (("fs/read_text_file", acp_rpc.METHOD_NOT_FOUND), ("prompt", acp_rpc.INVALID_PARAMS)):
        with pytest.raises(CallRefusedError) as caught:
            await client.peer.call(method, {"path": 7}, acp.PromptResponse)
        assert caught.value.error.code == code


async def test_an_answer_of_another_shape_is_an_error_of_its_call() -> None:
    async def prompt(_: Raw) -> object:
        return {"stopReason": 7}

    client, agent = End(), End({"prompt": prompt})
    joined(client, agent)
    with pytest.raises(msgspec.ValidationError):
        await client.peer.call("prompt", {}, acp.PromptResponse)


async def test_answers_to_no_call_are_odd_and_end_nothing() -> None:
    client = End()
    for line in (b'{"id":9,"result":{}}', b'{"id":"x","error":{"code":1,"message":"m"}}', b'{"id":null,"result":1}'):
        client.peer.receive(line)
    assert client.odd == ["an answer to a call that was not made"] * 3


async def test_a_call_ends_when_the_peer_is_gone_or_silent() -> None:
    client = End()
    waiting = asyncio.ensure_future(client.peer.call("prompt", {}, acp.PromptResponse))
    await asyncio.sleep(0)
    client.peer.fail(ConnectionResetError("gone"))
    with pytest.raises(ConnectionResetError):
        await waiting
    with pytest.raises(TimeoutError):
        await client.peer.call("prompt", {}, acp.PromptResponse, timeout_s=0.01)


async def test_notifications_keep_their_order() -> None:
    client, agent = End(), End()
    joined(client, agent)
    for number in range(5):
        agent.peer.notify("session/update", number)
    await asyncio.sleep(0)
    assert [params for _, params in client.notified] == [b"0", b"1", b"2", b"3", b"4"]


async def test_close_cancels_what_is_being_answered() -> None:
    cancelled = asyncio.Event()

    async def prompt(_: Raw) -> object:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return None

    agent = End({"prompt": prompt})
    agent.peer.receive(acp_rpc.call("a", "prompt", {}))
    await asyncio.sleep(0)
    await agent.peer.close()
    assert cancelled.is_set()
