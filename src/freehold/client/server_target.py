"""How an environment's server is logged in to."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.hosts.target import Target
from freehold.project.credential import DEFAULT_INSTANCE, CredentialRef
from freehold.project.environments import Environment
from freehold.store.credentials import CredentialStore

KEY_TYPE, KEY_FIELD = "vps_ssh", "private_key"


def target_of(environment: Environment, credentials: CredentialStore) -> Target:
    """The environment's server. What its file does not say is left to `~/.ssh/config`. The key of `vps_ssh` goes along:
    the instance of the environment's name, else the default one. Raises CONFIG when the file names no server."""
    server = environment.server
    if server is None or not server.host:
        if environment.provision:
            raise FreeholdError(
                Code.CONFIG,
                f"environment {environment.name} has no server yet: it was begun, and not finished",
                f"Go on: freehold env prov {environment.name}. Or take down what there is: "
                f"freehold env deprov {environment.name}",
            )
        raise FreeholdError(
            Code.CONFIG,
            f"environment {environment.name} has no server",
            f'write it into its file ([server] host = "..."), or: freehold env add USER@HOST --name {environment.name}',
        )
    return Target(
        host=server.host,
        name=environment.name,
        user=server.user if environment.user_written else "",
        port=server.port if environment.port_written else 0,
        key_path=server.key_path,
        keys=_kept_key(environment.name, credentials),
        pin=environment.pin,
    )


def _kept_key(name: str, credentials: CredentialStore) -> tuple[Secret, ...]:
    for instance in (name, DEFAULT_INSTANCE):
        if key := credentials.get(CredentialRef(KEY_TYPE, instance), KEY_FIELD):
            return (key,)
    return ()
