"""Hetzner Cloud on this machine, as strict as its API is described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support import hetzner_shop as shop
from tests.support.hetzner_contract import HETZNER
from tests.support.server_room import PaperRoom, ServerRoom
from tests.support.strict_api import TOKEN, Answer, Asked, RefusedError, Route, StrictApi


@dataclass
class _Server:
    record: dict[str, Any]
    wants_ipv4: bool
    firewalls: list[int] = field(default_factory=list)
    leaving: bool = False


class StrictHetzner(StrictApi):
    """`quota` servers at most; `sold_out` pairs of type and location. `room` is where the machines stand."""

    prefix = "/v1"

    def __init__(
        self, *, room: ServerRoom | None = None, token: str = TOKEN, quota: int = 5, most_per_page: int = 50
    ) -> None:
        self.room: ServerRoom = room or PaperRoom()
        self.quota = quota
        self.most_per_page = most_per_page
        self.read_only = False
        self.heeds_selectors = True
        self.sold_out: set[tuple[str, str]] = set()
        self.servers: dict[int, _Server] = {}
        self.firewalls: dict[int, dict[str, Any]] = {}
        self.ssh_keys: dict[int, dict[str, Any]] = {}
        self._last_id = 40
        super().__init__(HETZNER, token=token)

    def routes(self) -> Mapping[str, Route]:
        return {
            r"GET /locations": lambda asked: self._page(asked, "locations", shop.locations()),
            r"GET /server_types": lambda asked: self._page(asked, "server_types", shop.server_types(self.sold_out)),
            r"GET /images": lambda asked: self._page(asked, "images", shop.images()),
            r"GET /pricing": lambda _: Answer(200, {"pricing": shop.pricing()}),
            r"GET /ssh_keys": lambda asked: self._page(asked, "ssh_keys", list(self.ssh_keys.values())),
            r"POST /ssh_keys": self._add_key,
            r"DELETE /ssh_keys/(\d+)": self._remove_key,
            r"GET /firewalls": lambda asked: self._page(asked, "firewalls", list(self.firewalls.values())),
            r"POST /firewalls": self._add_firewall,
            r"POST /firewalls/(\d+)/actions/set_rules": self._set_rules,
            r"DELETE /firewalls/(\d+)": self._remove_firewall,
            r"GET /servers": self._list_servers,
            r"POST /servers": self._create_server,
            r"GET /servers/(\d+)": lambda _, number: Answer(200, {"server": self._seen(int(number))}),
            r"DELETE /servers/(\d+)": self._remove_server,
        }

    def error_body(self, refused: RefusedError) -> Any:
        return {"error": {"code": refused.code, "message": str(refused), "details": None}}

    def wrong_token(self) -> RefusedError:
        return RefusedError(401, "unauthorized", "unable to authenticate")

    def _page(self, asked: Asked, noun: str, everything: list[dict[str, Any]]) -> Answer:
        number, size = int(asked.one("page", "1")), int(asked.one("per_page", "25"))
        if not 1 <= size <= 50 or number < 1:
            raise RefusedError(400, "invalid_input", "invalid input in field 'per_page'")
        size = min(size, self.most_per_page)
        wanted = dict(pair.split("=") for pair in asked.one("label_selector").split(",") if pair)
        wanted = wanted if self.heeds_selectors else {}
        found = [one for one in everything if wanted.items() <= one.get("labels", {}).items()]
        last = max(1, -(-len(found) // size))
        pagination = {
            "page": number,
            "per_page": size,
            "previous_page": number - 1 if number > 1 else None,
            "next_page": number + 1 if number < last else None,
            "last_page": last,
            "total_entries": len(found),
        }
        here = found[(number - 1) * size : number * size]
        return Answer(200, {noun: here, "meta": {"pagination": pagination}})

    def _require_writing(self) -> None:
        if self.read_only:
            raise RefusedError(403, "token_readonly", "token is only allowed to perform GET requests")

    def _require_unique(self, noun: str, things: Mapping[int, Any], name: str) -> None:
        if any(one["name"] == name for one in things.values()):
            raise RefusedError(409, "uniqueness_error", f"{noun} name is already used")

    def _add_key(self, asked: Asked) -> Answer:
        self._require_writing()
        self._require_unique("SSH key", self.ssh_keys, asked.body["name"])
        material = asked.body["public_key"].split()[:2]
        if any(key["public_key"].split()[:2] == material for key in self.ssh_keys.values()):
            raise RefusedError(409, "uniqueness_error", "SSH key with the same fingerprint already exists")
        key = {**asked.body, "id": self._new_id(), "fingerprint": "b7:2f:30", "created": shop.CREATED}
        self.ssh_keys[key["id"]] = key
        return Answer(201, {"ssh_key": key})

    def _remove_key(self, _: Asked, number: str) -> Answer:
        self._there(self.ssh_keys, number)
        del self.ssh_keys[int(number)]
        return Answer(204)

    def _add_firewall(self, asked: Asked) -> Answer:
        self._require_writing()
        self._require_unique("firewall", self.firewalls, asked.body["name"])
        rules = [_kept_rule(rule) for rule in asked.body["rules"]]
        made = {**asked.body, "id": self._new_id(), "created": shop.CREATED, "rules": rules, "applied_to": []}
        self.firewalls[made["id"]] = made
        return Answer(201, {"firewall": made, "actions": []})

    def _set_rules(self, asked: Asked, number: str) -> Answer:
        self._there(self.firewalls, number)["rules"] = [_kept_rule(rule) for rule in asked.body["rules"]]
        return Answer(201, {"actions": [self._action("set_firewall_rules")]})

    def _remove_firewall(self, _: Asked, number: str) -> Answer:
        self._there(self.firewalls, number)
        if any(int(number) in server.firewalls for server in self.servers.values()):
            raise RefusedError(409, "resource_in_use", f"firewall {number} is still in use")
        del self.firewalls[int(number)]
        return Answer(204)

    def _create_server(self, asked: Asked) -> Answer:
        self._require_writing()
        body = asked.body
        self._require_unique("server", {key: one.record for key, one in self.servers.items()}, body["name"])
        kind = next((one for one in shop.server_types(self.sold_out) if one["name"] == body["server_type"]), None)
        image = next((one for one in shop.images() if body["image"] in (str(one["id"]), one["name"])), None)
        if kind is None or image is None or kind["architecture"] != image["architecture"]:
            raise RefusedError(422, "invalid_input", "server type or image not found, or they do not fit")
        where = next((one for one in kind["locations"] if one["name"] == body["location"]), None)
        if where is None:
            raise RefusedError(422, "invalid_input", "unsupported location for server type")
        if not where["available"]:
            raise RefusedError(412, "resource_unavailable", "error during placement")
        if len(self.servers) >= self.quota:
            raise RefusedError(403, "resource_limit_exceeded", "server limit reached")
        keys = tuple(self._there(self.ssh_keys, key)["public_key"] for key in body["ssh_keys"])
        firewalls = [self._there(self.firewalls, str(one["firewall"]))["id"] for one in body["firewalls"]]
        made = _Server(_server_record(self._new_id(), body, kind, image), body["public_net"]["enable_ipv4"], firewalls)
        self.servers[made.record["id"]] = made
        self.room.set_up(body["name"], body["user_data"], keys)
        action = self._action("create_server")
        return Answer(201, {"server": made.record, "action": action, "next_actions": [], "root_password": None})

    def _list_servers(self, asked: Asked) -> Answer:
        seen = (self._seen(number, must=False) for number in list(self.servers))
        return self._page(asked, "servers", [one for one in seen if one])

    def _seen(self, number: int, *, must: bool = True) -> Any:
        server = self.servers.get(number)
        if server and server.leaving and self.room.is_cleared(server.record["name"]):
            server = self.servers.pop(number) and None
        if server is None:
            if must:
                raise RefusedError(404, "not_found", f"server with ID '{number}' not found")
            return None
        if not server.leaving:
            sight = self.room.look(server.record["name"])
            net = server.record["public_net"]
            server.record["status"] = "running" if sight.running else "initializing"
            v4 = sight.ipv4 if server.wants_ipv4 else None
            net["ipv4"] = {"id": 1, "ip": v4, "blocked": False, "dns_ptr": "x.example.com"} if v4 else None
            v6 = sight.ipv6 and sight.ipv6.removesuffix("1") + "/64"
            net["ipv6"] = {"id": 2, "ip": v6, "blocked": False, "dns_ptr": []} if v6 else None
        return server.record

    def _remove_server(self, _: Asked, number: str) -> Answer:
        self._seen(int(number))
        server = self.servers[int(number)]
        if not server.leaving:
            server.leaving = True
            server.record["status"] = "deleting"
            self.room.clear(server.record["name"])
        return Answer(200, {"action": self._action("delete_server")})

    def _there(self, things: Mapping[int, Any], number: str) -> Any:
        if not number.isdigit() or int(number) not in things:
            raise RefusedError(404, "not_found", f"resource with ID '{number}' not found")
        return things[int(number)]

    def _action(self, command: str) -> dict[str, Any]:
        return {
            "id": self._new_id(),
            "command": command,
            "status": "running",
            "started": shop.CREATED,
            "finished": None,
            "progress": 0,
            "resources": [],
            "error": None,
        }

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id


def _kept_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {"port": None, "description": None, "destination_ips": [], **rule}


def _server_record(number: int, body: Mapping[str, Any], kind: Any, image: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": body["name"],
        "status": "initializing",
        "created": shop.CREATED,
        "public_net": {"ipv4": None, "ipv6": None, "floating_ips": [], "firewalls": []},
        "private_net": [],
        "server_type": kind,
        "location": next(one for one in shop.locations() if one["name"] == body["location"]),
        "image": image,
        "iso": None,
        "rescue_enabled": False,
        "locked": False,
        "backup_window": None,
        "outgoing_traffic": None,
        "ingoing_traffic": None,
        "included_traffic": None,
        "protection": {"delete": False, "rebuild": False},
        "labels": body["labels"],
        "volumes": [],
        "load_balancers": [],
        "primary_disk_size": kind["disk"],
        "placement_group": None,
    }
