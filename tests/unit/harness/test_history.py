"""What is kept of a conversation that grows, and what makes room."""

from __future__ import annotations

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from freehold.harness.history import NOTE, History, shorten, size_of


def exchange(number: int, size: int) -> list[ModelMessage]:
    call = ToolCallPart("bash", {"command": f"echo {number}"}, f"c{number}")
    result = ToolReturnPart("bash", f"{number}" + "x" * size, f"c{number}")
    return [ModelResponse(parts=[call]), ModelRequest(parts=[result])]


def conversation(exchanges: int, size: int) -> list[ModelMessage]:
    messages: list[ModelMessage] = [ModelRequest(parts=[UserPromptPart("the task " * 10)])]
    for number in range(exchanges):
        messages += exchange(number, size)
    return messages


def results(messages: list[ModelMessage]) -> list[str]:
    return [
        str(part.content)
        for message in messages
        if isinstance(message, ModelRequest)
        for part in message.parts
        if isinstance(part, ToolReturnPart)
    ]


def test_the_oldest_results_go_first_and_the_last_stays() -> None:
    messages = conversation(5, 10_000)
    shortened = shorten(messages, 25_000)
    assert [result.endswith(NOTE) for result in results(shortened)] == [True, True, True, False, False]
    assert size_of(shortened) < 25_000
    assert shortened[0] == messages[0]
    everything = shorten(messages, 0)
    assert [result.endswith(NOTE) for result in results(everything)] == [True, True, True, True, False]


def test_every_call_keeps_its_result() -> None:
    shortened = shorten(conversation(5, 10_000), 0)
    calls = [part.tool_call_id for message in shortened for part in message.parts if isinstance(part, ToolCallPart)]
    returned = [
        part.tool_call_id for message in shortened for part in message.parts if isinstance(part, ToolReturnPart)
    ]
    assert calls == returned


def test_nothing_is_shortened_before_it_must_be() -> None:
    history = History(largest=60_000)
    history.add(*conversation(5, 10_000))
    assert not any(result.endswith(NOTE) for result in results(history.messages))
    history.add(*exchange(9, 10_000))
    shortened = [result.endswith(NOTE) for result in results(history.messages)]
    assert shortened.count(True) == 4, "in a large step, down to half"
    history.add(*exchange(10, 10_000))
    assert [result.endswith(NOTE) for result in results(history.messages)].count(True) == 4


def test_making_room_ends_when_there_is_nothing_left_to_remove() -> None:
    history = History()
    history.add(*conversation(3, 50_000))
    assert history.make_room()
    while history.make_room():
        pass
    assert [result.endswith(NOTE) for result in results(history.messages)] == [True, True, False]
    assert not history.make_room()


def test_text_is_never_removed() -> None:
    messages: list[ModelMessage] = [
        ModelRequest(parts=[UserPromptPart("u" * 50_000)]),
        ModelResponse(parts=[TextPart("t" * 50_000)]),
        ModelRequest(parts=[UserPromptPart("go on")]),
    ]
    assert shorten(messages, 100) == messages
