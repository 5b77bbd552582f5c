from __future__ import annotations

from freehold.containers.fake_images import FakeImages
from freehold.runtime.images.inventory import Inventory


def labels(kind: str, inputs: str, **more: str) -> dict[str, str]:
    return {f"dev.freehold.{key}": value for key, value in {"kind": kind, "inputs": inputs, **more}.items()}


def store() -> FakeImages:
    """Two projects with an agent each, what they share, and things that are not ours; older ones first."""
    images = FakeImages()
    images.add("debian:13-slim")
    images.add("freehold-agent:aaa", labels("base", "aaa"))
    images.add("freehold-agent:bbb", labels("base", "bbb"))
    images.add("freehold-harness-codex:1-ccc", labels("harness", "ccc", harness="codex"))
    images.add("freehold-harness-codex:2-ddd", labels("harness", "ddd", harness="codex"))
    for project in ("shop-1111", "blog-2222"):
        for inputs in ("eee", "fff"):
            name = f"freehold-{project}-dev:{inputs}"
            images.add(name, labels("agent", inputs, project=project, agent="dev"))
    images.add("freehold-shop-1111-base:ggg", labels("project", "ggg", project="shop-1111"))
    images.add("my-tool:1", labels("base", "bbb"))
    images.add("freehold-agents:1", labels("base", "bbb"))
    return images


async def names(images: FakeImages) -> set[str]:
    return {name for image in await images.labelled("dev.freehold.kind") for name in image.names}


async def test_views_are_of_the_project_and_of_what_is_shared() -> None:
    images = store()
    images.use("freehold-agent:aaa")
    views = await Inventory(images, "shop-1111").views()
    assert [(view.name, view.kind, view.agent, view.in_use) for view in views] == [
        ("freehold-agent:bbb", "base", "", False),
        ("freehold-agent:aaa", "base", "", True),
        ("freehold-harness-codex:2-ddd", "harness", "", False),
        ("freehold-harness-codex:1-ccc", "harness", "", False),
        ("freehold-shop-1111-base:ggg", "project", "", False),
        ("freehold-shop-1111-dev:fff", "agent", "dev", False),
        ("freehold-shop-1111-dev:eee", "agent", "dev", False),
    ]


async def test_prune_removes_what_nobody_needs() -> None:
    images = store()
    before = await names(images)
    removed = await Inventory(images, "shop-1111").prune(["freehold-shop-1111-dev:fff"])
    gone = {
        "freehold-agent:aaa",
        "freehold-harness-codex:1-ccc",
        "freehold-shop-1111-dev:eee",
        "freehold-shop-1111-base:ggg",
    }
    assert {view.name for view in removed} == gone
    assert await names(images) == before - gone


async def test_prune_keeps_what_containers_use() -> None:
    images = store()
    images.use("freehold-shop-1111-dev:eee")
    images.use("freehold-agent:aaa")
    await images.tag("freehold-agent:aaa", "freehold-agent:latest")
    removed = await Inventory(images, "shop-1111").prune(["freehold-shop-1111-dev:fff"])
    assert {view.name for view in removed} == {"freehold-harness-codex:1-ccc", "freehold-shop-1111-base:ggg"}
    assert {"freehold-agent:aaa", "freehold-agent:latest"} <= await names(images)


async def test_prune_keeps_what_is_wanted_even_when_it_is_old() -> None:
    images = store()
    wanted = ["freehold-agent:aaa", "freehold-shop-1111-dev:eee", "freehold-shop-1111-base:ggg"]
    removed = await Inventory(images, "shop-1111").prune(wanted)
    assert {view.name for view in removed} == {"freehold-harness-codex:1-ccc", "freehold-shop-1111-dev:fff"}


async def test_prune_takes_every_name_that_was_given() -> None:
    images = store()
    await images.tag("freehold-shop-1111-dev:eee", "freehold-shop-1111-dev:latest")
    await images.tag("freehold-shop-1111-dev:eee", "kept-by-me:1")
    await Inventory(images, "shop-1111").prune(["freehold-shop-1111-dev:fff"])
    assert "freehold-shop-1111-dev:latest" not in await names(images)
    assert "kept-by-me:1" in await names(images)


async def test_an_image_that_lost_its_name_goes_too() -> None:
    images = FakeImages()
    old = images.add("freehold-agent:aaa", labels("base", "aaa"))
    images.add("freehold-agent:aaa", labels("base", "aaa"))
    removed = await Inventory(images, "p").prune([])
    assert [view.name for view in removed] == [old.id]
    assert await images.find("freehold-agent:aaa")


async def test_an_image_of_a_kind_that_a_newer_version_knows_is_left_alone() -> None:
    images = FakeImages()
    images.add("freehold-x:1", labels("workspace", "1"))
    assert await Inventory(images, "p").prune([]) == []


def built_on_each_other() -> FakeImages:
    """An old base and an old harness, on which another project's agent stands, and newer ones of both."""
    images = FakeImages()
    images.add("freehold-agent:aaa", labels("base", "aaa"))
    images.add("freehold-harness-codex:1-ccc", labels("harness", "ccc", harness="codex"), on="freehold-agent:aaa")
    images.add("freehold-agent:bbb", labels("base", "bbb"))
    images.add("freehold-harness-codex:2-ddd", labels("harness", "ddd", harness="codex"), on="freehold-agent:bbb")
    agent = labels("agent", "eee", project="blog-2222", agent="dev")
    images.add("freehold-blog-2222-dev:eee", agent, on="freehold-harness-codex:1-ccc")
    return images


async def test_what_another_projects_image_stands_on_stays() -> None:
    images = built_on_each_other()
    assert await Inventory(images, "shop-1111").prune([]) == []
    removed = await Inventory(images, "blog-2222").prune([])
    assert [view.name for view in removed] == [
        "freehold-blog-2222-dev:eee", "freehold-harness-codex:1-ccc", "freehold-agent:aaa",
    ]  # fmt: skip


async def test_what_a_user_built_on_it_stays() -> None:
    images = built_on_each_other()
    await images.remove("freehold-blog-2222-dev:eee")
    images.add("my-tool:1", labels("base", "aaa"), on="freehold-agent:aaa")
    removed = await Inventory(images, "shop-1111").prune([])
    assert [view.name for view in removed] == ["freehold-harness-codex:1-ccc"]


async def test_the_newest_base_stays_when_nothing_stands_on_it() -> None:
    images = built_on_each_other()
    await images.remove("freehold-harness-codex:2-ddd")
    await Inventory(images, "blog-2222").prune([])
    assert await names(images) == {"freehold-agent:bbb", "freehold-harness-codex:1-ccc", "freehold-agent:aaa"}
