"""`freehold mcp serve|init`: the project as tools of another AI program, by the Model Context Protocol."""

from __future__ import annotations

import sys

import click

from freehold.cli.context import Context
from freehold.cli.mcp_init import register
from freehold.cli.mcp_resources import Resources
from freehold.cli.mcp_server import McpServer
from freehold.cli.mcp_server import serve as serve_streams
from freehold.cli.mcp_tools import Toolbox
from freehold.cli.output import note, print_json, say


@click.group(name="mcp")
def command() -> None:
    """Let another AI program see to the project, by the Model Context Protocol.

    Tools: start, stop, status, agents, run, logs, pause, resume, kill.
    """


@command.command(name="serve")
@click.pass_obj
def serve(context: Context) -> None:
    """Answer on the standard streams, until they end. Not to be typed: `freehold mcp init` says how it is called."""
    if sys.stdin.isatty():
        note("this speaks the Model Context Protocol, and waits for a program that does; Ctrl-C ends it")
    serve_streams(McpServer(Toolbox(context), Resources(context)), sys.stdin.buffer, sys.stdout.buffer)


@command.command(name="init")
@click.pass_obj
def init(context: Context) -> None:
    """Write the project's .mcp.json, where programs such as Claude Code look for servers; others in it stay."""
    done = register(context.project_dir)
    if context.json:
        print_json(done)
    elif not context.quiet:
        say(f"{done.path}: {done.words}")
