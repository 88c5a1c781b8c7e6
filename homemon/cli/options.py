"""Options that several commands share."""

import click


class Commands(click.Group):
    """A group that proposes what may have been meant by a command that it does not have."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Do as click does; a command of the group that is not known is looked for in its other groups."""
        known, word = self.list_commands(ctx), args[0]
        if word not in known and not word.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = get_close_matches(word.lower(), known, 3, 0.5) or [name for name in known if word.lower() in name]
            if near:
                ctx.fail(f"No such command {word!r}. Did you mean {' or '.join(near)}?")
        return super().resolve_command(ctx, args)


trace_option = click.option(
    "--trace",
    metavar="FILE",
    help="Append a transcript of what goes over the wire, without secrets; from 10 MB on the older half is FILE.1.",
)
