"""`freehold env`: the servers that a person has, and which one a project is pushed to."""

from __future__ import annotations

import click

from freehold.cli.env_add import add, init
from freehold.cli.env_bind import set_
from freehold.cli.env_check import check
from freehold.cli.env_deprov import deprov
from freehold.cli.env_list import list_, show
from freehold.cli.env_logs import logs
from freehold.cli.env_prov import https, prov
from freehold.cli.env_remove import remove
from freehold.cli.env_status import status


@click.group(name="env")
def command() -> None:
    """Environments: the servers that projects are pushed to.

    Each is a file below ~/.freehold/environments.
    """


for _each in (add, init, list_, show, set_, prov, https, deprov, check, status, logs, remove):
    command.add_command(_each)
