"""The SSH keys that servers let in: those that are kept as `vps_ssh`, a new one, or one that the provider has."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.cli.output import note
from freehold.cli.ssh_key import generate_key_pair, public_key_of
from freehold.client.server_target import KEY_FIELD, KEY_TYPE
from freehold.deploy.provision.choices import PROVIDER_KEY
from freehold.project.credential import DEFAULT_INSTANCE, CredentialRef
from freehold.project.credentials import EVERY_CREDENTIAL_TYPE
from freehold.project.home import credentials_directory
from freehold.providers.provider import Provider
from freehold.store.credentials import FileCredentialStore

PUBLIC_FIELD = "public_key"


def kept_keys(context: Context, name: str) -> tuple[str, ...]:
    """Instances of `vps_ssh`: the environment's own first, then the default one."""
    found = [ref.instance for ref in FileCredentialStore(context.home).list() if ref.type == KEY_TYPE]
    order = {name: 0, DEFAULT_INSTANCE: 1}
    return tuple(sorted(found, key=lambda one: (order.get(one, 2), one)))


def make_key(context: Context, name: str) -> str:
    """A new key: the default one where there is none, else one for this environment. Raises CONFLICT rather than
    replace one."""
    instance = name if DEFAULT_INSTANCE in kept_keys(context, name) else DEFAULT_INSTANCE
    ref, store = CredentialRef(KEY_TYPE, instance), FileCredentialStore(context.home)
    if store.fields(ref):
        raise FreeholdError(Code.CONFLICT, f"there is a key {ref} already", f"Use it: --ssh-key {ref}")
    store.put(ref, generate_key_pair(EVERY_CREDENTIAL_TYPE[KEY_TYPE], str(ref)))
    if not (context.quiet or context.json):
        note(f"made the key {ref}")
    return f"{KEY_TYPE}:{instance}"


def key_path(context: Context, name: str, key: str) -> str:
    """The file of a kept key that would not be offered by itself; else empty."""
    kind, _, instance = key.partition(":")
    offered = next((one for one in kept_keys(context, name) if one in (name, DEFAULT_INSTANCE)), "")
    if kind != KEY_TYPE or instance == offered:
        return ""
    return str(credentials_directory(context.home) / KEY_TYPE / instance / KEY_FIELD)


async def public_key(context: Context, key: str, provider: Provider) -> str:
    """The public key of `vps_ssh:INSTANCE`, or of `provider:ID`. Raises CREDENTIAL, NOT_FOUND."""
    kind, _, which = key.partition(":")
    if kind == PROVIDER_KEY:
        found = next((one for one in await provider.keys() if one.id == which), None)
        if found is None:
            raise FreeholdError(
                Code.NOT_FOUND, f"the provider no longer has the SSH key {which}", "--ssh-key names one."
            )
        return found.public_key
    store, ref = FileCredentialStore(context.home), CredentialRef(KEY_TYPE, which)
    if kept := store.get(ref, PUBLIC_FIELD):
        return kept.reveal()
    private = store.get(ref, KEY_FIELD)
    if private is None:
        raise FreeholdError(
            Code.CREDENTIAL, f"there is no key {ref}", f"freehold creds add {ref} --generate makes one."
        )
    return public_key_of(private)
