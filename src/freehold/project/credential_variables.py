"""Credentials as environment variables, as a CI job is given them. Pure.

`FREEHOLD_CREDENTIAL_<TYPE>__<FIELD>`, and with an instance `FREEHOLD_CREDENTIAL_<TYPE>__<INSTANCE>__<FIELD>`; capital
letters, since GitHub knows no others in the names of secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from freehold.base.errors import Code, FreeholdError
from freehold.project.credential import DEFAULT_INSTANCE, CredentialField, CredentialRef, FieldRef, is_safe_name
from freehold.project.credential_value import value_problem
from freehold.project.credentials import EVERY_CREDENTIAL_TYPE
from freehold.project.needs import Need
from freehold.project.problems import unknown

PREFIX = "FREEHOLD_CREDENTIAL_"
_BETWEEN = "__"


def variable_of(field: FieldRef) -> str:
    """The variable that a credential's field is in."""
    instance = [field.ref.instance] if field.ref.instance != DEFAULT_INSTANCE else []
    return PREFIX + _BETWEEN.join(_capital(part) for part in (field.ref.type, *instance, field.field))


def by_variable(fields: Iterable[FieldRef]) -> dict[str, FieldRef]:
    """The fields by their variables. Raises CONFIG for two that would share one: it can hold the value of one alone."""
    found: dict[str, FieldRef] = {}
    for field in fields:
        other = found.setdefault(variable_of(field), field)
        if other != field:
            raise FreeholdError(
                Code.CONFIG,
                f"the credentials {other.ref} and {field.ref} would share one variable, {variable_of(field)}",
                "Signs other than letters and digits are _ there. Call one of the two instances otherwise.",
            )
    return found


def fields_of(ref: CredentialRef) -> list[FieldRef]:
    """Every field that a person is asked for, those that need not be there as well."""
    return [FieldRef(ref, field.name) for field in EVERY_CREDENTIAL_TYPE[ref.type].fields if field.asked]


def required_variables(needs: Iterable[Need]) -> list[str]:
    """Those without which the needs are not met, sorted."""
    return sorted({variable_of(FieldRef(need.ref, field)) for need in needs for field in need.fields})


def read_variables(
    environ: Mapping[str, str], expected: Iterable[FieldRef]
) -> tuple[dict[CredentialRef, dict[str, str]], list[str]]:
    """The values in `environ` by credential, and what is wrong with variables, without a value of one. Empty ones are
    as if they were not there. `expected` are fields that are known by name: of others, an instance is in small letters.
    Raises as `by_variable`.
    """
    known = by_variable(expected)
    found: dict[CredentialRef, dict[str, str]] = {}
    problems = []
    for name, value in sorted(environ.items()):
        if not name.startswith(PREFIX) or not value:
            continue
        field = known.get(name) or _field_in(name)
        problem = field if isinstance(field, str) else value_problem(_described(field), value)
        if isinstance(field, str) or problem:
            problems.append(f"{name}: {problem}")
            continue
        found.setdefault(field.ref, {})[field.field] = value
    return found, problems


def _field_in(name: str) -> FieldRef | str:
    """What a variable's name means; else what is wrong with it."""
    kind_name, *instance = name.removeprefix(PREFIX).lower().split(_BETWEEN)
    field = instance.pop() if instance else ""
    kind = EVERY_CREDENTIAL_TYPE.get(kind_name)
    if kind is None:
        return unknown("credential type", kind_name, EVERY_CREDENTIAL_TYPE)
    if not kind.field(field):
        return unknown(f"field of {kind_name}", field, kind.field_names)
    ref = CredentialRef(kind_name, _BETWEEN.join(instance) or DEFAULT_INSTANCE)
    return FieldRef(ref, field) if is_safe_name(ref.instance) else "has an instance that cannot be one"


def _described(field: FieldRef) -> CredentialField:
    found = EVERY_CREDENTIAL_TYPE[field.ref.type].field(field.field)
    assert found is not None  # it was looked up, or is one that a need names
    return found


def _capital(part: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", part).upper()
