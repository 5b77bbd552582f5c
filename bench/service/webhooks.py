"""Webhooks that are accepted in a second, signed and on the disk, beside the peer's unsigned ones in turn."""

from __future__ import annotations

import hashlib
import hmac
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.figure import Figure, Missing, MissingError
from bench.load import Job, Outcome
from bench.peer.installation import NAME
from bench.service.both import SECRET, SOURCES, our_project, our_service, peer_service, ready
from bench.service.served import Served

ROUNDS = 6
WARM_UP, REQUESTS = 3000, 2000
CONNECTIONS = 32
PROBE_EVERY_S = 0.02
BODY = Path(__file__).parents[2] / "tests" / "data" / "webhooks" / "github" / "issues.labeled.json"
"""A payload of GitHub's own (its source is in `SOURCES.md` beside it)."""


@dataclass
class _Rounds:
    rates: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)

    def note(self, outcome: Outcome) -> None:
        self.rates.append(outcome.per_second)
        self.p99s.append(outcome.percentile_ms(0.99))

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def p99(self) -> float:
        return statistics.median(self.p99s)


def measure() -> list[Figure | Missing]:
    try:
        with our_project() as project, our_service(project) as ours, peer_service() as theirs:
            return _measure(ours, theirs, key=_key_in(project.home))
    except MissingError as missing:
        return [Missing("webhooks accepted", str(missing))]


def _key_in(home: Path) -> Path:
    return home / "credentials" / "gateway_api_key" / "default" / "key"


def _measure(ours: Served, theirs: Served, *, key: Path) -> list[Figure | Missing]:
    ours.start()
    theirs.start()
    ready(ours)
    # What is taken waits: it is the taking that is measured, not the runs.
    ours.ask("POST", "/api/v1/pause", {"Authorization": f"Bearer {key.read_text().strip()}"}, b"")
    kept, started, peers = _Rounds(), _Rounds(), _Rounds()
    probe = _Probe(ours)
    sent = 0
    for number in range(ROUNDS + 1):  # the first is the warm-up
        requests = REQUESTS if number else WARM_UP
        for event, rounds in (("push", kept), ("issues", started)):
            outcome = _load(_signed(ours, event, sent, requests))
            sent += requests
            if number:
                rounds.note(outcome)
        theirs_took = _load(_unsigned(theirs, requests))
        if number:
            peers.note(theirs_took)
    with probe:  # a round of its own: the peer is not asked either
        _load(_signed(ours, "issues", sent, WARM_UP))
    return _figures(kept, started, peers, probe)


def _figures(kept: _Rounds, started: _Rounds, peers: _Rounds, probe: _Probe) -> list[Figure | Missing]:
    how = f"{ROUNDS} rounds of {REQUESTS} in turn, {CONNECTIONS} connections, a body of {BODY.stat().st_size:,} bytes"
    control = f"{NAME}, unsigned, its receipt not synced"
    figures: list[Figure | Missing] = []
    for what, ours in (
        ("its receipt on the disk", kept),
        ("its receipt and the trigger that it starts on the disk", started),
    ):
        figures += [
            Figure(f"signed webhooks accepted a second, each with {what}", ours.rate, "/s", how, peers.rate, control,
                   at_least=2.0, note="aim: 3", worst=min(ours.rates)),
            Figure(f"the slowest in a hundred of them, with {what}", ours.p99, "ms", how, peers.p99, control,
                   at_most=1.0, worst=max(ours.p99s)),
        ]  # fmt: skip
    slowest = sorted(probe.took_ms)[int(len(probe.took_ms) * 0.99)]
    figures.append(
        Figure("`GET /health` meanwhile, the slowest in a hundred", slowest, "ms",
               f"{len(probe.took_ms)} probes, one every {PROBE_EVERY_S * 1000:.0f} ms, on new connections", at_most=250)
    )  # fmt: skip
    return figures


class _Probe:
    """While it is entered, somebody else asks how the service is."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._over = threading.Event()
        self._thread = threading.Thread()
        self.took_ms: list[float] = []

    def __enter__(self) -> None:
        self._over.clear()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(PROBE_EVERY_S):
            began = time.perf_counter()
            status, said = self._served.health()
            if status != 200:
                raise MissingError(f"/health answered {status}: {said[:200]!r}")
            self.took_ms.append((time.perf_counter() - began) * 1000)


def _signed(served: Served, event: str, first: int, requests: int) -> Job:
    body = BODY.read_text()
    digest = hmac.digest(SECRET.reveal().encode(), body.encode(), hashlib.sha256).hex()
    headers = {
        "Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/bench", "X-GitHub-Event": event,
        "X-GitHub-Delivery": "delivery-{number}", "X-Hub-Signature-256": f"sha256={digest}",
    }  # fmt: skip
    paths = [f"/webhooks/{name}" for name in SOURCES]
    return Job(port=served.port, paths=paths, headers=headers, body=body, connections=CONNECTIONS, requests=requests,
               first=first)  # fmt: skip


def _unsigned(served: Served, requests: int) -> Job:
    headers = {"Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/bench"}
    return Job(port=served.port, paths=["/webhooks/test"], headers=headers, body=BODY.read_text(),
               connections=CONNECTIONS, requests=requests)  # fmt: skip


def _load(job: Job) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"], input=msgspec.json.encode(job), check=True, stdout=subprocess.PIPE
    )
    outcome = msgspec.json.decode(done.stdout, type=Outcome)
    if set(outcome.statuses) != {"200"}:
        raise MissingError(f"port {job.port} answered {outcome.statuses}")
    return outcome
