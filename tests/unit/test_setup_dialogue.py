"""`homemon setup` without a terminal: what each step asks for, and what it writes for an answer."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from homemon.cli.setup_terminal import in_language
from homemon.config.edit import Change
from homemon.config.read import Config
from homemon.config.setup import questions, steps
from homemon.config.setup.dialogue import Act, Question, Step, Talk, through
from homemon.config.setup.letter import read_letter, read_login, read_password
from homemon.config.setup.server import server
from homemon.config.setup.texts import TEXTS
from homemon.core.language import LANGUAGES, language
from homemon.core.messages import words
from homemon.delivery.influx import Answer, Trial, Verdict
from homemon.energy import bill, shipped
from homemon.runtime.context import App
from homemon.runtime.setting_up import base, write
from homemon.sim.bp35c0 import BID, PWD
from homemon.sources.lan.discovery import Node
from tests.talks import METER, configured, held, overheard


def test_the_letter_is_asked_for_and_may_be_left_out() -> None:
    wanted = [Change("smartmeter", "bid", BID), Change("smartmeter", "pwd", PWD)]
    assert held(steps.letter(configured()), BID.lower(), PWD) == (wanted, ["bid", "pwd"])
    assert held(steps.letter(configured()), BID, PWD.lower())[0] == wanted, "letters print capitals"
    assert held(steps.letter(configured()), "") == ([], ["bid"])


def test_the_first_port_on_which_a_module_answers_is_taken() -> None:
    ports = ["/dev/ttyUSB0", "/dev/ttyAMA0", "/dev/ttyUSB1"]
    changes, asked = held(steps.port(configured(METER)), ports, ("", "silent", "hint"), ("1.5.2", "", ""))
    assert changes == [Change("smartmeter", "serial_port", "/dev/ttyAMA0")]
    assert asked == ["serial ports", "module", "module"]


@pytest.mark.parametrize(
    ("answers", "asked", "says"),
    [
        ((("", "no port", "plug it in"),), ["module"], ["is no module", "port first"]),
        ((("1.5.2", "", ""), "n"), ["module", "join now"], []),
        ((("1.5.2", "", ""), "", True), ["module", "join now", "join"], ["joined"]),
        ((("1.5.2", "", ""), "", False), ["module", "join now", "join"], ["not joined"]),
    ],
)
def test_joining_is_offered_where_a_module_answers(answers: tuple[Any, ...], asked: list[str], says: list[str]) -> None:
    heard: list[str] = []
    _, were = held(overheard(steps.join(configured(METER)), heard), *answers)
    assert (were, heard) == (asked, says)
    assert all("--only port" in text for name in says[-1:] if name != "joined" for text in TEXTS[name])


def test_a_port_is_asked_for_until_there_is_a_module_or_no_answer() -> None:
    silent = ("", "silent", "hint")
    assert held(steps.port(configured(METER)), [], "/dev/a", silent, "")[0] == []
    assert held(steps.port(configured()))[0] == [], "without the letter there is nothing to find"


@pytest.mark.parametrize(
    ("nodes", "answers", "wanted"),
    [
        ([Node("192.168.1.20", [0x026B01])], (), [Change("ecocute")]),
        ([Node("192.168.1.9", [0x013001]), Node("192.168.1.20", [0x02A601])], (), ["eoj = 02A601"]),
        ([Node("192.168.1.20", [0x026B01]), Node("192.168.1.21", [0x026B01])], ("2",), ["host = 192.168.1.21"]),
    ],
    ids=["one", "hybrid", "two"],
)
def test_of_an_ecocute_only_what_is_needed_to_find_it_again_is_written(
    nodes: list[Node], answers: tuple[str, ...], wanted: Sequence[Any]
) -> None:
    changes, _ = held(steps.devices(configured()), (nodes, ["line"]), *answers)
    assert [change if change.key == "" else f"{change.key} = {change.value}" for change in changes[-1:]] == wanted


def test_an_ecocute_that_multicast_does_not_reach_is_looked_for_at_an_address() -> None:
    node = Node("192.168.1.20", [0x026B01])
    changes, asked = held(steps.devices(configured()), ([], []), "192.168.1.0/24", ([node], []))
    assert changes == [Change("ecocute"), Change("ecocute", "host", "192.168.1.20")]
    assert asked == ["discover", "target", "discover"]


@pytest.mark.parametrize(("target", "bind"), [("127.0.0.2", "127.0.0.1"), ("127.0.0.1", "127.0.0.3")])
def test_an_ecocute_simulated_here_is_asked_from_an_address_of_our_own(target: str, bind: str) -> None:
    changes, _ = held(steps.devices(configured()), ([], []), target, ([Node(target, [0x026B01])], []))
    assert changes == [Change("ecocute"), Change("ecocute", "host", target), Change("ecocute", "bind", bind)]


def test_the_module_is_not_asked_whether_it_is_a_solar_monitor() -> None:
    config = configured(f"{METER}serial_port = /dev/ttyUSB0\n")
    changes, _ = held(steps.monitor(config), "y", ["i2c", "/dev/ttyUSB0", "/dev/ttyUSB1"], ("silent", "hint"), ("", ""))
    assert changes == [Change("kyocera", "transport", "serial"), Change("kyocera", "serial_port", "/dev/ttyUSB1")]


def test_where_no_line_has_a_monitor_its_name_is_asked() -> None:
    changes, _ = held(steps.monitor(configured()), "y", ["i2c"], ("silent", "hint"), "/dev/ttyS9", ("", ""))
    assert changes == [Change("kyocera", "transport", "serial"), Change("kyocera", "serial_port", "/dev/ttyS9")]
    changes, _ = held(steps.monitor(configured()), "y", [], "")
    assert changes == []


@pytest.mark.parametrize("plan", shipped.names())
def test_each_plan_is_asked_for_what_its_base_charge_goes_by_and_nothing_else(plan: str) -> None:
    app = App()
    app.config = configured()
    area = shipped.find(plan).area
    needed = base(app, plan)
    answers = [str, area, shipped.of_area(area), plan, needed, *(["40"] if needed else []), "12"]
    changes, _ = held(steps.contract(configured()), *answers)
    text = "[contract]\n" + "".join(f"{change.key} = {change.value}\n" for change in changes)
    (contract,) = configured(text).contracts
    agreed = bill.Contract(ampere=contract.ampere, kva=contract.kva, kw=contract.kw)
    version = shipped.find(plan).versions[-1]
    assert shipped.bill(shipped.find(plan), version.since, agreed, {}, {}).lines
    assert contract.reading_day == 12


def test_a_contract_is_corrected_or_followed_by_another_without_naming_its_plan_again() -> None:
    config = configured("[contract]\nplan = a\n[contract 2025-04-01]\nplan = b\nampere = 30\n")
    answers = ("", "2026-12-01", {"ampere": "30, 40"}, "40", "")
    section = "contract 2026-12-01"
    changes, _ = held(steps.contract(config), str, *answers)
    assert changes == [Change(section, "plan", "b"), Change(section, "ampere", "40")]
    (plan, ampere), _ = held(steps.contract(config), str, "", "", *answers[2:])
    assert (plan.section, ampere) == ("contract 2025-04-01", Change("contract 2025-04-01", "ampere", "40"))


def test_of_amperes_a_plan_takes_those_that_it_offers() -> None:
    asked = steps._base("tepco-juryo-b")
    next(asked)
    ampere = asked.send({"ampere": "30, 40"})
    assert isinstance(ampere, Question)
    assert ampere.answer("４０") == 40
    with pytest.raises(ValueError, match=r"^must be one of 30, 40$"):
        ampere.answer("45")


@pytest.mark.parametrize("answer", ["6", "６", "kansai", "Kansai", "関西"])
def test_one_of_several_is_meant_by_its_number_its_word_or_its_name(answer: str) -> None:
    asked = next(wish for wish in steps.contract(configured()) if isinstance(wish, Question) and wish.name == "area")
    assert asked.answer(answer) == "kansai"


# --- the server ---------------------------------------------------------------------------

TAKES = Trial(Answer(Verdict.TAKEN))
REFUSES = Trial(Answer(Verdict.HOLD, "answered 401"), refused=True)
SECOND = REFUSES._replace(second=True)
LACKS = Trial(Answer(Verdict.HOLD, "answered 404"), lacking=True)
SILENT = Trial(Answer(Verdict.LATER, "cannot be reached", unanswered=True))
URL = "http://localhost:8086"


def said(changes: Sequence[Change]) -> dict[str, str]:
    assert {change.section for change in changes} <= {"server"}
    return {change.key: change.value for change in changes}


@pytest.mark.parametrize(
    ("answers", "wanted", "asked"),
    [
        ((TAKES, "", TAKES), {"db": "smartmeter"}, ["db"]),
        ((TAKES, "home", LACKS, ""), {"db": "home"}, ["db"]),
        (
            (REFUSES, "", REFUSES, "me", "s3cret", TAKES),
            {"db": "smartmeter", "user": "me", "password": "s3cret"},
            ["db", "user", "password"],
        ),
        (
            (REFUSES, "", REFUSES, "me", "wrong", REFUSES, "me", "s3cret", TAKES),
            {"db": "smartmeter", "user": "me", "password": "s3cret"},
            ["db", "user", "password", "user", "password"],
        ),
        (
            (REFUSES, "", REFUSES, "", "abc==", TAKES),
            {"db": "smartmeter", "token": "abc=="},
            ["db", "user", "token"],
        ),
        (
            (SECOND, "home", "", SECOND, "abc==", TAKES),
            {"org": "home", "bucket": "smartmeter", "token": "abc=="},
            ["org", "bucket", "token"],
        ),
        ((REFUSES, "", REFUSES, "", ""), {"db": "smartmeter"}, ["db", "user", "token"]),
        (
            (REFUSES, "", REFUSES, "me", "wrong", REFUSES, "me", "wrong"),
            {"db": "smartmeter"},
            ["db", "user", "password", "user", "password"],
        ),
        ((SILENT, ""), {"db": "smartmeter"}, ["db"]),
    ],
    ids=["open", "lacks the database", "user", "wrong at first", "token", "second", "left out", "the same", "silent"],
)
def test_a_server_is_asked_about_no_more_than_it_wants_to_know(
    answers: tuple[Any, ...], wanted: dict[str, str], asked: list[str]
) -> None:
    changes, were = held(server(configured()), URL, *answers)
    assert said(changes) == {"url": URL, **wanted}
    assert [name for name in were if name not in ("url", "server", "database")] == asked
    assert ("database" in were) == (LACKS in answers)


def test_a_login_that_is_configured_stays_while_the_server_is_silent_or_takes_it() -> None:
    config = configured(f"[server]\nurl = {URL}\nuser = me\npassword = s3cret\n")
    wanted = {"url": URL, "db": "smartmeter", "user": "me", "password": "s3cret"}
    assert said(held(server(config), "", SILENT, "")[0]) == wanted
    assert said(held(server(config), "", TAKES, "", TAKES)[0]) == wanted


@pytest.mark.parametrize("answers", [("", ""), ("me", "wrong", REFUSES, "me", "wrong")])
def test_a_login_that_is_refused_replaces_nothing_that_is_configured(answers: tuple[Any, ...]) -> None:
    config = configured(f"[server]\nurl = {URL}\nuser = me\npassword = s3cret\n")
    changes, _ = held(server(config), "http://other:8086", REFUSES, "", REFUSES, *answers)
    assert changes == []


def test_what_is_said_of_a_refused_login_agrees_with_what_is_written() -> None:
    known = configured(f"[server]\nurl = {URL}\nuser = me\npassword = s3cret\n")
    for config, name in ((configured(), "no login"), (known, "server kept")):
        heard: list[str] = []
        held(overheard(server(config), heard), URL, REFUSES, "", REFUSES, *("me", "wrong", REFUSES), "", "")
        assert heard[-2:] == ["refused", name]


def test_what_another_server_has_no_use_for_is_emptied() -> None:
    config = configured(f"[server]\nurl = {URL}\norg = home\nbucket = b\ntoken = abc==\n")
    changes, _ = held(server(config), "http://other:8086", REFUSES, "home", "", REFUSES, "new==", TAKES)
    assert said(changes) == {"url": "http://other:8086", "org": "home", "bucket": "b", "token": "new=="}
    user = configured(f"[server]\nurl = {URL}\nuser = me\npassword = s3cret\n")
    changes, _ = held(server(user), "", REFUSES, "", REFUSES, "", "new==", TAKES)
    assert said(changes) == {"url": URL, "db": "smartmeter", "token": "new==", "user": "", "password": ""}


def test_secrets_are_read_from_files_and_never_shown() -> None:
    assert read_login("abc==\n") == {"user": "", "token": "abc=="}
    assert read_login("me\n\ns3: cret\n") == {"user": "me", "password": "s3: cret"}
    assert read_password(" s3cret \n") == {"page_password": "s3cret"}
    for read, wrong in ((read_login, "s3cret\n" * 3), (read_login, ""), (read_password, "s3cret\n" * 2)):
        with pytest.raises(ValueError, match=r"^must be one line[^s]*") as error:
            read(wrong)
        assert "s3cret" not in str(error.value)


# --- steps --------------------------------------------------------------------------------


def test_what_is_there_stays_unless_a_person_or_an_option_says_otherwise() -> None:
    def talk(config: Config) -> Talk[list[Change]]:
        yield Act("done")
        return []

    step = Step("x", ("", ""), talk, lambda config: True, ("plan",))
    assert held(through(step, configured(), {}), "")[1] == ["again"]
    assert held(through(step, configured(), {}), "はい", None)[1] == ["again", "done"]
    assert held(through(step, configured(), {"plan": "p"}), None)[1] == ["done"]


@pytest.mark.parametrize(
    "text",
    [
        f"{BID}\n{PWD}\n",
        f"{PWD}\r\n\r\n{BID.lower()}",
        f"Bルート認証ID：{'-'.join(BID[at : at + 4] for at in range(0, 32, 4))}\nパスワード = {PWD}\n",
    ],
)
def test_a_letter_is_read_in_whichever_order_and_form(text: str) -> None:
    assert read_letter(text) == {"bid": BID, "pwd": PWD}


@pytest.mark.parametrize("section", ["smartmeter", "kyocera"])
@pytest.mark.parametrize(
    ("named", "written"),
    [("port", "{}/port"), ("./port", "{}/port"), ("socket://h:1", "socket://h:1"), ("ttyNone", "ttyNone")],
)
def test_a_port_is_written_as_it_is_called_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str, named: str, written: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").touch()
    (tmp_path / "port").symlink_to("real")
    (tmp_path / "config.ini").write_text(METER)
    app = App(str(tmp_path / "config.ini"))
    app.config = configured(METER)._replace(path=tmp_path / "config.ini")
    write(app, [Change(section, "serial_port", named)])
    assert f"\nserial_port = {written.format(tmp_path)}\n" in (tmp_path / "config.ini").read_text()


# --- languages ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "slip"),
    [
        *(
            (questions.keyed("bid", "Route-B ID"), slip)
            for slip in (PWD, "O" * 32, "Z" * 32, "а" * 32, "1", BID + " ; mine")
        ),
        *((Question("pwd", TEXTS["pwd"], steps.password), slip) for slip in (BID, "1", "а" * 12)),
        (questions.keyed("reading_day", "number", 1, 31, text="reading day"), "32"),
        *((questions.keyed("url", "URL", 8086), slip) for slip in ("htp:/x", "http://h:70000")),
        (questions.keyed("port name", "serial port"), "spy:///dev/ttyUSB0"),
        (questions.keyed("db", "name"), "a\tb"),
        (questions.agreed("install"), "maybe"),
        (Question("since", TEXTS["since"], steps._day), "2026-4-1"),
        (Question("sell", TEXTS["sell"], steps._price), "a lot"),
        (Question("area", TEXTS["area"], questions.word("tokyo", "kansai")), "osaka"),
    ],
)
def test_each_wrong_answer_is_explained_in_japanese_too_without_the_answer(question: Question, slip: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|has|is) ") as wrong:
        question.answer(slip)
    english = str(wrong.value)
    japanese = words("ja")(english)
    assert not re.search("[a-z]{4,}", re.sub(r"/\S+|\S+://\S*|socket|rfc2217|tokyo|kansai", "", japanese)), japanese
    assert len(slip) < 5 or slip not in english + japanese


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


@pytest.mark.parametrize("name", TEXTS)
def test_each_text_is_in_both_languages_and_fits_a_terminal(name: str) -> None:
    japanese, english = TEXTS[name]
    assert sorted(re.findall("{.?}", japanese)) == sorted(re.findall("{.?}", english))
    assert all(width(line) < 80 for text in (japanese, english) for line in text.split("\n"))


@pytest.mark.parametrize(
    "locale",
    [
        {},
        {"LC_ALL": "C"},
        {"LC_ALL": "ja_JP.EUC-JP"},
        {"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "en_US.UTF-8"},
        {"LC_CTYPE": "C.UTF-8", "LC_ALL": "en_US.UTF-8"},
    ],
)
@pytest.mark.parametrize("spoken", LANGUAGES)
def test_a_language_is_passed_on_in_any_locale_and_its_characters_stay(locale: dict[str, str], spoken: str) -> None:
    changed = in_language(spoken, locale)
    assert language(locale | changed) == spoken
    assert changed["LC_CTYPE"] == (locale.get("LC_ALL") or locale.get("LANG", ""))
