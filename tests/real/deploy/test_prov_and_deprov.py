"""Rented servers that stand here: killed at every step, pushed to, reached through Cloudflare's proxy, taken down."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.deploy.provision.step import CLOUDFLARE, RENTED, Step
from freehold.providers.sandbox.recipe import SUITES, Form
from tests.support.certificates import Authority
from tests.support.cloudflare_proxy import CloudflareProxy
from tests.support.clouds import HETZNER, VULTR, Clouds, clouds
from tests.support.folders import one_agent, write_files
from tests.support.program import PROGRAM, Freehold
from tests.support.sandbox import SandboxServer, sandbox_server
from tests.support.sandbox_room import SandboxRoom
from tests.support.strict_cloudflare import ZONE_ID

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

HOST = "app.example.com"
WEB = ("--https", HOST, "--ssl-mode", "host-rule", "--dns-wait", "0")
STEP_WITHIN_S = 180.0


@pytest.fixture
def rented(sandbox: SandboxServer) -> Iterator[Clouds]:
    """Its machines are sandboxes whose packages are there already; `sandbox` sees to their image."""
    assert sandbox
    room = SandboxRoom(form=Form.READY)
    try:
        with clouds(room) as found:
            yield found
    finally:
        room.close()


@pytest.fixture
def freehold(rented: Clouds, tmp_path: Path) -> Freehold:
    project = write_files(tmp_path / "shop", one_agent())
    rented.keep_tokens(tmp_path / "home")
    return Freehold(project, tmp_path / "home", rented.environ)


def done_in(freehold: Freehold, name: str = "prod") -> list[str]:
    try:
        table = tomllib.loads((freehold.home / f"environments/{name}.toml").read_text())
    except FileNotFoundError:
        return []
    return [str(step) for step in table["provision"]["done"]]


def killed_after(freehold: Freehold, step: Step, *words: str) -> None:
    """Type it, and kill it as soon as the step is written down."""
    process = subprocess.Popen(
        [PROGRAM, *words], cwd=freehold.project, env=freehold.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + STEP_WITHIN_S
    while step not in done_in(freehold):
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline, f"{step} is not done: {done_in(freehold)}"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def through_cloudflare(api: Clouds, folder: Path, path: str) -> tuple[int, str]:
    """What a visitor of the name gets: Cloudflare's proxy checks the server's certificate against its own authority."""
    authority = Authority(folder)
    proxy = CloudflareProxy(api.cloudflare, authority.server_context(HOST))
    try:
        context = authority.client_context()
        context.check_hostname = False
        visitor = http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=30, context=context)
        visitor.request("GET", path, headers={"Host": HOST})
        answer = visitor.getresponse()
        said = answer.status, answer.read().decode()
        visitor.close()
        return said
    finally:
        proxy.close()


def test_killed_at_every_step_pushed_to_and_taken_down(rented: Clouds, freehold: Freehold, tmp_path: Path) -> None:
    words: tuple[str, ...] = ("env", "prov", "prod", *HETZNER, *WEB, "--host-key", "first", "--yes")
    for step in (*RENTED, *CLOUDFLARE)[:-1]:
        killed_after(freehold, step, *words)
        words = ("env", "prov", "prod", "--host-key", "first", "--dns-wait", "0")
    finished = freehold(*words, "--json")
    assert finished.returncode == 0, finished.stderr
    told = json.loads(finished.stdout)
    assert sorted(told["done"]) == sorted((*RENTED, *CLOUDFLARE))
    assert told["hostname"] == HOST
    api, names = rented.hetzner, rented.cloudflare
    assert [len(api.servers), len(api.firewalls), len(api.ssh_keys)] == [1, 1, 1]
    assert len(names.certificates) == 1
    assert names.origin_of(HOST) == (told["host"], "strict")

    checked = freehold("env", "check", "prod")
    assert "✗" not in checked.stdout, checked.stdout
    assert through_cloudflare(rented, _new(tmp_path / "before"), "/health")[0] == 521, "nothing is pushed yet"
    pushed = freehold("push", "-E", "prod", "--yes")
    assert pushed.returncode == 0, pushed.stderr
    status, answer = through_cloudflare(rented, _new(tmp_path / "after"), "/health")
    assert status == 200, answer
    assert json.loads(answer)["status"] == "ok"

    gone = freehold("env", "deprov", "prod", "--yes", "--json")
    assert gone.returncode == 0, gone.stderr
    proof = json.loads(gone.stdout)
    assert (proof["forgotten"], proof["left"]) == (True, [])
    assert "project shop on the server" in proof["removed"]
    assert rented.is_clear
    assert not (freehold.home / "environments/prod.toml").exists()


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_host_key_that_is_another_one_than_was_named(rented: Clouds, freehold: Freehold) -> None:
    wrong = "SHA256:" + "a" * 43
    refused = freehold("env", "prov", "prod", *VULTR, "--yes", "--host-key", wrong)
    assert refused.returncode == 1
    assert "the server shows another host key than before" in refused.stderr
    assert wrong in refused.stderr
    named = re.search(r"freehold env prov prod --host-key (SHA256:\S+)", refused.stderr)
    assert named, refused.stderr
    assert "login" not in done_in(freehold)

    went_on = freehold("env", "prov", "prod", "--host-key", named[1])
    assert went_on.returncode == 0, went_on.stderr
    assert rented.vultr.count("POST /instances") == 1
    dry = freehold("env", "deprov", "prod", "--dry-run")
    assert "remove the server" in dry.stdout
    assert freehold("env", "deprov", "prod", "--yes").returncode == 0
    assert rented.is_clear


def test_without_a_word_about_the_host_key_nobody_is_let_in(rented: Clouds, freehold: Freehold) -> None:
    refused = freehold("env", "prov", "prod", *HETZNER, "--yes")
    assert refused.returncode == 1
    assert "its host key is not known yet" in refused.stderr
    assert re.search(r"accept it: freehold env prov prod --host-key SHA256:", refused.stderr)
    assert "the server costs" in refused.stderr
    assert freehold("env", "deprov", "prod", "--yes").returncode == 0
    assert rented.is_clear


def test_https_is_added_later_and_its_name_taken_away(rented: Clouds, tmp_path: Path) -> None:
    with sandbox_server(tmp_path / "box", called="-https") as box:
        rented.keep_tokens(box.home)
        shop = Freehold(write_files(tmp_path / "shop", one_agent()), box.home, rented.environ)
        names = rented.cloudflare
        asked = shop("env", "https", "box", HOST)
        assert (asked.returncode, "this is missing: --ssl-mode" in asked.stderr) == (2, True), asked.stderr
        theirs = names.add_record("AAAA", HOST, "2001:db8::9")
        words = ("env", "https", "box", HOST, "--ssl-mode", "zone", "--dns-wait", "0")
        refused = shop(*words)
        assert (refused.returncode, f"AAAA {HOST} 2001:db8::9" in refused.stderr) == (1, True)
        assert not names.certificates

        added = shop(*words, "--replace-records")
        assert added.returncode == 0, added.stderr
        assert "does not lead to Cloudflare yet, as seen from here" in added.stderr
        assert names.origin_of(HOST) == (box.address, "strict")
        assert theirs not in names.records[ZONE_ID]
        assert names.ssl[ZONE_ID] == "strict"
        kept = list(names.certificates)
        assert shop(*words).returncode == 0
        assert list(names.certificates) == kept, "it fits still"

        gone = shop("env", "deprov", "box", "--keep-server", "--yes", "--json")
        assert gone.returncode == 0, gone.stderr
        told = json.loads(gone.stdout)
        assert told["forgotten"] is False
        assert any("the zone's SSL mode, strict" in text for text in told["stays"])
        assert not any(names.records.values())
        assert not names.certificates
        table = tomllib.loads((box.home / "environments/box.toml").read_text())
        assert "hostname" not in table["server"]
        assert "url" not in table["gateway"]
        assert names.ssl[ZONE_ID] == "strict", "the whole zone's mode may be others' by now"


@pytest.mark.parametrize("version", list(SUITES))
def test_stock_debian_passes_env_check(sandbox: SandboxServer, tmp_path: Path, version: str) -> None:
    """As providers hand it out: the first boot fetches Docker from the distribution's archive."""
    freehold = Freehold(sandbox.freehold.project, tmp_path / "home")
    image = ("--image", f"debian-{version}-plain")
    words = ("env", "prov", "box", "--provider", "sandbox", "--plan", "small", "--region", "here", *image, "--yes")
    made = freehold(*words)
    assert made.returncode == 0, made.stderr
    assert "Docker not there yet" in made.stderr
    checked = freehold("env", "check", "box")
    assert (checked.returncode, "✗" in checked.stdout, "! " in checked.stdout) == (0, False, False), checked.stdout
    assert freehold("env", "deprov", "box", "--yes").returncode == 0


def test_this_machine_rents_out_sandboxes(sandbox: SandboxServer, tmp_path: Path) -> None:
    """The provider tells the host key: nobody has to be asked."""
    freehold = Freehold(sandbox.freehold.project, tmp_path / "home")
    made = freehold("env", "prov", "box", "--provider", "sandbox", "--plan", "small", "--region", "here", "--yes")
    assert made.returncode == 0, made.stderr
    assert freehold("sandbox", "ssh", "box", "hostname").stdout.startswith("fh-box-"), "its environment names it, too"
    gone = freehold("env", "deprov", "box", "--yes", "--json")
    assert gone.returncode == 0, gone.stderr
    assert json.loads(gone.stdout)["forgotten"]
    listed = freehold("sandbox", "list", "--json")
    assert not [one for one in json.loads(listed.stdout) if one["name"].startswith("fh-box-")]
