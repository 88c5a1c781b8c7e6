"""config.ini as `homemon setup` changes it: what was asked for, and no other byte."""

from pathlib import Path

import pytest

from homemon.config.edit import Change, change_file, edited, replace_address
from homemon.core.errors import ConfigError

PATH = Path("config.ini")
COMMENTED = """\
# home
[smartmeter]
; the letter lies in the drawer
bid = 00112233445566778899AABBCCDDEEFF
pwd = <password>

# [server]
# url = http://localhost
[tags]
home = tokyo
"""


def after(text: str, *changes: Change) -> str:
    return edited(text.encode(), changes, PATH).decode()


def test_a_value_changes_in_its_line_and_a_new_section_comes_last() -> None:
    changes = (
        Change("smartmeter", "pwd", "0123456789AB"),
        Change("server", "url", "http://h"),
        Change("server", "db", "d"),
    )
    wanted = COMMENTED.replace("<password>", "0123456789AB") + "\n[server]\nurl = http://h\ndb = d\n"
    assert after(COMMENTED, *changes) == wanted
    assert after(COMMENTED.replace("\n", "\r\n"), *changes) == wanted.replace("\n", "\r\n")


def test_a_change_that_is_there_already_changes_nothing() -> None:
    assert after(COMMENTED, Change("tags", "home", "tokyo"), Change("tags")) == COMMENTED


def test_a_new_file_has_the_sections_and_keys_in_the_order_of_the_changes() -> None:
    changes = (
        Change("ecocute"),
        Change("contract 2026-04-01", "plan", "p"),
        Change("contract 2026-04-01", "ampere", "40"),
    )
    assert after("", *changes) == "[ecocute]\n\n[contract 2026-04-01]\nplan = p\nampere = 40\n"


@pytest.mark.parametrize("text", ["[server]\nurl = http://h\n  /more\n", "［server］\nurl = http://h\n"])
def test_an_unusual_layout_is_left_alone(text: str) -> None:
    with pytest.raises(OSError, match="by hand"):
        after(text, Change("server", "url", "http://other"))


def test_a_change_that_would_make_the_file_wrong_is_refused_without_the_value() -> None:
    with pytest.raises(ConfigError) as refused:
        after(COMMENTED, Change("server", "url", "no:such/secret"))
    assert "secret" not in str(refused.value)


def test_an_address_that_has_no_section_is_an_error_that_join_goes_on_after(tmp_path: Path) -> None:
    path = tmp_path / "config.ini"
    path.write_text("[store]\n")
    with pytest.raises(OSError, match="`address`"):
        replace_address(path, "FE80:0000:0000:0000:0200:AA00:0000:0002")
    assert path.read_text() == "[store]\n"


def test_a_new_file_is_for_its_owner_alone_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.ini"
    change_file(path, [Change("ecocute")])
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    path.chmod(0o640)
    change_file(path, [Change("ecocute", "host", "192.168.1.20")])
    assert path.stat().st_mode & 0o777 == 0o640
