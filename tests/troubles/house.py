"""Troubles with the EcoCute and the solar monitor."""

import errno
import os
import pty
import tty
from contextlib import closing
from threading import Thread

from homemon.sim import kyocera
from homemon.sim.ecocute import Faults
from tests import monitor
from tests.commands import running
from tests.integration.test_ecocute_commands import Recovering
from tests.integration.test_meter_commands import babble
from tests.lan import HOUSE, address, configure, node_at, unit, wait_for_port
from tests.troubles.place import Place, trouble


def polled(place: Place, faults: Faults) -> str:
    """What a poll of a unit says."""
    with unit(faults) as network:
        configure(place.folder, network.bind)
        return place.run("ecocute-poll")


@trouble("ecocute-port-in-use")
def port_in_use(place: Place) -> str:
    with node_at(configure(place.folder, address())):
        return place.run("check")


@trouble("ecocute-host-unknown")
def host_unknown(place: Place) -> str:
    configure(place.folder, "water-heater.invalid")
    return place.run("check")


@trouble("ecocute-bind")
def bind(place: Place) -> str:
    configure(place.folder, address(), bind="192.0.2.1")
    return place.run("check")


@trouble("ecocute-silent")
def silent(place: Place) -> str:
    configure(place.folder, address())
    return place.run("check")


@trouble("ecocute-other-port")
def other_port(place: Place) -> str:
    return polled(place, Faults(from_port=49154))


@trouble("ecocute-asking-port")
def asking_port(place: Place) -> str:
    with unit(Faults(answer_sender=True)) as network:
        ours = configure(place.folder, network.bind)
        with running("ecocute-listen", cwd=place.folder):
            wait_for_port(ours)
            return place.run("ecocute-poll")


@trouble("ecocute-listener")
def beside_listener(place: Place) -> str:
    """The listener asks for the poll, which prints what it recorded."""
    with unit() as network:
        ours = configure(place.folder, network.bind)
        with running("ecocute-listen", cwd=place.folder) as listener:
            wait_for_port(ours)
            said = place.run("-v", "ecocute-poll")
            return "\n".join([said, *listener.until(bool)])


@trouble("ecocute-short-values")
def short_values(place: Place) -> str:
    return polled(place, Faults(short_edt=True))


@trouble("ecocute-without-84")
def without_84(place: Place) -> str:
    return polled(place, Faults(lacking=frozenset({0x84})))


@trouble("ecocute-one-each")
def one_each(place: Place) -> str:
    return polled(place, Faults(one_each=True, lacking=frozenset({0x85}), reverse=True, extra=True))


@trouble("ecocute-no-value")
def no_value(place: Place) -> str:
    return polled(place, Faults(opc_0=True))


@trouble("ecocute-overflow")
def overflow(place: Place) -> str:
    return polled(place, Faults(overflow=True))


@trouble("ecocute-slow")
def slow(place: Place) -> str:
    """Each answer comes after the poll has given its question up."""
    with unit(Faults(late=5.5)) as network:
        ours = configure(place.folder, network.bind)
        with running("ecocute-listen", cwd=place.folder) as listener:
            wait_for_port(ours)
            said = place.run("-v", "ecocute-poll")
            return "\n".join([said, *listener.until(bool)])


@trouble("ecocute-broken-frames")
def broken_frames(place: Place) -> str:
    with unit(Recovering(HOUSE, Faults(truncated=1))) as network:
        configure(place.folder, network.bind)
        return place.run("ecocute-poll")


# --- the solar monitor --------------------------------------------------------------------


def dumped(place: Place, faults: kyocera.Faults) -> str:
    """What a dump over a serial line says."""
    monitor.configure(place.folder)
    with monitor.on_a_pty(place.folder, faults):
        return place.run("kyocera-dump")


@trouble("solar-silent")
def solar_silent(place: Place) -> str:
    return dumped(place, kyocera.Faults(silent=True))


@trouble("solar-wrong-speed")
def solar_wrong_speed(place: Place) -> str:
    master, slave = pty.openpty()
    tty.setraw(slave)
    monitor.configure(place.folder, serial_port=os.ttyname(slave))
    with closing(os.fdopen(master, "rb", buffering=0)), closing(os.fdopen(slave, "rb", buffering=0)):
        Thread(target=babble, args=(master,), daemon=True).start()
        return place.run("kyocera-dump")


@trouble("solar-damaged")
def solar_damaged(place: Place) -> str:
    return dumped(place, kyocera.Faults(corrupt_block=8, corrupt_times=5))


@trouble("solar-noise")
def solar_noise(place: Place) -> str:
    return dumped(place, kyocera.Faults(corrupt_every=90, noise_before=True))


@trouble("solar-date")
def solar_date(place: Place) -> str:
    return dumped(place, kyocera.Faults(dates="none"))


@trouble("solar-clock")
def solar_clock(place: Place) -> str:
    dumped(place, kyocera.Faults())
    (place.folder / "port").unlink()
    return dumped(place, kyocera.Faults(off=-2 * 86_400.0))


@trouble("solar-port-missing")
def solar_port_missing(place: Place) -> str:
    monitor.configure(place.folder, serial_port="/dev/ttyNONE")
    return place.run("check")


@trouble("i2c-off")
def i2c_off(place: Place) -> str:
    monitor.configure(place.folder, "i2c", port="77")
    return place.run("check")


@trouble("i2c-forbidden")
def i2c_forbidden(place: Place) -> str:
    monitor.configure(place.folder, "i2c")
    return monitor.dump_over_i2c("check", cwd=place.folder, refused=errno.EACCES).stdout


@trouble("i2c-no-bridge")
def i2c_no_bridge(place: Place) -> str:
    monitor.configure(place.folder, "i2c")
    return monitor.dump_over_i2c("check", cwd=place.folder, absent=errno.EREMOTEIO).stdout


@trouble("i2c-disturbed")
def i2c_disturbed(place: Place) -> str:
    monitor.configure(place.folder, "i2c")
    return monitor.dump_over_i2c("kyocera-dump", cwd=place.folder, fail_every=1).stderr
