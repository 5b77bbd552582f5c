"""What goes wrong with a host, each in one place's words."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration, size
from freehold.hosts.host import LARGEST_OUTPUT, Command, Outcome
from freehold.project.host_key import HostKey, Pin

HOW_TO_COMPARE = "compare it with what the server itself says (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)"


class HostKeyError(FreeholdError):
    """The server called `name` shows a `key` for `place` that is not known to be right. Nothing was sent to it.

    Of a jump host, `on_way_to` is what the server behind it is called: that name, or else `name`, is the environment's.
    """

    def __init__(self, name: str, place: str, key: HostKey, message: str, hint: str) -> None:
        super().__init__(Code.DENIED, f"{name}: {message}", hint)
        self.name = name
        self.place = place
        self.key = key


class UnknownHostKeyError(HostKeyError):
    """A server that was never met. Whoever can ask a person does, keeps the key for the place, and tries again."""

    def __init__(self, name: str, place: str, key: HostKey, on_way_to: str = "") -> None:
        super().__init__(
            name, place, key,
            f"its host key is not known yet: {key.algorithm} {key.fingerprint}",
            f"{HOW_TO_COMPARE}, then accept it: {_check_with(on_way_to or name, key)}",
        )  # fmt: skip


class ChangedHostKeyError(HostKeyError):
    """Another key than the one that was pinned, `kept_in` says where."""

    def __init__(self, name: str, place: str, key: HostKey, pin: Pin, kept_in: str, on_way_to: str = "") -> None:
        pinned = f"{pin.key.algorithm} {pin.fingerprint}" if pin.key else pin.fingerprint
        super().__init__(
            name, place, key,
            "the server shows another host key than before\n"
            f"pinned: {pinned} ({kept_in})\nshown:  {key.algorithm} {key.fingerprint}",
            "Either somebody stands between you and it, or it was set up anew. Nothing was sent to it. If it was set "
            "up anew, compare the fingerprint on its own console, then accept it: "
            f"{_check_with(on_way_to or name, key)}",
        )  # fmt: skip


def _check_with(environment: str, key: HostKey) -> str:
    return f"freehold env check {environment} --host-key {key.fingerprint}"


def connection_lost(name: str, doing: str) -> FreeholdError:
    return FreeholdError(
        Code.UNREACHABLE,
        f"the connection to {name} broke while {doing}",
        "How far that came is not known; everything that Freehold does there can be done again. Try again.",
    )


def took_too_long(name: str, command: Command) -> FreeholdError:
    return FreeholdError(
        Code.TIMEOUT,
        f"{command} on {name} took longer than {duration(command.timeout_s)}",
        "It may still go on there. Is the server overloaded, or its disk full?",
    )


def said_too_much(name: str, command: Command) -> FreeholdError:
    return FreeholdError(Code.TOO_LARGE, f"{command} on {name} says more than {size(LARGEST_OUTPUT)}")


def command_failed(name: str, command: Command, outcome: Outcome) -> FreeholdError:
    why = outcome.complaint or f"exit code {outcome.status}"
    return FreeholdError(Code.FAILED, f"{command} on {name}: {why}")


def sudo_refused(name: str, user: str) -> FreeholdError:
    return FreeholdError(
        Code.DENIED,
        f"{name}: {user} cannot become root without a password",
        f"Let it, as root on the server: echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/90-{user}; "
        "or log in as root (server.user of the environment).",
    )


def no_such_file(name: str, path: str) -> FreeholdError:
    return FreeholdError(Code.NOT_FOUND, f"there is no file {path} on {name}")


def may_not_read(name: str, path: str) -> FreeholdError:
    return FreeholdError(Code.DENIED, f"{path} on {name} cannot be read by this user")


def nobody_listens(name: str, path: str) -> FreeholdError:
    return FreeholdError(Code.NOT_FOUND, f"nobody listens at {path} on {name}")


def may_not_connect(name: str, path: str) -> FreeholdError:
    return FreeholdError(
        Code.DENIED, f"{path} on {name} belongs to another user", "log in as root, or as a user with sudo"
    )


def could_not_put(name: str, directory: str, why: str) -> FreeholdError:
    return FreeholdError(
        Code.FAILED, f"{directory} on {name} could not be written: {why}", "Is its disk full, or read-only?"
    )
