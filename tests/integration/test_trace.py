"""The trace: lines that read back, a file that stays small and private, and readings that it never costs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homemon.core import transcript
from homemon.core.clock import Instant
from homemon.core.errors import PortError, WireError
from homemon.core.transcript import LAN, MODULE, MONITOR, Entry
from homemon.ports import trace as trace_module
from homemon.ports.trace import Trace, stamp
from tests.commands import ENVIRONMENT, deny, fill, homemon, running, simulated, small_disk, write_config

NOW = Instant(1_795_421_667.1237, 5000.0, "this boot")  # 2026-11-23 17:14:27.123 JST
STAMP = "2026-11-23T17:14:27.123+09:00"
ADDRESS = "FE80:0000:0000:0000:0200:AA00:0000:0002"


@contextmanager
def trace_to(path: Path) -> Iterator[Trace]:
    opened = Trace(path)
    try:
        yield opened
    finally:
        opened.close()


def lines(*paths: Path) -> list[str]:
    """Lines of files, each of which ends with one."""
    content = b"".join(path.read_bytes() for path in paths)
    assert content.endswith(b"\n")
    return content.decode("ascii").splitlines()


# --- one line ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "sent", "data", "peer", "text"),
    [
        (MODULE, True, b"SKVER\r\n", "", "wisun > SKVER\\r\\n"),
        (MODULE, False, b"EVER 1.5.2", "", "wisun < EVER 1.5.2"),
        (MODULE, False, b"\x00a\\r\xff", "", "wisun < \\x00a\\x5Cr\\xFF"),
        (LAN, False, b"\x10\x81", "192.168.1.20:3610", "udp < 192.168.1.20:3610 1081"),
        (LAN, False, b"", "192.168.1.20:3610", "udp < 192.168.1.20:3610 "),
        (MONITOR, True, b"\x02\x06\x03", "", "kyocera > 020603"),
    ],
)
def test_each_link_has_its_line_and_reads_back(
    tmp_path: Path, link: str, sent: bool, data: bytes, peer: str, text: str
) -> None:
    with trace_to(tmp_path / "trace.txt") as trace:
        trace.write(link, sent, data, NOW, peer)
    (line,) = lines(tmp_path / "trace.txt")
    assert line == f"{STAMP} {text}"
    assert transcript.read(line) == Entry(1_795_421_667.123, True, link, sent, data, peer)


@given(st.binary(max_size=80), st.sampled_from([MODULE, LAN, MONITOR]), st.booleans())
def test_any_bytes_read_back_from_one_line_of_ascii(data: bytes, link: str, sent: bool) -> None:
    peer = "192.0.2.1:3610" if link == LAN else ""
    line = transcript.written(STAMP, link, sent, data, peer)
    assert line.isascii()
    assert line.isprintable()
    assert transcript.read(line) == Entry(1_795_421_667.123, True, link, sent, data, peer)
    assert list(transcript.pieces(line)) == [line]


@given(st.floats(1_600_000_000, 2_500_000_000))
@example(1_795_421_667.9999998)
@example(1_795_421_667.0)
def test_a_time_is_never_rounded_into_the_next_second(wall: float) -> None:
    """The store dates a reading by the whole second: its line in the trace must say the same one."""
    entry = transcript.read(f"{stamp(wall)} wisun < OK")
    assert entry is not None
    assert int(entry.time) == int(wall)
    assert 0 <= wall - entry.time < 0.001


def test_a_clock_that_is_not_known_to_be_right_is_marked(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace.txt", lambda at: at.ticks > 900)
    trace.write(MODULE, False, b"OK", NOW._replace(ticks=60.0))
    trace.write(MODULE, False, b"OK", NOW)
    trace.close()
    assert lines(tmp_path / "trace.txt") == [f"{STAMP}? wisun < OK", f"{STAMP} wisun < OK"]
    assert [entry and entry.believed for entry in map(transcript.read, lines(tmp_path / "trace.txt"))] == [False, True]


@pytest.mark.parametrize("line", ["", "OK", f"{STAMP} < OK", f"{STAMP} wisun OK", f" {STAMP} wisun < OK", STAMP])
def test_what_is_no_line_of_a_trace_is_none(line: str) -> None:
    assert transcript.read(line) is None


@pytest.mark.parametrize(
    ("rest", "offset"),
    [("kyocera < 0206O3", 40), ("kyocera < 02060", 40), ("wisun < a\\q", 38), ("udp < 192.0.2.1:3610 108", 51)],
)
def test_a_broken_line_is_refused_with_its_place(rest: str, offset: int) -> None:
    with pytest.raises(WireError) as refused:
        transcript.read(f"{STAMP} {rest}")
    assert refused.value.offset == offset
    if rest.startswith("udp"):
        assert "192.0.2.1" not in str(refused.value)


def test_a_month_13_is_refused() -> None:
    with pytest.raises(WireError):
        transcript.read(f"{STAMP.replace('-11-', '-13-')} wisun < OK")


def test_a_line_behind_a_torn_one_is_found() -> None:
    torn, whole = f"{STAMP} wisun < ERXUDP FE80:0000", f"{STAMP} kyocera > 020603"
    assert list(transcript.pieces(torn + whole)) == [torn, whole]


# --- the file ----------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, 0o640])
def test_a_new_file_is_its_owners_alone_and_one_that_is_there_keeps_its_mode(
    tmp_path: Path, before: int | None
) -> None:
    path = tmp_path / "trace.txt"
    if before:
        path.touch()
        path.chmod(before)
    with trace_to(path) as trace:
        trace.write(MODULE, False, b"OK", NOW)
    assert path.stat().st_mode & 0o777 == (before or 0o600)


def test_a_file_that_cannot_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(PortError, match=r"nowhere/trace.txt cannot be written"):
        Trace(tmp_path / "nowhere" / "trace.txt")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """A limit that a test can reach."""
    monkeypatch.setattr(trace_module, "LIMIT", 1000)
    return 1000


def number(line: str) -> int:
    return int(line.rsplit(" ", 1)[1])


def test_a_full_file_becomes_file_1_and_the_older_one_goes(tmp_path: Path, small: int) -> None:
    path, older = tmp_path / "trace.txt", tmp_path / "trace.txt.1"
    path.touch(0o644)
    with trace_to(path) as trace:
        for count in range(200):
            trace.write(MODULE, False, f"line {count:03}".encode(), NOW)
            assert path.stat().st_size <= small
    assert older.stat().st_size <= small
    assert path.stat().st_mode & 0o777 == 0o600
    kept = [number(line) for line in lines(older, path)]
    assert kept == list(range(kept[0], 200))
    assert len(kept) > 20
    assert {entry.name for entry in tmp_path.iterdir()} == {"trace.txt", "trace.txt.1"}


def test_one_line_larger_than_the_limit_is_written_all_the_same(tmp_path: Path, small: int) -> None:
    with trace_to(tmp_path / "trace.txt") as trace:
        for _ in range(3):
            trace.write(MONITOR, False, bytes(1000), NOW)
    assert len(lines(tmp_path / "trace.txt.1", tmp_path / "trace.txt")) == 2


def test_two_that_write_into_one_file_rotate_it_once(tmp_path: Path, small: int) -> None:
    path = tmp_path / "trace.txt"
    with trace_to(path) as first, trace_to(path) as second:
        for count in range(30):  # 30 · 54 bytes: one rotation
            (first if count % 2 else second).write(MODULE, False, f"line {count:03}".encode(), NOW)
    assert [number(line) for line in lines(tmp_path / "trace.txt.1", path)] == list(range(30))


def test_a_link_that_lies_where_the_older_half_goes_is_replaced_and_not_followed(tmp_path: Path, small: int) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "trace.txt.1").symlink_to(victim)
    with trace_to(tmp_path / "trace.txt") as trace:
        for count in range(30):
            trace.write(MODULE, False, f"line {count:03}".encode(), NOW)
    assert victim.read_text() == "mine"
    assert len(lines(tmp_path / "trace.txt.1", tmp_path / "trace.txt")) == 30


def test_a_link_laid_in_the_files_place_is_not_followed_and_ends_nothing(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "trace.txt"
    victim.write_text("mine")
    with trace_to(path) as trace:
        path.unlink()
        path.symlink_to(victim)
        trace.write(MODULE, False, b"lost", NOW)
        path.unlink()
        trace.write(MODULE, False, b"kept", NOW)
    assert victim.read_text() == "mine"
    assert lines(path) == [f"{STAMP} wisun < kept"]


def test_a_file_that_somebody_took_away_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "trace.txt"
    with trace_to(path) as trace:
        trace.write(MODULE, False, b"before", NOW)
        path.rename(tmp_path / "taken")
        trace.write(MODULE, False, b"after", NOW)
        path.unlink()
        trace.write(MODULE, False, b"again", NOW)
    assert lines(tmp_path / "taken", path) == [f"{STAMP} wisun < before", f"{STAMP} wisun < again"]


WRITER = """
import sys
from pathlib import Path
from homemon.core.clock import Instant
from homemon.ports import trace
trace.LIMIT = int(sys.argv[2])
writer = trace.Trace(Path(sys.argv[1]))
sys.stdin.readline()
for count in range(int(sys.argv[4])):
    writer.write("wisun", False, f"{sys.argv[3]} {count:05}".encode(), Instant(1795421667.1237, 0.0, ""))
