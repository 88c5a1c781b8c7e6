"""The locale decides what a person reads, never the data, and ends no command: cron's and a container's are others."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from homemon.core.points import Point
from homemon.sim.bp35c0 import BID, PWD
from homemon.storage.store import Store
from tests.commands import ENVIRONMENT, HOMEMON, PATIENCE
from tests.stores import T, put

BARE = {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
LOCALES = {
    "C": {"LC_ALL": "C", **BARE},
    "POSIX": {"LC_ALL": "POSIX", **BARE},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "EUC": {"LC_ALL": "ja_JP.eucJP"},
    "CP932": {"PYTHONIOENCODING": "cp932"},
    "UTF-8": {"LC_ALL": "C.UTF-8"},
}
KEPT = [name for name in ENVIRONMENT if not name.startswith(("LC_", "LANG", "PYTHON"))]
FOLDER = "電力"


@pytest.fixture(scope="session")
def japanese(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where ja_JP.eucJP lies, made from the system's sources; a machine without them has the encoding alone."""
    folder = tmp_path_factory.mktemp("locales")
    with suppress(FileNotFoundError):
        command = ("localedef", "-i", "ja_JP", "-f", "EUC-JP", folder / "ja_JP.eucJP")
        subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    made = (folder / "ja_JP.eucJP" / "LC_CTYPE").exists()
    return {"LOCPATH": str(folder)} if made else {"PYTHONIOENCODING": "euc_jp"}


@pytest.fixture(params=LOCALES)
def locale(request: pytest.FixtureRequest, japanese: dict[str, str]) -> dict[str, str]:
    """An environment with a locale."""
    more = japanese if request.param == "EUC" else {}
    return {name: ENVIRONMENT[name] for name in KEPT} | LOCALES[request.param] | more


def encoding(locale: dict[str, str]) -> str:
    """What a terminal of the locale speaks."""
    plain = {"C": "ascii", "POSIX": "ascii", "ja_JP.eucJP": "euc_jp", None: "ascii"}
    return locale.get("PYTHONIOENCODING") or plain.get(locale.get("LC_ALL"), "utf-8")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose folder, tags and series have Japanese names."""
    (tmp_path / FOLDER).mkdir()
    text = f"[store]\ndir = {tmp_path}/{FOLDER}/記録\n[tags]\nhome = 自宅\n[smartmeter]\n# 認証ID\n"
    text += f"bid = {BID}\npwd = {PWD}\nserial_port = {tmp_path}/無い\n"
    (tmp_path / "config.ini").write_text(text, "utf-8")
    (tmp_path / "config.ini").chmod(0o600)
    store = Store(tmp_path / FOLDER / "記録", ",home=自宅")
    put(store, Point("power", {"value": 523}, T), Point("電力", {"値": 1.5}, T))
    store.close()
    return tmp_path


LINES = [f"power,home=自宅 value=523 {T}000000000", f"電力,home=自宅 値=1.5 {T}000000000"]


def run(*arguments: str, cwd: Path, env: dict[str, str], given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    names = "euc_jp" if "LOCPATH" in env else "utf-8"
    command = [word.encode(names) for word in (*HOMEMON, *arguments)]
    done = subprocess.run(command, cwd=cwd, env=env, input=given, capture_output=True, timeout=PATIENCE, check=False)
    assert b"Traceback" not in done.stderr, done.stderr.decode("utf-8", "replace")
    return done


def test_an_export_is_utf_8_and_comes_back(home: Path, locale: dict[str, str]) -> None:
    backup = run("export", cwd=home, env=locale).stdout
    assert backup.decode().splitlines() == LINES
    rows = run("export", "--format", "csv", cwd=home, env=locale).stdout.decode().splitlines()
    assert rows[2].endswith(",電力,値,1.5,home=自宅")
    (home / "backup.txt").write_bytes(backup)
    (home / FOLDER / "記録").rename(home / "lost")
    again = run("replay", "backup.txt", cwd=home, env=locale)
    assert (again.returncode, again.stdout) == (0, backup)
    assert run("export", cwd=home, env=locale).stdout == backup


def test_one_series_may_be_asked_for_by_its_name(home: Path, locale: dict[str, str]) -> None:
    """As it is typed on a terminal of that locale; on one that is ASCII only, as it comes."""
    typed = "電力".encode("euc_jp" if "LOCPATH" in locale else "utf-8")
    command = [*(word.encode() for word in HOMEMON), b"export", b"--measurement", typed]
    done = subprocess.run(command, cwd=home, env=locale, capture_output=True, timeout=PATIENCE, check=False)
    assert done.stdout.decode().splitlines() == LINES[1:]


def test_facts_for_programs_are_utf_8(home: Path, locale: dict[str, str]) -> None:
    assert '"電力"' in run("status", "--json", cwd=home, env=locale).stdout.decode()
    assert '"\\u96fb' in run("decode", "--json", "OK\n電力", cwd=home, env=locale).stdout.decode("ascii")


def test_what_a_person_reads_is_in_the_terminals_encoding(home: Path, locale: dict[str, str]) -> None:
    shown = "電力" if encoding(locale) != "ascii" else "??"
    assert shown in run("status", cwd=home, env=locale).stdout.decode(encoding(locale))
    talk = run("decode", cwd=home, env=locale, given="電力\nOK\n瞬時電力計測値:928[W]\n".encode())
    assert f"not understood: {shown}\n" in talk.stdout.decode(encoding(locale))
    assert "a script's own words: " in talk.stdout.decode(encoding(locale))
    assert talk.returncode == 0


EACH = """
from homemon.cli import commands, main
for command in commands.COMMANDS:
    for arguments, status in (["--help"], 0), (["--\\u96fb\\u529b"], 2):
        try:
            main.main([command, *arguments])
        except SystemExit as end:
            assert end.code == status, (command, arguments, end.code)
