"""Cloudflare on this machine, as strict as its API is described, with an origin authority that signs for real."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Mapping
from typing import Any

from freehold.providers.fake_authority import OriginAuthority
from tests.support.cloudflare_contract import CLOUDFLARE
from tests.support.strict_api import TOKEN, Answer, Asked, RefusedError, Route, StrictApi

CREATED = "2026-11-01T08:00:00.12345Z"
ZONE_ID = "023e105f4ecef8ad9ca31a8372d0c353"


class StrictCloudflare(StrictApi):
    """One zone, `example.com`, and as many others as `add_zone` makes. `rights` are what the token may do there."""

    prefix = "/client/v4"
    needs_token = staticmethod(lambda path: path != "/ips")

    def __init__(self, *, token: str = TOKEN, most_per_page: int = 50) -> None:
        self.most_per_page = most_per_page
        self.authority = OriginAuthority()
        self.token_status = "active"
        self.of_an_account = False
        self.rights = {"dns", "ssl", "settings", "rules"}
        self.zones: dict[str, dict[str, Any]] = {}
        self.records: dict[str, dict[str, dict[str, Any]]] = {}
        self.ssl: dict[str, str] = {}
        self.rulesets: dict[str, dict[str, Any]] = {}
        self.certificates: dict[str, dict[str, Any]] = {}
        self.add_zone("example.com", ZONE_ID)
        super().__init__(CLOUDFLARE, token=token)

    def add_zone(self, name: str, zone_id: str = "", *, status: str = "active") -> str:
        key = zone_id or uuid.uuid4().hex
        self.zones[key], self.records[key], self.ssl[key] = _zone(key, name, status), {}, "full"
        return key

    def add_record(self, kind: str, name: str, content: str) -> str:
        """As its owner makes one by hand, in the first zone."""
        key = uuid.uuid4().hex
        record = {"type": kind, "name": name, "content": content, "proxied": False, "ttl": 1}
        self.records[ZONE_ID][key] = _kept(key, record)
        return key

    def origin_of(self, host: str) -> tuple[str, str] | None:
        """Where the proxy sends requests for a host, and in which SSL mode; None when it has no proxied address."""
        with self._lock:
            for zone, records in self.records.items():
                for one in records.values():
                    if one["name"] == host and one["proxied"] and one["type"] in ("A", "AAAA"):
                        return one["content"], self._mode(zone, host)
        return None

    def _mode(self, zone: str, host: str) -> str:
        """A configuration rule for the host wins over the zone; the last of several."""
        rules = self.rulesets.get(zone, {}).get("rules", [])
        said = [
            rule["action_parameters"].get("ssl") for rule in rules if rule["expression"] == f'(http.host eq "{host}")'
        ]
        return said[-1] if said else self.ssl[zone]

    def routes(self) -> Mapping[str, Route]:
        zone = r"/zones/([0-9a-f]{32})"
        entry = f"{zone}/rulesets/phases/http_config_settings/entrypoint"
        return {
            r"GET /user/tokens/verify": self._verify,
            r"GET /zones": lambda asked: self._page(asked, list(self.zones.values())),
            f"GET {zone}/dns_records": self._list_records,
            f"POST {zone}/dns_records": self._add_record,
            f"PUT {zone}/dns_records/([0-9a-f]+)": self._put_record,
            f"DELETE {zone}/dns_records/([0-9a-f]+)": self._remove_record,
            r"GET /certificates": self._list_certificates,
            r"POST /certificates": self._certify,
            r"DELETE /certificates/(\d+)": self._revoke,
            f"GET {zone}/settings/ssl": lambda _, key: self._setting(key),
            f"PATCH {zone}/settings/ssl": self._set_ssl,
            f"GET {entry}": self._entry_point,
            f"POST {zone}/rulesets": self._add_ruleset,
            f"POST {zone}/rulesets/([0-9a-f]+)/rules": self._add_rule,
            f"DELETE {zone}/rulesets/([0-9a-f]+)/rules/([0-9a-f]+)": self._remove_rule,
            r"GET /ips": lambda _: _said(_NETWORKS),
        }

    def error_body(self, refused: RefusedError) -> Any:
        code = refused.code if isinstance(refused.code, int) else 1004
        return {"success": False, "errors": [{"code": code, "message": str(refused)}], "messages": [], "result": None}

    def wrong_token(self) -> RefusedError:
        return RefusedError(401, 1000, "Invalid API Token")

    def _require(self, right: str) -> None:
        if right not in self.rights:
            raise RefusedError(403, 10000, "Authentication error")

    def _verify(self, _: Asked) -> Answer:
        if self.of_an_account:
            raise self.wrong_token()
        return _said({"id": "ed17574386854bf78a67040be0a770b0", "status": self.token_status})

    def _page(self, asked: Asked, everything: list[dict[str, Any]]) -> Answer:
        number, size = int(asked.one("page", "1")), int(asked.one("per_page", "20"))
        if not 5 <= size <= 50 or number < 1:
            raise RefusedError(400, 1004, "per_page is out of range")
        size = min(size, self.most_per_page)
        here = everything[(number - 1) * size : number * size]
        info = {"page": number, "per_page": size, "count": len(here), "total_count": len(everything)}
        return Answer(200, {**_around(here), "result_info": info})

    def _list_records(self, asked: Asked, zone: str) -> Answer:
        self._require("dns")
        name, start = asked.one("name"), asked.one("comment.startswith")
        found = [
            one
            for one in self._there(self.records, zone).values()
            if name in ("", one["name"]) and one.get("comment", "").startswith(start)
        ]
        return self._page(asked, found)

    def _add_record(self, asked: Asked, zone: str) -> Answer:
        self._require("dns")
        key = uuid.uuid4().hex
        self._check_record(zone, key, asked.body)
        self.records[zone][key] = _kept(key, asked.body)
        return _said(self.records[zone][key])

    def _put_record(self, asked: Asked, zone: str, key: str) -> Answer:
        self._require("dns")
        self._there(self.records[zone], key, 81044)
        self._check_record(zone, key, asked.body)
        self.records[zone][key] = _kept(key, asked.body)
        return _said(self.records[zone][key])

    def _check_record(self, zone: str, key: str, record: Mapping[str, Any]) -> None:
        version = ipaddress.ip_address(record["content"]).version
        if record["type"] != {4: "A", 6: "AAAA"}[version]:
            raise RefusedError(400, 9005, "Content for the record is invalid")
        if not ("." + record["name"]).endswith("." + self.zones[zone]["name"]):
            raise RefusedError(400, 9041, "This record's name is not in the zone")
        for other, one in self.records[zone].items():
            if other == key or one["name"] != record["name"]:
                continue
            if one["type"] == "CNAME":
                raise RefusedError(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
            if (one["type"], one["content"]) == (record["type"], record["content"]):
                raise RefusedError(400, 81058, "An identical record already exists.")

    def _remove_record(self, _: Asked, zone: str, key: str) -> Answer:
        self._require("dns")
        self._there(self.records[zone], key, 81044)
        del self.records[zone][key]
        return Answer(200, {"result": {"id": key}, "success": True, "errors": [], "messages": []})

    def _list_certificates(self, asked: Asked) -> Answer:
        self._require("ssl")
        zone = self.zones[asked.one("zone_id")]["name"]
        found = [one for one in self.certificates.values() if one["hostnames"][0].endswith(zone)]
        return self._page(asked, found)

    def _certify(self, asked: Asked) -> Answer:
        self._require("ssl")
        body = asked.body
        try:
            pem = self.authority.certify(tuple(body["hostnames"]), body["csr"], body["requested_validity"])
        except ValueError as error:
            raise RefusedError(400, 1010, f"Failed to validate requested CSR: {error}") from None
        made = {**body, "id": str(uuid.uuid4().int), "certificate": pem, "expires_on": "2041-11-01T08:00:00Z"}
        self.certificates[made["id"]] = made
        return _said(made)

    def _revoke(self, _: Asked, key: str) -> Answer:
        self._require("ssl")
        self._there(self.certificates, key, 1101)
        del self.certificates[key]
        return _said({"id": key})

    def _setting(self, zone: str) -> Answer:
        self._require("settings")
        value = self._there(self.ssl, zone)
        return _said({"id": "ssl", "value": value, "editable": True, "modified_on": CREATED})

    def _set_ssl(self, asked: Asked, zone: str) -> Answer:
        self._require("settings")
        self._there(self.ssl, zone)
        self.ssl[zone] = asked.body["value"]
        return self._setting(zone)

    def _entry_point(self, _: Asked, zone: str) -> Answer:
        self._require("rules")
        return _said(self._there(self.rulesets, zone, 10003))

    def _add_ruleset(self, asked: Asked, zone: str) -> Answer:
        self._require("rules")
        if zone in self.rulesets:
            raise RefusedError(400, 20217, "a similar configuration with rules already exists")
        rules = [_rule(rule) for rule in asked.body["rules"]]
        kept = {**asked.body, "id": uuid.uuid4().hex, "version": "1", "last_updated": CREATED, "rules": rules}
        self.rulesets[zone] = kept
        return _said(kept)

    def _add_rule(self, asked: Asked, zone: str, _ruleset: str) -> Answer:
        self._require("rules")
        ruleset = self._there(self.rulesets, zone, 10003)
        ruleset["rules"].append(_rule(asked.body))
        return _said(ruleset)

    def _remove_rule(self, _: Asked, zone: str, _ruleset: str, rule: str) -> Answer:
        self._require("rules")
        ruleset = self._there(self.rulesets, zone, 10003)
        if rule not in [one["id"] for one in ruleset["rules"]]:
            raise RefusedError(404, 10004, "could not find rule")
        ruleset["rules"] = [one for one in ruleset["rules"] if one["id"] != rule]
        return _said(ruleset)

    def _there(self, things: Mapping[str, Any], key: str, code: int = 7003) -> Any:
        if key not in things:
            raise RefusedError(404, code, "not found")
        return things[key]


_NETWORKS = {
    "ipv4_cidrs": ["198.51.100.0/24", "203.0.113.0/24"],
    "ipv6_cidrs": ["2001:db8:cf::/48"],
    "etag": "a8e453d9d129a3769407127936edfdb0",
}


def _around(result: Any) -> dict[str, Any]:
    return {"success": True, "errors": [], "messages": [], "result": result}


def _said(result: Any) -> Answer:
    return Answer(200, _around(result))


def _zone(key: str, name: str, status: str) -> dict[str, Any]:
    return {
        "id": key,
        "name": name,
        "status": status,
        "account": {"id": "f" * 32, "name": "Example"},
        "activated_on": CREATED,
        "created_on": CREATED,
        "modified_on": CREATED,
        "development_mode": 0,
        "meta": {},
        "name_servers": ["ada.ns.cloudflare.com"],
        "original_dnshost": None,
        "original_name_servers": None,
        "original_registrar": None,
        "owner": {"id": "f" * 32, "name": "Example", "type": "user"},
    }


def _kept(key: str, record: Mapping[str, Any]) -> dict[str, Any]:
    times = {"created_on": CREATED, "modified_on": CREATED}
    return {**record, "id": key, "proxiable": True, "meta": {}, "tags": [], **times}


def _rule(body: Mapping[str, Any]) -> dict[str, Any]:
    return {**body, "id": uuid.uuid4().hex, "version": "1", "last_updated": CREATED}