"""


@pytest.mark.parametrize(("limit", "whole"), [(100_000, True), (3_000, False)])
def test_processes_that_share_a_file_tear_no_line_and_lose_none_of_the_newest(
    tmp_path: Path, limit: int, whole: bool
) -> None:
    """4 · 800 lines of 48 bytes: 150 KB, one rotation at 100 KB, so that all must be there."""
    path, count = tmp_path / "trace.txt", 800
    writers = [
        subprocess.Popen(
            (sys.executable, "-c", WRITER, str(path), str(limit), name, str(count)),
            stdin=subprocess.PIPE,
            env=ENVIRONMENT,
        )
        for name in "abcd"
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    kept = lines(tmp_path / "trace.txt.1", path)
    assert all(re.fullmatch(re.escape(STAMP) + r" wisun < [abcd] \d{5}", line) for line in kept)
    for name in "abcd":
        counts = [number(line) for line in kept if f"< {name} " in line]
        assert counts == sorted(set(counts))
        if whole:
            assert counts == list(range(count))
    assert path.stat().st_size <= limit + 4 * 100
    assert (tmp_path / "trace.txt.1").stat().st_size <= limit + 4 * 100


def test_a_full_disk_costs_lines_and_never_the_line_after_them(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k"):
        path = tmp_path / "disk" / "trace.txt"
        with trace_to(path) as trace:
            trace.write(MODULE, False, b"first", NOW)
            filler = fill(tmp_path / "disk")
            for _ in range(200):
                trace.write(MODULE, False, b"x" * 90, NOW)
            filler.unlink()
            trace.write(MODULE, False, b"last", NOW)
        kept = lines(path)
    assert kept[0] == f"{STAMP} wisun < first"
    assert kept[-1] == f"{STAMP} wisun < last"
    assert 2 < len(kept) < 200


# --- the commands ------------------------------------------------------------------


def test_what_a_listener_asks_for_a_poll_is_in_its_trace_once(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path), running("meter-listen", "--trace", "trace.txt", cwd=tmp_path) as listener:
        listener.until(lambda said: any(line.startswith("+power") for line in said))
        poll = homemon("meter-poll", "--trace", "trace.txt", cwd=tmp_path)
        assert poll.returncode == 0
        assert "it is the listener that asks: see its --trace" in poll.stderr
        listener.until(lambda said: any(line.startswith("power") for line in said))
        assert listener.stop() == 0
    entries = [transcript.read(line) for line in lines(tmp_path / "trace.txt")]
    assert None not in entries
    asked = [entry.data for entry in entries if entry and entry.sent and b"SKSENDTO" in entry.data]
    assert sum(data.endswith(b"\x02\x88\x01\x62\x01\xe7\x00") for data in asked) == 1


@pytest.mark.parametrize("name", ["join", "meter-poll", "meter-history", "ecocute-poll"])
def test_a_trace_that_cannot_be_written_is_reported_before_anything_is_sent(tmp_path: Path, name: str) -> None:
    write_config(tmp_path, "[ecocute]\nhost = 127.0.0.1\nbind = 127.0.0.1\nport = 43610\n", address=ADDRESS)
    with simulated(tmp_path) as device:
        run = homemon(name, "--trace", "nowhere/trace.txt", cwd=tmp_path)
        assert device.module.radio.flash_writes == 0
        assert not device.module.radio.rbid
    assert run.returncode == 1
    assert "nowhere/trace.txt cannot be written" in run.stderr
    assert len(run.stderr.splitlines()) == 2


def test_a_listener_goes_on_without_a_trace_that_cannot_be_written(tmp_path: Path) -> None:
    write_config(tmp_path)
    with simulated(tmp_path), running("meter-listen", "--trace", "nowhere/trace.txt", cwd=tmp_path) as listener:
        listener.says("nowhere/trace.txt cannot be written: No such file or directory; nothing is traced")
        listener.until(lambda said: any(line.startswith("+power") for line in said))
        assert listener.stop() == 0


def test_what_root_traces_into_somebodys_folder_is_that_persons(tmp_path: Path) -> None:
    if os.geteuid():
        assert not os.environ.get("CI")
        pytest.skip("only root can make files for others")
    os.chown(tmp_path, 65534, 65534)
    for name in ("new.txt", "theirs.txt"):
        path = tmp_path / name
        if name == "theirs.txt":
            path.touch()
            os.chown(path, 65534, 65534)
        trace = Trace(path)
        trace.write(MODULE, True, b"SKVER", NOW)
        trace.close()
        assert (path.stat().st_uid, len(lines(path))) == (65534, 1)
    foreign = tmp_path / "foreign.txt"
    foreign.touch()
    os.chown(foreign, 1234, 1234)
    with pytest.raises(PortError, match="is no file of yours"):
        Trace(foreign)


def test_a_trace_that_root_left_is_reported_before_anything_is_asked(tmp_path: Path) -> None:
    write_config(tmp_path, address=ADDRESS)
    trace = tmp_path / "trace.txt"
    trace.touch()
    deny(trace)
    with simulated(tmp_path):
        run = homemon("meter-poll", "--trace", "trace.txt", cwd=tmp_path, unprivileged=True)
    assert run.returncode == 1
    assert "the trace trace.txt cannot be written: Permission denied" in run.stderr
    assert "Delete it, which an earlier `sudo homemon` may have made" in run.stderr
