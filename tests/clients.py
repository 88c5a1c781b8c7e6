"""Clients that no one here wrote, as programs of their own, which a deadline can end.

    python -m tests.clients momonga /dev/pts/3           reads a smart meter
    python -m tests.clients pychonet 127.0.0.2 127.0.0.3  reads the EcoCute at the first address, from the second
    python -m tests.clients node 127.0.0.2 127.0.0.3      finds homemon's own node there, and says where it is installed

Each prints what it read as one JSON object.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from momonga import Momonga
from pychonet import ECHONETAPIClient, EchonetInstance, ElectricWaterHeater
from pychonet.lib.udpserver import UDPServer

from homemon.sim.bp35c0 import BID, PWD
from tests.lan import PORT


def read_meter(port: str) -> dict[str, Any]:
    """What a user of momonga asks of a meter. Raises MomongaError."""
    client = Momonga(BID, PWD, port)
    client.internal_xmit_interval = 0.01  # seconds; what it waits between requests spares a real meter
    with client:
        return {
            "power": client.get_instantaneous_power(),
            "current": client.get_instantaneous_current(),
            "half-hour": client.get_cumulative_energy_measured_at_fixed_time()["cumulative energy"],
            "now": client.get_measured_cumulative_energy(),
            "yesterday": len(client.get_historical_cumulative_energy_1(1)),
            "properties": sorted(map(int, client.get_properties_to_get_values())),
        }


async def _found(host: str, ours: str) -> ECHONETAPIClient:
    """Return a client at `ours` that knows the node at `host`; its port is let go with the process."""
    server = UDPServer(local_ip=ours)
    server.run(ours, PORT, loop=asyncio.get_running_loop())
    client = ECHONETAPIClient(server)
    await client.discover(host)
    while not client.state[host].get("discovered"):
        await asyncio.sleep(0.02)
    return client


def read_heater(host: str, ours: str) -> dict[str, Any]:
    """Find the water heater as Home Assistant's integration does, and read power, energy and hot water."""
    return asyncio.run(_read_heater(host, ours))


async def _read_heater(host: str, ours: str) -> dict[str, Any]:
    client = await _found(host, ours)
    heater = ElectricWaterHeater(host, client)
    await heater.getAllPropertyMaps()
    values = await heater.update([0x84, 0x85, 0xE1])
    return {
        "units": sorted(client.state[host]["instances"][0x02][0x6B]),
        "properties": sorted(heater.getGetProperties()),
        "power": values[0x84],
        "energy": values[0x85],
        "litres": values[0xE1],
    }


def read_node(host: str, ours: str) -> dict[str, Any]:
    """Find our node, read its controller, and set its place of installation."""
    return asyncio.run(_read_node(host, ours))


async def _read_node(host: str, ours: str) -> dict[str, Any]:
    client = await _found(host, ours)
    node = EchonetInstance(host, 0x05, 0xFF, 0x01, client)
    await node.getAllPropertyMaps()
    return {
        "uid": client.state[host]["uid"],
        "get": sorted(node.getGetProperties()),
        "set": sorted(node.getSetProperties()),
        "taken": await node.setMessage(0x81, 0x08),
        "place": await node.update([0x81]),
    }


READ: dict[str, Callable[..., dict[str, Any]]] = {"momonga": read_meter, "pychonet": read_heater, "node": read_node}

if __name__ == "__main__":
    print(json.dumps(READ[sys.argv[1]](*sys.argv[2:])))
