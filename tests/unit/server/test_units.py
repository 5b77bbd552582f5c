"""The units of a project: a socket that stays open, a gateway without Docker, a keeper with it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from freehold.server.layout import Layout
from freehold.server.units import Listening, keeper_unit, service_unit, socket_unit

SHOP = Layout("shop")


def test_only_the_keeper_may_use_docker() -> None:
    gateway, keeper = service_unit(SHOP), keeper_unit(SHOP)
    assert "SupplementaryGroups=docker" in keeper
    assert "docker" not in gateway.replace("InaccessiblePaths=-/run/docker.sock", "")
    assert "User=fh-shop\n" in gateway
    assert "User=fh-shop-keeper\n" in keeper


def test_a_gateway_that_goes_away_does_not_end_the_keeper() -> None:
    assert "Requires=freehold@shop.socket\n" in service_unit(SHOP)
    assert not any(line.startswith(("Requires=", "BindsTo=", "PartOf=")) for line in keeper_unit(SHOP).splitlines())


@pytest.mark.parametrize("unit", [keeper_unit(SHOP), service_unit(SHOP)])
def test_the_kernel_may_be_asked_where_a_packet_would_go(unit: str) -> None:
    """Else the egress proxy refuses every host there is, as a run on a server once saw."""
    line = next(line for line in unit.splitlines() if line.startswith("RestrictAddressFamilies="))
    assert set(line.partition("=")[2].split()) == {"AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"}


@pytest.mark.parametrize(
    ("listening", "stream"),
    [
        (Listening(), "127.0.0.1:8080"),
        (Listening(3000, "0.0.0.0"), "0.0.0.0:3000"),
        (Listening(80, "::"), "[::]:80"),
    ],
)
def test_the_socket_is_where_it_is_wanted(listening: Listening, stream: str) -> None:
    assert f"ListenStream={stream}\n" in socket_unit(SHOP, listening)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not there")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    written = {
        SHOP.service: service_unit(SHOP),
        SHOP.socket: socket_unit(SHOP, Listening()),
        SHOP.keeper: keeper_unit(SHOP),
    }
    for name, text in written.items():
        (tmp_path / name).write_text(text.replace(f"{SHOP.program}/bin/freehold", str(program)))
    said = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in written)], capture_output=True, text=True
    ).stderr
    about_ours = [line for line in said.splitlines() if "freehold" in line and "docker.service" not in line]
    assert about_ours == []
