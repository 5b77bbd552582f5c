"""Which base image `doctor` looks for: the one that these agents need, and not whatever is called `latest`."""

from __future__ import annotations

from pathlib import Path

from freehold.cli.engine_checks import needed_base
from freehold.containers.fake_images import FakeImages
from freehold.project.load import load_project
from freehold.runtime.images.plan import Planner
from tests.support.folders import one_agent, write_files


async def test_it_is_the_base_of_this_version(tmp_path: Path) -> None:
    images = FakeImages()
    base = Planner(images).base
    assert base.startswith("freehold-agent:")
    assert base != "freehold-agent:latest"
    shop = load_project(write_files(tmp_path / "shop", one_agent()), home=tmp_path / "home")
    assert [await needed_base(images, each) for each in (None, shop)] == [base, base]


async def test_a_project_with_an_image_of_its_own_needs_none(tmp_path: Path) -> None:
    images = FakeImages()
    images.add("mine:1", {"dev.freehold.inputs": "abc"})
    files = one_agent()
    files["config.toml"] = files.get("config.toml", "") + '[local]\nimage = "mine:1"\n'
    shop = load_project(write_files(tmp_path / "shop", files), home=tmp_path / "home")
    assert await needed_base(images, shop) == ""
