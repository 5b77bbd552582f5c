"""Outputs are those of real builds, shortened: of the CLI 20.10, and of 26.1 with buildx 0.13."""

from __future__ import annotations

import pytest

from freehold.containers.build_output import BuildFailure, BuildOutput

FAILED_RUN_20 = """\
#1 [internal] load build definition from D1
#1 sha256:6c5117d73ab6ecd37f24c44c0846cdb3143f3547898b43a6634b533ff39ef212
#1 transferring dockerfile: 212B done
#1 DONE 0.0s

#3 [internal] load metadata for docker.io/library/freehold-agent:latest
#3 DONE 0.0s

#4 [tools 1/2] FROM docker.io/library/freehold-agent:latest
#4 DONE 0.0s

#5 [tools 2/2] RUN echo hello && exit 7
#5 sha256:081641e5598889e7cc0b6fc6a7c9ff2f12e06f97708785d8a4ae1ba33ab34268
#5 0.207 hello
#5 1.211 line 1
#5 ERROR: executor failed running [/bin/sh -c echo hello && exit 7]: exit code: 7
------
 > [tools 2/2] RUN echo hello && exit 7:
------
executor failed running [/bin/sh -c echo hello && exit 7]: exit code: 7
"""
FAILED_RUN_26 = """\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from D1
#1 transferring dockerfile: 212B done
#1 DONE 0.0s

#4 [tools 1/2] FROM docker.io/library/freehold-agent:latest
#4 CACHED

#5 [tools 2/2] RUN echo hello && exit 7
#5 0.155 hello
#5 1.157 line 1
#5 ERROR: process "/bin/sh -c echo hello && exit 7" did not complete successfully: exit code: 7
------
 > [tools 2/2] RUN echo hello && exit 7:
0.155 hello
1.157 line 1
------
ERROR: failed to solve: process "/bin/sh -c echo hello && exit 7" did not complete successfully: exit code: 7
"""
MISSING_IMAGE = """\
#3 [internal] load metadata for docker.io/library/debian:13-slim
#3 ERROR: failed to do request: Head "https://registry-1.docker.io/v2/": dial tcp: no such host
------
 > [internal] load metadata for docker.io/library/debian:13-slim:
------
failed to solve with frontend dockerfile.v0: failed to create LLB definition: no such host
"""
MISSING_FRONTEND = """\
#3 resolve image config for docker.io/docker/dockerfile:1
#3 sha256:ac072d521901222eeef550f52282877f196e16b0247844be9ceb1ccc1eac391d
#3 ERROR: failed to do request: Head "https://registry-1.docker.io/v2/": dial tcp: no such host
------
 > resolve image config for docker.io/docker/dockerfile:1:
------
failed to solve with frontend dockerfile.v0: failed to solve with frontend gateway.v0: no such host
"""
MISSING_FILE = """\
#5 [internal] load build context
#5 transferring context: 2B done
#5 DONE 0.0s

#6 [stage-0 2/2] COPY nofile /x
#6 ERROR: "/nofile" not found: not found

#4 [stage-0 1/2] FROM docker.io/library/freehold-agent:latest
------
 > [stage-0 2/2] COPY nofile /x:
------
failed to compute cache key: "/nofile" not found: not found
"""
PARSE_ERROR = """\
#2 [internal] load .dockerignore
#2 DONE 0.0s
failed to solve with frontend dockerfile.v0: dockerfile parse error line 2: unknown instruction: RNU
"""
NO_ENGINE = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n"

FAILURES = {
    "a command, 20.10": (
        FAILED_RUN_20,
        ["Step tools 1/2: FROM freehold-agent:latest", "Step tools 2/2: RUN echo hello && exit 7"],
        BuildFailure("tools 2/2: RUN echo hello && exit 7", ("hello", "line 1"), "exit code: 7"),
    ),
    "a command, 26.1": (
        FAILED_RUN_26,
        ["Step tools 1/2: FROM freehold-agent:latest", "Step tools 2/2: RUN echo hello && exit 7"],
        BuildFailure("tools 2/2: RUN echo hello && exit 7", ("hello", "line 1"), "exit code: 7"),
    ),
    "an image": (
        MISSING_IMAGE,
        [],
        BuildFailure(
            error='failed to do request: Head "https://registry-1.docker.io/v2/": dial tcp: no such host',
            missing_image="debian:13-slim",
        ),
    ),
    "a frontend": (
        MISSING_FRONTEND,
        [],
        BuildFailure(
            error='failed to do request: Head "https://registry-1.docker.io/v2/": dial tcp: no such host',
            missing_image="docker/dockerfile:1",
        ),
    ),
    "a file": (
        MISSING_FILE,
        ["Step 2/2: COPY nofile /x", "Step 1/2: FROM freehold-agent:latest"],
        BuildFailure("2/2: COPY nofile /x", (), '"/nofile" not found: not found'),
    ),
    "the Dockerfile": (
        PARSE_ERROR,
        [],
        BuildFailure(
            error="failed to solve with frontend dockerfile.v0: dockerfile parse error line 2: unknown instruction: RNU"
        ),
    ),
    "no engine": (NO_ENGINE, [], BuildFailure(error=NO_ENGINE.strip())),
    "nothing at all": ("", [], BuildFailure()),
}


@pytest.mark.parametrize(("text", "steps", "failure"), FAILURES.values(), ids=FAILURES.keys())
def test_steps_and_failures(text: str, steps: list[str], failure: BuildFailure) -> None:
    output = BuildOutput()
    assert [step for line in text.splitlines() if (step := output.feed(line))] == steps
    assert output.failure() == failure


def test_a_step_is_told_once_even_when_buildkit_comes_back_to_it() -> None:
    lines = ["#5 [2/2] RUN a", "#5 0.1 x", "", "#6 [other 1/1] RUN b", "", "#5 [2/2] RUN a", "#5 0.2 y"]
    output = BuildOutput()
    assert [step for line in lines if (step := output.feed(line))] == ["Step 2/2: RUN a", "Step other 1/1: RUN b"]


def test_only_the_last_lines_are_kept_and_colours_are_not() -> None:
    output = BuildOutput()
    output.feed("#5 [2/2] RUN a")
    for number in range(1000):
        output.feed(f"#5 {number}.1 \x1b[31mline {number}\x1b[0m\r")
    output.feed("#5 ERROR: exit code: 1")
    assert output.failure().output[-1] == "line 999"
    assert len(output.failure().output) == 50


def test_a_long_step_is_shortened() -> None:
    step = BuildOutput().feed("#5 [2/2] RUN " + "x" * 1000)
    assert len(step) < 120
    assert step.endswith("…")


def test_of_a_build_that_was_stopped_the_step_under_way_is_named() -> None:
    output = BuildOutput()
    for line in ["#4 [1/3] FROM a", "#4 CACHED", "#5 [2/3] RUN b", "#5 DONE 0.1s", "#6 [3/3] RUN c", "#6 0.1 waiting"]:
        output.feed(line)
    assert (output.failure().step, output.failure().output) == ("3/3: RUN c", ("waiting",))
