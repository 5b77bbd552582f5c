"""Cloudflare's words in ours (pure)."""

from __future__ import annotations

from typing import Any

from freehold.providers import cloudflare_answers as told
from freehold.providers.api_call import Said
from freehold.providers.api_error import Refusal
from freehold.providers.dns import Record, SslMode
from freehold.providers.ownership import Owner
from freehold.providers.record_plan import Target

_BAD_TOKEN = frozenset({1000, 1001, 6003, 6111, 9109})
"""Invalid, unknown or malformed API token. Some of them come with status 400 or 403."""
_TAKEN = frozenset({81053, 81054, 81057, 81058})
"""A record of this name, or the very same, is there already."""


def said(_status: int, body: Any) -> Said:
    """Of `{"success": false, "errors": [{"code", "message"}]}`; all messages, since the first is often general."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list):
        return Said()
    found = [error for error in errors if isinstance(error, dict)]
    codes = {code for error in found if isinstance(code := error.get("code"), int)}
    refusal = Refusal.BAD_TOKEN if codes & _BAD_TOKEN else Refusal.TAKEN if codes & _TAKEN else None
    return Said("; ".join(f"{error.get('message')} [{error.get('code')}]" for error in found), refusal)


def record(one: told.RecordFound) -> Record:
    return Record(one.id, one.type, one.name, one.content, one.proxied, one.comment or "")


def record_body(target: Target, hostname: str, owner: Owner) -> dict[str, Any]:
    """Time to live 1 is Cloudflare's "automatic"; a proxied record has no other."""
    return {
        "type": target.type,
        "name": hostname,
        "content": target.content,
        "proxied": True,
        "ttl": 1,
        "comment": owner.mark,
    }


def ssl_mode(word: str) -> SslMode:
    return SslMode(word) if word in set(SslMode) else SslMode.UNKNOWN


def host_rule_body(hostname: str, owner: Owner) -> dict[str, Any]:
    return {
        "action": "set_config",
        "action_parameters": {"ssl": str(SslMode.STRICT)},
        "expression": host_expression(hostname),
        "description": f"{owner.mark} strict SSL for {hostname}",
        "enabled": True,
    }


def host_expression(hostname: str) -> str:
    """In Cloudflare's rule language; a checked host name has nothing to quote."""
    return f'(http.host eq "{hostname}")'


def makes_strict(rule: told.HostRule, hostname: str) -> bool:
    return (
        rule.enabled
        and rule.action == "set_config"
        and rule.action_parameters.ssl == SslMode.STRICT
        and rule.expression == host_expression(hostname)
    )


def next_page(info: told.ResultInfo) -> str:
    """The number of the page after this one; empty when it was the last."""
    more = info.per_page > 0 and info.page * info.per_page < info.total_count
    return str(info.page + 1) if more else ""
