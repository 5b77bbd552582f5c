"""`freehold creds`: what it says, what it stores, and that no value is ever shown."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef, parse_ref
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.store.credentials import FileCredentialStore
from tests.support.command import Answer, freehold
from tests.support.folders import AGENT, one_agent, write_files
from tests.support.terminal import at_terminal

CANARY = "ghp_canary4f1d9ae07c"
GITHUB = CredentialRef("github_token")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def creds(*words: str, home: Path, stdin: str = "", project: Path | None = None) -> Answer:
    answer = freehold("creds", *words, home=home, stdin=stdin, project=project)
    assert CANARY not in answer.everything
    return answer


def stored(home: Path, ref: CredentialRef, field: str) -> str | None:
    found = FileCredentialStore(home).get(ref, field)
    return found.reveal() if found else None


def test_nothing_is_stored_at_first(home: Path) -> None:
    answer = creds("list", home=home)
    assert answer.code == 0
    assert answer.out == (
        "Nothing is stored yet. `freehold creds add TYPE` stores something, `freehold creds types` lists what.\n"
    )
    assert creds("list", "--json", home=home).out == "[]\n"


def test_a_value_from_standard_input(home: Path) -> None:
    answer = creds("add", "github_token", "--field", "token=-", home=home, stdin=f"{CANARY}\n")
    assert answer == Answer(0, "github_token is stored: token\n", "agents that list it find GITHUB_TOKEN, GH_TOKEN\n")
    assert stored(home, GITHUB, "token") == CANARY


def test_a_value_on_the_command_line_is_stored_with_a_warning(home: Path) -> None:
    answer = creds("add", "github_token:acme", "--field", f"token={CANARY}", home=home)
    assert answer.code == 0
    assert answer.err.startswith("warning: the value of token stood on the command line: it may be in your shell's")
    assert stored(home, CredentialRef("github_token", "acme"), "token") == CANARY


def test_what_is_no_secret_stands_on_the_command_line_without_a_warning(home: Path) -> None:
    answer = creds("add", "git_ssh", "--field", "username=A Name", "--field", "email=a@example.com", home=home)
    assert answer.code == 0
    assert answer.out == "git_ssh is stored: email, username\n"
    assert "warning" not in answer.err


REFUSED = [
    (["github_tokn"], 2, 'unknown credential type "github_tokn" (did you mean "github_token"?)'),
    (["../x"], 2,
     '"../x" has characters that a credential\'s name cannot have (letters, digits and . _ - @ are allowed)'),
    (["gateway_api_key"], 2, 'unknown credential type "gateway_api_key" (did you mean "vultr_api_key"?)'),
    (["github_token", "--field", f"tokn={CANARY}"], 2,
     'unknown field of github_token "tokn" (did you mean "token"?); there is: token'),
    (["github_token", "--field", CANARY], 2, "--field wants NAME=VALUE"),
    (["github_token", "--field", "token="], 2, "the value of token is empty"),
    (["github_token", "--field", f"token={CANARY}\nmore"], 2, "the value of token has more than one line"),
    (["slack_signing_secret", "--field", "secret=short"], 2,
     "the value of secret is too short: at least 8 characters are needed"),
    (["git_ssh", "--field", f"id_rsa={CANARY}"], 2,
     "the value of id_rsa is not a private key; it begins with a line `-----BEGIN ... PRIVATE KEY-----`"),
    (["gcp_service_account", "--field", f"key_json={CANARY}"], 2,
     "the value of key_json is not a JSON object; store the whole file that was downloaded"),
    (["github_token"], 2, "github_token needs token, and nobody can be asked"),
    (["git_ssh", "--field", "username=A"], 2, "git_ssh needs email, and nobody can be asked"),
    (["linear_oauth", "--field", "client_id=-", "--field", "client_secret=-"], 2,
     "only one field can be read from standard input"),
    (["github_token", "--generate"], 2, "a github_token cannot be made here"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "message"), REFUSED)
def test_what_cannot_be_stored_is_told(home: Path, words: list[str], code: int, message: str) -> None:
    answer = creds("add", *words, home=home)
    assert (answer.code, answer.out) == (code, "")
    assert f"error: {message}\n" in answer.err
    assert FileCredentialStore(home).list() == []


def test_a_host_is_allowed_for_a_key_that_is_stored(home: Path) -> None:
    missing = creds("add", "anthropic_key", "--field", "hosts=proxy.example.com", home=home)
    assert (missing.code, missing.err.splitlines()[0]) == (
        2, "error: anthropic_key needs token, and nobody can be asked",
    )  # fmt: skip
    key = CredentialRef("anthropic_key")
    FileCredentialStore(home).put(key, {"token": Secret(CANARY)})
    answer = creds("add", "anthropic_key", "--field", "hosts=proxy.example.com", home=home)
    assert answer == Answer(0, "anthropic_key is stored: hosts, token\n", "")
    assert (stored(home, key, "hosts"), stored(home, key, "token")) == ("proxy.example.com", CANARY)


def test_listing_and_forgetting(home: Path) -> None:
    FileCredentialStore(home).put(GITHUB, {"token": Secret(CANARY)})
    FileCredentialStore(home).put(CredentialRef("anthropic_key", "team"), {"token": Secret(CANARY)})
    assert creds("list", home=home).out == (
        "CREDENTIAL          FIELDS  FOR\n"
        "anthropic_key:team  token   the model gateway\n"
        "github_token        token   agents that list it\n"
    )
    refused = creds("remove", "github_token", home=home)
    assert (refused.code, refused.err) == (
        2, "error: this needs an answer: Forget github_token (token)?\n  give --yes to agree\n",
    )  # fmt: skip
    assert creds("remove", "github_token", "--yes", home=home).out == "github_token is forgotten\n"
    gone = creds("remove", "github_token", "--yes", home=home)
    assert (gone.code, gone.err) == (1, "error: github_token is not stored\n  stored: anthropic_key:team\n")


def test_what_freehold_itself_does_with_one_is_listed(home: Path) -> None:
    store = FileCredentialStore(home)
    for name, field in (("vps_ssh", "private_key"), ("vps_ssh:prod", "private_key"), ("hetzner_api_key", "api_key")):
        store.put(parse_ref(name), {field: Secret(CANARY)})
    rows = [line.split("  ") for line in creds("list", home=home).out.splitlines()[1:]]
    assert {row[0]: row[-1].strip() for row in rows} == {
        "hetzner_api_key": "renting servers; agents that list it",
        "vps_ssh": "logging in to servers; agents that list it",
        "vps_ssh:prod": "logging in to servers; agents that list it",
    }
    assert "Freehold itself needs it for renting servers.\n" in creds("types", "hetzner_api_key", home=home).out


def test_types_are_listed_and_told(home: Path) -> None:
    listed = creds("types", home=home).out.splitlines()
    assert len(listed) == len(CREDENTIAL_TYPES) + 1
    (git,) = [line for line in listed if line.startswith("git_ssh ")]
    assert " ".join(git.split()) == "git_ssh [id_rsa], username, email SSH key and git identity"
    assert creds("types", "git_ssh", home=home).out == (
        "git_ssh: SSH key and git identity\n"
        "The name and address of commits and, for clone and push over SSH, a private key without passphrase.\n"
        "  id_rsa: Private key (optional)\n"
        "  username: Author's name -> GIT_AUTHOR_NAME, GIT_COMMITTER_NAME\n"
        "  email: Author's address -> GIT_AUTHOR_EMAIL, GIT_COMMITTER_EMAIL\n"
        "An agent that lists it may reach github.com, gitlab.com, bitbucket.org.\n"
        "Store it: freehold creds add git_ssh\n"
    )
    assert len(json.loads(creds("types", "--json", home=home).out)) == len(CREDENTIAL_TYPES)


def test_check_finds_what_is_open_incomplete_unknown_or_missing(home: Path, tmp_path: Path) -> None:
    store = FileCredentialStore(home)
    store.put(GITHUB, {"token": Secret(CANARY)})
    store.put(CredentialRef("git_ssh"), {"username": Secret("x"), "nickname": Secret("y")})
    store.put(CredentialRef("githb_token"), {"token": Secret(CANARY)})
    token = home / "credentials/github_token/default/token"
    token.chmod(0o644)
    project = write_files(tmp_path / "project", one_agent(f"{AGENT}credentials = ['github_token', 'sentry_token:eu']"))
    answer = creds("check", home=home, project=project)
    assert answer.code == 4
    assert answer.err.splitlines() == [
        "error: 6 problems with credentials",
        f"  {token} has mode 0644, which lets others in; it should be 0600",
        "  git_ssh: email is missing: freehold creds add git_ssh",
        '  git_ssh: unknown field "nickname"; there are: email, id_rsa, username',
        '  githb_token: unknown credential type "githb_token" (did you mean "github_token"?)',
        '  sentry_token:eu is not stored; agent "dev" needs it: freehold creds add sentry_token:eu',
        '  anthropic_key is not stored; model "sonnet" of agent "dev" needs it: freehold creds add anthropic_key',
    ]
    fixed = creds("check", "--fix", home=home, project=project)
    assert fixed.err.splitlines()[:2] == [f"narrowed: {token}", "error: 5 problems with credentials"]
    assert token.stat().st_mode & 0o777 == 0o600


def test_check_is_content_with_what_is_right(home: Path) -> None:
    FileCredentialStore(home).put(GITHUB, {"token": Secret(CANARY)})
    assert creds("check", home=home) == Answer(0, "1 credential, all complete and private\n", "")
    assert json.loads(creds("check", "--json", home=home).out) == {"problems": [], "narrowed": []}


def test_a_key_pair_is_made(home: Path) -> None:
    answer = creds("add", "vps_ssh:box", "--generate", home=home)
    assert answer.code == 0
    reference = CredentialRef("vps_ssh", "box")
    private, public = stored(home, reference, "private_key"), stored(home, reference, "public_key")
    assert private is not None
    assert public is not None
    assert private.startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert public.startswith("ssh-ed25519 ")
    assert answer.out.endswith(f"{public}\n")
    assert private.splitlines()[1] not in answer.everything


@pytest.fixture
def private_key(tmp_path: Path) -> Path:
    path = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def test_a_secret_that_is_typed_is_not_shown(home: Path, tmp_path: Path) -> None:
    code, shown = at_terminal(["creds", "add", "github_token"], [("Token: ", CANARY)], home=home, folder=tmp_path)
    assert code == 0, shown
    assert "What you type is not shown." in shown
    assert CANARY not in shown
    assert stored(home, GITHUB, "token") == CANARY


def test_what_is_asked_for_is_kept_when_enter_is_pressed(home: Path, tmp_path: Path, private_key: Path) -> None:
    questions = ["Private key (Enter to leave it): file: ", "Author's name: ", "Author's address: "]
    answers = [str(private_key), "A Name", "a@example.com"]
    code, shown = at_terminal(
        ["creds", "add", "git_ssh"], list(zip(questions, answers, strict=True)), home=home, folder=tmp_path
    )
    assert code == 0, shown
    assert "git_ssh is stored: email, id_rsa, username" in shown
    again = [("(Enter to leave it): file: ", ""), ("name (Enter to leave it): ", "Another"), ("leave it): ", "")]
    code, shown = at_terminal(["creds", "add", "git_ssh"], again, home=home, folder=tmp_path)
    assert code == 0, shown
    identity = CredentialRef("git_ssh")
    assert stored(home, identity, "id_rsa") == private_key.read_text().strip()
    assert (stored(home, identity, "username"), stored(home, identity, "email")) == ("Another", "a@example.com")


def test_a_wrong_answer_is_asked_for_again(home: Path, tmp_path: Path) -> None:
    dialogue = [("Secret: ", "short"), ("Secret: ", "long enough")]
    code, shown = at_terminal(["creds", "add", "linear_webhook_secret"], dialogue, home=home, folder=tmp_path)
    assert code == 0, shown
    assert "That is too short: at least 8 characters are needed." in shown
    assert "long enough" not in shown
