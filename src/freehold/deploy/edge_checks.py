"""Whether the edge of a server is as its projects need it: pure checks, with the repair where there is one."""

from __future__ import annotations

import ipaddress

from freehold.base.errors import FreeholdError
from freehold.deploy.certificate import SOON_DAYS, Certificate, certificate_problem
from freehold.deploy.check import Check, Repair, State, Verdict
from freehold.deploy.edge_examination import EdgeSight
from freehold.deploy.edge_facts import OURS
from freehold.edge.cloudflare_networks import NETWORKS
from freehold.edge.fragment import Fragment
from freehold.edge.haproxy_config import mark_of
from freehold.hosts.host import Command
from freehold.server.layout import CERTIFICATES, HAPROXY_FILE, Layout

_NOTHING = Verdict(State.SKIP, "no project of this server is on its edge")
_RENEW = "`freehold env https NAME HOSTNAME` gets a new one, or brings yours with --cert and --key."
_REDIRECTS = (301, 308)


def edge(sight: EdgeSight) -> Verdict:
    """That HAProxy runs, and that what it runs is what our file says."""
    facts = sight.facts
    if sight.problem:
        return Verdict(State.FAIL, sight.problem)
    if not sight.fragments:
        return _nothing_there(sight)
    if facts.others:
        port, names = next(iter(facts.others.items()))
        return Verdict(
            State.FAIL, f"{', '.join(names)} has port {port}", f"Stop it, or set `expose = false`: {names[0]} hands on."
        )
    if not facts.is_ours:
        hint = "The next push says what to do about it (docs/servers.md, The edge)."
        return Verdict(State.FAIL, f"{HAPROXY_FILE} was changed by somebody else", hint)
    if not facts.active:
        return Verdict(State.FAIL, "HAProxy does not run", "On the server, `journalctl -u haproxy` says why.")
    if facts.running != OURS + mark_of(facts.configuration or ""):
        return Verdict(State.FAIL, f"HAProxy runs with another configuration than {HAPROXY_FILE}")
    if not facts.enabled:
        return Verdict(State.FAIL, "HAProxy does not start by itself with the server")
    served = ", ".join(one.project for one in sight.fragments)
    return Verdict(State.PASS, f"HAProxy {facts.haproxy} serves {served}")


def run_haproxy(sight: EdgeSight) -> Repair | None:
    if not (sight.facts.is_ours and sight.fragments) or sight.facts.others:
        return None
    verb = "reload" if sight.facts.active else "restart"
    words = (("systemctl", "enable", "haproxy"), ("systemctl", verb, "haproxy"))
    return Repair(
        f"{verb} HAProxy, and have it start with the server", tuple(Command(one, as_root=True) for one in words)
    )


def certificate(sight: EdgeSight) -> Verdict:
    """That each certificate is for its names, of now, and readable for root alone."""
    secure = [one for one in sight.fragments if one.certificate]
    if not secure:
        return Verdict(State.SKIP, "no project has HTTPS")
    verdicts = [_certificate_of(sight, one) for one in secure]
    return next(
        (one for state in (State.FAIL, State.WARN) for one in verdicts if one.state is state),
        Verdict(State.PASS, "; ".join(one.message for one in verdicts)),
    )


def close_certificates(sight: EdgeSight) -> Repair | None:
    if all(one.closed for one in sight.facts.certificates.values()):
        return None
    words = (("chown", "-R", "root:root", CERTIFICATES), ("chmod", "-R", "u=rwX,go=", CERTIFICATES))
    return Repair("let root alone read the keys", tuple(Command(one, as_root=True) for one in words))


def redirect(sight: EdgeSight) -> Verdict:
    """That port 80 leads to HTTPS where there is a certificate."""
    hosts = [host for one in sight.fragments if one.certificate for host in one.hosts if host in sight.plain]
    if not hosts:
        return Verdict(State.SKIP, "no project has HTTPS, or the server is not seen from here")
    for host in hosts:
        seen = sight.plain[host]
        if seen.problem:
            return Verdict(State.FAIL, f"http://{host}: {seen.problem}", "Is port 80 open, here and at the provider?")
        if seen.status not in _REDIRECTS or not seen.location.startswith(f"https://{host}/"):
            return Verdict(
                State.FAIL, f"http://{host} answers {seen.status}, and does not lead to HTTPS", "Push again."
            )
    return Verdict(State.PASS, f"http leads to https for {', '.join(hosts)}")


