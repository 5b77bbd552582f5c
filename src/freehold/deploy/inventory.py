"""What runs on a server: its projects, their releases and how their services stand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import PurePosixPath

from freehold.hosts.host import Command, Host
from freehold.server.layout import Layout
from freehold.server.unit_state import UnitState, read_unit_states, show_words

_CURRENT = """\
for each in "$1"/*/current; do
  if [ -L "$each" ]; then printf '%s\\n%s\\n' "$each" "$(readlink -- "$each")"; fi
done
"""


@dataclass(frozen=True)
class ProjectThere:
    """A project on a server. None stands for a unit that there is not."""

    name: str
    release: str
    service: UnitState | None
    keeper: UnitState | None


async def projects_on(host: Host, base: str) -> list[ProjectThere]:
    """Those below `base`, sorted by name. Raises what the host raises."""
    current, units = await asyncio.gather(
        host.run(Command(("sh", "-c", _CURRENT, "sh", base), as_root=True)),
        host.run(Command(show_words("freehold@*.service", "freehold-keeper@*.service"))),
    )
    states = read_unit_states(units.text)
    lines = current.text.splitlines()
    found = []
    for link, release in zip(lines[::2], lines[1::2], strict=False):
        layout = Layout(PurePosixPath(link).parent.name, base)
        name = PurePosixPath(release).name
        found.append(ProjectThere(layout.project, name, states.get(layout.service), states.get(layout.keeper)))
    return sorted(found, key=lambda project: project.name)
