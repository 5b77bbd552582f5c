"""`fh lock`, `unlock`, `heartbeat`: so that two runs do not work on the same thing."""

from __future__ import annotations

import re

from freehold.runner.fh_request import UsageError, request, show

_URI = re.compile(r"^[a-z][a-z0-9+.-]*:.+")


def lock(arguments: list[str]) -> int:
    return _ask("acquire", arguments, "fh lock github://owner/repository/issues/12")


def unlock(arguments: list[str]) -> int:
    return _ask("release", arguments, "fh unlock github://owner/repository/issues/12")


def heartbeat(arguments: list[str]) -> int:
    return _ask("heartbeat", arguments, "fh heartbeat github://owner/repository/issues/12")


def _ask(verb: str, arguments: list[str], example: str) -> int:
    """Never says ok by itself: without a keeper there is no lock (exit 6), without a scheduler neither (exit 5)."""
    if len(arguments) != 1 or not _URI.match(arguments[0]):
        raise UsageError(f"a lock is named by one URI: {example}")
    answer = request("POST", f"/v1/run/locks/{verb}", {"uri": arguments[0]})
    held = answer.json() if isinstance(answer.json(), dict) else {}
    shown = {"ok": True, "uri": arguments[0], "resourceKey": arguments[0]}  # the second is Action Llama's word
    if "expires_at" in held:
        shown |= {"expires_at": held["expires_at"], "expiresAt": held["expires_at"]}
    return show(answer, shown)
