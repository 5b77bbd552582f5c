from __future__ import annotations

import pytest

from freehold.project.dockerfiles.stages import expand, is_bare, is_base, repository, stages, with_base
from freehold.project.dockerfiles.syntax import DockerfileError, parse

NEW = "freehold-agent:0123456789ab"

REWRITTEN = [
    ("our name", "FROM freehold-agent:latest", f"FROM {NEW}"),
    ("Action Llama's name", "FROM al-agent:latest", f"FROM {NEW}"),
    ("Action Llama's project base", "FROM al-project-base:latest", f"FROM {NEW}"),
    ("without a tag", "FROM freehold-agent", f"FROM {NEW}"),
    ("another tag", "FROM al-agent:1a2b3c4d", f"FROM {NEW}"),
    ("a digest", "FROM freehold-agent@sha256:aa", f"FROM {NEW}"),
    ("Docker's own spelling", "FROM docker.io/library/freehold-agent:latest", f"FROM {NEW}"),
    ("a named stage", "FROM al-agent AS tools", f"FROM {NEW} AS tools"),
    ("a platform", "FROM --platform=linux/amd64 al-agent AS x", f"FROM --platform=linux/amd64 {NEW} AS x"),
    ("an argument", "ARG BASE=al-agent:latest\nFROM ${BASE}", f"ARG BASE=al-agent:latest\nFROM {NEW}"),
    ("a default", "FROM ${BASE:-al-agent}", f"FROM {NEW}"),
    ("quotes", 'FROM "al-agent:latest"', f"FROM {NEW}"),
    ("several lines", "FROM \\\n  # ours\n  al-agent\nRUN x", f"FROM {NEW}\n#\n#\nRUN x"),
    ("every stage that names it", "FROM al-agent AS a\nRUN x\nFROM al-agent", f"FROM {NEW} AS a\nRUN x\nFROM {NEW}"),
    ("a stage of another image", "FROM golang:1 AS b\nFROM al-agent", f"FROM golang:1 AS b\nFROM {NEW}"),
    ("a stage that continues one", "FROM al-agent AS a\nFROM a", f"FROM {NEW} AS a\nFROM a"),
    ("an image with a like name", "FROM my/al-agent\nFROM al-agents", "FROM my/al-agent\nFROM al-agents"),
]


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in REWRITTEN], ids=[case[0] for case in REWRITTEN])
def test_the_base_under_a_dockerfile(before: str, after: str) -> None:
    dockerfile = parse(before + "\n")
    assert with_base(dockerfile, stages(dockerfile, "x"), NEW, ()) == after + "\n"


ON_BASE = [
    ("FROM al-agent", [True]),
    ("FROM alpine", [False]),
    ("FROM alpine AS a\nFROM al-agent\nCOPY --from=a /x /x", [False, True]),
    ("FROM al-agent AS a\nFROM A AS b\nFROM b", [True, True, True]),
    ("FROM alpine AS al-agent\nFROM al-agent", [False, False]),
]


@pytest.mark.parametrize(("text", "expected"), ON_BASE)
def test_which_stages_stand_on_our_base(text: str, expected: list[bool]) -> None:
    assert [stage.on_base for stage in stages(parse(text), "x")] == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("RUN x\nFROM al-agent", "1: RUN before the first FROM"),
        ("FROM a b c d", "1: FROM a b c d: cannot be read"),
        ("FROM $NOWHERE", "1: FROM $NOWHERE: the variable has no value"),
    ],
)
def test_what_cannot_be_a_stage(text: str, part: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        stages(parse(text), "x")
    assert str(caught.value) == part


OWN = [
    ("my-base:1", "my-base:2", True),
    ("my-base", "other", False),
    ("freehold-shop-1a2b-base:0123", "", True),
    ("freehold-harness-codex:2.6.0", "", True),
    ("freehold-shop-1a2b-dev:0123", "", False),
    ("anything", "", False),
]


@pytest.mark.parametrize(("reference", "own_base", "expected"), OWN)
def test_what_else_may_stand_below_an_agent(reference: str, own_base: str, expected: bool) -> None:
    assert is_base(reference, own_base) is expected


EXPANDED = [
    ("$A-x", {"A": "1"}, "1-x"),
    ("${A}x", {"A": "1"}, "1x"),
    ("${A}", {}, ""),
    ("${A:-d}", {}, "d"),
    ("${A:-d}", {"A": ""}, "d"),
    ("${A-d}", {"A": ""}, ""),
    ("${A:+i}", {"A": "1"}, "i"),
    ("${A:+i}", {"A": ""}, ""),
    ("${A+i}", {"A": ""}, "i"),
    ("a$", {}, "a$"),
]


@pytest.mark.parametrize(("text", "arguments", "expected"), EXPANDED)
def test_variables(text: str, arguments: dict[str, str], expected: str) -> None:
    assert expand(text, arguments) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("a", "a"),
        ("a:1", "a"),
        ("a:1@sha256:b", "a"),
        ("host:5000/a/b:1", "host:5000/a/b"),
        ("docker.io/library/a", "a"),
        ("localhost/a:1", "a"),
        ("docker.io/me/a", "me/a"),
    ],
)
def test_the_repository_of_a_reference(reference: str, expected: str) -> None:
    assert repository(reference) == expected


BARE = [
    ("FROM al-agent:latest\n", True),
    ("# a comment\nARG X=1\nFROM al-agent:$X\n\n", True),
    ("FROM al-agent\nRUN true\n", False),
    ("FROM al-agent AS a\nFROM a\n", False),
    ("FROM al-agent\nENV A=1\n", False),
]


@pytest.mark.parametrize(("text", "expected"), BARE)
def test_a_dockerfile_that_says_no_more_than_from(text: str, expected: bool) -> None:
    assert is_bare(parse(text)) is expected
