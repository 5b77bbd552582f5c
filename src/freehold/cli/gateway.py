"""The gateway that a command is about: the project's on this machine or, with `-E`, the one of an environment."""

from __future__ import annotations

from freehold.cli.context import Context, environment_of
from freehold.client.gateway import Gateway
from freehold.client.gateway_address import LocalAddress, ServerAddress, gateway_address


def gateway_in(context: Context, environment: str) -> Gateway:
    """The gateway there; a server is logged in to, and what its first meeting asks is asked now. Raises what
    `gateway_address` raises, and what logging in does."""
    gateway = Gateway(gateway_address(context.project_dir, context.home, environment))
    if isinstance(gateway.address, ServerAddress):
        from freehold.cli.server import meet

        meet(context, gateway.address.tunnel.connect, context.home)
    return gateway


def gateway_of(context: Context) -> Gateway:
    """Raises NOT_FOUND where there is no project, and what `gateway_address` raises."""
    gateway = gateway_in(context, environment_of(context))
    if isinstance(gateway.address, LocalAddress) and not gateway.address.socket.exists():
        from freehold.project.load import require_project  # 35 ms, which a running project need not wait for

        require_project(context.project_dir)
    return gateway


def running_gateway_of(context: Context) -> Gateway | None:
    """The same, but None when this machine's project is not running: for commands that can do without.

    A project that was broken since it was started is still looked for.
    """
    gateway = gateway_in(context, environment_of(context))
    if isinstance(gateway.address, LocalAddress) and not gateway.is_there():
        return None
    return gateway
