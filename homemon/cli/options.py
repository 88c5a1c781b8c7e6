"""Options that several commands share."""

import click

trace_option = click.option(
    "--trace",
    metavar="FILE",
    help="Append a transcript of what goes over the wire, without secrets; from 10 MB on the older half is FILE.1.",
)
