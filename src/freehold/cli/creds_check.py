"""What can be wrong with the credentials of a user: incomplete, open to others, of no known type, or missing."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.project.credential import CredentialRef
from freehold.project.credentials import CREDENTIAL_TYPES, EVERY_CREDENTIAL_TYPE
from freehold.project.load import load_project
from freehold.project.needs import Unmet, needs_of_project, unmet
from freehold.project.problems import unknown
from freehold.store.credentials import CredentialStore, Exposure, FileCredentialStore


def check_store(context: Context, store: FileCredentialStore) -> list[str]:
    """A sentence for each problem: modes, incomplete credentials, unknown types, and what the project lacks."""
    stored = store.list()
    problems = [str(exposure) for exposure in store.exposures()]
    problems += [problem for ref in stored for problem in _problems_of(ref, store)]
    return [*problems, *(str(each) for each in _lacking(context, store) if each.need.ref not in stored)]


def repair_store(store: FileCredentialStore) -> list[Exposure]:
    """Narrow what is open to others; what was."""
    return store.narrow()


def lacking(context: Context, store: CredentialStore) -> list[Unmet]:
    """What the project's agents need and the store does not hold. Raises as `load_project` does."""
    project = load_project(context.project_dir, home=context.home, environment=context.environment)
    return unmet(needs_of_project(project), lambda ref, field: store.get(ref, field) is not None)


def _lacking(context: Context, store: CredentialStore) -> list[Unmet]:
    try:
        return lacking(context, store)
    except FreeholdError as error:
        # Credentials are checked outside of projects too; a broken project is `doctor`'s to tell.
        if error.code is Code.CONFIG or (error.code is Code.NOT_FOUND and not context.environment):
            return []
        raise


def _problems_of(ref: CredentialRef, store: CredentialStore) -> list[str]:
    kind = EVERY_CREDENTIAL_TYPE.get(ref.type)
    if kind is None:
        return [f"{ref}: {unknown('credential type', ref.type, CREDENTIAL_TYPES)}"]
    stored = store.fields(ref)
    problems = [
        f"{ref}: {name} is missing: freehold creds add {ref}" for name in kind.required_fields if name not in stored
    ]
    strange = [name for name in stored if kind.field(name) is None]
    return [*problems, *(f"{ref}: {unknown('field', name, kind.field_names)}" for name in strange)]
