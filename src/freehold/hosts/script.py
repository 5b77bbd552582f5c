"""Work on a host that is more than one command: a Python program sent to it, with a document, answering one.

The program travels on standard input, and so does the document: nothing is quoted, and nothing shows in a listing of
processes. On the host it needs Python 3.11 and nothing else.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.hosts.host import PROGRAM, Command, Host
from freehold.wire.decoding import decode_json

Answer = TypeVar("Answer")

OLDEST_PYTHON = (3, 11)
_TOO_OLD_STATUS, _ABSENT_STATUS = 97, 127

_PROGRAM = """\
import sys
if sys.version_info < {oldest}:
    sys.exit({too_old})
import json, os
os.umask(0o022)
class Refused(Exception):
    def __init__(self, code, message, hint=""):
        super().__init__(message)
        self.told = dict(code=code, message=message, hint=hint)
room = dict(__name__="script", Refused=Refused)
exec(compile({source!a}, {name!a}, "exec"), room)
try:
    told = dict(answer=room["main"](json.loads({document!a})))
except Refused as error:
    told = dict(error=error.told)
json.dump(told, sys.stdout)
"""


class _Told(msgspec.Struct, frozen=True):
    answer: msgspec.Raw = msgspec.Raw()
    error: dict[str, str] | None = None


async def run_script(
    host: Host,
    name: str,
    source: str,
    document: Any,
    answer: type[Answer],
    *,
    as_root: bool = False,
    timeout_s: float = 120.0,
) -> Answer:
    """What `main(document)` of the Python program `source` returns on the host, as `answer`.

    What it makes, others may read and not write, whatever the umask of whoever logs in. `document` is anything that
    msgspec writes as JSON. The program imports the standard library alone, prints nothing,
    and says with `raise Refused(code, message, hint)` why something could not be done; that is raised here. Raises
    FAILED when Python is missing, too old, or the program has a fault; else what the host raises.
    """
    written = msgspec.json.encode(document).decode()
    program = _PROGRAM.format(
        oldest=OLDEST_PYTHON, too_old=_TOO_OLD_STATUS, source=source, name=name, document=written
    )  # fmt: skip
    command = Command((*PROGRAM, name), program.encode("ascii"), timeout_s, as_root)
    outcome = await host.run(command)
    if outcome.status in (_TOO_OLD_STATUS, _ABSENT_STATUS):
        what = "has no python3" if outcome.status == _ABSENT_STATUS else "has a Python older than 3.11"
        raise FreeholdError(
            Code.FAILED, f"{host.name} {what}", f"`freehold env check {host.name} --fix` can install one."
        )
    if outcome.status:
        raise FreeholdError(Code.FAILED, f"{name} failed on {host.name}: {outcome.complaint}")
    return _answer(host, name, outcome.stdout, answer)


def _answer(host: Host, name: str, said: bytes, answer: type[Answer]) -> Answer:
    try:
        told = decode_json(said, msgspec.json.Decoder(_Told))
        if told.error is None:
            return decode_json(bytes(told.answer), msgspec.json.Decoder(answer))
        error = FreeholdError(Code(told.error["code"]), told.error["message"], told.error.get("hint", ""))
    except (msgspec.DecodeError, KeyError, ValueError) as problem:
        raise FreeholdError(Code.PROTOCOL, f"{name} on {host.name} answers what cannot be read: {problem}") from None
    raise error
