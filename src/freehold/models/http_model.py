"""Providers over HTTP: Anthropic, OpenAI and those who speak like it, Google. They differ by tables only."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from yarl import URL

from freehold.base.errors import Code, FreeholdError
from freehold.models.headers import upstream_headers
from freehold.models.model import Answer, Ask
from freehold.models.policy import PolicyModel
from freehold.models.routes import Operation, Route
from freehold.project.wire_formats import WireFormat


@dataclass(frozen=True)
class Deadlines:
    """Seconds. A model that thinks may say nothing for minutes; one that never answers must not hang a run.

    `first_byte_s` is the longest answer that comes in one piece (Anthropic's and OpenAI's SDKs wait 600 s);
    `between_bytes_s` is for streams that began (Codex waits 300 s; reasoning that is not shown may take minutes).
    """

    connect_s: float = 10.0
    first_byte_s: float = 600.0
    between_bytes_s: float = 300.0


_PATHS: dict[tuple[WireFormat, Operation], str] = {
    (WireFormat.ANTHROPIC_MESSAGES, Operation.GENERATE): "/v1/messages",
    (WireFormat.ANTHROPIC_MESSAGES, Operation.COUNT): "/v1/messages/count_tokens",
    (WireFormat.OPENAI_CHAT, Operation.GENERATE): "/chat/completions",
    (WireFormat.OPENAI_RESPONSES, Operation.GENERATE): "/responses",
    (WireFormat.OPENAI_RESPONSES, Operation.COUNT): "/responses/input_tokens",
}


def upstream_url(base_url: str, route: Route, model: str, *, streaming: bool) -> str:
    """Where a request goes. `model` is the provider's name of the model (Google has it in the path)."""
    parts = urlsplit(base_url)
    base, query = parts.path.rstrip("/"), ""
    if route.wire_format is WireFormat.GOOGLE:
        verb = "countTokens" if route.operation is Operation.COUNT else "generateContent"
        if streaming and route.operation is Operation.GENERATE:
            verb, query = "streamGenerateContent", "alt=sse"
        path = f"{base.removesuffix('/v1beta')}/v1beta/models/{model.removeprefix('models/')}:{verb}"
    elif route.wire_format is WireFormat.ANTHROPIC_MESSAGES:
        path = base.removesuffix("/v1") + _PATHS[route.wire_format, route.operation]
    else:
        path = base + _PATHS[route.wire_format, route.operation]
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def open_session() -> aiohttp.ClientSession:
    """The client that all runs of a keeper share: certificates are checked, nothing is decompressed or remembered."""
    return aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=0),
        timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
    )


class HttpModel:
    """Asks the provider of `ask.model` over a shared session."""

    def __init__(self, session: aiohttp.ClientSession, deadlines: Deadlines | None = None) -> None:
        self._session = session
        self._deadlines = deadlines or Deadlines()

    async def ask(self, ask: Ask) -> Answer:
        model, route = ask.model, ask.call.route
        model.check()
        url = upstream_url(model.base_url, route, model.model, streaming=ask.call.streaming)
        try:
            async with asyncio.timeout(self._deadlines.first_byte_s):
                response = await self._session.post(
                    URL(url, encoded=True),
                    # Not bytes: aiohttp would warn that a body above 1 MB holds up the loop.
                    data=io.BytesIO(ask.body),
                    headers=upstream_headers(route.wire_format, ask.offered_headers, model),
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._deadlines.connect_s),
                )
        except TimeoutError:
            raise _no_answer(model.name, self._deadlines.first_byte_s) from None
        except aiohttp.ClientResponseError:
            raise FreeholdError(
                Code.UPSTREAM, f'what answers for the model "{model.name}" does not speak HTTP as it should',
                f"check that models.{model.name}.base_url is right: another program may be answering there",
            ) from None  # fmt: skip
        except (aiohttp.ClientError, OSError) as error:
            # Only what kind of failure it is: its text may hold the request's headers.
            raise _unreachable(model, url, error) from None
        answer = HttpAnswer(model.name, response, self._deadlines)
        await answer.refuse_what_must_not_pass()
        return answer


class HttpAnswer:
    def __init__(self, name: str, response: aiohttp.ClientResponse, deadlines: Deadlines) -> None:
        self._name = name
        self._response = response
        self._deadlines = deadlines
        self._begun = False
        self.status = response.status
        self.headers: Mapping[str, str] = {key.lower(): value for key, value in response.headers.items()}

    async def refuse_what_must_not_pass(self) -> None:
        """Raises `FreeholdError` for a redirect (it would take the key elsewhere) and for a compressed answer."""
        encoding = self.headers.get("content-encoding", "identity")
        problem = ""
        if 300 <= self.status < 400:
            problem = f"answered with a redirect ({self.status}), which is not followed"
        elif encoding != "identity":
            problem = f"answered compressed ({encoding[:20]}) although it was asked not to"
        if problem:
            await self.close()
            raise FreeholdError(Code.UPSTREAM, f'the model "{self._name}" {problem}', "check its base_url")

    async def next_chunk(self) -> bytes:
        limit_s = self._deadlines.between_bytes_s if self._begun else self._deadlines.first_byte_s
        try:
            async with asyncio.timeout(limit_s):
                chunk = await self._response.content.readany()
        except TimeoutError:
            raise _no_answer(self._name, limit_s) from None
        except (aiohttp.ClientError, OSError) as error:
            raise FreeholdError(
                Code.UPSTREAM, f'the answer of the model "{self._name}" was cut ({type(error).__name__})',
                "try again; when it keeps happening, check the connection to the provider",
            ) from None  # fmt: skip
        self._begun = True
        return chunk

    async def close(self) -> None:
        # `close` drops the connection unless the answer was read to its end, which gave it back already.
        self._response.close()


def _no_answer(name: str, limit_s: float) -> FreeholdError:
    return FreeholdError(
        Code.TIMEOUT, f'the model "{name}" said nothing for {limit_s:g} s',
        "try again; when it keeps happening, choose another model for this agent",
    )  # fmt: skip


def _unreachable(model: PolicyModel, url: str, error: Exception) -> FreeholdError:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    advice = "that its server is running, and that this machine may connect to it"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        reason = "its certificate is not trusted here"
        advice = "and that this machine trusts who signed it"
    elif isinstance(error, aiohttp.ServerDisconnectedError):
        reason = "it hung up before it answered"
    elif isinstance(error, aiohttp.ClientConnectorDNSError):
        reason = "its name is not known here"
        advice = "and that this machine can look names up"
    if model.at_home:
        hint = f"check this machine's way to {host}: curl -sS {parts.scheme}://{host}/"
    else:
        base = urlsplit(model.base_url)
        address = urlunsplit((base.scheme, base.netloc.rpartition("@")[2], base.path, "", ""))
        hint = f"models.{model.name}.base_url is {address}: check that it is right, {advice}"
    return FreeholdError(
        Code.UNREACHABLE, f'the model "{model.name}" cannot be reached at {host} ({reason})', hint
    )  # fmt: skip
