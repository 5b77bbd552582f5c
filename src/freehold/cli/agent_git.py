"""Git, for repositories of strangers: bounded in time, memory and disk, and configured by nobody but us.

Of the user's own configuration it is given what it takes to reach a server: credential helpers, proxies, certificates,
rewritten addresses. Filters, hooks, templates and monitors are programs that a repository could have run.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import visible
from freehold.base.words import size

_MEMORY_BYTES = 1024 * 1024 * 1024
"""Of each program: an object that was packed small may be large."""
_WORDS_BYTES = 2000
"""Of what git says: a server may have it say anything."""
_REACHING = ("credential.", "http.", "https.", "url.", "safe.", "ssh.", "core.sshcommand", "core.gitproxy")
_VARIABLES = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH",
              "GIT_PROXY_COMMAND", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_GLOBAL")  # fmt: skip
_SETTINGS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.bigFileThreshold", "1m"),  # larger ones are not taken into memory
    ("fetch.unpackLimit", "1"),  # one file for everything, which the limit on a file then bounds
    ("transfer.bundleURI", "false"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
)


class Git:
    """A bare repository in `directory`, into which one address is fetched. `seconds` are for everything together."""

    def __init__(self, directory: Path, address: str, *, seconds: float, pack_bytes: int) -> None:
        self._directory = directory
        self._address = address
        self._pack_bytes = pack_bytes
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._environ = _environ(directory, address)

    def fetch(self) -> None:
        """The newest commit, without its history. Raises `FreeholdError`: UNREACHABLE, TIMEOUT, TOO_LARGE."""
        self._run("init", "--quiet", "--bare", "--template=", ".")
        self._run("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance",
                  "--no-write-fetch-head", "--", self._address, "HEAD:refs/heads/theirs")  # fmt: skip

    def listing(self, most_bytes: int) -> bytes:
        """Everything that the commit holds, as `git ls-tree` writes it. Raises as `fetch`."""
        return self._run("ls-tree", "-r", "-z", "-l", "--full-tree", "refs/heads/theirs", most_bytes=most_bytes)

    def contents(self, identities: list[str], most_bytes: int) -> dict[str, bytes]:
        """Files by their object's name. Raises as `fetch`."""
        asked = "".join(f"{identity}\n" for identity in identities).encode()
        room = most_bytes + 200 * len(identities)
        answer = self._run("cat-file", "--batch", stdin=asked, most_bytes=room)
        found, at = {}, 0
        while at < len(answer):
            end = answer.index(b"\n", at)
            identity, _, length = answer[at:end].decode().split(" ")
            at = end + 1 + int(length) + 1
            found[identity] = answer[end + 1 : at - 1]
        return found

    def _run(self, *words: str, stdin: bytes = b"", most_bytes: int = 0) -> bytes:
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as said:
            asked.write(stdin)
            asked.seek(0)
            code = self._wait(words, asked, answer, said, max(most_bytes, self._pack_bytes))
            if code:
                raise self._failed(code, said)
            length = answer.seek(0, os.SEEK_END)
            if length > most_bytes:
                raise self._too_large()
            answer.seek(0)
            return answer.read()

    def _wait(
        self, words: tuple[str, ...], asked: IO[bytes], answer: IO[bytes], said: IO[bytes], largest_file: int
    ) -> int:
        try:
            with _limited(largest_file):
                process = subprocess.Popen(
                    ["git", *words], cwd=self._directory, env=self._environ, stdin=asked, stdout=answer, stderr=said,
                    start_new_session=True,  # no terminal: nobody is asked for anything
                )  # fmt: skip
        except FileNotFoundError:
            hint = "install it: apt-get install git"
            raise FreeholdError(Code.FAILED, "there is no git on this machine", hint) from None
        try:
            return process.wait(max(0.0, self._deadline - time.monotonic()))
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                message = f"{self._address} did not arrive within {self._seconds:g} s"
                raise FreeholdError(Code.TIMEOUT, message, _BY_HAND) from None
            raise

    def _failed(self, code: int, said: IO[bytes]) -> FreeholdError:
        if code == -signal.SIGXFSZ or any(
            path.stat().st_size >= self._pack_bytes for path in self._directory.rglob("objects/pack/*")
        ):
            return self._too_large()
        said.seek(max(0, said.seek(0, os.SEEK_END) - _WORDS_BYTES))
        lines = said.read().decode("utf-8", "replace").splitlines()
        words = "; ".join(visible(line) for line in lines if line.strip()) or f"git ended with {code}"
        return FreeholdError(
            Code.UNREACHABLE, f"cannot fetch {self._address}: {words}", "try the same with `git clone`"
        )

    def _too_large(self) -> FreeholdError:
        return FreeholdError(Code.TOO_LARGE, f"{self._address} is larger than {size(self._pack_bytes)}", _BY_HAND)


_BY_HAND = "look at it, clone it by hand if you trust it, and add the agent's folder from there"


@contextlib.contextmanager
def _limited(largest_file: int) -> Iterator[None]:
    """What is started meanwhile can write no larger file, and take no more memory; this program has its rights back."""
    bounds = {resource.RLIMIT_FSIZE: largest_file, resource.RLIMIT_DATA: _MEMORY_BYTES}
    before = {kind: resource.getrlimit(kind) for kind in bounds}
    try:
        for kind, bound in bounds.items():
            hard = before[kind][1]
            resource.setrlimit(kind, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))
        yield
    finally:
        for kind, limits in before.items():
            resource.setrlimit(kind, limits)


def _environ(directory: Path, address: str) -> Mapping[str, str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    plain |= {key: os.environ[key] for key in _VARIABLES if key in os.environ}
    settings = [*_reaching(directory, plain), *_SETTINGS]
    scheme = address.partition("://")[0] if "://" in address else "ssh"
    counted = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings):
        counted |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        **plain,
        **counted,  # not arguments: a header for a proxy may be among them
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ALLOW_PROTOCOL": ":".join(dict.fromkeys(("https", "ssh", scheme))),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",  # no window either
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_DIR": str(directory),
        "LC_ALL": "C.UTF-8",
    }


def _reaching(directory: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What the user's own git knows of reaching servers. Of no repository: `directory` is in none of ours."""
    looked = {**environ, "GIT_CEILING_DIRECTORIES": str(directory.resolve().parent)}
    with contextlib.suppress(FileNotFoundError):  # no git at all is told when it is to fetch
        done = subprocess.run(
            ["git", "config", "--list", "--includes", "-z"],
            cwd=directory, env=looked, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30,
        )  # fmt: skip
        for entry in done.stdout.decode("utf-8", "surrogateescape").split("\0"):
            key, _, value = entry.partition("\n")
            if key.startswith(_REACHING):
                yield key, value
