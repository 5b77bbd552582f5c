"""Whether a project is well on this server: asked of its gateway, its keeper, its edge and systemd."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import socket
import ssl
import subprocess
import time
from typing import Any

_PATIENCE_S = 5.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 2.0
_SHORT_PAUSE_S = 0.3
"""What takes shorter than this is a service that takes a release over; systemd is not asked about it."""
_REFUSING_S = 5.0
"""A gateway that refuses a release and goes on with the one before says so at once; what it says of an earlier one is
over by then."""
_MOST_RESTARTS = 3
"""A service that ended so often by itself will do so again."""
_LINES = 40
_COMMAND_TIMEOUT_S = 30
_LARGEST_ANSWER = 1_000_000


def read(asked: dict[str, Any]) -> dict[str, Any]:
    return look(asked)


def main(told: dict[str, Any]) -> dict[str, Any]:
    """Look until it is well, cannot become so, or `for_s` is over; with more and more time between. `disarm` is the
    timer that is of no use once it is well; `since` is when the push began, by `now` of an earlier look."""
    begun, pause = time.monotonic(), _FIRST_PAUSE_S
    end = begun + told["for_s"]
    before = told["restarts"]
    while True:
        found = look(told)
        if not found["healthy"] and pause > _SHORT_PAUSE_S:
            found["restarts"] = _restarts(told["units"])
        if found["refusing"] and time.monotonic() > begun + _REFUSING_S:
            found["final"] = True
        crashed = [unit for unit, count in found["restarts"].items() if count - before.get(unit, 0) >= _MOST_RESTARTS]
        if crashed:
            found["final"], found["why"] = True, f"{crashed[0]} ends again and again; {found['why']}"
        if found["healthy"] or found["final"] or time.monotonic() + pause > end:
            break
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)
    if found["healthy"] and told.get("disarm"):
        words = ["systemctl", "--quiet", "stop", told["disarm"]]
        subprocess.run(words, capture_output=True, timeout=_COMMAND_TIMEOUT_S, check=False)
    if not found["healthy"] and told["journal"]:
        found["journal"] = _journal(told["units"], max(told["since"], _switched(told["current"])))
    return found


def look(asked: dict[str, Any]) -> dict[str, Any]:
    """`final`: nothing will change by itself. `why` is empty when it is healthy."""
    release = asked["release"] or _leads_to(asked["current"])
    why, final, problems, refusing = _gateway(asked["socket"], release)
    if not why and not _answers(asked["keeper_socket"]):
        why = "the keeper does not answer"
    for edge in asked["edge"] if not why else ():
        why = why or _edge(edge)
    return {
        "healthy": not why,
        "final": bool(why) and final,
        "why": why,
        "problems": problems,
        "refusing": refusing,
        "restarts": {},
        "journal": [],
        "now": time.time(),
    }


class _Said:
    """What came over a connection, for who reads answers of HTTP."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._content)


def _answer(path: str) -> tuple[int, Any]:
    """The status and the document that `/health` answers, whole within `_PATIENCE_S`: whoever broke into a gateway must
    not hold up the push that puts it right, by a word now and then or by one without an end."""
    end, said = time.monotonic() + _PATIENCE_S, bytearray()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PATIENCE_S)
        connection.connect(path)
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        while piece := connection.recv(65536):
            said += piece
            left = end - time.monotonic()
            if left <= 0 or len(said) > _LARGEST_ANSWER:
                raise TimeoutError("it says too much, or too slowly")
            connection.settimeout(left)
    answer = http.client.HTTPResponse(_Said(bytes(said)))  # type: ignore[arg-type]  # all that it asks of a socket
    answer.begin()
    return answer.status, json.loads(answer.read())


def _gateway(path: str, release: str) -> tuple[str, bool, list[str], bool]:
    """Why it is not well, whether that is its last word, what it says that concerns single agents only, and whether it
    refuses a release and runs another."""
    try:
        code, said = _answer(path)
        status, problems = str(said["status"]), [str(each) for each in said.get("problems", ())]
        running, refused = str(said.get("release", "")), [str(each) for each in said.get("refused", ())]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, RecursionError) as error:
        return f"the gateway does not answer ({_words(error)})", False, [], False
    if code != http.HTTPStatus.OK:
        return f"the gateway says: {'; '.join(problems) or code}", False, problems, False
    if status == "starting":
        return "the gateway is still starting", False, problems, False
    if release and running != release:
        why = f"the gateway runs release {running or '(none)'}, and not {release}"
        return "; ".join((why, *refused)), False, problems, bool(refused)
    if refused:
        return f"the release is refused: {'; '.join(refused)}", True, problems, False
    return "", False, problems, False


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PATIENCE_S)
        try:
            connection.connect(path)
        except OSError:
            return False
    return True


def _edge(edge: dict[str, Any]) -> str:
    """The way that visitors take, from its first step on this server on. Whether the certificate is right is not asked
    here: it is of the name, and not of 127.0.0.1."""
    try:
        with contextlib.closing(socket.create_connection(("127.0.0.1", edge["port"]), _PATIENCE_S)) as plain:
            stream = plain
            if edge["tls"]:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                stream = context.wrap_socket(plain, server_hostname=edge["host"] or None)
            request = f"GET /health HTTP/1.1\r\nHost: {edge['host'] or 'localhost'}\r\nConnection: close\r\n\r\n"
            stream.sendall(request.encode())
            first = stream.makefile("rb").readline(1000).decode(errors="replace").strip()
    except OSError as error:
        return f"the edge does not answer at port {edge['port']} ({_words(error)})"
    return "" if first.split(" ")[1:2] == ["200"] else f"the edge answers {first!r} at port {edge['port']}"


def _restarts(units: list[str]) -> dict[str, int]:
    words = ["systemctl", "show", "--no-pager", "--property=Id,NRestarts", "--", *units]
    said = subprocess.run(words, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False).stdout
    found = {}
    for block in said.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if values.get("NRestarts", "").isdigit():
            found[values.get("Id", "")] = int(values["NRestarts"])
    return found


def _switched(link: str) -> float:
    """When it was let lead where it leads."""
    return os.lstat(link).st_mtime if os.path.islink(link) else 0.0


def _journal(units: list[str], since: float) -> list[str]:
    """What was said before is of another release, or of what this push put right."""
    words = ["journalctl", "--no-pager", "--quiet", "-o", "cat", "-n", str(_LINES), "--since", f"@{since:.6f}"]
    for unit in units:
        words += ["-u", unit]
    done = subprocess.run(words, capture_output=True, timeout=_COMMAND_TIMEOUT_S, check=False)
    return done.stdout.decode(errors="replace").splitlines()


def _leads_to(path: str) -> str:
    return os.path.basename(os.readlink(path)) if os.path.islink(path) else ""


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", "") or error or type(error).__name__)
