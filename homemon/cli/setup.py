"""`homemon setup`: asks what config.ini is to say, tries what can be tried, and ends with `check`."""

import os
import shlex
from pathlib import Path
from typing import IO, Any

import click

from homemon.cli.setup_terminal import Terminal
from homemon.config.edit import Change, change_file
from homemon.config.place import find_or_new, is_found
from homemon.config.read import load_or_empty
from homemon.config.values import one_of
from homemon.core.errors import ConfigError
from homemon.core.language import LANGUAGES, language
from homemon.energy.plan_file import AREAS
from homemon.runtime.context import App
from homemon.runtime.setting_up import command as run
from homemon.runtime.starting import WAYS
from homemon.runtime.subcommands import program
from homemon.setup.dialogue import Question, Step, through
from homemon.setup.letter import read_letter
from homemon.setup.steps import STEPS
from homemon.setup.texts import TEXTS

CHECK = "check"
NAMES = (*(step.name for step in STEPS), CHECK)


@click.command()
@click.option("--only", multiple=True, metavar="STEP", type=click.Choice(NAMES), help=f"Do these: {', '.join(NAMES)}.")
@click.option("--skip", multiple=True, metavar="STEP", type=click.Choice(NAMES), help="Leave these out.")
@click.option("--yes", is_flag=True, help="Ask nothing: what no option says is as if Enter were pressed.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Default: the locale's.")
@click.option("--letter", type=click.File(encoding="utf-8-sig"), help="B-route ID and password, two lines; - is stdin.")
@click.option("--port", "ports", multiple=True, metavar="PORT", help="Where to look for the module.")
@click.option("--target", "targets", multiple=True, help="Where to look for the EcoCute, as `discover` takes it.")
@click.option("--bind", metavar="ADDRESS", help="[ecocute] bind.")
@click.option("--monitor", "lines", multiple=True, metavar="i2c|PORT", help="Where to look for the solar monitor.")
@click.option("--area", metavar="AREA", help=f"{', '.join(AREAS)}.")
@click.option("--plan", metavar="NAME|FILE", help="A plan that is shipped, or your own (.toml).")
@click.option("--since", metavar="DATE", help="The contract holds from that day on.")
@click.option("--ampere", metavar="A", help="契約アンペア.")
@click.option("--kva", metavar="KVA", help="契約容量.")
@click.option("--kw", metavar="KW", help="契約電力.")
@click.option("--reading-day", metavar="DAY", help="検針日.")
@click.option("--sell", metavar="PRICE", help="[contract] sell.")
@click.option("--server", "url", metavar="URL", help="The InfluxDB.")
@click.option("--db", metavar="NAME", help="Its database.")
@click.option("--start", metavar="WAY", type=click.Choice([*WAYS, "none"]), help="cron, systemd or none.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    yes: bool,
    lang: str | None,
    letter: IO[str] | None,
    **options: Any,
) -> int:
    """Set homemon up by answering questions, and end with `check`.

    Asks for the two values of the letter, finds the serial port by trying, joins, finds the EcoCute and the solar
    monitor, and asks for plan, server and what starts it all. Writes config.ini (the one in use, else
    ~/.config/homemon/config.ini), in which every other line stays. Each step can be left out, and done again; what is
    set up already stays unless you say otherwise. Exit status as `check`'s.
    """
    app: App = ctx.obj
    path = find_or_new(ctx.find_root().params["config"]).absolute()
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items() if value}
    given |= _values(letter) if letter else {}
    terminal = Terminal(app, given, yes, lang or language(os.environ))
    wanted = [name for name in NAMES if name in (only or NAMES) and name not in skip]
    changed: list[Change] = []
    try:
        if not (lang or yes or only):
            terminal.language = terminal.ask(_language(terminal.language))
        terminal.say("begin", path)
        for step in STEPS:
            if step.name in wanted:
                changed += _through(app, terminal, step, path)
    except (click.Abort, KeyboardInterrupt):
        terminal.say("ended", path)
        raise
    if CHECK not in wanted:
        return 0
    status = _checked(app, terminal, path, changed)
    terminal.say("page", program() if is_found(path) else f"{program()} -c {shlex.quote(str(path))}")
    return status


def _values(letter: IO[str]) -> dict[str, str]:
    try:
        return read_letter(letter.read())
    except ValueError as error:  # also of a text that is not UTF-8, without the text
        reason = "must be UTF-8" if isinstance(error, UnicodeError) else error
        raise click.UsageError(f"--letter: it {reason}") from None


def _language(default: str) -> Question:
    return Question("lang", TEXTS["language"], one_of(*LANGUAGES), default)


def _acting(app: App, path: Path) -> App:
    """Return homemon with the configuration as it is by now, even where there is no file yet."""
    acting = App(str(path), app.quiet, app.verbose)
    acting.config = load_or_empty(path)
    return acting


def _through(app: App, terminal: Terminal, step: Step, path: Path) -> list[Change]:
    """Go through a step and write what comes of it, which is returned. Raise ConfigError."""
    acting = _acting(app, path)
    try:
        changes = terminal.hold(through(step, acting.config, terminal.given), acting)
    finally:
        acting.close()
    if changes:
        try:
            change_file(path, changes)
        except OSError as error:
            raise ConfigError(
                f"{path}: {error.strerror}", "Write it by hand, then go on with `homemon setup`."
            ) from None
        terminal.say("written", ", ".join(f"[{each.section}] {each.key}".strip() for each in changes))
    return changes


def _checked(app: App, terminal: Terminal, path: Path, changed: list[Change]) -> int:
    """Run `check`, which makes the database of a server that is new; return its exit status."""
    terminal.say("check")
    create = ("--create-db",) if any(change.section == "server" for change in changed) else ()
    return run(_acting(app, path), "check", *create)
