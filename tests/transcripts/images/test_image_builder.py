"""`ImageBuilder` against a fake engine: what is built, in which order, once, and what is told when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.containers.build import BuildRequest
from freehold.containers.build_output import BuildFailure
from freehold.containers.fake_images import FakeImages
from freehold.runtime.images.builder import AS_NEEDED, BuildChoices, ImageBuilder
from freehold.runtime.images.inputs import ImageInputs

OURS = "FROM freehold-agent:latest\n"
INSTALLS = OURS + "USER root\nRUN apt-get update\n"


class Machine:
    """A project folder and an engine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images = FakeImages()
        self.builder = ImageBuilder(self.images, self.images, environment={})
        self.notices: list[tuple[str, str]] = []

    def agent(
        self,
        name: str = "dev",
        dockerfile: str = "",
        project: str = "",
        harness: str = "builtin",
        base_image: str = "",
    ) -> ImageInputs:
        folder = self.root / "agents" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "SKILL.md").write_text("Do something.")
        return ImageInputs(
            project="shop-1a2b",
            agent=name,
            agent_dir=folder,
            project_root=self.root,
            agent_dockerfile=self._write(folder / "Dockerfile", dockerfile),
            project_dockerfile=self._write(self.root / "Dockerfile", project),
            harness=harness,
            base_image=base_image,
        )

    @staticmethod
    def _write(path: Path, text: str) -> Path | None:
        path.unlink(missing_ok=True)
        if not text:
            return None
        path.write_text(text)
        return path

    def notice(self, image: str, text: str) -> None:
        self.notices.append((image, text))

    async def ensure(self, inputs: ImageInputs, choices: BuildChoices = AS_NEEDED) -> str:
        return await self.builder.ensure(inputs, self.notice, choices)

    @property
    def built(self) -> list[str]:
        """The repositories of the images that were built, in order."""
        return [request.name.partition(":")[0] for request, _, _ in self.images.requests]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


BASE, PROJECT, AGENT, CODEX = (
    "freehold-agent",
    "freehold-shop-1a2b-base",
    "freehold-shop-1a2b-dev",
    "freehold-harness-codex",
)

WHICH = [
    ("no Dockerfile", "", "", "builtin", [BASE]),
    ("an agent's", INSTALLS, "", "builtin", [BASE, AGENT]),
    ("a project's", "", INSTALLS, "builtin", [BASE, PROJECT]),
    ("both", INSTALLS, INSTALLS, "builtin", [BASE, PROJECT, AGENT]),
    ("bare ones", OURS, "# nothing yet\n" + OURS, "builtin", [BASE]),
    ("a harness", "", "", "codex", [BASE, CODEX]),
    ("a harness and both", INSTALLS, INSTALLS, "codex", [BASE, CODEX, PROJECT, AGENT]),
    ("a harness of one's own", "", "", "command", [BASE]),
]


@pytest.mark.parametrize(
    ("dockerfile", "project", "harness", "images"), [case[1:] for case in WHICH], ids=[case[0] for case in WHICH]
)
async def test_which_images_are_made(
    machine: Machine, dockerfile: str, project: str, harness: str, images: list[str]
) -> None:
    inputs = machine.agent(dockerfile=dockerfile, project=project, harness=harness)
    name = await machine.ensure(inputs)
    assert machine.built == images
    assert name == machine.images.requests[-1][0].name
    # Each stands on the one before.
    for before, after in zip(machine.images.requests, machine.images.requests[1:], strict=False):
        assert before[0].name in after[1] or before[0].name in after[0].arguments.values()
    await machine.ensure(inputs)
    assert len(machine.built) == len(images), "a second time, nothing is missing"


async def test_an_edit_of_the_agents_text_builds_nothing(machine: Machine) -> None:
    inputs = machine.agent(dockerfile=INSTALLS + "COPY tool.sh /usr/local/bin/\n")
    (inputs.agent_dir / "tool.sh").write_text("echo 1")
    name = await machine.ensure(inputs)
    (inputs.agent_dir / "SKILL.md").write_text("Do something else.")
    (inputs.agent_dir / "config.toml").write_text("scale = 2")
    assert await machine.ensure(inputs) == name
    assert machine.built == [BASE, AGENT]
    (inputs.agent_dir / "tool.sh").write_text("echo 2")
    assert await machine.ensure(inputs) != name
    assert machine.built == [BASE, AGENT, AGENT]


async def test_going_back_to_an_earlier_dockerfile_builds_nothing(machine: Machine) -> None:
    first = await machine.ensure(machine.agent(dockerfile=INSTALLS))
    await machine.ensure(machine.agent(dockerfile=INSTALLS + "RUN true\n"))
    assert await machine.ensure(machine.agent(dockerfile=INSTALLS)) == first
    assert len(machine.built) == 3


