"""What `homemon setup` asks about starting homemon, and what it puts into a crontab and into units."""

from typing import Any

import pytest

from homemon.config.edit import Change
from homemon.config.setup import schedule
from homemon.config.setup.start import start
from tests import ROOT
from tests.talks import METER, configured, held, overheard

EVERYTHING = configured(f"{METER}[ecocute]\n[kyocera]\n[notify]\ncommand = cat\n")


def test_where_nothing_can_start_homemon_it_is_said_what_is_missing() -> None:
    assert held(start(configured("[ecocute]\n")), []) == ([], ["ways"])


@pytest.mark.parametrize(
    ("page", "answers", "wanted", "asked"),
    [
        ("lan", ("s3cret",), [Change("serve", "password", "s3cret")], ["page_password"]),
        ("lan", ("",), [], ["page_password"]),
        ("here", (), [], []),
        ("", (), [], []),
    ],
)
def test_a_page_for_all_has_its_password_in_force_before_it_is_started(
    page: str, answers: tuple[str, ...], wanted: list[Change], asked: list[str]
) -> None:
    done = [None] if wanted else []
    changes, were = held(
        start(configured("[ecocute]\n")), ["cron"], "", "none", page, *answers, ["line"], [], "y", "", *done, [], ""
    )
    assert changes == [], "they are written already"
    writing = ["write"] if wanted else []
    ending = ["planned", "otherwise", "install", "own folder", *writing, "differing", "install"]
    assert were == ["ways", "start", "page", "page", *asked, *ending]


def test_who_looks_at_the_page_already_goes_on_to_unless_it_is_said_otherwise() -> None:
    config = configured("[ecocute]\n[serve]\npassword = s3cret\n")
    _, asked = held(start(config), ["cron"], "", "lan", "", ["line"], [], "y", "", [], "")
    assert "page_password" not in asked, "it has one"


def test_nothing_is_asked_of_a_page_that_cannot_be_served() -> None:
    _, asked = held(start(configured("[ecocute]\n")), ["cron"], "", None, ["line"], [], "n")
    assert asked == ["ways", "start", "page", "planned", "otherwise", "install"]


@pytest.mark.parametrize(
    ("answers", "asked", "says"),
    [
        (([],), [], ["left out"]),
        ((["line"], "n"), ["remove"], ["line", "kept"]),
        ((["line"], "", ""), ["remove", "uninstall"], ["line", "removed"]),
        ((["line"], "", "why"), ["remove", "uninstall"], ["line", "not removed"]),
    ],
)
def test_who_wants_nothing_started_is_asked_about_what_starts_it_now(
    answers: tuple[Any, ...], asked: list[str], says: list[str]
) -> None:
    heard: list[str] = []
    _, were = held(overheard(start(configured("[ecocute]\n")), heard), ["cron"], "none", *answers)
    assert (were, heard) == (["ways", "start", "installed", *asked], says)


@pytest.mark.parametrize(
    ("lines", "own", "answers", "says"),
    [
        ([], [("* * * * * homemon meter-listen", "")], [], ["own line", "nothing to add"]),
        ([], [("own", "--poll 60")], [], ["own line", "own line lacks", "nothing to add"]),
        (["new"], [("own", "")], ["y", "", [], ""], ["own line", "added", "line", "soon"]),
        ([], [], [], ["no device"]),
    ],
)
def test_only_what_is_really_added_is_shown_and_called_started(
    lines: list[str], own: list[tuple[str, str]], answers: list[Any], says: list[str]
) -> None:
    heard: list[str] = []
    held(overheard(start(configured("[ecocute]\n")), heard), ["cron"], "", None, lines, own, *answers)
    assert heard == says


@pytest.mark.parametrize(
    ("lines", "page"),
    [
        (["* * * * * homemon -q meter-listen"], None),
        (["# * * * * * homemon -q serve"], None),
        (["@reboot ~/.local/bin/homemon -q serve --port 8081"], ("127.0.0.1", 8081)),
        (["ExecStart=/a/homemon -c /b/config.ini -q serve --bind 0.0.0.0"], ("0.0.0.0", 8080)),
        (["* * * * * homemon -q serve --bind=192.168.1.20 --lang ja"], ("192.168.1.20", 8080)),
    ],
)
def test_where_the_page_is_served_is_read_from_what_starts_it(lines: list[str], page: tuple[str, int] | None) -> None:
    assert schedule.served(lines) == page


# --- crontabs and units ---


def test_the_units_are_those_of_the_documents() -> None:
    units = schedule.units([*schedule.jobs(EVERYTHING), schedule.SERVE], ("%h/.local/bin/homemon",))
    folder = ROOT / "docs" / "systemd"
    assert units == {path.name: path.read_text("utf-8") for path in folder.glob("homemon-*")}, "run `make docs`"


def test_what_is_started_speaks_the_language_of_who_set_it_up() -> None:
    planned = schedule.jobs(configured("[notify]\ncommand = cat\n"))
    (line,) = schedule.cron_lines(planned, ("homemon",), "ja_JP.UTF-8")
    assert line == "*/5 * * * * LANG=ja_JP.UTF-8 homemon -q notify >/dev/null"
    service = schedule.units(planned, ("homemon",), "ja_JP.UTF-8")["homemon-notify.service"]
    assert "Environment=LANG=ja_JP.UTF-8\nExecStart=homemon -q notify\n" in service


def test_a_crontab_keeps_its_lines_and_gets_ours_once() -> None:
    lines = schedule.cron_lines(schedule.jobs(EVERYTHING), ("/a b/homemon",))
    assert lines[0] == "* * * * * '/a b/homemon' -q meter-listen --poll 60 >/dev/null"
    own = "MAILTO=me\n#* * * * * homemon -q ecocute-listen\n"
    first = schedule.with_lines(own, lines)
    assert first.startswith(own)
    assert [line for line in lines if line in first.splitlines()] == lines
    assert schedule.with_lines(first, lines) == first
    assert schedule.with_lines(first + "5 * * * * later\n", lines).count("later") == 1


def test_a_command_that_another_line_starts_is_not_started_twice() -> None:
    lines = schedule.cron_lines(schedule.jobs(EVERYTHING), ("homemon",))
    own = "* * * * * /opt/homemon -q meter-listen\n"
    assert "--poll 60" not in schedule.with_lines(own, lines)
    assert schedule.with_lines(own, lines[:1]) == own


@pytest.mark.parametrize(
    ("own", "lacking"),
    [
        ("*/5 * * * * /opt/homemon -q meter-listen", "--poll 60"),
        ("* * * * * homemon -q meter-listen --poll 60 >/dev/null", ""),
    ],
)
def test_of_an_own_line_it_is_known_what_ours_would_do_more(own: str, lacking: str) -> None:
    line = schedule.cron_lines(schedule.jobs(EVERYTHING), ("homemon",))[0]
    assert schedule.started_otherwise(f"{own}\n", line) == own
    assert schedule.started_otherwise(f"# {own}\n", line) == ""
    assert schedule.words_lacking(own, line) == lacking


def test_a_percent_sign_does_not_end_the_command_in_cron() -> None:
    assert schedule.cron_lines(schedule.jobs(configured("[kyocera]")), ("homemon", "-c", "a%b"))[0].count(r"a\%b") == 1
