"""The credentials that this run holds, read from the files that the keeper staged."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.wire.brief import Brief, StagedField

SSH_TYPE = "git_ssh"
SSH_KEY_FIELD = "id_rsa"
GITHUB_VARIABLE = "GITHUB_TOKEN"


@dataclass(frozen=True)
class Held:
    """`variables` are exported to hooks, harness and tools; `secrets` are blacked out; `ssh_key` is a key's text."""

    variables: dict[str, Secret] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    ssh_key: Secret | None = None


def read_credentials(brief: Brief) -> Held:
    """Read every staged field. Raises `FreeholdError` naming the credential and the file that cannot be read."""
    variables: dict[str, Secret] = {}
    secrets: list[Secret] = []
    ssh_key: Secret | None = None
    for credential in brief.credentials:
        for name, staged in credential.fields.items():
            label = f"{credential.type}:{credential.instance}/{name}"
            value = Secret(_read(Path(brief.credentials_dir), staged, label))
            if staged.secret:
                secrets.append(value)
            if credential.type == SSH_TYPE and name == SSH_KEY_FIELD:
                ssh_key = value
            variables.update(dict.fromkeys(staged.env, value))
    return Held(variables, tuple(secrets), ssh_key)


def write_ssh_key(key: Secret, directory: Path) -> Path:
    """`id_rsa` in `directory`, for this user alone: ssh refuses keys that others can read, as staged files may be."""
    path = directory / SSH_KEY_FIELD
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(key.reveal().rstrip("\n") + "\n")  # ssh refuses a key without its last newline
    return path


def _read(directory: Path, staged: StagedField, label: str) -> str:
    try:
        return (directory / staged.path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FreeholdError(
            Code.CREDENTIAL,
            f"credential {label} cannot be read: {directory / staged.path}: {reason}",
            "Store it again: freehold creds add " + label.partition("/")[0],
        ) from error
