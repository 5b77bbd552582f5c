"""Servers at Hetzner Cloud (API v1, docs.hetzner.cloud)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from freehold.base.clock import Clock
from freehold.base.secret import Secret
from freehold.providers import hetzner_answers as told
from freehold.providers import hetzner_reading as reading
from freehold.providers.api_call import Api, Call
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.firewall import Firewall, FirewallRule
from freehold.providers.http_api import HttpApi
from freehold.providers.key import KeyOnProvider, by_name
from freehold.providers.leftover import Leftover, LeftoverKind
from freehold.providers.machine import Machine, MachineState, ServerSpec
from freehold.providers.making import make_once
from freehold.providers.offer import Catalogue
from freehold.providers.ownership import Owner
from freehold.providers.paging import every
from freehold.providers.patience import Patience
from freehold.providers.provider import GONE_WITHIN_S
from freehold.providers.removal import remove_when_free, wait_until_gone
from freehold.providers.sold import require_sold
from freehold.providers.together import together

BASE_URL = "https://api.hetzner.cloud/v1"
_CONSOLE = "https://console.hetzner.com"
_HINTS = {
    Refusal.BAD_TOKEN: f"Make a token (Read & Write) at {_CONSOLE}: your project, Security, API tokens;"
    " then: freehold creds add hetzner_api_key",
    Refusal.NO_RIGHT: f"The token needs Read & Write: {_CONSOLE}, your project, Security, API tokens.",
    Refusal.NO_QUOTA: f"Remove what you no longer need, or ask for a higher limit: {_CONSOLE}, Limits.",
    Refusal.NOT_SOLD: "Choose another location, or another server type.",
}
_PATHS = {LeftoverKind.SERVER: "servers", LeftoverKind.FIREWALL: "firewalls", LeftoverKind.SSH_KEY: "ssh_keys"}
_PER_PAGE = "50"


class _Page(Protocol):
    @property
    def meta(self) -> told.Meta: ...


_PageT = TypeVar("_PageT", bound=_Page)
_Item = TypeVar("_Item")
_LabelledT = TypeVar("_LabelledT", told.Server, told.FirewallFound, told.SshKey)


class Hetzner:
    """`Provider` on Hetzner Cloud. `base_url` is another's for tests only. Promises as in `provider.py`."""

    name = "hetzner"
    rents = True

    def __init__(
        self,
        token: Secret,
        *,
        base_url: str = BASE_URL,
        clock: Clock | None = None,
        patience: Patience | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        api = Api("Hetzner", base_url, reading.said, _HINTS)
        self._http = HttpApi(api, token, clock=clock, patience=patience, notify=notify)

    async def check(self) -> str:
        call = Call("check the token", "GET", ("locations",), (("per_page", "1"),))
        await self._http.ask(call, told.Locations)
        return "a Hetzner Cloud project"

    async def catalogue(self) -> Catalogue:
        pricing = Call("read the prices", "GET", ("pricing",))
        system = (("type", "system"), ("status", "available"))
        async with together() as asking:
            types = asking.create_task(self._list("server_types", told.ServerTypes, lambda page: page.server_types))
            locations = asking.create_task(self._list("locations", told.Locations, lambda page: page.locations))
            images = asking.create_task(self._list("images", told.Images, lambda page: page.images, system))
            prices = asking.create_task(self._http.ask(pricing, told.PricingAnswer))
        now = self._http.clock.now()
        return reading.catalogue(types.result(), locations.result(), images.result(), prices.result().pricing, now)

    async def keys(self) -> tuple[KeyOnProvider, ...]:
        keys = await self._list("ssh_keys", told.SshKeys, lambda page: page.ssh_keys)
        return by_name(KeyOnProvider(str(key.id), key.name, key.public_key) for key in keys)

    async def add_key(self, public_key: str, owner: Owner) -> KeyOnProvider:
        async def find() -> KeyOnProvider | None:
            return next((key for key in await self.keys() if key.is_same_as(public_key)), None)

        async def make() -> KeyOnProvider:
            body = {"name": owner.name, "public_key": public_key, "labels": owner.labels}
            call = Call(f"add the SSH key {owner.name}", "POST", ("ssh_keys",), body=body)
            key = (await self._http.ask(call, told.SshKeyAnswer)).ssh_key
            return KeyOnProvider(str(key.id), key.name, key.public_key)

        return await make_once(find, make, self._http.clock)

    async def put_firewall(self, rules: tuple[FirewallRule, ...], owner: Owner) -> Firewall:
        bodies = [reading.rule_body(rule) for rule in rules]

        async def find() -> Firewall | None:
            found = await self._ours("firewalls", told.Firewalls, lambda page: page.firewalls, owner)
            return next((reading.firewall(one) for one in found if one.name == owner.name), None)

        async def make() -> Firewall:
            body = {"name": owner.name, "labels": owner.labels, "rules": bodies}
            call = Call(f"create the firewall {owner.name}", "POST", ("firewalls",), body=body)
            return reading.firewall((await self._http.ask(call, told.FirewallAnswer)).firewall)

        there = await make_once(find, make, self._http.clock)
        if there.rules != frozenset(rules):
            path = ("firewalls", there.id, "actions", "set_rules")
            await self._http.tell(
                Call(f"set the rules of {owner.name}", "POST", path, body={"rules": bodies}, again=True)
            )
        return Firewall(there.id, there.name, frozenset(rules))

    async def create(self, spec: ServerSpec) -> Machine:
        async def find() -> Machine | None:
            found = await self._ours("servers", told.Servers, lambda page: page.servers, spec.owner)
            machines = (reading.machine(one) for one in found if one.name == spec.name)
            return next((one for one in machines if one.state is not MachineState.GOING), None)

        async def make() -> Machine:
            call = Call(f"create the server {spec.name}", "POST", ("servers",), body=_server_body(spec))
            return reading.machine((await self._http.ask(call, told.ServerAnswer)).server)

        try:
            return await make_once(find, make, self._http.clock)
        except ApiError as error:
            await require_sold(error, spec, self.catalogue)
            raise

    async def machine(self, machine_id: str) -> Machine | None:
        try:
            call = Call(f"read the server {machine_id}", "GET", ("servers", machine_id))
            return reading.machine((await self._http.ask(call, told.ServerAnswer)).server)
        except ApiError as error:
            if error.refusal is Refusal.NOT_FOUND:
                return None
            raise

    async def leftovers(self, owner: Owner) -> tuple[Leftover, ...]:
        async with together() as asking:
            servers = asking.create_task(self._ours("servers", told.Servers, lambda page: page.servers, owner))
            firewalls = asking.create_task(self._ours("firewalls", told.Firewalls, lambda page: page.firewalls, owner))
            keys = asking.create_task(self._ours("ssh_keys", told.SshKeys, lambda page: page.ssh_keys, owner))
        found = [(LeftoverKind.SERVER, one.id, one.name) for one in servers.result()]
        found += [(LeftoverKind.FIREWALL, one.id, one.name) for one in firewalls.result()]
        found += [(LeftoverKind.SSH_KEY, one.id, one.name) for one in keys.result()]
        return tuple(Leftover(kind, str(each), name, f"{_CONSOLE}, your project") for kind, each, name in found)

    async def remove(self, leftover: Leftover) -> None:
        call = Call(f"remove the {leftover}", "DELETE", (_PATHS[leftover.kind], leftover.id))
        await remove_when_free(self._http, call, GONE_WITHIN_S)
        if leftover.kind is LeftoverKind.SERVER:

            async def is_there() -> bool:
                return await self.machine(leftover.id) is not None

            await wait_until_gone(self._http, call, is_there, GONE_WITHIN_S)

    async def close(self) -> None:
        await self._http.close()

    async def _ours(
        self, path: str, answer: type[_PageT], items: Callable[[_PageT], list[_LabelledT]], owner: Owner
    ) -> list[_LabelledT]:
        """Whoever asks may take them down: that the selection was heeded is looked at."""
        selector = ",".join(f"{key}={value}" for key, value in owner.labels.items())
        found = await self._list(path, answer, items, (("label_selector", selector),))
        return [one for one in found if owner.labels.items() <= one.labels.items()]

    async def _list(
        self,
        path: str,
        answer: type[_PageT],
        items: Callable[[_PageT], list[_Item]],
        query: tuple[tuple[str, str], ...] = (),
    ) -> list[_Item]:
        def asked(number: str) -> Call:
            return Call(f"list {path}", "GET", (path,), (*query, ("page", number), ("per_page", _PER_PAGE)))

        async def page(number: str) -> tuple[list[_Item], str]:
            found = await self._http.ask(asked(number), answer)
            following = found.meta.pagination.next_page
            return items(found), "" if following is None else str(following)

        return await every(self._http, asked("1"), page, first="1")


def _server_body(spec: ServerSpec) -> dict[str, object]:
    return {
        "name": spec.name,
        "server_type": spec.plan,
        "location": spec.region,
        "image": spec.image,
        "ssh_keys": list(spec.keys),
        "firewalls": [{"firewall": int(spec.firewall)}],
        "user_data": spec.user_data,
        "labels": spec.owner.labels,
        "public_net": {"enable_ipv4": spec.ipv4, "enable_ipv6": True},
        "start_after_create": True,
    }
