"""SSH keys with ssh-keygen: one is made (ed25519, no passphrase, in a directory that is gone afterwards), or read."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.credential import CredentialType
from freehold.project.private_key import private_key_problem


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


def public_key_of(private: Secret) -> str:
    """The public key of a private one, which has no passphrase. Raises CREDENTIAL, FAILED."""
    done = _run("-y", "-P", "", "-f", "/dev/stdin", told=f"{private.reveal().strip()}\n")
    if done.returncode:
        raise FreeholdError(Code.CREDENTIAL, "ssh-keygen cannot read the private key", "It must have no passphrase.")
    return done.stdout.strip()


def key_pair_problem(private: Secret, public: Secret | None) -> str:
    """Why the key cannot be used by a program, or is not the public one's; the empty string when all is well.

    No part of the key is in the answer. Raises FAILED when ssh-keygen is missing.
    """
    if problem := private_key_problem(private.reveal()):
        return f"the private key {problem}"
    # From a pipe: the key is never written to a disk for it. It may be read by its owner alone, as a file would be.
    done = _run("-y", "-P", "", "-f", "/dev/stdin", told=f"{private.reveal().strip()}\n")
    if done.returncode:
        return "ssh-keygen cannot read the private key"
    if public and public.reveal().split()[:2] != done.stdout.split()[:2]:
        return "the public key is not that of the private key"
    return ""


def _ssh_keygen(*arguments: str) -> None:
    done = _run(*arguments)
    if done.returncode:
        raise FreeholdError(Code.FAILED, f"ssh-keygen failed: {done.stderr.strip() or done.returncode}")


def _run(*arguments: str, told: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, input=told, check=False)
    except FileNotFoundError:
        raise FreeholdError(
            Code.FAILED, "there is no ssh-keygen on this machine", "install it: apt-get install openssh-client"
        ) from None
