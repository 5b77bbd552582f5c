"""Whether a delivery from outside gets to the project: asked for as a sender would, at the address that senders use."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from freehold.deploy.check import Check, State, Verdict

PATH = "/webhooks/freehold/check"
"""No source can have this name: a gateway answers that there is nothing, in its own words, and counts no refused
delivery."""
LOOK_WITHIN_S = 8.0
_LARGEST = 64 * 1024


@dataclass(frozen=True)
class Reach:
    """`url` is where senders send to, empty where nobody outside can. `status` and `is_ours` tell the answer, `problem`
    why there is none; `problem` is empty when there is. `is_there` says whether the project is on the server at all."""

    url: str = ""
    is_there: bool = True
    status: int = 0
    is_ours: bool = False
    problem: str = ""


Ask = Callable[[str], Awaitable[Reach]]


def webhooks(reach: Reach) -> Verdict:
    if not reach.is_there:
        return Verdict(State.SKIP, "no project of this folder is there yet")
    if not reach.url:
        return Verdict(State.SKIP, "`expose = false`, and no gateway.url: no delivery comes from outside")
    where = f"{reach.url}/webhooks"
    if reach.problem:
        return Verdict(State.FAIL, f"{where}: {reach.problem}", "Nobody can deliver: see the checks above.")
    if reach.is_ours:
        return Verdict(State.PASS, f"a delivery to {where} gets to the project")
    if reach.status >= 500:
        return Verdict(
            State.FAIL, f"{where} answers {reach.status}: the project does not",
            "`freehold env status` and `freehold env logs` say why.",
        )  # fmt: skip
    return Verdict(
        State.FAIL, f"{where} answers {reach.status}, and that is not the project's gateway",
        "Whatever stands before it must hand /webhooks on as it is, with its headers.",
    )  # fmt: skip


WEBHOOK_CHECKS: tuple[Check[Reach], ...] = (Check("webhooks", webhooks),)


async def ask_as_sender(url: str) -> Reach:
    """What is answered at `PATH` below `url`, `https://app.example.com` say. Raises nothing."""
    try:
        async with asyncio.timeout(LOOK_WITHIN_S):
            status, body = await _get(url)
    except ssl.SSLCertVerificationError as error:
        return Reach(url, problem=f"its certificate is not trusted: {error.verify_message}")
    except TimeoutError:
        return Reach(url, problem="it does not answer in time")
    except OSError as error:
        return Reach(url, problem=f"it cannot be reached: {error.strerror or error}")
    except (ValueError, EOFError) as error:
        return Reach(url, problem=f"it cannot be reached: {error}")
    return Reach(url, status=status, is_ours=_is_ours(body))


async def _get(url: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    host, is_secure = parts.hostname or "", parts.scheme == "https"
    context = ssl.create_default_context() if is_secure else None
    port = parts.port or (443 if is_secure else 80)
    reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host if context else None)
    try:
        writer.write(f"GET {PATH} HTTP/1.0\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n\r\n".encode())
        answer = await reader.read(_LARGEST)
        while len(answer) < _LARGEST and (more := await reader.read(_LARGEST)):
            answer += more
    finally:
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ValueError("it answers no HTTP")
    return int(words[1]), body


def _is_ours(body: bytes) -> bool:
    """A gateway's error says code, message and hint (docs/interfaces.md, "Errors")."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and {"code", "message", "hint"} <= said.keys()
