"""The edge's share of a push: the project's fragment and certificate, and the HAProxy that serves all of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.deploy.certificate import SOON_DAYS, Certificate, certificate_problem, require_pair
from freehold.deploy.edge_facts import OURS, PATHS, EdgeFacts, ServedCertificate, read_edge_facts
from freehold.deploy.part import Change
from freehold.deploy.remote import program_text
from freehold.deploy.text_difference import text_difference
from freehold.edge.fragment import Fragment, written
from freehold.edge.haproxy_config import configuration, mark_of
from freehold.hosts.host import Host
from freehold.hosts.script import run_script
from freehold.server.layout import HAPROXY_FILE, Layout

_OLDEST = (2, 6)
_MOST_TRIES = 5
"""Somebody else's push may change the same edge between our question and our answer."""
_EXPOSE = "Set `expose = false` in the environment's [server]: then nothing is put before the gateway, and"


class _Done(msgspec.Struct, frozen=True):
    stale: bool


@dataclass(frozen=True)
class GivenCertificate:
    """A certificate of one's own, with its chain and its key, to be brought to the server."""

    certificate_pem: str
    key: Secret


@dataclass(frozen=True)
class EdgePart:
    """`fragment` is what the project wants of the edge; None takes it off. `given` replaces the certificate that is on
    the server; without it the one counts that `place_certificate` put there. `take_over` agrees that a HAProxy that
    somebody else configured becomes ours (what it was is kept, and comes back with the last project's end).
    `environment` is named in what is told.
    """

    project: str
    fragment: Fragment | None
    given: GivenCertificate | None = None
    take_over: bool = False
    environment: str = "NAME"
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    @property
    def name(self) -> str:
        return "edge"

    @property
    def remote(self) -> str:
        return program_text("edge")

    def asked(self) -> Any:
        return {"paths": PATHS}

    def plan(self, facts: msgspec.Raw) -> Sequence[Change]:
        return self.plan_by(read_edge_facts(facts))

    def plan_by(self, there: EdgeFacts) -> Sequence[Change]:
        """As `plan`. Raises CONFIG where HAProxy is too old or not there, CONFLICT where somebody else has what we
        need, CREDENTIAL for a certificate that is missing or wrong."""
        served = self._served(there)
        return replace(self, fragment=self._trusted(served)).plan_with(served, there)

    def plan_with(self, served: Mapping[str, ServedCertificate], there: EdgeFacts) -> Sequence[Change]:
        """As `plan`, with these certificates, which were looked at."""
        fragments = [one for one in there.read_fragments() if one.project != self.project]
        if self.fragment:
            fragments.append(self.fragment)
        if not fragments:
            return self._end(there)
        self._require_possible(there)
        wanted = configuration(fragments, msgspec.structs.replace(there, certificates=served).machine())
        changes = [*self._fragment_changes(there), *self._certificate_changes(there, served)]
        if wanted != there.configuration:
            changes.append(Change(f"write {HAPROXY_FILE}", text_difference(HAPROXY_FILE, there.configuration, wanted)))
        if not there.enabled:
            changes.append(Change("start haproxy.service at each start of the server"))
        description = OURS + mark_of(wanted)
        if changes or there.running != description:
            changes.append(Change("reload haproxy.service" if there.active else "start haproxy.service"))
            changes[-1] = self._with_document(changes[-1], there, wanted, description)
        return changes

    async def carry_out(self, host: Host, changes: Sequence[Change]) -> None:
        for _ in range(_MOST_TRIES):
            if not changes:
                return
            # Without a document it was planned before HAProxy was there.
            document = next((dict(change.document) for change in changes if change.document), None)
            if document and not (await run_script(host, self.name, self.remote, document, _Done, as_root=True)).stale:
                return
            changes = self.plan_by(await ask_edge(host))
        raise FreeholdError(
            Code.BUSY, f"the edge of {host.name} is changed by others again and again", "Push once more."
        )

    def _end(self, there: EdgeFacts) -> Sequence[Change]:
        changes = [*self._fragment_changes(there), *self._certificate_changes(there, {})]
        if there.is_ours or changes:
            what = "put haproxy.service back to what it was before the first project came"
            changes.append(self._with_document(Change(what), there, None, ""))
        return changes

    def _with_document(self, change: Change, there: EdgeFacts, wanted: str | None, description: str) -> Change:
        given = self.given if self.fragment else None
        document = {
            "paths": PATHS, "project": self.project, "seen": there.seen(),
            "fragment": written(self.fragment) if self.fragment else None,
            "certificate": _joined(given) if given else None, "drop_certificate": not self._has_certificate,
            "configuration": wanted, "description": description, "keep": not there.is_ours,
        }  # fmt: skip
        return Change(change.what, change.detail, document)

    @property
    def _has_certificate(self) -> bool:
        return self.fragment is not None and self.fragment.certificate is not None

    def _served(self, there: EdgeFacts) -> dict[str, ServedCertificate]:
        """The certificates that will be there, looked at before anything is sent."""
        served = dict(there.certificates)
        if not self.fragment or not self._has_certificate:
            served.pop(self.project, None)
            return served
        hosts = self.fragment.hosts
        if self.given:
            require_pair(self.given.certificate_pem, self.given.key, hosts, self.now)
            served[self.project] = ServedCertificate(_normal(self.given.certificate_pem), closed=True)
        hint = f"`freehold env https {self.environment} {hosts[0]}` gets one, or brings yours with --cert and --key."
        if self.project not in served:
            raise FreeholdError(Code.CREDENTIAL, f"the server has no certificate for {', '.join(hosts)}", hint)
        if problem := certificate_problem(Certificate.read(served[self.project].pem), hosts, self.now):
            raise FreeholdError(Code.CREDENTIAL, f"{Layout(self.project).certificate}: {problem}", hint)
        return served

    def _trusted(self, served: dict[str, ServedCertificate]) -> Fragment | None:
        """With HSTS where browsers meet the certificate themselves and trust it."""
        if self.fragment is None or self.fragment.cloudflare or not self._has_certificate:
            return self.fragment
        certificate = Certificate.read(served[self.project].pem)
        public = all(certificate.is_public(host, self.now) for host in self.fragment.hosts)
        return msgspec.structs.replace(self.fragment, hsts=public)

    def _require_possible(self, there: EdgeFacts) -> None:
        if not there.haproxy:
            raise FreeholdError(Code.CONFIG, "the server has no HAProxy", "apt-get install haproxy")
        if tuple(int(part) for part in there.haproxy.split(".")[:2]) < _OLDEST:
            hint = "Debian 12 has 2.6: use a newer release of the system."
            raise FreeholdError(Code.CONFIG, f"its HAProxy {there.haproxy} is older than 2.6", hint)
        if others := there.others:
            port, names = next(iter(others.items()))
            hint = f"{_EXPOSE} {names[0]} can hand requests to it at 127.0.0.1. Or stop {names[0]}."
            raise FreeholdError(Code.CONFLICT, f"port {port} of the server belongs to {', '.join(names)}", hint)
        if not (there.stock or there.is_ours or self.take_over):
            raise FreeholdError(
                Code.CONFLICT,
                f"{HAPROXY_FILE} was written by somebody else, or edited by hand",
                f"{_EXPOSE} your HAProxy can hand requests to it. With --yes it is replaced, and kept beside.",
            )

    def _fragment_changes(self, there: EdgeFacts) -> list[Change]:
        path = Layout(self.project).edge_fragment
        before = there.fragments.get(f"{self.project}.json")
        after = written(self.fragment) if self.fragment else None
        if before == after:
            return []
        what = f"write {path}" if after else f"remove {path}"
        return [Change(what, text_difference(path, before, after))]

    def _certificate_changes(self, there: EdgeFacts, served: Mapping[str, ServedCertificate]) -> list[Change]:
        path = Layout(self.project).certificate
        before, after = there.certificates.get(self.project), served.get(self.project)
        if after is None:
            return [Change(f"remove {path}")] if before else []
        if before and before.digest == after.digest:
            return []
        certificate = Certificate.read(after.pem)
        told = [f"for {', '.join(certificate.names)}", f"until {certificate.ends:%Y-%m-%d}, by {certificate.issuer}"]
        if certificate.days_left(self.now) < SOON_DAYS:
            told.append(f"it ends within {SOON_DAYS} days")
        return [Change(f"write {path}", tuple(told))]


async def ask_edge(host: Host) -> EdgeFacts:
    """What the edge of a server is, in one round trip of its own. Raises what the host raises."""
    program = program_text("edge") + "\nmain = read\n"
    return await run_script(host, "edge", program, {"paths": PATHS}, EdgeFacts, as_root=True)


async def refresh_edge(host: Host) -> None:
    """Have the edge serve what lies on the server, after `place_certificate`. Nothing happens where no project is on
    the edge. Raises as `EdgePart` does; other projects' certificates are not looked at."""
    there = await ask_edge(host)
    for fragment in there.read_fragments()[:1]:
        part = EdgePart(fragment.project, fragment)
        await part.carry_out(host, part.plan_with(there.certificates, there))


def _normal(pem: str) -> str:
    """The certificates of a text as the server tells them."""
    blocks = pem.split("-----END CERTIFICATE-----")[:-1]
    begin = "-----BEGIN CERTIFICATE-----"
    return "".join(begin + block.partition(begin)[2] + "-----END CERTIFICATE-----\n" for block in blocks)


def _joined(given: GivenCertificate) -> str:
    return _normal(given.certificate_pem) + given.key.reveal().strip() + "\n"
