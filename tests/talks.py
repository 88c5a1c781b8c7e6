"""Conversations of `homemon setup`, held without a terminal."""

from pathlib import Path
from typing import Any

from homemon.config.edit import Change
from homemon.config.read import Config, parse
from homemon.config.setup.dialogue import Question, Say, Talk
from homemon.config.setup.texts import TEXTS
from homemon.sim.bp35c0 import PWD

METER = f"[smartmeter]\nbid = {'1' * 32}\npwd = {PWD}\n"


def configured(text: str = "") -> Config:
    return parse(text, Path("config.ini"))


def held(talk: Talk[list[Change]], *answers: Any) -> tuple[list[Change], list[str]]:
    """What a conversation comes to with these answers to its questions and acts, and what it asked and did.

    A text is typed; what is for options only gets no answer. Anything else is what came of an act.
    """
    asked: list[str] = []
    left, answer = list(answers), None
    while True:
        try:
            wish = talk.send(answer)
        except StopIteration as stop:
            assert not left, left
            return stop.value, asked
        if isinstance(wish, Say):
            answer = None
        elif isinstance(wish, Question):
            asked += [wish.name] if wish.asked else []
            answer = wish.answer(left.pop(0) if wish.asked else "")
        else:
            asked.append(wish.name)
            answer = left.pop(0)


def overheard(talk: Talk[list[Change]], heard: list[str]) -> Talk[list[Change]]:
    """The conversation, of which the names of the texts that are said are put down."""
    answer = None
    while True:
        try:
            wish = talk.send(answer)
        except StopIteration as stop:
            changes: list[Change] = stop.value
            return changes
        if isinstance(wish, Say):
            heard.append(next(name for name, text in TEXTS.items() if text == wish.text))
        answer = yield wish
