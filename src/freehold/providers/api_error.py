"""What a provider's API refuses, or fails at, told to a person and to the program that has to go on."""

from __future__ import annotations

from enum import StrEnum

from freehold.base.errors import Code, FreeholdError


class Refusal(StrEnum):
    """Of which kind it is, the same for every provider. What goes on from an error looks here, never at its text."""

    BAD_TOKEN = "bad_token"  # noqa: S105  the kind of a refusal
    NO_RIGHT = "no_right"
    NO_QUOTA = "no_quota"
    NOT_SOLD = "not_sold"
    NOT_FOUND = "not_found"
    TAKEN = "taken"
    IN_USE = "in_use"
    INVALID = "invalid"
    TOO_OFTEN = "too_often"
    FAULT = "fault"
    UNREACHABLE = "unreachable"
    UNREADABLE = "unreadable"
    STILL_THERE = "still_there"


CODES: dict[Refusal, Code] = {
    Refusal.BAD_TOKEN: Code.CREDENTIAL,
    Refusal.NO_RIGHT: Code.DENIED,
    Refusal.NO_QUOTA: Code.DENIED,
    Refusal.NOT_SOLD: Code.NOT_FOUND,
    Refusal.NOT_FOUND: Code.NOT_FOUND,
    Refusal.TAKEN: Code.CONFLICT,
    Refusal.IN_USE: Code.CONFLICT,
    Refusal.INVALID: Code.FAILED,
    Refusal.TOO_OFTEN: Code.RATE_LIMITED,
    Refusal.FAULT: Code.UPSTREAM,
    Refusal.UNREACHABLE: Code.UNREACHABLE,
    Refusal.UNREADABLE: Code.PROTOCOL,
    Refusal.STILL_THERE: Code.TIMEOUT,
}


class ApiError(FreeholdError):
    """`doubtful`: it may have been carried out all the same. `status` is 0 when there was no answer.

    `retry_after_s` is what the provider asks for. Neither message nor hint holds the token.
    """

    def __init__(
        self,
        refusal: Refusal,
        message: str,
        hint: str = "",
        *,
        status: int = 0,
        doubtful: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(CODES[refusal], message, hint)
        self.refusal = refusal
        self.status = status
        self.doubtful = doubtful
        self.retry_after_s = retry_after_s
