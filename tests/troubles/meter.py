"""Troubles between the Wi-SUN module and the smart meter."""

from itertools import cycle

from homemon.sim import smart_meter
from homemon.sim.smart_meter import Reading
from tests.commands import running, simulated, wait_for, write_config
from tests.integration.test_meter_commands import ADDRESS, POWER
from tests.troubles.place import Place, joined, trouble


def asked(place: Place, *arguments: str, **module: object) -> str:
    """What a command says whose module is joined and misbehaves."""
    write_config(place.folder, address=ADDRESS)
    with simulated(place.folder, **module) as device:
        device.call(joined)
        return place.run(*arguments)


def healed(place: Place, fault: str, value: object = None, reported: str = "joined") -> str:
    """What a listener says, from a fault until it has `reported` so and a reading comes."""
    write_config(place.folder)
    with simulated(place.folder) as device, running("-v", "meter-listen", cwd=place.folder) as listener:
        place.says(listener, "joined")
        before = len(listener.errors.read_text())
        device.fault(fault, value)
        place.says(listener, reported, after=before)
        seen = len(listener.lines)
        listener.until(lambda lines: len(lines) > seen)
        return "\n".join([listener.errors.read_text()[before:], *listener.lines[seen:]])


@trouble("join-never")
def never(place: Place) -> str:
    write_config(place.folder)
    return place.run("meter-poll")


@trouble("join-empty-scans")
def empty_scans(place: Place) -> str:
    write_config(place.folder)
    with simulated(place.folder, pace=0.002, faults={"empty-scans": 100}):
        return place.run("join")


@trouble("join-late-scan")
def late_scan(place: Place) -> str:
    write_config(place.folder)
    with simulated(place.folder, pace=0.002, faults={"empty-scans": 4}):
        return place.run("-v", "join")


@trouble("join-refused")
def refused(place: Place) -> str:
    write_config(place.folder, pwd="wrongwrong12")
    with simulated(place.folder):
        return place.run("join")


@trouble("session-none")
def none(place: Place) -> str:
    write_config(place.folder, address=ADDRESS)
    with simulated(place.folder):
        return place.run("check") + place.run("meter-poll")


@trouble("session-silent")
def silent(place: Place) -> str:
    return asked(place, "check", faults={"lose-answers": 1})


@trouble("session-weak")
def weak(place: Place) -> str:
    return asked(place, "check", faults={"fail-sends": 1})


@trouble("session-time-outs")
def time_outs(place: Place) -> str:
    """Of two answers one is lost."""
    write_config(place.folder, address=ADDRESS)
    with simulated(place.folder, faults={"lose-answers": 2}) as device:
        device.call(joined)
        said = [place.run("meter-poll") for _ in range(2)]
    assert all(POWER.search(text) for text in said)
    return said[1]


@trouble("session-ended")
def ended(place: Place) -> str:
    return healed(place, "end-session")


@trouble("session-power-cut")
def power_cut(place: Place) -> str:
    return healed(place, "power-cycle")


@trouble("session-expired")
def expired(place: Place) -> str:
    return healed(place, "expire", 0.5, reported="EVENT 29")


@trouble("session-limit")
def limit(place: Place) -> str:
    return healed(place, "limit", 1, reported="EVENT 32")


@trouble("session-stale")
def stale(place: Place) -> str:
    """A listener that runs and receives nothing, for more than a half-hour."""
    from homemon.storage.store import Store

    write_config(place.folder)
    with simulated(place.folder), running("meter-listen", cwd=place.folder) as listener:
        listener.until(bool)
        store = Store(place.folder / "store")
        wait_for(lambda: store.archive.latest("+power", "value", 1 << 62) is not None)
        store.db.execute("UPDATE point SET time = time - 10800")
        store.db.execute("UPDATE point SET value = value")  # its checksums, by a trigger
        store.close()
        return place.run("check")


@trouble("meter-no-unit")
def no_unit(place: Place) -> str:
    return asked(place, "meter-poll", "E0", faults={"refuse-epcs": "E1"})


@trouble("meter-no-data")
def no_data(place: Place) -> str:
    place.fixture("monkeypatch").setitem(smart_meter.GET, 0xE7, lambda meter, now: Reading("7FFFFFFE"))
    return asked(place, "meter-poll")


@trouble("meter-no-export")
def no_export(place: Place) -> str:
    return asked(place, "meter-poll", "E0", "E3", faults={"refuse-epcs": "E3,E4,EB"})


@trouble("meter-no-history")
def no_history(place: Place) -> str:
    return asked(place, "meter-history", "--days", "1", faults={"refuse-epcs": "E5"})


@trouble("meter-own-fault")
def own_fault(place: Place) -> str:
    place.fixture("monkeypatch").setitem(smart_meter.GET, 0x88, lambda meter, now: Reading("41"))
    return asked(place, "check")


@trouble("meter-refuses")
def refuses(place: Place) -> str:
    write_config(place.folder)
    with simulated(place.folder) as device, running("meter-listen", "--poll", "5", cwd=place.folder) as listener:
        listener.until(lambda lines: any(line.startswith("power") for line in lines))
        device.fault("refuse-epcs", "E7*1")
        place.says(listener, "the meter gives E7 (power) again")
        return listener.errors.read_text()


@trouble("meter-said-once")
def said_once(place: Place) -> str:
    return asked(place, "meter-poll", faults={"wrong-data": "E7:00076EC3*1"})


@trouble("meter-contradicts")
def contradicts(place: Place) -> str:
    said = cycle(("00076EC3", "FFF76EC3", "10000123"))
    place.fixture("monkeypatch").setitem(smart_meter.GET, 0xE7, lambda meter, now: Reading(next(said)))
    return asked(place, "meter-poll")


@trouble("meter-other-unit")
def other_unit(place: Place) -> str:
    write_config(place.folder)
    with simulated(place.folder, faults={"coefficient": 10, "refuse-epcs": "D3"}) as device:
        place.run("join")
        device.fault("refuse-epcs", 0)
        return place.run("join") + place.run("export")


@trouble("meter-exchanged")
def exchanged(place: Place) -> str:
    write_config(place.folder)
    with simulated(place.folder) as device:
        place.run("join")
        device.fault("exchange-meter", 2)
        return place.run("join")


@trouble("meter-clock")
def clock_ahead(place: Place) -> str:
    write_config(place.folder)
    with simulated(place.folder, faults={"clock": 2400}), running("meter-listen", cwd=place.folder) as listener:
        place.says(listener, "40 min ahead of")
        return listener.errors.read_text()
