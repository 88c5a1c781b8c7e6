"""`homemon discover`: which ECHONET Lite nodes are on the LAN; what one runs before there is a config.ini."""

import json
from collections.abc import Sequence
from ipaddress import ip_network

import click

from homemon.cli.options import trace_option
from homemon.cli.terminal import show
from homemon.core.errors import NoAnswer
from homemon.echonet.codec import MULTICAST
from homemon.explain.node import config_lines, described, facts
from homemon.ports.interfaces import lan_interfaces
from homemon.runtime.context import App
from homemon.runtime.search import MOST, addresses, discover, report_elsewhere, with_defaults


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@trace_option
@click.pass_obj
def command(app: App, targets: tuple[str, ...], as_json: bool, trace: str | None) -> None:
    """List the ECHONET Lite nodes on the LAN.

    Asks everybody (multicast 224.0.23.0), on each network that this machine is in, or each TARGET by itself:
    an address such as 192.168.1.20, or a network such as 192.168.1.0/24, up to a /22. Prints each node with
    its maker, product and objects, and for an EcoCute or a hybrid water heater the lines for config.ini. Needs no
    config.ini.
    Exit status 1 when nothing is found.
    """
    hosts = [host for target in targets for host in asked(target)]
    if len(hosts) > MOST:
        raise click.UsageError(f"these are {len(hosts)} addresses; at most {MOST} (a /22) are asked at once")
    with_defaults(app)
    found = discover(app, hosts or [MULTICAST], trace)
    report_elsewhere(app, found.elsewhere)
    nodes = [each for each in found.nodes if each.host not in found.ours]
    for each in nodes:
        if each.fault:
            app.warn(f"{each.host}: {each.fault}; shown is what is there")
    if as_json:
        app.put(json.dumps([facts(each) for each in nodes]))
    else:
        for line in [line for each in nodes for line in described(each)] + config_lines(nodes):
            show(line, indent=4)
        if any(line.startswith("# host") for line in config_lines(nodes)):
            app.info("there are several EcoCutes: keep the host of the one to read")
    if not nodes:
        raise nothing(targets)


def asked(target: str) -> list[str]:
    """Return the IPv4 addresses that a TARGET means. Raise click.UsageError."""
    try:
        return addresses(target)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def nothing(targets: Sequence[str]) -> NoAnswer:
    """Return the error that nothing was found, and what to do next."""
    if targets:
        return NoAnswer(
            f"no ECHONET Lite node answered at {', '.join(targets)}",
            "Is ECHONET Lite switched on in the unit's LAN adapter, and has it this address? The router lists them.",
        )
    networks = [ip_network(f"{interface.address}/{interface.netmask}", strict=False) for interface in lan_interfaces()]
    named = " ".join(str(network) for network in networks if network.num_addresses <= MOST + 2) or "192.168.1.0/24"
    return NoAnswer(
        "no ECHONET Lite node answered",
        "Is ECHONET Lite switched on in the unit's LAN adapter, and is the adapter in this network?"
        f" Many Wi-Fi access points keep multicast back: try `homemon discover {named}`.",
    )
