"""The harness layers, for real: each is built, starts without a network, and answers `initialize` of ACP."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from freehold.runtime.images.harness_layers import HARNESS_LAYERS
from freehold.runtime.images.inputs import ImageInputs
from tests.support.images import image_builder

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("harness-images")]

LOCKED = (
    *("--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"),
    *("--tmpfs", "/tmp:exec", "--tmpfs", "/home/node:uid=1000,gid=1000", "--user", "1000:1000", "--memory", "2g"),
)
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": 1, "clientCapabilities": {"fs": {"readTextFile": False, "writeTextFile": False}}},
}


@pytest.mark.parametrize("name", HARNESS_LAYERS)
async def test_a_harness_starts_in_its_image_and_speaks_acp(name: str, tmp_path: Path) -> None:
    harness = HARNESS_LAYERS[name]
    async with image_builder() as builder:
        image = await builder.ensure(
            ImageInputs("fht-harness", "none", tmp_path, tmp_path, harness=name), lambda _image, _text: None
        )
    assert image.startswith(f"freehold-harness-{name}:{harness.version}-")
    program, *rest = harness.command
    process = await asyncio.create_subprocess_exec(
        *("docker", "run", "--rm", "-i", *LOCKED, "--entrypoint", program, image, *rest),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=2**20,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
        answer = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
    finally:
        process.stdin.close()
        process.terminate()
        await process.wait()
    assert answer["result"]["protocolVersion"] == 1
