"""What Cloudflare's API v4 takes and says, as far as Freehold uses it. Written for these tests, and minimal."""

from __future__ import annotations

from tests.support.api_contract import (
    BOOLEAN,
    INTEGER,
    STRING,
    WORD,
    Contract,
    Operation,
    Schema,
    array,
    maybe,
    one_of,
    record,
)

_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_NUMBER_OF_CERTIFICATE: Schema = {"type": "string", "pattern": "^[0-9]{10,60}$"}
_MESSAGES = array(record({"code": INTEGER, "message": WORD}))


def _result(schema: Schema, *, paged: bool = False) -> Schema:
    around = {"success": one_of(True), "errors": {"maxItems": 0}, "messages": _MESSAGES, "result": schema}
    info = record({"page": INTEGER, "per_page": INTEGER, "count": INTEGER, "total_count": INTEGER})
    return record({**around, "result_info": info} if paged else around)


_ZONE = record({"id": _ID, "name": WORD, "status": one_of("initializing", "pending", "active", "moved")})
_RECORD = record(
    {"id": _ID, "type": WORD, "name": WORD, "content": STRING, "proxied": BOOLEAN, "ttl": INTEGER},
    {"comment": maybe(STRING)},
)
_RECORD_TO_SEND = record(
    {
        "type": one_of("A", "AAAA"),
        "name": WORD,
        "content": WORD,
        "proxied": one_of(True),
        "ttl": one_of(1),
        # https://developers.cloudflare.com/dns/manage-dns-records/reference/record-attributes/: 100 on the free plan.
        "comment": {"type": "string", "minLength": 1, "maxLength": 100},
    },
    closed=True,
)
_CERTIFICATE = record(
    {
        "id": _NUMBER_OF_CERTIFICATE,
        "certificate": WORD,
        "csr": WORD,
        "hostnames": array(WORD),
        "request_type": WORD,
        "requested_validity": INTEGER,
        "expires_on": WORD,
    }
)
_CERTIFICATE_TO_SEND = record(
    {
        "hostnames": array(WORD),
        "request_type": one_of("origin-rsa", "origin-ecc"),
        "requested_validity": one_of(7, 30, 90, 365, 730, 1095, 5475),
        "csr": {"type": "string", "pattern": "^-----BEGIN CERTIFICATE REQUEST-----\n"},
    },
    closed=True,
)
_SSL = one_of("off", "flexible", "full", "strict")
_SETTING = record({"id": one_of("ssl"), "value": _SSL, "editable": BOOLEAN})
_RULE_TO_SEND = record(
    {
        "action": one_of("set_config"),
        "action_parameters": record({"ssl": _SSL}, closed=True),
        "expression": WORD,
        "description": {"type": "string", "maxLength": 500},
        "enabled": BOOLEAN,
    },
    closed=True,
)
_RULE = record(
    {"id": _ID, "action": WORD, "expression": WORD, "description": STRING, "enabled": BOOLEAN, "version": WORD}
)
_RULESET = record(
    {"id": _ID, "kind": WORD, "phase": WORD, "version": WORD, "last_updated": WORD}, {"rules": array(_RULE)}
)
_PAGED = frozenset({"page", "per_page"})

CLOUDFLARE = Contract(
    {
        "GET /user/tokens/verify": Operation(answers={200: _result(record({"id": WORD, "status": WORD}))}),
        "GET /zones": Operation(query=_PAGED, answers={200: _result(array(_ZONE), paged=True)}),
        "GET /zones/{zone}/dns_records": Operation(
            query=_PAGED | {"name", "comment.startswith"}, answers={200: _result(array(_RECORD), paged=True)}
        ),
        "POST /zones/{zone}/dns_records": Operation(body=_RECORD_TO_SEND, answers={200: _result(_RECORD)}),
        "PUT /zones/{zone}/dns_records/{id}": Operation(body=_RECORD_TO_SEND, answers={200: _result(_RECORD)}),
        "DELETE /zones/{zone}/dns_records/{id}": Operation(
            body=record({}), answers={200: record({"result": record({})})}
        ),
        "GET /certificates": Operation(
            # Its revisions since 2025 page this list; the one beside this repository does not know of it.
            query=frozenset({"zone_id", "page"}),
            answers={200: _result(array(_CERTIFICATE), paged=True)},
            newer=True,
        ),
        "POST /certificates": Operation(body=_CERTIFICATE_TO_SEND, answers={200: _result(_CERTIFICATE)}),
        "DELETE /certificates/{id}": Operation(
            body=record({}), answers={200: _result(record({"id": WORD}))}, newer=True
        ),
        "GET /zones/{zone}/settings/ssl": Operation(answers={200: _result(_SETTING)}),
        "PATCH /zones/{zone}/settings/ssl": Operation(
            body=record({"value": _SSL}, closed=True), answers={200: _result(_SETTING)}
        ),
        "GET /zones/{zone}/rulesets/phases/http_config_settings/entrypoint": Operation(
            answers={200: _result(_RULESET)}
        ),
        "POST /zones/{zone}/rulesets": Operation(
            body=record(
                {
                    "name": WORD,
                    "kind": one_of("zone"),
                    "phase": one_of("http_config_settings"),
                    "rules": array(_RULE_TO_SEND),
                },
                closed=True,
            ),
            answers={200: _result(_RULESET)},
        ),
        # Of single rules the document beside this repository has nothing; see the vendor's
        # https://developers.cloudflare.com/ruleset-engine/rulesets-api/add-rule/ and .../delete-rule/.
        "POST /zones/{zone}/rulesets/{ruleset}/rules": Operation(
            body=_RULE_TO_SEND, answers={200: _result(_RULESET)}, newer=True
        ),
        "DELETE /zones/{zone}/rulesets/{ruleset}/rules/{rule}": Operation(answers={200: _result(_RULESET)}, newer=True),
        "GET /ips": Operation(
            answers={200: _result(record({"ipv4_cidrs": array(WORD), "ipv6_cidrs": array(WORD), "etag": WORD}))}
        ),
    },
    error=record({"success": one_of(False), "errors": {**_MESSAGES, "minItems": 1}}),
    document="cloudflare/openapi.subset.json",
)
