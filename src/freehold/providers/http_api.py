"""The one path on which providers are asked: JSON over HTTPS, deadlines, retries, errors that say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from freehold import __version__
from freehold.base.clock import Clock, SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import clipped
from freehold.base.redaction import Redaction
from freehold.base.secret import Secret
from freehold.providers.api_call import Api, Call, Said, refusal_of
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.patience import Patience, asked_to_wait_s

if TYPE_CHECKING:
    import httpx2

Answer = TypeVar("Answer")

LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
"""Hetzner's longest page, 50 server types with the prices of all locations, has 300 kB."""
CONNECT_WITHIN_S = 10.0
LONGEST_SAID = 300


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpApi:
    """Asks one API with one token. `notify` is told, in a sentence, what is waited for.

    The token is sent to the API's own address only: redirects are not followed.
    """

    def __init__(
        self,
        api: Api,
        token: Secret,
        *,
        clock: Clock | None = None,
        patience: Patience | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        _require_sendable(api, token)
        self.api = api
        self.clock = clock or SystemClock()
        self.patience = patience or Patience()
        self._token = token
        self._notify = notify
        self._redaction = Redaction([token])
        self._client: httpx2.AsyncClient | None = None

    async def ask(self, call: Call, answer: type[Answer]) -> Answer:
        """The answer's body as `answer`; fields that it does not know are left out. Raises `ApiError`."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._read(call, await self._send(call), answer)
            except ApiError as error:
                pause_s = self.patience.pause_s(error, attempt, repeatable=call.repeatable)
                if pause_s is None:
                    raise
                self._notify(f"{error.message}; asking again in {pause_s:.0f} s")
                await self.clock.sleep(pause_s)

    async def tell(self, call: Call) -> None:
        """As `ask`, where nothing in the answer matters."""
        await self.ask(call, msgspec.Raw)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def failure(self, call: Call, refusal: Refusal, why: str, *, status: int = 0, doubtful: bool = False) -> ApiError:
        """In the API's words: `Hetzner: could not create the server web: limit reached (403)`."""
        shown = clipped(self._redaction.text(why), LONGEST_SAID)
        number = f" ({status})" if status else ""
        message = f"{self.api.label}: could not {call.does}: {shown or 'no reason given'}{number}"
        hint = self.api.hints.get(refusal, _HINTS.get(refusal, ""))
        return ApiError(refusal, message, hint, status=status, doubtful=doubtful)

    async def _send(self, call: Call) -> _Reply:
        # Not at the top: `freehold --help` would wait for it.
        import httpx2

        try:
            async with asyncio.timeout(self.patience.answer_within_s):
                return await self._exchange(call)
        except TimeoutError:
            why = f"no answer within {self.patience.answer_within_s:g} s"
            raise self.failure(call, Refusal.UNREACHABLE, why, doubtful=True) from None
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            why = f"no connection: {error}" if str(error) else "no connection"
            raise self.failure(call, Refusal.UNREACHABLE, why) from None
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            # Their texts may repeat what was sent.
            why = f"the connection was cut ({type(error).__name__})"
            raise self.failure(call, Refusal.UNREACHABLE, why, doubtful=True) from None

    async def _exchange(self, call: Call) -> _Reply:
        headers = {"authorization": f"Bearer {self._token.reveal()}"}
        content: bytes | None = None
        if call.body is not None:
            headers["content-type"] = "application/json"
            content = msgspec.json.encode(call.body)
        url = self.api.base_url.rstrip("/") + call.target
        async with self._connected().stream(
            call.method, url, params=list(call.query) or None, headers=headers, content=content
        ) as response:
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > LARGEST_ANSWER_BYTES:
                    raise self.failure(call, Refusal.UNREADABLE, "its answer has no end", doubtful=True)
            return _Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, bytes(body))

    def _connected(self) -> httpx2.AsyncClient:
        import httpx2

        if self._client is None:
            headers = {
                "user-agent": f"freehold/{__version__}",
                "accept": "application/json",
                "accept-encoding": "identity",
            }
            # A proxy may carry what is encrypted; a stand-in on this machine is asked without one.
            by_proxy = self.api.base_url.startswith("https:")
            timeout = httpx2.Timeout(self.patience.answer_within_s, connect=CONNECT_WITHIN_S)
            self._client = httpx2.AsyncClient(
                headers=headers, timeout=timeout, trust_env=by_proxy, follow_redirects=False
            )
        return self._client

    def _read(self, call: Call, reply: _Reply, answer: type[Answer]) -> Answer:
        if not 200 <= reply.status < 300:
            raise self._refused(call, reply)
        try:
            return msgspec.json.decode(reply.body or b"null", type=answer, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            why = f"its answer is not what it should be: {error}"
            raise self.failure(call, Refusal.UNREADABLE, why, status=reply.status, doubtful=True) from None

    def _refused(self, call: Call, reply: _Reply) -> ApiError:
        said = self.api.read_error(reply.status, _decoded(reply.body))
        refusal = refusal_of(reply.status, said)
        why = said.message or _WORDS.get(refusal, "")
        error = self.failure(call, refusal, why, status=reply.status, doubtful=reply.status >= 500)
        error.retry_after_s = asked_to_wait_s(reply.headers, self.clock.now())
        if error.retry_after_s is not None and error.retry_after_s > self.patience.longest_s:
            error.hint = f"It asks to wait {error.retry_after_s:.0f} s; go on after that."
        return error


def _require_sendable(api: Api, token: Secret) -> None:
    value = token.reveal()
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise FreeholdError(
            Code.CREDENTIAL,
            f"{api.label}: the token is empty, or holds characters that no token has",
            "Store it again.",
        )


def said_nothing(_status: int, _body: Any) -> Said:
    """For an API whose errors have no known form."""
    return Said()


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


_WORDS = {
    Refusal.BAD_TOKEN: "the token is not accepted",
    Refusal.NO_RIGHT: "the token may not do that",
    Refusal.TOO_OFTEN: "too many requests",
    Refusal.FAULT: "it failed there",
}
_HINTS = {
    Refusal.TOO_OFTEN: "Wait a minute, then go on where you were.",
    Refusal.FAULT: "The fault is there and not here: try again in a while.",
    Refusal.UNREACHABLE: "Check the network connection, and a proxy if you use one, then go on where you were.",
    Refusal.UNREADABLE: "Something between here and there may have changed the answer; if it stays so, tell us.",
}
