"""Every secret of a run has a value that is found nowhere else; then everything that can be looked at is searched."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.base.secret import Secret
from freehold.keeper.left import read_left
from freehold.models.fake_upstream import Behaviour
from freehold.project.credential import CredentialRef, Purpose
from freehold.project.credentials import CREDENTIAL_TYPES
from freehold.store.credentials import FileCredentialStore
from freehold.wire.events import HookOutput, Status
from tests.support.installation import Installation, finished, printed, until
from tests.support.provider import Provider

pytestmark = [pytest.mark.docker, pytest.mark.root]

CANARY = f"canary{secrets.token_hex(8)}"
STAGED = [kind for kind in CREDENTIAL_TYPES.values() if kind.purpose is Purpose.SERVICE and not kind.internal]
PIECE = 1024 * 1024

ASK = '-s --json \'{"model": "main", "messages": [{"role": "user", "content": "hi"}]}\''
SCRIPT = f"""\
find /credentials -type f -exec cat {{}} +
env
env > /tmp/left.txt
find /credentials -type f -exec cat {{}} + > /tmp/all.txt
(printf '\\377\\000'; env) > /tmp/left.bin
git init -q /tmp/left && env > /tmp/left/env
curl {ASK} http://127.0.0.1:7701/model/openai/v1/chat/completions
curl {ASK} http://127.0.0.1:7701/mcp/tools
fh status "the token is $GITHUB_TOKEN"
while [ ! -e /workspace/enough ]; do sleep 0.1; done
echo "gave up with $GITHUB_TOKEN" >&2
exit 3
"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


def ssh_key(folder: Path) -> str:
    path = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", CANARY, "-f", str(path)], check=True)
    return path.read_text()


def fill_store(here: Installation, folder: Path) -> list[bytes]:
    """A value for every field of every type; what is to be searched for."""
    store, key = FileCredentialStore(here.home), ssh_key(folder)
    for kind in CREDENTIAL_TYPES.values():
        values = {
            field.name: Secret(f"{CANARY}-{kind.name}-{field.name}" if field.secret else "no-secret")
            for field in kind.fields
        }
        if kind.name == "git_ssh":
            values["id_rsa"] = Secret(key)
        if kind.name == "custom_key":
            values["hosts"] = Secret("127.0.0.1")
        store.put(CredentialRef(kind.name), values)
    return [CANARY.encode(), key.splitlines()[2].encode()]


def processes(without: set[int]) -> dict[str, bytes]:
    """Command line and environment of every process of the machine, but for those."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) not in without:
            for name in ("cmdline", "environ"):
                try:
                    found[f"{process.name}/{name}"] = (process / name).read_bytes()
                except OSError:
                    continue
    return found


def files_below(*folders: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def said_by(*command: str) -> dict[str, bytes]:
    done = subprocess.run(command, capture_output=True, check=True)
    return {" ".join(command): done.stdout + done.stderr}


def image_holds(needles: list[bytes], image: str) -> bool:
    """Whether any layer of an image, or what is told of it, holds one of them."""
    saving = subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE)
    assert saving.stdout is not None
    rest, found = b"", False
    with saving.stdout as stream:
        while piece := stream.read(PIECE):
            found = found or any(needle in rest + piece for needle in needles)
            rest = piece[-200:]
    assert saving.wait(60) == 0
    return found


def test_no_secret_is_seen_anywhere(here: Installation, provider: Provider, tmp_path: Path) -> None:
    needles = fill_store(here, tmp_path)
    provider.upstream.behave(Behaviour(status=401, echo_credential=True))
    address = f"http://127.0.0.1:{provider.port}/v1"
    (here.project / "config.toml").write_text(
        f'[models.main]\nprovider = "custom"\nmodel = "m-1"\nbase_url = "{address}"\n'
        f'[mcp.tools]\nurl = "{address}/chat/completions"\ncredential = "linear_token.token"\n'
    )
    folder = here.agent(script=SCRIPT, models=["main"], mcp=["tools"], credentials=[kind.name for kind in STAGED])
    (folder / "Dockerfile").write_text(f"FROM freehold-agent\nRUN echo {here.unique_name} && sleep 2\n")

    def look(where: dict[str, bytes]) -> None:
        assert where
        assert {place for place, text in where.items() for needle in needles if needle in text} == set()

    running = here.start("run", "dev", "--json")
    until(lambda: any(b"docker" in text and b"build" in text for text in _children(here.keeper_pid()).values()))
    look(processes({os.getpid()}))
    until(lambda: any(isinstance(event, Status) for run_id in here.run_ids() for event in here.events(run_id)))
    [container], [run_id] = here.containers, here.run_ids()
    inside = {int(line.split()[0]) for line in said("docker", "top", container, "-eo", "pid,comm")[1:]}
    look(processes({os.getpid(), *inside}))
    look(said_by("docker", "inspect", container, f"fh-{here.unique_name}-dev-0") | said_by("docker", "logs", container))
    look(said_by("docker", "export", container))
    look(files_below(here.state))
    control = processes(set())
    assert any(CANARY.encode() in control.get(f"{pid}/environ", b"") for pid in inside), (
        "the control: it is found there"
    )
    assert [path for path in here.staged_secrets for text in files_below(path).values() if needles[0] in text]

    subprocess.run(["docker", "exec", container, "touch", "/workspace/enough"], check=True)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 1
    look({"--json": out.encode(), "standard error": err.encode()})
    told = printed(out)
    assert finished(told).exit_code == 3
    assert any("[hidden]" in event.text for event in told if isinstance(event, HookOutput))
    keys = {request.credential for request in provider.upstream.seen}
    assert keys == {f"{CANARY}-custom_key-token", f"{CANARY}-linear_token-token"}, "the control: they were sent"
    for words in (["logs", run_id], ["logs", run_id, "--verbose"], ["runs"], ["runs", "--json"], ["creds", "list"],
                  ["agent", "show", "dev"], ["doctor"]):  # fmt: skip
        done = here.freehold(*words, code=None)
        look({" ".join(words): (done.stdout + done.stderr).encode()})
    look(files_below(here.state))
    left = read_left(here.state, run_id)
    assert {"/tmp/left.txt", "/tmp/all.txt", "/tmp/left.bin", "/tmp/left/env"} <= {one.path for one in left.files}
    look({one.path: one.content or b"" for one in left.files})  # which the file has in base64
    look({one.path: one.patch.encode() for one in left.repositories})
    assert any(b"[hidden]" in (one.content or b"") for one in left.files)
    assert here.staged_secrets == []
    image = here.record(run_id).view.image
    look(said_by("docker", "history", "--no-trunc", image) | said_by("docker", "image", "inspect", image))
    assert not image_holds(needles, image)
    here.freehold("image", "prune", "--yes", code=None)


def said(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def _children(pid: int | None) -> dict[int, bytes]:
    """Command lines of the processes that a process has started."""
    if pid is None:
        return {}
    found: dict[int, bytes] = {}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found |= {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in task.read_text().split()}
        except OSError:
            continue
    return found
