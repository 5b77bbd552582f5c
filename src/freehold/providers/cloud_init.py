"""What a new server does on its first boot: a cloud-config, made of data (pure).

It installs what a push needs and shuts the door to passwords, by files beside the distribution's own. It holds no
secret: whoever reaches the metadata address on the server, or the provider's console, may read it. It downloads from
the distribution alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.providers.key import key_material
from freehold.server import fail2ban, layout, sshd

HEADER = "#cloud-config"
SSH_PORT_FILE = "/etc/ssh/sshd_config.d/02-freehold-port.conf"
"""Beside the file that a push writes anew: it does not take the port away."""
FIRST_BOOT_DONE = "/var/lib/freehold-first-boot"
"""Made as the last thing of a first boot that went well: the server has what it needs then."""

_PACKAGES = ("ca-certificates", "docker.io", "fail2ban", "nftables", "python3", "python3-systemd")
"""`python3-systemd` lets fail2ban read the journal: a minimal Debian has no `/var/log/auth.log`."""
_ALSO = {("debian", "13"): ("docker-cli",)}
"""Debian 13 took the client out of `docker.io`."""
_KEY = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@.-]{1,64} [A-Za-z0-9+/]{40,}={0,3}( [^\x00-\x1f\x7f]*)?")
_FINGERPRINT = re.compile(r"cloud-init: \d+ (SHA256:[A-Za-z0-9+/]{43}) [^\n]*\(ED25519\)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class FirstBoot:
    """`distribution` and `version` are those of the image. `public_keys` are OpenSSH's, for the user root."""

    hostname: str
    public_keys: tuple[str, ...]
    distribution: str = "debian"
    version: str = "12"
    ssh_port: int = 22

    @property
    def opens_ssh_by_socket(self) -> bool:
        """Ubuntu has had systemd listen for sshd since 22.10; its port is in a unit made from sshd's configuration."""
        return self.distribution == "ubuntu"


def cloud_config(first_boot: FirstBoot) -> str:
    """The document, as YAML. Raises USAGE for a key that is not an OpenSSH public key (a private one, say)."""
    for key in first_boot.public_keys:
        if not _KEY.fullmatch(key.strip()):
            raise FreeholdError(Code.USAGE, "first boot: not a public SSH key", "One begins with ssh-ed25519, say.")
    document = {
        "hostname": first_boot.hostname,
        "ssh_pwauth": False,
        "disable_root": False,
        "users": [_root(first_boot)],
        "package_update": True,
        "packages": _packages(first_boot),
        "write_files": [_file(path, content) for path, content in _files(first_boot).items()],
        # For people to compare, on the provider's console: no provider shows it to a program.
        "ssh": {"emit_keys_to_console": True},
        "runcmd": [["sh", "-c", script] for script in _scripts(first_boot)],
    }
    # JSON is YAML, and no value can be taken for anything but what it is.
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items())
    return "\n".join((HEADER, *lines)) + "\n"


def host_key_fingerprint_in(console: str) -> str | None:
    """`SHA256:...` of the Ed25519 host key, as cloud-init writes it on the console at each boot: the last one there."""
    found = _FINGERPRINT.findall(console)
    return found[-1] if found else None


def _root(first_boot: FirstBoot) -> Mapping[str, Any]:
    return {"name": "root", "ssh_authorized_keys": [" ".join(key_material(key)) for key in first_boot.public_keys]}


def _packages(first_boot: FirstBoot) -> list[str]:
    return sorted({*_PACKAGES, *_ALSO.get((first_boot.distribution, first_boot.version), ())})


def _files(first_boot: FirstBoot) -> dict[str, str]:
    files = {
        layout.SSHD_FILE: sshd.drop_in(),
        layout.FAIL2BAN_FILTER: fail2ban.login_filter(),
        layout.FAIL2BAN_FILE: fail2ban.jail([first_boot.ssh_port]),
    }
    return files if first_boot.ssh_port == 22 else {**files, SSH_PORT_FILE: f"Port {first_boot.ssh_port}\n"}


def _file(path: str, content: str) -> dict[str, str]:
    return {"path": path, "owner": "root:root", "permissions": "0644", "content": content}


def _scripts(first_boot: FirstBoot) -> list[str]:
    """Fixed texts: nothing of anybody's choosing is put into a shell.

    The password that some images give root is taken away; `*` is none that could be typed, and is not a locked account.
    """
    restart_ssh = "systemctl daemon-reload && systemctl try-reload-or-restart ssh.service"
    if first_boot.opens_ssh_by_socket:
        restart_ssh += " && systemctl restart ssh.socket"
    is_new_enough = "python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'"
    return [
        "usermod -p '*' root",
        # Where systemd listens, nothing has made this directory yet, and `sshd -t` fails without it.
        f"mkdir -p /run/sshd && sshd -t && {restart_ssh}",
        "systemctl enable --now docker.service",
        "systemctl enable fail2ban.service && systemctl restart fail2ban.service",
        f"docker info >/dev/null && {is_new_enough} && sshd -t && touch {FIRST_BOOT_DONE}",
    ]
