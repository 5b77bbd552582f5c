"""`fh`: what an agent says to its keeper, from any shell of the run. Its aliases are links to it.

Everything here is the standard library's smallest part: agents call this between their own commands, and it is to
answer before they notice (`python3` itself takes half of the time).
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from freehold.runner import fh_calls, fh_connect, fh_locks, fh_setenv, fh_shell, fh_signals
from freehold.runner.fh_request import UnreachableError, UsageError
from freehold.wire.exits import EXIT_UNREACHABLE, EXIT_USAGE

Command = Callable[[list[str]], int]

COMMANDS: dict[str, Command] = {
    "status": fh_signals.status,
    "return": fh_signals.return_value,
    "rerun": fh_signals.rerun,
    "exit": fh_signals.exit_run,
    "shutdown": fh_signals.shutdown,
    "lock": fh_locks.lock,
    "unlock": fh_locks.unlock,
    "heartbeat": fh_locks.heartbeat,
    "call": fh_calls.call,
    "check": fh_calls.check,
    "wait": fh_calls.wait,
    "setenv": fh_setenv.setenv,
    "connect": fh_connect.connect,
    "shell": fh_shell.shell,
}
ALIASES = {
    "al-status": "status",
    "al-return": "return",
    "al-rerun": "rerun",
    "al-exit": "exit",
    "al-shutdown": "shutdown",
    "al-subagent": "call",
    "al-subagent-check": "check",
    "al-subagent-wait": "wait",
    "rlock": "lock",
    "runlock": "unlock",
    "rlock-heartbeat": "heartbeat",
    "setenv": "setenv",
}
USAGE = """usage: fh COMMAND ...

  fh status TEXT           say what you are doing
  fh return [VALUE]        hand back a result (standard input when no value is given)
  fh rerun                 ask for another run right after this one
  fh exit [CODE]           end the run with this exit code (15)
  fh shutdown [REASON]     end the run at once, because something is wrong
  fh lock|unlock|heartbeat URI
  fh call AGENT            call another agent; its context is read from standard input
  fh check ID              how a call stands
  fh wait ID... [--timeout SECONDS]
  fh setenv NAME VALUE...  keep variables for the commands that follow
  fh connect HOST PORT     standard streams to a host, through the egress proxy

exit codes: 0 done, 1 conflict, 2 not found, 3 not allowed, 4 bad request, 5 no scheduler, 6 no keeper,
            7 other, 8 still waiting, 9 wrong use
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command that the program's name or its first argument says; the exit code (`wire.exits`)."""
    program, *arguments = sys.argv if argv is None else argv
    name = ALIASES.get(program.rpartition("/")[2])
    if name is None:
        name, *arguments = arguments or [""]
        if name in ("-h", "--help", "help"):
            sys.stdout.write(USAGE)
            return 0
    command = COMMANDS.get(name)
    if command is None:
        sys.stderr.write(f"fh: there is no command {name!r}\n\n{USAGE}" if name else USAGE)
        return EXIT_USAGE
    return _run(command, arguments)


def _run(command: Command, arguments: list[str]) -> int:
    try:
        return command(arguments)
    except UsageError as error:
        sys.stderr.write(f"fh: {error}\n")
        return EXIT_USAGE
    except UnreachableError as error:
        sys.stderr.write(f"fh: the keeper of this run does not answer: {error}\n")
        return EXIT_UNREACHABLE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return EXIT_UNREACHABLE


if __name__ == "__main__":
    sys.exit(main())
