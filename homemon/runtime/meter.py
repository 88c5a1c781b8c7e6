"""What a command asks the meter: through the listener that has the port, else on the port itself.

A poll runs each minute, most of them next to a listener: so only what talks to the meter itself is imported for
that.
"""

from homemon.core.errors import ConfigError
from homemon.core.files import Lock, port_lock
from homemon.runtime.asking import claim_or_ask
from homemon.runtime.context import App
from homemon.sources.registry import SMART_METER


def ask(app: App, name: str, question: str, within: float, trace: str | None) -> list[str]:
    """Ask for the command `name` what `meter_programs` has, and return the lines of the answer.

    The listener has `within` seconds. Raise ConfigError where no meter is known, what the question's program raises,
    and PortError, StoreError.
    """
    _require_meter(app)
    owner = port_lock(app.folder, app.smartmeter.serial_port)
    lines = claim_or_ask(app, owner, name, SMART_METER.listener, question, within, trace)
    return _ask_alone(app, owner, question, trace) if lines is None else lines


def _require_meter(app: App) -> None:
    """Raise ConfigError where no meter is known, neither from the config nor from a join."""
    if app.smartmeter.address:
        return
    from homemon.runtime import state

    if state.load(app.folder).link is None:
        raise ConfigError(
            f"{app.config.path}: [smartmeter] address is empty, and no meter is remembered",
            "Run `homemon join` once.",
        )


def _ask_alone(app: App, owner: Lock, question: str, trace: str | None) -> list[str]:
    """Ask on the port, which is ours until the answer is there: however long the server takes, the next may have it."""
    from homemon.runtime.meter_programs import programs
    from homemon.runtime.radio import Radio

    radio = Radio(app, trace, owner=owner)
    program, *words = question.split(" ")
    with radio.open() as port:
        lines: list[str] = radio.run(port, programs(radio.session)[program].make(*words))
    owner.drop()
    return lines
