"""Which keys are offered to a server, in which order: a server hears six and then hangs up (sshd's MaxAuthTries)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from freehold.base.errors import Code, FreeholdError
from freehold.hosts.ssh_config import Route
from freehold.hosts.target import Target
from freehold.project.private_key import has_passphrase

if TYPE_CHECKING:
    import asyncssh

_AGENT_S = 5.0
_USUAL = ("id_ed25519", "id_ecdsa", "id_rsa")


@dataclass
class Offer:
    """Keys for one login. `locked` are files that nobody can open: they have a passphrase, and no agent holds them."""

    keys: list[asyncssh.SSHKeyPair] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def offered_keys(target: Target, route: Route) -> AsyncIterator[Offer]:
    """What can be offered, while the agent is at hand. Raises CREDENTIAL for a key that was named and is of no use."""
    import asyncssh

    agent: asyncssh.SSHAgentClient | None = None
    held: Sequence[asyncssh.SSHKeyPair] = []
    try:
        if route.agent:
            # Agents come and go; one that does not answer is one without keys.
            with contextlib.suppress(OSError, ValueError):
                async with asyncio.timeout(_AGENT_S):
                    agent = await asyncssh.connect_agent(route.agent)
                    held = await agent.get_keys()
        yield _offer(target, route, held)
    finally:
        if agent:
            agent.close()
            with contextlib.suppress(OSError):  # it may have gone before
                await agent.wait_closed()


def _offer(target: Target, route: Route, held: Sequence[asyncssh.SSHKeyPair]) -> Offer:
    if target.key_path:
        return _named_key(Path(target.key_path).expanduser(), held)
    import asyncssh

    try:
        kept = [asyncssh.import_private_key(f"{key.reveal()}\n") for key in target.keys]
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise FreeholdError(
            Code.CREDENTIAL, "the key that is kept as vps_ssh is of no use", "`freehold creds check --live vps_ssh`"
        ) from None
    offer = Offer([*asyncssh.load_keypairs(kept)])
    named = [path for name in route.identity_files if (path := Path(name).expanduser()).exists()]
    if not route.identities_only:
        offer.keys += held
    for path in named or [path for name in _USUAL if (path := Path("~/.ssh", name).expanduser()).exists()]:
        _add(offer, path, held)
    return offer


def _named_key(path: Path, held: Sequence[asyncssh.SSHKeyPair]) -> Offer:
    if not path.is_file():
        raise FreeholdError(Code.CREDENTIAL, f"there is no key {path}", "server.keyPath of the environment names it")
    offer = Offer()
    _add(offer, path, held)
    if offer.keys:
        return offer
    raise FreeholdError(
        Code.CREDENTIAL,
        f"the key {path} has a passphrase, and no ssh-agent holds it"
        if offer.locked
        else f"{path} is no private key that can be read",
        f'Let the agent hold it: eval "$(ssh-agent)"; ssh-add {path}' if offer.locked else "",
    )


def _add(offer: Offer, path: Path, held: Sequence[asyncssh.SSHKeyPair]) -> None:
    """The agent's where it holds the key of that file, else the file's own."""
    import asyncssh

    public = _public_data(path)
    of_agent = [key for key in held if key.public_data == public]
    if of_agent:
        offer.keys += [key for key in of_agent if key not in offer.keys]
        return
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise FreeholdError(Code.CREDENTIAL, f"{path}: {error.strerror}", "It must belong to you.") from None
    if has_passphrase(text):
        offer.locked.append(str(path))
        return
    with contextlib.suppress(asyncssh.KeyImportError, asyncssh.KeyEncryptionError):  # no key: then it is not offered
        offer.keys += asyncssh.load_keypairs([asyncssh.import_private_key(text)])


def _public_data(path: Path) -> bytes | None:
    """Of the key in `path`: what lies beside it, or what its own unlocked part says (OpenSSH, PROTOCOL.key)."""
    import asyncssh

    for candidate in (Path(f"{path}.pub"), path):
        with contextlib.suppress(OSError, asyncssh.KeyImportError, UnicodeDecodeError):
            return asyncssh.read_public_key(candidate).public_data
    return None
