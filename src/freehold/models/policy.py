"""What one run may ask of which models: everything the gateway decides by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlsplit

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import clipped
from freehold.base.secret import Secret
from freehold.project.price import TokenPrice
from freehold.project.providers import CUSTOM, PROVIDERS, REHEARSAL, Provider
from freehold.project.wire_formats import EVERY_FORMAT, WireFormat

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class KeyKind(StrEnum):
    """How a key is shown to its provider: `oauth_token` is Anthropic's `sk-ant-oat…`, elsewhere it is like a key."""

    API_KEY = "api_key"
    OAUTH_TOKEN = "oauth_token"  # noqa: S105  the name of a kind, not a token


@dataclass(frozen=True)
class PolicyModel:
    """One model of the agent's list.

    `name` is the name in the configuration, `model` the provider's own. `key` goes to `key_hosts` and nowhere else:
    the provider's hosts, and a foreign `base_url` that a person confirmed.
    """

    name: str
    provider: str
    model: str
    base_url: str
    wire_formats: frozenset[WireFormat]
    key: Secret | None = None
    key_kind: KeyKind = KeyKind.API_KEY
    key_hosts: frozenset[str] = frozenset()
    price: TokenPrice | None = None

    @property
    def rehearsed(self) -> bool:
        return self.provider == REHEARSAL

    @property
    def at_home(self) -> bool:
        """Whether it is asked where its provider answers: only then are the provider's list prices its prices."""
        provider = PROVIDERS.get(self.provider)
        return provider is not None and urlsplit(self.base_url).hostname in provider.hosts

    def check(self) -> None:
        """Raises `FreeholdError` when asking this model could show its key to somebody else."""
        if self.rehearsed:
            return
        parts = urlsplit(self.base_url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host:
            raise FreeholdError(
                Code.CONFIG, f'models.{self.name}.base_url: "{self.base_url}" is no http or https URL',
                "write for example https://models.example.com/v1",
            )  # fmt: skip
        if self.key is None:
            return
        if host not in self.key_hosts:
            raise FreeholdError(
                Code.DENIED, f"models.{self.name}.base_url: the key of {self.provider} is not sent to {host}",
                f"confirm {host} as a host for this key, or take base_url out",
            )  # fmt: skip
        if parts.scheme == "http" and self.provider != CUSTOM and host not in _LOOPBACK:
            raise FreeholdError(
                Code.DENIED, f"models.{self.name}.base_url: the key of {self.provider} is not sent unencrypted",
                "use https",
            )  # fmt: skip


@dataclass(frozen=True)
class ModelPolicy:
    """The agent's models in its order of preference, and the provider-side tools it may use."""

    models: tuple[PolicyModel, ...]
    server_tools: frozenset[str] = frozenset()

    @property
    def rehearsed(self) -> bool:
        """Nothing is spent and no key is used, so that any model name is as good as another."""
        return all(model.rehearsed for model in self.models)

    def check(self) -> None:
        """Raises `FreeholdError` for the first model that cannot be asked safely; a gateway is not made of such."""
        for model in self.models:
            model.check()

    @property
    def keys(self) -> list[Secret]:
        """Every key, for hiding them wherever an upstream might repeat one."""
        return [model.key for model in self.models if model.key is not None]

    def candidates(self, asked: str, wire_format: WireFormat) -> tuple[PolicyModel, ...]:
        """The models to try for a request that names `asked`: that one first, then the rest of the list in order.

        All of them speak `wire_format`. Raises `FreeholdError` (`NOT_FOUND`) that names what may be asked.
        """
        speaking = [model for model in self.models if wire_format in model.wire_formats]
        named = [model for model in speaking if asked in (model.name, model.model)]
        if not named and self.rehearsed:
            named = speaking[:1]
        if named:
            return (named[0], *(model for model in speaking if model is not named[0]))
        if any(asked in (model.name, model.model) for model in self.models):
            raise FreeholdError(
                Code.NOT_FOUND, f'the model "{clipped(asked)}" does not speak {wire_format}',
                "choose a harness that speaks its provider's wire format, or another model for this agent",
            )  # fmt: skip
        names = ", ".join(f"{model.name} ({model.model})" for model in speaking) or "none that speaks " + wire_format
        raise FreeholdError(
            Code.NOT_FOUND, f'the model "{clipped(asked)}" is not in this agent\'s list',
            f"its models are: {names}; add the model under `models` in the agent's config.toml",
        )  # fmt: skip

    def rehearsal(self) -> ModelPolicy:
        """The same list, played by rehearsal.yaml: what `run --rehearse` makes of a policy."""
        return ModelPolicy(
            tuple(rehearsed_model(model.name, model.model) for model in self.models) or (rehearsed_model(),),
            self.server_tools,
        )


def rehearsed_model(name: str = REHEARSAL, model: str = REHEARSAL) -> PolicyModel:
    return PolicyModel(name=name, provider=REHEARSAL, model=model, base_url="", wire_formats=EVERY_FORMAT)


def provider_model(
    name: str, provider: Provider, model: str, key: Secret | None, *,
    base_url: str = "", confirmed: bool = False, key_kind: KeyKind = KeyKind.API_KEY, price: TokenPrice | None = None,
) -> PolicyModel:  # fmt: skip
    """A model of a known provider; its key may go to the provider's hosts, and to `base_url` once `confirmed`."""
    url = base_url or provider.base_url
    made = PolicyModel(
        name=name, provider=provider.name, model=model, base_url=url, wire_formats=provider.wire_formats,
        key=key, key_kind=key_kind, key_hosts=provider.hosts, price=price,
    )  # fmt: skip
    host = urlsplit(url).hostname
    return replace(made, key_hosts=provider.hosts | {host}) if confirmed and host else made
