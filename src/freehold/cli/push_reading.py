"""What a push is to bring, read on this machine. To load this takes a fifth of a second: it is done while the server is
logged in to, which waits for others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.base.clock import SystemClock
from freehold.cli.push_progress import PushProgress
from freehold.deploy.apply import Phases
from freehold.deploy.bundle.bundle import Bundle, installed_bundle
from freehold.deploy.image_layers.wanted import WantedImages, wanted_images
from freehold.deploy.images_part import ImagesPart
from freehold.deploy.lease import Lease
from freehold.deploy.managed_files import LogIn
from freehold.deploy.parts import Parts
from freehold.deploy.push import Push
from freehold.deploy.wanted import Wanted, read_wanted
from freehold.hosts.host import Host
from freehold.project.environments import Environment


@dataclass(frozen=True)
class Brought:
    """For one environment. `bundle` is None where an agent goes alone: it runs in the program that is there."""

    wanted: Wanted
    images: WantedImages
    bundle: Bundle | None

    def push(self, host: Host, log_in: LogIn, progress: PushProgress, *, take_over: bool) -> Push:
        layout = self.wanted.layout
        images = ImagesPart(
            layout, self.images, lambda image, text: progress.say(f"{image}: {text}"), progress.sent
        )  # fmt: skip
        parts = Parts(self.wanted, self.bundle, log_in, images, progress.say, take_over=take_over)
        return Push(host, self.wanted, parts, Lease(layout), Phases(progress))


async def read_here(
    root: Path,
    home: Path,
    environments: Sequence[Environment],
    agent: str,
    health_timeout_s: float,
    *,
    only_plan: bool = False,
) -> list[Brought]:
    """Raises what `read_wanted` and `wanted_images` raise."""

    def read() -> tuple[list[Wanted], Bundle | None]:
        found = [
            read_wanted(
                root, home, each, SystemClock(), agent=agent, health_timeout_s=health_timeout_s, only_plan=only_plan
            )
            for each in environments
        ]
        return found, None if agent else installed_bundle()

    found, bundle = await asyncio.to_thread(read)
    agents = [agent] if agent else None
    images = await asyncio.gather(*(wanted_images(each.project, each.layout.project, agents) for each in found))
    return [Brought(wanted, image, bundle) for wanted, image in zip(found, images, strict=True)]
