"""The `freehold` command: global options, lazily loaded commands, the one error printer."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
from typing import Any

import click

from freehold import __version__
from freehold.base.errors import Code, FreeholdError
from freehold.base.loading import loading
from freehold.cli.context import Context
from freehold.cli.options import accept_global_options, global_options

COMMANDS: dict[str, tuple[str, str]] = {
    "new": ("freehold.cli.new", "Make a project with one agent that works."),
    "demo": ("freehold.cli.demo", "Watch an agent do real work on a real repository, without an API key."),
    "doctor": ("freehold.cli.doctor", "Check the project and this machine; --fix repairs what it can."),
    "run": ("freehold.cli.run", "Run an agent now and watch it."),
    "start": ("freehold.cli.start", "Let the project run by itself: schedules, webhooks, calls."),
    "stop": ("freehold.cli.stop", "End the running project; its runs go on."),
    "status": ("freehold.cli.status", "Say how the running project stands."),
    "console": ("freehold.cli.console", "Open a running project's console in a browser, on a server through SSH."),
    "chat": ("freehold.cli.chat", "Talk with an agent."),
    "runs": ("freehold.cli.runs", "List runs, newest first; begin one once more."),
    "logs": ("freehold.cli.logs", "Show what happened in a run."),
    "stats": ("freehold.cli.stats", "What agents cost and how they fared, day by day."),
    "pause": ("freehold.cli.pause:pause", "Begin no runs any more, or none of an agent."),
    "resume": ("freehold.cli.pause:resume", "Let runs begin again."),
    "kill": ("freehold.cli.kill", "End a run, or every run of an agent."),
    "queue": ("freehold.cli.queue", "What waits for its turn, and what was given up."),
    "locks": ("freehold.cli.locks", "What runs have locked for themselves."),
    "notices": ("freehold.cli.notices", "What people were told, and whether they can be."),
    "shell": ("freehold.cli.shell", "Look around in an agent's container."),
    "agent": ("freehold.cli.agent", "Make, list, show, add, update and switch agents."),
    "webhook": ("freehold.cli.webhook", "Try webhooks out, and take deliveries in again."),
    "creds": ("freehold.cli.creds", "Keep the credentials that agents may be given."),
    "keys": ("freehold.cli.keys", "Who may ask the running project over the network."),
    "push": ("freehold.cli.push", "Bring the project, or one agent of it, to its server."),
    "rollback": ("freehold.cli.rollback:rollback", "Let an earlier release count again on a server."),
    "releases": ("freehold.cli.rollback:releases", "List the releases that a server keeps."),
    "env": ("freehold.cli.env", "The servers that projects are pushed to."),
    "image": ("freehold.cli.image", "Build, list and prune the images that agents run in."),
    "ci": ("freehold.cli.ci", "Let a CI service push."),
    "service-unit": ("freehold.cli.service_unit", "What systemd is told of a project that was put here by hand."),
    "sandbox": ("freehold.cli.sandbox", "Servers for trying things, in containers on this machine."),
    "mcp": ("freehold.cli.mcp", "Let another AI program see to the project, by the Model Context Protocol."),
    "keeper": ("freehold.cli.keeper", "The process that keeps runs; started on demand."),
}
"""Name → module (and what it calls the command, if not so) and one line of help, so that `--help` imports none."""

HIDDEN = frozenset({"keeper"})
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class _ReaderLeftError(Exception):
    """The reader of our output (`| head`) left; what is still buffered has nowhere to go.

    Not a `BrokenPipeError`, of which click itself would make exit code 1, as if the command had failed.
    """


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderLeftError from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if name not in HIDDEN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        with loading():
            command = getattr(importlib.import_module(module), name or "command")
        assert isinstance(command, click.Command)
        accept_global_options(command)
        _keep_help_whole(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            from freehold.base.words import did_you_mean

            hint = did_you_mean(args[0], COMMANDS)
            ctx.fail(f'there is no command "{args[0]}" {hint}'.rstrip())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, help_line) for name, (_, help_line) in COMMANDS.items() if name not in HIDDEN]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _keep_help_whole(command: click.Command) -> None:
    """The commands below a group are listed with their first paragraph; click would cut it after some words."""
    for child in command.commands.values() if isinstance(command, click.Group) else ():
        child.short_help = " ".join((child.help or "").partition("\n\n")[0].split())
        _keep_help_whole(child)


@click.group(
    cls=LazyGroup,
    params=global_options(),
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "FREEHOLD"},
    epilog="First time here? `freehold demo` shows it at work; `freehold new NAME` makes a project of your own.",
)
@click.version_option(__version__, prog_name="freehold")
@click.pass_context
def freehold(ctx: click.Context) -> None:
    """Run AI agents, and the apps they ship, on servers that you own."""
    ctx.ensure_object(Context)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and end the process with its exit code (`docs/interfaces.md`, "Errors")."""
    words = sys.argv[1:] if arguments is None else arguments
    code = run(words)
    gc.freeze()  # else Python looks through all that was loaded for what nobody needs, before it all goes: 50 ms
    sys.exit(code)


