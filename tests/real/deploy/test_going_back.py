"""A rollback to a release that is not well: the one that counted counts again, and the person is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from freehold.server.release import ReleaseRecord
from tests.support.program import Freehold
from tests.support.pushing import DEAD, WITHOUT_IMAGE, Pushing, another_bundle, project, typed_in
from tests.support.sandbox import SandboxServer

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]


@pytest.fixture(scope="module")
def shop(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Pushing:
    return project(sandbox, tmp_path_factory.mktemp("back"), "back", **WITHOUT_IMAGE)


@pytest.fixture(scope="module")
def program(shop: Pushing) -> Freehold:
    return typed_in(shop)


def spoil(shop: Pushing, path: str, text: str) -> None:
    """Another file in the place of the one at `path`: releases share those that are alike."""
    shop.says(f"printf '{text}' > {path}.other && chmod --reference={path} {path}.other && mv {path}.other {path}")


def its_files(shop: Pushing, release: ReleaseRecord) -> None:
    """Edited there, by somebody who may."""
    spoil(shop, f"{shop.layout.release(release.id)}/agents/hello/config.toml", 'models = ["nobody"]\\n')


def its_program(shop: Pushing, release: ReleaseRecord) -> None:
    spoil(shop, f"{shop.layout.program_folder(release.program)}/bin/freehold", "#!/bin/sh\\nexit 1\\n")


@pytest.mark.parametrize("spoiled", [its_files, its_program])
async def test_the_one_that_works_counts_again(
    shop: Pushing, program: Freehold, spoiled: Callable[[Pushing, ReleaseRecord], None]
) -> None:
    mark = spoiled.__name__
    shop.write(**{"agents/hello/SKILL.md": f"---\ndescription: First of {mark}.\n---\nHello.\n"})
    first = (await replace(shop, bundle=another_bundle(f"first {mark}")).push(process=DEAD)).plan.release
    shop.write(**{"agents/hello/SKILL.md": f"---\ndescription: Second of {mark}.\n---\nHello.\n"})
    second = (await replace(shop, bundle=another_bundle(f"second {mark}")).push(process=DEAD)).plan.release
    spoiled(shop, first)
    done = program("rollback", "-E", "hidden", "--yes", "--health-timeout", "20")
    assert done.returncode == 6, done.stderr
    assert f"release {first.id} is not well; release {second.id} counts again, and is well" in done.stderr
    assert done.stdout == ""
    health = json.loads(shop.health)
    assert (shop.current, health["release"], health["status"]) == (second.id, second.id, "ok")
    service = f"$(systemctl show --property=MainPID --value {shop.layout.service})"
    assert second.program in shop.says(f"readlink /proc/{service}/root{shop.layout.program}")
    listed = json.loads(program("releases", "-E", "hidden", "--json").stdout)
    assert shop.says(f"test -e {shop.layout.lease} || echo free") == "free"
    assert second.id in json.dumps(listed)
