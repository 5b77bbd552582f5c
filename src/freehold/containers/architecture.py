"""For which processors an engine's images are: one request by the standard library, since the client for everything
else takes a quarter of a second to load."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

from freehold.base.errors import Code, FreeholdError
from freehold.base.sockets import connect_unix
from freehold.containers.reachability import UNIX_PREFIX, observe, unreachable

_TIMEOUT_S = 30.0
_LARGEST_BYTES = 1024 * 1024


def architecture_of(address: str) -> str:
    """As Docker calls it (`amd64`), of the engine behind a unix socket. Raises UNREACHABLE; USAGE for an address of
    another kind."""
    if not address.startswith(UNIX_PREFIX):
        raise FreeholdError(Code.USAGE, f"{address} is no unix socket")
    connection = http.client.HTTPConnection("docker", timeout=_TIMEOUT_S)
    try:
        connection.sock = connect_unix(Path(address.removeprefix(UNIX_PREFIX)), _TIMEOUT_S)
        connection.request("GET", "/version")
        answer = connection.getresponse()
        told = json.loads(answer.read(_LARGEST_BYTES))
        return str(told["Arch"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise unreachable(observe(address, str(error))) from error
    finally:
        connection.close()
