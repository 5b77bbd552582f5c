"""Checks of a server: each a table of facts and verdicts; repairs against a fake host."""

from __future__ import annotations

import contextlib
import dataclasses
import socket

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.check import Check, Repair, State, Verdict, run_checks
from freehold.deploy.examination import examine
from freehold.deploy.inventory import projects_on
from freehold.deploy.server_checks import CHECKS
from freehold.hosts.fake_host import FakeHost
from freehold.hosts.host import Command, Host, Outcome
from freehold.server.facts import PROBE, ServerFacts, read_facts

GB = 1024**3
GOOD = ServerFacts(
    os="debian", os_version="12", architecture="x86_64", init="systemd", systemd="running", python=(3, 11),
    docker_program="/usr/bin/docker", docker="20.10.24", has_apt=True, disk_bytes=40 * GB, disk_free_bytes=30 * GB,
    files=1000, files_free=900, memory_bytes=2 * GB, ports=((80, "closed"), (443, "open")), gateway="ok",
)  # fmt: skip
BY_NAME = {check.name: check for check in CHECKS}


def test_a_good_server_passes_everything() -> None:
    assert {name: check.judge(GOOD).state for name, check in BY_NAME.items()} == dict.fromkeys(BY_NAME, State.PASS)


@pytest.mark.parametrize(
    ("name", "facts", "state", "words"),
    [
        ("sudo", {"is_root": False, "sudo_problem": "no sudo"}, State.FAIL, "no sudo"),
        ("system", {"os": "fedora", "os_version": "43"}, State.WARN, "fedora 43"),
        ("systemd", {"init": "runit"}, State.FAIL, "runit"),
        ("systemd", {"init": ""}, State.FAIL, "not known"),
        ("systemd", {"systemd": "degraded"}, State.WARN, "degraded"),
        ("python", {"python": (3, 9)}, State.FAIL, "3.9 is older than 3.11"),
        ("python", {"python": (0, 0)}, State.FAIL, "no python3"),
        ("python", {"python": (3, 13)}, State.PASS, "3.13"),
        ("docker", {"docker": ""}, State.FAIL, "does not answer"),
        ("docker", {"docker": "", "docker_program": ""}, State.FAIL, "no Docker"),
        ("docker", {"docker": "19.03.8"}, State.FAIL, "19.03.8 is older than 20.10"),
        ("disk", {"disk_free_bytes": GB}, State.FAIL, "1.0 GB free of 40.0 GB"),
        ("disk", {"disk_free_bytes": GB, "disk_at": "/"}, State.FAIL, "1.0 GB free of 40.0 GB"),
        ("disk", {"disk_free_bytes": GB, "disk_at": "/opt"}, State.FAIL, "1.0 GB free of 40.0 GB at /opt"),
        ("disk", {"disk_free_bytes": 3 * GB}, State.WARN, "3.0 GB"),
        ("disk", {"files_free": 10}, State.FAIL, "inodes"),
        ("disk", {"disk_bytes": 0}, State.WARN, "could not be told"),
        ("memory", {"memory_bytes": GB // 2}, State.WARN, "512.0 MB"),
        ("clock", {"clock_skew_s": 300.0}, State.FAIL, "5 min 00 s ahead of"),
        ("clock", {"clock_skew_s": -31.0}, State.FAIL, "31.0 s behind"),
        ("clock", {"clock_skew_s": -29.0}, State.PASS, "right"),
        ("ports", {"ports": ((80, "open"), (443, "silent"))}, State.FAIL, "keeps the outside from 443"),
        ("ports", {"ports": ()}, State.SKIP, ""),
        ("gateway", {"gateway": ""}, State.SKIP, ""),
        ("gateway", {"gateway": "it answers 503"}, State.FAIL, "503"),
        ("gateway", {"gateway_problems": ("a budget is spent",)}, State.WARN, "answers: a budget is spent"),
        ("gateway", {"gateway": "it waits", "gateway_problems": ("full",)}, State.FAIL, "it waits: full"),
    ],
)
def test_what_each_check_finds(name: str, facts: dict[str, object], state: State, words: str) -> None:
    verdict = BY_NAME[name].judge(dataclasses.replace(GOOD, **facts))  # type: ignore[arg-type]
    assert verdict.state is state
    assert words in verdict.message


@pytest.mark.parametrize(
    ("name", "facts", "last"),
    [
        ("python", {"python": (0, 0)}, "python3"),
        ("docker", {"docker": "", "docker_program": ""}, "docker.io"),
        ("docker", {"docker": ""}, "docker"),
        ("docker", {"docker": "19.03.8"}, ""),
        ("clock", {"clock_skew_s": 99.0}, "true"),
        ("python", {"python": (3, 9)}, ""),
        ("python", {"python": (0, 0), "has_apt": False}, ""),
        ("docker", {"docker": "", "docker_program": "", "is_root": False}, ""),
    ],
)
def test_what_can_be_repaired(name: str, facts: dict[str, object], last: str) -> None:
    repair = BY_NAME[name].repair(dataclasses.replace(GOOD, **facts))  # type: ignore[arg-type]
    assert (repair.commands[-1].argv[-1] if repair else "") == last
    assert repair is None or all(command.as_root for command in repair.commands)


@pytest.mark.parametrize(
    ("clock", "skew"),
    [("100.5", 0.0), ("130.25", 29.25), ("99.0", 0.0), ("90.5", -9.5), ("100.%N", 0.0), ("soon", 0.0), ("", 0.0)],
)
def test_the_clock_is_wrong_by_what_cannot_be_explained(clock: str, skew: float) -> None:
    assert read_facts(f"clock={clock}\nuid=0\n", 100.0, 101.0).clock_skew_s == skew


def test_odd_answers_are_not_taken_for_facts() -> None:
    facts = read_facts("noise\nuid=1000\ndisk_kb=many\npython=rusty\ndocker=a=b\n", 0.0, 1.0)
    assert (facts.is_root, facts.disk_bytes, facts.python, facts.docker) == (False, 0, (0, 0), "a=b")


class Patient:
    """A server whose Docker comes once it is installed."""

    def __init__(self, *, works: bool = True) -> None:
        self.installed = False
        self.host = FakeHost(replies={("apt-get",): Outcome(0), ("env",): self.install if works else Outcome(100)})

    def install(self, _command: Command) -> Outcome:
        self.installed = True
        return Outcome(0)

    async def facts(self) -> ServerFacts:
        return GOOD if self.installed else dataclasses.replace(GOOD, docker="", docker_program="")


async def test_nothing_is_changed_without_leave() -> None:
    for fix in (None, lambda _offer: False):
        patient = Patient()
        results = {each.name: each for each in await run_checks(patient.host, CHECKS, patient.facts, fix=fix)}
        assert (results["docker"].state, results["docker"].fixable) == (State.FAIL, True)
        assert patient.host.ran == []


async def test_a_repair_is_offered_once_done_and_judged_again() -> None:
    patient, offers = Patient(), list[str]()

    def agreed(offer: str) -> bool:
        offers.append(offer)
        return True

    results = {each.name: each for each in await run_checks(patient.host, CHECKS, patient.facts, fix=agreed)}
    assert offers == ["docker: there is no Docker\ninstall Debian's docker.io"]
    assert [command.argv[0] for command in patient.host.ran] == ["apt-get", "env"]
    assert (results["docker"].state, results["docker"].fixable) == (State.FIXED, False)
    assert [each.name for each in results.values()] == [check.name for check in CHECKS]


async def test_a_repair_that_fails_says_why() -> None:
    patient = Patient(works=False)
    results = {each.name: each for each in await run_checks(patient.host, CHECKS, patient.facts, fix=lambda _: True)}
    assert results["docker"].state is State.FAIL
    assert "the repair failed: exit code 100" in results["docker"].message


async def test_work_that_cannot_be_done_says_why() -> None:
    async def refuse(_host: Host) -> None:
        raise FreeholdError(Code.FAILED, "the key is not accepted; all is as it was")

    async def facts() -> int:
        return 1

    check = Check[int]("one", lambda _: Verdict(State.FAIL, "bad"), lambda _: Repair("do x", work=refuse))
    (result,) = await run_checks(FakeHost(), [check], facts, fix=lambda _: True)
    assert result.message == "bad; the repair failed: the key is not accepted; all is as it was"


def test_what_a_full_disk_is_cleared_of_has_no_name() -> None:
    repair = BY_NAME["disk"].repair(GOOD)
    assert repair
    (command,) = repair.commands
    assert "prune --all" not in str(command.argv)
    assert " -a" not in str(command.argv)
    assert BY_NAME["disk"].repair(dataclasses.replace(GOOD, is_root=False)) is None


async def test_a_connection_that_breaks_while_repairing_is_told() -> None:
    def cut(_command: Command) -> Outcome:
        raise FreeholdError(Code.UNREACHABLE, "the connection broke")

    host = FakeHost(replies={("x",): cut})
    check = Check[int]("one", lambda _: Verdict(State.FAIL, "bad"), lambda _: Repair("do x", (Command(("x",)),)))

    async def facts() -> int:
        return 1

    (result,) = await run_checks(host, [check], facts, fix=lambda _: True)
    assert result.message == "bad; the repair failed: the connection broke"


async def test_examining_without_sudo_tells_why_and_the_rest() -> None:
    host = FakeHost(
        replies={("sh", "-s"): lambda command: Outcome(0, b"uid=1000\nos=debian\n" * (command.stdin != b""))}
    )
    host.sudo = False
    facts = await examine(host)
    assert (facts.is_root, facts.os) == (False, "debian")
    assert "cannot become root without a password" in facts.sudo_problem
    assert host.ran[-1].stdin == PROBE.encode()


async def test_ports_are_tried_from_outside() -> None:
    async def look(address: str, port: int) -> str:
        return f"{address} {port}"

    host = FakeHost(replies={("sh", "-s"): Outcome(0, b"uid=0\n")})
    facts = await examine(host, outside="box", ports=(80, 443), look=look)
    assert facts.ports == ((80, "box 80"), (443, "box 443"))


@pytest.mark.parametrize(
    ("answer", "gateway", "problems"),
    [
        (b'HTTP/1.1 200 OK\r\n\r\n{"status": "ok", "version": "1"}', "ok", ()),
        (b'HTTP/1.1 200 OK\r\n\r\n{"status": "degraded", "version": "1", "problems": ["spent"]}', "ok", ("spent",)),
        (
            b'HTTP/1.1 200 OK\r\n\r\n{"status": "ok", "version": "1", "problems": ["full"], "accepts": false}',
            "the project takes nothing in",
            ("full",),
        ),
        (b"HTTP/1.1 503 Away\r\n\r\n", "the project's gateway answers 'HTTP/1.1 503 Away'", ()),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", "ok", ()),
        (b"", "the project's gateway answers ''", ()),
    ],
)
async def test_what_the_gateway_says_of_itself_is_told(answer: bytes, gateway: str, problems: tuple[str, ...]) -> None:
    open_ones = contextlib.ExitStack()

    def serve(connection: socket.socket) -> None:
        open_ones.enter_context(connection).sendall(answer)
        connection.shutdown(socket.SHUT_WR)

    host = FakeHost(replies={("sh", "-s"): Outcome(0, b"uid=0\n")})
    host.sockets["/gateway.sock"] = serve
    with open_ones:
        facts = await examine(host, gateway_socket="/gateway.sock")
    assert (facts.gateway, facts.gateway_problems) == (gateway, problems)


async def test_projects_on_a_server() -> None:
    listed = "/opt/freehold/shop/current\nreleases/01b\n/opt/freehold/blog/current\nreleases/01a\n"
    shown = "Id=freehold@shop.service\nLoadState=loaded\nActiveState=active\nSubState=running\n"
    host = FakeHost(replies={("sh", "-c"): Outcome(0, listed.encode()), ("systemctl",): Outcome(0, shown.encode())})
    blog, shop = await projects_on(host, "/opt/freehold")
    assert (blog.name, blog.release, blog.service) == ("blog", "01a", None)
    assert (shop.name, shop.release, shop.service.words if shop.service else "") == ("shop", "01b", "running")
    host = FakeHost(replies={("sh", "-c"): Outcome(0), ("systemctl",): Outcome(1)})
    assert await projects_on(host, "/opt/freehold") == []
