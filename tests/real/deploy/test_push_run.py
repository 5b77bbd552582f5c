"""A run that is under way while its project gets another program: gateway and keeper are started anew, it goes on."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from freehold.deploy.image_layers.wanted import wanted_images
from freehold.deploy.images_part import ImagesPart
from tests.support.program import Freehold
from tests.support.pushing import DEAD, Pushing, another_bundle, project
from tests.support.sandbox import SandboxServer

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

_WORKS_UNTIL_TOLD = """\
version: 1
turns:
  - say: Working.
    shell: until [ -e /workspace/enough ]; do sleep 0.2; done; echo finished
    expect: "finished"
  - say: Done.
"""
_WITHIN_S = 240.0


def pids(shop: Pushing) -> set[str]:
    return set(
        shop.says(f"systemctl show --property=MainPID --value {shop.layout.service} {shop.layout.keeper}").split()
    )


async def test_a_run_goes_on(sandbox: SandboxServer, base_image: str, tmp_path: Path) -> None:
    assert base_image
    shop = project(sandbox, tmp_path, "runs", **{"agents/hello/rehearsal.yaml": _WORKS_UNTIL_TOLD})
    images = await wanted_images(shop.wanted().project, shop.layout.project)
    shop = replace(shop, images=ImagesPart(shop.layout, images))
    await shop.push(process=DEAD)
    program = Freehold(shop.root, sandbox.home)
    begun = program("run", "hello", "-E", sandbox.environment, "--detach")
    assert begun.returncode == 0, begun.stderr
    container = f"docker ps --quiet --filter label=dev.freehold.project={shop.layout.project}"
    events = f"cat {shop.layout.keeper_state}/runs/*/events.jsonl"  # of the only run that there is
    async with asyncio.timeout(_WITHIN_S):
        while "tool.started" not in shop.says(f"{events} 2>/dev/null || true"):
            await asyncio.sleep(0.5)
    before, working = pids(shop), shop.says(container)
    await replace(shop, bundle=another_bundle("while it runs")).push(process=DEAD)
    assert not before & pids(shop)
    assert shop.says(container) == working
    shop.says(f"docker exec {working} touch /workspace/enough")
    async with asyncio.timeout(_WITHIN_S):
        while (told := _only_run(program))["state"] != "finished":
            await asyncio.sleep(0.5)
    assert (told["result"], told["attempt"]) == ("completed", 1)
    seen = [json.loads(line) for line in shop.says(events).splitlines()]
    assert [event["seq"] for event in seen] == list(range(seen[0]["seq"], seen[0]["seq"] + len(seen)))


def _only_run(program: Freehold) -> dict[str, object]:
    listed = program("runs", "-E", "box", "--json")
    assert listed.returncode == 0, listed.stderr
    (found,) = [json.loads(line) for line in listed.stdout.splitlines()]
    assert isinstance(found, dict)
    return found
