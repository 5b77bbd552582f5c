"""The allow-list of one run: what it may reach, and why (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError
from freehold.base.hosts import HostPattern, normalise_host, quoted
from freehold.base.words import one_of

HTTPS_PORT = 443
SSH_PORT = 22


@dataclass(frozen=True)
class Decision:
    """Whether a connection is let out. `host` is normalised; `reason` and `hint` are sentences for a person.

    Of a refusal `reason` says what was not allowed, and `hint` which key to change.
    """

    allowed: bool
    host: str
    port: int
    reason: str
    hint: str = ""


@dataclass(frozen=True)
class Grant:
    """One entry of the allow-list and where it comes from: `egress`, `credential github_token`, `package registry`."""

    pattern: HostPattern
    source: str
    ports: frozenset[int] = frozenset({HTTPS_PORT})


@dataclass(frozen=True)
class Rules:
    """What one run may reach. `agent` is named in hints; `closed` gives the reason why nothing is, if so."""

    grants: tuple[Grant, ...]
    agent: str
    ssh: bool = False
    closed: str = ""

    def decide(self, host: str, port: int) -> Decision:
        """The decision on `host` as a client wrote it. Never raises."""
        try:
            name = normalise_host(host)
        except ValueError as error:
            hint = "connect by the host's name: the server is known by the name in its certificate"
            return Decision(False, host[:100], port, str(error), hint)
        if self.closed:
            return Decision(False, name, port, self.closed)
        matching = [grant for grant in self.grants if grant.pattern.matches(name)]
        for grant in matching:
            if port in grant.ports:
                return Decision(True, name, port, grant.source)
        return self._refuse_port(name, port) if matching else self._refuse_host(name, port)

    def _refuse_host(self, host: str, port: int) -> Decision:
        hint = f'add "{host}" to `egress` in {self._config}; allowed now: {self.names()}'
        return Decision(False, host, port, f"{quoted(host)} is not in the allow-list of this run", hint)

    def _refuse_port(self, host: str, port: int) -> Decision:
        if port == 80:
            return Decision(False, host, port, "plain HTTP is not let out", f"use https://{host}/ instead")
        if port == SSH_PORT and not self.ssh:
            hint = f'add "git_ssh" to `credentials` in {self._config}'
            return Decision(False, host, port, "port 22 is open to agents that hold git_ssh only", hint)
        reason = f"port {port} of {quoted(host)} is not let out"
        return Decision(False, host, port, reason, "only 443 is open, and 22 to agents that hold git_ssh")

    @property
    def _config(self) -> str:
        return f"agents/{self.agent}/config.toml"

    def names(self) -> str:
        """The allow-list in a line."""
        return one_of({str(grant.pattern) for grant in self.grants})


def allow_list(
    agent: str,
    *,
    egress: Iterable[str] = (),
    credential_hosts: Mapping[str, Iterable[str]] | None = None,
    registries: Iterable[str] = (),
    ssh: bool = False,
) -> Rules:
    """The rules of an agent with `network = "allowlist"`.

    `egress` as in its configuration, `credential_hosts` by credential type, `ssh` whether it holds git_ssh.
    Package registries are open on 443 only. Raises `FreeholdError` (CONFIG) for an entry that is no host pattern.
    """
    ports = frozenset({HTTPS_PORT, SSH_PORT}) if ssh else frozenset({HTTPS_PORT})
    grants = [Grant(_pattern(host, agent), "package registry") for host in registries]
    for credential, hosts in (credential_hosts or {}).items():
        grants += [Grant(_pattern(host, agent), f"credential {credential}", ports) for host in hosts]
    grants += [Grant(_pattern(host, agent), "egress", ports) for host in egress]
    return Rules(tuple(grants), agent, ssh)


def nothing(agent: str, reason: str) -> Rules:
    """Rules that let nothing out, for `reason` (`network = "none"` …)."""
    return Rules((), agent, closed=reason)


def _pattern(text: str, agent: str) -> HostPattern:
    try:
        return HostPattern.parse(text)
    except ValueError as error:
        hint = 'write "api.example.com" or "*.example.com"'
        raise FreeholdError(Code.CONFIG, f"agents/{agent}/config.toml: egress: {error}", hint) from None
