"""Servers at Vultr (API v2, www.vultr.com/api). Its documents name no licence; the words here are from using it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from freehold.base.clock import Clock
from freehold.base.secret import Secret
from freehold.providers import vultr_answers as told
from freehold.providers import vultr_reading as reading
from freehold.providers.api_call import Api, Call
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.firewall import Firewall, FirewallRule
from freehold.providers.http_api import HttpApi
from freehold.providers.key import KeyOnProvider, by_name
from freehold.providers.leftover import Leftover, LeftoverKind
from freehold.providers.machine import Machine, ServerSpec
from freehold.providers.making import make_once
from freehold.providers.offer import Catalogue
from freehold.providers.ownership import INSTALLATION_LABEL, Owner
from freehold.providers.paging import every
from freehold.providers.patience import Patience
from freehold.providers.provider import GONE_WITHIN_S
from freehold.providers.removal import remove_when_free, wait_until_gone
from freehold.providers.sold import require_sold
from freehold.providers.together import together

BASE_URL = "https://api.vultr.com/v2"
_CONSOLE = "https://my.vultr.com"
_HINTS = {
    Refusal.BAD_TOKEN: f"Check at {_CONSOLE}/settings/#settingsapi that the key is there, and that its access control"
    " lets in the address of this machine; then: freehold creds add vultr_api_key",
    Refusal.NO_RIGHT: f"The key's owner may not do that: {_CONSOLE}, Account, Users.",
    Refusal.INVALID: f"Where it is a limit that was reached, it is raised at {_CONSOLE}/billing.",
}
_PATHS = {LeftoverKind.SERVER: "instances", LeftoverKind.FIREWALL: "firewalls", LeftoverKind.SSH_KEY: "ssh-keys"}
_PLACES = {LeftoverKind.SERVER: "", LeftoverKind.FIREWALL: "/firewall", LeftoverKind.SSH_KEY: "/sshkeys"}
_PER_PAGE = "100"


class _Page(Protocol):
    @property
    def meta(self) -> told.Meta: ...


_PageT = TypeVar("_PageT", bound=_Page)
_Item = TypeVar("_Item")


class Vultr:
    """`Provider` on Vultr. `base_url` is another's for tests only. Promises as in `provider.py`.

    Servers carry tags; firewall groups and keys have nothing but a description or a name, which is the owner's.
    """

    name = "vultr"
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
        api = Api("Vultr", base_url, reading.said, _HINTS)
        self._http = HttpApi(api, token, clock=clock, patience=patience, notify=notify)

    async def check(self) -> str:
        account = (await self._http.ask(Call("check the key", "GET", ("account",)), told.AccountAnswer)).account
        return account.name or account.email or "a Vultr account"

    async def catalogue(self) -> Catalogue:
        async with together() as asking:
            plans = asking.create_task(self._list(("plans",), told.Plans, lambda page: page.plans))
            regions = asking.create_task(self._list(("regions",), told.Regions, lambda page: page.regions))
            systems = asking.create_task(self._list(("os",), told.OperatingSystems, lambda page: page.os))
        return reading.catalogue(plans.result(), regions.result(), systems.result())

    async def keys(self) -> tuple[KeyOnProvider, ...]:
        return by_name(KeyOnProvider(key.id, key.name, key.ssh_key) for key in await self._keys())

    async def add_key(self, public_key: str, owner: Owner) -> KeyOnProvider:
        async def find() -> KeyOnProvider | None:
            return next((key for key in await self.keys() if key.is_same_as(public_key)), None)

        async def make() -> KeyOnProvider:
            body = {"name": owner.name, "ssh_key": public_key}
            call = Call(f"add the SSH key {owner.name}", "POST", ("ssh-keys",), body=body)
            key = (await self._http.ask(call, told.SshKeyAnswer)).ssh_key
            return KeyOnProvider(key.id, key.name, key.ssh_key)

        return await make_once(find, make, self._http.clock)

    async def put_firewall(self, rules: tuple[FirewallRule, ...], owner: Owner) -> Firewall:
        async def find() -> told.Group | None:
            return next((group for group in await self._groups() if group.description == owner.name), None)

        async def make() -> told.Group:
            body = {"description": owner.name}
            call = Call(f"create the firewall {owner.name}", "POST", ("firewalls",), body=body)
            return (await self._http.ask(call, told.GroupAnswer)).firewall_group

        group = await make_once(find, make, self._http.clock)
        await self._put_rules(group.id, owner, {one for rule in rules for one in reading.wires(rule)})
        return Firewall(group.id, owner.name, frozenset(rules))

    async def _put_rules(self, group: str, owner: Owner, wanted: set[reading.Wire]) -> None:
        """First what is missing, then what is too much: nothing that is wanted is closed meanwhile."""
        path = ("firewalls", group, "rules")
        there = await self._list(path, told.Rules, lambda page: page.firewall_rules)
        for missing in sorted(wanted - {reading.wire(rule) for rule in there}):

            async def find(missing: reading.Wire = missing) -> bool | None:
                rules = await self._list(path, told.Rules, lambda page: page.firewall_rules)
                return True if missing in {reading.wire(rule) for rule in rules} else None

            async def make(missing: reading.Wire = missing) -> bool:
                body = reading.rule_body(missing)
                await self._http.tell(Call(f"open a port in {owner.name}", "POST", path, body=body))
                return True

            await make_once(find, make, self._http.clock)
        for surplus in (rule for rule in there if reading.wire(rule) not in wanted):
            call = Call(f"close a port in {owner.name}", "DELETE", (*path, str(surplus.id)))
            await remove_when_free(self._http, call, GONE_WITHIN_S)

    async def create(self, spec: ServerSpec) -> Machine:
        async def find() -> Machine | None:
            found = await self._servers(spec.owner)
            return reading.machine(found[0]) if found else None

        async def make() -> Machine:
            body = reading.instance_body(spec, f"{INSTALLATION_LABEL}:{spec.owner.installation}")
            call = Call(f"create the server {spec.name}", "POST", ("instances",), body=body)
            return reading.machine((await self._http.ask(call, told.InstanceAnswer)).instance)

        try:
            return await make_once(find, make, self._http.clock)
        except ApiError as error:
            await require_sold(error, spec, self.catalogue)
            raise

    async def machine(self, machine_id: str) -> Machine | None:
        try:
            call = Call(f"read the server {machine_id}", "GET", ("instances", machine_id))
            return reading.machine((await self._http.ask(call, told.InstanceAnswer)).instance)
        except ApiError as error:
            if error.refusal is Refusal.NOT_FOUND:
                return None
            raise

    async def leftovers(self, owner: Owner) -> tuple[Leftover, ...]:
        async with together() as asking:
            servers = asking.create_task(self._servers(owner))
            groups = asking.create_task(self._groups())
            keys = asking.create_task(self._keys())
        found = [(LeftoverKind.SERVER, one.id) for one in servers.result()]
        found += [(LeftoverKind.FIREWALL, one.id) for one in groups.result() if one.description == owner.name]
        found += [(LeftoverKind.SSH_KEY, one.id) for one in keys.result() if one.name == owner.name]
        return tuple(Leftover(kind, each, owner.name, _CONSOLE + _PLACES[kind]) for kind, each in found)

    async def remove(self, leftover: Leftover) -> None:
        call = Call(f"remove the {leftover}", "DELETE", (_PATHS[leftover.kind], leftover.id))

        async def is_there() -> bool:
            return await self.machine(leftover.id) is not None

        async def is_in_use() -> bool:
            return any(group.id == leftover.id and group.instance_count for group in await self._groups())

        if leftover.kind is LeftoverKind.FIREWALL:
            await wait_until_gone(self._http, call, is_in_use, GONE_WITHIN_S)
        await remove_when_free(self._http, call, GONE_WITHIN_S)
        if leftover.kind is LeftoverKind.SERVER:
            await wait_until_gone(self._http, call, is_there, GONE_WITHIN_S)

    async def close(self) -> None:
        await self._http.close()

    async def _servers(self, owner: Owner) -> list[told.Instance]:
        query = (("label", owner.name),)
        found = await self._list(("instances",), told.Instances, lambda page: page.instances, query)
        return [one for one in found if owner.mark in one.tags]

    async def _groups(self) -> list[told.Group]:
        return await self._list(("firewalls",), told.Groups, lambda page: page.firewall_groups)

    async def _keys(self) -> list[told.SshKey]:
        return await self._list(("ssh-keys",), told.SshKeys, lambda page: page.ssh_keys)

    async def _list(
        self,
        path: tuple[str, ...],
        answer: type[_PageT],
        items: Callable[[_PageT], list[_Item]],
        query: tuple[tuple[str, str], ...] = (),
    ) -> list[_Item]:
        def asked(cursor: str) -> Call:
            more = (("cursor", cursor),) if cursor else ()
            return Call(f"list {path[-1]}", "GET", path, (*query, *more, ("per_page", _PER_PAGE)))

        async def page(cursor: str) -> tuple[list[_Item], str]:
            found = await self._http.ask(asked(cursor), answer)
            return items(found), found.meta.links.next

        return await every(self._http, asked(""), page)
