"""A group of commands of which one needs no name: `freehold runs dev` is `freehold runs list dev`."""

from __future__ import annotations

import click


class DefaultGroup(click.Group):
    """`default` is meant where the first word, options of the group aside, is none of the group's commands."""

    default = "list"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self.with_default(args))

    def with_default(self, args: list[str]) -> list[str]:
        """`args` with the name of a command in it."""
        flags = {name for option in self.params if isinstance(option, click.Option) for name in option.opts}
        valued = {
            name
            for option in self.params
            if isinstance(option, click.Option) and not option.is_flag
            for name in option.opts
        }
        asks_for_help = set(args) & {"-h", "--help"}
        at = 0
        while at < len(args) and args[at] in flags:
            at += 2 if args[at] in valued else 1
        named = at < len(args) and args[at] in self.commands
        if named or (asks_for_help and at == 0 and args[0] in asks_for_help):
            return args
        return [self.default, *args]
