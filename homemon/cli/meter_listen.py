"""`homemon meter-listen`: resident. Owns the port, stays joined, records everything the meter says."""

import click

from homemon.cli.options import trace_option
from homemon.core.errors import HomemonError, NoAnswer, PortError
from homemon.ports.serial_port import ModulePort
from homemon.runtime.background import BackgroundSender
from homemon.runtime.context import App
from homemon.runtime.radio import LISTENER, Radio
from homemon.runtime.stop import Stop, Stopped
from homemon.sources.meter.history import LONGEST

REOPEN_AFTER = 2.0  # seconds


@click.command()
@click.option(
    "--poll",
    "every",
    metavar="SECONDS",
    type=click.IntRange(5, 3600),
    help="Also ask for power and current this often.",
)
@trace_option
@click.pass_obj
def command(app: App, every: int | None, trace: str | None) -> None:
    """Stay joined and record what the smart meter says.

    Joins by itself, and again whenever the session is lost. Records the half-hourly registers
    that the meter pushes, and the answers to its own questions and to those of `meter-poll`. After
    joining and once a day it asks the meter's own record for the half-hours that the store lacks.
    Where another one runs already, it ends at once with status 0, so a cron line each minute
    keeps one alive. SIGTERM or Ctrl-C ends it; everything received is stored.
    """
    app.go_resident(LISTENER)
    stop = Stop()
    radio = Radio(app, trace, stop, min(app.smartmeter.history_days, app.config.store.keep_days or LONGEST))
    try:
        if not radio.own_port(LISTENER):
            app.progress("another meter-listen runs already, and goes on; this one ends")
            return
        radio.answer_others()
        listen(app, radio, stop, every)
    except Stopped:
        app.log("stopped")
    finally:
        if radio.questions:
            radio.questions.close()
    app.give_up_unstored()


def listen(app: App, radio: Radio, stop: Stop, every: int | None) -> None:
    """Listen until Stopped. An error at the very start is one of the set-up: reported, not retried."""
    port = radio.open()
    sender = BackgroundSender(app)
    app.recorder.then(sender.nudge)
    sender.nudge()
    retried: tuple[type[HomemonError], ...] = (PortError,)
    while True:
        try:
            with port:
                radio.run(port, radio.session.listen(every, radio.settings.serial_port))
        except retried as error:
            app.warn_once(f"{error}; waiting for it to come back", error.hint)
            away = error
        retried = (PortError, NoAnswer)  # a module that was plugged in again may need its time
        port = reopened(radio, stop, away)
        app.info(f"{radio.settings.serial_port} is back")


def reopened(radio: Radio, stop: Stop, away: HomemonError) -> ModulePort:
    """Return the port, as soon as it can be opened again; `away` is why it cannot be asked. Raise Stopped."""
    assert radio.questions
    while True:
        radio.questions.fail_while_away(REOPEN_AFTER, away, stop)
        try:
            return radio.open()
        except PortError:
            continue
