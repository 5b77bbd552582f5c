"""`freehold env prov`: a server is rented, or one that is there is made right; asked for step by step, or by flags."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context

_FILE = click.Path(dir_okay=False)


@click.command(name="prov")
@click.argument("name")
@click.option("--provider", default="", help="hetzner, vultr, existing (a server of yours) or sandbox.")
@click.option("--plan", default="", help="The size of the server, as the provider calls it.")
@click.option("--region", default="", help="Where it stands.")
@click.option("--image", default="", help="Its system [debian-12].")
@click.option("--ssh-key", default="", help="vps_ssh[:INSTANCE], new, or a key of the provider by its name [vps_ssh].")
@click.option("--host", default="", help="An existing server: its address, a name, or an alias of ~/.ssh/config.")
@click.option("--user", default="", help="An existing server: who logs in [root].")
@click.option("--port", type=click.IntRange(1, 65535), help="The port of SSH [22].")
@click.option("--key", default="", type=_FILE, help="A private key, and no other [those that ssh would use].")
@click.option("--host-key", default="", help="The host key, or SHA256:..., or `first`: whichever it shows first.")
@click.option("--https", default="", metavar="HOSTNAME", help="Its public name, for which it answers HTTPS.")
@click.option("--ssl-mode", default="", help="How Cloudflare is made to check the server: host-rule, zone or leave.")
@click.option("--replace-records", is_flag=True, help="Others' DNS records of that name may be replaced.")
@click.option("--cert", default="", type=_FILE, help="A certificate of your own for that name, in place of Cloudflare.")
@click.option("--key-file", default="", type=_FILE, help="The certificate's key.")
@click.option("--expose/--no-expose", default=None, help="Reachable from outside, through the server's edge [yes].")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before it costs money, or before a server is changed.")
@click.option("--timeout", type=click.FloatRange(min=1), default=None, metavar="SECONDS", help="Until ready [600].")
@click.option("--dns-wait", type=click.FloatRange(min=0), default=None, metavar="SECONDS", help="For DNS [60].")
@click.pass_obj
def prov(context: Context, /, name: str, **flags: Any) -> None:
    """Get a server that projects can be pushed to: rent one, or prepare one that is there.

    What is not given by a flag is asked for at a terminal, with prices; Escape goes back. Everything that is made is
    written into the environment's file first: after an interruption the same command goes on where it was, and
    `freehold env deprov NAME` takes everything down again.
    """
    from freehold.cli.provision_flags import Flags
    from freehold.cli.provisioning import provision

    asyncio.run(provision(context, name, Flags(**flags)))


@click.command(name="https")
@click.argument("name")
@click.argument("hostname")
@click.option("--ssl-mode", default="", help="How Cloudflare is made to check the server: host-rule, zone or leave.")
@click.option("--replace-records", is_flag=True, help="Others' DNS records of that name may be replaced.")
@click.option("--cert", default="", type=_FILE, help="A certificate of your own for that name, in place of Cloudflare.")
@click.option("--key", "key_file", default="", type=_FILE, help="The certificate's key.")
@click.option("--host-key", default="", help="The server's host key, or SHA256:..., where it was never met.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dns-wait", type=click.FloatRange(min=0), default=None, metavar="SECONDS", help="For DNS [60].")
@click.pass_obj
def https(context: Context, /, name: str, hostname: str, **flags: Any) -> None:
    """Have the project's server answer HTTPS for HOSTNAME: with Cloudflare in front, or by a certificate of yours.

    Typed in the project's folder: the name leads to that project. A push makes it so on the server.
    """
    if bool(flags["cert"]) != bool(flags["key_file"]):
        raise FreeholdError(Code.USAGE, "--cert and --key go together", "Give both, or neither, for Cloudflare's.")
    from freehold.cli.provision_flags import Flags
    from freehold.cli.provisioning import add_https

    asyncio.run(add_https(context, name, Flags(https=hostname, **flags)))
