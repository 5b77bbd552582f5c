from __future__ import annotations

import pytest

from freehold.project.dockerfile import apk_lines, debian_name, says_more_than_from

APK = [
    ("FROM x\nRUN apk add jq\n", [(2, ("jq",))]),
    ("RUN apk add --no-cache github-cli jq", [(1, ("github-cli", "jq"))]),
    ("RUN apk --no-cache add jq", [(1, ("jq",))]),
    ("RUN apk add --no-cache \\\n    jq \\\n    # a comment\n    curl\nUSER node", [(1, ("jq", "curl"))]),
    ("RUN apk update && apk add jq && rm -rf /x", [(1, ("jq",))]),
    ("RUN apk add -t deps gcc && apk del deps", [(1, ("gcc",))]),
    ("RUN apk add --repository https://a.example/edge gcc", [(1, ("gcc",))]),
    ("RUN apk add --virtual=.deps gcc; make", [(1, ("gcc",))]),
    ("RUN apk add jq\nRUN apk add curl", [(1, ("jq",)), (2, ("curl",))]),
    ("RUN apk add $PACKAGES 'jq'", [(1, ("jq",))]),
    ("# RUN apk add jq\nRUN apt-get install apk-tools\nRUN echo apk-add", []),
]


@pytest.mark.parametrize(("text", "found"), APK)
def test_where_apk_is_called_and_for_what(text: str, found: list[tuple[int, tuple[str, ...]]]) -> None:
    assert [(line.line, line.packages) for line in apk_lines(text)] == found


NAMES = {
    "jq": "jq", "github-cli": "gh", "py3-pip": "python3-pip", "py3-requests": "python3-requests",
    "build-base": "build-essential", "openssl-dev": "libssl-dev", "jpeg-dev": "libjpeg-dev", "libffi-dev": "libffi-dev",
    "nodejs=20.1": "nodejs", "python3~3.12": "python3", "foo@edge": "foo", "libc6-compat": "",
    "python3-dev": "python3-dev",
}  # fmt: skip


@pytest.mark.parametrize(("alpine", "debian"), NAMES.items())
def test_what_debian_calls_a_package(alpine: str, debian: str) -> None:
    assert debian_name(alpine) == debian


def test_the_line_to_write() -> None:
    (line,) = apk_lines("RUN apk add --no-cache python3 py3-pip libc6-compat python3")
    assert line.apt_line == (
        "RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip "
        "&& rm -rf /var/lib/apt/lists/*"
    )


MORE = [
    ("", False),
    ("# only words\n", False),
    ("FROM al-agent:latest\n", False),
    ("# syntax=docker/dockerfile:1\n\nfrom al-agent:latest AS base\n", False),
    ("FROM al-agent:latest\nUSER root\n", True),
    ("FROM a AS b\nFROM al-agent:latest\n", True),
    ("ARG X=1\nFROM al-agent:latest\n", True),
]


@pytest.mark.parametrize(("text", "more"), MORE)
def test_whether_a_dockerfile_says_more_than_from(text: str, more: bool) -> None:
    assert says_more_than_from(text) is more
