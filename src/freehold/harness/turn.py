"""One turn: the model is asked, its tool calls are carried out, until it calls none."""

from __future__ import annotations

import asyncio

from pydantic_ai import direct
from pydantic_ai.exceptions import AgentRunError, ModelAPIError
from pydantic_ai.messages import (
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings

from freehold.harness.client import Client
from freehold.harness.failures import as_failure, is_passing, is_too_long
from freehold.harness.history import History
from freehold.harness.toolbox import Toolbox
from freehold.wire import acp

_PAUSES_S = (1.0, 3.0, 10.0)
"""Before asking again when a connection broke; the runner itself waits 60 s for a keeper that is replaced."""


class Turn:
    """Asks `model`, and tells `client` what it says. Every call in the history has its result, so that a turn that was
    cancelled, or failed, can be followed by another.
    """

    def __init__(
        self, model: Model, settings: ModelSettings, toolbox: Toolbox, client: Client, history: History, told: str
    ) -> None:
        self._model = model
        self._settings = settings
        self._toolbox = toolbox
        self._client = client
        self._history = history
        self._instructions = told
        self._parameters = ModelRequestParameters(function_tools=toolbox.definitions())

    async def run(self, prompt: str) -> str:
        """Why the turn stopped (`acp.StopReason`). Raises `FreeholdError` when the model cannot be had."""
        self._history.add(self._request(UserPromptPart(content=prompt)))
        while True:
            response = await self._answer()
            calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
            if not calls:
                self._history.add(response)
                return _stop_reason(response)
            await self._carry_out(response, calls)

    async def _carry_out(self, response: ModelResponse, calls: list[ToolCallPart]) -> None:
        results: list[ToolReturnPart] = []
        try:
            for call in calls:
                results.append(await self._toolbox.carry_out(call))  # noqa: PERF401  one after the other, all kept
        finally:
            # A call without a result would make every later request invalid.
            results += [
                ToolReturnPart(tool_name=call.tool_name, content="[cancelled]", tool_call_id=call.tool_call_id)
                for call in calls[len(results) :]
            ]
            self._history.add(response, self._request(*results))

    def _request(self, *parts: ModelRequestPart) -> ModelRequest:
        return ModelRequest(parts=parts, instructions=self._instructions)

    async def _answer(self) -> ModelResponse:
        failures = 0
        while True:
            try:
                return await self._ask()
            except AgentRunError as error:
                if is_too_long(error) and self._history.make_room():
                    continue
                if not is_passing(error) or failures == len(_PAUSES_S):
                    raise as_failure(error, self._model.model_name) from error
                await asyncio.sleep(_PAUSES_S[failures])
                failures += 1

    async def _ask(self) -> ModelResponse:
        async with direct.model_request_stream(
            self._model,
            self._history.messages,
            model_settings=self._settings,
            model_request_parameters=self._parameters,
        ) as stream:
            await self._tell(stream)
            if stream.finish_reason is None:
                # Every provider says why an answer ended; one that does not say was cut, and is not what was meant.
                raise ModelAPIError(self._model.model_name, "the answer ended before it was finished", in_stream=True)
            return stream.get()

    async def _tell(self, stream: StreamedResponse) -> None:
        async for event in stream:
            if isinstance(event, PartStartEvent):
                if isinstance(event.part, TextPart):
                    self._say(event.part.content)
                elif isinstance(event.part, ThinkingPart):
                    self._think(event.part.content)
            elif isinstance(event, PartDeltaEvent):
                if isinstance(event.delta, TextPartDelta):
                    self._say(event.delta.content_delta)
                elif isinstance(event.delta, ThinkingPartDelta):
                    self._think(event.delta.content_delta or "")

    def _say(self, text: str) -> None:
        if text:
            self._client.update(acp.AgentMessageChunk(content=acp.text_block(text)))

    def _think(self, text: str) -> None:
        if text:
            self._client.update(acp.AgentThoughtChunk(content=acp.text_block(text)))


def _stop_reason(response: ModelResponse) -> str:
    if response.finish_reason == "length":
        return acp.StopReason.MAX_TOKENS
    if response.finish_reason == "content_filter":
        return acp.StopReason.REFUSAL
    return acp.StopReason.END_TURN
