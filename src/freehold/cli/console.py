"""`freehold console`: where the console of a running project is; of one on a server, through SSH and a port of this
machine."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import webbrowser
from collections.abc import Callable, Iterator

import click

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context, environment_of
from freehold.cli.gateway import gateway_of
from freehold.cli.output import note, print_json, say
from freehold.cli.server import meet
from freehold.client.environment_address import server_address
from freehold.client.gateway_address import ServerAddress, not_running
from freehold.client.introduction import require_project
from freehold.client.local_port import LOOPBACK, leading, listen_at
from freehold.client.server_socket import ServerSocket
from freehold.hosts.ssh_host import SshHost, open_ssh_host
from freehold.project.load import name_of
from freehold.server.layout import Layout, server_name
from freehold.store.environments import Environments
from freehold.wire.service import ProjectStatus


@click.command(name="console")
@click.option(
    "--port", type=click.IntRange(1, 65535), metavar="N", help="The port here, for a server's [one of its own]."
)
@click.option("--open", "open_", is_flag=True, help="Open a browser there as well.")
@click.pass_obj
def command(context: Context, port: int | None, open_: bool) -> None:
    """Say where the console of the running project is.

    With -E the server is logged in to, and a port of this machine leads to its console until Ctrl-C: nothing need be
    open on the server but SSH. The console asks for a key: freehold keys add NAME --scope admin -E ENVIRONMENT.
    """
    environment = environment_of(context)
    if environment and Environments(context.home).read(environment).has_server:
        address = server_address(context.home, environment, server_name(name_of(context.project_dir)))
        meet(context, lambda: asyncio.run(_lead(context, address, port, open_=open_)), context.home)
        return
    if port is not None:
        raise FreeholdError(Code.USAGE, "--port is for a console on a server", "name its environment: -E NAME")
    _tell(context, _address(context), None, open_=open_)


def _address(context: Context) -> str:
    """Where it can be reached without us. Raises NOT_FOUND when there is none, PROTOCOL for what is no page."""
    found = gateway_of(context).get("/status", ProjectStatus).console
    if not found:
        raise FreeholdError(Code.NOT_FOUND, "the project runs without a console", "Start it with: freehold start --web")
    # What opens a browser opens files and starts programs, too.
    if not (found.isprintable() and found.startswith(("http://", "https://"))):
        raise FreeholdError(Code.PROTOCOL, "what the gateway calls its console is no address of a page")
    return found


async def _lead(context: Context, address: ServerAddress, port: int | None, *, open_: bool) -> None:
    tunnel = address.tunnel

    async def log_in() -> SshHost:
        return await open_ssh_host(tunnel.target, tunnel.known)

    listener = listen_at(port, f"{tunnel.target.host}:{tunnel.target.port} {address.project}")
    greet = functools.partial(require_project, project=address.project)
    there = ServerSocket(log_in, Layout(address.project).console_socket, greet)
    try:
        with contextlib.closing(listener):
            await _require_console(there, address)
            async with leading(listener, there.open, _once_each()):
                with _ended_by_signals() as ended:
                    url = f"http://{LOOPBACK}:{listener.getsockname()[1]}/"
                    opening = asyncio.to_thread(_tell, context, url, address, open_=open_)
                    await asyncio.gather(opening, ended.wait())
    finally:
        await there.close()


async def _require_console(there: ServerSocket, address: ServerAddress) -> None:
    """Raises UNREACHABLE when nothing runs there, NOT_FOUND when what runs there serves none."""
    try:
        (await there.open()).close()
    except FreeholdError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        name = address.environment
        if await there.is_there(address.socket):
            what, hint = f"{address} serves no console through SSH", "A push brings the program that does"
            raise FreeholdError(Code.NOT_FOUND, what, f"{hint}: freehold push -E {name}") from None
        raise not_running(address) from None


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[asyncio.Event]:
    """Set by Ctrl-C, and by who ends us."""
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, ended.set)
    try:
        yield ended
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _once_each() -> Callable[[FreeholdError], None]:
    """Tells what keeps the browser from the server: it tries every few seconds."""
    told = ""

    def tell(error: FreeholdError) -> None:
        nonlocal told
        if error.message != told:
            note(error.message)
        told = error.message

    return tell


def _tell(context: Context, url: str, server: ServerAddress | None, *, open_: bool) -> None:
    if context.json:
        print_json({"console": url})
    else:
        say(url)
    if server and not (context.quiet or context.json):
        note(f"the console of {server}, until Ctrl-C. It asks for a key; this makes one, and shows it once:")
        note(f"  freehold keys add me --scope admin -E {server.environment}")
    if open_ and not webbrowser.open(url):
        note("no browser could be opened here: open the address yourself")
