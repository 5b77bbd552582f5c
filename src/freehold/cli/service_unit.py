"""`freehold service-unit`: what systemd is to be told of a project that was put on this machine by hand."""

from __future__ import annotations

import grp
import os
import pwd
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import write_atomically
from freehold.cli.context import Context
from freehold.cli.output import note, print_json, say, warn
from freehold.project.home import HOME_VARIABLE
from freehold.project.load import Project, load_project
from freehold.server.by_hand import ByHand
from freehold.server.layout import UNITS, server_name
from freehold.server.units import MARK, Listening, keeper_unit, service_unit, socket_unit

_BY_HAND = "# Written by `freehold service-unit`."
_DOCKER = "docker"
_READABLE = 0o644


@click.command(name="service-unit")
@click.option("--user", "name", metavar="NAME", default="", help="Whose the service is [the owner of the project].")
@click.option("-e", "--expose", is_flag=True, help="Listen on every address of this machine [127.0.0.1 alone].")
@click.option("--port", type=click.IntRange(1, 65535), help="Listen here [gateway.port].")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    metavar="FOLDER",
    help=f"Write them there, which is {UNITS} where they are to count.",
)
@click.pass_obj
def command(context: Context, name: str, expose: bool, port: int | None, output: Path | None) -> None:
    """Print the units with which systemd keeps the project running on this machine.

    Three: a socket that is always open, the gateway behind it, and the keeper, which alone may use Docker. They are for
    a project that was put here by hand; a push writes its own.
    """
    project = load_project(context.project_dir, home=context.home, environment=context.environment)
    layout = _layout(project, _user(name, project.root))
    listening = Listening(port or project.config.gateway.port, "" if expose else "127.0.0.1")
    texts = _texts(layout, listening, expose=expose)
    for problem in _problems(layout):
        warn(problem)
    if output:
        _write(texts, output, layout)
    elif context.json:
        print_json(texts)
    else:
        for unit, text in texts.items():
            say(f"# {UNITS}/{unit}\n{text}")


def _texts(layout: ByHand, listening: Listening, *, expose: bool) -> Mapping[str, str]:
    texts = {
        layout.socket: socket_unit(layout, listening),
        layout.keeper: keeper_unit(layout),
        layout.service: service_unit(layout, expose=expose),
    }
    return {unit: text.replace(MARK, _BY_HAND) for unit, text in texts.items()}


def _layout(project: Project, user: pwd.struct_passwd) -> ByHand:
    own = user.pw_uid == os.geteuid()
    home = (os.environ.get(HOME_VARIABLE) if own else None) or f"{user.pw_dir}/.freehold"
    return ByHand(
        server_name(project.name),
        folder=str(project.root),
        program_here=str(Path(sysconfig.get_path("scripts")).parent),
        home=str(Path(home).absolute()),
        person=user.pw_name,
        persons_group=grp.getgrgid(user.pw_gid).gr_name,
        persons_home=user.pw_dir,
    )


def _user(name: str, folder: Path) -> pwd.struct_passwd:
    """Raises NOT_FOUND for a user that there is not, USAGE for root."""
    try:
        found = pwd.getpwnam(name) if name else pwd.getpwuid(folder.stat().st_uid)
    except KeyError:
        told = f"there is no user {name}" if name else f"{folder} belongs to nobody that has a name here"
        hint = f"useradd --system --create-home {name}" if name else "name a user with --user"
        raise FreeholdError(Code.NOT_FOUND, told, hint) from None
    if found.pw_uid == 0:
        raise FreeholdError(
            Code.USAGE,
            "the service is not to be root's: it answers strangers",
            "Make a user, give it the project, and name it with --user: useradd --system --create-home NAME; "
            f"chown -R NAME: {folder}",
        )
    return found


def _problems(layout: ByHand) -> Iterator[str]:
    """Why it would not work as things are."""
    owner = Path(layout.folder).stat().st_uid
    if owner != pwd.getpwnam(layout.person).pw_uid:
        yield f"{layout.folder} belongs to somebody else: chown -R {layout.person}: {layout.folder}"
    if not Path(layout.persons_home).is_dir():
        yield f"{layout.person} has no home directory, where credentials are kept: mkhomedir_helper {layout.person}"
    if layout.program.startswith("/root/"):
        yield f"{layout.program} can be read by root alone; install Freehold where {layout.person} can read it"
    if _DOCKER not in {group.gr_name for group in grp.getgrall()}:
        yield "there is no group docker, which the keeper's unit asks for: install Docker first"


def _write(texts: Mapping[str, str], folder: Path, layout: ByHand) -> None:
    """Raises CONFLICT for a unit of the same name that is not of this command; then nothing is written."""
    for unit in texts:
        path = folder / unit
        if path.exists() and not path.read_text(errors="replace").startswith(_BY_HAND):
            raise FreeholdError(
                Code.CONFLICT,
                f"{path} was written by somebody else (a push?)",
                "Remove it, or print the units and put them where you want them.",
            )
    for unit, text in texts.items():
        write_atomically(folder / unit, text.encode(), _READABLE)
        say(str(folder / unit))
    note(f"next: systemctl daemon-reload; systemctl enable --now {' '.join(texts)}")
    note(f"its log: journalctl -u {layout.service} -u {layout.keeper}")
