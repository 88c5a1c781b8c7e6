"""The terminal of `homemon setup`: what a step says is printed, what it asks is answered, what it wants is done."""

import os
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click

from homemon.cli.terminal import show
from homemon.config.setup.dialogue import Act, Question, Result, Say, Talk
from homemon.config.setup.texts import TEXTS
from homemon.core.columns import left, width
from homemon.core.errors import ConfigError
from homemon.core.language import LOCALES, said
from homemon.core.messages import words
from homemon.runtime import output
from homemon.runtime.context import App
from homemon.runtime.serving import addresses, login
from homemon.runtime.setting_up import ACTS
from homemon.runtime.starting import page_started

INDENT = 6  # of what does not fit into a line


def in_language(language: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with which a command speaks a language, in the characters of before (locale(7))."""
    characters = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := environment.get(name))), "")
    return {"LC_ALL": "", "LC_CTYPE": characters, "LC_MESSAGES": LOCALES[language]}


class Terminal:
    """Holds the conversation in one language. What is `given` by options is not asked; with `yes`, nothing is.

    `options` are what they are called, by the names of the questions.
    """

    def __init__(self, app: App, given: Mapping[str, Any], options: Mapping[str, str], yes: bool) -> None:
        self._app = app
        self.given = given
        self._options = options
        self._yes = yes
        self.language = ""
        self._written = False

    def speak(self, language: str) -> None:
        """Speak a language from now on, in errors too, and have the commands that are run speak it."""
        self.language = language
        output.speak(words(language))
        os.environ.update(in_language(language, os.environ))

    def hold(self, talk: Talk[Result], acting: App) -> Result:
        """Go through a conversation to its end and return its result; `acting` is what its acts work with.

        Raise click.UsageError for a wrong option, click.Abort where there are no more answers.
        """
        answer: Any = None
        while True:
            try:
                wish = talk.send(answer)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            answer = self._granted(wish, acting)

    def say(self, name: str, *values: object) -> None:
        """Print one of the texts."""
        self._show(said(TEXTS[name], self.language, *values))

    def say_ended(self, path: Path) -> None:
        """Say where the answers of a conversation are that ended early, if there are any."""
        if self._written:
            self.say("ended", path)
        else:
            self.say("nothing written")

    def tell_page(self, program: str) -> None:
        """Say how the newest values and the page are seen; where the page is served, its addresses."""
        self.say("values", program)
        served = page_started()
        if served is None:
            self.say("page by hand", program)
            return
        bind, port = served
        for address in addresses(bind, port):
            self.say("page at", address)
        if ip_address(bind).is_loopback:
            self.say("page tunnel", port, login())

    def _show(self, text: str) -> None:
        show(text, indent=INDENT)

    def _granted(self, wish: Say | Question | Act, acting: App) -> Any:
        if isinstance(wish, Say):
            self._show(said(wish.text, self.language, *wish.values))
            return None
        if isinstance(wish, Act):
            done = ACTS[wish.name](acting, *wish.arguments)
            self._written |= wish.name == "write"
            return done
        return self.ask(wish)

    def ask(self, question: Question) -> Any:
        """Return the answer of an option, else the default where nothing is asked, else the person's.

        Raise click.UsageError and ConfigError for a wrong option.
        """
        given = self.given.get(question.name)
        if given is None and question.asked and not self._yes:
            return self._asked(question)
        option = self._options.get(question.name, question.name)
        try:
            if isinstance(given, list):
                return [read for each in given for read in question.answer(each)]
            return question.answer(given or "")
        except ValueError as error:
            raise click.UsageError(f"{option}: {error}") from None
        except ConfigError as error:
            raise ConfigError(f"{option}: {error}", error.hint) from None

    def _asked(self, question: Question) -> Any:
        widest = max((width(choice.answer) for choice in question.choices), default=0)
        for number, choice in enumerate(question.choices, 1):
            text = said(choice.text, self.language)
            self._show(f"  {number:3}  {left(choice.answer, widest)}  {text}".rstrip())
        if question.choices:
            self.say("choose")
        while True:
            try:
                return question.answer(self._typed(question))
            except (ValueError, ConfigError) as error:
                self.say("wrong", output.said(str(error)))

    def _typed(self, question: Question) -> str:
        if sys.stdin is None:
            raise click.Abort
        shown = f"{said(question.text, self.language)}{f' [{question.default}]' if question.default else ''}"
        output.clear()
        hidden = question.secret and sys.stdin.isatty()
        typed: str = click.prompt(shown, default="", show_default=False, hide_input=hidden)
        return typed
