"""How much of a link the egress path leaves: a veth pair shaped to 1 Gbit/s, with the same link alone as the control.

And how far it goes on a link that is not shaped, with the processor time that keeper and runner spend.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.egress_path import ADDRESS, ANSWER, HELLO, HOST, PORT, drain, read, send
from bench.figure import Figure, Missing, medians

RATE = "1gbit"
TRANSFER_BYTES = 256 * 1024 * 1024
ROUNDS = 5
_NAMESPACE, _OURS, _THEIRS = "fh-bench-egress", "fhbe0", "fhbe1"


def measure() -> list[Figure | Missing]:
    if os.geteuid() != 0:
        return [Missing("egress", "needs root, for a network namespace")]
    if not (shutil.which("ip") and shutil.which("tc")):
        return [Missing("egress", "needs ip and tc (apt-get install iproute2)")]
    return [*_compare(RATE, "a 1 Gbit/s link", at_least=0.9), *_compare(None, "an unshaped link", at_least=None)]


def _compare(rate: str | None, link: str, at_least: float | None) -> list[Figure | Missing]:
    figures: list[Figure | Missing] = []
    with _link(rate), contextlib.ExitStack() as stack:
        path = str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "run.sock")
        stack.enter_context(_process("serve", namespace=True))
        keeper, _ = stack.enter_context(_process("keep", path))
        runner, port = stack.enter_context(_process("forward", path))
        for name, transfer in (("download", _download), ("upload", _upload)):
            transfer(int(port), TRANSFER_BYTES // 8)  # windows open, buffers allocated
            before = _cpu_seconds(keeper), _cpu_seconds(runner)
            through, direct = medians([partial(transfer, int(port)), partial(transfer, None)], ROUNDS)
            moved = ROUNDS * TRANSFER_BYTES / 1e9
            spent = (_cpu_seconds(keeper) - before[0]) / moved, (_cpu_seconds(runner) - before[1]) / moved
            figures.append(
                Figure(
                    f"{name} over {link}", through, "Mbit/s",
                    f"through the runner's forwarder and the proxy, {TRANSFER_BYTES >> 20} MB, median of {ROUNDS}",
                    direct, "the link alone", at_least=at_least,
                    note=f"processor time per GB: keeper {spent[0]:.2f} s, runner {spent[1]:.2f} s",
                )
            )  # fmt: skip
    return figures


def _download(port: int | None, count: int = TRANSFER_BYTES) -> float:
    with _connected(port) as connection:
        started = time.perf_counter()
        connection.sendall(f"D{count}\n".encode())
        drain(connection, count)
        return count * 8 / 1e6 / (time.perf_counter() - started)


def _upload(port: int | None, count: int = TRANSFER_BYTES) -> float:
    with _connected(port) as connection:
        started = time.perf_counter()
        connection.sendall(f"U{count}\n".encode())
        send(connection, count)
        read(connection, 1)
        return count * 8 / 1e6 / (time.perf_counter() - started)


@contextlib.contextmanager
def _connected(port: int | None) -> Iterator[socket.socket]:
    """A connection past its hello: to the server itself, or through the forwarder at `port`."""
    with socket.create_connection((ADDRESS, PORT) if port is None else ("127.0.0.1", port)) as connection:
        if port is not None:
            connection.sendall(f"CONNECT {HOST}:{PORT} HTTP/1.1\r\n\r\n".encode())
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += read(connection, 1)
            if not head.startswith(b"HTTP/1.1 200 "):
                raise ConnectionError(head.decode())
        connection.sendall(HELLO)
        read(connection, len(ANSWER))
        yield connection


@contextlib.contextmanager
def _link(rate: str | None) -> Iterator[None]:
    """Two ends of a link, one of them in a namespace of its own; shaped both ways unless `rate` is None."""
    commands = [
        f"ip netns add {_NAMESPACE}",
        f"ip link add {_OURS} type veth peer name {_THEIRS} netns {_NAMESPACE}",
        f"ip addr add 198.51.100.1/30 dev {_OURS}",
        f"ip link set {_OURS} up",
        f"ip -n {_NAMESPACE} addr add {ADDRESS}/30 dev {_THEIRS}",
        f"ip -n {_NAMESPACE} link set {_THEIRS} up",
    ]
    if rate:
        shaper = f"root tbf rate {rate} burst 512kb latency 20ms"
        commands += [f"tc qdisc add dev {_OURS} {shaper}", f"tc -n {_NAMESPACE} qdisc add dev {_THEIRS} {shaper}"]
    _remove_link()
    try:
        for command in commands:
            subprocess.run(command.split(), check=True)
        yield
    finally:
        _remove_link()


def _remove_link() -> None:
    # The link first: a namespace goes only when the last process in it did, and would take its end along late.
    for command in (f"ip link del {_OURS}", f"ip netns del {_NAMESPACE}"):
        subprocess.run(command.split(), check=False, capture_output=True)


@contextlib.contextmanager
def _process(*role: str, namespace: bool = False) -> Iterator[tuple[int, str]]:
    """A process of `egress_path`: its id, and the first line that it says."""
    prefix = ["ip", "netns", "exec", _NAMESPACE] if namespace else []
    command = [*prefix, sys.executable, "-m", "bench.egress_path", *role]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.pid, process.stdout.readline().strip()
        finally:
            process.terminate()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
