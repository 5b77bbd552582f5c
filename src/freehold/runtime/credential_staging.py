"""Credentials for one run: exactly those that its agent lists, as files that only the run can read.

The files are readable by everybody, inside a directory that nobody but the keeper can enter: Docker's bind mount (or
the rights of the run's own user) is the only way in. So it does not matter which user the keeper is, and nothing has
to be given away with `chown`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.project.credential import DEFAULT_INSTANCE, CredentialRef, CredentialType, Purpose
from freehold.project.credentials import EVERY_CREDENTIAL_TYPE
from freehold.runtime.run_directory import RunDirectory
from freehold.store.credentials import CredentialStore
from freehold.wire.brief import StagedCredential, StagedField

_DIRECTORY_MODE = 0o755
_FILE_MODE = 0o444


def stage_credentials(
    directory: RunDirectory, refs: Sequence[CredentialRef], store: CredentialStore
) -> list[StagedCredential]:
    """Write the fields of each of `refs` below `directory.credentials`; how the run finds them.

    Model keys and Freehold's own keys are passed over. Of two instances of one type, the default one has the
    variables, else the first that is listed; the files are there for both. Raises CREDENTIAL, DISK; then no file is
    left.
    """
    base = directory.make_credentials_directory()
    staged = []
    taken: set[str] = set()
    try:
        for ref in _in_order(refs):
            kind = EVERY_CREDENTIAL_TYPE.get(ref.type)
            if kind is None or not is_staged(kind):
                continue
            staged.append(_stage(base, ref, kind, _values(ref, kind, store), taken))
    except BaseException:
        directory.make_credentials_directory()
        raise
    return staged


def is_staged(kind: CredentialType) -> bool:
    """Whether a run may hold it: a provider's key stays with the model gateway, the gateway's own with the gateway, and
    what notices are sent with, too."""
    return kind.purpose not in (Purpose.MODEL_KEY, Purpose.NOTICE) and not kind.internal


def _in_order(refs: Sequence[CredentialRef]) -> list[CredentialRef]:
    """Without repetitions; default instances first, so that they win the variables."""
    return sorted(dict.fromkeys(refs), key=lambda ref: ref.instance != DEFAULT_INSTANCE)


def _values(ref: CredentialRef, kind: CredentialType, store: CredentialStore) -> dict[str, Secret]:
    found = {field.name: store.get(ref, field.name) for field in kind.fields}
    missing = [name for name in kind.required_fields if found[name] is None]
    if missing:
        raise FreeholdError(
            Code.CREDENTIAL,
            f"Credential {ref} is not stored, or not whole: {', '.join(missing)} missing.",
            f"Add it: freehold creds add {ref}",
        )
    return {name: value for name, value in found.items() if value is not None}


def _stage(
    base: Path, ref: CredentialRef, kind: CredentialType, values: Mapping[str, Secret], taken: set[str]
) -> StagedCredential:
    """Write one credential; `taken` are the variables that are spoken for."""
    folder = base / ref.type / ref.instance
    fields = {}
    try:
        for level in (folder.parent, folder):
            level.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
            level.chmod(_DIRECTORY_MODE)
        for name, value in values.items():
            field = kind.field(name)
            assert field is not None
            _write(folder / name, value, multiline=field.multiline)
            free = [variable for variable in field.env if variable not in taken]
            path = f"{ref.type}/{ref.instance}/{name}"
            fields[name] = StagedField(path=path, env=free, secret=field.secret)
    except OSError as error:
        raise FreeholdError(
            Code.DISK, f"Credential {ref} could not be given to the run: {error.strerror}", f"Make room in {base}."
        ) from error
    taken.update(variable for field in fields.values() for variable in field.env)
    return StagedCredential(type=ref.type, instance=ref.instance, fields=fields)


def _write(path: Path, value: Secret, *, multiline: bool) -> None:
    """The value as it is; a text of several lines ends with a newline, without which ssh refuses a key."""
    text = value.reveal()
    if multiline and not text.endswith("\n"):
        text += "\n"
    path.write_text(text, encoding="utf-8")
    path.chmod(_FILE_MODE)
