"""`freehold creds check --live` and `creds add --check`: which credentials are asked about, and how it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.base.words import one_of
from freehold.cli.context import Context
from freehold.cli.creds_live import LABELS, Checked, Values, check_live, failure_of
from freehold.cli.output import note, print_json, say, table
from freehold.project.credential import CredentialRef
from freehold.project.credential_question import Outcome
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.store.credentials import CredentialStore


def check_stored(context: Context, store: CredentialStore, refs: Sequence[CredentialRef]) -> None:
    """Ask about `refs` (none: all that is stored) and print what came of it.

    Raises NOT_FOUND for one that is not stored, CREDENTIAL when one is refused, UNREACHABLE when one cannot be asked.
    """
    stored = [ref for ref in store.list() if ref.type in CREDENTIAL_TYPES]
    if strangers := [ref for ref in refs if ref not in stored]:
        raise FreeholdError(
            Code.NOT_FOUND, f"{one_of(map(str, strangers))} is not stored", f"stored: {one_of(map(str, stored))}"
        )
    wanted = {ref: _values(store, ref) for ref in refs or stored}
    if not context.quiet and not context.json and wanted:
        note("asking each provider; nothing is changed there, and nothing is charged")
    checked = asyncio.run(check_live(context, wanted))
    if context.json:
        print_json({"checked": checked})
    elif not checked:
        say("Nothing is stored yet.")
    else:
        rows = [(one.credential, one.host or "-", LABELS[one.outcome], one.words) for one in checked]
        table(["credential", "asked at", "outcome", "details"], rows)
    if error := failure_of(checked):
        raise error


def check_new(
    context: Context, store: CredentialStore, ref: CredentialRef, values: Mapping[str, Secret]
) -> list[Checked]:
    """Ask about values that are not stored yet, beside those that are. Raises CREDENTIAL when they are refused."""
    checked = asyncio.run(check_live(context, {ref: {**_values(store, ref), **values}}))
    if any(one.outcome in (Outcome.REFUSED, Outcome.BROKEN) for one in checked):
        error = failure_of(checked)
        assert error is not None
        raise FreeholdError(error.code, f"{error.message}\nNothing was stored.", error.hint)
    return checked


def _values(store: CredentialStore, ref: CredentialRef) -> Values:
    found = {name: store.get(ref, name) for name in store.fields(ref)}
    return {name: value for name, value in found.items() if value is not None}
