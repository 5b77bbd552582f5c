"""What can be chosen, fetched when a question needs it: catalogue, keys, zones; and who is asked for it."""

from __future__ import annotations

from dataclasses import replace

from freehold.cli.cloud_token import cloudflare, provider_called
from freehold.cli.context import Context
from freehold.cli.output import note
from freehold.cli.server_key import kept_keys
from freehold.deploy.provision.choices import Facts, zone_of
from freehold.deploy.provision.order import cloudflare_wanted
from freehold.deploy.provision.wish import EXISTING
from freehold.deploy.provision.wizard import Answers, Ask
from freehold.providers.dns import Dns
from freehold.providers.provider import Provider

_OF_SERVERS = frozenset({Ask.PLAN, Ask.REGION, Ask.IMAGE, Ask.SSH_KEY})
_OF_NAMES = frozenset({Ask.ZONE, Ask.HTTPS, Ask.SSL_MODE})


class Shop:
    """Opened when it is first needed, with tokens that are asked for; `close` ends all connections."""

    def __init__(self, context: Context, name: str) -> None:
        self._context = context
        self._provider: Provider | None = None
        self._dns: Dns | None = None
        self.facts = Facts(own_keys=kept_keys(context, name))

    async def provider(self, name: str) -> Provider:
        """Raises CREDENTIAL for a token that is not accepted, NOT_FOUND for an unknown name."""
        if self._provider is not None and self._provider.name == name:
            return self._provider
        if self._provider is not None:
            await self._provider.close()
            self._provider, self.facts = None, Facts(own_keys=self.facts.own_keys, zones=self.facts.zones)
        self._provider = await provider_called(self._context, name)
        return self._provider

    async def dns(self) -> Dns:
        """Raises CREDENTIAL for a token that is not accepted."""
        if self._dns is None:
            self._dns = await cloudflare(self._context)
        return self._dns

    async def visit(self, ask: Ask, answers: Answers) -> Facts:
        """Everything that the choices of a question need. Raises what is asked of providers raises."""
        if ask in _OF_SERVERS and answers[Ask.PROVIDER] != EXISTING:
            provider = await self.provider(answers[Ask.PROVIDER])
            if not self.facts.catalogue.plans:
                self._tell("reading what can be rented, and for how much")
                self.facts = replace(self.facts, catalogue=await provider.catalogue())
            if ask is Ask.SSH_KEY:
                self.facts = replace(self.facts, keys=await provider.keys())
        if ask in _OF_NAMES and cloudflare_wanted(answers):
            dns = await self.dns()
            if not self.facts.zones:
                self.facts = replace(self.facts, zones=await dns.zones())
            if ask is Ask.SSL_MODE:
                zone = zone_of(answers[Ask.HTTPS], self.facts.zones)
                self.facts = replace(self.facts, ssl_mode=await dns.ssl_mode(zone.id))
        return self.facts

    async def close(self) -> None:
        for api in (self._provider, self._dns):
            if api is not None:
                await api.close()

    def _tell(self, text: str) -> None:
        if not (self._context.quiet or self._context.json):
            note(text)
