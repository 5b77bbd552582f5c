"""Asking a provider about a credential: one request, with a deadline, and an answer of bounded size."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from freehold import __version__
from freehold.base.plain_text import clipped
from freehold.base.redaction import Redaction
from freehold.base.secret import HIDDEN, Secret
from freehold.project.credential_question import Answer, Judgement, Outcome, Question, filled, judge

if TYPE_CHECKING:
    import httpx2

DEADLINE_S = 15.0
"""For the whole of a question: name, connection, answer."""
LARGEST_ANSWER_BYTES = 1024 * 1024
"""The longest list of models (Google's) is a tenth of it."""
LONGEST_SAID = 200
_TELLING = 4
"""Characters at either end of a value by which a part of it is known again: providers repeat keys half hidden."""


async def ask(
    question: Question, values: Mapping[str, Secret], *, base_url: str = "", deadline_s: float = DEADLINE_S
) -> Judgement:
    """What the provider says. Never raises for what goes wrong on the way: then it could not be asked.

    `base_url` takes the place of the question's own: a project's model may be asked elsewhere. Redirects are not
    followed. Nothing in the answer holds a value of `values`, or a part that tells it.
    """
    judgement = await _asked(question, values, base_url or question.base_url, deadline_s)
    if judgement.outcome is Outcome.REFUSED and question.otherwise:
        second = await ask(question.otherwise, values, base_url=base_url, deadline_s=deadline_s)
        judgement = second if second.outcome is Outcome.ACCEPTED else judgement
    return _fit_to_be_shown(judgement, [values[name] for name in question.fields])


async def _asked(question: Question, values: Mapping[str, Secret], base_url: str, deadline_s: float) -> Judgement:
    # Not at the top: every other command would wait for it.
    import httpx2

    # A proxy may carry what is encrypted; the rest goes straight to where it is meant for, and nobody else reads it.
    by_proxy = base_url.startswith("https:")
    try:
        async with asyncio.timeout(deadline_s), httpx2.AsyncClient(timeout=None, trust_env=by_proxy) as client:
            return await _send(client, question, values, base_url)
    except TimeoutError:
        return Judgement(Outcome.UNASKED, said=f"no answer in {deadline_s:.0f} s")
    except httpx2.ConnectError as error:
        return Judgement(Outcome.UNASKED, said=f"it cannot be reached: {error}")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        # Their texts may repeat what was sent.
        return Judgement(Outcome.UNASKED, said=f"the connection failed ({type(error).__name__})")


async def _send(
    client: httpx2.AsyncClient, question: Question, values: Mapping[str, Secret], base_url: str
) -> Judgement:
    headers = {"user-agent": f"freehold/{__version__}", "accept": "application/json", "accept-encoding": "identity"}
    headers |= {name: filled(text, values) for name, text in question.headers}
    more: dict[str, Any] = {}
    if question.body:
        more["content"] = question.body
    if question.form:
        more["data"] = {name: filled(text, values) for name, text in question.form}
    if question.basic:
        name, password = (values[field].reveal() for field in question.basic)
        more["auth"] = (name, password)
    url = base_url.rstrip("/") + question.path
    async with client.stream(question.method, url, headers=headers, follow_redirects=False, **more) as response:
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > LARGEST_ANSWER_BYTES:
                return Judgement(Outcome.UNASKED, said="its answer is too long to be one")
        received = {name.lower(): value for name, value in response.headers.items()}
        return judge(question, Answer(response.status_code, _decoded(bytes(body)), received))


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _fit_to_be_shown(judgement: Judgement, secrets: list[Secret]) -> Judgement:
    redaction = Redaction(secrets)

    def fit(text: str) -> str:
        text = redaction.text(text)
        for secret in secrets:
            text = _without_parts(text, secret.reveal().strip())
        return clipped(text, LONGEST_SAID)

    return replace(judgement, who=fit(judgement.who), scopes=fit(judgement.scopes), said=fit(judgement.said))


def _without_parts(text: str, value: str) -> str:
    """`text` without words that begin or end as `value` does: `sk-ab***yz` tells enough of a key."""
    if len(value) < 4 * _TELLING:
        return text
    begin, end = re.escape(value[:_TELLING]), re.escape(value[-_TELLING:])
    return re.sub(rf"{begin}\S*|\S*{end}\b", HIDDEN, text)
