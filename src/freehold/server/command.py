"""`freehold` for people who are logged in on a server: the project's program, as its gateway's user. Pure."""

from __future__ import annotations

import shlex

from freehold.server.layout import Layout

_KEEPERS = ("image", "doctor", "shell", "keeper")
_KEPT = ("TERM", "LANG", "LC_ALL", "NO_COLOR", "COLUMNS")
"""Of the person's environment; anything else could lead the program elsewhere."""


def command_text(layout: Layout) -> str:
    """The script at `layout.command`, for everybody to run (0755). Who is not root is asked by sudo. At a terminal it
    has one of its own: at root's, a program of the gateway's user could type what root's shell would obey (TIOCSTI).

    As the gateway's user one sees runs and asks the project. Docker, the credentials of agents and terminals in their
    containers are the keeper's: what needs them is typed as that user.
    """
    kept = " ".join(f'${{{name}:+"{name}=${name}"}}' for name in _KEPT)
    program, project = shlex.quote(f"{layout.program}/bin/freehold"), shlex.quote(layout.current)
    return f"""\
#!/bin/sh
# Written by freehold; it is written anew by the next push.
# `freehold` for the project {layout.project}: {layout.command} status
set -eu
command='' value=''
for word; do
    case "$value$word" in
        value*) value='' ;;
        -p|--project|-E|--env) value=value ;;
        -*) ;;
        *) command=$word; break ;;
    esac
done
case "$command" in
    {"|".join(_KEEPERS)}) user={shlex.quote(layout.keeper_user)} ;;
    *) user={shlex.quote(layout.user)} ;;
esac
if [ "$(id -u)" = 0 ] && [ -t 0 ] && [ -t 1 ]; then
    exec runuser --pty -u "$user" -- "$0" "$@"
elif [ "$(id -u)" = 0 ]; then
    exec runuser -u "$user" -- "$0" "$@"
elif [ "$(id -un)" != "$user" ]; then
    exec sudo -- "$0" "$@"
fi
cd /
if [ "$user" = {shlex.quote(layout.keeper_user)} ]; then
    set -- {_told(layout, layout.keeper_home)} {program} -p {project} "$@"
else
    set -- {_told(layout, layout.gateway_home)} {program} -p {project} "$@"
fi
exec env -i {kept} "$@"
"""


def _told(layout: Layout, home: str) -> str:
    values = {"PATH": "/usr/local/bin:/usr/bin:/bin", **layout.variables(home)}
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items())
