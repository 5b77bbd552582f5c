"""How much of the disk systemd's journal may take. Pure."""

from __future__ import annotations

from collections.abc import Mapping

MOST_BYTES = 500 * 1024**2
"""A quarter of the room that a first push asks for (deploy/server_checks.py); weeks of a busy project's lines."""
DUMP = ("systemd-analyze", "cat-config", "systemd/journald.conf")
"""The command that shows all its files, those that count more after the others."""


def drop_in() -> str:
    """The file's text; one of a later name counts more. Persistent: what was said before a reboot is there after it."""
    return f"""# Written by freehold; it is written anew by the next push.
[Journal]
Storage=persistent
SystemMaxUse={MOST_BYTES // 1024**2}M
"""


def effective(dumped: str) -> Mapping[str, str]:
    """What counts of what `DUMP` shows; an empty value is the built-in one."""
    pairs = (line.strip().partition("=") for line in dumped.splitlines() if not line.lstrip().startswith(("#", ";")))
    return {key.strip(): value.strip() for key, found, value in pairs if found}


def unbounded(settings: Mapping[str, str]) -> str:
    """Why the journal may grow too large, or is lost, in words; empty when all is well."""
    if settings.get("Storage", "auto") not in ("persistent", "auto"):
        return f"the journal is not kept (Storage={settings['Storage']})"
    if not settings.get("SystemMaxUse"):
        return "the journal may take a tenth of the disk, up to 4 GB"
    return ""
