"""What a server does when whoever pushed was not heard of again: nothing, while somebody sees to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from freehold.deploy.remote import program_text
from tests.support.remote_program import remote_program

NEW, OLD = "0" * 25 + "2", "0" * 25 + "1"
_HEALTH = "def main(asked):\n    {before}\n    return {{'healthy': {healthy}, 'why': 'it is not'}}\n"
_NOTHING = "def main(told): pass\n"


class Server:
    """One on which `NEW` counts, pushed by who is not heard of. `take_over` is what somebody does during the look."""

    def __init__(self, root: Path) -> None:
        self.root, self.lease = root, root / "push.lease"
        self.current = root / "current"
        for release in (OLD, NEW):
            (root / "releases" / release).mkdir(parents=True)
        self.current.symlink_to(f"releases/{NEW}")

    def asked(self, token: str) -> dict[str, Any]:
        return {
            "root": str(self.root), "path": str(self.lease), "token": token, "owner": token, "process": "",
            "for_s": 90.0, "instead_of": "",
        }  # fmt: skip

    def watched(self, *, healthy: bool = False, meanwhile: str = "pass") -> str:
        sources = {name: program_text(name) for name in ("lease", "switch")}
        sources |= {"health": _HEALTH.format(before=meanwhile, healthy=healthy)}
        sources |= dict.fromkeys(("units", "restart"), _NOTHING)
        told = {
            "sources": sources, "lease": self.asked("guard"), "current": str(self.current), "release": NEW,
            "before": OLD, "health": {}, "units": {}, "restart": {}, "rolled_back": str(self.root / "rolled-back.json"),
            "links": [(str(self.current), f"releases/{OLD}")],
        }  # fmt: skip
        said: str = remote_program("guard")["watch"](told)
        return said

    @property
    def counts(self) -> str:
        return self.current.readlink().name


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_it_goes_back_and_the_lease_with_it(server: Server) -> None:
    assert "counts again (it is not)" in server.watched()
    assert (server.counts, server.lease.exists()) == (OLD, False)
    assert json.loads((server.root / "rolled-back.json").read_text()) == [NEW]


def test_what_is_well_stays(server: Server) -> None:
    assert server.watched(healthy=True) == f"release {NEW} is well"
    assert server.counts == NEW


def test_who_took_over_during_the_look_sees_to_it(server: Server) -> None:
    lease = {"token": "jane", "owner": "jane", "process": "", "boot": remote_program("lease")["_boot"](), "until": 1e12}
    taken = f"import pathlib; pathlib.Path({str(server.lease)!r}).write_text({json.dumps(lease)!r})"
    assert "somebody sees to it" in server.watched(meanwhile=taken)
    assert (server.counts, json.loads(server.lease.read_text())["token"]) == (NEW, "jane")


def test_what_counts_since_the_look_is_left_alone(server: Server) -> None:
    meanwhile = f"import os; os.unlink({str(server.current)!r}); os.symlink('releases/{OLD}', {str(server.current)!r})"
    assert server.watched(meanwhile=meanwhile) == "another release counts by now"
    assert (server.lease.exists(), (server.root / "rolled-back.json").exists()) == (False, False)
