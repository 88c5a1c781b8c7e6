"""What the Wi-SUN module reports that keeps a session from going on as before, and living through it."""

from contextlib import suppress

from homemon.core.dialogue import Ask, Dialogue
from homemon.core.errors import NoAnswer, SessionLost
from homemon.skstack import lines as skstack
from homemon.skstack.lines import Event, Fail, Happening, Register

SIGN_WITHIN = 4.0  # seconds; the module itself echoes or confirms long before
RENEWAL_WITHIN = 60.0  # EVENT 29 until the module's own EVENT 25
LIMIT_LOOKS, LIMIT_LOOK_EVERY = 60, 60.0  # the sending limit is counted by the hour (ARIB STD-T108)
RENEWED, EXPIRED, LIMITED, UNLIMITED = 0x25, 0x29, 0x32, 0x33
SESSION_OVER = {
    0x24: "the join failed (EVENT 24)",
    0x26: "the meter ended the session (EVENT 26)",
    0x27: "the session was ended (EVENT 27)",
    0x28: "the session ended unanswered (EVENT 28)",
}


def is_trouble(event: Happening) -> bool:
    """Return whether an unsolicited event means that the session cannot go on as before."""
    if isinstance(event, Fail):
        return event.code == "ER10"
    return isinstance(event, Event) and (event.number in SESSION_OVER or event.number in (EXPIRED, LIMITED))


def live_through(event: Happening) -> Dialogue[None]:
    """Live through what can be waited out; raise SessionLost where only a rejoin helps."""
    if isinstance(event, Fail):
        raise SessionLost(f"the module has no session (FAIL {event.code})")
    assert isinstance(event, Event)
    if event.number == LIMITED:
        yield from _wait_out_limit()
    elif event.number == EXPIRED:
        if not (yield from _until(RENEWED, RENEWAL_WITHIN, "the session expired (EVENT 29), it is renewed")):
            raise SessionLost("the session expired (EVENT 29) and was not renewed")
    else:
        raise SessionLost(SESSION_OVER[event.number])


def _wait_out_limit() -> Dialogue[None]:
    """Wait for EVENT 33, which can get lost, and does where the module loses its power; so SFB is read too."""
    look = Ask(skstack.command("SKSREG SFB"), lambda event: isinstance(event, Register | Fail), SIGN_WITHIN)
    limited = "the module holds all sending for the ARIB limit (EVENT 32)"
    for _ in range(LIMIT_LOOKS):
        if (yield from _until(UNLIMITED, LIMIT_LOOK_EVERY, limited)):
            return
        with suppress(NoAnswer):
            events = yield look
            if isinstance(events[-1], Register) and not events[-1].value:
                return


def _until(number: int, within: float, saying: str) -> Dialogue[bool]:
    """Wait for EVENT `number`, or for the end of the session; whether it came in time."""
    over = SESSION_OVER.keys()
    try:
        events = yield Ask(
            b"",
            lambda event: isinstance(event, Event) and (event.number == number or event.number in over),
            within,
            saying,
        )
    except NoAnswer:
        return False
    if events[-1].number in over:
        raise SessionLost(SESSION_OVER[events[-1].number])
    return True
