"""The container that a sandbox is."""

from __future__ import annotations

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.providers.sandbox.capabilities import explained, missing
from freehold.providers.sandbox.container import CAPABILITIES, config, free_address
from freehold.providers.sandbox.order import Order

ORDER = Order("box", ("ssh-ed25519 AAAA",), cpus=1.5, memory_bytes=2 * 1024**3, marks={"whose": "mine"})


def test_it_is_not_privileged_and_publishes_nothing() -> None:
    told = config(ORDER, "image", "172.18.0.9")
    host = told["HostConfig"]
    assert "Privileged" not in host
    assert "PortBindings" not in host
    assert "Devices" not in host
    assert "Binds" not in host
    assert "SYS_RESOURCE" not in host["CapAdd"]
    assert "SYS_MODULE" not in host["CapAdd"]
    assert host["CgroupnsMode"] == "private"


def test_everything_carries_its_labels_and_its_bounds() -> None:
    told = config(ORDER, "image", "172.18.0.9")
    labels = {"whose": "mine", "dev.freehold.sandbox": "box"}
    assert told["Labels"] == {**labels, "dev.freehold.sandbox.address": "172.18.0.9"}
    (volume,) = told["HostConfig"]["Mounts"]
    assert (volume["Source"], volume["Target"]) == ("fh-sandbox-box-docker", "/var/lib/docker")
    assert volume["VolumeOptions"]["Labels"] == labels
    assert (told["HostConfig"]["Memory"], told["HostConfig"]["NanoCpus"]) == (2147483648, 1500000000)


def test_keys_are_in_nothing_that_docker_lists() -> None:
    assert "AAAA" not in repr(config(ORDER, "image", "172.18.0.9"))


@pytest.mark.parametrize("name", ["", "Box", "-box", "box-", "b x", "../etc", "b" * 63, "$(id)", "b\n"])
def test_a_name_that_no_host_can_have_is_refused(name: str) -> None:
    with pytest.raises(FreeholdError) as caught:
        Order(name, ())
    assert caught.value.code is Code.USAGE


def test_less_memory_than_it_needs_is_refused() -> None:
    with pytest.raises(FreeholdError, match="256 MB"):
        Order("box", (), memory_bytes=100 * 1024 * 1024)


def test_address_is_the_names_unless_it_is_taken() -> None:
    first = free_address("172.18.0.0/16", "box", ())
    assert free_address("172.18.0.0/16", "box", ["172.18.0.7"]) == first
    second = free_address("172.18.0.0/16", "box", [first])
    assert second != first
    assert free_address("172.18.0.0/16", "other", ()) != first


def test_every_address_but_the_networks_the_machines_and_the_broadcast_is_given_out() -> None:
    taken: list[str] = []
    for number in range(5):
        taken.append(free_address("10.0.0.0/29", f"box-{number}", taken))
    assert sorted(taken) == ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]
    with pytest.raises(FreeholdError, match="no address is left"):
        free_address("10.0.0.0/29", "one-more", taken)


@pytest.mark.parametrize(
    ("bounding", "names"),
    [
        ("000001ffffffffff", []),
        # A machine without SYS_RESOURCE (bit 24), which no sandbox needs.
        ("000001fffeffffff", []),
        ("000001fffedfffff", ["SYS_ADMIN"]),
        ("00000000a80425fb", [
            "SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_BOOT", "SYS_NICE", "AUDIT_CONTROL", "IPC_LOCK",
            "DAC_READ_SEARCH", "LINUX_IMMUTABLE", "SYSLOG",
        ]),
        ("nonsense", []),
    ],
)  # fmt: skip
def test_capabilities_that_the_machine_cannot_give_are_named(bounding: str, names: list[str]) -> None:
    assert missing(f"CapEff:\t0\nCapBnd:\t{bounding}\n", CAPABILITIES) == names


def test_docker_s_refusal_names_them() -> None:
    refusal = FreeholdError(Code.FAILED, "Docker could not start container x: unable to apply caps", "")
    assert explained(refusal, []) is refusal
    told = explained(refusal, ["SYS_ADMIN", "SYS_BOOT"])
    assert told.message == refusal.message
    assert "SYS_ADMIN, SYS_BOOT" in told.hint


def test_a_system_that_does_not_tell_lacks_nothing() -> None:
    assert missing("Name: x\n", CAPABILITIES) == []
