"""`freehold env status`: what runs on a server."""

from __future__ import annotations

from dataclasses import dataclass, replace

import click

from freehold import __version__
from freehold.base.errors import FreeholdError
from freehold.cli.context import Context
from freehold.cli.output import print_json, say, table, warn
from freehold.cli.server import environment_asked_for, tunnel_to
from freehold.client.gateway import Gateway
from freehold.client.gateway_address import ServerAddress
from freehold.client.tunnel import Tunnel
from freehold.deploy.inventory import ProjectThere, projects_on
from freehold.edge.edge import Traffic
from freehold.edge.haproxy_edge import HaproxyEdge
from freehold.server.layout import Layout
from freehold.wire.service import ProjectStatus


@dataclass(frozen=True)
class Standing:
    """A project there, and what its gateway says, or why it says nothing."""

    project: ProjectThere
    status: ProjectStatus | None
    problem: str
    difference: str = ""
    traffic: Traffic | None = None
    """How it was asked through the server's edge; None where it is not on one."""


@click.command(name="status")
@click.argument("name", default="")
@click.pass_obj
def status(context: Context, name: str) -> None:
    """Say which projects are on a server, and how they stand. Exit code 5 when it cannot be reached."""
    environment = environment_asked_for(context, name)
    tunnel = tunnel_to(context, environment)
    base = environment.server.base_path if environment.server else ""
    found = [_standing(environment.name, tunnel, each) for each in tunnel.do(projects_on(tunnel.connect(), base))]
    if found:
        traffic = _traffic(tunnel)
        found = [replace(each, traffic=traffic.get(each.project.name)) for each in found]
    if context.json:
        described = [_described(each) for each in found]
        print_json({"environment": environment.name, "client_version": __version__, "projects": described})
    elif not found:
        say(f"There is no project on {environment.name} yet: freehold push -E {environment.name}")
    else:
        headers = ["project", "release", "version", "gateway", "keeper", "runs", "waiting", "visits", "problem"]
        table(headers, map(_row, found))
        for difference in sorted({each.difference for each in found if each.difference}):
            warn(difference)


def _standing(environment: str, tunnel: Tunnel, project: ProjectThere) -> Standing:
    address = ServerAddress(environment, project.name, Layout(project.name).gateway_socket, tunnel)
    try:
        gateway = Gateway(address)
        return Standing(project, gateway.get("/status", ProjectStatus), "", gateway.version_difference)
    except FreeholdError as error:
        return Standing(project, None, error.message)


def _traffic(tunnel: Tunnel) -> dict[str, Traffic]:
    try:
        return {one.project: one for one in tunnel.do(HaproxyEdge(tunnel.connect()).traffic())}
    except FreeholdError:
        return {}  # no edge of ours, or no right to ask it: `env check` says which


def _visits(traffic: Traffic | None) -> str:
    if traffic is None:
        return ""
    return f"{traffic.requests}" + (f", {traffic.failed} failed" if traffic.failed else "")


def _row(each: Standing) -> tuple[object, ...]:
    project, told = each.project, each.status
    return (
        project.name,
        project.release,
        told.version if told else "",
        project.service.words if project.service else "none",
        project.keeper.words if project.keeper else "none",
        told.running if told else "",
        told.waiting if told else "",
        _visits(each.traffic),
        each.problem or ("paused" if told and told.paused else "; ".join(told.problems) if told else ""),
    )


def _described(each: Standing) -> dict[str, object]:
    return {
        "name": each.project.name,
        "release": each.project.release,
        "service": each.project.service,
        "keeper": each.project.keeper,
        "status": each.status,
        "traffic": each.traffic,
        "problem": each.problem,
    }
