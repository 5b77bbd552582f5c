"""Tokens of those who rent out servers and hold DNS zones: kept as credentials, asked for when missing, tried before
they are kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol, TypeVar

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import one_line
from freehold.base.secret import Secret
from freehold.cli.asking import can_ask, secret
from freehold.cli.context import Context
from freehold.cli.creds_input import introduce
from freehold.cli.output import note
from freehold.project.credential import DEFAULT_INSTANCE, CredentialRef
from freehold.project.credential_value import value_problem
from freehold.project.credentials import EVERY_CREDENTIAL_TYPE
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.directory import CLOUDFLARE, RENTING, Entry, open_dns, open_provider
from freehold.providers.dns import Dns
from freehold.providers.provider import Provider
from freehold.store.credentials import FileCredentialStore


class _Api(Protocol):
    async def check(self) -> str: ...

    async def close(self) -> None: ...


Api = TypeVar("Api", bound=_Api)


async def provider_called(context: Context, name: str) -> Provider:
    """A provider that has accepted its token. Raises CREDENTIAL, NOT_FOUND, `BackError` for who gives none, and what
    `check` raises."""
    if name == "sandbox":
        from freehold.cli.sandboxes import open_sandbox_provider

        return open_sandbox_provider(lambda text: _tell(context, text))

    def opened(token: Secret) -> Provider:
        return open_provider(name, token, os.environ, notify=lambda text: _tell(context, text))

    if name not in RENTING:
        opened(Secret("none"))  # it says which there are
    return await _accepted(context, RENTING[name], opened)


async def cloudflare(context: Context) -> Dns:
    """Cloudflare, which has accepted its token. Raises as `provider_called`."""

    def opened(token: Secret) -> Dns:
        return open_dns(token, os.environ, notify=lambda text: _tell(context, text))

    return await _accepted(context, CLOUDFLARE, opened)


async def _accepted(context: Context, entry: Entry, opened: Callable[[Secret], Api]) -> Api:
    store, ref = FileCredentialStore(context.home), CredentialRef(entry.credential, DEFAULT_INSTANCE)
    kept = store.get(ref, entry.field)
    if kept is not None:
        return await _tried(opened(kept))
    while True:
        token = await _asked(context, entry)
        try:
            api = await _tried(opened(token))
        except FreeholdError as error:
            if not _can_be_mended(error):
                raise
            note(f"{error.message}\n  {error.hint}")
            continue
        store.put(ref, {entry.field: token})
        note(f"kept as {entry.credential}")
        return api


def _can_be_mended(error: FreeholdError) -> bool:
    """By another token; one that cannot be sent is none."""
    if isinstance(error, ApiError):
        return error.refusal in (Refusal.BAD_TOKEN, Refusal.NO_RIGHT)
    return error.code is Code.CREDENTIAL


async def _tried(api: Api) -> Api:
    try:
        await api.check()
    except BaseException:
        await api.close()
        raise
    return api


async def _asked(context: Context, entry: Entry) -> Secret:
    """Raises `BackError` for who wants the question before."""
    kind = EVERY_CREDENTIAL_TYPE[entry.credential]
    field = kind.field(entry.field)
    if field is None or not can_ask(context):
        raise FreeholdError(
            Code.CREDENTIAL,
            f"there is no {entry.credential}, and nobody can be asked for it",
            f"Get one at {kind.help_url}, then: freehold creds add {entry.credential} --field {entry.field}=-",
        )
    introduce(kind, [field])
    return await secret(f"{field.label}:", lambda text: value_problem(field, text))


def _tell(context: Context, text: str) -> None:
    if not (context.quiet or context.json):
        note(f"  {one_line(text)}")
