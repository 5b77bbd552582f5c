"""`freehold creds check --live` and `creds add --check`, against a server that writes down what it is asked."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from freehold.base.secret import Secret
from freehold.cli.creds_ask import LARGEST_ANSWER_BYTES, ask
from freehold.project.credential import CredentialRef
from freehold.project.credential_checks import CHECKS
from freehold.project.credential_question import Judgement, Outcome
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.store.credentials import FileCredentialStore
from tests.support.command import Answer, freehold
from tests.support.folders import write_files
from tests.support.strict_server import Asked, Reply, StrictServer

CANARY = "canary-7f3a91d2e8c405b6"
MODELS = {"object": "list", "data": [{"id": "qwen"}]}


class Provider:
    """The server, and what it is to answer."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.server = StrictServer(self._reply)

    def _reply(self, asked: Asked) -> Reply:
        assert CANARY not in asked.target
        return self.replies.pop(0) if self.replies else Reply(500)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def asked(self) -> list[Asked]:
        return self.server.asked


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.server.close()


def values_of(name: str) -> dict[str, Secret]:
    """A value for each field; every one of them can be told again."""
    return {field: Secret(f"{field}-{CANARY}") for field in CREDENTIAL_TYPES[name].field_names}


async def asked(name: str, provider: Provider, *replies: Reply, deadline_s: float = 15.0) -> Judgement:
    provider.replies = list(replies)
    values = values_of(name)
    judgement = await ask(CHECKS[name].question_for(values), values, base_url=provider.url, deadline_s=deadline_s)
    assert CANARY not in str(judgement)
    return judgement


BEARER = f"Bearer token-{CANARY}"
BASIC = "Basic " + base64.b64encode(f"client_id-{CANARY}:client_secret-{CANARY}".encode()).decode()


@pytest.mark.parametrize(
    ("name", "method", "target", "header", "value"),
    [
        ("anthropic_key", "GET", "/v1/models?limit=1", "x-api-key", f"token-{CANARY}"),
        ("openai_key", "GET", "/models", "authorization", BEARER),
        ("groq_key", "GET", "/models", "authorization", BEARER),
        ("google_key", "GET", "/v1beta/models?pageSize=1", "x-goog-api-key", f"token-{CANARY}"),
        ("xai_key", "GET", "/models", "authorization", BEARER),
        ("mistral_key", "GET", "/models", "authorization", BEARER),
        ("openrouter_key", "GET", "/key", "authorization", BEARER),
        ("custom_key", "GET", "/models", "authorization", BEARER),
        ("github_token", "GET", "/user", "authorization", BEARER),
        ("sentry_token", "GET", "/api/0/", "authorization", BEARER),
        ("linear_token", "POST", "/graphql", "authorization", f"token-{CANARY}"),
        ("linear_oauth", "POST", "/graphql", "authorization", f"Bearer access_token-{CANARY}"),
        ("bugsnag_token", "GET", "/user", "authorization", f"token token-{CANARY}"),
        ("netlify_token", "GET", "/api/v1/user", "authorization", BEARER),
        ("slack_bot_token", "POST", "/api/auth.test", "authorization", BEARER),
        ("discord_bot", "GET", "/api/v10/users/@me", "authorization", f"Bot bot_token-{CANARY}"),
        ("reddit_oauth", "POST", "/api/v1/access_token", "authorization", BASIC),
        ("x_twitter_api", "GET", "/2/usage/tweets", "authorization", f"Bearer bearer_token-{CANARY}"),
        ("cloudflare_api_token", "GET", "/client/v4/user/tokens/verify", "authorization", f"Bearer api_token-{CANARY}"),
        ("vultr_api_key", "GET", "/v2/account", "authorization", f"Bearer api_key-{CANARY}"),
        ("hetzner_api_key", "GET", "/v1/locations?per_page=1", "authorization", f"Bearer api_key-{CANARY}"),
    ],
)
async def test_what_is_sent(
    provider: Provider, name: str, method: str, target: str, header: str, value: str
) -> None:  # fmt: skip
    await asked(name, provider, Reply(500))
    [request] = provider.asked
    assert (request.method, request.target, request.headers[header]) == (method, target, value)
    carrying = [name for name, sent in request.headers.items() if CANARY in sent]
    assert carrying == [header] or name == "reddit_oauth"
    assert request.headers["user-agent"].startswith("freehold/") or name == "reddit_oauth"
    assert CANARY.encode() not in request.body or name == "reddit_oauth"


