"""Runs of a project that was pushed: what an agent reaches from there, and one that is under way while gateway and
keeper are started anew with another program."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from freehold.deploy.image_layers.wanted import wanted_images
from freehold.deploy.images_part import ImagesPart
from tests.support.program import Freehold
from tests.support.pushing import DEAD, Pushing, another_bundle, project
from tests.support.sandbox import SandboxServer
from tests.support.sandbox_outside import ANSWER, serve_outside

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

_WORKS_UNTIL_TOLD = """\
version: 1
turns:
  - say: Working.
    shell: until [ -e /workspace/enough ]; do sleep 0.2; done; echo finished
    expect: "finished"
  - say: Done.
"""
_ALLOWED, _OTHER = "git.test", "evil.test"
_ASKS = f"""\
#!/bin/sh
reached=$(curl -sSk --max-time 60 https://{_ALLOWED}/ 2>&1)
refused=$(curl -sSk --max-time 60 https://{_OTHER}/ 2>&1)
past=$(curl -sSk --max-time 5 --noproxy '*' https://198.51.100.7/ > /dev/null 2>&1; echo $?)
fh return "$reached|$refused|$past"
"""
_WITHIN_S = 240.0


@pytest.fixture(scope="module")
def shop(sandbox: SandboxServer, base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Pushing:
    """Pushed, with the images of its agents."""
    assert base_image
    agents = {
        "agents/hello/rehearsal.yaml": _WORKS_UNTIL_TOLD,
        "agents/asks/SKILL.md": "---\ndescription: Asks hosts.\n---\nAsk.\n",
        "agents/asks/config.toml": f'egress = ["{_ALLOWED}"]\n',
        "agents/asks/test-script.sh": _ASKS,
    }
    made = project(sandbox, tmp_path_factory.mktemp("runs"), "runs", **agents)
    (made.root / "agents/asks/test-script.sh").chmod(0o755)
    return asyncio.run(_pushed(made))


async def _pushed(shop: Pushing) -> Pushing:
    images = await wanted_images(shop.wanted().project, shop.layout.project)
    shop = replace(shop, images=ImagesPart(shop.layout, images))
    await shop.push(process=DEAD)
    return shop


@pytest.fixture
def program(shop: Pushing) -> Freehold:
    return Freehold(shop.root, shop.sandbox.home)


def pids(shop: Pushing) -> set[str]:
    return set(
        shop.says(f"systemctl show --property=MainPID --value {shop.layout.service} {shop.layout.keeper}").split()
    )


async def test_an_agent_reaches_the_hosts_that_it_may_and_no_others(shop: Pushing, program: Freehold) -> None:
    """The keeper's unit lets its egress proxy look up, check and dial."""
    await asyncio.to_thread(serve_outside, shop.sandbox, _ALLOWED)
    shop.says(f"echo 198.51.100.7 {_OTHER} >> /etc/hosts")
    begun = program("run", "asks", "-E", shop.sandbox.environment, "--detach")
    assert begun.returncode == 0, begun.stderr
    told = await _finished(program, "asks")
    reached, refused, past = str(told["return_value"]).split("|")
    assert reached == ANSWER
    assert "response 403" in refused
    assert past == "7"  # there is no other way
    seen = program.events("logs", str(told["run_id"]), "-E", shop.sandbox.environment)
    connections = [(each["host"], each["port"], each["allowed"]) for each in seen if each["type"] == "egress"]
    assert connections == [(_ALLOWED, 443, True), (_OTHER, 443, False)]


async def test_a_run_goes_on(shop: Pushing, program: Freehold) -> None:
    begun = program("run", "hello", "-E", shop.sandbox.environment, "--detach")
    assert begun.returncode == 0, begun.stderr
    container = f"docker ps --quiet --filter label=dev.freehold.project={shop.layout.project}"
    events = f"cat {shop.layout.keeper_state}/runs/hello-*/events.jsonl"  # of the only run that it has
    async with asyncio.timeout(_WITHIN_S):
        while "tool.started" not in shop.says(f"{events} 2>/dev/null || true"):
            await asyncio.sleep(0.5)
    before, working = pids(shop), shop.says(container)
    await replace(shop, bundle=another_bundle("while it runs")).push(process=DEAD)
    assert not before & pids(shop)
    assert shop.says(container) == working
    shop.says(f"docker exec {working} touch /workspace/enough")
    told = await _finished(program, "hello")
    assert (told["result"], told["attempt"]) == ("completed", 1)
    seen = [json.loads(line) for line in shop.says(events).splitlines()]
    assert [event["seq"] for event in seen] == list(range(seen[0]["seq"], seen[0]["seq"] + len(seen)))


async def _finished(program: Freehold, agent: str) -> dict[str, object]:
    """The only run of the agent, once it is over."""
    async with asyncio.timeout(_WITHIN_S):
        while not (found := _runs(program, agent)) or found[0]["state"] != "finished":
            await asyncio.sleep(0.5)
    assert len(found) == 1
    return found[0]


def _runs(program: Freehold, agent: str) -> list[dict[str, object]]:
    listed = program("runs", agent, "-E", "box", "--json")
    assert listed.returncode == 0, listed.stderr
    return [json.loads(line) for line in listed.stdout.splitlines()]
