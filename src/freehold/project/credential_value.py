"""Is a value fit for a field? Told without the value."""

from __future__ import annotations

import ipaddress
import json

from freehold.base.hosts import normalise_host
from freehold.project.credential import CredentialField
from freehold.project.private_key import private_key_problem

_PRIVATE_KEYS = frozenset({"id_rsa", "private_key"})


def value_problem(field: CredentialField, value: str) -> str:
    """Why `value` cannot be stored as `field`; the empty string when it can. No part of the value is in the answer."""
    value = value.strip()
    if not value:
        return "is empty"
    if "\0" in value:
        return "holds a zero byte"
    if len(value) < field.shortest:
        return f"is too short: at least {field.shortest} characters are needed"
    if "\n" in value and not field.multiline:
        return "has more than one line"
    if field.name in _PRIVATE_KEYS:
        return private_key_problem(value)
    if field.name == "key_json":
        return _json_problem(value)
    if field.name == "hosts":
        return _hosts_problem(value)
    return ""


def hosts_of(value: str) -> frozenset[str]:
    """The hosts of a field `hosts`, in lower case."""
    return frozenset(value.replace(",", " ").lower().split())


def _hosts_problem(value: str) -> str:
    """Names, and addresses too: a model may be served from the local network."""
    for host in value.replace(",", " ").split():
        try:
            if not _is_address(host):
                normalise_host(host)
        except ValueError as error:
            return f"is no list of hosts: {error}"
    return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _json_problem(value: str) -> str:
    try:
        is_object = isinstance(json.loads(value), dict)
    except ValueError:
        is_object = False
    return "" if is_object else "is not a JSON object; store the whole file that was downloaded"
