"""Our place on the LAN: which interface what is for everybody goes out on."""

import socket

import pytest

from homemon.core.errors import PortError
from homemon.echonet.codec import MULTICAST
from homemon.ports import udp_node
from homemon.ports.interfaces import Interface, lan_interfaces
from homemon.ports.udp_node import UdpNode
from tests.lan import PORT, address

QUESTION = bytes.fromhex("1081 0001 05FF01 0EF001 62 01 D600")


def test_every_interface_is_asked_on_and_received_from(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = [Interface("eth0", address(), "255.0.0.0"), Interface("wlan0", address(), "255.0.0.0")]
    monkeypatch.setattr(udp_node, "lan_interfaces", lambda: ours)
    hearer = address()
    with UdpNode(hearer, PORT) as node, UdpNode("0.0.0.0", 0) as asking:
        assert asking.addresses == [interface.address for interface in ours]
        asking.send(QUESTION, MULTICAST, PORT)
        received: set[str] = set()
        while len(received) < 2:
            come = node.read(10.0)
            assert come
            received |= {host for data, host, _ in come if data == QUESTION and host in asking.addresses}


def test_one_with_an_address_of_its_own_asks_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_node, "lan_interfaces", list)
    with UdpNode(address(), PORT) as node:
        assert len(node.addresses) == 1
        node.send(QUESTION, MULTICAST, PORT)
        while (QUESTION, node.addresses[0], PORT) not in (come := node.read(10.0)):
            assert come


def test_a_machine_without_a_network_cannot_ask_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_node, "lan_interfaces", list)
    with UdpNode("0.0.0.0", 0) as node, pytest.raises(PortError, match="no IPv4 network"):
        node.send(QUESTION, MULTICAST, PORT)


def test_that_no_interface_takes_it_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_node, "lan_interfaces", lambda: [Interface("eth0", "192.0.2.77", "255.255.255.0")])
    with UdpNode("0.0.0.0", 0) as node, pytest.raises(PortError, match=f"cannot send to {MULTICAST}"):
        node.send(QUESTION, MULTICAST, PORT)


def test_the_loopback_is_no_lan() -> None:
    names = {name for _, name in socket.if_nameindex()}
    for interface in lan_interfaces():
        assert interface.name in names - {"lo"}
        socket.inet_aton(interface.address)
        assert interface.netmask.startswith("255.")
