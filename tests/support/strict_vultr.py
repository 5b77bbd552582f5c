"""Vultr on this machine, as strict as its API is described; what it sells is of our making."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.server_room import PaperRoom, ServerRoom
from tests.support.strict_api import TOKEN, Answer, Asked, RefusedError, Route, StrictApi
from tests.support.vultr_contract import VULTR

CREATED = "2026-11-01T08:00:00+00:00"
_REGIONS = (
    ("ewr", "New Jersey", "US", "North America"),
    ("fra", "Frankfurt", "DE", "Europe"),
    ("waw", "Warsaw", "PL", "Europe"),
)
_PLANS = (
    # id, vcpu, MB, GB, USD a month, where
    ("vc2-1c-1gb", 1, 1024, 25, 5, ("ewr", "fra", "waw")),
    ("vc2-2c-4gb", 2, 4096, 80, 20, ("ewr", "fra")),
    ("vhf-8c-32gb", 8, 32768, 512, 192, ()),
)
DEARER = ("vc2-1c-1gb", "waw", 6)
_SYSTEMS = (
    (2136, "Debian 12 x64 (bookworm)", "x64", "debian"),
    (2625, "Debian 13 x64 (trixie)", "x64", "debian"),
    (2284, "Ubuntu 24.04 LTS x64", "x64", "ubuntu"),
    (1743, "Ubuntu 22.04 LTS x64", "x64", "ubuntu"),
    (124, "Windows 2012 R2 Standard x64", "x64", "windows"),
    (381, "CentOS 7 i386", "i386", "centos"),
    (159, "Custom", "", "iso"),
)


@dataclass
class _Instance:
    record: dict[str, Any]
    wants_ipv4: bool
    leaving: bool = False


class StrictVultr(StrictApi):
    """`quota` instances at most; `sold_out` pairs of plan and region. `room` is where the machines stand."""

    prefix = "/v2"
    needs_token = staticmethod(lambda path: path not in ("/plans", "/regions", "/os"))

    def __init__(
        self, *, room: ServerRoom | None = None, token: str = TOKEN, quota: int = 5, most_per_page: int = 500
    ) -> None:
        self.room: ServerRoom = room or PaperRoom()
        self.quota = quota
        self.most_per_page = most_per_page
        self.sold_out: set[tuple[str, str]] = set()
        self.instances: dict[str, _Instance] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.rules: dict[str, dict[int, dict[str, Any]]] = {}
        self.ssh_keys: dict[str, dict[str, Any]] = {}
        self._last_rule = 0
        super().__init__(VULTR, token=token)

    def routes(self) -> Mapping[str, Route]:
        return {
            r"GET /account": lambda _: Answer(200, {"account": _ACCOUNT}),
            r"GET /plans": lambda asked: self._page(asked, "plans", self._plans()),
            r"GET /regions": lambda asked: self._page(asked, "regions", _regions()),
            r"GET /os": lambda asked: self._page(asked, "os", _systems()),
            r"GET /ssh-keys": lambda asked: self._page(asked, "ssh_keys", list(self.ssh_keys.values())),
            r"POST /ssh-keys": self._add_key,
            r"DELETE /ssh-keys/([\w-]+)": self._remove_key,
            r"GET /firewalls": lambda asked: self._page(asked, "firewall_groups", self._counted_groups()),
            r"POST /firewalls": self._add_group,
            r"DELETE /firewalls/([\w-]+)": self._remove_group,
            r"GET /firewalls/([\w-]+)/rules": self._list_rules,
            r"POST /firewalls/([\w-]+)/rules": self._add_rule,
            r"DELETE /firewalls/([\w-]+)/rules/(\d+)": self._remove_rule,
            r"GET /instances": self._list_instances,
            r"POST /instances": self._create_instance,
            r"GET /instances/([\w-]+)": lambda _, key: Answer(200, {"instance": self._seen(key)}),
            r"DELETE /instances/([\w-]+)": self._remove_instance,
        }

    def error_body(self, refused: RefusedError) -> Any:
        return {"error": str(refused), "status": refused.status}

    def wrong_token(self) -> RefusedError:
        return RefusedError(401, "", "Invalid API token.")

    def _page(self, asked: Asked, noun: str, everything: list[dict[str, Any]]) -> Answer:
        size = int(asked.one("per_page", "100"))
        if not 1 <= size <= 500:
            raise RefusedError(400, "", "Invalid per_page")
        size = min(size, self.most_per_page)
        cursor = asked.one("cursor")
        start = int(base64.b64decode(cursor).removeprefix(b"next__")) if cursor else 0
        following = base64.b64encode(b"next__%d" % (start + size)).decode() if start + size < len(everything) else ""
        meta = {"total": len(everything), "links": {"next": following, "prev": ""}}
        return Answer(200, {noun: everything[start : start + size], "meta": meta})

    def _plans(self) -> list[dict[str, Any]]:
        return [_plan(one, [place for place in one[5] if (one[0], place) not in self.sold_out]) for one in _PLANS]

    def _add_key(self, asked: Asked) -> Answer:
        key = {**asked.body, "id": _new_id(), "date_created": CREATED}
        self.ssh_keys[key["id"]] = key
        return Answer(201, {"ssh_key": key})

    def _remove_key(self, _: Asked, key: str) -> Answer:
        _there(self.ssh_keys, key)
        del self.ssh_keys[key]
        return Answer(204)

    def _add_group(self, asked: Asked) -> Answer:
        group = {
            "id": _new_id(),
            "description": asked.body["description"],
            "date_created": CREATED,
            "date_modified": CREATED,
            "instance_count": 0,
            "rule_count": 0,
            "max_rule_count": 50,
        }
        self.groups[group["id"]], self.rules[group["id"]] = group, {}
        return Answer(201, {"firewall_group": group})

    def _counted_groups(self) -> list[dict[str, Any]]:
        for key, group in self.groups.items():
            group["instance_count"] = sum(one.record["firewall_group_id"] == key for one in self.instances.values())
            group["rule_count"] = len(self.rules[key])
        for key in list(self.instances):
            self._seen(key, must=False)
        return list(self.groups.values())

    def _remove_group(self, _: Asked, key: str) -> Answer:
        _there(self.groups, key)
        if any(one.record["firewall_group_id"] == key for one in self.instances.values()):
            raise RefusedError(400, "", "Firewall group has linked instances")
        del self.groups[key], self.rules[key]
        return Answer(204)

    def _list_rules(self, asked: Asked, key: str) -> Answer:
        return self._page(asked, "firewall_rules", list(_there(self.rules, key).values()))

    def _add_rule(self, asked: Asked, key: str) -> Answer:
        rules = _there(self.rules, key)
        body = asked.body
        wanted = {"port": "", "source": "", **body}
        if (body["protocol"] == "tcp") != ("port" in body) or (":" in body["subnet"]) != (body["ip_type"] == "v6"):
            raise RefusedError(400, "", "Invalid rule")
        if any({name: rule[name] for name in wanted} == wanted for rule in rules.values()):
            raise RefusedError(400, "", "This rule is already defined")
        self._last_rule += 1
        rule = {**wanted, "id": self._last_rule, "type": body["ip_type"], "action": "accept"}
        rules[rule["id"]] = rule
        return Answer(201, {"firewall_rule": rule})

    def _remove_rule(self, _: Asked, key: str, number: str) -> Answer:
        rules = _there(self.rules, key)
        _there(rules, int(number))
        del rules[int(number)]
        return Answer(204)

    def _create_instance(self, asked: Asked) -> Answer:
        body = asked.body
        plan = next((one for one in self._plans() if one["id"] == body["plan"]), None)
        if plan is None or body["region"] not in plan["locations"]:
            raise RefusedError(400, "", "Selected plan not available in the selected location")
        if body["os_id"] not in [one[0] for one in _SYSTEMS]:
            raise RefusedError(400, "", "Invalid OS")
        if len(self.instances) >= self.quota:
            raise RefusedError(
                400, "", "Server add failed: you have reached the maximum number of active virtual machines"
            )
        _there(self.groups, body["firewall_group_id"])
        keys = tuple(_there(self.ssh_keys, key)["ssh_key"] for key in body["sshkey_id"])
        made = _Instance(_instance_record(body, plan), not body.get("disable_public_ipv4", False))
        self.instances[made.record["id"]] = made
        self.room.set_up(body["label"], base64.b64decode(body["user_data"], validate=True).decode(), keys)
        return Answer(202, {"instance": {**made.record, "default_password": "never-looked-at"}})

    def _list_instances(self, asked: Asked) -> Answer:
        seen = [one for key in list(self.instances) if (one := self._seen(key, must=False))]
        label, tag = asked.one("label"), asked.one("tag")
        found = [one for one in seen if label in ("", one["label"]) and (not tag or tag in one["tags"])]
        return self._page(asked, "instances", found)

    def _seen(self, key: str, *, must: bool = True) -> Any:
        one = self.instances.get(key)
        if one and one.leaving and self.room.is_cleared(one.record["label"]):
            one = self.instances.pop(key) and None
        if one is None:
            if must:
                raise RefusedError(404, "", "Invalid instance-id")
            return None
        if not one.leaving:
            sight = self.room.look(one.record["label"])
            if sight.ipv4 or sight.ipv6:
                one.record["main_ip"] = (sight.ipv4 if one.wants_ipv4 else None) or "0.0.0.0"
                one.record["v6_main_ip"] = sight.ipv6 or ""
                one.record["status"] = "active"
            one.record["server_status"] = "ok" if sight.running else "installingbooting"
        return one.record

    def _remove_instance(self, _: Asked, key: str) -> Answer:
        self._seen(key)
        one = self.instances[key]
        if not one.leaving:
            one.leaving = True
            self.room.clear(one.record["label"])
        return Answer(204)


_ACCOUNT = {
    "name": "Ada Example",
    "email": "ada@example.com",
    "acls": ["provisioning"],
    "balance": -10.5,
    "pending_charges": 1.2,
    "last_payment_date": CREATED,
    "last_payment_amount": -10,
}


def _regions() -> list[dict[str, Any]]:
    return [
        {
            "id": key,
            "city": city,
            "country": country,
            "continent": continent,
            "options": [],
            "connectivity": ["public_ip"],
        }
        for key, city, country, continent in _REGIONS
    ]


def _systems() -> list[dict[str, Any]]:
    return [{"id": number, "name": name, "arch": arch, "family": family} for number, name, arch, family in _SYSTEMS]


def _plan(one: tuple[Any, ...], places: list[str]) -> dict[str, Any]:
    key, vcpu, ram, disk, month, _ = one
    costs = {place: _cost(DEARER[2] if (key, place) == DEARER[:2] else month) for place in places}
    return {
        "id": key,
        "vcpu_count": vcpu,
        "ram": ram,
        "disk": disk,
        "disk_count": 1,
        "bandwidth": 1024,
        **_cost(month),
        "invoice_type": "hourly",
        "type": key.partition("-")[0],
        "locations": places,
        "location_cost": costs,
        "gpu_brand": "none",
    }


def _cost(month: float) -> dict[str, float]:
    return {"monthly_cost": month, "hourly_cost": round(month / 730, 3)}


def _instance_record(body: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": _new_id(),
        "os": next(name for number, name, *_ in _SYSTEMS if number == body["os_id"]),
        "ram": plan["ram"],
        "disk": 0,
        "main_ip": "0.0.0.0",
        "vcpu_count": plan["vcpu_count"],
        "region": body["region"],
        "plan": body["plan"],
        "date_created": CREATED,
        "status": "pending",
        "power_status": "running",
        "server_status": "none",
        "allowed_bandwidth": 1000,
        "netmask_v4": "",
        "gateway_v4": "0.0.0.0",
        "v6_network": "",
        "v6_main_ip": "",
        "v6_network_size": 0,
        "label": body["label"],
        "hostname": body["hostname"],
        "internal_ip": "",
        "vpc_only": False,
        "kvm": "",
        "os_id": body["os_id"],
        "app_id": 0,
        "image_id": "",
        "snapshot_id": "",
        "firewall_group_id": body["firewall_group_id"],
        "features": ["ipv6"],
        "tags": body["tags"],
        "user_scheme": body["user_scheme"],
    }


def _there(things: Mapping[Any, Any], key: Any) -> Any:
    if key not in things:
        raise RefusedError(404, "", "Not found")
    return things[key]


def _new_id() -> str:
    return str(uuid.uuid4())
