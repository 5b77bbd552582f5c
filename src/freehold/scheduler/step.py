"""How far the scheduler has come with a trigger."""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """Killed at any of these, the next scheduler goes on from there. Each has a fault case in
    the tests, and a test that fails when one has not.
    """

    TAKEN_IN = "taken in"
    """The trigger is in the database; nobody has been told yet."""
    ATTEMPT_WRITTEN = "attempt written"
    """The run id of its attempt is in the database; the keeper has not been asked yet."""
    BEGUN = "begun"
    """The keeper said that the run is on its disk."""
    ENDED = "ended"
    """The keeper said that the run has ended; the database does not know yet."""
    CLOSED = "closed"
    """The database knows, and what follows."""
