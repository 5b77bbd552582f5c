"""An answer that is ready, head and body, sent as it is: uvicorn looks at each header with two regular expressions, and
the bytes of these are the same in every answer."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from freehold.gateway.gathering import GatheringTransport

_KEY = "freehold.at_once"


def offer(cycle: RequestResponseCycle) -> None:
    """Let the application of this request answer at once."""
    cycle.scope[_KEY] = partial(_answer, cycle)  # type: ignore[literal-required]  # a word of ours


def answer(scope: MutableMapping[str, Any], head: bytes, body: bytes) -> bool:
    """Answer with status 200; `head` are lines of headers, each with its end, and not the body's length. False, and
    nothing is sent, where the server has more to do than that, or is another one: the application answers as it always
    does.
    """
    send: Callable[[bytes, bytes], bool] | None = scope.get(_KEY)
    return send is not None and send(head, body)


def _answer(cycle: RequestResponseCycle, head: bytes, body: bytes) -> bool:
    """What `RequestResponseCycle.send` does with the two messages of such an answer."""
    if cycle.response_started or cycle.disconnected or cycle.flow.write_paused or not cycle.keep_alive:
        return False
    own = b"".join([b"%b: %b\r\n" % header for header in cycle.default_headers])
    transport = cycle.transport
    assert isinstance(transport, GatheringTransport)
    transport.write_now(b"HTTP/1.1 200 OK\r\n%b%bcontent-length: %d\r\n\r\n%b" % (own, head, len(body), body))
    cycle.waiting_for_100_continue = False
    cycle.response_started = cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()
    return True
