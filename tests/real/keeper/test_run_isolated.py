"""A whole run, from the command to the container, looked at by a program in it that means harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation, finished

pytestmark = pytest.mark.docker

PROBE = Path(__file__).with_name("kernel_probe.py")
CANARY = "canary-of-a-model-key-0123456789"
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16


@pytest.fixture
def seen(here: Installation) -> dict[str, Any]:
    key = ["creds", "add", "anthropic_key", "--field", "token=-"]
    process = here.start(*key, stdin=-1)
    _, told = process.communicate(CANARY)
    assert process.returncode == 0, told
    folder = here.agent(script="""fh return "$(python3 -I "$(dirname "$0")/probe.py")"\n""")
    (folder / "probe.py").write_text(PROBE.read_text())
    end = finished(here.run("dev")).outcome()
    assert end.return_value, end
    found: dict[str, Any] = json.loads(end.return_value)
    return found


def test_what_the_kernel_gives_a_run(seen: dict[str, Any]) -> None:
    # One run, many facts: a container for each would tell nothing more.
    assert set(seen["families"]) <= {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK}, "a family that is in no namespace"
    assert seen["io_uring"] == "ENOSYS", "it makes sockets that no filter sees"
    assert set(seen["calls"].values()) <= {"EPERM", "ENOSYS"}, seen["calls"]
    assert seen["interfaces"] == ["lo"]
    assert seen["sockets"] == ["/run/freehold/run.sock"]
    assert seen["block_devices"] == []
    assert not [name for name in seen["unix_sockets"] if "run.sock" not in name], "somebody else's sockets"
    # Whoever may be told of pressure writes there what about; nothing is set.
    assert [path for path in seen["writable"] if not path.startswith("/proc/pressure/")] == [], "files of the kernel's"
    assert seen["keys"] == ""
    status = seen["status"]
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert (int(status["CapEff"], 16), int(status["CapBnd"], 16)) == (0, 0)
    assert status["Uid"].split() == ["1000"] * 4
    assert not seen["descriptors"], "files that were open before it started"
    told = json.dumps([seen["environment"], seen["parent_environment"]])
    assert CANARY not in told
    assert "DOCKER" not in told
