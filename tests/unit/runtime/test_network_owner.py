from __future__ import annotations

import ast
import inspect
import ipaddress
import struct
import sys

import pytest

from freehold.runtime import network_owner
from freehold.runtime.network_owner import UNREACHABLE, answer_of, unreachable_route
from freehold.runtime.open_network import PUBLIC_NAME_SERVERS, name_servers_for


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254", "168.63.129.16", "192.0.0.192"]
)
def test_metadata_services_are_cut_off(address: str) -> None:
    assert any(ipaddress.ip_address(address) in ipaddress.ip_network(network) for network in UNREACHABLE)


@pytest.mark.parametrize(("network", "family", "prefix"), [("169.254.0.0/16", 2, 16), ("fd00:ec2::254/128", 10, 128)])
def test_a_route_is_an_rtnetlink_message(network: str, family: int, prefix: int) -> None:
    message = unreachable_route(network, 7)
    length, kind, _flags, sequence, _port = struct.unpack_from("=IHHII", message)
    assert (length, kind, sequence) == (len(message), 24, 7)
    head = message[16:28]
    assert (head[0], head[1], head[7]) == (family, prefix, 7)
    assert ipaddress.ip_network(network).network_address.packed in message


@pytest.mark.parametrize(("error", "expected"), [(0, 0), (-1, 1), (-17, 17)])
def test_the_kernels_answer(error: int, expected: int) -> None:
    assert answer_of(struct.pack("=IHHIIi", 36, 2, 0, 1, 0, error)) == expected


def test_it_imports_nothing_that_the_image_may_lack() -> None:
    tree = ast.parse(inspect.getsource(network_owner))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported - {"__future__"} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    ("resolv_conf", "expected"),
    [
        ("", ()),
        ("nameserver 192.0.2.53\nnameserver 2001:db8::53\n", ()),
        ("# from cloud-init\nsearch internal\nnameserver 169.254.169.254\n", PUBLIC_NAME_SERVERS),
        ("nameserver fe80::a9fe:a9fe%eth0\n", PUBLIC_NAME_SERVERS),
        ("nameserver\nnameserver what\noptions edns0\n", ()),
    ],
)
def test_a_name_server_that_is_cut_off_is_replaced(resolv_conf: str, expected: tuple[str, ...]) -> None:
    assert name_servers_for(resolv_conf) == expected
