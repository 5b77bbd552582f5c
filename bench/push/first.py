"""The first push to a fresh server that has no way to the internet, phase by phase."""

from __future__ import annotations

from bench.figure import Figure, Missing, MissingError
from bench.push.server import laptop, servers


def measure() -> list[Figure | Missing]:
    try:
        with laptop() as ours, servers(ours) as [server]:
            server.does("ip route del default; ! ip route get 192.0.2.1")
            took_s, said = ours.push("-E", server.name)
    except MissingError as missing:
        return [Missing("the first push to a fresh server", str(missing))]
    how = (
        "a ready sandbox without a route to the internet; on this machine the images are there, and the packages known"
    )
    phases = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in said["phases_s"].items() if seconds >= 0.05)
    return [Figure("first push to a fresh server without internet, until it is well", took_s, "s", how, note=phases)]
