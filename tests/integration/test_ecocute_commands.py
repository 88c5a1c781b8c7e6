"""`ecocute-poll` and `ecocute-listen` as their user runs them, against simulated units on loopback."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import time

import pytest

from homemon.sim.ecocute import HYBRID, Ecocute, Faults, Reply
from tests.commands import LOADED, PATIENCE, homemon, running, wait_for
from tests.lan import HOUSE, PORT, address, configure, node_at, of_ours, said, truths, unit, wait_for_port

ODD = [
    Faults(),
    Faults(from_port=49154),
    Faults(answer_sender=True),
    Faults(one_each=True),
    Faults(one_each=True, lacking=frozenset({0x84})),
    Faults(lacking=frozenset({0x84})),
    Faults(reverse=True, extra=True),
    Faults(doubled=True),
    Faults(late=1.5),
]
NOTIFICATION = "1081 {tid:04X} 026B01 0EF001 73 03 8402 {power:04X} 8504 00000001 E102 0002"
INSTANCES = bytes.fromhex("1081 1234 05FF01 0EF001 62 01 D600")


@pytest.mark.parametrize("faults", ODD)
def test_a_poll_alone_prints_and_stores_one_point_that_is_the_truth(tmp_path: Path, faults: Faults) -> None:
    with unit(faults) as network:
        configure(tmp_path, network.bind)
        run = homemon("ecocute-poll", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert of_ours(run.stderr) == ""
    (line,) = run.stdout.splitlines()
    assert said(line) == truths(network)
    assert homemon("export", cwd=tmp_path).stdout.splitlines() == [line]


@pytest.mark.parametrize("faults", [ODD[0], ODD[1], ODD[4]])
def test_a_poll_through_a_listener_prints_what_the_listener_recorded(tmp_path: Path, faults: Faults) -> None:
    with unit(faults) as network:
        bind = configure(tmp_path, network.bind)
        with running("ecocute-listen", cwd=tmp_path) as listener:
            wait_for_port(bind)
            poll = homemon("-v", "ecocute-poll", cwd=tmp_path)
            assert (poll.returncode, of_ours(poll.stderr)) == (0, "")
            listener.until(bool)
            assert poll.stdout.splitlines() == listener.lines
            assert homemon("-q", "ecocute-listen", cwd=tmp_path).returncode == 0  # a second one goes at once
            assert listener.stop() == 0
    (line,) = listener.lines
    assert said(line) == truths(network)
    assert homemon("export", cwd=tmp_path).stdout.splitlines() == [line]


def test_a_unit_that_answers_the_asking_port_is_read_beside_a_listener_too(tmp_path: Path) -> None:
    with unit(Faults(answer_sender=True)) as network:
        bind = configure(tmp_path, network.bind)
        with running("ecocute-listen", cwd=tmp_path) as listener:
            wait_for_port(bind)
            poll = homemon("ecocute-poll", cwd=tmp_path)
            assert listener.stop() == 0
    assert poll.returncode == 0
    assert listener.lines == poll.stdout.splitlines()
    assert said(poll.stdout) == truths(network)


def test_a_question_that_is_lost_is_asked_again_through_the_listener(tmp_path: Path) -> None:
    with unit(Faults(lost_every=1)) as network:
        bind = configure(tmp_path, network.bind)
        with running("ecocute-listen", cwd=tmp_path) as listener:
            wait_for_port(bind)
            poll = homemon("ecocute-poll", cwd=tmp_path)
            assert listener.stop() == 0
    assert (poll.returncode, poll.stdout, listener.lines) == (1, "", [])
    assert "did not answer (5 questions in" in poll.stderr
    assert "[ecocute] host" in poll.stderr
    assert len(of_ours(poll.stderr).splitlines()) == 2


@pytest.mark.parametrize(
    "faults",
    [Faults(at_most=1), Faults(refuse_with=frozenset({0xE1})), Faults(tid_0=True)],
    ids=["few", "picky", "TID"],
)
def test_a_unit_that_answers_in_its_own_way_is_read_whole_and_at_once_the_next_time(
    tmp_path: Path, faults: Faults
) -> None:
    with unit(faults) as network:
        configure(tmp_path, network.bind)
        polls = [homemon("ecocute-poll", cwd=tmp_path)]
        second = int(time())
        wait_for(lambda: int(time()) > second)  # a reading of the same second would be no new one
        polls.append(homemon("ecocute-poll", cwd=tmp_path))
    for poll in polls:
        assert (poll.returncode, of_ours(poll.stderr)) == (0, "")
        assert poll.stdout.count("power=") == poll.stdout.count("powerSum=") == poll.stdout.count("tank=") == 1


class Recovering(Ecocute):
    """Answers with faults once, and then as it should."""

    def answer(self, datagram: bytes, sender: tuple[str, int], now: float) -> list[Reply]:
        replies = super().answer(datagram, sender, now)
        self._faults = Faults()
        return replies


@pytest.mark.parametrize(
    "faults", [Faults(truncated=1), Faults(wrong_pdc=True), Faults(garbage=True), Faults(lost_every=1)]
)
def test_an_answer_that_is_broken_or_lost_is_asked_for_again(tmp_path: Path, faults: Faults) -> None:
    with unit(Recovering(HOUSE, faults)) as network:
        configure(tmp_path, network.bind)
        run = homemon("ecocute-poll", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert said(run.stdout) == truths(network)


class Asked(Ecocute):
    """Remembers which objects it was asked for."""

    def __init__(self, device: bytes) -> None:
        super().__init__(HOUSE, device=device)
        self.objects = set[bytes]()

    def answer(self, datagram: bytes, sender: tuple[str, int], now: float) -> list[Reply]:
        self.objects.add(datagram[7:10])
        return super().answer(datagram, sender, now)


def test_a_hybrid_water_heater_is_read_where_only_its_address_is_known(tmp_path: Path) -> None:
    heater = Asked(HYBRID)
    with unit(heater) as network:
        configure(tmp_path, network.bind)
        first = homemon("ecocute-poll", cwd=tmp_path)
        assert first.returncode == 0, first.stderr
        assert said(first.stdout) == truths(network)
        assert f"{network.bind} is no EcoCute, but has 02A601" in first.stderr
        heater.objects.clear()
        again = homemon("ecocute-poll", cwd=tmp_path)
        assert (again.returncode, of_ours(again.stderr)) == (0, "")
        assert heater.objects == {HYBRID}, "it is remembered: nobody waits for another's answer"


def test_a_hybrid_water_heater_is_read_beside_a_listener(tmp_path: Path) -> None:
    with unit(Ecocute(HOUSE, device=HYBRID)) as network:
        ours = configure(tmp_path, network.bind)
        with running("ecocute-listen", cwd=tmp_path) as listener:
            wait_for_port(ours)
            poll = homemon("-v", "ecocute-poll", cwd=tmp_path)
            assert poll.returncode == 0, poll.stderr
            listener.until(bool)
            assert listener.stop() == 0
        assert said(listener.lines[-1]) == truths(network)


def test_a_hybrid_water_heater_that_notifies_is_recorded(tmp_path: Path) -> None:
    with unit(Ecocute(HOUSE, device=HYBRID, inform_every=0.3), informs=True) as network:
        configure(tmp_path, network.bind)
        with running("ecocute-listen", cwd=tmp_path) as listener:
            listener.until(bool)
            assert listener.stop() == 0
        assert set(said(listener.lines[0])) == {"power", "powerSum", "tank"}


def test_an_answer_from_another_address_is_not_believed_and_it_is_said_whose_it_is(tmp_path: Path) -> None:
    asked, other = address(), address()
    configure(tmp_path, asked)
    with node_at(asked) as there, node_at(other) as elsewhere:
        there.settimeout(PATIENCE)

        def answer() -> None:
            while True:
                question, sender = there.recvfrom(1500)
                if question[10] != 0x62 or question[7:10] != bytes.fromhex("026B01"):
                    continue
                reply = question[:4] + question[7:10] + question[4:7] + bytes.fromhex("72 01 84 02 01F4")
                elsewhere.sendto(reply, sender)

        Thread(target=suppressed(answer), daemon=True).start()
        run = homemon("ecocute-poll", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (1, "")
    assert f"{other} answers in its place, and is not believed: write host = {other} into [ecocute]" in run.stderr
    assert f"the EcoCute at {asked} did not answer (5 questions in 18 s), but {other} did" in run.stderr


def suppressed(run: Callable[[], None]) -> Callable[[], None]:
    """The same, ending without a word when its socket is closed."""

    def quiet() -> None:
        with suppress(OSError):
            run()

    return quiet


@pytest.mark.parametrize(
    "faults",
    [Faults(opc_0=True), Faults(overflow=True), Faults(short_edt=True), Faults(lacking=frozenset({0x84, 0x85, 0xE1}))],
)
def test_an_answer_without_a_reading_is_an_error_and_no_point(tmp_path: Path, faults: Faults) -> None:
    with unit(faults) as network:
        configure(tmp_path, network.bind)
        run = homemon("-q", "ecocute-poll", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (1, "")
    assert "reported no value of 84, 85, E1" in run.stderr
    assert homemon("export", cwd=tmp_path).stdout == ""


def test_a_unit_that_does_not_answer_is_reported_with_what_to_check(tmp_path: Path) -> None:
    host = address()
    configure(tmp_path, host)
    run = homemon("-q", "ecocute-poll", cwd=tmp_path, timeout=20 + LOADED)
    assert (run.returncode, run.stdout) == (1, "")
    assert f"the EcoCute at {host} did not answer" in run.stderr
    assert "Check [ecocute] host" in run.stderr
    assert len(of_ours(run.stderr).splitlines()) == 2


@pytest.mark.parametrize("command", ["ecocute-poll", "ecocute-listen"])
@pytest.mark.parametrize("trouble", ["unknown host", "not our address", "port in use", "no section", "no store"])
def test_what_cannot_work_is_one_clear_error_at_once(tmp_path: Path, command: str, trouble: str) -> None:
    host, more, status = address(), {}, 1
    if trouble == "unknown host":
        host, reported = "water-heater.invalid", ("water-heater.invalid is unknown", "[ecocute] host")
    elif trouble == "not our address":
        more, reported = {"bind": "192.0.2.1"}, ("192.0.2.1 is no address of this machine", "[ecocute] bind")
    elif trouble == "port in use":
        name = Path("/proc/self/comm").read_text().strip()
        reported = (f"UDP port {PORT} is in use by pid {os.getpid()} ({name})", "stop it")
    elif trouble == "no section":
        reported, status = ("no [ecocute]", "config.ini.example"), 2
    else:
        (tmp_path / "store").write_text("a file, not a folder")
        reported = ("is no folder", "[store] dir")
    bind = configure(tmp_path, host, **more)
    if trouble == "no section":
        config = tmp_path / "config.ini"
        config.write_text(config.read_text().partition("[ecocute]")[0])
    with node_at(bind if trouble == "port in use" else address()):
        run = homemon("-q", command, cwd=tmp_path, timeout=15 + LOADED)
    assert (run.returncode, run.stdout) == (status, ""), run.stderr
    assert all(text in run.stderr for text in reported), run.stderr
    assert len(run.stderr.splitlines()) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_listener_ends_within_two_seconds(tmp_path: Path, number: int) -> None:
    bind = configure(tmp_path, address())
    with running("ecocute-listen", cwd=tmp_path) as listener:
        wait_for_port(bind)
        assert listener.stop(number, within=2.0 + LOADED) == 0
        assert of_ours(listener.errors.read_text()) == ""


def rubbish(host: str, bind: str, count: int) -> None:
    """Datagrams that say nothing, up to the largest that there are."""
    whole = bytes.fromhex("1081 0001 026B01 05FF01 72 03 8402 1111 8504 00001111 E102 1111")
    past_the_end = whole[:-4] + b"\xe1\x30\x11\x11"
    kinds = (b"", b"\x10", whole[:-1], whole + b"\0", past_the_end, bytes(65_507), whole[:11] + b"\xff" * 65_000)
    with node_at(host, 0) as other:
        for number in range(count):
            other.sendto(kinds[number % len(kinds)], (bind, PORT))


def wait_until_received(bind: str) -> None:
    """Until the listener answers who it is, which it does in its turn."""
    with node_at(address()) as other:
        other.sendto(INSTANCES, (bind, PORT))
        assert other.recv(100) == bytes.fromhex("1081 1234 0EF001 05FF01 72 01 D604 0105FF01")


def test_rubbish_from_anybody_keeps_nothing_from_being_read(tmp_path: Path) -> None:
    with unit() as network:
        bind = configure(tmp_path, network.bind)
        with running("-q", "ecocute-listen", cwd=tmp_path) as listener:
            wait_for_port(bind)
            for host in (network.bind, address()):
                for _ in range(5):
                    rubbish(host, bind, 14)
                    wait_until_received(bind)
            homemon("ecocute-poll", cwd=tmp_path)
            listener.until(bool)
            assert listener.stop() == 0
    assert said(*listener.lines) == truths(network)


def test_a_flood_from_another_host_does_not_drown_a_poll(tmp_path: Path) -> None:
    with unit(Faults(late=0.5)) as network:
        bind, over = configure(tmp_path, network.bind), Event()

        def flood() -> None:
            while not over.wait(0.005):
                rubbish(other, bind, 21)

        other = address()
        flooding = Thread(target=flood, daemon=True)
        flooding.start()
        run = homemon("ecocute-poll", cwd=tmp_path)
        over.set()
        flooding.join()
    assert run.returncode == 0, run.stderr
    assert said(run.stdout) == truths(network)


def test_a_listener_takes_no_other_host(tmp_path: Path) -> None:
    host = address()
    bind = configure(tmp_path, host)
    with (
        running("ecocute-listen", cwd=tmp_path) as listener,
        node_at(host, 23610) as heater,
        node_at(address()) as other,
    ):
        wait_for_port(bind)
        other.sendto(bytes.fromhex(NOTIFICATION.format(tid=1, power=31_001)), (bind, PORT))
        wait_until_received(bind)
        heater.sendto(bytes.fromhex(NOTIFICATION.format(tid=2, power=31_002)), (bind, PORT))
        listener.until(lambda lines: any("31002" in line for line in lines))
        assert not any("31001" in line for line in listener.lines)


def test_a_listener_takes_any_host_where_config_says_so(tmp_path: Path) -> None:
    """The notification is repeated: another test's unit may have spoken in the same second, and the first one stays."""
    bind, over = configure(tmp_path, address(), accept="any"), Event()
    with running("ecocute-listen", cwd=tmp_path) as listener, node_at(address()) as other:

        def notify() -> None:
            while not over.wait(0.1):
                other.sendto(bytes.fromhex(NOTIFICATION.format(tid=1, power=31_001)), (bind, PORT))

        notifying = Thread(target=notify, daemon=True)
        notifying.start()
        listener.until(lambda lines: any("31001" in line for line in lines))
        over.set()
        notifying.join()


def test_a_trace_holds_every_datagram(tmp_path: Path) -> None:
    with unit() as network:
        configure(tmp_path, network.bind)
        homemon("ecocute-poll", "--trace", "trace.txt", cwd=tmp_path)
    trace = (line.split()[1:] for line in (tmp_path / "trace.txt").read_text().splitlines())
    asked, answered = (words for words in trace if words[2] == f"{network.bind}:{PORT}")
    assert asked[:3] == ["udp", ">", f"{network.bind}:{PORT}"]
    assert answered[:3] == ["udp", "<", f"{network.bind}:{PORT}"]
    assert asked[3].endswith("05FF01026B0162038400850" + "0E100")
    assert bytes.fromhex(answered[3])[10] == 0x72
