"""Writes one message that does not end."""

import sys

from tests.harnesses.acp_script import serve


def answer(_: str) -> str:
    sys.stdout.write('{"jsonrpc":"2.0","method":"session/update","params":{"text":"')
    while True:
        sys.stdout.write("x" * 65536)


serve(answer)