def host_name(sight: EdgeSight) -> Verdict:
    """That each name leads to this server, or to the proxy that stands before it."""
    if not sight.resolved:
        return Verdict(State.SKIP, "no project has a host name, or the server is not seen from here")
    if lost := sorted(host for one in sight.fragments for host in one.hosts if not sight.resolved.get(host)):
        verb = "leads" if len(lost) == 1 else "lead"
        return Verdict(State.FAIL, f"{', '.join(lost)} {verb} nowhere", _no_record(sight))
    for one in sight.fragments:
        for host in one.hosts:
            found = sight.resolved[host]
            if strangers := sorted(each for each in found if not _leads_here(one, each, sight)):
                where = "Cloudflare's proxy" if one.cloudflare else f"the server ({', '.join(sorted(sight.addresses))})"
                return Verdict(State.FAIL, f"{host} leads to {', '.join(strangers)}, and not to {where}", _WRONG_RECORD)
    return Verdict(State.PASS, f"{', '.join(sorted(sight.resolved))} leads here")


def _no_record(sight: EdgeSight) -> str:
    where = f" to {', '.join(sorted(sight.addresses))}" if sight.addresses else ""
    return (
        f"Make an A or AAAA record{where}; `freehold env https` makes one at Cloudflare. A new record takes minutes to "
        "be known."
    )


_WRONG_RECORD = "Correct the A and AAAA records of the name, and wait until the old ones are forgotten."


def https(sight: EdgeSight) -> Verdict:
    """That a visitor's HTTPS gets through the whole way."""
    if not sight.secure:
        return Verdict(State.SKIP, "no name with HTTPS leads anywhere yet")
    for host, seen in sorted(sight.secure.items()):
        if seen.problem or seen.status != 200:
            told = seen.problem or f"it answers {seen.status}"
            return Verdict(State.FAIL, f"https://{host}/health: {told}", _BY_STATUS.get(seen.status, ""))
    return Verdict(State.PASS, f"https://{', https://'.join(sorted(sight.secure))} answers")


_BY_STATUS = {
    403: "If that is Cloudflare's, one of its rules keeps you out.",
    421: "The name is not the project's on this server: push again.",
    503: "The project does not run: `freehold env status` and `freehold env logs` say why.",
    521: "Cloudflare does not reach the server: open port 443, here and at the provider.",
    522: "Cloudflare does not reach the server: open port 443, here and at the provider.",
    525: "The server has no certificate for this name: `freehold env https`.",
    526: "Cloudflare does not trust the server's certificate: `freehold env https` gets another one.",
}

EDGE_CHECKS: tuple[Check[EdgeSight], ...] = (
    Check("edge", edge, run_haproxy),
    Check("certificate", certificate, close_certificates),
    Check("redirect", redirect),
    Check("host name", host_name),
    Check("https", https),
)
"""Of a server with an edge; where there is none they are skipped."""


def _nothing_there(sight: EdgeSight) -> Verdict:
    if not sight.exposed:
        return Verdict(State.SKIP, "`expose = false`: whatever stands before this server is not ours")
    return _NOTHING


def _certificate_of(sight: EdgeSight, fragment: Fragment) -> Verdict:
    path = Layout(fragment.project).certificate
    served = sight.facts.certificates.get(fragment.project)
    if served is None:
        return Verdict(State.FAIL, f"{path} is not there", _RENEW)
    if not served.closed:
        return Verdict(State.FAIL, f"{path} has a key, and others than root can read it")
    try:
        found = Certificate.read(served.pem)
    except FreeholdError as error:
        return Verdict(State.FAIL, f"{path}: {error.message}", _RENEW)
    if problem := certificate_problem(found, fragment.hosts, sight.now):
        return Verdict(State.FAIL, f"{path}: {problem}", _RENEW)
    left = found.days_left(sight.now)
    told = f"{', '.join(fragment.hosts)}: until {found.ends:%Y-%m-%d} ({left} days), by {found.issuer}"
    return Verdict(State.WARN, told, _RENEW) if left < SOON_DAYS else Verdict(State.PASS, told)


def _leads_here(fragment: Fragment, address: str, sight: EdgeSight) -> bool:
    if not fragment.cloudflare:
        return address in sight.addresses
    found = ipaddress.ip_address(address)
    return any(found in ipaddress.ip_network(network) for network in fragment.networks or NETWORKS)
