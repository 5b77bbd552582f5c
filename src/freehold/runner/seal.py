"""What no program of a run may ask the kernel for: a filter of system calls, put on before anything else is started.

A container without a network still has sockets that know nothing of network namespaces. AF_VSOCK reaches the machine
that a virtual machine runs on, and whatever listens there or here (sshd of systemd 256 does, on port 22); Docker's own
filter lets it pass before version 23. So only the families that a namespace contains are left. io_uring makes sockets
without a system call that a filter could see (Linux 5.19), so that it is left out altogether, as Docker does from
version 25 on.
"""

from __future__ import annotations

import ctypes
import os

from freehold.base.errors import Code, FreeholdError

Instruction = tuple[int, int, int, int]
"""Operation, jump when true, jump when false, operand (linux/filter.h)."""

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
"""Offsets in `struct seccomp_data`; of an argument the lower half, on machines that are little-endian."""

_ALLOW = 0x7FFF0000
_ERROR = 0x00050000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97

_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: of each, a network namespace has its own."""
_IO_URING = (425, 426, 427)
"""setup, enter and register, on every architecture."""
_X32 = 0x40000000
"""Numbers of x86-64's third set of calls begin here; hardly any kernel has it, and no program needs it."""

_NATIVE = {
    "x86_64": ((0xC000003E, (41, 53), ()), (0x40000003, (359, 360), (102,))),
    "aarch64": ((0xC00000B7, (198, 199), ()), (0x40000028, (281, 288), (102,))),
}
"""By machine, for its own calls and those of its 32-bit programs: AUDIT_ARCH, `socket` and `socketpair`, and
`socketcall`, whose arguments a filter cannot see."""

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2


class _Filter(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jt", ctypes.c_uint8),
        ("jf", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Filter)))


def seal() -> None:
    """Put the filter on this program and all that it will start; it stays, and others may be put on top of it.

    Raises `FreeholdError` (FAILED) where it cannot be: on a machine that is not in the table, and without seccomp.
    """
    machine = os.uname().machine
    instructions = program(machine)
    array = (_Filter * len(instructions))(*(_Filter(*instruction) for instruction in instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    told = _Program(len(instructions), array)
    if (
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        or libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(told), 0, 0) != 0
    ):
        reason = os.strerror(ctypes.get_errno())
        raise FreeholdError(Code.FAILED, f"system calls cannot be filtered: {reason}", "use a kernel with seccomp")


def program(machine: str) -> list[Instruction]:
    """The filter for a machine (pure). Raises `FreeholdError` (FAILED) for one that is not in the table."""
    if machine not in _NATIVE:
        raise FreeholdError(Code.FAILED, f"no filter of system calls is known for {machine}", "use x86_64 or aarch64")
    filtered: list[Instruction] = [(_LOAD, 0, 0, _ARCHITECTURE_AT)]
    for architecture, sockets, unseen in _NATIVE[machine]:
        block = _calls(sockets, unseen)
        filtered += [(_EQUAL, 0, len(block), architecture), *block]
    return [*filtered, _answer(_EPERM)]


def _calls(sockets: tuple[int, ...], unseen: tuple[int, ...]) -> list[Instruction]:
    block: list[Instruction] = [(_LOAD, 0, 0, _NUMBER_AT), (_AT_LEAST, 0, 1, _X32), _answer(_EPERM)]
    for number in (*_IO_URING, *unseen):
        block += [(_EQUAL, 0, 1, number), _answer(_ENOSYS)]
    families: list[Instruction] = [(_LOAD, 0, 0, _FIRST_ARGUMENT_AT)]
    for family in _FAMILIES:
        families += [(_EQUAL, 0, 1, family), (_RETURN, 0, 0, _ALLOW)]
    families.append(_answer(_EAFNOSUPPORT))
    for number in sockets:
        block += [(_EQUAL, 0, len(families), number), *families]
    return [*block, (_RETURN, 0, 0, _ALLOW)]


def _answer(error: int) -> Instruction:
    return (_RETURN, 0, 0, _ERROR | error)
