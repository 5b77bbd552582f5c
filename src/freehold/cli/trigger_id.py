"""Which trigger a person means: its id, or as much of its beginning as no other has."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import is_ulid
from freehold.base.words import one_of
from freehold.client.gateway import Gateway
from freehold.wire.service import TriggerView

LARGEST_PAGE = 500
MOST_LOOKED_AT = 5_000
"""Of a list, the newest."""
_MOST_NAMED = 5


def whole_trigger_id(gateway: Gateway, listed_at: str, beginning: str) -> str:
    """The id that `beginning` means among those of a list. Raises NOT_FOUND, and CONFLICT when several begin so."""
    if is_ulid(beginning):
        return beginning
    found = _beginning_with(gateway, listed_at, beginning.lower()) if beginning else []
    if len(found) == 1:
        return found[0]
    where = "dead letter" if listed_at == "/dead-letters" else "trigger that waits"
    lists = "freehold queue dead" if listed_at == "/dead-letters" else "freehold queue"
    if not found:
        raise FreeholdError(Code.NOT_FOUND, f"there is no {where} {beginning[:100]}", f"`{lists}` lists them.")
    more = " and more" if len(found) > _MOST_NAMED else ""
    raise FreeholdError(
        Code.CONFLICT,
        f"more than one {where} begins with {beginning[:100]}: {one_of(found[:_MOST_NAMED])}{more}",
        "Type more of it.",
    )


def _beginning_with(gateway: Gateway, listed_at: str, beginning: str) -> list[str]:
    found: list[str] = []
    before, looked_at = "", 0
    while looked_at < MOST_LOOKED_AT:
        page = gateway.get(listed_at, list[TriggerView], limit=LARGEST_PAGE, **({"before": before} if before else {}))
        found += [one.id for one in page if one.id.startswith(beginning)]
        looked_at += len(page)
        if len(page) < LARGEST_PAGE or page[-1].id < beginning:  # newest first, and ids are in the order of time
            break
        before = page[-1].id
    return found
