"""Looking around in an agent's container on a server: for people, and not for the gateway's user."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from freehold.deploy.image_layers.wanted import wanted_images
from freehold.deploy.images_part import ImagesPart
from tests.support.pushing import project
from tests.support.sandbox import SandboxServer

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]


async def test_a_shell_is_opened_for_people_and_not_for_the_gateway(
    sandbox: SandboxServer, base_image: str, tmp_path: Path
) -> None:
    assert base_image
    shop = project(sandbox, tmp_path, "looking")
    images = await wanted_images(shop.wanted().project, shop.layout.project)
    shop = replace(shop, images=ImagesPart(shop.layout, images))
    release = (await shop.push()).plan.release
    assert [name.partition(":")[0] for name in release.images] == ["freehold-agent"]
    assert "uid=1000(node)" in shop.says(f"{shop.layout.command} --quiet shell hello id 2>&1")
    as_gateway = f"runuser -u {shop.layout.user} -- {shop.layout.program}/bin/freehold -p {shop.layout.current}"
    values = " ".join(f"{name}={value}" for name, value in shop.layout.variables(shop.layout.gateway_home).items())
    refused = shop.says(f"env {values} {as_gateway} shell hello id 2>&1 || echo 'exit code' $?")
    assert "shell/open is not for the gateway's user" in refused
    assert "uid=" not in refused
