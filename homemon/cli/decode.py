"""`homemon decode`: what bytes mean, in words. Opens no configuration, no store and no port."""

import json
import sys

import click

from homemon.cli.lines import lines, typed
from homemon.core.errors import HomemonError
from homemon.explain.text import accounts
from homemon.runtime import output
from homemon.runtime.context import App
from homemon.skstack.logged import as_text

MOST_HELD = 1000  # lines


@click.command()
@click.argument("text", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.pass_obj
def command(app: App, text: tuple[str, ...], as_json: bool) -> None:
    """Explain a frame, a module's lines, a trace or a dump.

    TEXT, or stdin where there is none: an ECHONET Lite frame in hex; ERXUDP, EVENT, EPANDESC and other lines
    of a Wi-SUN module, as logs have them, in quotes and with escapes too; a trace, as --trace writes it; a dump
    of the solar monitor. Other text, in UTF-8, EUC-JP or CP932, is shown as it is. What is cut off is explained
    as far as it makes sense, with the byte where it stops. Registers are in counts, and in kWh where the meter
    reported its unit (E1, D3) before. What the join's handshake carries is not shown.

    With --json each piece is one object on a line of its own: `type`, the `line` where it begins, what is in
    it, and where it stops making sense (`error`). Exit status 1 where nothing makes sense.
    """
    makes_sense = False
    held: list[str] = []  # of what comes before anything makes sense
    piped = (as_text(line) for line in lines(sys.stdin.buffer))
    for account in accounts(given(text) if text else piped):
        makes_sense |= account.sense
        held += [json.dumps(account.facts).replace("\x7f", "\\u007f")] if as_json else account.lines
        if makes_sense:
            (app.put if as_json else output.tell)("\n".join(held))
            held.clear()
        del held[MOST_HELD:]
    if not makes_sense:
        raise HomemonError(
            f"nothing here makes sense: {held[0]}" if held else "there is nothing to explain",
            "Give a frame in hex (1081…), lines of a Wi-SUN module (ERXUDP …), a trace, or a solar monitor's dump.",
        )


def given(words: tuple[str, ...]) -> list[str]:
    """Return the text that was typed: a shell takes away what separates its words."""
    return typed(" ".join(words)).splitlines()
