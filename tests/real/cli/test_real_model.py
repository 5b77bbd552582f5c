"""A run with a key and a provider: a stand-in for one on this machine, asked over HTTP like the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.models.answers.speech import Speech, SpokenCall
from freehold.models.fake_upstream import Behaviour
from freehold.models.tokens import Tokens
from tests.support.folders import write_files
from tests.support.program import Freehold, freehold_in
from tests.support.provider import Provider

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("real-model")]

KEY = "canary-of-a-model-key-4711"
SAYS = [
    Speech("1", "m-1", ("Looking.",), SpokenCall("call_1", "bash", {"command": "echo looked around"}), Tokens(100, 20)),
    Speech("2", "m-1", ("Writing.",), SpokenCall("call_2", "write", {"path": "N.md", "content": "x"}), Tokens(150, 20)),
    Speech("3", "m-1", ("Done.",), None, Tokens(200, 5)),
]


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def freehold(tmp_path: Path, provider: Provider) -> Iterator[Freehold]:
    project = write_files(
        tmp_path / "shop",
        {
            "config.toml": f"""\
                [models.main]
                provider = "custom"
                model = "m-1"
                base_url = "http://127.0.0.1:{provider.port}/v1"
            """,
            "agents/dev/SKILL.md": "---\nname: dev\ndescription: Works.\n---\nWork.\n",
            "agents/dev/config.toml": 'models = ["main"]\n',
        },
    )
    with freehold_in(project, tmp_path / "home") as program:
        done = program(
            "creds", "add", "custom_key", "--field", "token=-", "--field", "hosts=127.0.0.1", stdin=f"{KEY}\n"
        )
        assert done.returncode == 0, done.stderr
        yield program


def test_a_real_run_is_recorded_and_its_rehearsal_does_the_same(freehold: Freehold, provider: Provider) -> None:
    provider.upstream.behave(*(Behaviour(speech) for speech in SAYS))
    written = freehold.project / "agents" / "dev" / "rehearsal.yaml"
    real = freehold.events("run", "dev", "--record", str(written))
    assert real[-1]["error"] is None
    assert (real[-1]["usage"]["input"], real[-1]["usage"]["output"]) == (450, 45)
    assert [request.credential for request in provider.upstream.seen] == [KEY] * 3
    assert real[-1]["cost_usd"] is None, "a model without a known price costs an unknown sum, not nothing"
    provider.upstream.seen.clear()
    again = freehold.events("run", "dev", "--rehearse")
    assert again[-1]["error"] is None
    assert provider.upstream.seen == []
    assert _tools(again) == _tools(real)
    assert len(_tools(real)) == 2


def _tools(events: list[dict[str, object]]) -> list[object]:
    return [event["output"] for event in events if event["type"] == "tool.finished"]


def test_the_key_is_nowhere_but_at_the_provider(freehold: Freehold, provider: Provider) -> None:
    provider.upstream.behave(Behaviour(status=401, echo_credential=True))
    done = freehold("run", "dev", "--json")
    assert done.returncode == 1
    assert KEY not in done.stdout + done.stderr
    state = freehold.project / ".freehold"
    for file in state.rglob("*"):
        if file.is_file():
            assert KEY.encode() not in file.read_bytes(), file
    assert provider.upstream.seen[0].credential == KEY


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Behaviour(status=500), "500"),
        (Behaviour(garbage=True, stop_after=1), "JSON"),
        (Behaviour(cut=True, stop_after=2), "was cut"),
        (Behaviour(body=b"<html>busy</html>", content_type="text/html"), "check its base_url"),
    ],
    ids=["error", "garbage", "cut", "no-json"],
)
def test_a_provider_that_fails_ends_the_run_with_a_reason(
    freehold: Freehold, provider: Provider, fault: Behaviour, words: str
) -> None:
    provider.upstream.behave(fault)
    events = freehold.events("run", "dev")
    finished = events[-1]
    assert finished["result"] == "error"
    assert words in finished["error"]["message"]
    assert any(event["type"] == "model.request" for event in events)


def test_a_budget_of_tokens_ends_the_run_as_budget(freehold: Freehold, provider: Provider) -> None:
    config = freehold.project / "agents" / "dev" / "config.toml"
    config.write_text(config.read_text() + "[budget]\nturns_per_run = 2\n")
    provider.upstream.behave(*(Behaviour(speech) for speech in SAYS))
    finished = freehold.events("run", "dev")[-1]
    assert finished["result"] == "budget"
    assert "turns" in finished["error"]["message"]
    assert len(provider.upstream.seen) == 2


def test_a_key_goes_to_no_host_that_was_not_confirmed(freehold: Freehold) -> None:
    freehold("creds", "remove", "custom_key", "--yes")
    freehold("creds", "add", "custom_key", "--field", "token=-", stdin=f"{KEY}\n")
    finished = freehold.events("run", "dev")[-1]
    assert finished["result"] == "error"
    assert "not sent to 127.0.0.1" in finished["error"]["message"]
    assert "freehold creds add custom_key --field hosts=" in finished["error"]["hint"]
