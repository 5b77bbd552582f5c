"""`freehold image build|list|prune`: the images that agents run in."""

from __future__ import annotations

import asyncio

import click
import msgspec

from freehold.base.plain_text import one_line
from freehold.base.words import plural, size
from freehold.cli.context import Context
from freehold.cli.output import confirm, note, print_json, say, table
from freehold.cli.when import local_time, to_the_minute
from freehold.client.keeper import KeeperConnection, connected
from freehold.wire.keeper import BuildImage, BuildNotice, ImageView

_NARROWER = [("created", to_the_minute), ("kind", None), ("created", None), ("in use", None)]


@click.group(name="image")
def command() -> None:
    """Build, list and prune the images that agents run in."""


@command.command(name="build")
@click.argument("agent", default="")
@click.option("--no-cache", is_flag=True, help="Build every layer anew.")
@click.option("--pull", is_flag=True, help="Look for a newer Debian first.")
@click.option(
    "--base-from", default="", metavar="IMAGE", help="What the base image is made FROM, instead of Debian 13."
)
@click.pass_obj
def build(context: Context, agent: str, no_cache: bool, pull: bool, base_from: str) -> None:
    """Build what AGENT needs (without AGENT: what every agent needs), and nothing that is there already."""
    built = asyncio.run(_build(context, BuildImage(agent, no_cache, pull, base_from)))
    if context.json:
        print_json(built)
        return
    for name, image in built.items():
        say(f"{name}: {image}")


@command.command(name="list")
@click.pass_obj
def list_(context: Context) -> None:
    """List the project's images and those that all projects share."""
    views = asyncio.run(_ask(context, "image/list"))
    if context.json:
        print_json(views)
    elif not views:
        say("No images yet. They are built when an agent first runs, or by: freehold image build")
    else:
        rows = [
            (view.name, view.kind, size(view.size_bytes), local_time(view.created_at), _use(view)) for view in views
        ]
        table(["image", "kind", "size", "created", "in use"], rows, _NARROWER)


@command.command(name="prune")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def prune(context: Context, yes: bool) -> None:
    """Remove images that no agent needs any more. What a container uses stays."""
    question = "Remove the project's images that no agent needs any more?"
    if not confirm(question, yes=yes, no_input=context.no_input):
        return
    removed = asyncio.run(_ask(context, "image/prune"))
    if context.json:
        print_json(removed)
        return
    for view in removed:
        say(f"removed {view.name} ({size(view.size_bytes)})")
    note(f"{plural(len(removed), 'image')} removed")


def _use(view: ImageView) -> str:
    return "yes" if view.in_use else ""


async def _build(context: Context, request: BuildImage) -> dict[str, str]:
    async with connected(context.project_dir, context.home) as keeper:
        showing = asyncio.create_task(_show_steps(keeper, quiet=context.quiet or context.json))
        try:
            return await keeper.call("image/build", request, dict[str, str])
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)


async def _show_steps(keeper: KeeperConnection, *, quiet: bool) -> None:
    async for method, params in keeper.notices():
        if method == "image/step" and not quiet:
            step = msgspec.json.decode(params, type=BuildNotice)
            note(f"{step.image}: {one_line(step.text)}")


async def _ask(context: Context, method: str) -> list[ImageView]:
    async with connected(context.project_dir, context.home) as keeper:
        return await keeper.call(method, {}, list[ImageView])
