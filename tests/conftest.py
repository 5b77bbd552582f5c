"""What the tests of every ring share: what this machine can do, and what is said about what it cannot."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from _pytest.nodeid import NodeId

from tests.support.postgres import programs as postgres_programs

# A shell starts what runs in its background with SIGINT ignored, and everything below inherits that: Ctrl-C, too, is
# tested here.
signal.signal(signal.SIGINT, signal.default_int_handler)

CHROMIUM = Path("/usr/bin/chromium")
REQUIRE_ALL = os.environ.get("FREEHOLD_REQUIRE_ALL") == "1"
INSTALL = "`make test INSTALL=1` as root on Debian installs it"


def _docker_problem() -> str:
    try:
        answer = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True
        )
    except FileNotFoundError:
        return f"no docker program; {INSTALL}"
    return "" if answer.returncode == 0 else f"no Docker engine answers; {INSTALL}"


def _root_problem() -> str:
    return "" if os.geteuid() == 0 else "not root; run `sudo make test`"


def _postgres_problem() -> str:
    return "" if postgres_programs() else f"PostgreSQL is not installed; {INSTALL}"


def _browser_problem() -> str:
    return "" if CHROMIUM.exists() else f"Chromium is not installed; {INSTALL}"


_NEEDS = {
    "docker": _docker_problem,
    "root": _root_problem,
    "postgres": _postgres_problem,
    "browser": _browser_problem,
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if getattr(config.option, "loadgroup", False):
        _name_groups(items)
    problems: dict[str, str] = {}
    for item in items:
        for name, problem_of in _NEEDS.items():
            if item.get_closest_marker(name) is None:
                continue
            if name not in problems:
                problems[name] = problem_of()
            if problems[name]:
                item.add_marker(pytest.mark.skip(reason=f"needs {name}: {problems[name]}"))


def _name_groups(items: list[pytest.Item]) -> None:
    """Give each test the name of its group, which `--dist loadgroup` keeps together on one worker.

    pytest-xdist 3.8 does it itself, but writes the name where pytest 9.2 does not look any more.
    """
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        if mark is not None and not item.nodeid.endswith(f"@{mark.args[0]}"):
            item._id = NodeId.parse(f"{item.nodeid}@{mark.args[0]}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a ring: what ran, and what did not and why."""
    rings = {"unit": "ring one (pure)", "transcripts": "ring two (commands against fakes)", "real": "ring three (real)"}
    for ring, title in rings.items():
        ran = sum(
            _ring(report.nodeid) == ring for key in ("passed", "failed") for report in _reports(terminalreporter, key)
        )
        reasons = Counter(
            _reason(report) for report in _reports(terminalreporter, "skipped") if _ring(report.nodeid) == ring
        )
        if not ran and not reasons:
            continue
        missing = "; ".join(f"{count} not run: {reason}" for reason, count in reasons.items())
        terminalreporter.write_line(f"{title}: {ran} ran" + (f"; {missing}" if missing else ""))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if REQUIRE_ALL and exitstatus == 0 and not hasattr(session.config, "workerinput"):
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        skipped = len(_reports(reporter, "skipped")) if reporter else 0
        if skipped:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reports(reporter: pytest.TerminalReporter, key: str) -> list[pytest.TestReport]:
    return [report for report in reporter.stats.get(key, []) if isinstance(report, pytest.TestReport)]


def _ring(nodeid: str) -> str:
    parts = Path(nodeid.split("::")[0]).parts
    return parts[1] if len(parts) > 2 and parts[0] == "tests" else ""


def _reason(report: pytest.TestReport) -> str:
    longrepr = report.longrepr
    return longrepr[2].removeprefix("Skipped: ") if isinstance(longrepr, tuple) else str(longrepr)
