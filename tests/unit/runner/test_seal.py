"""The filter of system calls, read by a small machine as the kernel reads it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from freehold.base.errors import FreeholdError
from freehold.runner.seal import program

ALLOW, EPERM, ENOSYS, EAFNOSUPPORT = 0x7FFF0000, 0x50001, 0x50026, 0x50061
X86_64, I386, AARCH64, ARM = 0xC000003E, 0x40000003, 0xC00000B7, 0x40000028


def verdict(machine: str, architecture: int, number: int, first: int = 0) -> int:
    """What the filter answers to one call."""
    data = {0: number, 4: architecture, 16: first & 0xFFFFFFFF}
    instructions, at, accumulator = program(machine), 0, 0
    while True:
        code, if_true, if_false, operand = instructions[at]
        if code == 0x06:
            return operand
        if code == 0x20:
            accumulator, jump = data[operand], 0
        else:
            jump = if_true if (accumulator == operand if code == 0x15 else accumulator >= operand) else if_false
        at += 1 + jump


CASES = [
    ("x86_64", X86_64, 0, 40, ALLOW),  # read, whatever its argument
    ("x86_64", X86_64, 41, 1, ALLOW),
    ("x86_64", X86_64, 41, 2, ALLOW),
    ("x86_64", X86_64, 41, 10, ALLOW),
    ("x86_64", X86_64, 41, 16, ALLOW),
    ("x86_64", X86_64, 41, 40, EAFNOSUPPORT),  # AF_VSOCK
    ("x86_64", X86_64, 41, 38, EAFNOSUPPORT),  # AF_ALG
    ("x86_64", X86_64, 41, 0, EAFNOSUPPORT),
    ("x86_64", X86_64, 41, -1, EAFNOSUPPORT),
    ("x86_64", X86_64, 41, (1 << 32) | 40, EAFNOSUPPORT),  # the kernel looks at the lower half too
    ("x86_64", X86_64, 53, 1, ALLOW),
    ("x86_64", X86_64, 53, 30, EAFNOSUPPORT),
    ("x86_64", X86_64, 425, 0, ENOSYS),
    ("x86_64", X86_64, 426, 0, ENOSYS),
    ("x86_64", X86_64, 427, 0, ENOSYS),
    ("x86_64", X86_64, 428, 0, ALLOW),
    ("x86_64", X86_64, 0x40000000 | 41, 40, EPERM),  # x32
    ("x86_64", I386, 359, 40, EAFNOSUPPORT),
    ("x86_64", I386, 359, 1, ALLOW),
    ("x86_64", I386, 102, 1, ENOSYS),  # socketcall
    ("x86_64", I386, 425, 0, ENOSYS),
    ("x86_64", I386, 41, 40, ALLOW),  # dup
    ("x86_64", AARCH64, 63, 0, EPERM),
    ("aarch64", AARCH64, 198, 40, EAFNOSUPPORT),
    ("aarch64", AARCH64, 198, 1, ALLOW),
    ("aarch64", AARCH64, 425, 0, ENOSYS),
    ("aarch64", ARM, 281, 40, EAFNOSUPPORT),
    ("aarch64", ARM, 102, 0, ENOSYS),
    ("aarch64", X86_64, 0, 0, EPERM),
]


@pytest.mark.parametrize(("machine", "architecture", "number", "first", "answer"), CASES)
def test_what_is_answered(machine: str, architecture: int, number: int, first: int, answer: int) -> None:
    assert verdict(machine, architecture, number, first) == answer


def test_a_machine_that_is_not_known_has_no_filter() -> None:
    with pytest.raises(FreeholdError, match="no filter of system calls is known for mips"):
        program("mips")


LOOK = """
import ctypes, json, os, socket
from freehold.runner.seal import seal
seal()
def family(number):
    try:
        socket.socket(number, 1).close()
    except OSError as error:
        return error.errno
    return 0
child = os.fork()
if child == 0:
    os._exit(1 if family(40) == 0 else 0)
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(425, 1, None)
print(json.dumps([family(40), family(38), family(1), family(2), ctypes.get_errno(), os.waitpid(child, 0)[1]]))
"""


def test_the_kernel_takes_it_and_children_have_it() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == [97, 97, 0, 0, 38, 0]
