"""Posting a notice over HTTP: one request, with a deadline, and an answer of bounded size."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

import httpx2

from freehold import __version__
from freehold.base.plain_text import clipped
from freehold.base.redaction import Redaction
from freehold.base.secret import Secret
from freehold.notices.not_taken import NotTakenError
from freehold.project.notices import url_problem

DEADLINE_S = 20.0
"""For the whole of it: name, connection, answer."""
LARGEST_ANSWER_BYTES = 64 * 1024
LONGEST_SAID = 200
_REFUSED = frozenset({400, 413, 415, 422})
"""Of this message: another one may be taken."""

# It would write every address it asks into our log, and some of them are secrets.
logging.getLogger("httpx2").setLevel(logging.WARNING)


async def post(
    url: Secret,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[Secret] = (),
    *,
    deadline_s: float = DEADLINE_S,
) -> None:
    """Raises `NotTakenError` unless it was taken (2xx). Redirects are not followed."""
    address = url.reveal()
    if problem := url_problem(address):
        raise NotTakenError(f"its address {problem}")
    # A proxy may carry what is encrypted; the rest goes straight to this machine.
    by_proxy = address.startswith("https:")
    try:
        async with asyncio.timeout(deadline_s), httpx2.AsyncClient(timeout=None, trust_env=by_proxy) as client:
            status, said, retry_after = await _send(client, address, headers, body)
    except TimeoutError:
        raise NotTakenError(f"no answer in {deadline_s:.0f} s") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        # Their texts may repeat what was sent, and where to.
        raise NotTakenError(f"it cannot be reached ({type(error).__name__})") from None
    if not 200 <= status < 300:
        words = clipped(Redaction([url, *secrets]).text(said), LONGEST_SAID).strip()
        message = f"it answered {status}" + (f": {words}" if words else "")
        raise NotTakenError(message, refused=status in _REFUSED, retry_after_s=retry_after)


async def _send(
    client: httpx2.AsyncClient, url: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, str, float]:
    own = {"user-agent": f"freehold/{__version__}", "accept-encoding": "identity"}
    async with client.stream("POST", url, headers={**own, **headers}, content=body, follow_redirects=False) as response:
        said = bytearray()
        async for piece in response.aiter_raw():
            said += piece
            if len(said) > LARGEST_ANSWER_BYTES:
                break
        return response.status_code, bytes(said).decode(errors="replace"), _seconds(response.headers.get("retry-after"))


def _seconds(text: str | None) -> float:
    """Of `Retry-After`, where it is a number of seconds."""
    return float(text[:9]) if text and text.isascii() and text.isdigit() else 0.0