def test_the_table_above_has_every_type() -> None:
    [mark] = [mark for mark in test_what_is_sent.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert sorted(row[0] for row in mark.args[1]) == sorted(CHECKS)


async def test_redditors_are_asked_for_by_their_own_names(provider: Provider) -> None:
    await asked("reddit_oauth", provider, Reply(200, {"access_token": "not for anybody", "scope": "*"}))
    [request] = provider.asked
    assert request.headers["user-agent"] == f"user_agent-{CANARY}"
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["password"], "username": [f"username-{CANARY}"], "password": [f"password-{CANARY}"],
    }  # fmt: skip


async def test_a_token_of_an_account_is_found_at_the_second_place(provider: Provider) -> None:
    unknown = Reply(401, {"success": False, "errors": [{"message": "Invalid API Token"}]})
    found = await asked("cloudflare_api_token", provider, unknown, Reply(200, {"success": True, "result": []}))
    assert found.outcome is Outcome.ACCEPTED
    assert [request.target for request in provider.asked][1] == "/client/v4/zones?per_page=1"
    nowhere = await asked("cloudflare_api_token", provider, unknown, Reply(403, {"success": False}))
    assert nowhere.outcome is Outcome.REFUSED


async def test_what_a_provider_says_is_shown_without_the_value_or_a_part_of_it(provider: Provider) -> None:
    masked = f"Incorrect API key provided: toke************{CANARY[-4:]}. Whole: token-{CANARY}\x1b[31m\nfake line"
    refused = await asked("openai_key", provider, Reply(401, {"error": {"message": masked}}))
    assert refused.said == "Incorrect API key provided: [hidden] Whole: [hidden][31m ⏎ fake line"


async def test_a_redirect_is_not_followed(provider: Provider) -> None:
    found = await asked("github_token", provider, Reply(302, {}, {"location": f"{provider.url}/elsewhere"}))
    assert found.outcome is Outcome.UNASKED
    assert "redirect" in found.said
    assert len(provider.asked) == 1


