"""Dies in the middle of its turn, with a traceback."""

from tests.harnesses.acp_script import say, serve


def answer(_: str) -> str:
    say("I begin")
    raise RuntimeError("the harness broke: token-in-a-traceback")


serve(answer)
