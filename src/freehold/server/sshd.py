"""How sshd is hardened: a file of ours that comes first, and what sshd says of itself afterwards. Pure."""

from __future__ import annotations

from collections.abc import Mapping

SETTINGS: Mapping[str, str] = {
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "PermitEmptyPasswords": "no",
    "PermitRootLogin": "prohibit-password",
    "PubkeyAuthentication": "yes",
    "X11Forwarding": "no",
    "LoginGraceTime": "30",
    # The gateway is reached through a forward of its socket, and so are nodes.
    "AllowStreamLocalForwarding": "yes",
}
HARDENED = frozenset({"passwordauthentication", "kbdinteractiveauthentication", "permitemptypasswords"})
"""What must be `no` in `sshd -T`, whichever file says so."""
DUMP = ("sh", "-c", "mkdir -p /run/sshd && exec sshd -T")
"""The command that says what counts. Where systemd listens for sshd, nothing has made that directory before the first
connection, and without it sshd says nothing; it is gone with the next start of the machine."""
TEST = ("sh", "-c", "mkdir -p /run/sshd && exec sshd -t")

_WITHOUT_PASSWORD = ("no", "prohibit-password", "without-password", "forced-commands-only")
_STRICTER_FOR_ROOT = ("no", "forced-commands-only")


def drop_in(before: Mapping[str, str] | None = None) -> str:
    """The file's text. sshd takes the first value that it meets, and files in the order of their names: this one comes
    before cloud-init's `50-cloud-init.conf`, which allows passwords. What is stricter in `before`, which `effective`
    said, stays so."""
    settings = {**SETTINGS, **_kept(before or {})}
    lines = ["# Written by freehold; it is written anew by the next push.", *(f"{k} {v}" for k, v in settings.items())]
    return "\n".join(lines) + "\n"


def _kept(before: Mapping[str, str]) -> dict[str, str]:
    kept = {}
    if before.get("permitrootlogin") in _STRICTER_FOR_ROOT:
        kept["PermitRootLogin"] = before["permitrootlogin"]
    grace = before.get("logingracetime", "")
    if grace.isdigit() and 0 < int(grace) < int(SETTINGS["LoginGraceTime"]):
        kept["LoginGraceTime"] = grace
    if before.get("allowstreamlocalforwarding") == "local":  # enough for what goes from here to there
        kept["AllowStreamLocalForwarding"] = "local"
    return kept


def effective(dumped: str) -> dict[str, str]:
    """What `sshd -T` says: each keyword, in lower case, with its (last) value."""
    pairs = (line.partition(" ") for line in dumped.splitlines())
    return {keyword.lower(): value.strip() for keyword, _, value in pairs if keyword}


def weaknesses(settings: Mapping[str, str]) -> list[str]:
    """What of `effective` lets somebody in without a key, in words; nothing when all is well."""
    found = [f"{name} is {settings[name]}" for name in sorted(HARDENED) if settings.get(name, "no") != "no"]
    if settings.get("permitrootlogin", "no") not in _WITHOUT_PASSWORD:
        found.append("root may log in with a password")
    if settings.get("pubkeyauthentication", "yes") != "yes":
        found.append("nobody may log in with a key")
    return found


def ports(dumped: str) -> list[int]:
    """The ports that `sshd -T` says it listens on; 22 when it says none."""
    told = [line.split()[1] for line in dumped.splitlines() if line.lower().startswith("port ")]
    return sorted({int(port) for port in told if port.isdigit()}) or [22]