async def test_what_is_not_encrypted_goes_through_no_proxy(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    eavesdropper = StrictServer(lambda _: Reply(200, MODELS))
    monkeypatch.setenv("HTTP_PROXY", eavesdropper.url)
    monkeypatch.setenv("http_proxy", eavesdropper.url)
    try:
        assert (await asked("custom_key", provider, Reply(200, MODELS))).outcome is Outcome.ACCEPTED
        assert eavesdropper.asked == []
    finally:
        eavesdropper.close()


async def test_an_answer_without_end_is_cut(provider: Provider) -> None:
    login = json.dumps({"login": "octocat", "more": "x" * LARGEST_ANSWER_BYTES}).encode()
    found = await asked("github_token", provider, Reply(200, login))
    assert (found.outcome, found.said) == (Outcome.UNASKED, "its answer is too long to be one")


async def test_a_compressed_answer_is_not_unpacked(provider: Provider) -> None:
    packed = gzip.compress(json.dumps({"login": "octocat"}).encode())
    found = await asked("github_token", provider, Reply(200, packed, {"content-encoding": "gzip"}))
    assert found.outcome is Outcome.UNASKED
    assert provider.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("body", [b"", b"<html>Welcome to the hotel</html>", b"\xff\xfe", b"[" * 100_000])
async def test_what_is_no_json_is_no_answer(provider: Provider, body: bytes) -> None:
    assert (await asked("github_token", provider, Reply(200, body))).outcome is Outcome.UNASKED


async def test_a_provider_that_is_silent(provider: Provider) -> None:
    found = await asked("github_token", provider, Reply(hangs=True), deadline_s=0.2)
    assert (found.outcome, found.said) == (Outcome.UNASKED, "no answer in 0 s")


async def test_a_provider_that_is_away(provider: Provider) -> None:
    provider.server.close()
    found = await asked("github_token", provider)
    assert found.outcome is Outcome.UNASKED
    assert found.said.startswith("it cannot be reached: ")


class Setting:
    """A project whose models are asked at the server, and a home."""

    def __init__(self, folder: Path, provider: Provider) -> None:
        self.home, self.project, self.provider = folder / "home", folder / "shop", provider
        self.store = FileCredentialStore(self.home)
        self.models({"local": "custom"})

    def models(self, models: Mapping[str, str], address: str = "") -> None:
        url = address or f"{self.provider.url}/v1"
        tables = [
            f'[models.{name}]\nprovider = "{kind}"\nmodel = "m"\nbase_url = "{url}"\n' for name, kind in models.items()
        ]
        write_files(self.project, {"config.toml": "".join(tables), "agents/.keep": ""})

    def keep(self, name: str, **values: str) -> None:
        self.store.put(CredentialRef(name), {field: Secret(value) for field, value in values.items()})

    def creds(self, *words: str, stdin: str = "") -> Answer:
        answer = freehold("creds", *words, home=self.home, project=self.project, stdin=stdin)
        assert CANARY not in answer.everything
        return answer


@pytest.fixture
def here(tmp_path: Path, provider: Provider) -> Setting:
    return Setting(tmp_path, provider)


def test_a_key_is_asked_about_where_the_projects_models_use_it(here: Setting, provider: Provider) -> None:
    here.keep("custom_key", token=CANARY, hosts="127.0.0.1")
    provider.replies = [Reply(200, MODELS)]
    answer = here.creds("check", "--live", "custom_key")
    assert answer.code == 0, answer.everything
    assert answer.out.splitlines()[1].split("  ") == [
        "custom_key", "127.0.0.1", "accepted", "a server that asks for no key accepts every key",
    ]  # fmt: skip
    assert [(request.target, request.headers["authorization"]) for request in provider.asked] == [
        ("/v1/models", f"Bearer {CANARY}")
    ]


def test_a_refusal_ends_with_what_to_do(here: Setting, provider: Provider) -> None:
    here.models({"proxied": "openai"})
    here.keep("openai_key", token=CANARY, hosts="127.0.0.1")
    provider.replies = [Reply(401, {"error": {"message": f"Incorrect API key provided: {CANARY}."}})]
    answer = here.creds("check", "--live")
    assert answer.code == 4
    assert "openai_key  127.0.0.1  refused  Incorrect API key provided: [hidden]" in answer.out
    assert "error: openai_key is refused by 127.0.0.1: Incorrect API key provided: [hidden]" in answer.err
    assert "https://platform.openai.com/api-keys, then: freehold creds add openai_key" in answer.err


def test_a_key_is_not_sent_where_its_owner_did_not_allow_it(here: Setting, provider: Provider) -> None:
    here.models({"proxied": "openai"})
    here.keep("openai_key", token=CANARY)
    answer = here.creds("check", "--live", "openai_key")
    assert answer.code == 5
    assert "the key of openai is not sent to 127.0.0.1" in answer.err
    assert "freehold creds add openai_key --field hosts=127.0.0.1" in answer.err
    assert provider.asked == []


def test_a_key_is_never_sent_unencrypted_to_another_machine(here: Setting, provider: Provider) -> None:
    here.models({"proxied": "openai"}, "http://models.example.com/v1")
    here.keep("openai_key", token=CANARY, hosts="models.example.com")
    answer = here.creds("check", "--live")
    assert answer.code == 5
    assert "not sent unencrypted" in answer.err


def test_each_address_of_a_key_is_asked_once(here: Setting, provider: Provider) -> None:
    here.models({"one": "custom", "two": "custom"})
    here.keep("custom_key", token=CANARY, hosts="127.0.0.1")
    provider.replies = [Reply(200, MODELS)]
    assert here.creds("check", "--live").code == 0
    assert len(provider.asked) == 1


def test_who_cannot_be_asked_has_not_refused(here: Setting, provider: Provider) -> None:
    here.keep("custom_key", token=CANARY, hosts="127.0.0.1")
    provider.replies = [Reply(503, {"error": {"message": "starting"}})]
    answer = here.creds("check", "--live")
    assert answer.code == 5
    assert "error: custom_key could not be checked at 127.0.0.1: it answers with something else" in answer.err
    assert "(status 503): starting" in answer.err
    assert "refused" not in answer.everything


def test_types_that_nobody_can_be_asked_about_say_so(here: Setting, provider: Provider) -> None:
    here.models({})
    here.keep("custom_key", token=CANARY)
    here.keep("github_webhook_secret", secret=CANARY)
    here.keep("mintlify_token", token=CANARY)
    here.keep("git_ssh", username="Ana", email="ana@example.com")
    answer = here.creds("check", "--live")
    assert answer.code == 0
    unchecked = [line.split()[0] for line in answer.out.splitlines() if "  no check  " in line]
    assert unchecked == ["custom_key", "git_ssh", "github_webhook_secret", "mintlify_token"]
    assert "no model of this project says where it is used (base_url)" in answer.out
    assert provider.asked == []


def test_what_cannot_be_sent_is_not(here: Setting, provider: Provider) -> None:
    here.keep("custom_key", token=f"{CANARY}\u2026", hosts="127.0.0.1")
    here.keep("discord_bot", application_id="1", public_key="2")
    answer = here.creds("check", "--live")
    assert answer.code == 4
    assert "custom_key cannot be used: token holds characters that no such value has" in answer.err
    assert "discord_bot cannot be used: bot_token is missing" in answer.err
    assert provider.asked == []


def test_outcomes_in_json(here: Setting, provider: Provider) -> None:
    here.keep("custom_key", token=CANARY, hosts="127.0.0.1")
    provider.replies = [Reply(401, {"error": "no"})]
    answer = here.creds("check", "--live", "--json")
    assert answer.code == 4
    assert json.loads(answer.out) == {
        "checked": [
            {
                "credential": "custom_key", "outcome": "refused", "host": "127.0.0.1", "who": "", "scopes": "",
                "detail": "no", "hint": "Store another: freehold creds add custom_key",
            }
        ]
    }  # fmt: skip
    assert json.loads(answer.err)["error"]["code"] == "credential"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("check", "--live", "github_tokn"), 2, 'did you mean "github_token"?'),
        (("check", "--live", "github_token:acme"), 1, "github_token:acme is not stored"),
        (("check", "github_token"), 2, "credentials are named for --live only"),
        (("check", "--live", "--fix"), 2, "--live and --fix are two checks"),
    ],
)
def test_what_is_asked_wrongly(here: Setting, words: tuple[str, ...], code: int, said: str) -> None:
    answer = here.creds(*words)
    assert answer.code == code
    assert said in answer.err


