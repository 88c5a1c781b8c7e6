"""`homemon ecocute-listen`: resident. Holds UDP 3610 and records what the water heater says."""

import click

from homemon.cli.options import trace_option
from homemon.runtime.background import BackgroundSender
from homemon.runtime.claim import claim
from homemon.runtime.context import App
from homemon.runtime.lan import LISTENER, Lan
from homemon.runtime.stop import Stop, Stopped


@click.command()
@trace_option
@click.pass_obj
def command(app: App, trace: str | None) -> None:
    """Record what the EcoCute says.

    Its notifications, and its answers to what is asked for `ecocute-poll`. Where another one runs
    already, it ends at once with status 0, so a cron line each minute keeps one alive. SIGTERM or Ctrl-C ends it.
    Without an address in config.ini it looks for the EcoCute at the start, then now and then.
    """
    app.go_resident(LISTENER)
    stop = Stop()
    lan = Lan(app, trace, stop)
    try:
        if not claim(lan.owner, LISTENER, LISTENER, stop):
            app.progress("another ecocute-listen runs already, and goes on; this one ends")
            return
        lan.answer_others()
        with lan.open() as node:
            sender = BackgroundSender(app)
            app.recorder.then(sender.nudge)
            sender.nudge()
            lan.controller.presence.announce()
            lan.run(node, lan.controller.listen())
    except Stopped:
        app.log("stopped")
    finally:
        if lan.questions:
            lan.questions.close()
    app.give_up_unstored()
