"""The whole of `/etc/haproxy/haproxy.cfg`, from the fragments of a server's projects (pure).

For HAProxy 2.6 (Debian 12) to 3.0 (Debian 13). Why each thing is so: `docs/why/edge.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from freehold.base.errors import Code, FreeholdError
from freehold.edge.fragment import Fragment, require_apart
from freehold.edge.haproxy_rules import backends, plain_rules, secure_rules
from freehold.edge.limits import (
    DRAIN_S,
    HEAD_S,
    KEEP_ALIVE_S,
    MOST_CONNECTIONS,
    QUEUE_S,
    SILENCE_S,
    TUNNEL_S,
    USUAL,
    Limits,
)
from freehold.edge.pages import error_pages
from freehold.server.layout import HAPROXY_ADMIN, HAPROXY_METRICS

MARK = "# Written by freehold; it is written anew by the next push. Its checksum: "
MOST_CERTIFICATES = 25
"""HAProxy takes 64 words in a line."""

# Mozilla's "intermediate" (guideline 5.7), less the two ciphers that would need Diffie-Hellman parameters.
_CIPHERS = ":".join(
    f"ECDHE-{key}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)
_SUITES = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"


@dataclass(frozen=True)
class Machine:
    """What the text depends on besides the fragments. `certificates` has a digest by project of what is served: with
    another certificate the text is another one, so that it is taken into service. `ipv6` is whether the kernel has it.
    """

    ipv6: bool = True
    certificates: Mapping[str, str] = field(default_factory=dict)


def configuration(fragments: Sequence[Fragment], machine: Machine, limits: Limits = USUAL) -> str:
    """The file's text. Its second line says what it is, and what a running HAProxy says of itself when asked.

    Raises CONFLICT when two projects want the same, or one that cannot be told from others.
    """
    require_apart(fragments)
    ordered = sorted(fragments, key=lambda one: one.project)
    secure = [one for one in ordered if one.certificate]
    if len(secure) > MOST_CERTIFICATES:
        raise FreeholdError(Code.CONFLICT, f"one server has certificates of at most {MOST_CERTIFICATES} projects")
    sections = [*_defaults(), *_tables(limits), *_metrics(), *_front("plain", 80, "", machine)]
    sections += plain_rules(ordered, limits)
    if secure:
        crypto = " ssl strict-sni alpn h2,http/1.1 " + " ".join(f"crt {one.certificate}" for one in secure)
        sections += [*_front("secure", 443, crypto, machine), *secure_rules(secure, limits)]
        sections += [f"# certificate of {one.project}: {machine.certificates[one.project]}" for one in secure]
    sections += backends(ordered)
    digest = _digest("\n".join(sections))
    return "\n".join([MARK + digest, *_global(digest), *sections]) + "\n"


def mark_of(text: str) -> str:
    """The checksum in a text of `configuration` as it was written; empty for what is another's, or was edited."""
    first, _, rest = text.partition("\n")
    digest = first.removeprefix(MARK)
    body = rest.partition("\ndefaults\n")
    written = _digest("defaults\n" + body[2].removesuffix("\n"))
    said = "\n".join(_global(digest)) + body[1] == body[0] + body[1]
    return digest if first.startswith(MARK) and said and written == digest else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _global(digest: str) -> list[str]:
    return [
        "global",
        f"    description freehold-{digest}",
        "    log /dev/log local0",
        "    chroot /var/lib/haproxy",
        "    user haproxy",
        "    group haproxy",
        f"    stats socket {HAPROXY_ADMIN} mode 600 user root group root level admin expose-fd listeners",
        "    stats timeout 30s",
        f"    maxconn {MOST_CONNECTIONS}",
        f"    hard-stop-after {DRAIN_S}s",
        f"    ssl-default-bind-ciphers {_CIPHERS}",
        f"    ssl-default-bind-ciphersuites {_SUITES}",
        "    ssl-default-bind-curves X25519:P-256:P-384",
        "    ssl-default-bind-options prefer-client-ciphers ssl-min-ver TLSv1.2 no-tls-tickets",
        "",
    ]


def _defaults() -> list[str]:
    return [
        "defaults",
        "    mode http",
        "    log global",
        "    option dontlognull",
        "    option dontlog-normal",
        # A client's connection that is idle during a reload is answered once more, and then closed.
        "    option idle-close-on-response",
        "    timeout connect 5s",
        f"    timeout queue {QUEUE_S}s",
        f"    timeout http-request {HEAD_S}s",
        f"    timeout http-keep-alive {KEEP_ALIVE_S}s",
        f"    timeout client {SILENCE_S}s",
        f"    timeout server {SILENCE_S}s",
        f"    timeout tunnel {TUNNEL_S}s",
        "    timeout client-fin 30s",
        "    timeout server-fin 30s",
        "    retries 3",
        *error_pages(),
        "",
    ]


def _tables(limits: Limits) -> list[str]:
    kinds = {
        "asked": "http_req_rate(10s)",
        "delivered": "http_req_rate(10s)",
        "connected": "conn_cur,conn_rate(10s)",
        "neighbours": "conn_cur",
    }
    found = []
    for name, what in kinds.items():
        table = f"stick-table type ipv6 size {limits.addresses} expire 60s store {what}"
        found += [f"backend {name}", f"    {table}", ""]
    return found


def _metrics() -> list[str]:
    return [
        "frontend metrics",
        f"    bind unix@{HAPROXY_METRICS} mode 600 user root group root",
        "    no log",
        "    http-request use-service prometheus-exporter if { path /metrics }",
        "    http-request return status 404",
        "",
    ]


def _front(name: str, port: int, crypto: str, machine: Machine) -> list[str]:
    found = [f"frontend {name}", f"    bind 0.0.0.0:{port}{crypto}"]
    if machine.ipv6:
        found.append(f"    bind [::]:{port} v6only{crypto}")
    return found