def run(words: list[str], program: click.Command = freehold) -> int:
    """Run one command; its exit code. The only place that turns an error into words."""
    debug = "--debug" in words
    try:
        result: Any = program.main(args=words, prog_name="freehold", standalone_mode=False, color=_colour())
    except FreeholdError as error:
        return _failed(_to_paste(error, words), debug=debug, as_json="--json" in words)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _failed(_misuse(error), debug=debug, as_json="--json" in words)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except _ReaderLeftError:
        _forget_output()
        return 141
    except OSError as error:
        if error.errno not in _NO_ROOM:
            return _failed(_unexpected(error), debug=debug, as_json="--json" in words)
        _forget_output()
        return _failed(_no_room(error), debug=debug, as_json="--json" in words)
    except Exception as error:  # the last resort: a person sees a sentence
        return _failed(_unexpected(error), debug=debug, as_json="--json" in words)
    return result if isinstance(result, int) else 0


def _to_paste(error: FreeholdError, words: list[str]) -> FreeholdError:
    from freehold.cli.pasted import environment_typed, for_environment

    hint = for_environment(error.hint, environment_typed(words))
    return error if hint == error.hint else FreeholdError(error.code, error.message, hint)


def _failed(error: FreeholdError, *, debug: bool, as_json: bool) -> int:
    from freehold.cli.output import print_error

    with click.Context(freehold, color=_colour()).scope(cleanup=False):
        if debug:
            import traceback

            from freehold.base.plain_text import printable

            click.echo(printable(traceback.format_exc()), err=True)
        print_error(error, as_json=as_json)
    return error.exit_code


def _colour() -> bool | None:
    """False where a person wants none (https://no-color.org), else as the terminal can."""
    return False if os.environ.get("NO_COLOR") else None


def _no_room(error: OSError) -> FreeholdError:
    what = str(error.filename) if error.filename else "what was to be written could not be"
    return FreeholdError(Code.DISK, f"{what}: {error.strerror}", "Make room, or write elsewhere.")


def _forget_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _misuse(error: click.ClickException) -> FreeholdError:
    """What click says of a command line, as every other error is said."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return FreeholdError(Code.USAGE, error.format_message())
    usage = " ".join(context.get_usage().split()).replace("Usage: ", "usage: ", 1)
    inside = context.command
    if context.parent and isinstance(inside, click.Group):  # all names: there are few, and one of them is meant
        usage += f"\nthe commands are: {', '.join(inside.list_commands(context))}"
    return FreeholdError(Code.USAGE, error.format_message(), f"{usage}\n{context.command_path} --help says more")


def _unexpected(error: Exception) -> FreeholdError:
    return FreeholdError(
        Code.INTERNAL,
        f"{type(error).__name__}: {error}",
        "This is a defect in Freehold. Run the command again with --debug and report what it prints.",
    )
