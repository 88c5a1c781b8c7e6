"""How a device is asked, by what it can: every property that it reports alone is reported in the end."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homemon.echonet.questions import Questions

WANTED = (0x84, 0x85, 0xE1)
Device = Callable[[tuple[int, ...]], tuple[set[int], set[int]] | None]
"""What it reports and refuses of a question; None where it is silent."""


def poll(
    device: Device, at_once: int | None = None, wanted: tuple[int, ...] = WANTED
) -> tuple[set[int], Questions, int]:
    """What is reported in the end, and by how many questions."""
    questions, reported, count = Questions(wanted, at_once), set[int](), 0
    while asked := questions.next():
        count += 1
        assert count < 20
        if (answer := device(asked)) is None:
            questions.silent(asked)
        else:
            questions.answered(asked, *answer)
            reported |= answer[0]
    return reported, questions, count


def good(asked: tuple[int, ...]) -> tuple[set[int], set[int]]:
    return set(asked), set()


def first(number: int) -> Device:
    return lambda asked: (set(asked[:number]), set())


def refuses_with(disliked: int) -> Device:
    return lambda asked: (set(), set(asked)) if disliked in asked else (set(asked), set())


def silent_with(disliked: int) -> Device:
    return lambda asked: None if disliked in asked else (set(asked), set())


def test_a_good_device_is_asked_once() -> None:
    reported, questions, count = poll(good)
    assert (reported, questions.at_once, count) == (set(WANTED), None, 1)


@pytest.mark.parametrize("number", [1, 2])
def test_a_device_that_answers_only_the_first_is_asked_for_the_rest(number: int) -> None:
    reported, questions, _ = poll(first(number))
    assert reported == set(WANTED)
    assert questions.at_once == number


@pytest.mark.parametrize("disliked", WANTED)
def test_a_device_that_refuses_all_for_one_is_asked_for_each(disliked: int) -> None:
    reported, questions, count = poll(refuses_with(disliked))
    assert reported == set(WANTED) - {disliked}
    assert (questions.at_once, count) == (1, 4)


@pytest.mark.parametrize("disliked", WANTED)
def test_a_device_that_is_silent_to_all_for_one_is_asked_for_each(disliked: int) -> None:
    reported, questions, _ = poll(silent_with(disliked))
    assert reported == set(WANTED) - {disliked}
    assert questions.missing == [disliked]
    assert questions.at_once == 1


def test_a_datagram_that_is_lost_says_nothing_of_the_device() -> None:
    answers = iter([None, (set(WANTED), set[int]())])
    reported, questions, count = poll(lambda asked: next(answers))
    assert (reported, questions.at_once, count) == (set(WANTED), None, 2)


def test_one_property_that_came_at_the_third_try_says_nothing_of_several() -> None:
    questions = Questions((0xD3,))
    for _ in range(2):
        questions.silent(questions.next())
    questions.answered(questions.next(), {0xD3}, set())
    assert questions.at_once is None


def test_a_silent_device_is_given_up() -> None:
    reported, questions, count = poll(lambda asked: None)
    assert (reported, count) == (set(), 5)
    assert set(questions.missing) == set(WANTED)


def test_a_property_that_it_lacks_is_refused_once() -> None:
    assert poll(lambda asked: (set(asked) - {0xE1}, {0xE1} & set(asked)))[2] == 1


def test_what_it_takes_at_once_is_asked_so_from_the_beginning() -> None:
    sizes: list[int] = []

    def device(asked: tuple[int, ...]) -> tuple[set[int], set[int]]:
        sizes.append(len(asked))
        return good(asked)

    assert poll(device, at_once=2)[0] == set(WANTED)
    assert sizes == [2, 1]


@given(takes=st.integers(1, 6), dislikes=st.sets(st.sampled_from(range(6))), silent=st.booleans(), whole=st.booleans())
def test_whatever_it_answers_alone_is_received_in_the_end(
    takes: int, dislikes: set[int], silent: bool, whole: bool
) -> None:
    def device(asked: tuple[int, ...]) -> tuple[set[int], set[int]] | None:
        if dislikes & set(asked) and (whole or len(asked) == 1):
            return None if silent else (set(), set(asked))
        known = [epc for epc in asked if epc not in dislikes][:takes]
        return (set(known), set()) if known else None

    wanted = tuple(range(6))
    reported, _, _ = poll(device, wanted=wanted)
    reachable = set(wanted) - dislikes
    if not silent or len(dislikes) < 3:
        assert reported == reachable
