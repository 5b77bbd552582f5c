"""`freehold doctor [--fix]`: what is wrong or missing, in the project and on this machine, and how to repair it."""

from __future__ import annotations

import asyncio

import click

from freehold.base.errors import Code
from freehold.base.plain_text import one_line
from freehold.base.words import plural
from freehold.cli.checkup import check_everything
from freehold.cli.context import Context
from freehold.cli.finding import Finding, Level
from freehold.cli.output import confirm, note, paint, print_json, say

_MARKS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.ERROR: ("✗", "red")}


@click.command(name="doctor")
@click.option("--fix", is_flag=True, help="Repair what can be repaired, asking before each step.")
@click.option("-y", "--yes", is_flag=True, help="With --fix: do not ask.")
@click.pass_obj
def command(context: Context, fix: bool, yes: bool) -> int:
    """Check the project's files, its credentials and this machine.

    Exit code 0 when nothing is wrong (warnings do not count), 3 when the configuration is, 4 when credentials are
    missing, 1 for anything else.
    """
    findings = asyncio.run(check_everything(context))
    if fix:
        asyncio.run(_repair(context, findings, yes=yes))
        findings = asyncio.run(check_everything(context))
    if context.json:
        print_json({"findings": [finding.as_dict() for finding in findings]})
    else:
        _show(findings, quiet=context.quiet)
    return exit_code_of(findings)


def exit_code_of(findings: list[Finding]) -> int:
    codes = {finding.code for finding in findings if finding.level is Level.ERROR}
    if not codes:
        return 0
    if Code.CONFIG in codes:
        return 3
    return 4 if codes == {Code.CREDENTIAL} else 1


async def _repair(context: Context, findings: list[Finding], *, yes: bool) -> None:
    for finding in findings:
        if finding.fix is None:
            continue
        if confirm(f"{finding.subject}: {finding.message}\n{finding.fix.offer}?", yes=yes, no_input=context.no_input):
            await finding.fix.apply()
            note(f"done: {finding.fix.offer}")


def _show(findings: list[Finding], *, quiet: bool) -> None:
    for finding in findings:
        if quiet and finding.level is Level.OK:
            continue
        mark, colour = _MARKS[finding.level]
        first, *rest = finding.message.splitlines() or [""]
        say(paint(mark, fg=colour, bold=True), f" {one_line(finding.subject)}: {first}")
        for line in rest:
            say(f"    {line}")
        for line in finding.hint.splitlines():
            say(paint(f"    → {line}", bold=True))
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = sum(finding.level is Level.WARNING for finding in findings)
    fixes = sum(finding.fix is not None for finding in findings)
    say(f"{plural(errors, 'error')}, {plural(warnings, 'warning')}")
    if fixes:
        say(f"`freehold doctor --fix` can repair {fixes} of them")
