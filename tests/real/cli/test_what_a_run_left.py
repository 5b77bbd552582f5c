"""What a real run left, in a container and as another user's: told by commands."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.wire.runs import Result
from tests.support.host_users import host_users
from tests.support.installation import Installation, until

pytestmark = pytest.mark.docker
WORK = """\
cd /workspace
export HOME=/tmp GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.c GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b.c
if ! test -d shop; then
  git init -q shop && cd shop && echo one > README && git add -A && git commit -q -m first && exit 0
fi
cd shop
echo two > README
git commit -q -am "Say two"
echo fresh > NEW
git config core.fsmonitor "touch /workspace/sprung"
printf '#!/bin/sh\\ntouch /workspace/sprung\\n' > .git/hooks/post-index-change
chmod +x .git/hooks/post-index-change
echo "a report" > /workspace/report.txt
ln -s /credentials /workspace/link
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path, name="fhl")
    yield made
    made.close()


def test_what_a_run_in_a_container_left_is_told_by_commands(here: Installation, tmp_path: Path) -> None:
    here.agent(script=WORK)
    here.run("dev")
    here.run("dev")
    listed = here.freehold("runs", "files", "dev").stdout
    assert "changed" in listed
    for name in ("/workspace/shop/README", "/workspace/shop/NEW", "/workspace/report.txt"):
        assert name in listed
    assert "sprung" not in listed
    assert "/credentials" not in listed
    patch = here.freehold("runs", "diff", "dev").stdout
    assert "-one\n+two\n" in patch
    assert "+fresh\n" in patch
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "README").write_text("one\n")
    subprocess.run(["git", "apply", "-"], cwd=copy, input=patch, text=True, check=True)
    assert ((copy / "README").read_text(), (copy / "NEW").read_text()) == ("two\n", "fresh\n")
    assert here.freehold("runs", "files", "dev", "/workspace/report.txt").stdout == "a report\n"
    [repository] = json.loads(here.freehold("runs", "diff", "dev", "--json").stdout)
    assert repository["commits"][0].endswith("Say two")
    missing = here.freehold("runs", "files", "dev", "/etc/passwd", code=None)
    assert missing.returncode != 0
    assert "is not among the files" in missing.stderr


def test_what_a_killed_run_left_is_told_too(here: Installation) -> None:
    here.agent(script="echo half > /workspace/half.txt\nfh return ready\nsleep 600\n")
    run_id = here.freehold("run", "dev", "--detach").stdout.strip()
    until(lambda: here.record(run_id).view.return_value == "ready")
    here.freehold("kill", run_id)
    until(lambda: here.record(run_id).view.result is Result.KILLED)
    assert "/workspace/half.txt" in here.freehold("runs", "files", run_id).stdout


@pytest.mark.root
def test_what_a_run_without_a_container_left(here: Installation) -> None:
    run_as = f"fhl-{os.getpid() % 10000}"
    work = 'cd "$FREEHOLD_WORKSPACE" && git init -q a && echo two > a/README && echo "a report" > report.txt\n'
    with host_users(run_as, 1):
        here.agent(script=work, runtime={"type": "host-user", "run_as": run_as})
        try:
            here.run("dev")
            listed = here.freehold("runs", "files", "dev").stdout
            assert [line.rpartition("/")[2] for line in listed.splitlines()[1:]] == ["README", "report.txt"]
            assert "+two\n" in here.freehold("runs", "diff", "dev").stdout
        finally:
            here.stop_keeper()
