"""One request of a harness, understood: what is asked of which model, and how large it may become (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import clipped
from freehold.models.attachments import attachments
from freehold.models.nodes import Json, every_node
from freehold.models.routes import Operation, Route
from freehold.models.weight import likely_tokens, most_tokens
from freehold.project.wire_formats import WireFormat

TOKENS_PER_ATTACHMENT = 5_000
"""An image or document inside the request, beside its bytes: the largest image is 4,784 tokens (Anthropic, 2026)."""
BYTES_PER_ATTACHED_TOKEN = 40
"""Of base64. A dense PDF page of 100 kB is about 3,000 tokens."""
LONGEST_NAME = 200
"""Characters of a model's name; the longest that OpenRouter lists has 60."""
LARGEST_COUNT = 10_000_000
"""Tokens that a request can ask for; every model has less, and a ledger keeps numbers of 64 bits."""
MOST_ANSWERS = 128
"""To one request: OpenAI's own bound of `n`."""

_OUTPUT_KEYS: dict[WireFormat, tuple[str, ...]] = {
    WireFormat.ANTHROPIC_MESSAGES: ("max_tokens",),
    WireFormat.OPENAI_CHAT: ("max_completion_tokens", "max_tokens"),
    WireFormat.OPENAI_RESPONSES: ("max_output_tokens",),
    WireFormat.GOOGLE: ("maxOutputTokens", "max_output_tokens"),
}
_TIERS = {"service_tier": "service_tier", "serviceTier": "service_tier", "speed": "speed"}


