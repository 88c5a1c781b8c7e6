"""What a Conversation promises to its dialogue and to its owner."""

import pytest

from homemon.core.dialogue import Ask, Conversation, Dialogue, nothing, pause
from homemon.core.errors import DeviceError, NoAnswer


def asking(*asks: Ask) -> Dialogue[list[object]]:
    """Asks one after the other, and gives what was received to each: a list, or a tuple where it was given up."""
    reported: list[object] = []
    for ask in asks:
        try:
            reported.append((yield ask))
        except NoAnswer as silence:
            reported.append(silence.received)
    return reported


def is_ok(event: object) -> bool:
    return event == "OK"


def test_a_question_is_sent_and_reported_once_and_its_deadline_is_known() -> None:
    talk = Conversation(asking(Ask(b"SKVER\r\n", is_ok, 2.0, "waking")), now=100.0)
    talk.receive("EVER", now=100.5)
    talk.tick(now=101.0)
    assert (talk.outgoing, talk.said, talk.wake, talk.done) == ([b"SKVER\r\n"], ["waking"], 102.0, False)


def test_an_answer_comes_with_all_that_was_received_before_it() -> None:
    talk = Conversation(asking(Ask(b"a", is_ok, 2.0), Ask(b"b", is_ok, 3.0)), now=0.0)
    for event in ("x", "y", "OK", "z"):
        talk.receive(event, now=1.0)
    assert (talk.outgoing, talk.wake) == ([b"a", b"b"], 4.0)
    talk.receive("OK", now=2.0)
    assert talk.done
    assert talk.result == [["x", "y", "OK"], ["z", "OK"]]


def test_a_deadline_is_raised_at_the_yield_with_what_was_received_instead() -> None:
    talk = Conversation(asking(Ask(b"a", is_ok, 2.0), Ask(b"b", is_ok, 2.0)), now=0.0)
    talk.receive("x", now=1.0)
    talk.tick(now=1.999)
    assert talk.outgoing == [b"a"]
    talk.tick(now=2.5)
    assert (talk.outgoing, talk.wake) == ([b"a", b"b"], 4.5)
    talk.tick(now=4.5)
    assert talk.result == [("x",), ()]


def test_a_deadline_that_nobody_catches_comes_out_of_tick() -> None:
    def ask() -> Dialogue[None]:
        yield Ask(b"", is_ok, 2.5)

    talk = Conversation(ask(), now=0.0)
    talk.receive("x", now=1.0)
    with pytest.raises(NoAnswer, match=r"^no answer within 2\.5 s$") as silence:
        talk.tick(now=2.5)
    assert silence.value.received == ("x",)
    assert talk.done


def test_nothing_to_send_or_say_is_not_sent_or_said() -> None:
    talk = Conversation(pause(5.0), now=0.0)
    assert (talk.outgoing, talk.said, talk.wake) == ([], [], 5.0)


def test_a_pause_lasts_and_gives_what_was_received() -> None:
    talk = Conversation(pause(5.0), now=0.0)
    talk.receive("OK", now=1.0)
    talk.tick(now=4.9)
    assert not talk.done
    talk.tick(now=5.0)
    assert (talk.done, talk.result) == (True, ["OK"])


@pytest.mark.parametrize("when", ["at once", "receive", "tick"])
def test_what_a_dialogue_raises_comes_out_of_the_call_that_caused_it(when: str) -> None:
    def fail() -> Dialogue[None]:
        if when != "at once":
            yield from pause(1.0) if when == "tick" else asking(Ask(b"", is_ok, 1.0))
        raise DeviceError("refused")

    if when == "at once":
        with pytest.raises(DeviceError, match="refused"):
            Conversation(fail(), now=0.0)
        return
    talk = Conversation(fail(), now=0.0)
    with pytest.raises(DeviceError, match="refused"):
        talk.tick(now=1.0) if when == "tick" else talk.receive("OK", now=0.5)
    assert talk.done


def test_a_dialogue_that_asks_nothing_is_done_at_once() -> None:
    talk = Conversation(asking(), now=0.0)
    assert (talk.done, talk.result) == (True, [])


def test_who_is_done_receives_no_more() -> None:
    talk = Conversation(asking(Ask(b"a", is_ok, 1.0)), now=0.0)
    talk.receive("OK", now=0.5)
    talk.receive("OK", now=0.6)
    talk.tick(now=99.0)
    assert (talk.outgoing, talk.result) == ([b"a"], [["OK"]])


def test_one_tick_passes_any_number_of_empty_waits() -> None:
    talk = Conversation(asking(*[Ask(b"", nothing, 0.0)] * 5000), now=0.0)
    talk.tick(now=0.0)
    assert talk.done
