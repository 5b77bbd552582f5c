"""What Hetzner Cloud's API v1 takes and says, as far as Freehold uses it. Written for these tests, and minimal."""

from __future__ import annotations

from tests.support.api_contract import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    WORD,
    WORDS,
    Contract,
    Operation,
    array,
    maybe,
    one_of,
    record,
)

_AMOUNT = record({"net": WORD, "gross": WORD})
_PRICE = record({"location": WORD, "price_hourly": _AMOUNT, "price_monthly": _AMOUNT})
_PAGE = record({"page": INTEGER, "per_page": INTEGER, "next_page": maybe(INTEGER), "last_page": maybe(INTEGER)})
_META = record({"pagination": _PAGE})
_LOCATION = record({"id": INTEGER, "name": WORD, "city": WORD, "country": WORD})
_TYPE_LOCATION = record({"name": WORD, "available": BOOLEAN, "deprecation": maybe(record({"unavailable_after": WORD}))})
_TYPE = record(
    {
        "name": WORD,
        "description": STRING,
        "cores": INTEGER,
        "memory": NUMBER,
        "disk": NUMBER,
        "architecture": one_of("x86", "arm"),
        "prices": array(_PRICE),
        "locations": array(_TYPE_LOCATION),
    }
)
_IMAGE = record(
    {
        "id": INTEGER,
        "name": maybe(WORD),
        "description": STRING,
        "os_flavor": WORD,
        "os_version": maybe(WORD),
        "architecture": one_of("x86", "arm"),
        "status": WORD,
        "deprecated": maybe(WORD),
    }
)
_KEY = record({"id": INTEGER, "name": WORD, "public_key": WORD, "labels": WORDS})
_RULE_TO_SEND = record(
    {"direction": one_of("in"), "protocol": one_of("tcp", "icmp"), "source_ips": array(WORD)},
    {"port": {"type": "string", "pattern": "^[0-9]+(-[0-9]+)?$"}, "description": {"type": "string", "maxLength": 255}},
    closed=True,
)
_RULE = record({"direction": WORD, "protocol": WORD, "source_ips": array(WORD), "port": maybe(WORD)})
_FIREWALL = record({"id": INTEGER, "name": WORD, "labels": WORDS, "rules": array(_RULE)})
_SERVER = record(
    {
        "id": INTEGER,
        "name": WORD,
        "status": WORD,
        "labels": WORDS,
        "public_net": record({"ipv4": maybe(record({"ip": WORD})), "ipv6": maybe(record({"ip": WORD}))}),
        "server_type": record({"name": WORD}),
        "location": record({"name": WORD}),
    }
)
_SERVER_TO_SEND = record(
    {
        "name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"},
        "server_type": WORD,
        "image": WORD,
        "location": WORD,
        "ssh_keys": array(WORD),
        "firewalls": array(record({"firewall": INTEGER}, closed=True)),
        "user_data": {"type": "string", "maxLength": 32 * 1024, "pattern": "^#cloud-config\n"},
        "labels": WORDS,
        "public_net": record({"enable_ipv4": BOOLEAN, "enable_ipv6": BOOLEAN}, closed=True),
        "start_after_create": BOOLEAN,
    },
    closed=True,
)
_ACTIONS = record({"actions": array(record({"id": INTEGER, "status": WORD}))})
_LISTED = frozenset({"page", "per_page"})
_MINE = _LISTED | {"name", "label_selector"}

HETZNER = Contract(
    {
        "GET /locations": Operation(
            query=_LISTED, answers={200: record({"locations": array(_LOCATION), "meta": _META})}
        ),
        "GET /server_types": Operation(
            query=_LISTED, answers={200: record({"server_types": array(_TYPE), "meta": _META})}
        ),
        "GET /images": Operation(
            query=_LISTED | {"type", "status"}, answers={200: record({"images": array(_IMAGE), "meta": _META})}
        ),
        "GET /pricing": Operation(
            answers={
                200: record(
                    {
                        "pricing": record(
                            {"currency": WORD, "primary_ips": array(record({"type": WORD, "prices": array(_PRICE)}))}
                        )
                    }
                )
            }
        ),
        "GET /ssh_keys": Operation(query=_MINE, answers={200: record({"ssh_keys": array(_KEY), "meta": _META})}),
        "POST /ssh_keys": Operation(
            body=record({"name": WORD, "public_key": WORD, "labels": WORDS}, closed=True),
            answers={201: record({"ssh_key": _KEY})},
        ),
        "DELETE /ssh_keys/{id}": Operation(answers={204: None}),
        "GET /firewalls": Operation(query=_MINE, answers={200: record({"firewalls": array(_FIREWALL), "meta": _META})}),
        "POST /firewalls": Operation(
            body=record({"name": WORD, "labels": WORDS, "rules": array(_RULE_TO_SEND)}, closed=True),
            answers={201: record({"firewall": _FIREWALL})},
        ),
        "POST /firewalls/{id}/actions/set_rules": Operation(
            body=record({"rules": array(_RULE_TO_SEND)}, closed=True), answers={201: _ACTIONS}
        ),
        "DELETE /firewalls/{id}": Operation(answers={204: None}),
        "GET /servers": Operation(query=_MINE, answers={200: record({"servers": array(_SERVER), "meta": _META})}),
        "POST /servers": Operation(body=_SERVER_TO_SEND, answers={201: record({"server": _SERVER})}),
        "GET /servers/{id}": Operation(answers={200: record({"server": _SERVER})}),
        "DELETE /servers/{id}": Operation(answers={200: record({"action": record({"id": INTEGER})})}),
    },
    error=record({"error": record({"code": WORD, "message": WORD})}),
    document="hetzner/cloud.spec.subset.json",
)
