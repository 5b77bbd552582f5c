"""`fh` and its aliases: what they send, what they print, and which exit code says what."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from freehold.wire.exits import EXIT_OF_STATUS
from tests.support.fake_keeper import Asked, FakeKeeper

SOURCE = Path(__file__).parents[3] / "src"
NASTY = 'quotes " and \' newline \n backslash \\ dollar $HOME `id` tab \t {"json": true} \N{SNOWMAN}'


@dataclass
class Said:
    code: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


class Shell:
    """Runs `fh`, by its name or by one of its aliases, with a keeper that answers as it is told."""

    def __init__(self, keeper: FakeKeeper, bin_dir: Path) -> None:
        self.keeper = keeper
        self._bin_dir = bin_dir
        program = bin_dir / "fh"
        program.write_text(
            f"#!{sys.executable} -IS\nimport sys\nsys.path.insert(0, {str(SOURCE)!r})\n"
            "from freehold.runner.fh import main\nsys.exit(main())\n"
        )
        program.chmod(0o755)

    async def __call__(self, name: str, *arguments: str, stdin: bytes | None = None, **env: str) -> Said:
        program = self._bin_dir / name
        if not program.exists():
            program.symlink_to("fh")
        process = await asyncio.create_subprocess_exec(
            str(program), *arguments,
            env={"PATH": os.environ["PATH"], "FREEHOLD_RUN_DIR": str(self.keeper.run_dir), **env},
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(30):
            output, errors = await process.communicate(stdin)
        assert process.returncode is not None
        return Said(process.returncode, output.decode(), errors.decode())

    @property
    def asked(self) -> list[tuple[str, str, Any]]:
        return [(asked.method, asked.path, asked.body) for asked in self.keeper.asked]


@pytest.fixture
async def fh(tmp_path: Path) -> AsyncIterator[Shell]:
    keeper = FakeKeeper(tmp_path)
    await keeper.open()
    (tmp_path / "bin").mkdir()
    yield Shell(keeper, tmp_path / "bin")
    await keeper.close()


SAYINGS: list[tuple[str, list[str], bytes | None, tuple[str, str, Any]]] = [
    ("fh", ["status", "reading"], None, ("POST", "/v1/run/status", {"text": "reading"})),
    ("al-status", [NASTY], None, ("POST", "/v1/run/status", {"text": NASTY})),
    ("fh", ["return", "a", "b"], None, ("POST", "/v1/run/return", {"value": "a b"})),
    ("fh", ["return"], b"line one\nline \"two\"\n", ("POST", "/v1/run/return", {"value": 'line one\nline "two"'})),
    ("al-return", [], b"caf\xe9", ("POST", "/v1/run/return", {"value": "caf\N{REPLACEMENT CHARACTER}"})),
    ("fh", ["return", ""], None, ("POST", "/v1/run/return", {"value": ""})),
    ("fh", ["rerun"], None, ("POST", "/v1/run/rerun", {})),
    ("al-rerun", [], None, ("POST", "/v1/run/rerun", {})),
    ("fh", ["exit"], None, ("POST", "/v1/run/exit", {"code": 15})),
    ("al-exit", ["3"], None, ("POST", "/v1/run/exit", {"code": 3})),
    ("fh", ["shutdown", "a leak"], None, ("POST", "/v1/run/shutdown", {"reason": "a leak"})),
    ("al-shutdown", [], None, ("POST", "/v1/run/shutdown", {"reason": ""})),
    ("fh", ["lock", "github://o/r/issues/1"], None,
     ("POST", "/v1/run/locks/acquire", {"uri": "github://o/r/issues/1"})),
    ("rlock", ["github://o/r/issues/1"], None, ("POST", "/v1/run/locks/acquire", {"uri": "github://o/r/issues/1"})),
    ("runlock", ["file:///x"], None, ("POST", "/v1/run/locks/release", {"uri": "file:///x"})),
    ("rlock-heartbeat", ["file:///x"], None, ("POST", "/v1/run/locks/heartbeat", {"uri": "file:///x"})),
    ("fh", ["call", "reviewer"], NASTY.encode(), ("POST", "/v1/run/calls", {"agent": "reviewer", "context": NASTY})),
    ("al-subagent", ["reviewer"], b"", ("POST", "/v1/run/calls", {"agent": "reviewer", "context": ""})),
    ("fh", ["check", "a/b?c"], None, ("GET", "/v1/run/calls/a/b?c", None)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "stdin", "asked"), SAYINGS)
async def test_what_is_sent_is_what_was_meant(
    fh: Shell, name: str, arguments: list[str], stdin: bytes | None, asked: tuple[str, str, Any]
) -> None:
    said = await fh(name, *arguments, stdin=stdin)
    assert said.code == 0
    assert fh.asked == [asked]
    assert isinstance(said.json, dict)


@pytest.mark.parametrize(("status", "code"), [*EXIT_OF_STATUS.items(), (418, 7), (429, 7)])
async def test_every_status_is_an_exit_code(fh: Shell, status: int, code: int) -> None:
    fh.keeper.answers["/v1/run/locks/acquire"] = (status, {"code": "x", "message": "held by run 7", "hint": "wait"})
    said = await fh("rlock", "file:///x")
    assert said.code == code
    if code:
        assert said.json == {"ok": False, "code": "x", "message": "held by run 7", "hint": "wait"}
        assert said.errors == "fh: held by run 7\nwait\n"
    else:
        assert said.json["ok"] is True


async def test_what_is_printed_is_what_scripts_compare_with(fh: Shell) -> None:
    fh.keeper.answers["/v1/run/status"] = (200, {"ok": True, "detail": None})
    assert (await fh("al-status", "x")).output == '{"ok": true}\n'


async def test_a_refusal_that_is_no_json_is_a_refusal(fh: Shell) -> None:
    fh.keeper.answers["/v1/run/status"] = (500, "<html>")
    said = await fh("fh", "status", "x")
    assert said.code == 12
    assert said.json["ok"] is False


@pytest.mark.parametrize("command", [["status", "x"], ["lock", "file:///x"], ["call", "a"], ["return", "v"], ["exit"]])
async def test_without_a_run_nothing_is_ok(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "bin").mkdir()
    shell = Shell(FakeKeeper(tmp_path), tmp_path / "bin")
    shell.keeper.run_dir.rmdir()
    said = await shell("fh", *command)
    assert (said.code, said.output) == (6, "")
    assert "the keeper of this run does not answer" in said.errors


async def test_a_keeper_that_is_replaced_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    shell = Shell(FakeKeeper(tmp_path), tmp_path / "bin")
    saying = asyncio.ensure_future(shell("fh", "status", "x"))
    await asyncio.sleep(0.3)
    await shell.keeper.open()
    assert (await saying).code == 0
    await shell.keeper.close()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}", b"hello\r\n\r\n"])
async def test_half_an_answer_is_none(tmp_path: Path, answer: bytes) -> None:
    (tmp_path / "bin").mkdir()
    shell = Shell(FakeKeeper(tmp_path), tmp_path / "bin")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        shutil.rmtree(tmp_path / "run")  # the run is over: nothing is waited for
        writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "run" / "run.sock")
    said = await shell("rlock", "file:///x")
    server.close()
    assert (said.code, said.output) == (6, "")


@pytest.mark.parametrize(
    "command",
    [
        [], ["dance"], ["status"], ["rerun", "now"], ["exit", "many"], ["exit", "256"], ["exit", "-1"], ["lock"],
        ["lock", "no-uri"], ["lock", "file:///a", "file:///b"], ["call"], ["check"], ["wait"], ["wait", "--timeout"],
        ["wait", "a", "--timeout", "soon"], ["connect", "host"], ["connect", "host", "https"], ["setenv"],
        ["setenv", "A"], ["setenv", "1A", "x"], ["setenv", "A-B", "x"],
    ],
)  # fmt: skip
async def test_wrong_use_says_how(fh: Shell, command: list[str]) -> None:
    said = await fh("fh", *command, FREEHOLD_ENV_FILE="/dev/null")
    assert (said.code, said.output, fh.asked) == (9, "", [])
    assert "fh" in said.errors


async def test_help(fh: Shell) -> None:
    said = await fh("fh", "--help")
    assert said.code == 0
    assert "fh status TEXT" in said.output


async def test_locks_and_calls_are_told_in_both_vocabularies(fh: Shell) -> None:
    fh.keeper.answers |= {
        "/v1/run/locks/acquire": (200, {"uri": "file:///x", "expires_at": "2026-01-01T00:00:00Z"}),
        "/v1/run/calls": (202, {"call_id": "c1"}),
        "/v1/run/calls/c1": (200, {"call_id": "c1", "status": "completed", "return_value": "42"}),
    }
    lock = (await fh("rlock", "file:///x")).json
    assert lock == {
        "ok": True, "uri": "file:///x", "resourceKey": "file:///x",
        "expires_at": "2026-01-01T00:00:00Z", "expiresAt": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    assert (await fh("al-subagent", "reviewer")).json == {"ok": True, "call_id": "c1", "callId": "c1"}
    checked = (await fh("al-subagent-check", "c1")).json
    assert (checked["status"], checked["return_value"], checked["returnValue"]) == ("completed", "42", "42")
    assert (await fh("al-subagent-wait", "c1")).json["c1"]["returnValue"] == "42"


async def test_waiting_has_an_end(fh: Shell) -> None:
    fh.keeper.answers["/v1/run/calls/slow"] = (200, {"call_id": "slow", "status": "running"})
    fh.keeper.answers["/v1/run/calls/done"] = (200, {"call_id": "done", "status": "error", "error": "it broke"})
    said = await fh("fh", "wait", "done", "slow", "--timeout", "0.2")
    assert said.code == 8
    assert {call_id: state["status"] for call_id, state in said.json.items()} == {"done": "error", "slow": "running"}
    assert said.json["done"]["errorMessage"] == "it broke"
    assert [path for _, path, _ in fh.asked].count("/v1/run/calls/done") == 1, "what has ended is not asked for again"


async def test_waiting_for_what_is_not_there(fh: Shell) -> None:
    fh.keeper.answers["/v1/run/calls/gone"] = (404, {"code": "not_found", "message": "no call gone"})
    said = await fh("fh", "wait", "gone")
    assert (said.code, said.json["ok"]) == (2, False)


async def test_setenv_quotes_whatever_it_is_given(fh: Shell, tmp_path: Path) -> None:
    env_file = tmp_path / "env.sh"
    said = await fh("setenv", "A", NASTY, "setenv", "B", "", FREEHOLD_ENV_FILE=str(env_file))
    assert (said.code, said.output) == (0, "set 2 variable(s)\n")
    await fh("fh", "setenv", "A2", "second", AL_ENV_FILE=str(env_file))
    shown = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", f'. {env_file}; printf "%s|%s|%s" "$A" "$B" "$A2"', stdout=asyncio.subprocess.PIPE
    )
    output, _ = await shown.communicate()
    assert output.decode() == f"{NASTY}||second"


async def test_connect_joins_its_streams_to_a_host(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    shell = Shell(FakeKeeper(tmp_path), tmp_path / "bin")
    heads: list[str] = []
    size = 8 * 1024 * 1024

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\nSSH-2.0-test\r\n")
        received = await reader.read(-1)
        writer.write(f"{len(received)} ".encode() + b"y" * size)
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "run" / "run.sock")
    said = await shell("fh", "connect", "git.test", "22", stdin=b"x" * size)
    server.close()
    assert heads[0].startswith("CONNECT git.test:22 HTTP/1.1\r\n")
    assert said.code == 0
    greeting, _, rest = said.output.partition("\r\n")
    assert greeting == "SSH-2.0-test"
    assert rest == f"{size} " + "y" * size


async def test_a_host_that_hangs_up_loses_nothing_of_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    shell = Shell(FakeKeeper(tmp_path), tmp_path / "bin")
    size = 4 * 1024 * 1024

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        while b"\r\n\r\n" not in connection.recv(4096):
            pass
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * size)
        connection.close()  # with what was sent to it unread

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "run" / "run.sock"))
        listener.listen()
        serving = asyncio.to_thread(serve, listener)
        said, _ = await asyncio.gather(shell("fh", "connect", "git.test", "22", stdin=b"x" * size), serving)
    assert (said.code, len(said.output)) == (0, size)


async def test_connect_says_why_not(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    shell = Shell(FakeKeeper(tmp_path), tmp_path / "bin")
    body = json.dumps({"code": "denied", "message": "evil.test is not in the allow-list", "hint": "egress = [...]"})

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 403 Forbidden\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "run" / "run.sock")
    said = await shell("fh", "connect", "evil.test", "443", stdin=b"")
    server.close()
    assert said.code == 3
    assert "evil.test is not in the allow-list" in said.errors
    assert said.output == "", "what ssh reads must not be JSON"


async def test_a_run_directory_deep_in_somebodys_home(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 5)
    deep.mkdir(parents=True)
    keeper = FakeKeeper(deep)
    await keeper.open()
    (tmp_path / "bin").mkdir()
    assert (await Shell(keeper, tmp_path / "bin")("fh", "status", "x")).code == 0
    assert keeper.asked == [Asked("POST", "/v1/run/status", {"text": "x"})]
    await keeper.close()


async def test_a_shell_waits_for_the_runner_and_has_its_variables(fh: Shell, tmp_path: Path) -> None:
    state = tmp_path / "work" / ".freehold"
    state.mkdir()
    program = f"cd {tmp_path / 'work'} && exec {tmp_path / 'bin' / 'fh'} shell sh -c 'echo $SEEN $TERM; pwd'"
    looking = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", program, env={"PATH": os.environ["PATH"], "TERM": "xterm"}, stdout=asyncio.subprocess.PIPE
    )
    variables = {"SEEN": "by the agent", "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]}
    (state / "environment.json").write_text(json.dumps(variables))
    output, _ = await looking.communicate()
    assert output.decode().splitlines() == ["by the agent xterm", str(tmp_path)]
