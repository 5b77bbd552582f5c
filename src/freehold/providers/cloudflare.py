"""Zones, address records, origin certificates and the SSL mode at Cloudflare (API v4). API tokens only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from freehold.base.clock import Clock
from freehold.base.secret import Secret
from freehold.providers import cloudflare_answers as told
from freehold.providers import cloudflare_reading as reading
from freehold.providers.address import network_or_none
from freehold.providers.api_call import Api, Call
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.cloudflare_rules import HostRules
from freehold.providers.dns import OriginCertificate, Record, SslMode, Zone
from freehold.providers.http_api import HttpApi
from freehold.providers.leftover import Leftover, LeftoverKind
from freehold.providers.making import make_once
from freehold.providers.origin_request import certifies, checked_hostname, owner_name_in
from freehold.providers.ownership import Owner
from freehold.providers.paging import every
from freehold.providers.patience import Patience
from freehold.providers.record_plan import Target, plan_records
from freehold.providers.together import together

BASE_URL = "https://api.cloudflare.com/client/v4"
_TOKENS = "https://dash.cloudflare.com/profile/api-tokens"
PERMISSIONS = "Zone: Read; DNS: Edit; SSL and Certificates: Edit; Zone Settings: Edit; Config Rules: Edit"
"""Zone permissions of a token. `Config Rules` is for strict SSL of one name, `Zone Settings` for that of the zone."""
_HINTS = {
    Refusal.BAD_TOKEN: f"Make a token at {_TOKENS} (zone permissions: {PERMISSIONS}); then:"
    " freehold creds add cloudflare_api_token",
    Refusal.NO_RIGHT: f"The token needs these permissions in the zone: {PERMISSIONS}. Change it at {_TOKENS}",
}
YEARS_15_IN_DAYS = 5475
"""The longest of the validities that Cloudflare offers, and its default."""
_PER_PAGE = ("per_page", "50")
_Item = TypeVar("_Item")


class _Envelope(Protocol):
    @property
    def success(self) -> bool: ...


class _Page(_Envelope, Protocol):
    @property
    def result_info(self) -> told.ResultInfo: ...


_PageT = TypeVar("_PageT", bound=_Page)
_Answer = TypeVar("_Answer", bound=_Envelope)


class Cloudflare:
    """`Dns` on Cloudflare. `base_url` is another's for tests only. Promises as in `dns.py`."""

    def __init__(
        self,
        token: Secret,
        *,
        base_url: str = BASE_URL,
        clock: Clock | None = None,
        patience: Patience | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        api = Api("Cloudflare", base_url, reading.said, _HINTS)
        self._http = HttpApi(api, token, clock=clock, patience=patience, notify=notify)

    async def check(self) -> str:
        call = Call("check the token", "GET", ("user", "tokens", "verify"))
        try:
            token = (await self._ask(call, told.TokenAnswer)).result
        except ApiError as error:
            if error.refusal is not Refusal.BAD_TOKEN:
                raise
            # A token of an account, and not of a user, is unknown there.
            await self._ask(Call("check the token", "GET", ("zones",), (("per_page", "5"),)), told.Zones)
            return "a token of an account"
        if token.status != "active":
            raise self._http.failure(call, Refusal.BAD_TOKEN, f"the token is {token.status}")
        return f"token {token.id}"

    async def zones(self) -> tuple[Zone, ...]:
        found = await self._list(("zones",), told.Zones, lambda page: page.result, (_PER_PAGE,))
        return tuple(Zone(one.id, one.name, one.status == "active") for one in found)

    async def records(self, zone_id: str, hostname: str) -> tuple[Record, ...]:
        found = await self._records(zone_id, (("name", checked_hostname(hostname)),))
        return tuple(one for one in found if one.name == checked_hostname(hostname))

    async def point(
        self, zone_id: str, hostname: str, addresses: tuple[str, ...], owner: Owner, *, replace: bool = False
    ) -> tuple[Record, ...]:
        name = checked_hostname(hostname)
        plan = plan_records(await self.records(zone_id, name), addresses, owner)
        if plan.others and not replace:
            raise self._taken(name, plan.others)
        for record in plan.delete:
            await self._delete(f"remove the record {record.type} {name}", _record_path(zone_id, record.id))
        changed = [await self._update(zone_id, record, target, name, owner) for record, target in plan.update]
        made = [await self._create(zone_id, target, name, owner) for target in plan.create]
        return (*plan.keep, *changed, *made)

    async def certify(self, hostname: str, csr_pem: str) -> OriginCertificate:
        body = {
            "hostnames": [checked_hostname(hostname)],
            "request_type": "origin-ecc",
            "requested_validity": YEARS_15_IN_DAYS,
            "csr": csr_pem,
        }
        call = Call(f"make an origin certificate for {hostname}", "POST", ("certificates",), body=body)
        one = (await self._ask(call, told.CertificateAnswer)).result
        if not certifies(one.certificate, csr_pem):
            raise self._http.failure(call, Refusal.UNREADABLE, "the certificate is not on the key that was sent")
        return OriginCertificate(one.id, tuple(one.hostnames), one.certificate)

    async def ssl_mode(self, zone_id: str) -> SslMode:
        call = Call("read the zone's SSL mode", "GET", ("zones", zone_id, "settings", "ssl"))
        return reading.ssl_mode((await self._ask(call, told.SettingAnswer)).result.value)

    async def set_ssl_mode(self, zone_id: str, mode: SslMode) -> None:
        path = ("zones", zone_id, "settings", "ssl")
        call = Call("set the zone's SSL mode", "PATCH", path, body={"value": str(mode)}, again=True)
        await self._ask(call, told.SettingAnswer)

    async def require_strict(self, zone_id: str, hostname: str, owner: Owner) -> None:
        await self._host_rules(zone_id).require_strict(checked_hostname(hostname), owner)

    async def proxy_networks(self) -> tuple[str, ...]:
        call = Call("read the networks of its proxy", "GET", ("ips",))
        networks = (await self._ask(call, told.NetworksAnswer)).result
        found = [(text, network_or_none(text)) for text in (*networks.ipv4_cidrs, *networks.ipv6_cidrs)]
        if strange := [text for text, network in found if network is None]:
            raise self._http.failure(call, Refusal.UNREADABLE, f'"{strange[0]}" is no network')
        return tuple(network for _, network in found if network)

    async def leftovers(self, zone_id: str, owner: Owner) -> tuple[Leftover, ...]:
        async with together() as asking:
            records = asking.create_task(self._records(zone_id, (("comment.startswith", owner.mark),)))
            rules = asking.create_task(self._host_rules(zone_id).ours(owner))
            certificates = asking.create_task(self._certificates(zone_id))
        by_hand = "https://dash.cloudflare.com, the zone"
        found = [
            Leftover(LeftoverKind.DNS_RECORD, one.id, f"{one.type} {one.name}", f"{by_hand}, DNS")
            for one in records.result()
            if owner.signed(one.comment)
        ]
        found += [
            Leftover(LeftoverKind.HOST_RULE, f"{ruleset}/{rule.id}", rule.expression, f"{by_hand}, Rules")
            for ruleset, rule in rules.result()
        ]
        found += [
            Leftover(LeftoverKind.CERTIFICATE, one.id, ", ".join(one.hostnames), f"{by_hand}, SSL/TLS, Origin Server")
            for one in certificates.result()
            if owner_name_in(one.csr) == owner.name
        ]
        return tuple(found)

    async def remove(self, zone_id: str, leftover: Leftover) -> None:
        does = f"remove the {leftover}"
        match leftover.kind:
            case LeftoverKind.DNS_RECORD:
                await self._delete(does, _record_path(zone_id, leftover.id))
            case LeftoverKind.CERTIFICATE:
                await self._delete(does, ("certificates", leftover.id))
            case LeftoverKind.HOST_RULE:
                ruleset, _, rule = leftover.id.partition("/")
                await self._host_rules(zone_id).remove(ruleset, rule)
            case _:
                raise ValueError(f"a {leftover.kind} is not Cloudflare's")

    async def close(self) -> None:
        await self._http.close()

    def _host_rules(self, zone_id: str) -> HostRules:
        return HostRules(self._http, self._ask, zone_id)

    def _taken(self, hostname: str, others: tuple[Record, ...]) -> ApiError:
        records = ", ".join(f"{one.type} {one.content}" for one in others)
        call = Call(f"point {hostname} at the server", "POST", ())
        error = self._http.failure(call, Refusal.TAKEN, f"it has records that are not ours: {records}")
        error.hint = "Choose another name, or say that they are to be replaced."
        return error

    async def _update(self, zone_id: str, record: Record, target: Target, name: str, owner: Owner) -> Record:
        body = reading.record_body(target, name, owner)
        call = Call(f"point {name} at {target.content}", "PUT", _record_path(zone_id, record.id), body=body)
        return reading.record((await self._ask(call, told.RecordAnswer)).result)

    async def _create(self, zone_id: str, target: Target, name: str, owner: Owner) -> Record:
        async def find() -> Record | None:
            there = await self.records(zone_id, name)
            return next((one for one in there if (one.type, one.content) == (target.type, target.content)), None)

        async def make() -> Record:
            body = reading.record_body(target, name, owner)
            path = ("zones", zone_id, "dns_records")
            call = Call(f"point {name} at {target.content}", "POST", path, body=body)
            return reading.record((await self._ask(call, told.RecordAnswer)).result)

        return await make_once(find, make, self._http.clock)

    async def _records(self, zone_id: str, query: tuple[tuple[str, str], ...]) -> list[Record]:
        path = ("zones", zone_id, "dns_records")
        found = await self._list(path, told.Records, lambda page: page.result, (*query, _PER_PAGE))
        return [reading.record(one) for one in found]

    async def _certificates(self, zone_id: str) -> list[told.CertificateFound]:
        query = (("zone_id", zone_id),)
        found = await self._list(("certificates",), told.Certificates, lambda page: page.result, query)
        return [one for one in found if not one.revoked_at]

    async def _delete(self, does: str, path: tuple[str, ...]) -> None:
        try:
            await self._ask(Call(does, "DELETE", path, body={}), told.Nothing)
        except ApiError as error:
            if error.refusal is not Refusal.NOT_FOUND:
                raise

    async def _ask(self, call: Call, answer: type[_Answer]) -> _Answer:
        found = await self._http.ask(call, answer)
        if not found.success:
            raise self._http.failure(call, Refusal.INVALID, "it says that it did not succeed, and not why")
        return found

    async def _list(
        self,
        path: tuple[str, ...],
        answer: type[_PageT],
        items: Callable[[_PageT], list[_Item]],
        query: tuple[tuple[str, str], ...] = (),
    ) -> list[_Item]:
        def asked(number: str) -> Call:
            more = (("page", number),) if number else ()
            return Call(f"list {path[-1]}", "GET", path, (*query, *more))

        async def page(number: str) -> tuple[list[_Item], str]:
            found = await self._ask(asked(number), answer)
            return items(found), reading.next_page(found.result_info)

        return await every(self._http, asked(""), page)


def _record_path(zone_id: str, record_id: str) -> tuple[str, ...]:
    return ("zones", zone_id, "dns_records", record_id)
