from __future__ import annotations

import pytest

from freehold.base.errors import Code
from freehold.containers.build_output import BuildFailure
from freehold.runtime.images.failures import told
from freehold.runtime.images.layers import Kind, Layer
from freehold.runtime.images.packaged import PackagedFiles

FAILED = BuildFailure(
    step="2/3: RUN apt-get install -y nosuch", output=("E: Unable to locate",), error="exit code: 100"
)


def layer(kind: Kind, owner: str, where: str = "", dockerfile: str = "FROM x\n") -> Layer:
    return Layer(kind, "x:1", (), "1", dockerfile, PackagedFiles({}), where, owner, {})


def test_whose_image_which_step_and_what_it_said() -> None:
    error = told(layer(Kind.AGENT, "agent dev", "agents/dev/Dockerfile"), FAILED)
    assert error.code is Code.IMAGE
    assert error.message.splitlines() == [
        "The image of agent dev (agents/dev/Dockerfile) could not be built at step 2/3: RUN apt-get install -y nosuch",
        "  E: Unable to locate",
        "  exit code: 100",
    ]


def test_the_end_of_a_long_output_is_shown_and_said_to_be_one() -> None:
    failure = BuildFailure("2/3: RUN make", tuple(f"line {number}" for number in range(50)), "exit code: 2")
    lines = told(layer(Kind.AGENT, "agent dev"), failure).message.splitlines()
    assert lines[1:3] == ["  … (the last 40 lines of what it wrote)", "  line 10"]
    assert lines[-2:] == ["  line 49", "  exit code: 2"]


HINTS = [
    (Kind.AGENT, "agent dev", "Check that your agent's Dockerfile starts with FROM freehold-agent:latest"),
    (Kind.PROJECT, "the project's base", "Check that the project's Dockerfile starts with FROM freehold-agent:latest"),
    (Kind.BASE, "the base image", "The base image needs deb.debian.org, registry.npmjs.org and pypi.org"),
    (Kind.HARNESS, "harness codex", "It needs registry.npmjs.org"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "owner", "beginning"), HINTS)
def test_what_to_do_is_what_the_page_says(kind: Kind, owner: str, beginning: str) -> None:
    assert told(layer(kind, owner), FAILED).hint.startswith(beginning)


def test_a_base_that_cannot_be_pulled_names_the_command_that_makes_one() -> None:
    error = told(layer(Kind.BASE, "the base image"), BuildFailure(error="no such host", missing_image="debian:13-slim"))
    assert "debian:13-slim is not on this machine and cannot be pulled: no such host" in error.message
    assert "debian-image" in error.hint


def test_a_stage_that_cannot_be_pulled_is_named() -> None:
    failure = BuildFailure(error="no such host", missing_image="golang:1")
    error = told(layer(Kind.AGENT, "agent dev", "agents/dev/Dockerfile"), failure)
    assert error.hint.startswith("agents/dev/Dockerfile names golang:1, which is not on this machine")


def test_a_frontend_that_cannot_be_pulled_is_not_needed() -> None:
    failure = BuildFailure(error="no such host", missing_image="docker/dockerfile:1")
    error = told(layer(Kind.AGENT, "agent dev", "agents/dev/Dockerfile"), failure)
    assert (
        error.hint
        == "agents/dev/Dockerfile asks for docker/dockerfile:1 in its first line (# syntax=…): remove that line."
    )


def test_an_old_docker_that_cannot_read_here_documents() -> None:
    failure = BuildFailure(error="dockerfile parse error line 3: unknown instruction: ECHO")
    text = "FROM x\nRUN <<EOF\necho hi\nEOF\n"
    error = told(layer(Kind.AGENT, "agent dev", "agents/dev/Dockerfile", text), failure)
    assert error.hint.startswith("Here-documents (<<EOF) need Docker 23")
    later = BuildFailure(step="2/2: RUN <<EOF", error="exit code: 1")
    assert told(layer(Kind.AGENT, "agent dev", "agents/dev/Dockerfile", text), later).hint.startswith("Check that")


def test_a_build_that_says_nothing() -> None:
    assert "the build ended without saying why" in told(layer(Kind.BASE, "the base image"), BuildFailure()).message


COPIES = [
    ("agents/dev/Dockerfile", "4/5: COPY --chmod=755 dist/ /z", "COPY reads agents/dev/ alone"),
    ("Dockerfile", "2/3: ADD tools /z", "COPY reads the folder of the project alone"),
    ("agents/dev/Dockerfile", "4/5: COPY --from=build /b /b", "Check that your agent's Dockerfile"),
]


@pytest.mark.parametrize(("where", "step", "beginning"), COPIES)
def test_a_file_that_is_not_there_names_the_folder_that_is_read(where: str, step: str, beginning: str) -> None:
    failure = BuildFailure(step=step, error='"/dist" not found: not found')
    assert told(layer(Kind.AGENT, "agent dev", where), failure).hint.startswith(beginning)
