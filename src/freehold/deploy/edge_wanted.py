"""What a project wants of the edge of its server, as its environment's file says it (pure)."""

from __future__ import annotations

from freehold.base.errors import Code, FreeholdError
from freehold.base.hosts import normalise_host
from freehold.edge.fragment import Fragment
from freehold.project.environments import Environment
from freehold.server.layout import Layout

_STRICT = ("host-rule", "zone")
"""Values of `sslMode` with which Cloudflare checks the server's certificate."""


def fragment_of(environment: Environment, layout: Layout, port: int) -> Fragment | None:
    """`port` is the gateway's on the server. None where `expose` is false: `EdgePart` then takes off what is there.

    A host name is of one project: `[provision] project` says which, when HTTPS was set up by `freehold env`. Raises
    CONFIG for a network that is none.
    """
    server, provision = environment.server, environment.provision
    if server is None or not server.expose:
        return None
    whose = provision.project if provision else ""
    if not server.hostname or whose not in ("", layout.project):
        return Fragment(project=layout.project, port=port)
    signer = provision.certificate if provision else ""
    proxied = signer == "cloudflare" or (not signer and any(name == "cloudflareZoneId" for name, _ in server.ids))
    try:
        return Fragment(
            project=layout.project,
            port=port,
            hosts=(normalise_host(server.hostname),),
            certificate=layout.certificate,
            cloudflare=proxied,
            networks=server.proxy_networks if proxied else (),
            only_cloudflare=proxied and server.only_cloudflare,
            hsts=proxied and provision is not None and provision.ssl_mode in _STRICT,
        )
    except ValueError as error:
        hint = f"Correct hostname, or proxyNetworks, in the environment's file: `freehold env show {environment.name}`."
        raise FreeholdError(Code.CONFIG, f"{environment.name}.toml: [server]: {error}", hint) from None
