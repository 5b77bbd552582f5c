"""Models: what the project calls them, who answers, and what they speak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from freehold.project.credential import CredentialRef
from freehold.project.price import TokenPrice, price_of
from freehold.project.problems import KeyPath, Reporter
from freehold.project.providers import CUSTOM, PROVIDERS, REHEARSAL, Provider
from freehold.project.wire_formats import WireFormat


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A `[models.<name>]`. `base_url` is always set but for rehearsals; see `Provider` on where it ends.

    `key` is the credential that opens it (its field is `token`); None where none is needed.
    """

    name: str
    provider: str
    model: str
    auth_type: str
    thinking_level: str
    base_url: str
    wire_formats: frozenset[WireFormat]
    key: CredentialRef | None
    price: TokenPrice | None = None
    """What a person says it costs; None: what the list of prices says, where it is asked at its provider's."""

    @property
    def is_rehearsal(self) -> bool:
        return self.provider == REHEARSAL

    @property
    def is_foreign(self) -> bool:
        """Whether its key goes to a host that is not the provider's own."""
        hosts = PROVIDERS[self.provider].hosts
        return bool(hosts) and self.host not in hosts

    @property
    def host(self) -> str:
        """The host that answers; empty for rehearsals."""
        return (urlsplit(self.base_url).hostname or "").removesuffix(".")


def model_of(name: str, values: Mapping[str, Any], report: Reporter) -> ModelSpec | None:
    """A model whose keys have been checked; None when it is unusable (then reported)."""
    provider = PROVIDERS.get(values["provider"] or "")
    if provider is None:
        return None
    at = ("models", name)
    if values["authType"] == "pi_auth":
        report.error(
            (*at, "authType"), f'"pi_auth" works for pi alone; write "api_key" and store the key: {_add(provider)}'
        )
    if not values["model"] and provider.name != REHEARSAL:
        report.error((*at, "model"), "is missing: the provider's name of the model")
    price = price_of(values["price"])
    if price and provider.name == REHEARSAL:
        report.warning((*at, "price"), "is ignored: a rehearsal costs nothing")
    return ModelSpec(
        name=name,
        provider=provider.name,
        model=values["model"] or REHEARSAL,
        auth_type=values["authType"],
        thinking_level=values["thinkingLevel"] or "",
        base_url=_base_url(provider, values["base_url"], report, (*at, "base_url")),
        wire_formats=provider.wire_formats,
        key=CredentialRef(provider.credential) if provider.credential else None,
        price=price,
    )


def _base_url(provider: Provider, written: str | None, report: Reporter, at: KeyPath) -> str:
    if provider.name == REHEARSAL:
        if written:
            report.warning(at, "is ignored: a rehearsal asks nobody")
        return ""
    if not written:
        if provider.name == CUSTOM:
            report.error(at, "is missing: the address of the server, for example http://localhost:11434/v1")
        return provider.base_url
    problem = _url_problem(written)
    if problem:
        report.error(at, problem)
        return provider.base_url
    parts = urlsplit(written)
    host = (parts.hostname or "").removesuffix(".")
    if parts.scheme == "http" and not _is_local(host):
        report.warning(at, f"sends the {provider.credential} to {host} unencrypted; use https")
    return written.rstrip("/")


def _url_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is not an address; write for example https://models.example.com/v1"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "is not an address; write for example https://models.example.com/v1"
    if parts.username or parts.password:
        return "holds a password; store it as a credential instead"
    if parts.query or parts.fragment:
        return "holds more than scheme, host and path"
    return ""


def _is_local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def _add(provider: Provider) -> str:
    return f"freehold creds add {provider.credential}"
