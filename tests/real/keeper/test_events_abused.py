"""What a run can do to the file of its events, and to its disks: nothing that harms the keeper or another run."""

from __future__ import annotations

import json
import textwrap

import pytest

from freehold.keeper.testimony import MOST_COMPLAINTS
from freehold.wire.events import AnyEvent, Limit, Message
from tests.support.installation import Installation, finished, types

pytestmark = pytest.mark.docker

EVENTS = "/run/freehold/events.jsonl"
TINY = """'{"type":"message","text":"aaaa"}'"""
ROUGHLY_MB = 1_000_000


def limits(told: list[AnyEvent]) -> list[Limit]:
    return [event for event in told if isinstance(event, Limit)]


def test_forged_facts_are_dropped_and_audited(here: Installation) -> None:
    forged = [
        {"type": "run.finished", "agent": "dev", "attempt": 1, "result": "completed", "exit_code": 0},
        {"type": "egress", "host": "good.example", "port": 443, "allowed": True},
        {"type": "model.request", "model": "m", "status": 200},
    ]
    lines = "".join(f"echo '{json.dumps(one)}' >> {EVENTS}\n" for one in forged)
    here.agent(script=f"{lines}exit 1\n")
    told = here.run("dev", code=1)
    assert finished(told).result == "error"
    assert [event.limit for event in limits(told)] == ["forged_event"] * 3
    assert "egress" not in types(told)
    assert "model.request" not in types(told)


def test_the_run_directory_holds_still(here: Installation) -> None:
    """Nothing in it can be removed or replaced; the one file that can be written can be cut, which is told."""
    attempts = {
        "socket": "rm -f /run/freehold/run.sock",
        "file": f"rm -f {EVENTS}",
        "moved": f"touch /tmp/x; mv /tmp/x {EVENTS}",
        "pipe": f"mkfifo {EVENTS}",
        "link": f"ln -sf /etc/passwd {EVENTS}",
        "brief": "echo '{}' > /run/freehold/prompt.json",
        "new": "touch /run/freehold/new",
    }
    lines = "".join(
        f'if ({command}) 2>/dev/null; then broken="$broken {name}"; fi\n' for name, command in attempts.items()
    )
    here.agent(script=f'{lines}echo said >> {EVENTS}; sleep 0.3; : > {EVENTS}; sleep 0.3; fh return "broke:$broken"\n')
    told = here.run("dev")
    assert finished(told).return_value == "broke:"
    assert "cut its own event file" in limits(told)[-1].message


@pytest.mark.parametrize(
    "command",
    [f"yes {TINY} >> {EVENTS}", f"head -c 1500M /dev/zero >> {EVENTS}; sleep 60", f"yes >> {EVENTS}"],
    ids=["events", "one-line", "junk"],
)
def test_a_flood_ends_the_run_and_leaves_little(here: Installation, command: str) -> None:
    here.agent(script=f"{command}\n")
    told = here.run("dev", code=1)
    error = finished(told).error
    assert error is not None
    assert (error["code"], finished(told).result) == ("too_large", "error")
    assert "flooded" in error["message"]
    [run_id] = here.run_ids()
    kept = here.state / "runs" / run_id / "events.jsonl"
    assert kept.stat().st_size < 200 * ROUGHLY_MB
    assert len([event for event in limits(told) if event.container_seq]) <= MOST_COMPLAINTS


def test_a_hundred_thousand_events_are_all_taken_in(here: Installation) -> None:
    here.agent(script=f"yes {TINY} | head -n 100000 >> {EVENTS}\n")
    told = here.run("dev")
    assert finished(told).result == "completed"
    assert len([event for event in told if isinstance(event, Message)]) == 100_000


def test_a_flood_does_not_hold_up_another_run(here: Installation) -> None:
    here.agent("flood", script=f"fh status up; yes {TINY} | head -n 150000 >> {EVENTS}\n")
    here.agent("quiet", script="fh return 42\n")
    flooding = here.start("run", "flood", "--json")
    quiet = here.run("quiet")
    assert finished(quiet).return_value == "42"
    assert finished(quiet).phases_s.keys() >= {"session"}
    assert flooding.poll() is None, "the quiet run ended while the other was still talking"
    flooding.communicate(timeout=60)


def test_full_disks_are_the_runs_own_trouble(here: Installation) -> None:
    fill = """
        for place in /tmp /workspace /home/node; do
            fallocate -l "$(df --output=avail -B1 $place | tail -n 1)" $place/fill 2>/dev/null
            cat /dev/zero > $place/rest 2>/dev/null
        done
        df --output=pcent /tmp /workspace /home/node | tail -n 3 | tr -d " \\n" > /dev/shm/full
        fh return "$(cat /dev/shm/full)"
    """
    here.agent(script=textwrap.dedent(fill))
    told = here.run("dev")
    assert finished(told).return_value == "100%100%100%"
    assert finished(here.run("dev")).result == "completed", "the next run starts although /workspace is full"
