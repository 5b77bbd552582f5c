"""Every example of `docs/dockerfiles.md` is built as the keeper builds it, and does in a container what it says."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.runtime.images.inputs import ImageInputs
from tests.support.images import docker, image_builder, inside, remove_images

pytestmark = pytest.mark.docker

GUIDE = Path(__file__).parents[3] / "docs" / "dockerfiles.md"
PROJECT = f"fht-guide-{os.getpid()}"
EXAMPLES = dict(re.findall(r"<!-- example: (\w+) -->\n```dockerfile\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL))

FILES = {
    "tools/greet": "#!/bin/sh\necho hello\n",
    "count.c": '#include <stdio.h>\nint main(void) { puts("3"); return 0; }\n',
}
CHECKS = {
    "apt": ("gh --version | head -1; rg --version | head -1; shellcheck --version | head -1", "ripgrep"),
    "pip": ("yamllint --version", "yamllint 1.37.1"),
    "npm": ("prettier --version", "3.6.2"),
    "files": ("greet", "hello"),
    "stages": ("count; command -v gcc || echo no compiler", "3\nno compiler"),
    "project": ("make --version | head -1", "GNU Make"),
}


@pytest.fixture(autouse=True, scope="module")
def _leave_nothing() -> Iterator[None]:
    yield
    remove_images(f"freehold-{PROJECT}-")


def agent_inputs(root: Path) -> ImageInputs:
    folder = root / "agents" / "dev"
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return ImageInputs(PROJECT, "dev", folder, root)


def test_there_is_a_check_for_every_example() -> None:
    assert EXAMPLES.keys() == CHECKS.keys()
    assert len(re.findall("^```dockerfile", GUIDE.read_text("utf-8"), re.MULTILINE)) == len(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_example_builds_and_does_what_it_says(name: str, tmp_path: Path) -> None:
    inputs = agent_inputs(tmp_path)
    path = (tmp_path if name == "project" else inputs.agent_dir) / "Dockerfile"
    path.write_text(EXAMPLES[name])
    wanted = ImageInputs(
        inputs.project,
        inputs.agent,
        inputs.agent_dir,
        inputs.project_root,
        agent_dockerfile=None if name == "project" else path,
        project_dockerfile=path if name == "project" else None,
    )
    steps: list[str] = []
    async with image_builder() as builder:
        image = await builder.ensure(wanted, lambda _image, text: steps.append(text))
    script, expected = CHECKS[name]
    assert expected in inside(image, script)
    assert [step for step in steps if step.startswith("Step ")]
    assert (
        docker("image", "inspect", "--format", "{{.Config.User}} {{.Config.Entrypoint}}", image)
        == "node [/app/bin/runner]"
    )


async def test_a_hostile_end_changes_nothing(tmp_path: Path) -> None:
    inputs = agent_inputs(tmp_path)
    path = inputs.agent_dir / "Dockerfile"
    path.write_text('FROM al-agent:latest\nUSER root\nWORKDIR /root\nENTRYPOINT ["/bin/sh"]\nCMD ["-c", "id"]\n')
    async with image_builder() as builder:
        image = await builder.ensure(
            ImageInputs(PROJECT, "dev", inputs.agent_dir, tmp_path, agent_dockerfile=path), lambda _image, _text: None
        )
    shown = docker(
        "image",
        "inspect",
        "--format",
        "{{.Config.User}} {{.Config.WorkingDir}} {{.Config.Entrypoint}} {{.Config.Cmd}}",
        image,
    )
    assert shown == "node /tmp [/app/bin/runner] []"
