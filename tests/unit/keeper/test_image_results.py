"""What is told of images that were built for several agents."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.keeper.images import first_error

BROKEN = FreeholdError(Code.CONFIG, "The image of agent a could not be built", "look at it")


def test_nothing_is_told_when_all_are_there() -> None:
    assert first_error({"a": "image-a", "b": "image-b"}) is None
    assert first_error({}) is None


def test_one_failure_is_told_in_its_own_words() -> None:
    error = first_error({"a": BROKEN})
    assert error is not None
    assert (error.code, error.message, error.hint) == (Code.CONFIG, BROKEN.message, BROKEN.hint)


def test_those_that_are_ready_are_listed() -> None:
    error = first_error({"z": "image-z", "a": BROKEN, "b": "image-b"})
    assert error is not None
    assert error.code is Code.CONFIG
    assert error.message == f"{BROKEN.message}\nThese agents' images are ready: b, z"


def test_several_failures_are_told_together() -> None:
    other = FreeholdError(Code.IMAGE, "The image of agent c could not be built", "look at it")
    error = first_error({"a": BROKEN, "b": "image-b", "c": other})
    assert error is not None
    assert error.code is Code.IMAGE
    assert error.message.splitlines() == [BROKEN.message, other.message, "These agents' images are ready: b"]
    assert error.hint == "look at it"