def test_nothing_stored_is_nothing_to_ask(here: Setting) -> None:
    answer = here.creds("check", "--live")
    assert (answer.code, answer.out) == (0, "Nothing is stored yet.\n")


def test_a_refused_value_does_not_take_the_place_of_the_old_one(here: Setting, provider: Provider) -> None:
    here.keep("custom_key", token="the-old-one", hosts="127.0.0.1")
    provider.replies = [Reply(401, {"error": "no"})]
    answer = here.creds("add", "custom_key", "--check", "--field", "token=-", stdin=CANARY)
    assert answer.code == 4
    assert "error: custom_key is refused by 127.0.0.1: no\n" in answer.err
    assert "Nothing was stored." in answer.err
    kept = here.store.get(CredentialRef("custom_key"), "token")
    assert kept is not None
    assert kept.reveal() == "the-old-one"


def test_an_accepted_value_is_stored(here: Setting, provider: Provider) -> None:
    here.keep("custom_key", hosts="127.0.0.1")
    provider.replies = [Reply(200, MODELS)]
    answer = here.creds("add", "custom_key", "--check", "--field", "token=-", stdin=CANARY)
    assert answer.code == 0
    assert "custom_key: accepted at 127.0.0.1" in answer.err
    assert here.store.get(CredentialRef("custom_key"), "token")


def test_a_value_that_nobody_could_be_asked_about_is_stored_and_told(here: Setting, provider: Provider) -> None:
    here.keep("custom_key", hosts="127.0.0.1")
    answer = here.creds("add", "custom_key", "--check", "--field", "token=-", stdin=CANARY)
    assert answer.code == 5
    assert "custom_key is stored" in answer.out
    assert "custom_key could not be checked at 127.0.0.1" in answer.err
    assert here.store.get(CredentialRef("custom_key"), "token")


def test_without_the_flag_nobody_is_asked(here: Setting, provider: Provider) -> None:
    assert here.creds("add", "custom_key", "--field", "token=-", stdin=CANARY).code == 0
    assert provider.asked == []


def generated(folder: Path, name: str, passphrase: str = "") -> tuple[str, str]:
    path = folder / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path.read_text(), path.with_suffix(".pub").read_text()


@pytest.fixture
def pair(tmp_path: Path) -> Callable[..., tuple[str, str]]:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed: apt-get install openssh-client")
    return lambda name, passphrase="": generated(tmp_path, name, passphrase)


def test_a_key_pair_is_checked_on_this_machine(here: Setting, pair: Callable[..., tuple[str, str]]) -> None:
    private, public = pair("key")
    here.keep("vps_ssh", private_key=private, public_key=public)
    here.keep("git_ssh", id_rsa=private, username="Ana", email="ana@example.com")
    answer = here.creds("check", "--live")
    assert answer.code == 0, answer.everything
    assert answer.out.count("this machine") == 2
    assert answer.out.count("accepted") == 2


def test_a_public_key_of_another_pair(here: Setting, pair: Callable[..., tuple[str, str]]) -> None:
    here.keep("vps_ssh", private_key=pair("key")[0], public_key=pair("other")[1])
    answer = here.creds("check", "--live", "vps_ssh")
    assert answer.code == 4
    assert "vps_ssh cannot be used: the public key is not that of the private key" in answer.err


def test_a_key_with_a_passphrase(here: Setting, pair: Callable[..., tuple[str, str]]) -> None:
    here.keep("vps_ssh", private_key=pair("key", "secret")[0])
    answer = here.creds("check", "--live", "vps_ssh")
    assert answer.code == 4
    assert "the private key has a passphrase" in answer.err


def test_a_key_that_is_cut_off(here: Setting, pair: Callable[..., tuple[str, str]]) -> None:
    lines = pair("key")[0].splitlines()
    here.keep("vps_ssh", private_key="\n".join([*lines[:2], lines[-1]]))
    answer = here.creds("check", "--live", "vps_ssh")
    assert answer.code == 4
    assert "vps_ssh cannot be used: " in answer.err
