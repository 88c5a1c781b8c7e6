"""What homemon says in Japanese: the catalogue is complete, and finds a message however it is put together."""

import re
from itertools import chain, zip_longest
from pathlib import Path

import pytest

from homemon.core.messages import FIELD, PARTS, Catalogue
from homemon.runtime import output
from tools import messages
from tools.messages import CATALOGUE, as_mo, catalogue, collected

JAPANESE = Catalogue("ja")
MESSAGES = [message for message in catalogue() if message.id]
TEXTS = [(str(message.id), str(message.string)) for message in MESSAGES if not message.context]
FIELDS = re.compile(r"\{\d?\}")
KEPT = re.compile(r"(?<!-)--[a-z][a-z-]+|`[^`{}]+`|\[[a-z]+\]|https?://[^\s,]+")
"""What is the same in each language: options, code, sections of config.ini, addresses."""


NO_BEGINNING = (" ", ",", ";", "homemon: ", "{}: ")
"""How those messages begin that never stand behind a name: pieces, and those that name something themselves."""


def typed(text: str) -> set[str]:
    return set(KEPT.findall(text))


def filled(text: str, values: list[str]) -> str:
    parts = text.split(FIELD)
    return "".join(chain(*zip_longest(parts, values, fillvalue="")))


def squeezed(text: str) -> str:
    return text.replace(" ", "")


def test_each_message_of_the_source_has_a_translation_and_no_other_has() -> None:
    known = {(str(message.id), message.context or ""): message.string for message in MESSAGES}
    assert known.keys() == collected().keys(), "`make docs` adds what is new, and takes away what is gone"
    assert [text for text, translation in known.items() if not translation] == [], "fill in its msgstr"


def test_what_is_read_at_run_time_is_made_of_the_catalogue() -> None:
    assert CATALOGUE.with_suffix(".mo").read_bytes() == as_mo(catalogue()), "run `make docs`"


def test_each_translation_can_be_filled_in_and_keeps_what_is_typed() -> None:
    wrong = []
    for text, translation in TEXTS:
        values = ["value"] * text.count(FIELD)
        filled = translation.format(*values)  # raises IndexError where it has more
        if "{" in FIELDS.sub("", translation) or not typed(filled) <= typed(text.replace(FIELD, "value")):
            wrong.append((text, translation))
    assert wrong == []


@pytest.mark.parametrize("value", ["/srv/v{}", "{}"])
@pytest.mark.parametrize("before", ["", "homemon: ", "config.ini:3: [meter] port: "])
def test_each_message_is_found_whatever_its_values_are_and_what_is_before_it(before: str, value: str) -> None:
    wrong = []
    for text, translation in TEXTS:
        values = [value.format(number) for number in range(text.count(FIELD))]
        if not values or "\n" in text or text in PARTS or (before and text.startswith(NO_BEGINNING)):
            continue
        said = JAPANESE._of_anybody(before + filled(text, values))
        if squeezed(said) != squeezed(before + translation.format(*map(JAPANESE._value, values))):
            wrong.append((text, said))
    assert wrong == []


PUT_TOGETHER = {
    "a hint behind it": (
        "homemon: /dev/ttyUSB0 is in use by pid 1 (minicom). Stop the other program first.",
        "homemon: /dev/ttyUSB0 は pid 1 (minicom) が使用中です。先にそのプログラムを止めてください。",
    ),
    "a fault in a line of a file": (
        "config.ini:3: [smartmeter] bid: must be 32 hexadecimal digits (it has 31 characters)",
        "config.ini:3: [smartmeter] bid: 16進数32桁で書いてください (今は 31 文字です)",
    ),
    "a key that has one of two words": (
        "config.ini:3: [mqtt] retain: must be yes or no",
        "config.ini:3: [mqtt] retain: yes か no を書いてください",
    ),
    "a key that has one of three words": (
        "config.ini:3: [mqtt] discovery: must be device, entities or off",
        "config.ini:3: [mqtt] discovery: device、entities か off を書いてください",
    ),
    "a message within one": (
        "homemon: http://nas:8086: cannot be reached (nobody listens there); is the server running, and the url right?"
        "; 3 points wait, and are sent when it works again",
        "homemon: http://nas:8086: 接続できません (待ち受けているものがありません)。"
        "サーバーが動いているか、url が正しいかを確かめてください。3 件のポイントは送信待ちで、直れば送ります",
    ),
    "a message of two sentences within one": (
        "homemon: ntfy:// of [notify]: apprise knows no such URL; see github.com/caronc/apprise/wiki; 1 wait until it"
        " works",
        "homemon: [notify] の ntfy://: apprise の知らない形の URL です。github.com/caronc/apprise/wiki を見てください。"
        "使えるようになるまで 1 件が待ちます",
    ),
    "a property": (
        "homemon: the meter refuses E7 (power); it is asked again",
        "homemon: メーターが E7 (瞬時電力) を拒否しました。後でもう一度問い合わせます",
    ),
    "a doubt of several plans": (
        "~ provisional, own, other: the base charge is not confirmed by a source",
        "~ 暫定 (own、other): 基本料金は、どの資料でも確かめられていません",
    ),
    "a list of values": ("It has 10, 15, 20 or 60 A.", "あるのは 10、15、20 または 60 A です。"),
    "several names": ("Do these: letter, port.", "指定したものだけを行います: letter、port。"),
    "lines": (
        "homemon: nobody listens there\n  Try again.",
        "homemon: 待ち受けているものがありません\n  もう一度試してください。",
    ),
    "what another program says": (
        "homemon: Stale file handle; at /srv",
        "homemon: Stale file handle; at /srv",
    ),
    "a reading": ("power value=523 1795789843000000000", "power value=523 1795789843000000000"),
}


@pytest.mark.parametrize(("english", "japanese"), PUT_TOGETHER.values(), ids=PUT_TOGETHER)
def test_messages_that_are_put_together_are_found(english: str, japanese: str) -> None:
    assert JAPANESE(english) == japanese
    assert JAPANESE(japanese) == japanese


def test_a_word_has_the_meaning_of_its_context_only() -> None:
    assert (JAPANESE("server", "check"), JAPANESE("server")) == ("サーバー", "server")


@pytest.mark.parametrize("piece", ["a: ", "x is y; ", "the store a is of in by to and ", "(a, b or ", "[a] b: "])
def test_what_others_say_at_length_is_not_looked_up_without_end(piece: str) -> None:
    text = piece * 2000
    assert JAPANESE(text) == text
    JAPANESE(text[:1000].rstrip())
    assert len(JAPANESE._seen) < 3000


def test_without_a_language_all_is_as_the_source_has_it() -> None:
    assert output.said("the store is empty") == "the store is empty"


# --- what is collected ------------------------------------------------------------------------

SOURCE = '''
"""A module's docstring is not said."""
LABEL: "a type is not" = ("ラベル", "a label is in both languages")

@click.command()
@click.option("--days", help="So many days.")
def command(days: "int or none") -> None:
    """What a command says of itself."""
    raise ConfigError(f"{days} is no number of days", "Write a number" if days else "one")
    query = "SELECT value FROM point"
'''


def test_collected_is_what_is_said(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(SOURCE, "utf-8")
    assert set(messages.messages(tmp_path / "module.py")) == {
        "So many days.",
        "What a command says of itself.",
        "{} is no number of days",
        "Write a number",
    }
