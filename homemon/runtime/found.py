"""What a search of the LAN found, also as the line in which who holds our port passes it on."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from homemon.core.dialogue import Dialogue
from homemon.sources.lan.discovery import Discovery, Node
from homemon.sources.source import Source


class Found(NamedTuple):
    """What a search found: nodes, who answered for another address, and our own addresses on the LAN."""

    nodes: list[Node]
    elsewhere: list[str]
    ours: list[str]


def discovered(targets: Sequence[str], first_tid: int, addresses: Sequence[str], source: Source) -> Dialogue[list[str]]:
    """Search for another process, as the owner of the port; return one line, which `discover` reads."""
    nodes, elsewhere = yield from Discovery(targets, first_tid, source=source).search()
    return [_packed(Found(nodes, elsewhere, list(addresses)))]


def _packed(found: Found) -> str:
    def plain(node: Node) -> list[Any]:
        edts = [[eoj, epc, edt.hex()] for (eoj, epc), edt in node.edts.items()]
        return [node.host, node.objects, edts, node.fault]

    return json.dumps([[plain(node) for node in found.nodes], found.elsewhere, found.ours])


def unpacked(line: str) -> Found:
    """Return what such a line says."""
    nodes, elsewhere, ours = json.loads(line)
    return Found(
        [
            Node(host, objects, {(eoj, epc): bytes.fromhex(edt) for eoj, epc, edt in edts}, fault)
            for host, objects, edts, fault in nodes
        ],
        elsewhere,
        ours,
    )
