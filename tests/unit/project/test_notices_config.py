"""Notices in the configuration: which channels there are, what opens them, and whom each agent tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.project.agent import Agent
from freehold.project.load import Project, check, load_project
from freehold.project.needs import needs_of_project
from freehold.project.notices import ChannelType, NoticeKind, url_problem
from tests.support.folders import MODEL, SKILL, write_files

CHANNELS = """
[notices.team]
type = "slack"

[notices.phone]
type = "ntfy"
url = "https://ntfy.sh/my-topic"
kinds = ["permission"]

[notices.office]
type = "email"
to = ["me@example.com"]
from = "freehold@example.com"
host = "smtp.example.com"
credential = "smtp:office.password"
default = false
kinds = ["completed", "failed"]
"""
AGENT = 'models = ["sonnet"]\nschedule = "0 0 1 1 *"\n'


def project(tmp_path: Path, config: str = CHANNELS, agent: str = "") -> Project:
    lay_out(tmp_path, config, agent)
    return load_project(tmp_path, home=tmp_path / "home")


def lay_out(tmp_path: Path, config: str, agent: str) -> None:
    files = {"config.toml": config + MODEL, "agents/dev/SKILL.md": SKILL, "agents/dev/config.toml": AGENT + agent}
    write_files(tmp_path, files)


def errors(tmp_path: Path, config: str, agent: str = "") -> list[str]:
    lay_out(tmp_path, config, agent)
    return [str(problem) for problem in check(tmp_path, home=tmp_path / "home").problems.errors]


def dev(tmp_path: Path, agent: str, config: str = CHANNELS) -> Agent:
    return project(tmp_path, config, agent).agent("dev")


def test_channels_are_read_with_their_usual_credentials(tmp_path: Path) -> None:
    channels = project(tmp_path).config.notices
    assert {name: channel.type for name, channel in channels.items()} == {
        "team": ChannelType.SLACK,
        "phone": ChannelType.NTFY,
        "office": ChannelType.EMAIL,
    }
    assert {name: str(channel.credential) for name, channel in channels.items()} == {
        "team": "slack_webhook.url",
        "phone": "None",
        "office": "smtp:office.password",
    }
    mail = channels["office"].mail
    assert mail
    assert (mail.host, mail.port, mail.security) == ("smtp.example.com", 587, "starttls")


def test_what_channels_are_opened_with_is_needed(tmp_path: Path) -> None:
    needs = {(str(need.ref), need.fields, need.asked_by) for need in needs_of_project(project(tmp_path))}
    assert ("slack_webhook", ("url",), 'notice channel "team"') in needs
    assert ("smtp:office", ("password",), 'notice channel "office"') in needs


ROUTES = [
    ("", {"failed": ["team"], "budget": ["team"], "dead_letter": ["team"], "permission": ["team", "phone"]}),
    ('notices = ["office"]', {"failed": ["office"], "completed": ["office"]}),
    ("notices = []", {}),
    (
        'notices = { failed = ["office", "office"], permission = [] }',
        {"failed": ["office"], "budget": ["team"], "dead_letter": ["team"], "permission": []},
    ),
]


@pytest.mark.parametrize(("agent", "routes"), ROUTES)
def test_where_an_agents_notices_go(tmp_path: Path, agent: str, routes: dict[str, list[str]]) -> None:
    found = dev(tmp_path, agent).notices
    assert {str(kind): list(names) for kind, names in found.items()} == routes


WRONG = [
    ('[notices.a]\ntype = "slak"', 'config.toml: notices.a.type: unknown value "slak" (did you mean "slack"?)'),
    ('[notices.a]\ntype = "slack"\nkinds = ["fail"]', 'notices.a.kinds[0]: unknown kind of notice "fail"'),
    ('[notices.a]\ntype = "slack"\nurl = "https://x.example"', "notices.a.url: is for ntfy and webhook, not for slack"),
    ('[notices.a]\ntype = "ntfy"', "notices.a.url: is missing; write for example https://ntfy.sh/my-topic"),
    ('[notices.a]\ntype = "ntfy"\nurl = "https://ntfy.sh"', "notices.a.url: must be the server and one topic"),
    ('[notices.a]\ntype = "webhook"\nurl = "http://example.com/x"', "notices.a.url: must begin with https://"),
    ('[notices.a]\ntype = "slack"\ncredential = "smtp.password"', "is not what opens slack; write slack_webhook.url"),
    ('[notices.a]\ntype = "slack"\ncredential = "slack"', "is not a credential's field"),
    ('[notices.a]\ntype = "email"', 'notices.a.to: is missing: to = ["me@example.com"]'),
    (
        '[notices.a]\ntype = "email"\nto = ["a@b.c\\nBcc: x@example.com"]\nfrom = "a@b.c"\nhost = "m.x"',
        "notices.a.to[0]: ",
    ),
    (
        '[notices.a]\ntype = "email"\nto = ["a@b.c"]\nfrom = "a@b.c"\nhost = "m.example"\nsecurity = "none"',
        'notices.a.security: "none" is for a mail server on this machine',
    ),
    ('[notices.a]\ntype = "slack"\nkind = []', 'notices.a.kind: unknown key "kind" (did you mean "kinds"?)'),
]


@pytest.mark.parametrize(("config", "said"), WRONG)
def test_mistakes_are_named_where_they_are(tmp_path: Path, config: str, said: str) -> None:
    found = errors(tmp_path, config)
    assert any(said in error for error in found), found


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ('notices = ["teem"]', 'notices[0]: unknown notice channel "teem" (did you mean "team"?)'),
        ('notices = { failed = ["x"] }', 'notices.failed[0]: unknown notice channel "x"'),
        ('notices = { fialed = ["team"] }', 'notices.fialed: unknown key "fialed" (did you mean "failed"?)'),
        ('notices = "team"', "notices: must be a list of strings or a table, not a string"),
        ('permission_default = "ask"', 'permission_default: unknown value "ask"'),
        ("permission_deadline = 0", "permission_deadline: must be at least 1"),
        ('credentials = ["slack_webhook"]', "credentials[0]: slack_webhook is what notices are sent with"),
    ],
)
def test_an_agents_mistakes_are_named_where_they_are(tmp_path: Path, agent: str, said: str) -> None:
    found = errors(tmp_path, CHANNELS, agent)
    assert any(said in error for error in found), found


def test_how_long_a_person_has_for_an_answer(tmp_path: Path) -> None:
    usual = dev(tmp_path, "")
    assert (usual.permission_deadline_s, usual.permission_default) == (300, "deny")
    project_wide = 'permission_default = "allow"\npermission_deadline = 10\n'
    own = dev(tmp_path, "permission_deadline = 60", project_wide + CHANNELS)
    assert (own.permission_deadline_s, own.permission_default) == (60, "allow")


def test_questions_that_cannot_be_answered_are_warned_of(tmp_path: Path) -> None:
    agent = dev(tmp_path, 'permissions = "ask"\npermission_deadline = 900')
    told = " ".join(str(warning) for warning in agent.warnings)
    assert "permission_deadline: is 900 s, and a run is ended after 900 s" in told
    assert "set `gateway.url`" in told
    assert NoticeKind.PERMISSION in agent.notices


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://example.com/x", ""),
        ("http://127.0.0.1:9/x", ""),
        ("http://localhost/x", ""),
        ("http://example.com/x", "must begin with https://"),
        ("https://user:pw@example.com/", "holds a password"),
        ("ftp://example.com", "is not an address"),
        ("https://[::1", "is not an address"),
        ("https://example.com:port/", "is not an address"),
        ("https://exa mple.com/", "is not an address"),
    ],
)
def test_addresses_that_notices_are_sent_to(url: str, said: str) -> None:
    assert said in url_problem(url)
    assert bool(said) == bool(url_problem(url))
