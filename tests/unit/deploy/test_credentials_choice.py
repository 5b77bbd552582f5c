"""Which credentials go to a server, and to which of the project's two users there."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.base.errors import EXIT_CODES, Code, FreeholdError
from freehold.base.secret import Secret
from freehold.deploy.credentials_choice import Chosen, Place, choose
from freehold.project.credential import CredentialRef, parse_ref
from freehold.project.credentials import EVERY_CREDENTIAL_TYPE
from freehold.project.load import Project, load_project
from freehold.store.credentials import MemoryCredentialStore
from tests.support.folders import write_files

MODELS = """
[models.sonnet]
provider = "anthropic"
model = "claude-sonnet-4-5"
authType = "api_key"
[models.gpt]
provider = "openai"
model = "gpt-5"
authType = "api_key"
"""
SCRIPT = "# it runs a script instead of a session"
SKILL = "---\nname: {name}\ndescription: A test agent.\n---\nDo it.\n"


def project(folder: Path, config: str = "", **agents: str) -> Project:
    """Agents by what their configuration says; those without a model ask `sonnet`."""
    files = {"config.toml": MODELS + config}
    for name, written in agents.items():
        model = "" if "models" in written else "models = ['sonnet']\n"
        schedule = "" if "webhooks" in written else "schedule = '0 0 * * *'\n"
        files[f"agents/{name}/SKILL.md"] = SKILL.format(name=name)
        files[f"agents/{name}/config.toml"] = f"{model}{schedule}{written}\n"
        if written == SCRIPT:
            files[f"agents/{name}/test-script.sh"] = "true\n"
    found = load_project(write_files(folder / "p", files), home=folder / "home")
    assert not found.broken, found.broken
    return found


def everything() -> MemoryCredentialStore:
    """Every type of credential, each field with a value that names it; of two types another instance besides."""
    store = MemoryCredentialStore()
    for name, kind in EVERY_CREDENTIAL_TYPE.items():
        store.put(CredentialRef(name), {field: Secret(f"{name}.{field}") for field in kind.field_names})
    for ref in (CredentialRef("github_token", "bot"), CredentialRef("github_webhook_secret", "old")):
        store.put(ref, {field: Secret(f"{ref}.{field}") for field in EVERY_CREDENTIAL_TYPE[ref.type].field_names})
    return store


def given(chosen: Chosen, place: Place) -> set[str]:
    """`type:instance.field` of everything; the values are the right ones."""
    values = chosen.values[place]
    assert all(value.reveal() == f"{ref}.{name}" for ref, fields in values.items() for name, value in fields.items())
    return {f"{ref}.{name}" for ref, fields in values.items() for name in fields}


KEY = {"anthropic_key.token", "anthropic_key.hosts"}
HOOK = '[webhooks.hub]\ntype = "github"\n'
HOOKED = "[[webhooks]]\nsource = 'hub'\n"


@pytest.mark.parametrize(
    ("config", "agents", "keeper", "gateway"),
    [
        ("", {"dev": ""}, KEY, set()),
        ("", {"dev": "credentials = ['github_token:bot']"}, KEY | {"github_token:bot.token"}, set()),
        ("", {"dev": "models = ['gpt']"}, {"openai_key.token", "openai_key.hosts"}, set()),
        ("", {"dev": SCRIPT}, set(), set()),
        ("", {"dev": "", "off": "models = ['gpt']\nscale = 0"}, KEY, set()),
        (HOOK, {"dev": ""}, KEY, set()),
        (HOOK, {"dev": HOOKED}, KEY, {"github_webhook_secret.secret"}),
        (HOOK + "allowUnsigned = true\n", {"dev": HOOKED}, KEY, set()),
        (
            HOOK + "previousCredential = 'old'\n",
            {"dev": HOOKED},
            KEY,
            {"github_webhook_secret.secret", "github_webhook_secret:old.secret"},
        ),
        ('[webhooks.hub]\ntype = "discord"\n', {"dev": HOOKED}, KEY, {"discord_bot.public_key"}),
        (
            '[webhooks.hub]\ntype = "discord"\n',
            {"dev": f"credentials = ['discord_bot']\n{HOOKED}"},
            KEY | {"discord_bot.application_id", "discord_bot.public_key", "discord_bot.bot_token"},
            {"discord_bot.public_key"},
        ),
        (
            '[mcp.tracker]\nurl = "https://mcp.example.com"\ncredential = "linear_oauth.access_token"\n',
            {"dev": "mcp = ['tracker']"},
            KEY | {"linear_oauth.access_token"},
            set(),
        ),
        ("", {"dev": "credentials = ['vps_ssh']"}, KEY | {"vps_ssh.private_key", "vps_ssh.public_key"}, set()),
    ],
)
def test_who_gets_what(
    config: str, agents: dict[str, str], keeper: set[str], gateway: set[str], tmp_path: Path
) -> None:
    chosen = choose(project(tmp_path, config, **agents), everything())
    assert given(chosen, Place.KEEPER) == keeper
    assert given(chosen, Place.GATEWAY) == gateway
    refs = {parse_ref(name.rpartition(".")[0]) for name in keeper | gateway}
    assert chosen.names == tuple(sorted(f"{ref.type}/{ref.instance}" for ref in refs))


def test_notices_are_the_gateways(tmp_path: Path) -> None:
    push = '[notices.push]\ntype = "ntfy"\nurl = "https://ntfy.sh/t"\ncredential = "ntfy_token.token"\n'
    chosen = choose(project(tmp_path, f'{push}[notices.chat]\ntype = "slack"\n', dev=""), everything())
    assert given(chosen, Place.GATEWAY) == {"slack_webhook.url", "ntfy_token.token"}
    assert given(chosen, Place.KEEPER) == KEY


def test_nothing_of_freeholds_own_is_ever_pushed(tmp_path: Path) -> None:
    own = {name for name, kind in EVERY_CREDENTIAL_TYPE.items() if kind.internal}
    chosen = choose(project(tmp_path, HOOK, dev=HOOKED), everything())
    assert not own & {name.split("/")[0] for name in chosen.names}
    assert "vps_ssh/default" not in chosen.names


def test_one_agent_brings_its_own_and_is_not_all(tmp_path: Path) -> None:
    found = project(
        tmp_path, f'{HOOK}[notices.chat]\ntype = "slack"\n', dev=HOOKED, ops="credentials = ['github_token']"
    )
    dev, ops = choose(found, everything(), "dev"), choose(found, everything(), "ops")
    assert (given(dev, Place.KEEPER), given(dev, Place.GATEWAY)) == (KEY, {"github_webhook_secret.secret"})
    assert (given(ops, Place.KEEPER), given(ops, Place.GATEWAY)) == (KEY | {"github_token.token"}, set())
    assert not dev.is_whole
    assert choose(found, everything()).is_whole


def test_every_missing_one_is_named_with_what_stores_it(tmp_path: Path) -> None:
    store = MemoryCredentialStore()
    store.put(CredentialRef("git_ssh"), {"username": Secret("me")})
    found = project(tmp_path, HOOK, dev=f"credentials = ['git_ssh', 'github_token:bot']\n{HOOKED}", ops="")
    chosen = choose(found, store)
    with pytest.raises(FreeholdError) as caught:
        chosen.require_complete()
    assert EXIT_CODES[caught.value.code] == 4
    for command in ("git_ssh", "github_token:bot", "anthropic_key", "github_webhook_secret"):
        assert f"freehold creds add {command}\n" in f"{caught.value.message}\n"
    assert "(email)" in caught.value.message
    assert caught.value.code is Code.CREDENTIAL
    names = ("anthropic_key/default", "git_ssh/default", "github_token/bot", "github_webhook_secret/default")
    assert chosen.names == names, "what a release needs does not depend on what is stored"


def test_optional_fields_go_along_only_when_they_are_there(tmp_path: Path) -> None:
    store = MemoryCredentialStore()
    store.put(CredentialRef("anthropic_key"), {"token": Secret("anthropic_key.token")})
    assert given(choose(project(tmp_path, dev=""), store), Place.KEEPER) == {"anthropic_key.token"}


def test_values_are_not_shown(tmp_path: Path) -> None:
    chosen = choose(project(tmp_path, dev=""), everything())
    assert "anthropic_key.token" not in repr(chosen)