async def test_only_what_the_dockerfile_copies_is_sent(machine: Machine) -> None:
    inputs = machine.agent(dockerfile=INSTALLS + "COPY tools/ /opt/\n")
    (inputs.agent_dir / "tools").mkdir()
    (inputs.agent_dir / "tools" / "run.sh").write_text("x")
    (inputs.agent_dir / ".env").write_text("KEY=canary")
    await machine.ensure(inputs)
    _, dockerfile, files = machine.images.requests[-1]
    assert files == ("tools", "tools/run.sh")
    assert dockerfile.endswith('USER node\nWORKDIR /tmp\nENTRYPOINT ["/app/bin/runner"]\nCMD []\n')


async def test_steps_are_told_with_their_image(machine: Machine) -> None:
    name = await machine.ensure(machine.agent())
    assert machine.notices == [(name, "Building the base image"), (name, "Step 1/1: RUN true")]


async def test_names_for_people_follow_the_newest(machine: Machine) -> None:
    name = await machine.ensure(machine.agent(dockerfile=INSTALLS))
    image = await machine.images.find("freehold-shop-1a2b-dev:latest")
    assert image is not None
    assert name in image.names
    assert await machine.images.find("freehold-agent:latest")


DEBIAN = [
    ("the registry's", [], "", "debian:13-slim"),
    ("the local one", ["freehold-debian:13"], "", "freehold-debian:13"),
    ("what was asked for", ["freehold-debian:13"], "mine:1", "mine:1"),
]


@pytest.mark.parametrize(
    ("there", "asked", "expected"), [case[1:] for case in DEBIAN], ids=[case[0] for case in DEBIAN]
)
async def test_the_bases_own_from(machine: Machine, there: list[str], asked: str, expected: str) -> None:
    for name in there:
        machine.images.add(name)
    await machine.ensure(machine.agent(), BuildChoices(base_from=asked))
    assert machine.images.requests[0][0].arguments["FROM"] == expected


async def test_building_anew(machine: Machine) -> None:
    inputs = machine.agent(dockerfile=INSTALLS)
    name = await machine.ensure(inputs)
    before = await machine.images.find(name)
    assert await machine.ensure(inputs, BuildChoices(no_cache=True, pull=True)) == name
    assert machine.built == [BASE, AGENT] * 2
    requests = [request for request, _, _ in machine.images.requests[2:]]
    assert [request.no_cache for request in requests] == [True, True]
    # Only Debian can be newer elsewhere: the other FROMs are images of this machine.
    assert [request.pull for request in requests] == [True, False]
    assert before is not None
    assert await machine.images.find(before.id) is None, "the image that was replaced is gone"


async def test_a_local_debian_is_not_looked_for_elsewhere(machine: Machine) -> None:
    machine.images.add("freehold-debian:13")
    await machine.ensure(machine.agent(), BuildChoices(pull=True))
    assert machine.images.requests[0][0].pull is False


async def test_each_agent_builds_shared_layers_once_and_a_broken_one_stops_alone(machine: Machine) -> None:
    def fails(request: BuildRequest) -> BuildFailure | None:
        return BuildFailure(step="2/2: RUN x", error="exit code: 1") if "-broken:" in request.name else None

    machine.images.fails = fails
    agents = [
        machine.agent("broken", INSTALLS),
        machine.agent("wrong", OURS + "RUN apk add x\n"),
        machine.agent("good", INSTALLS),
    ]
    results = await machine.builder.ensure_each(agents, machine.notice, BuildChoices(no_cache=True))
    assert machine.built == [BASE, "freehold-shop-1a2b-broken", "freehold-shop-1a2b-good"]
    assert isinstance(results["good"], str)
    broken, wrong = results["broken"], results["wrong"]
    assert isinstance(broken, FreeholdError)
    assert broken.code is Code.IMAGE
    assert broken.message.startswith("The image of agent broken (agents/broken/Dockerfile) could not be built at step")
    assert isinstance(wrong, FreeholdError)
    assert wrong.code is Code.CONFIG
    assert wrong.message == "agents/wrong/Dockerfile:2: the base image is Debian, which has no apk"


async def test_a_failed_build_leaves_the_image_that_was_there(machine: Machine) -> None:
    inputs = machine.agent(dockerfile=INSTALLS)
    name = await machine.ensure(inputs)
    before = await machine.images.find(name)
    machine.images.fails = lambda _request: BuildFailure(error="exit code: 1")
    with pytest.raises(FreeholdError):
        await machine.ensure(inputs, BuildChoices(no_cache=True))
    assert await machine.images.find(name) == before


def is_waiting(notices: list[str]) -> bool:
    return "Waiting for the base image, which is being built" in notices


