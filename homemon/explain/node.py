"""An ECHONET Lite node on the LAN, for people, for programs and for config.ini."""

from collections.abc import Iterator, Sequence
from typing import Any

from homemon.sources.lan.discovery import Node
from homemon.sources.lan.reports import is_kin
from homemon.sources.objects import known_name
from homemon.sources.registry import ECOCUTE


def facts(node: Node) -> dict[str, Any]:
    """Return a node as a program reads it."""
    return {
        "address": node.host,
        **node.facts._asdict(),
        "maker_name": node.facts.maker_name,
        "objects": [{"eoj": f"{eoj:06X}", "name": known_name(eoj) or None} for eoj in node.objects],
    }


def described(node: Node) -> Iterator[str]:
    """Yield a node for people: a line, and one for each object."""
    who = node.facts
    maker = who.maker_name or (f"maker {who.maker}" if who.maker else "")
    more = (("serial", who.serial), ("ECHONET Lite", who.version), ("ID", who.id))
    words = [maker, who.product, *(f"{name} {value}" for name, value in more if value)]
    yield "  ".join([f"{node.host:15}", *filter(None, words)]).rstrip()
    for eoj in node.objects:
        yield f"    {eoj:06X}  {known_name(eoj)}".rstrip()


def config_lines(nodes: Sequence[Node]) -> list[str]:
    """Return what to write into config.ini for the EcoCutes found; all but the first as comments."""
    units = [(node.host, eoj) for node in nodes for eoj in node.objects if is_kin(ECOCUTE, eoj)]
    lines: list[str] = []
    for host, eoj in units:
        comment = "# " if lines else ""
        lines.append(f"{comment}host = {host}")
        if eoj != ECOCUTE.eoj:
            lines.append(f"{comment}eoj = {eoj:06X}")
    return ["", "[ecocute]", *lines] if lines else []
