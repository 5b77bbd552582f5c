"""The connection of a push breaks: at each of its steps, before, while and after something is done there.

Whatever served goes on serving, and the same push again puts everything right.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.deploy.part import Change
from freehold.deploy.step import Step
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.project.credential import CredentialRef
from freehold.store.credentials import FileCredentialStore
from tests.support.pushing import DEAD, Pushing, another_bundle, project
from tests.support.sandbox import SandboxServer

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

_ARCHIVE = """set -eu
name=python3-systemd; place=/srv/archive; rm -rf $place /tmp/deb; mkdir -p $place /tmp/deb/DEBIAN
dpkg -L $name | while read -r each; do [ -f "$each" ] && echo "$each"; done > /tmp/listed
tar -cf - -T /tmp/listed 2>/dev/null | tar -xf - -C /tmp/deb
dpkg -s $name | grep -v ^Status: > /tmp/deb/DEBIAN/control
dpkg-deb --build /tmp/deb $place/it.deb > /dev/null
cd $place
{ cat /tmp/deb/DEBIAN/control; echo Filename: ./it.deb; echo Size: $(stat -c %s it.deb)
  echo SHA256: $(sha256sum it.deb | cut -d' ' -f1); echo; } > Packages
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
echo "deb [trusted=yes] file:$place ./" > /etc/apt/sources.list.d/test.list
dpkg --purge --force-depends $name > /dev/null
"""
"""A package is taken away, and an archive put there from which it can be had again."""


def on_the_server(line: str) -> Callable[[Pushing, str], Pushing]:
    """Something of the server is spoiled, so that the step has to do with it."""

    def spoil(shop: Pushing, _mark: str) -> Pushing:
        shop.says(line.format(layout=shop.layout))
        return shop

    return spoil


def edited(shop: Pushing, mark: str) -> Pushing:
    shop.write(**{"agents/hello/SKILL.md": f"---\ndescription: {mark}\n---\nSay {mark}.\n"})
    return shop


def another_program(shop: Pushing, mark: str) -> Pushing:
    return replace(shop, bundle=another_bundle(mark))


def many_releases(shop: Pushing, mark: str) -> Pushing:
    shop.says(f"mkdir -p {shop.layout.releases}/.making-{mark}")
    return edited(shop, mark)


def another_image(shop: Pushing, mark: str) -> Pushing:
    return replace(shop, images=StandInImages(mark))


CASES: dict[Step, Callable[[Pushing, str], Pushing]] = {
    Step.LEASE: edited,
    Step.ACCOUNTS: on_the_server("chmod 0700 {layout.releases}"),
    Step.PACKAGES: on_the_server(_ARCHIVE.replace("{", "{{").replace("}", "}}")),
    Step.SSH: on_the_server("rm /etc/ssh/sshd_config.d/01-freehold.conf"),
    Step.FAIL2BAN: on_the_server("rm /etc/fail2ban/jail.d/freehold.local"),
    Step.FIREWALL: on_the_server("rm /etc/freehold/firewall.nft"),
    Step.JOURNAL: on_the_server("rm /etc/systemd/journald.conf.d/50-freehold.conf"),
    Step.PROGRAM: another_program,
    Step.IMAGES: another_image,
    Step.CREDENTIALS: on_the_server("rm -r {layout.keeper_home}/credentials/github_token"),
    Step.RELEASE: edited,
    Step.UNITS: on_the_server("echo '# spoiled' >> /etc/systemd/system/{layout.service}"),
    Step.EDGE: on_the_server("rm {layout.edge_fragment}"),
    Step.SWITCH: edited,
    Step.RESTART: on_the_server("rm {layout.root}/started.json"),
    Step.HEALTH: edited,
    Step.PRUNE: many_releases,
    Step.UNLEASE: edited,
}


LONG = frozenset({Step.PACKAGES, Step.PROGRAM, Step.IMAGES, Step.RELEASE, Step.RESTART, Step.HEALTH})
"""What takes long enough to be cut off while it is under way."""
WAYS = [(step, how) for step in CASES for how in ("before", "after", *(["during"] if step in LONG else []))]


@dataclass(frozen=True)
class StandInImages:
    """In the place of the images' part, whose own interruptions are its own tests': what is sent is a file."""

    mark: str
    name: str = "images"
    remote: str = (
        "import os\n"
        "def read(asked):\n    return os.path.exists(asked)\n"
        "def main(asked):\n    import time\n    time.sleep(0.3)\n    open(asked, 'w').close()\n"
    )

    def asked(self) -> str:
        return f"/tmp/stand-in-{self.mark}"

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        return () if bytes(facts) == b"true" else (Change("send 1 image"),)

    def needed(self, _facts: msgspec.Raw) -> tuple[str, ...]:
        return (f"stand-in:{self.mark}",)

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        await run_script(host, self.name, self.remote, self.asked(), type(None), as_root=True)


@pytest.fixture(scope="module")
def shop(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Pushing:
    FileCredentialStore(sandbox.home).put(CredentialRef("github_token", "default"), {"token": Secret("t")})
    agent = 'models = ["m"]\ncredentials = ["github_token"]\n'
    made = project(sandbox, tmp_path_factory.mktemp("cut"), "cut", **{"agents/hello/config.toml": agent})
    made.expose = True
    return made


def test_every_step_has_a_case() -> None:
    assert set(CASES) == set(Step)


@pytest.mark.parametrize(("step", "how"), WAYS)
async def test_a_push_that_is_cut_off_is_done_again(shop: Pushing, step: Step, how: str) -> None:
    await shop.push(process=DEAD)
    spoiled = CASES[step](shop, f"{step}-{how}")
    line = await shop.line(step, how)
    with contextlib.nullcontext() if step is Step.UNLEASE else pytest.raises(FreeholdError) as caught:
        await spoiled.push(line=line, process=DEAD)
    assert caught is None or caught.value.code is Code.UNREACHABLE
    assert line.is_cut, "the push had nothing to do at this step"
    assert shop.answers
    assert shop.says("curl -sS --max-time 60 http://127.0.0.1/health").startswith("{")
    done = await spoiled.push(process=DEAD)
    assert json.loads(shop.health)["release"] == done.plan.release.id == shop.current
    assert shop.half == ""
    assert (await spoiled.plan()).due == ()
    assert len(shop.says(f"ls {shop.layout.releases}").split()) <= 5


async def test_the_first_push_of_all_is_cut_off_and_done_again(sandbox: SandboxServer, tmp_path: Path) -> None:
    first = project(sandbox, tmp_path, "first")
    for step in (Step.ACCOUNTS, Step.RELEASE, Step.UNITS, Step.SWITCH, Step.RESTART):
        line = await first.line(step, "after")
        with pytest.raises(FreeholdError):
            await first.push(line=line, process=DEAD)
        assert line.is_cut
    await first.push(process=DEAD)
    assert json.loads(first.health)["release"] == first.current
    assert (await first.plan()).due == ()