"""


def test_no_help_and_no_usage_error_ends_for_want_of_a_sign(home: Path, locale: dict[str, str]) -> None:
    command = (HOMEMON[0], "-c", EACH)
    done = subprocess.run(command, cwd=home, env=locale, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    usage = "使い方" if locale.get("LC_ALL", "").startswith("ja") else "Usage"
    assert f"{usage}: homemon kyocera-dump".encode(encoding(locale)) in done.stdout


@pytest.mark.parametrize("command", ["check", "upload", "join", "meter-poll", "ecocute-poll", "kyocera-dump"])
@pytest.mark.parametrize("locale", ["C", "EUC"], indirect=True)
def test_no_command_ends_for_want_of_a_sign(home: Path, locale: dict[str, str], command: str) -> None:
    assert run(command, cwd=home, env=locale).returncode in (1, 2)


def test_a_page_lies_where_it_is_said_to_lie(home: Path, locale: dict[str, str]) -> None:
    done = run("graph", "-o", "頁", cwd=home, env=locale)
    assert done.returncode == 0, done.stderr
    assert os.path.exists(done.stdout.strip())


def test_the_folder_of_the_store_is_the_same_in_every_locale(home: Path, locale: dict[str, str]) -> None:
    run("status", cwd=home, env=locale)
    assert sorted(path.name for path in home.iterdir()) == sorted(["config.ini", FOLDER])


def test_a_name_that_the_locale_cannot_write_is_wrong_usage(home: Path, japanese: dict[str, str]) -> None:
    """Bytes that are no EUC-JP, which a C library has its own signs for."""
    environment = {name: ENVIRONMENT[name] for name in KEPT} | LOCALES["EUC"] | japanese
    command = [*(word.encode() for word in HOMEMON), b"graph", b"-o", b"\xe9\x9b\xbb/x"]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode in (1, 2)
    assert b"Traceback" not in done.stderr
