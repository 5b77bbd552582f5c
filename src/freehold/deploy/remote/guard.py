"""What brings the release before back when whoever pushed was not heard of again: run by a timer of this server's own.

Stands alone: `guard.py GUARD.json`, with the programs that it needs in the document.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freehold.deploy.remote.refused import Refused

_PAUSE_S = 3.0
_LONGEST_S = 1800.0
"""Nobody's push takes longer; a lease that is renewed for so long is its own business."""
_COMMAND_S = 60
_TRANSIENT = "/run/systemd/transient"
"""Where systemd keeps what `systemd-run` made (systemd.unit(5))."""


def arm(told: dict[str, Any]) -> None:
    """Let this program run in `after_s` seconds, unless it is disarmed before."""
    if any(os.path.exists(f"{_TRANSIENT}/{told['unit']}.{kind}") for kind in ("timer", "service")):
        disarm(told["unit"])
    for path, text in ((told["program"], told["source"]), (told["document"], json.dumps(told["told"]))):
        with open(path, "w") as file:
            file.write(text)
    timer = ["--on-active", str(told["after_s"]), "--timer-property=AccuracySec=1s", "--unit", told["unit"]]
    words = ["systemd-run", "--quiet", "--collect", *timer, "python3", "-I", told["program"], told["document"]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=_COMMAND_S, check=False)
    if done.returncode:
        raise Refused("failed", f"systemd-run: {' '.join(done.stderr.split()) or done.returncode}")


def disarm(unit: str) -> None:
    """One that looks already, too: whoever arms another one has the lease, and sees to it himself."""
    words = ["systemctl", "--quiet", "stop", f"{unit}.timer", f"{unit}.service"]
    subprocess.run(words, capture_output=True, timeout=_COMMAND_S, check=False)


def watch(told: dict[str, Any]) -> str:
    """What was done, in a sentence. Nothing is, while somebody has the lease: whoever pushes sees to it himself."""
    rooms = {name: _room(name, source) for name, source in told["sources"].items()}
    lease, path = rooms["lease"], told["lease"]["path"]
    end = time.monotonic() + _LONGEST_S
    while _is_held(lease, path) and time.monotonic() < end:
        time.sleep(_PAUSE_S)
    found = rooms["health"]["main"](told["health"]) if _counts(told, rooms) else None
    if found is None or found["healthy"]:
        return f"release {told['release']} is well" if found else "another release counts by now"
    if lease["take"](told["lease"])["held"]:
        return f"release {told['release']} is not well, and somebody sees to it"
    try:
        return _gone_back(told, rooms, found["why"]) if _counts(told, rooms) else "another release counts by now"
    finally:
        lease["give_back"](told["lease"])


def _counts(told: dict[str, Any], rooms: dict[str, Any]) -> bool:
    return bool(rooms["switch"]["_leads_to"](told["current"]) == told["release"])


def _gone_back(told: dict[str, Any], rooms: dict[str, Any], why: str) -> str:
    switch = rooms["switch"]
    rooms["units"]["main"](told["units"])
    for path, target in told["links"]:
        switch["_link"](path, target)
    switch["_write"](told["rolled_back"], _rolled_back(told))
    rooms["restart"]["main"](told["restart"])
    return f"release {told['release']} is not well, and nobody saw to it: {told['before']} counts again ({why})"


def _rolled_back(told: dict[str, Any]) -> list[str]:
    """Nobody who names no release goes back to this one."""
    try:
        with open(told["rolled_back"]) as file:
            before = set(json.load(file))
    except (OSError, ValueError, TypeError):
        before = set()
    return sorted({*before, told["release"]} - {told["before"]})


def _is_held(lease: dict[str, Any], path: str) -> bool:
    return lease["_held"](path) is not None


def _room(name: str, source: str) -> dict[str, Any]:
    """What it refuses ends this program, and is in the journal."""
    room = {"__name__": name, "Refused": RuntimeError}
    exec(compile(source, name, "exec"), room)  # noqa: S102  it came with the push that armed it
    return room


if __name__ == "__main__":
    with open(sys.argv[1]) as opened:
        print(f"freehold: {watch(json.load(opened))}", flush=True)  # noqa: T201  into the journal
