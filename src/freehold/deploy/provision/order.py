"""From answers to what is wanted, with everything checked that can be before money is spent (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.provision.choices import Facts, image_chosen, zone_of
from freehold.deploy.provision.wish import EXISTING, Wish
from freehold.deploy.provision.wizard import CLOUDFLARE, NO_HTTPS, OWN, Answers, Ask
from freehold.hosts.target import Target, parse_hop
from freehold.project.environments import Environment
from freehold.providers.origin_request import checked_hostname

SSL_MODES = ("host-rule", "zone", "leave")


def wish_of(answers: Answers, facts: Facts, *, key: str, expose: bool, host_key: str, project: str) -> Wish:
    """`key` is the SSH key that was chosen, `project` the one that a host name leads to. Raises NOT_FOUND and USAGE,
    saying what there is."""
    wish = Wish(answers[Ask.PROVIDER], expose=expose, host_key=host_key, key_path=answers.get(Ask.KEY, ""))
    wish = _with_web(wish, answers, facts, project)
    if wish.hostname and not expose:
        raise FreeholdError(
            Code.USAGE,
            "HTTPS is served by the server's edge, and --no-expose wants none",
            "With a proxy of your own in front, give it the certificate, and leave --https out.",
        )
    port = int(answers.get(Ask.PORT) or 22)
    if not wish.rents:
        place = place_of(answers)
        return replace(wish, host=place.host, user=place.user, port=place.port or port)
    price = facts.catalogue.require_sold(answers[Ask.PLAN], answers[Ask.REGION])
    image = image_chosen(answers, facts)
    return replace(
        wish, plan=answers[Ask.PLAN], region=answers[Ask.REGION], image=image.id, key=key, port=port,
        distribution=f"{image.distribution} {image.version}", price=str(price) if price.month else "",
    )  # fmt: skip


def place_of(answers: Answers) -> Target:
    """Where an existing server is: `[user@]host[:port]`, as ssh has it. Raises USAGE."""
    try:
        hop = parse_hop(answers[Ask.HOST])
    except ValueError as error:
        raise FreeholdError(Code.USAGE, f"--host: {error}") from None
    return replace(hop, user=hop.user or answers.get(Ask.USER) or "root")


def _with_web(wish: Wish, answers: Answers, facts: Facts, project: str) -> Wish:
    signer = answers.get(Ask.SIGNER, NO_HTTPS)
    if signer == NO_HTTPS:
        return wish
    hostname = checked_hostname(answers[Ask.HTTPS])
    named = replace(wish, hostname=hostname, certificate=signer, project=project)
    if signer == OWN:
        return replace(named, certificate_file=answers[Ask.CERT], certificate_key_file=answers[Ask.KEY_FILE])
    mode = answers[Ask.SSL_MODE]
    if mode not in SSL_MODES:
        raise FreeholdError(Code.USAGE, f'--ssl-mode: "{mode}" is none', f"There are: {', '.join(SSL_MODES)}.")
    return replace(named, zone_id=zone_of(hostname, facts.zones).id, ssl_mode=mode)


def answers_of(environment: Environment) -> dict[Ask, str]:
    """What was answered when the environment's file was begun."""
    server, provision = environment.server, environment.provision
    assert server is not None
    assert provision is not None
    found: Mapping[Ask, str] = {
        Ask.PROVIDER: server.provider, Ask.PORT: str(server.port), Ask.KEY: server.key_path,
        Ask.PLAN: provision.plan, Ask.REGION: provision.region, Ask.IMAGE: provision.image, Ask.SSH_KEY: provision.key,
        Ask.SIGNER: provision.certificate or NO_HTTPS, Ask.HTTPS: server.hostname, Ask.SSL_MODE: provision.ssl_mode,
        Ask.CERT: provision.certificate_file, Ask.KEY_FILE: provision.certificate_key_file,
    }  # fmt: skip
    if server.provider == EXISTING:
        found = {**found, Ask.HOST: server.host, Ask.USER: server.user}
    return {ask: answer for ask, answer in found.items() if answer}


def cloudflare_wanted(answers: Answers) -> bool:
    return answers.get(Ask.SIGNER) == CLOUDFLARE
