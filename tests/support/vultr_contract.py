"""What Vultr's API v2 takes and says, as far as Freehold uses it. Written for these tests, and minimal."""

from __future__ import annotations

from tests.support.api_contract import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    WORD,
    Contract,
    Operation,
    array,
    one_of,
    record,
)

_META = record({"total": INTEGER, "links": record({"next": STRING, "prev": STRING})})
_PLAN = record(
    {
        "id": WORD,
        "vcpu_count": INTEGER,
        "ram": INTEGER,
        "disk": INTEGER,
        "monthly_cost": NUMBER,
        "hourly_cost": NUMBER,
        "type": WORD,
        "locations": array(WORD),
        "location_cost": {
            "type": "object",
            "additionalProperties": record({"monthly_cost": NUMBER, "hourly_cost": NUMBER}),
        },
    }
)
_REGION = record({"id": WORD, "city": WORD, "country": WORD})
_OS = record({"id": INTEGER, "name": WORD, "arch": STRING, "family": STRING})
_KEY = record({"id": WORD, "name": WORD, "ssh_key": WORD})
_GROUP = record({"id": WORD, "description": STRING, "instance_count": INTEGER})
_RULE = record(
    {
        "id": INTEGER,
        "ip_type": one_of("v4", "v6"),
        "protocol": WORD,
        "subnet": WORD,
        "subnet_size": INTEGER,
        "port": STRING,
        "notes": STRING,
        "source": STRING,
    }
)
_INSTANCE = record(
    {
        "id": WORD,
        "label": STRING,
        "status": WORD,
        "power_status": WORD,
        "server_status": WORD,
        "main_ip": STRING,
        "v6_main_ip": STRING,
        "plan": WORD,
        "region": WORD,
        "tags": array(STRING),
    }
)
_INSTANCE_TO_SEND = record(
    {
        "region": WORD,
        "plan": WORD,
        "os_id": INTEGER,
        "label": WORD,
        "hostname": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"},
        "tags": array(WORD),
        "sshkey_id": array(WORD),
        "firewall_group_id": WORD,
        "user_data": {"type": "string", "pattern": "^[A-Za-z0-9+/]+=*$"},
        "enable_ipv6": BOOLEAN,
        "activation_email": one_of(False),
        "user_scheme": one_of("root"),
    },
    {"disable_public_ipv4": BOOLEAN},
    closed=True,
)
_RULE_TO_SEND = record(
    {
        "ip_type": one_of("v4", "v6"),
        "protocol": one_of("tcp", "icmp"),
        "subnet": WORD,
        "subnet_size": INTEGER,
        "notes": STRING,
    },
    {"port": {"type": "string", "pattern": "^[0-9]+(:[0-9]+)?$"}},
    closed=True,
)
_LISTED = frozenset({"per_page", "cursor"})

VULTR = Contract(
    {
        "GET /account": Operation(answers={200: record({"account": record({"name": WORD, "email": WORD})})}),
        "GET /plans": Operation(query=_LISTED, answers={200: record({"plans": array(_PLAN), "meta": _META})}),
        "GET /regions": Operation(query=_LISTED, answers={200: record({"regions": array(_REGION), "meta": _META})}),
        "GET /os": Operation(query=_LISTED, answers={200: record({"os": array(_OS), "meta": _META})}),
        "GET /ssh-keys": Operation(query=_LISTED, answers={200: record({"ssh_keys": array(_KEY), "meta": _META})}),
        "POST /ssh-keys": Operation(
            body=record({"name": WORD, "ssh_key": WORD}, closed=True), answers={201: record({"ssh_key": _KEY})}
        ),
        "DELETE /ssh-keys/{id}": Operation(answers={204: None}),
        "GET /firewalls": Operation(
            query=_LISTED, answers={200: record({"firewall_groups": array(_GROUP), "meta": _META})}
        ),
        "POST /firewalls": Operation(
            body=record({"description": WORD}, closed=True), answers={201: record({"firewall_group": _GROUP})}
        ),
        "DELETE /firewalls/{id}": Operation(answers={204: None}),
        "GET /firewalls/{id}/rules": Operation(
            query=_LISTED, answers={200: record({"firewall_rules": array(_RULE), "meta": _META})}
        ),
        "POST /firewalls/{id}/rules": Operation(body=_RULE_TO_SEND, answers={201: record({"firewall_rule": _RULE})}),
        "DELETE /firewalls/{id}/rules/{rule}": Operation(answers={204: None}),
        "GET /instances": Operation(
            query=_LISTED | {"label", "tag"}, answers={200: record({"instances": array(_INSTANCE), "meta": _META})}
        ),
        "POST /instances": Operation(body=_INSTANCE_TO_SEND, answers={202: record({"instance": _INSTANCE})}),
        "GET /instances/{id}": Operation(answers={200: record({"instance": _INSTANCE})}),
        "DELETE /instances/{id}": Operation(answers={204: None}),
    },
    error=record({"error": WORD, "status": INTEGER}),
    document="vultr/openapi.subset.json",
)
