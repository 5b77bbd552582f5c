"""Changes by which one could be shut out go back by themselves, whatever dies meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.firewall_part import FirewallPart
from freehold.deploy.journal_part import JournalPart
from freehold.deploy.managed_files import (
    ManagedFacts,
    ManagedFile,
    Settings,
    Step,
    carry_out,
    carry_out_proven,
    change,
)
from freehold.deploy.part import Change
from freehold.deploy.ssh_part import SshPart
from freehold.hosts.host import Command, Host
from freehold.server import firewall, sshd
from freehold.server.layout import FIREWALL_FILE, SSHD_FILE
from tests.support.sandbox import SandboxServer
from tests.support.server_parts import log_in_to, on, planned, says, settled

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]
RELOAD = ("systemctl", "reload", "ssh.service")
OURS = "/etc/ssh/sshd_config.d/00-test.conf"


def sshd_change(text: str, *, check: Sequence[tuple[str, ...]] = (sshd.TEST,)) -> Change:
    settings = Settings(
        (ManagedFile(OURS, text),), (Step(RELOAD),), check=check, undo=(RELOAD,), ask={"dump": sshd.DUMP}
    )
    return change("test", "write a file of sshd's", ManagedFacts(), settings)


async def grace(host: Host) -> str:
    return (await says(host, "sshd -T | grep -i logingracetime")).split()[1]


async def until(host: Host, line: str, within_s: float = 30) -> None:
    async with asyncio.timeout(within_s):
        while (await host.run(Command(("sh", "-c", line)))).status:
            await asyncio.sleep(0.3)


async def never() -> Host:
    raise FreeholdError(Code.CREDENTIAL, "the key is not accepted any more")


async def test_a_file_that_is_found_faulty_is_not_left_there(sandbox: SandboxServer) -> None:
    async with on(sandbox) as host:
        before = await grace(host)
        with pytest.raises(FreeholdError, match=r"Bad configuration option: Nonsense.*all is as it was") as caught:
            await carry_out_proven(host, sshd_change("Nonsense yes\n"), log_in_to(sandbox))
        assert caught.value.code is Code.FAILED
        await says(host, f"test ! -e {OURS} && test ! -e /var/lib/freehold/undo/test.json")
        assert await grace(host) == before


async def test_a_login_that_fails_afterwards_puts_the_old_file_back_at_once(sandbox: SandboxServer) -> None:
    async with on(sandbox) as host:
        await says(host, f"echo 'LoginGraceTime 77' > {OURS}; chmod 640 {OURS}; systemctl reload ssh")
        with pytest.raises(FreeholdError, match="not accepted any more; all is as it was") as caught:
            await carry_out_proven(host, sshd_change("LoginGraceTime 11\n"), never)
        assert caught.value.code is Code.CREDENTIAL
        assert await says(host, f"cat {OURS}; stat -c %a {OURS}; rm {OURS}") == "LoginGraceTime 77\n640"
        await says(host, "systemctl reload ssh")
    async with on(sandbox):
        pass


async def test_a_connection_that_dies_before_the_second_login_is_no_way_to_be_shut_out(server: SandboxServer) -> None:
    async with on(server) as host:

        async def die() -> Host:
            await host.close()
            raise FreeholdError(Code.UNREACHABLE, "gone")

        with pytest.raises(FreeholdError, match=r"gone; it goes back to how it was by itself, within 4 s"):
            await carry_out_proven(host, sshd_change("LoginGraceTime 11\n"), die, patience_s=0, undo_after_s=4)
    async with on(server) as host:
        await until(host, f"test ! -e {OURS}")
        await until(host, "sshd -T | grep -qi 'logingracetime 120\\|logingracetime 30'")
        await until(host, "test -z \"$(systemctl list-units --all --no-legend 'freehold-undo-*')\"")


async def test_one_that_was_cut_off_is_planned_again_and_remembers_what_was_there_first(sandbox: SandboxServer) -> None:
    part = SshPart(log_in_to(sandbox))
    async with on(sandbox) as host:
        await says(host, f"rm -f {SSHD_FILE}; systemctl reload ssh")
        (change_,) = await planned(host, part)
        await says(host, "mkdir -p /var/lib/freehold/undo")
        # Killed between the files and sshd's reload: the new file is there, and what was there before is remembered.
        before = json.dumps({"files": {SSHD_FILE: None}, "undo": [RELOAD], "token": "x"})
        await says(host, f"printf '%s' '{before}' > /var/lib/freehold/undo/ssh.json")
        text = change_.document["files"][0]["text"]
        await says(host, f"printf '%s' '{text}' > {SSHD_FILE}")
        assert len(await settled(host, part)) == 1
        await says(host, "test ! -e /var/lib/freehold/undo/ssh.json")
        # Cut off before it was confirmed, and refused at the second try: what goes back is what was there first.
        await says(host, f"printf '%s' '{before}' > /var/lib/freehold/undo/ssh.json")
        with pytest.raises(FreeholdError, match="all is as it was"):
            await SshPart(never).carry_out(host, [change_])
        await says(host, f"test ! -e {SSHD_FILE}")
        await settled(host, part)


async def test_rules_that_would_shut_us_out_are_taken_away_again(server: SandboxServer) -> None:
    async with on(server) as host:
        await settled(host, FirewallPart(log_in_to(server), exposed=False))
        settings = Settings(
            (ManagedFile(FIREWALL_FILE, firewall.rules([443])),),
            check=(firewall.CHECK,),
            activate=(Step(("systemctl", "reload", "freehold-firewall")),),
            undo=(("systemctl", "reload", "freehold-firewall"),),
        )
        quick = log_in_to(server, connect_timeout_s=2)
        with pytest.raises(FreeholdError, match=r"does not answer within.*; all is as it was"):
            await carry_out_proven(host, change("firewall", "x", ManagedFacts(), settings), quick, patience_s=1)
        assert "dport 22 accept" in await says(host, "nft list table inet freehold")
    async with on(server):
        pass


async def test_the_first_rules_that_shut_us_out_leave_none(server: SandboxServer) -> None:
    part = FirewallPart(never, exposed=True)
    async with on(server) as host:
        await says(host, "systemctl disable --now freehold-firewall; nft delete table inet freehold || true")
        await says(
            host, f"rm -f {FIREWALL_FILE} /etc/systemd/system/freehold-firewall.service; systemctl daemon-reload"
        )
        with pytest.raises(FreeholdError, match="all is as it was"):
            await part.carry_out(host, await planned(host, part))
        unit = "freehold-firewall"
        left = f"nft list table inet freehold || systemctl is-enabled {unit} || systemctl is-active {unit}"
        assert (await host.run(Command(("sh", "-c", left)))).status
        await says(host, f"test ! -e {FIREWALL_FILE} -a ! -e /etc/systemd/system/freehold-firewall.service")
        await settled(host, FirewallPart(log_in_to(server), exposed=True))


async def test_a_service_that_does_not_start_with_the_new_file_has_the_old_one(sandbox: SandboxServer) -> None:
    async with on(sandbox) as host:
        await settled(host, JournalPart())
        path = "/run/systemd/system/fht.service"
        await says(host, f"printf '[Service]\\nExecStart=/bin/sleep 999\\n' > {path}; systemctl daemon-reload")
        await says(host, "systemctl start fht")
        restart = ("systemctl", "restart", "fht.service")
        settings = Settings(
            (ManagedFile(path, "[Service]\nExecStart=/does/not/exist\nType=exec\n"),),
            (Step(("systemctl", "daemon-reload")), Step(restart)),
            undo=(("systemctl", "daemon-reload"), restart),
        )
        with pytest.raises(FreeholdError, match="all is as it was"):
            await carry_out(host, change("test", "x", ManagedFacts(), settings))
        assert await says(host, "systemctl is-active fht") == "active"
        await says(host, f"systemctl stop fht; rm {path}; systemctl daemon-reload")


async def test_a_link_is_not_written_through(sandbox: SandboxServer) -> None:
    async with on(sandbox) as host:
        await says(host, f"ln -s /etc/passwd {OURS}")
        with pytest.raises(FreeholdError, match="is a link to /etc/passwd") as caught:
            await carry_out(host, sshd_change("LoginGraceTime 11\n"))
        assert caught.value.code is Code.CONFLICT
        await says(host, f"grep -q root /etc/passwd && rm {OURS} && test ! -e /var/lib/freehold/undo/test.json")


async def test_somebody_elses_file_that_comes_first_is_told_and_nothing_stays(sandbox: SandboxServer) -> None:
    async with on(sandbox) as host:
        await says(host, f"rm -f {SSHD_FILE}; echo 'PasswordAuthentication yes' > {OURS}; systemctl reload ssh")
        part = SshPart(log_in_to(sandbox))
        with pytest.raises(FreeholdError, match="passwordauthentication is yes; all is as it was") as caught:
            await part.carry_out(host, await planned(host, part))
        assert "Include" in caught.value.hint
        await says(host, f"test ! -e {SSHD_FILE}; rm {OURS}; systemctl reload ssh")
        await settled(host, part)
