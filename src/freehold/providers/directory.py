"""Which providers there are, which credential opens each, and the one place that makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.base.words import did_you_mean, one_of
from freehold.providers.dns import Dns
from freehold.providers.patience import Patience
from freehold.providers.provider import Provider


@dataclass(frozen=True)
class Entry:
    """A provider that a token opens. `variable` names the environment variable that moves its API elsewhere."""

    name: str
    label: str
    credential: str
    field: str

    @property
    def variable(self) -> str:
        return f"FREEHOLD_{self.name.upper()}_URL"


RENTING: dict[str, Entry] = {
    "hetzner": Entry("hetzner", "Hetzner Cloud", "hetzner_api_key", "api_key"),
    "vultr": Entry("vultr", "Vultr", "vultr_api_key", "api_key"),
}
CLOUDFLARE = Entry("cloudflare", "Cloudflare", "cloudflare_api_token", "api_token")


def open_provider(
    name: str,
    token: Secret,
    environ: Mapping[str, str],
    *,
    patience: Patience | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> Provider:
    """One of `RENTING`, which is not asked yet. Raises NOT_FOUND for another name, CREDENTIAL for what is no token."""
    if name not in RENTING:
        suggestion = did_you_mean(name, RENTING)
        raise FreeholdError(
            Code.NOT_FOUND, f'no provider "{name}" {suggestion}'.rstrip(), f"There are: {one_of(RENTING)}."
        )
    elsewhere = environ.get(RENTING[name].variable, "")
    # Each is loaded when it is wanted: the command line starts often, and asks seldom.
    if name == "hetzner":
        from freehold.providers import hetzner

        return hetzner.Hetzner(token, base_url=elsewhere or hetzner.BASE_URL, patience=patience, notify=notify)
    from freehold.providers import vultr

    return vultr.Vultr(token, base_url=elsewhere or vultr.BASE_URL, patience=patience, notify=notify)


def open_dns(
    token: Secret,
    environ: Mapping[str, str],
    *,
    patience: Patience | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> Dns:
    """Cloudflare, which is not asked yet. Raises CREDENTIAL for what is no token."""
    from freehold.providers import cloudflare

    base_url = environ.get(CLOUDFLARE.variable, "") or cloudflare.BASE_URL
    return cloudflare.Cloudflare(token, base_url=base_url, patience=patience, notify=notify)
