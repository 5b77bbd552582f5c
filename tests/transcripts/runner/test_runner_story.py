"""Whole runs of the real runner against a fake keeper: what it does, in which order, and how it ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from freehold.wire import session
from freehold.wire.brief import McpServer, StagedCredential, StagedField
from freehold.wire.events import HookOutput, Log, Message, ToolFinished, ToolStarted
from freehold.wire.exits import ExitCode
from freehold.wire.runs import Phase
from tests.support.fake_keeper import Ended, FakeKeeper, script


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[FakeKeeper]:
    keeper = FakeKeeper(tmp_path)
    await keeper.open()
    yield keeper
    await keeper.close()


def said(ended: Ended) -> str:
    return "".join(ended.texts(Message))


async def test_a_run_from_its_first_sign_of_life_to_its_last_word(keeper: FakeKeeper) -> None:
    ended = await keeper.run(
        keeper.brief(
            script("echo"), skill="Be brief. Branch: !`echo main`", prompt="<user-prompt>\nGo\n</user-prompt>",
            pre_hooks=["echo before"], post_hooks=["echo after; exit 3"],
        )
    )  # fmt: skip
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert said(ended) == "I was told: Be brief. Branch: main\n<user-prompt>\nGo\n</user-prompt>"
    assert [message.phase for message in ended.said if isinstance(message, session.EnterPhase)] == [
        Phase.PRE_HOOKS, Phase.CONTEXT, Phase.SESSION, Phase.POST_HOOKS,
    ]  # fmt: skip
    assert isinstance(ended.said[0], session.Hello)
    assert [message.stop_reason for message in ended.said if isinstance(message, session.TurnFinished)] == ["end_turn"]
    assert ended.said[-1] == session.Conclusion(error=None)
    first = ended.events[0]
    assert isinstance(first, Log)
    assert first.text == "runner started"
    hooks = [(event.hook, event.text, event.exit_code) for event in ended.events if isinstance(event, HookOutput)]
    assert hooks == [
        ("pre 1", "before\n", None), ("pre 1", "", 0), ("context 1", "main\n", None), ("context 1", "", 0),
        ("post 1", "after\n", None), ("post 1", "", 3),
    ]  # fmt: skip
    tools = [event for event in ended.events if isinstance(event, ToolStarted | ToolFinished)]
    assert isinstance(tools[0], ToolStarted)
    assert (tools[0].title, tools[0].kind, tools[0].input) == ("Look", "read", {"path": "/etc/hosts"})
    assert isinstance(tools[1], ToolFinished)
    assert (tools[1].status, tools[1].output) == ("completed", "127.0.0.1 localhost")
    assert [event.seq for event in ended.events] == list(range(1, len(ended.events) + 1))
    assert any("hooks.post[0]" in text and "exit code 3" in text for text in ended.texts(Log))


async def test_a_pre_hook_that_fails_ends_the_run(keeper: FakeKeeper) -> None:
    hooks = ["echo fine", "echo cloning; echo no such repository >&2; exit 128", "echo never"]
    ended = await keeper.run(keeper.brief(script("echo"), pre_hooks=hooks, post_hooks=["echo cleaned up"]))
    assert ended.exit_code == ExitCode.ERROR
    assert "hooks.pre[1] `echo cloning;" in ended.error
    assert "failed (exit code 128)" in ended.error
    assert ended.error.endswith("no such repository")
    assert {event.hook for event in ended.events if isinstance(event, HookOutput)} == {"pre 1", "pre 2"}
    assert said(ended) == ""


async def test_a_pre_hook_that_takes_too_long_is_ended_with_what_it_started(keeper: FakeKeeper) -> None:
    hook = "sleep 3600 & echo $! > child; trap '' TERM; sleep 3600"
    ended = await keeper.run(keeper.brief(script("echo"), pre_hooks=[hook], hook_timeout_s=0.3))
    assert ended.exit_code == ExitCode.ERROR
    assert "ran for longer than 0.3 s" in ended.error
    child = int((keeper.directory / "work" / "child").read_text())
    await keeper.wait_for(lambda: not Path(f"/proc/{child}").exists())


async def test_a_hook_may_leave_a_server_behind_for_the_run_but_not_longer(keeper: FakeKeeper) -> None:
    hook = "(while :; do echo tick; sleep 0.1; done) & echo $! > server"
    context = "!`kill -0 $(cat server) && echo alive`"
    ended = await keeper.run(keeper.brief(script("echo"), pre_hooks=[hook], skill=context))
    assert ended.exit_code == 0
    assert "alive" in said(ended)
    server = int((keeper.directory / "work" / "server").read_text())
    await keeper.wait_for(lambda: not Path(f"/proc/{server}").exists())


async def test_context_commands_that_fail_are_told_in_their_place(keeper: FakeKeeper) -> None:
    skill = "a !`echo no access >&2; exit 1` b !`exit 4` c !`sleep 60` d !`printf 'caf\\351'`"
    ended = await keeper.run(keeper.brief(script("echo"), skill=skill, context_timeout_s=0.3))
    assert ended.exit_code == 0
    text = said(ended)
    assert "a [Error: no access] b [Error: `exit 4` failed (exit code 4)] c [Error: `sleep 60` ran for longer" in text
    assert "d caf\N{REPLACEMENT CHARACTER}" in text


@pytest.mark.parametrize(("text", "exit_code"), [("echo tested; exit 0", 0), ("echo $AL_INSTANCE_ID; exit 42", 42)])
async def test_a_test_script_runs_instead_of_the_session(keeper: FakeKeeper, text: str, exit_code: int) -> None:
    path = keeper.directory / "test-script.sh"
    path.write_text(text)
    ended = await keeper.run(keeper.brief(script("crash"), script=str(path), post_hooks=["echo after"]))
    assert ended.exit_code == exit_code
    hooks = [event.hook for event in ended.events if isinstance(event, HookOutput)]
    assert hooks == ["script", "script", "post 1", "post 1"]


@pytest.mark.parametrize(
    ("text", "said"), [("echo plain", "plain"), ("#!/bin/bash\necho ${BASH_VERSION:+bash}", "bash")]
)
async def test_a_script_that_names_no_interpreter_is_the_shells(keeper: FakeKeeper, text: str, said: str) -> None:
    path = keeper.directory / "test-script.sh"
    path.write_text(text)
    path.chmod(0o755)
    ended = await keeper.run(keeper.brief(script("crash"), script=str(path)))
    assert (ended.exit_code, "".join(ended.texts(HookOutput))) == (0, f"{said}\n")


async def test_variables_and_what_setenv_keeps(keeper: FakeKeeper) -> None:
    credentials = keeper.directory / "credentials"
    (credentials / "token").write_text("ghp_0123456789\n")
    (credentials / "key").write_text("-----BEGIN KEY-----\nabcdefghijklmnopqrstuvwxyz\n-----END KEY-----\n")
    (credentials / "name").write_text("Ada Lovelace\n")
    staged = [
        StagedCredential("github_token", "default", {"token": StagedField("token", ["GITHUB_TOKEN", "GH_TOKEN"])}),
        StagedCredential(
            "git_ssh", "default",
            {"id_rsa": StagedField("key"), "username": StagedField("name", ["GIT_AUTHOR_NAME"], secret=False)},
        ),
    ]  # fmt: skip
    hooks = [
        'setenv GREETING "it\'s \\"me\\""',
        """echo "$GREETING|$GH_TOKEN|$GIT_AUTHOR_NAME"
        bash -c 'echo "$GREETING"; setenv LATER 1'
        bash -c 'echo "$LATER"'""",
        """git config --get-all credential.https://github.com.helper | wc -l
        git config http.proxy
        echo "$GIT_SSH_COMMAND" """,
        """printf 'protocol=https\\nhost=github.com\\n' | git credential fill | grep -c password=ghp_
        cat .freehold/id_rsa""",
        "printf 'protocol=https\\nhost=evil.test\\n' | git credential fill || echo refused",
        "stat -c %a .freehold .freehold/id_rsa",
    ]
    ended = await keeper.run(keeper.brief(script("echo"), pre_hooks=hooks, credentials=staged))
    assert (ended.exit_code, ended.error) == (0, "")
    output = dict.fromkeys(range(1, 7), "")
    for event in ended.events:
        if isinstance(event, HookOutput):
            output[int(event.hook.split()[1])] += event.text
    assert output[1] == "set 1 variable(s)\n"
    assert output[2].splitlines()[0] == 'it\'s "me"|[hidden]|Ada Lovelace'
    assert output[2].splitlines()[1:] == ['it\'s "me"', "set 1 variable(s)", "1"]
    level, proxy = output[3].splitlines()[:2]
    assert level == "2"
    # The loopback is shared here: where somebody has port 7702 already, any other takes its place.
    assert proxy.startswith("http://127.0.0.1:")
    for word in ("IdentitiesOnly=yes", "accept-new", "workspace/.ssh/known_hosts", "fh connect %h %p"):
        assert word in output[3]
    assert output[4].splitlines() == ["1", "[hidden]"]
    assert "refused" in output[5]
    assert output[6].split() == ["700", "600"]
    everything = (keeper.run_dir / "events.jsonl").read_text()
    assert "ghp_0123456789" not in everything
    assert "abcdefghijklm" not in everything


async def test_a_credential_that_cannot_be_read_is_named(keeper: FakeKeeper) -> None:
    staged = [StagedCredential("linear_token", "team", {"token": StagedField("missing", ["LINEAR_API_TOKEN"])})]
    ended = await keeper.run(keeper.brief(script("echo"), credentials=staged))
    assert ended.exit_code == ExitCode.AUTHENTICATION
    assert "credential linear_token:team/token cannot be read" in ended.error


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [("yes", '{"outcome": "selected", "optionId": "yes"}'), ("ever", '{"outcome": "selected", "optionId": "ever"}'),
     ("no", '{"outcome": "selected", "optionId": "no"}'), ("", '{"outcome": "selected", "optionId": "no"}'),
     ("made up", '{"outcome": "selected", "optionId": "no"}')],
)  # fmt: skip
async def test_the_keeper_decides_on_permissions(keeper: FakeKeeper, decision: str, outcome: str) -> None:
    keeper.decide = lambda _: decision
    ended = await keeper.run(keeper.brief(script("asks")))
    assert outcome in said(ended)
    asked = [message for message in ended.said if isinstance(message, session.AskPermission)]
    assert [(one.title, [option.id for option in one.options]) for one in asked] == [
        ("rm -rf build", ["yes", "ever", "no"])
    ]
    kinds = [type(event) for event in ended.events if isinstance(event, ToolStarted | Message)]
    assert kinds[0] is ToolStarted, "what is asked for is shown before the question"


async def test_an_open_question_is_asked_again_when_the_keeper_comes_back(keeper: FakeKeeper) -> None:
    keeper.decide = lambda _: None
    await keeper.start(keeper.brief(script("asks")))
    await keeper.wait_for(lambda: any(isinstance(message, session.AskPermission) for message in keeper.said))
    await keeper.close()
    keeper.decide = lambda _: "yes"
    await keeper.open()
    ended = await keeper.ended()
    assert '"optionId": "yes"' in said(ended)
    hellos = [message for message in ended.said if isinstance(message, session.Hello)]
    assert [hello.phase for hello in hellos] == [Phase.CONTAINER, Phase.SESSION]
    assert hellos[1].last_container_seq > 0
    assert (ended.exit_code, ended.conclusion.error) == (0, None)


async def test_a_keeper_that_comes_late_is_told_everything_in_order(tmp_path: Path) -> None:
    keeper = FakeKeeper(tmp_path)
    await keeper.start(keeper.brief(script("echo"), pre_hooks=["sleep 0.3"]))
    await keeper.wait_for(lambda: any(isinstance(event, Message) for event in keeper.events()))
    await keeper.open()
    ended = await keeper.ended()
    await keeper.close()
    assert ended.exit_code == 0
    assert [type(message).__name__ for message in ended.said] == [
        "Hello", "EnterPhase", "EnterPhase", "EnterPhase", "TurnFinished", "EnterPhase", "Conclusion",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("methods", "wanted", "used"),
    [(["oauth", "openai-api-key"], "", "openai-api-key"), (["oauth", "gemini-api-key"], "oauth", "oauth")],
)
async def test_a_harness_that_wants_a_login_by_variable(
    keeper: FakeKeeper, methods: list[str], wanted: str, used: str
) -> None:
    harness = script("logs_in", *methods)
    harness = type(harness)(harness.name, harness.command, harness.env, auth_method=wanted)
    ended = await keeper.run(keeper.brief(harness))
    assert (ended.exit_code, said(ended)) == (0, f"logged in by {used}")


async def test_a_prompt_that_comes_during_a_turn_is_the_next_turn(keeper: FakeKeeper) -> None:
    await keeper.start(keeper.brief(script("asks")))
    keeper.decide = lambda _: None
    await keeper.wait_for(lambda: any(isinstance(message, session.AskPermission) for message in keeper.said))
    await keeper.send(session.Prompt(text="and then this"))
    keeper.decide = lambda _: "yes"
    await keeper.send(session.Answer(permission_id="p1", option_id="yes"))
    ended = await keeper.ended()
    assert ended.exit_code == 0
    assert sum(isinstance(message, session.TurnFinished) for message in ended.said) == 2


async def test_cancel_ends_the_turn_and_then_the_run(keeper: FakeKeeper) -> None:
    await keeper.start(keeper.brief(script("polite"), post_hooks=["echo after"]))
    await keeper.wait_for(lambda: any(isinstance(event, Message) for event in keeper.events()))
    await keeper.send(session.Cancel(reason="no longer needed"))
    ended = await keeper.ended()
    assert ended.exit_code == ExitCode.ABORTED
    assert said(ended) == "readystopping"
    assert [message.stop_reason for message in ended.said if isinstance(message, session.TurnFinished)] == ["cancelled"]
    assert any(isinstance(event, HookOutput) for event in ended.events), "post hooks run"


@pytest.mark.parametrize("name", ["polite", "stubborn"])
async def test_sigterm_ends_everything_soon_and_without_post_hooks(keeper: FakeKeeper, name: str) -> None:
    await keeper.start(keeper.brief(script(name), post_hooks=["echo after"]))
    await keeper.wait_for(lambda: any(isinstance(event, Message) for event in keeper.events()))
    started = asyncio.get_running_loop().time()
    keeper.terminate()
    ended = await keeper.ended()
    assert asyncio.get_running_loop().time() - started < 4.5, "the keeper kills the container after 5 s"
    assert ended.exit_code == 128 + 15
    assert "it was sent SIGTERM" in ended.error
    [said] = [event for event in ended.events if isinstance(event, Log) and "it was sent SIGTERM" in event.text]
    assert said.level == "info", "whoever sent it says why; this is no error beside that"
    assert not any(isinstance(event, HookOutput) for event in ended.events)


async def test_sigterm_while_the_keeper_is_away(tmp_path: Path) -> None:
    keeper = FakeKeeper(tmp_path)
    await keeper.start(keeper.brief(script("polite")))
    await keeper.wait_for(lambda: any(isinstance(event, Message) for event in keeper.events()))
    started = asyncio.get_running_loop().time()
    keeper.terminate()
    ended = await keeper.ended()
    assert asyncio.get_running_loop().time() - started < 4.5
    assert ended.exit_code == 128 + 15
    assert any("it was sent SIGTERM" in text for text in ended.texts(Log)), "what the keeper cannot hear is written"


async def test_sigterm_during_a_hook(keeper: FakeKeeper) -> None:
    await keeper.start(keeper.brief(script("echo"), pre_hooks=["echo begun; sleep 3600"]))
    await keeper.wait_for(lambda: any(isinstance(event, HookOutput) for event in keeper.events()))
    keeper.terminate()
    ended = await keeper.ended()
    assert ended.exit_code == 128 + 15


@pytest.mark.parametrize("as_script", [True, False])
async def test_the_last_words_of_what_the_runs_end_cut_off_are_kept(keeper: FakeKeeper, as_script: bool) -> None:
    text = "trap 'echo last words; exit 1' TERM; echo begun; sleep 3600 & wait"
    path = keeper.directory / "test-script.sh"
    path.write_text(text)
    brief = (
        keeper.brief(script("echo"), script=str(path)) if as_script else keeper.brief(script("echo"), pre_hooks=[text])
    )
    await keeper.start(brief)
    await keeper.wait_for(lambda: any(isinstance(event, HookOutput) for event in keeper.events()))
    keeper.terminate()
    ended = await keeper.ended()
    assert "".join(ended.texts(HookOutput)) == "begun\nlast words\n"


async def test_orphans_are_reaped_and_none_is_left(keeper: FakeKeeper) -> None:
    ended = await keeper.run(keeper.brief(script("polite", "orphan")))
    assert ended.exit_code == 0
    marker = str(keeper.directory).encode()

    def left() -> list[str]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if (
                    entry.name.isdigit()
                    and marker in (entry / "environ").read_bytes()
                    and int(entry.name) != os.getpid()
                ):
                    found.append((entry / "cmdline").read_text())
            except OSError:
                continue
        return found

    await keeper.wait_for(lambda: not left())


async def test_an_idle_shell_waits_with_everything_set_up(keeper: FakeKeeper) -> None:
    await keeper.start(keeper.brief(script("crash"), idle_shell=True))
    setup = keeper.directory / "work" / ".freehold" / "environment.json"
    await keeper.wait_for(lambda: any(isinstance(message, session.EnterPhase) for message in keeper.said))
    assert setup.stat().st_mode & 0o777 == 0o600
    keeper.terminate()
    assert (await keeper.ended()).exit_code == 0


async def test_mcp_servers_that_the_harness_cannot_use_are_named(keeper: FakeKeeper) -> None:
    servers = [McpServer("docs", url="http://127.0.0.1:7701/mcp/docs"), McpServer("local", command=["server"])]
    ended = await keeper.run(keeper.brief(script("echo"), mcp_servers=servers))
    assert ended.exit_code == 0
    assert any("cannot use the MCP server docs" in text for text in ended.texts(Log))


@pytest.mark.parametrize("content", [None, b"", b"{}", b"not json"])
async def test_without_a_brief_there_is_no_run(tmp_path: Path, content: bytes | None) -> None:
    keeper = FakeKeeper(tmp_path)
    if content is not None:
        (keeper.run_dir / "prompt.json").write_bytes(content)
    await keeper.start(None)
    ended = await keeper.ended()
    assert (ended.exit_code, ended.events) == (ExitCode.CONFIGURATION, [])
    assert "prompt.json" in ended.stderr
