from __future__ import annotations

import pytest

from freehold.project.dockerfiles.commands import commands
from freehold.project.dockerfiles.rules import check
from freehold.project.dockerfiles.syntax import parse

OURS = "FROM freehold-agent:latest\n"
GOOD = {
    "bare": OURS,
    "apt as root": OURS + "USER root\nRUN apt-get update && apt-get install -y x\n",
    "root by number and group": OURS + "USER 0:0\nRUN apt-get update\n",
    "not ending as node": OURS + "USER root\nRUN true\n",
    "apk where Alpine is": "FROM alpine AS a\nRUN apk add go\n" + OURS + "COPY --from=a /x /x\n",
    "a stage that another stage left as root": OURS.strip() + " AS a\nUSER root\nFROM a\nRUN apt-get update\n",
    "pip in an environment of its own": OURS + "RUN python3 -m venv /tmp/v && . /tmp/v/bin/activate && pip install x\n",
    "pip by path": OURS + "RUN /tmp/v/bin/pip install x\n",
    "npm without -g": OURS + "RUN npm install x\n",
    "npm to a place of its own": OURS + "RUN npm install -g --prefix /tmp/x y\n",
    "names that begin alike": OURS + "RUN apkx add y; apt-mark showauto\n",
    "apk that is only named": OURS + "RUN echo apk add x\n",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_nothing_wrong(text: str) -> None:
    assert check(parse(text), "D") == []


APK = "the base image is Debian, which has no apk"
AS_NODE = " is run as the user node, and would fail or be lost"
WRONG = [
    ("nothing", "", "1: there is no FROM"),
    ("only a comment", "# FROM freehold-agent\n", "1: there is no FROM"),
    ("another image", "FROM node:20-alpine\nRUN apk add x\n", "1: the last stage is made FROM node:20-alpine"),
    ("another last image", OURS + "FROM alpine\n", "2: the last stage is made FROM alpine"),
    ("apk", OURS + "USER root\nRUN apk add --no-cache jq\n", "3: " + APK),
    ("apk in a here-document", OURS + "RUN <<E\nset -e\napk add jq\nE\n", "2: " + APK),
    ("apk after a condition", OURS + "RUN if true; then apk add jq; fi\n", "2: " + APK),
    ("apt as node", OURS + "RUN apt-get update\n", "2: RUN apt-get update" + AS_NODE),
    ("apt as node again", OURS + "USER root\nUSER node\nRUN apt install -y x\n", "4: RUN apt install" + AS_NODE),
    ("sudo apt", OURS + "RUN sudo apt-get update\n", "2: RUN apt-get update" + AS_NODE),
    ("an exec form", OURS + 'RUN ["apt-get", "update"]\n', "2: RUN apt-get update" + AS_NODE),
    ("pip as node", OURS + "RUN pip install x\n", "2: RUN pip install" + AS_NODE),
    ("npm -g as node", OURS + "RUN npm install -g x\n", "2: RUN npm install" + AS_NODE),
    (
        "a volume of the stage it continues",
        "FROM freehold-agent AS one\nVOLUME /data\nFROM one\nRUN true\n",
        "2: VOLUME would give the container a writable disk without a bound",
    ),
    (
        "a volume of what continues it",
        OURS + "ONBUILD volume /data\n",
        "2: VOLUME would give the container a writable disk without a bound",
    ),
    ("a volume", OURS + "VOLUME /data\n", "2: VOLUME would give the container a writable disk without a bound"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_known_to_fail_is_told_before_a_build(text: str, message: str) -> None:
    (problem,) = check(parse(text), "D")
    assert str(problem) == message
    assert problem.hint


def test_the_apt_line_is_shown() -> None:
    text = OURS + "USER root\nRUN apk --no-cache add --virtual .deps py3-pip github-cli=2.0 jq\n"
    (problem,) = check(parse(text), "D")
    assert problem.hint == (
        "Write: RUN apt-get update && apt-get install -y --no-install-recommends python3-pip gh jq "
        "&& rm -rf /var/lib/apt/lists/*"
    )


PACKAGES = [
    ("apk add --no-cache gh jq", ("gh", "jq")),
    ("apk --no-cache add jq", ("jq",)),
    ("apk update && apk add jq && rm -rf /x && apk add curl", ("jq", "curl")),
    ("apk add -t .deps gcc && apk del .deps", ("gcc",)),
    ("apk add --virtual=.deps gcc; make", ("gcc",)),
    ("apk add $PACKAGES 'jq'", ("jq",)),
    ("apk update", ("PACKAGE",)),
]


@pytest.mark.parametrize(("line", "packages"), PACKAGES)
def test_what_apk_would_install(line: str, packages: tuple[str, ...]) -> None:
    (problem,) = check(parse(f"{OURS}RUN {line}\n"))
    assert f"--no-install-recommends {' '.join(packages)} &&" in problem.hint


def test_a_foreign_last_stage_is_told_in_the_words_of_the_page() -> None:
    (problem,) = check(parse("FROM debian\n"), "D")
    assert problem.hint.startswith("Check that it starts with FROM freehold-agent:latest")


def test_every_problem_is_told() -> None:
    text = OURS + "RUN apt-get update\nRUN apk add x\nVOLUME /x\n"
    assert [problem.line for problem in check(parse(text), "D")] == [2, 3, 4]


COMMANDS = [
    ("a b && c | d; e || f", [("a", "b"), ("c",), ("d",), ("e",), ("f",)]),
    ("A=1 B=2 a 'b c'", [("a", "b c")]),
    ("if x; then y; else z; fi", [("x",), ("y",), ("z",), ("fi",)]),
    ("(cd x && make)", [("cd", "x"), ("make",)]),
    ("--mount=type=cache,target=/x a b", [("a", "b")]),
    ('["a", "b c"]', [("a", "b c")]),
    ("[ -f x ] && a", [("[", "-f", "x", "]"), ("a",)]),
]


@pytest.mark.parametrize(("text", "expected"), COMMANDS)
def test_commands_of_a_run(text: str, expected: list[tuple[str, ...]]) -> None:
    assert list(commands(parse(f"RUN {text}\n").instructions[0])) == expected
