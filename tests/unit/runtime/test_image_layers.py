from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from freehold.project.dockerfiles.stages import stages
from freehold.project.dockerfiles.syntax import parse
from freehold.runtime.images.harness_layers import HARNESS_LAYERS
from freehold.runtime.images.layers import (
    Foundation,
    Kind,
    Layer,
    Recipe,
    agent_layer,
    base_layer,
    harness_layer,
    project_layer,
)


@dataclass(frozen=True)
class Bytes:
    digest: str = "d"

    def stage(self, target: Path) -> None:
        raise NotImplementedError


def recipe(text: str = "FROM freehold-agent:latest\nRUN true\n", digest: str = "d") -> Recipe:
    dockerfile = parse(text)
    return Recipe(dockerfile, stages(dockerfile, "x"), Bytes(digest), "agents/dev/Dockerfile")


BASE = base_layer("FROM debian\n", Bytes(), "")


def repository(layer: Layer) -> str:
    return layer.name.partition(":")[0]


def test_the_names_of_the_layers() -> None:
    harness = harness_layer(HARNESS_LAYERS["opencode"], "FROM x\n", Bytes(), BASE)
    project = project_layer("shop-1a2b", recipe(), harness)
    agent = agent_layer("shop-1a2b", "dev", recipe(), project)
    assert [repository(layer) for layer in (BASE, harness, project, agent)] == [
        "freehold-agent",
        "freehold-harness-opencode",
        "freehold-shop-1a2b-base",
        "freehold-shop-1a2b-dev",
    ]
    assert BASE.name == f"freehold-agent:{BASE.identity}"
    assert len(BASE.identity) == 12
    assert harness.aliases == (f"freehold-harness-opencode:{HARNESS_LAYERS['opencode'].version}",)
    assert agent.aliases == ("freehold-shop-1a2b-dev:latest",)


def test_an_agent_called_base_does_not_meet_the_projects_base() -> None:
    assert repository(agent_layer("p", "base", recipe(), BASE)) != repository(project_layer("p", recipe(), BASE))


def test_two_projects_never_meet() -> None:
    assert agent_layer("a-1111", "dev", recipe(), BASE).name != agent_layer("a-2222", "dev", recipe(), BASE).name


def test_every_input_counts_for_the_tag() -> None:
    """And nothing else: the same inputs give the same name on every machine."""
    names = [
        agent_layer("p", "dev", recipe(), BASE).name,
        agent_layer("p", "dev", recipe("FROM freehold-agent:latest\nRUN false\n"), BASE).name,
        agent_layer("p", "dev", recipe(digest="e"), BASE).name,
        agent_layer("p", "dev", recipe(), base_layer("FROM debian\n", Bytes("e"), "")).name,
        agent_layer("p", "dev", recipe(), Foundation("my-base:1", "sha256:1")).name,
        agent_layer("p", "dev", recipe(), Foundation("my-base:1", "sha256:2")).name,
    ]
    assert len(set(names)) == len(names)
    assert agent_layer("p", "dev", recipe(), BASE).name == names[0]


def test_where_debian_comes_from_counts_only_when_it_was_asked_for() -> None:
    assert base_layer("FROM debian\n", Bytes(), "my-debian:13").name != BASE.name
    assert base_layer("FROM debian\n", Bytes(), "").name == BASE.name


def test_a_change_below_changes_everything_above() -> None:
    def top(base: Layer) -> Layer:
        return agent_layer("p", "dev", recipe(), project_layer("p", recipe(), base))

    assert top(BASE).name != top(base_layer("FROM debian\n", Bytes("newer"), "")).name


def test_the_dockerfile_stands_on_the_parent_and_ends_as_the_runners() -> None:
    text = 'FROM al-agent AS tools\nUSER root\nRUN make\nFROM freehold-agent\nUSER root\nENTRYPOINT sh\nCMD ["x"]\n'
    layer = agent_layer("p", "dev", recipe(text), BASE)
    assert layer.dockerfile.splitlines() == [
        f"FROM {BASE.name} AS tools",
        "USER root",
        "RUN make",
        f"FROM {BASE.name}",
        "USER root",
        "ENTRYPOINT sh",
        'CMD ["x"]',
        "USER node",
        "WORKDIR /tmp",
        'ENTRYPOINT ["/app/bin/runner"]',
        "CMD []",
    ]


def test_labels_say_whose_an_image_is() -> None:
    layer = agent_layer("p", "dev", recipe(), BASE)
    assert layer.labels == {
        "dev.freehold.kind": "agent",
        "dev.freehold.project": "p",
        "dev.freehold.agent": "dev",
        "dev.freehold.inputs": layer.identity,
    }
    assert BASE.labels == {"dev.freehold.kind": "base", "dev.freehold.inputs": BASE.identity}


def test_a_harness_layer_is_told_its_base_by_an_argument() -> None:
    layer = harness_layer(HARNESS_LAYERS["codex"], "ARG BASE\nFROM ${BASE}\n", Bytes(), BASE)
    assert layer.arguments == {"BASE": BASE.name}
    assert layer.kind is Kind.HARNESS
    assert layer.dockerfile.startswith("ARG BASE\nFROM ${BASE}\n")
    assert layer.dockerfile.endswith('\nENTRYPOINT ["/app/bin/runner"]\nCMD []\n')


def test_another_version_is_another_layer() -> None:
    codex = HARNESS_LAYERS["codex"]
    before = harness_layer(codex, "FROM x\n", Bytes(), BASE)
    after = harness_layer(replace(codex, version="99"), "FROM x\n", Bytes("new lock"), BASE)
    assert before.name != after.name
    assert after.aliases == ("freehold-harness-codex:99",)
