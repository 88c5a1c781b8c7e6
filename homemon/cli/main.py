"""The `homemon` command: its options, and the one place where errors become exit codes."""

import io
import os
import sys
from io import TextIOWrapper
from typing import Any

import click

from homemon import __version__
from homemon.cli.commands import LazyGroup, drop_stdout
from homemon.core.errors import ConfigError, HomemonError
from homemon.core.language import language
from homemon.runtime import output


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    metavar="FILE",
    type=click.Path(),
    help="Configuration; default: $HOMEMON_CONFIG or the first config.ini found.",
)
@click.option("-q", "--quiet", is_flag=True, help="Only errors on stderr (for cron).")
@click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")
@click.version_option(__version__, prog_name="homemon", message="%(prog)s %(version)s")
@click.pass_context
def homemon(ctx: click.Context, config: str | None, quiet: bool, verbose: bool) -> None:
    """Watch the energy of a Japanese home: smart meter, EcoCute, solar.

    Points go to stdout as InfluxDB line protocol, everything else to stderr. Exit status: 0 done,
    1 a device or server failed, 2 wrong usage or configuration.
    """
    from homemon.runtime.context import App

    ctx.obj = App(config, quiet, verbose)
    ctx.call_on_close(ctx.obj.close)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a help's signs that the terminal's encoding lacks end no command
    speak(language(os.environ))
    try:
        status = run(arguments)
    finally:
        output.finish()
    sys.exit(status)


def speak(language: str) -> None:
    """Say everything in a language from now on, a command's help as well."""
    if language == "en":
        return
    from homemon.cli.help import Formatter
    from homemon.core.messages import words

    output.speak(words(language))
    click.Context.formatter_class = Formatter


def run(arguments: list[str] | None) -> int:
    """Run the command line; its exit status."""
    try:
        status: Any = homemon.main(args=arguments, prog_name="homemon", standalone_mode=False)
    except HomemonError as error:
        named = "" if isinstance(error, ConfigError) else "homemon: "  # those begin with file and line
        output.say(f"{named}{error}")
        if error.hint:
            output.say(f"  {error.hint}")
        return error.exit_code
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        output.say(text.getvalue().rstrip("\n"))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except UnicodeEncodeError as error:
        output.say(
            f"homemon: {error.object!r} cannot be a name in this locale: it has no such sign in {error.encoding}"
        )
        output.say("  Set the environment variable LC_ALL to C.UTF-8.")
        return 2
    except OSError as error:
        drop_stdout()
        output.say(f"homemon: {error.strerror or error}")
        output.say("  Check the disk that the output goes to.")
        return 1
    return status if isinstance(status, int) else 0
