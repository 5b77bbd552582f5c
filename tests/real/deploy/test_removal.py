"""What a teardown does on a server: a project goes with its runs and secrets, and nothing of anybody else's does."""

from __future__ import annotations

import pytest

from freehold.deploy.accounts import AccountsPart
from freehold.deploy.deprovision.server_side import OnServer, look, take_away
from freehold.deploy.remote import program_text
from freehold.hosts.host import Command, Host, Outcome
from freehold.hosts.script import run_script
from freehold.server.layout import CERTIFICATES, Layout
from tests.support.sandbox import SandboxServer, tiny_image_command
from tests.support.server_parts import on, says, settled

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

GOES, STAYS = Layout("goner"), Layout("goner-two")
"""One's name begins as the other's."""

_UNIT = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
_FOR_EVER = "sh -c 'while :; do :; done'"


async def inhabit(host: Host, layout: Layout) -> None:
    """A project as a push leaves it, as far as a teardown goes: users, folders, secrets, units, runs, images."""
    await settled(host, AccountsPart(layout))
    project, label = layout.project, f"dev.freehold.project={layout.project}"
    labels = f"--label {label} --label dev.freehold.run=dev-1"
    lines = [
        f"mkdir -p /opt/freehold/programs/{project} {CERTIFICATES}",
        f"ln -sfn ../programs/{project} {layout.program}",
        f"echo secret > {layout.keeper_home}/key; echo secret > {CERTIFICATES}/{project}.pem",
        f"echo secret > {CERTIFICATES}/{project}.key",
        f"printf '{_UNIT}' | tee /etc/systemd/system/{layout.keeper} > /etc/systemd/system/{layout.service}",
        f"systemctl daemon-reload; systemctl enable -q --now {layout.keeper} {layout.service}",
        f"docker volume create --label {label} fh-{project}-dev-1",
        f"printf 'FROM tiny\\nLABEL {label} dev.freehold.kind=agent' | docker build -qt freehold-{project}-dev:1 -",
        f"printf 'FROM freehold-{project}-dev:1\\nLABEL x=y\\n' | docker build -q -t mine-{project} -",
        f"docker run -d --cpus 0.05 --name run-{project} {labels} -v fh-{project}-dev-1:/w tiny {_FOR_EVER}",
        f"docker create --name mine-{project} mine-{project} {_FOR_EVER}",
    ]
    for line in lines:
        await says(host, line)


async def everything_of(host: Host, layout: Layout) -> str:
    name = layout.project
    lines = (
        f"ls -d {layout.root} {layout.state} /opt/freehold/programs/{name} {CERTIFICATES}/{name}.* 2>/dev/null",
        f"ls /etc/systemd/system/{layout.service} /etc/systemd/system/*/{layout.keeper} 2>/dev/null",
        f"systemctl is-active {layout.service} {layout.keeper} | grep -v inactive",
        f"getent passwd {layout.user} {layout.keeper_user}; getent group {layout.user}",
        f"docker ps -aq --filter name=^run-{name}$; docker volume ls -q --filter name=^fh-{name}-dev",
        f"docker image ls -q freehold-{name}-dev",
    )
    outcome: Outcome = await host.run(Command(("sh", "-c", "; ".join((*lines, "true")))))
    return outcome.text


async def test_one_project_goes_and_its_neighbour_stays(sandbox: SandboxServer) -> None:
    async with on(sandbox) as host:
        await says(host, tiny_image_command())
        await inhabit(host, GOES)
        await inhabit(host, STAYS)
        await says(host, "useradd --system --no-create-home fh-goner-three")
        neighbour, there = await everything_of(host, STAYS), await look(host)
        assert {
            f"unit {GOES.keeper}", "container run-goner", "volume fh-goner-dev-1", "image freehold-goner-dev:1",
            "user fh-goner-keeper", GOES.root, GOES.state, f"{CERTIFICATES}/goner.key",
        } <= set(there.projects["goner"])  # fmt: skip
        assert not {"image mine-goner:latest", "container mine-goner"} & set(there.projects["goner"])

        # Cut off after the first part, it is done again.
        await run_script(
            host,
            "removal",
            program_text("removal"),
            {"do": "stop", "projects": [_stopped(GOES)]},
            dict[str, list[str]],
            as_root=True,
        )
        assert "run-goner" not in (await says(host, "docker ps --format '{{.Names}}'")).splitlines()
        assert await take_away(host, ["goner"]) == []
        assert await everything_of(host, GOES) == ""
        assert "goner" not in (await look(host)).projects
        assert await everything_of(host, STAYS) == neighbour
        assert await says(host, "getent passwd fh-goner-three | wc -l; docker image ls -q mine-goner | wc -l") == "1\n1"
        assert await says(host, "docker ps -aq --filter name=^mine-goner$ | wc -l") == "1"
        assert await take_away(host, ["goner"]) == [], "what is gone is gone"

        assert await take_away(host, ["goner-two"]) == []
        assert await everything_of(host, STAYS) == ""
        await says(
            host,
            "userdel fh-goner-three; docker rm mine-goner mine-goner-two; docker rmi -f mine-goner mine-goner-two tiny",
        )


async def test_a_users_account_of_that_name_is_left_alone(sandbox: SandboxServer) -> None:
    async with on(sandbox) as host:
        await says(host, "useradd --comment 'A person' fh-person; mkdir -p /opt/freehold/person/releases")
        assert await take_away(host, ["person"]) == []
        assert "A person" in await says(host, "getent passwd fh-person")
        await says(host, "userdel fh-person")
        assert isinstance(await look(host), OnServer)


def _stopped(layout: Layout) -> dict[str, object]:
    units = [layout.service, layout.socket, layout.keeper]
    return {"units": units, "label": f"dev.freehold.project={layout.project}"}
