"""Strict SSL for one name in a Cloudflare zone, by a configuration rule: the rest of the zone stays as it is.

https://developers.cloudflare.com/rules/configuration-rules/create-api/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from freehold.providers import cloudflare_answers as told
from freehold.providers import cloudflare_reading as reading
from freehold.providers.api_call import Call
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.http_api import HttpApi
from freehold.providers.making import make_once
from freehold.providers.ownership import Owner

PHASE = "http_config_settings"
Ask = Callable[[Call, type[told.RulesetAnswer]], Awaitable[told.RulesetAnswer]]


class HostRules:
    """An owner's rules in a zone's configuration phase. Those of others are neither changed nor reordered."""

    def __init__(self, http: HttpApi, ask: Ask, zone_id: str) -> None:
        self._http = http
        self._ask = ask
        self._zone = ("zones", zone_id)

    async def require_strict(self, hostname: str, owner: Owner) -> None:
        async def find() -> bool | None:
            rules = await self.ours(owner)
            return True if any(reading.makes_strict(rule, hostname) for _, rule in rules) else None

        async def make() -> bool:
            await self._add(hostname, owner)
            return True

        await make_once(find, make, self._http.clock)
        for ruleset, rule in await self.ours(owner):
            if not reading.makes_strict(rule, hostname):
                await self.remove(ruleset, rule.id)

    async def ours(self, owner: Owner) -> list[tuple[str, told.HostRule]]:
        """With the id of the rule set that each is in."""
        there = await self._entry_point()
        return [(there.id, rule) for rule in there.rules if owner.signed(rule.description)] if there else []

    async def remove(self, ruleset: str, rule: str) -> None:
        path = (*self._zone, "rulesets", ruleset, "rules", rule)
        try:
            await self._http.tell(Call("remove the SSL rule", "DELETE", path))
        except ApiError as error:
            if error.refusal is not Refusal.NOT_FOUND:
                raise

    async def _add(self, hostname: str, owner: Owner) -> None:
        body = reading.host_rule_body(hostname, owner)
        does = f"make SSL strict for {hostname}"
        there = await self._entry_point()
        if there:
            path = (*self._zone, "rulesets", there.id, "rules")
            await self._ask(Call(does, "POST", path, body=body), told.RulesetAnswer)
            return
        # It fails, and replaces nothing, when somebody else makes the zone's rule set meanwhile.
        ruleset = {"name": "default", "kind": "zone", "phase": PHASE, "rules": [body]}
        await self._ask(Call(does, "POST", (*self._zone, "rulesets"), body=ruleset), told.RulesetAnswer)

    async def _entry_point(self) -> told.Ruleset | None:
        """`None` in a zone that never had such a rule."""
        path = (*self._zone, "rulesets", "phases", PHASE, "entrypoint")
        try:
            return (await self._ask(Call("read the zone's rules", "GET", path), told.RulesetAnswer)).result
        except ApiError as error:
            if error.refusal is Refusal.NOT_FOUND:
                return None
            raise