async def test_two_runs_that_need_one_image_share_its_build(machine: Machine) -> None:
    machine.images.gate = asyncio.Event()
    inputs = machine.agent()
    first: list[str] = []
    second: list[str] = []
    async with asyncio.TaskGroup() as group:
        one = group.create_task(machine.builder.ensure(inputs, lambda _image, text: first.append(text)))
        await until(lambda: bool(machine.images.requests))
        two = group.create_task(machine.builder.ensure(inputs, lambda _image, text: second.append(text)))
        await until(lambda: is_waiting(second))
        machine.images.gate.set()
    assert one.result() == two.result()
    assert machine.built == [BASE]
    assert first == ["Building the base image", "Step 1/1: RUN true"]


async def test_a_failure_is_told_to_all_who_waited(machine: Machine) -> None:
    machine.images.gate = asyncio.Event()
    machine.images.fails = lambda _request: BuildFailure(error="exit code: 1")
    tasks = [asyncio.create_task(machine.ensure(machine.agent())) for _ in range(3)]
    await until(lambda: bool(machine.images.requests))
    machine.images.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [FreeholdError] * 3


async def test_a_build_is_stopped_when_the_last_who_waits_is_gone(machine: Machine) -> None:
    machine.images.gate = asyncio.Event()
    notices: list[str] = []
    inputs = machine.agent()
    tasks = [
        asyncio.create_task(machine.builder.ensure(inputs, lambda _image, text: notices.append(text))) for _ in range(2)
    ]
    await until(lambda: bool(machine.images.requests) and is_waiting(notices))
    tasks[0].cancel()
    await asyncio.wait([tasks[0]], timeout=10)
    assert machine.images.cancelled == []
    tasks[1].cancel()
    await asyncio.wait([tasks[1]], timeout=10)
    assert [name.partition(":")[0] for name in machine.images.cancelled] == [BASE]
    machine.images.gate.set()
    assert await machine.ensure(inputs), "who comes later builds it"


async def test_who_comes_while_a_build_is_being_stopped_begins_anew(machine: Machine) -> None:
    machine.images.gate = asyncio.Event()
    machine.images.stopped = asyncio.Event()
    inputs = machine.agent()
    first = asyncio.create_task(machine.ensure(inputs))
    await until(lambda: len(machine.images.requests) == 1)
    first.cancel()
    await until(lambda: bool(machine.images.cancelled))
    second = asyncio.create_task(machine.ensure(inputs))
    await until(lambda: len(machine.images.requests) == 2 or second.done())
    machine.images.gate.set()
    machine.images.stopped.set()
    assert await asyncio.wait_for(second, 10)
    await asyncio.wait([first], timeout=10)
    assert first.cancelled()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_an_image_of_ones_own_as_the_base(machine: Machine) -> None:
    machine.images.add("my-base:1", {"dev.freehold.kind": "base", "dev.freehold.inputs": "x"})
    assert await machine.ensure(machine.agent(base_image="my-base:1")) == "my-base:1"
    assert machine.built == []
    await machine.ensure(machine.agent(dockerfile="FROM my-base:1\nRUN true\n", base_image="my-base:1"))
    assert machine.built == [AGENT]
    assert machine.images.requests[0][1].startswith("FROM my-base:1\n")


@pytest.mark.parametrize("name", ["al-agent:latest", "freehold-agent:latest", ""])
async def test_the_bases_own_name_means_ours(machine: Machine, name: str) -> None:
    await machine.ensure(machine.agent(base_image=name))
    assert machine.built == [BASE]


async def test_a_base_that_is_not_there_or_cannot_run_an_agent(machine: Machine) -> None:
    with pytest.raises(FreeholdError, match=r'local\.image: there is no image "nowhere:1"'):
        await machine.ensure(machine.agent(base_image="nowhere:1"))
    machine.images.add("ubuntu:24.04")
    with pytest.raises(FreeholdError, match="was not made FROM freehold-agent"):
        await machine.ensure(machine.agent(base_image="ubuntu:24.04"))


async def test_a_base_of_ones_own_that_was_built_again_counts(machine: Machine) -> None:
    labels = {"dev.freehold.kind": "base", "dev.freehold.inputs": "x"}
    machine.images.add("my-base:1", labels)
    inputs = machine.agent(dockerfile="FROM my-base:1\nRUN true\n", base_image="my-base:1")
    before = await machine.ensure(inputs)
    machine.images.add("my-base:1", labels)
    assert await machine.ensure(inputs) != before


async def test_names_that_are_needed_now(machine: Machine) -> None:
    inputs = machine.agent("dev", INSTALLS)
    broken = machine.agent("broken", "FROM alpine\n")
    name = await machine.ensure(inputs)
    names = await machine.builder.planner.names([inputs, broken])
    assert name in names
    assert len(names) == 2
