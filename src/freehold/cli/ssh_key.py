"""Making an SSH key pair with ssh-keygen: ed25519, without passphrase, in a directory that is gone afterwards."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.credential import CredentialType


def generate_key_pair(kind: CredentialType, comment: str) -> dict[str, Secret]:
    """Values for `private_key` and `public_key`. Raises USAGE for other types, FAILED when ssh-keygen is missing."""
    if kind.field_names != ("private_key", "public_key"):
        raise FreeholdError(Code.USAGE, f"a {kind.name} cannot be made here", "--generate is for vps_ssh")
    with tempfile.TemporaryDirectory(prefix="freehold-key-") as directory:
        path = Path(directory) / "key"
        _ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", f"freehold {comment}", "-f", str(path))
        return {
            "private_key": Secret(path.read_text(encoding="utf-8")),
            "public_key": Secret(path.with_suffix(".pub").read_text(encoding="utf-8").strip()),
        }


def _ssh_keygen(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["ssh-keygen", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
    except FileNotFoundError:
        raise FreeholdError(
            Code.FAILED, "there is no ssh-keygen on this machine", "install it: apt-get install openssh-client"
        ) from None
    if done.returncode:
        raise FreeholdError(Code.FAILED, f"ssh-keygen failed: {done.stderr.strip() or done.returncode}")
