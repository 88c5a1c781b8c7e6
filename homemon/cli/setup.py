"""`homemon setup`: asks what config.ini is to say, tries what can be tried, and ends with `check`."""

import os
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any

import click

from homemon.cli.setup_terminal import Terminal
from homemon.config.place import find_or_new, is_found
from homemon.config.read import Config, load_or_empty
from homemon.config.setup.dialogue import Question, Talk, through
from homemon.config.setup.letter import read_letter, read_login, read_password
from homemon.config.setup.schedule import PAGES
from homemon.config.setup.start import awaited
from homemon.config.setup.steps import STEPS
from homemon.config.setup.texts import TEXTS
from homemon.config.values import one_of
from homemon.core.language import LANGUAGES, language
from homemon.energy.plan_file import AREAS
from homemon.runtime.context import App
from homemon.runtime.listeners import listeners
from homemon.runtime.setting_up import command as run
from homemon.runtime.starting import WAYS
from homemon.runtime.subcommands import program

CHECK = "check"
SECRETS = click.File(encoding="utf-8-sig")
SECRET_FILES = {"letter": read_letter, "login": read_login, "page_password": read_password}
"""What is never given on the command line, where other users see it, by the options that name its file."""
ANSWERS = {"letter": ("bid", "pwd"), "login": ("user", "password", "token")}
"""The questions that such a file answers, where they are called otherwise than the option."""
NAMES = (*(step.name for step in STEPS), CHECK)


@click.command()
@click.option("--only", multiple=True, metavar="STEP", type=click.Choice(NAMES), help=f"Do these: {', '.join(NAMES)}.")
@click.option("--skip", multiple=True, metavar="STEP", type=click.Choice(NAMES), help="Leave these out.")
@click.option("--yes", is_flag=True, help="Ask nothing: what no option says is as if Enter were pressed.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Default: the locale's.")
@click.option("--letter", type=SECRETS, help="B-route ID and password, two lines; - is stdin.")
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
@click.option("--org", metavar="NAME", help="Organization, of an InfluxDB 2.")
@click.option("--bucket", metavar="NAME", help="Bucket, of an InfluxDB 2.")
@click.option("--login", type=SECRETS, help="Its token in a line, or user and password in two; - is stdin.")
@click.option("--start", metavar="WAY", type=click.Choice([*WAYS, "none"]), help="cron, systemd or none.")
@click.option("--page", metavar="WHO", type=click.Choice([*PAGES]), help=f"Who may look: {', '.join(PAGES)}.")
@click.option("--page-password", type=SECRETS, help="The page's password in a line; - is stdin.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    yes: bool,
    lang: str | None,
    **options: Any,
) -> int:
    """Set homemon up by answering questions, and end with `check`.

    Asks for the two values of the letter, finds the serial port by trying, joins, finds the EcoCute and the solar
    monitor, and asks for plan, server, what starts it all and who may look at the page. Writes config.ini (the one in
    use, else ~/.config/homemon/config.ini), in which every other line stays. Each step can be left out, and done again;
    what is set up already stays unless you say otherwise. Exit status as `check`'s.
    """
    app: App = ctx.obj
    path = find_or_new(ctx.find_root().params["config"]).absolute()
    secrets = {name: options.pop(name) for name in SECRET_FILES}
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items() if value}
    for name, file in secrets.items():
        given |= _values(name, file) if file else {}
    terminal = Terminal(app, given, _options(ctx.command), yes)
    terminal.speak(lang or language(os.environ))
    wanted = [name for name in NAMES if name in (only or NAMES) and name not in skip]
    before, running = _text(path), _running(app, path)
    try:
        if not (lang or yes or only):
            terminal.speak(terminal.ask(_language(terminal.language)))
        terminal.say("begin", path)
        for step in STEPS:
            if step.name in wanted:
                _hold(app, terminal, partial(through, step, given=terminal.given), path)
        if CHECK in wanted and not yes:
            _hold(app, terminal, awaited, path)
    except (click.Abort, KeyboardInterrupt):
        terminal.say_ended(path)
        raise
    if before != _text(path) and (older := running & _running(app, path)):
        terminal.say("older", " ".join(map(str, sorted(older))))
    if CHECK not in wanted:
        return 0
    terminal.say("check")
    status = run(_acting(app, path), CHECK)
    terminal.tell_page(program() if is_found(path) else f"{program()} -c {shlex.quote(str(path))}")
    return status


def _text(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _running(app: App, path: Path) -> set[int]:
    """Return the pids of the listeners of what is configured."""
    acting = _acting(app, path)
    try:
        return {pid for pid in listeners(acting).values() if pid}
    finally:
        acting.close()


def _values(name: str, file: IO[str]) -> dict[str, str]:
    """Return what stands in a file of secrets, by the names of the questions."""
    try:
        return SECRET_FILES[name](file.read())
    except ValueError as error:  # also of a text that is not UTF-8, without the text
        reason = "must be UTF-8" if isinstance(error, UnicodeError) else error
        raise click.UsageError(f"--{name.replace('_', '-')}: {reason}") from None


def _options(setup: click.Command) -> dict[str, str]:
    """Return what the options are called, by the questions that they answer."""
    files = {question: f"--{name}" for name, questions in ANSWERS.items() for question in questions}
    return {param.name: param.opts[0] for param in setup.params if param.name} | files


def _language(default: str) -> Question:
    return Question("lang", TEXTS["language"], one_of(*LANGUAGES), default)


def _acting(app: App, path: Path) -> App:
    """Return homemon with the configuration as it is by now, even where there is no file yet."""
    acting = App(str(path), app.quiet, app.verbose)
    acting.config = load_or_empty(path)
    return acting


def _hold(app: App, terminal: Terminal, talk: Callable[[Config], Talk[Any]], path: Path) -> None:
    """Hold a conversation about the configuration as it is by now. Raise ConfigError."""
    acting = _acting(app, path)
    try:
        terminal.hold(talk(acting.config), acting)
    finally:
        acting.close()
