"""What can be answered to a question, and what is wrong with an answer (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import did_you_mean, one_of, size
from freehold.deploy.provision.wish import EXISTING
from freehold.deploy.provision.wizard import CLOUDFLARE, NO_HTTPS, OWN, Answers, Ask
from freehold.providers.dns import SslMode, Zone
from freehold.providers.key import KeyOnProvider
from freehold.providers.offer import Catalogue, Image, Plan, Price, Region

MEGABYTE = 1024 * 1024
PROVIDER_KEY = "provider"
"""Before the id of a key that the provider keeps: `provider:42`."""
NEW_KEY = "new"
SANDBOX = "sandbox"

PROVIDERS = {
    "hetzner": "Hetzner Cloud: rent a server",
    "vultr": "Vultr: rent a server",
    EXISTING: "a server that I have already",
    SANDBOX: "a sandbox: a server in a container here, to try things",
}
_SIGNERS = {
    CLOUDFLARE: "yes, with Cloudflare in front, which gives name and certificate",
    OWN: "yes, with a certificate of my own",
    NO_HTTPS: "not now (freehold env https adds it later)",
}
_SSL_MODES = {
    "host-rule": "for this name alone, by a rule",
    "zone": "for every name in the zone; each server of it then needs a certificate",
    "leave": "leave it as it is; whoever is between the two may then read along",
}


@dataclass(frozen=True)
class Choice:
    """`value` is what the flag would be given, `title` what a person reads and searches."""

    value: str
    title: str


@dataclass(frozen=True)
class Facts:
    """What the choices come from, as far as it is known. `own_keys` are instances of `vps_ssh`."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    keys: tuple[KeyOnProvider, ...] = ()
    own_keys: tuple[str, ...] = ()
    zones: tuple[Zone, ...] = ()
    ssl_mode: SslMode = SslMode.UNKNOWN


def choices(ask: Ask, answers: Answers, facts: Facts) -> list[Choice] | None:
    """Those that there are, the default first; None where any text may be an answer."""
    match ask:
        case Ask.PROVIDER:
            return _worded(PROVIDERS)
        case Ask.PLAN:
            return _plans(facts.catalogue.cheapest_first)
        case Ask.REGION:
            regions = facts.catalogue.regions_of(answers[Ask.PLAN])
            prices = facts.catalogue.plan(answers[Ask.PLAN]).prices
            return [Choice(one.name, _region_title(one, prices.get(one.name))) for one in regions]
        case Ask.IMAGE:
            fitting = facts.catalogue.images_for(facts.catalogue.plan(answers[Ask.PLAN]))
            return [Choice(image.id, image.name) for image in fitting]
        case Ask.SSH_KEY:
            return _key_choices(facts)
        case Ask.SIGNER:
            return _signers(answers)
        case Ask.ZONE:
            return [
                Choice(zone.name, zone.name if zone.active else f"{zone.name} (not active yet)") for zone in facts.zones
            ]
        case Ask.SSL_MODE:
            return _worded(_SSL_MODES)
        case _:
            return None


def _worded(words: dict[str, str]) -> list[Choice]:
    return [Choice(value, title) for value, title in words.items()]


def _signers(answers: Answers) -> list[Choice]:
    """A sandbox is on this machine alone: whoever tries things there wants no name at first, and none at Cloudflare,
    which could not reach it."""
    found = _worded(_SIGNERS)
    return found[::-1] if answers.get(Ask.PROVIDER) == SANDBOX else found


def _plans(plans: Sequence[Plan]) -> list[Choice]:
    """Columns as wide as what is in them, so that prices can be seen at 80 columns; the hour's follows in the
    summary."""
    rows = [(plan.name, _plan_parts(plan), _plan_price(plan)) for plan in plans]
    name, parts = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    return [Choice(row[0], f"{row[0]:<{name}}  {row[1]:<{parts}}  {row[2]}") for row in rows]


def _plan_parts(plan: Plan) -> str:
    disk = [f"{plan.disk_gb} GB disk"] if plan.disk_gb else []
    return ", ".join([f"{plan.vcpu} vCPU", size(plan.memory_mb * MEGABYTE), *disk, str(plan.architecture)])


def _plan_price(plan: Plan) -> str:
    spread = "from " if len({price.month for price in plan.prices.values()}) > 1 else ""
    return f"{spread}{plan.price.month:.2f} {plan.price.currency} a month"


def _region_title(region: Region, price: Price | None) -> str:
    place = ", ".join(filter(None, (region.city, region.country)))
    return f"{region.name:<6} {place:<24} {price or ''}".rstrip()


def _key_choices(facts: Facts) -> list[Choice]:
    own = [Choice(f"vps_ssh:{one}", f"vps_ssh:{one}, which is kept here") for one in facts.own_keys]
    new = Choice(NEW_KEY, "a new one, made now and kept as vps_ssh")
    theirs = [Choice(f"{PROVIDER_KEY}:{key.id}", f"{key.name}, which the provider keeps") for key in facts.keys]
    return [*own, new, *theirs]


def image_chosen(answers: Answers, facts: Facts) -> Image:
    """The image by its id or name; the default is Debian 12. Raises NOT_FOUND with those that fit the plan."""
    plan = facts.catalogue.plan(answers[Ask.PLAN])
    fitting = facts.catalogue.images_for(plan)
    wanted = answers.get(Ask.IMAGE, "")
    found = [image for image in fitting if wanted in ("", image.id, image.name)]
    if found:
        return found[0]
    names = [image.name if image.id.isdecimal() else image.id for image in fitting]  # what people can tell apart
    raise FreeholdError(
        Code.NOT_FOUND,
        f'no image "{wanted}" for the plan {plan.name} {did_you_mean(wanted, names)}'.rstrip(),
        f"There are: {one_of(names)}.",
    )


def key_chosen(answers: Answers, facts: Facts) -> str:
    """`vps_ssh:INSTANCE`, `new`, or `provider:ID`, by its name too. The default is the key that is kept for this
    environment, else `vps_ssh:default`, else a new one. Raises NOT_FOUND."""
    wanted = answers.get(Ask.SSH_KEY, "")
    if not wanted:
        return f"vps_ssh:{facts.own_keys[0]}" if facts.own_keys else NEW_KEY
    known = {choice.value: choice.value for choice in _key_choices(facts)}
    known |= {key.name: f"{PROVIDER_KEY}:{key.id}" for key in facts.keys if key.name not in known}
    if "vps_ssh:default" in known:
        known["vps_ssh"] = "vps_ssh:default"
    if wanted in known:
        return known[wanted]
    raise FreeholdError(
        Code.NOT_FOUND, f'no SSH key "{wanted}" {did_you_mean(wanted, known)}'.rstrip(), f"There are: {one_of(known)}."
    )


def zone_of(hostname: str, zones: Sequence[Zone]) -> Zone:
    """The nearest that holds the name. Raises NOT_FOUND, and CONFLICT for a zone that Cloudflare does not serve yet."""
    holding = sorted((zone for zone in zones if zone.holds(hostname)), key=lambda zone: -len(zone.name))
    if not holding:
        raise FreeholdError(
            Code.NOT_FOUND,
            f"{hostname} is in no zone that the Cloudflare token reaches",
            f"There are: {one_of(zone.name for zone in zones)}.",
        )
    if not holding[0].active:
        raise FreeholdError(
            Code.CONFLICT,
            f"the zone {holding[0].name} is not active: its registrar does not name Cloudflare's name servers yet",
            "Change them there (dash.cloudflare.com shows which), and wait until Cloudflare has seen it.",
        )
    return holding[0]
