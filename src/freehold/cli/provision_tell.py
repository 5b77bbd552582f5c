"""What is said on the way to a server: what it will be, how far it is, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from freehold.base.plain_text import one_line
from freehold.base.words import duration
from freehold.cli.context import Context
from freehold.cli.output import note, paint
from freehold.deploy.part import Change
from freehold.deploy.provision.choices import Facts
from freehold.deploy.provision.renting import WEB_PORTS, server_id
from freehold.deploy.provision.step import Step
from freehold.deploy.provision.wish import Wish
from freehold.project.environments import Environment

_WORTH_TELLING_S = 1.0


class Teller:
    """`Progress` at a terminal, or in a log."""

    def __init__(self, context: Context) -> None:
        self._silent = context.quiet or context.json
        self._began = time.monotonic()

    def begins(self, step: Step) -> None:
        self._began = time.monotonic()
        self._note(step.doing)

    def says(self, text: str) -> None:
        self._note(f"  {one_line(text)}")

    def ends(self, step: Step) -> None:
        took_s = time.monotonic() - self._began
        if took_s >= _WORTH_TELLING_S:
            self._note(f"  {step}: done in {duration(took_s)}")

    def _note(self, text: str) -> None:
        if not self._silent:
            note(text)


def summary(wish: Wish, facts: Facts, name: str) -> list[str]:
    """What is about to be done, before it is agreed to."""
    rows = _rented(wish, facts, name) if wish.rents else [("server", f"{wish.user}@{wish.host}, which is yours")]
    if wish.hostname and wish.certificate == "cloudflare":
        rows.append(("HTTPS", f"{wish.hostname}, by Cloudflare; {_SSL[wish.ssl_mode]} (the zone: {facts.ssl_mode})"))
    elif wish.hostname:
        rows.append(("HTTPS", f"{wish.hostname}, with the certificate {wish.certificate_file}"))
    return [f"  {label:<9} {text}" for label, text in rows]


_SSL = {
    "host-rule": "a rule has it check the server's certificate for this name",
    "zone": "it will check every server of the zone",
    "leave": "its SSL mode stays as it is",
}


def _rented(wish: Wish, facts: Facts, name: str) -> list[tuple[str, str]]:
    plan, region = facts.catalogue.plan(wish.plan), facts.catalogue.region(wish.region)
    place = ", ".join(filter(None, (region.name, region.city, region.country)))
    image = wish.distribution.title()
    costs = f"{wish.price}, from now until `freehold env deprov {name}`" if wish.price else "nothing"
    ports = sorted({wish.port, *(WEB_PORTS if wish.expose else ())})
    size = f"{plan.vcpu} vCPU, {plan.memory_mb / 1024:.0f} GB"
    return [
        ("server", f"{plan.name} ({size}) in {place}, {image}, by {wish.provider}"),
        ("costs", costs),
        ("SSH key", wish.key),
        ("open", f"ports {', '.join(map(str, ports))}; the firewall keeps the rest shut"),
    ]


def shown_changes(changes: Sequence[Change]) -> list[str]:
    """Everything that would be done to a server, with its details."""
    lines = ["On this server, the following would be changed:"]
    for change in changes:
        lines.append(f"  {one_line(change.what)}")
        lines += [f"      {one_line(text)}" for text in change.detail]
    return lines


def tell(lines: Sequence[str]) -> None:
    for text in lines:
        note(text)


def found(environment: Environment) -> dict[str, Any]:
    """An environment whose server is ready, as JSON has it."""
    server, provision, pin = environment.server, environment.provision, environment.pin
    assert server is not None
    return {
        "environment": environment.name,
        "host": server.host,
        "user": server.user,
        "port": server.port,
        "provider": server.provider,
        "id": server_id(environment) or None,
        "plan": provision.plan if provision else "",
        "region": provision.region if provision else "",
        "price": provision.price if provision else "",
        "fingerprint": pin.fingerprint if pin else "",
        "hostname": server.hostname,
        "done": list(provision.done) if provision else [],
    }


def say_ready(context: Context, environment: Environment) -> None:
    server = environment.server
    assert server is not None
    if context.quiet:
        return
    fingerprint = f", host key {environment.pin.fingerprint}" if environment.pin else ""
    note(paint("ready: ", fg="green", bold=True), f"{server.user}@{server.host} port {server.port}{fingerprint}")
    if server.hostname:
        note(f"https://{server.hostname} answers after the next push")
    note(f"next: freehold push -E {environment.name}")