@dataclass(frozen=True)
class ModelCall:
    """A request that may pass. `body` is its JSON, decoded once: what goes upstream is written anew from it, so that
    nothing that a second reader might read otherwise (keys given twice) gets past the rules."""

    route: Route
    body: Json
    model: str
    streaming: bool
    offers_tools: bool
    size_bytes: int
    most_text: int = 0
    """Tokens that the request may count at most, without its attachments."""
    likely_text: int = 0
    """The same, as it probably is."""
    attached_bytes: tuple[int, ...] = ()
    """Of each image and document in the request."""
    answers: int = 1
    """How many are asked for at once."""
    caches: bool = False
    """Whether it asks for its input to be kept in a cache, which costs more than reading it (Anthropic)."""

    def forget_body(self) -> None:
        """Once an answer has begun nothing of the request is needed, and with many streams it is what fills memory."""
        self.body.clear()

    @property
    def turn(self) -> bool:
        """Whether this is a turn of the agent's work, and not a title or a count."""
        return self.offers_tools and self.route.operation is Operation.GENERATE

    @property
    def most_output(self) -> int | None:
        """Tokens that the answer may have, as the request bounds it; None when it does not."""
        table = _config(self.body) if self.route.wire_format is WireFormat.GOOGLE else self.body
        bounds = [table.get(key) for key in _OUTPUT_KEYS[self.route.wire_format]]
        wanted = max((bound for bound in bounds if isinstance(bound, int) and bound > 0), default=None)
        return None if wanted is None else min(wanted, LARGEST_COUNT)

    @property
    def least_output(self) -> int:
        """Tokens that the request sets aside for thinking: Anthropic wants the answer's bound above them."""
        budget = _table(self.body.get("thinking")).get("budget_tokens")
        return min(budget, LARGEST_COUNT) if isinstance(budget, int) and budget > 0 else 0

    @property
    def price_context(self) -> dict[str, str]:
        """What in the request chooses the price, as lists of prices call it. Google takes numbers for names."""
        asked = {name: self.body.get(key) for key, name in _TIERS.items() if self.body.get(key) is not None}
        return {name: clipped(str(value).lower()) for name, value in asked.items()}

    def most_input(self) -> int:
        """Tokens that the request itself may count at most."""
        return self.most_text + self._attached

    def likely_input(self) -> int:
        """Tokens that the request itself probably counted, when nobody says so."""
        return self.likely_text + self._attached

    @property
    def _attached(self) -> int:
        return sum(TOKENS_PER_ATTACHMENT + size // BYTES_PER_ATTACHED_TOKEN for size in self.attached_bytes)


def parse_call(route: Route, data: bytes) -> ModelCall:
    """Understand a request. Raises `FreeholdError` (`PROTOCOL`) when it is not a JSON object that names a model."""
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FreeholdError(Code.PROTOCOL, f"the body of the request is not JSON ({error})") from None
    if not isinstance(body, dict):
        raise FreeholdError(Code.PROTOCOL, "the body of the request is not a JSON object")
    if "generationConfig" in body and "generation_config" in body:
        raise FreeholdError(Code.PROTOCOL, "the request holds generationConfig twice, in two spellings")
    model = route.model or body.get("model")
    if not isinstance(model, str) or not model:
        raise FreeholdError(Code.PROTOCOL, "the request names no model", 'set "model"')
    if len(model) > LONGEST_NAME:
        raise FreeholdError(
            Code.PROTOCOL, f'the request names a model of {len(model)} characters: "{clipped(model)}"',
            f"the name of a model has {LONGEST_NAME} at most",
        )  # fmt: skip
    if not isinstance(body.get("stream"), bool | None):
        raise FreeholdError(Code.PROTOCOL, "stream is neither true nor false")
    attached = [content.encode() for content in attachments(route.wire_format, body)]
    return ModelCall(
        route=route,
        body=body,
        model=model,
        streaming=route.streaming or body.get("stream") is True,
        offers_tools=offers_tools(route.wire_format, body),
        size_bytes=len(data),
        most_text=most_tokens(data) - sum(map(most_tokens, attached)),
        likely_text=likely_tokens(data) - sum(map(likely_tokens, attached)),
        attached_bytes=tuple(map(len, attached)),
        answers=max([1, *_answers_asked_for(body)]),
        caches=_asks_for_cache(data, body),
    )


def offers_tools(wire_format: WireFormat, body: Json) -> bool:
    """Whether the model may call a tool of the harness."""
    choice = body.get("tool_choice")
    if choice == "none" or _table(choice).get("type") == "none":
        return False
    if wire_format is WireFormat.GOOGLE:
        tools = body.get("tools")
        declared = [_table(tool) for tool in _list([tools] if isinstance(tools, dict) else tools)]
        return any(tool.get("functionDeclarations") or tool.get("function_declarations") for tool in declared)
    return bool(_list(body.get("tools")) or _list(body.get("functions")))


def named_models(body: Json) -> list[str]:
    """Further models that the provider is to turn to: OpenRouter's `models`, Anthropic's `fallbacks`."""
    named: list[str] = []
    for key in ("models", "fallbacks"):
        value = body.get(key)
        if isinstance(value, str):
            named.append(value)
        for entry in _list(value):
            model = entry.get("model") if isinstance(entry, dict) else entry
            named.append(model if isinstance(model, str) else f"a model that is no text ({type(model).__name__})")
    return named


def upstream_body(
    call: ModelCall, model: str, *, include_usage: bool = False, output_key: str = "", most_output: int | None = None
) -> bytes:  # fmt: skip
    """The request as it goes to `model`: written anew, with the provider's name of the model.

    `include_usage` asks a stream of chat completions to end with its usage; `most_output` bounds an answer that may
    become longer than a budget holds (docs/why/answers-are-bounded-under-a-budget.md).
    """
    body = dict(call.body)
    if call.route.wire_format is WireFormat.GOOGLE:
        body.pop("model", None)  # the path names it; nobody shall have to choose between the two
    else:
        body["model"] = model
    if include_usage and call.streaming:
        body["stream_options"] = {**_table(body.get("stream_options")), "include_usage": True}
    if most_output is not None:
        google = call.route.wire_format is WireFormat.GOOGLE
        config_key = "generation_config" if "generation_config" in body else "generationConfig"
        bounded = dict(_config(body)) if google else body
        keys = _OUTPUT_KEYS[call.route.wire_format]
        for key in [key for key in keys if key in bounded] or [output_key or keys[0]]:
            bounded[key] = most_output
        if google:
            body[config_key] = bounded
    return msgspec.json.encode(body)


def _answers_asked_for(body: Json) -> Iterator[int]:
    """Raises `FreeholdError` for a count that is none: `"8"` and `8.0` are read as 8 by some providers."""
    config = _config(body)
    for name, table in (("n", body), ("candidateCount", config), ("candidate_count", config)):
        count = table.get(name)
        if count is None:
            continue
        if not isinstance(count, int) or isinstance(count, bool) or count > MOST_ANSWERS:
            raise FreeholdError(Code.PROTOCOL, f"{name} is no whole number up to {MOST_ANSWERS}", f"leave {name} out")
        yield count


def _asks_for_cache(data: bytes, body: Json) -> bool:
    """Looked for in what was read, since the bytes may say `cache\\u005fcontrol`; where neither stands, not at all."""
    return (b"cache_control" in data or b"\\u" in data) and any("cache_control" in node for node in every_node(body))


def _config(body: Json) -> Json:
    """Google's `generationConfig`, in either spelling."""
    return _table(body.get("generationConfig") or body.get("generation_config"))


def _table(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
