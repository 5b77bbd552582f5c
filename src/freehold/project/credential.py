"""What a credential is: its type, its fields, and how it is referred to (`type` or `type:instance`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

DEFAULT_INSTANCE = "default"

_SAFE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9@_-]|\.(?!\.)){0,127}")


class Purpose(StrEnum):
    """Who uses a credential. A model key never enters a run: only the keeper's model gateway reads it."""

    SERVICE = "service"
    MODEL_KEY = "model key"
    NOTICE = "notices"
    """Freehold itself sends notices with it."""
    WEBHOOK_SECRET = "webhook secret"  # noqa: S105  a kind of credential, not one


@dataclass(frozen=True)
class CredentialField:
    """One value. `env` are the variables a run is given it in; `secret` says whether a prompt hides it."""

    name: str
    label: str
    env: tuple[str, ...] = ()
    secret: bool = True
    optional: bool = False
    multiline: bool = False
    shortest: int = 1
    """Characters; a shorter value is refused when it is stored."""
    asked: bool = True
    """Whether a prompt asks for it; else only `--field` sets it."""


@dataclass(frozen=True)
class CredentialType:
    """`egress` are the hosts that an agent on the allow-list may reach because it holds this."""

    name: str
    label: str
    description: str
    fields: tuple[CredentialField, ...]
    purpose: Purpose = Purpose.SERVICE
    egress: tuple[str, ...] = ()
    help_url: str = ""
    internal: bool = False
    """Made and used by Freehold itself; an agent cannot list it."""
    own_use: str = ""
    """What Freehold itself does with one that agents may list, too."""

    @property
    def is_model_key(self) -> bool:
        return self.purpose is Purpose.MODEL_KEY

    @property
    def field_names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    @property
    def required_fields(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields if not field.optional)

    @property
    def env_names(self) -> tuple[str, ...]:
        return tuple(name for field in self.fields for name in field.env)

    def field(self, name: str) -> CredentialField | None:
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True, order=True)
class CredentialRef:
    """A credential by name. Its parts are safe to be parts of a path."""

    type: str
    instance: str = DEFAULT_INSTANCE

    def __str__(self) -> str:
        return self.type if self.instance == DEFAULT_INSTANCE else f"{self.type}:{self.instance}"


@dataclass(frozen=True)
class FieldRef:
    """One field of a credential: `type.field` or `type:instance.field`."""

    ref: CredentialRef
    field: str

    def __str__(self) -> str:
        return f"{self.ref}.{self.field}"


def is_safe_name(name: str) -> bool:
    """Whether `name` may be a part of a path below `credentials/`."""
    return bool(_SAFE_NAME.fullmatch(name))


def parse_ref(text: str) -> CredentialRef:
    """`type` or `type:instance`, split at the first colon. Raises `ValueError` with the reason."""
    name, colon, instance = (part.strip() for part in text.partition(":"))
    if not name or (colon and not instance):
        raise ValueError("is not a credential; write `type` or `type:instance`")
    if not is_safe_name(name) or (instance and not is_safe_name(instance)):
        raise ValueError(
            "has characters that a credential's name cannot have (letters, digits and . _ - @ are allowed)"
        )
    return CredentialRef(name, instance or DEFAULT_INSTANCE)


def parse_field_ref(text: str) -> FieldRef:
    """`type.field` or `type:instance.field`; an instance may hold dots. Raises `ValueError` with the reason."""
    ref, dot, field = text.strip().rpartition(".")
    if not dot or not is_safe_name(field):
        raise ValueError("is not a credential's field; write `type.field` or `type:instance.field`")
    return FieldRef(parse_ref(ref), field)
