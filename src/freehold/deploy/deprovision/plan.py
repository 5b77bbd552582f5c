"""What a teardown will do, before it does it (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from freehold.deploy.deprovision.belongings import Belongings
from freehold.deploy.deprovision.server_side import OnServer
from freehold.providers.leftover import Leftover, LeftoverKind, in_order_of_removal

_OUT_OF_REACH = "everything on the server, which cannot be reached"
_SERVERS = frozenset({LeftoverKind.SERVER, LeftoverKind.FIREWALL, LeftoverKind.SSH_KEY})


@dataclass(frozen=True)
class Wanted:
    """`project` is the one that is meant, by its name on servers; empty where none is named. `keep_server`: the rented
    server is to stay; `whole_server`: it goes, and other projects on it as well."""

    project: str = ""
    keep_server: bool = False
    whole_server: bool = False


@dataclass(frozen=True)
class Plan:
    """`projects` go from the server, in this order; `others` stay there. `away` goes at providers, in this order.

    `stays` says in sentences what stays, and why. `forgets`: the environment's file goes when all of it is done.
    `is_rented`: the file is the only record of something that costs money.
    """

    projects: tuple[str, ...]
    others: tuple[str, ...]
    things: tuple[str, ...]
    away: tuple[Leftover, ...]
    stays: tuple[str, ...]
    forgets: bool
    is_rented: bool = False

    @property
    def is_empty(self) -> bool:
        """Nothing would be removed: what is on the server is other projects'."""
        return bool(self.others) and not (self.projects or self.things or self.away)

    @property
    def leaves_all_there(self) -> bool:
        """The server could not be asked, and it stays, with whatever is on it."""
        return _OUT_OF_REACH in self.stays

    @property
    def removes_server(self) -> bool:
        return any(one.kind is LeftoverKind.SERVER for one in self.away)

    @property
    def removes_names(self) -> bool:
        return any(is_of_a_name(one) for one in self.away)


def is_of_a_name(leftover: Leftover) -> bool:
    """Whether it is at who holds the zone, and not at who rents out the server."""
    return leftover.kind not in _SERVERS


def plan_teardown(
    there: OnServer | None,
    belongings: Belongings,
    wanted: Wanted,
    *,
    name_of_hostname: str = "",
    has_server_somewhere: bool = True,
) -> Plan:
    """`there` is None for a server that could not be asked, or that there is not: `has_server_somewhere` says which.
    `name_of_hostname` is the project that the environment's host name leads to; empty where nobody said."""
    found = there.projects if there else {}
    out_of_reach = there is None and has_server_somewhere
    projects = _meant(tuple(found), wanted)
    others = tuple(name for name in found if name not in projects)
    keeps_for_others = bool(others)
    takes_server = belongings.has_server and not wanted.keep_server and not keeps_for_others
    takes_rented = not wanted.keep_server and not keeps_for_others
    takes_names = not keeps_for_others or name_of_hostname in projects
    away = (*(belongings.names if takes_names else ()), *(belongings.rented if takes_rented else ()))
    return Plan(
        projects=projects,
        others=others,
        things=tuple(f"{thing}" for name in projects for thing in found[name]),
        away=tuple(in_order_of_removal(away)),
        stays=tuple(_stays(there, belongings, others, takes_server=takes_server, takes_names=takes_names))
        if not out_of_reach or takes_server
        else (_OUT_OF_REACH,),
        forgets=not others and (takes_server or not belongings.has_server) and (takes_server or not out_of_reach),
        is_rented=belongings.has_server,
    )


def _meant(there: Sequence[str], wanted: Wanted) -> tuple[str, ...]:
    """The project that is named; all of them with `whole_server`; and where none is named, the only one."""
    if wanted.whole_server:
        return tuple(there)
    if wanted.project:
        return (wanted.project,) if wanted.project in there else ()
    return tuple(there) if len(there) == 1 else ()


def _stays(
    there: OnServer | None,
    belongings: Belongings,
    others: Sequence[str],
    *,
    takes_server: bool,
    takes_names: bool,
) -> list[str]:
    found = []
    if others:
        found.append(f"other projects on the server: {', '.join(others)}; --server takes them down with it")
    if belongings.has_server and not takes_server:
        found.append("the server, which goes on costing what it costs")
    if belongings.names and not takes_names:
        found.append("the host name, which other projects may use")
    if there and not takes_server and there.stays and not others:
        found.append(f"what makes the server safer: {', '.join(there.stays)}; remove it by hand if you want to")
    return found


def plan_lines(plan: Plan, name: str) -> list[str]:
    """The plan as people read it, in the order in which it is done."""
    lines = [f"On the server, of {', '.join(plan.projects)}: runs are stopped, then"] if plan.projects else []
    lines += [f"  remove {thing}" for thing in plan.things]
    if plan.is_empty:
        lines.append(f"Nothing is removed: of the projects there ({', '.join(plan.others)}) none is this folder's.")
    if plan.away:
        lines.append("At providers:")
        lines += [f"  remove the {one}" for one in plan.away]
    if plan.stays:
        lines.append("This stays:")
        lines += [f"  {text}" for text in plan.stays]
    lines.append(f"Then the environment {name} is {'forgotten' if plan.forgets else 'kept: its server stays'}.")
    return lines


def closing_lines(plan: Plan, name: str) -> list[str]:
    """What is said when all of it was done."""
    if plan.forgets and not plan.stays:
        return [f"{name} is taken down, and nothing of it is left"]
    if plan.forgets:
        return [f"{name} is taken down and forgotten; this stays: {'; '.join(plan.stays)}"]
    outcome = "not done" if plan.leaves_all_there else "nothing was changed" if plan.is_empty else "done"
    lines = [f"{outcome}; {name} is kept: {'; '.join(plan.stays)}"]
    if not plan.is_rented:
        lines.append(f"`freehold env remove {name}` forgets it; nothing happens on its server then")
    return lines
