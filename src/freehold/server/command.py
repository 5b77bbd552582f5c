"""`freehold` for people who are logged in on a server: the project's program, as its gateway's user. Pure."""

from __future__ import annotations

import shlex

from freehold.server.layout import Layout

_KEPT = ("TERM", "LANG", "LC_ALL", "NO_COLOR", "COLUMNS")
"""Of the person's environment; anything else could lead the program elsewhere."""


def command_text(layout: Layout) -> str:
    """The script at `layout.command`, for everybody to run (0755). Who is not root is asked by sudo. At a terminal it
    has one of its own: at root's, a program of the gateway's user could type what root's shell would obey (TIOCSTI).

    As the gateway's user one sees runs and asks the project; Docker and the credentials of agents are the keeper's.
    """
    user = shlex.quote(layout.user)
    values = {"PATH": "/usr/local/bin:/usr/bin:/bin", **layout.variables(layout.gateway_home)}
    told = " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items())
    kept = " ".join(f'${{{name}:+"{name}=${name}"}}' for name in _KEPT)
    program, project = shlex.quote(f"{layout.program}/bin/freehold"), shlex.quote(layout.current)
    return f"""\
#!/bin/sh
# Written by freehold; it is written anew by the next push.
# `freehold` for the project {layout.project}: {layout.command} status
set -eu
if [ "$(id -u)" = 0 ] && [ -t 0 ] && [ -t 1 ]; then
    exec runuser --pty -u {user} -- "$0" "$@"
elif [ "$(id -u)" = 0 ]; then
    exec runuser -u {user} -- "$0" "$@"
elif [ "$(id -un)" != {user} ]; then
    exec sudo -- "$0" "$@"
fi
cd /
exec env -i {kept} {told} \\
    {program} -p {project} "$@"
"""
