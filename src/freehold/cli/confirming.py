"""A question to a person while other work goes on, and Ctrl-C is heard: `output.confirm` beside the event loop."""

from __future__ import annotations

import asyncio
import sys

import click

from freehold.base.plain_text import printable
from freehold.cli.output import require_terminal

_ANSWERS = {"y": True, "yes": True, "n": False, "no": False, "": False}


async def confirmed(question: str, *, no_input: bool = False) -> bool:
    """As `output.confirm`. A thread that waits for the answer could be ended by nobody: the person who pressed Ctrl-C
    would have to answer all the same."""
    require_terminal(question, "--yes", no_input=no_input)
    while True:
        click.echo(f"{printable(question)} [y/N]: ", nl=False, err=True)
        line = await _line()
        if not line:
            raise click.Abort
        if line.strip().lower() in _ANSWERS:
            return _ANSWERS[line.strip().lower()]
        click.echo("y or n, please", err=True)


async def _line() -> str:
    """What is typed at the terminal, up to Enter; empty for its end."""
    loop, typed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), typed.set)
    try:
        await typed.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline()  # a terminal gives whole lines
