"""Many homes at the fleet of docs/server/fleet.md, on this machine: `make fleet FLEET="--homes 1000"`.

Each home sends what homemon would, by homemon's own client, over TLS and with a token of its own: minutes of an
ordinary day by open connections, and by one for each request; a day at once after an outage; and minutes in which
vmauth, vmagent and a server are killed. Time is not waited for: the programs' CPU seconds are counted, which others on
the machine do not change. In the end both servers must hold every value of every home.
"""

import signal
import ssl
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from urllib.parse import quote

from tests.fleets import Documented, Fleet, running
from tests.longrun.fleet import load
from tests.longrun.fleet.lines import MIDNIGHT, Request, day, samples
from tests.longrun.fleet.load import Cost, Home
from tests.longrun.fleet.wire import ask_all, hang_up, taken_down
from tests.servers import fetch

KINDS = 4  # of houses; the homes are of them in turn
FIRST, OPEN, ANEW, KILLED = range(1), range(1, 31), range(31, 41), range(41, 61)  # minutes of the day
INDEXED_WITHIN = 12.0  # seconds until VictoriaMetrics finds series that are new
MB = 1e6


def measured(fleet: Fleet, homes: Sequence[Home], minutes: range, anew: bool = False, at_once: bool = False) -> Cost:
    """Have each home live through these minutes, with a request for each or `at_once`; return what it cost."""
    bytes_of = cache(lambda batch: taken_down(batch))
    begun = {name: load.cpu(program) for name, program in load.programs(fleet).items()}
    requests = lines = values = 0
    for these in [minutes] if at_once else [range(minute, minute + 1) for minute in minutes]:
        asked = [(home.wire, home.request(these)) for home in homes]
        ask_all(((wire, bytes_of(batch)) for wire, batch in asked), anew)
        requests += len(asked)
        lines += sum(len(batch) for _, batch in asked)
        values += sum(len(samples(batch)) for _, batch in asked)
    load.at_rest(fleet)
    return Cost(requests, lines, values, {n: load.cpu(p) - begun[n] for n, p in load.programs(fleet).items()})


def told(name: str, cost: Cost) -> None:
    each = ", ".join(
        f"{program} {seconds:.2f} s ({1e6 * seconds / cost.requests:.0f} µs, {1e6 * seconds / cost.values:.1f} µs)"
        for program, seconds in cost.cpu.items()
    )
    print(f"{name}: {cost.requests} requests, {cost.values} values; CPU (a request, a value): {each}", flush=True)


def told_of(days: Sequence[Sequence[Request]]) -> None:
    """Print what a home sends."""
    sent = [samples([text for request in requests for text in request]) for requests in days]
    series = len({(head, field) for head, field, _ in sent[0]})
    values = sum(map(len, sent)) / len(sent)
    print(f"a home sends {len(days[0])} requests with {values:.0f} values of {series} series", flush=True)


def memory(fleet: Fleet, when: str) -> None:
    each = ", ".join(f"{name} {load.resident(program):.0f} MB" for name, program in load.programs(fleet).items())
    print(f"memory {when}: {each}", flush=True)


def stops(fleet: Fleet) -> Iterator[tuple[Documented, float]]:
    """What is killed, and after how many minutes it runs again: systemd needs a moment, a person longer."""
    while True:
        yield from ((fleet.auth, 0.1), (fleet.agent, 0.1), (fleet.second, 2.0), (fleet.agent, 1.5))


def killed(fleet: Fleet, homes: Sequence[Home], minutes: range) -> int:
    """Let these minutes pass while programs are killed in the middle of what they do; return how often."""
    plan, count, clock = stops(fleet), 0, 0
    program, lasting = next(plan)
    down_at, up_at = len(homes) // 3, 0
    for minute in minutes:
        for home in homes:
            clock += 1
            if clock == down_at:
                program.kill()
                count, up_at = count + 1, clock + int(lasting * len(homes))
            if clock == up_at:
                program.start()
                program, lasting = next(plan)
                down_at = clock + len(homes) // 3 + 7
            home.read(range(minute, minute + 1))
            home.send()
    if up_at >= clock:
        program.start()
    for home in homes:
        home.send()
        assert not home.waiting, home.name
    return count


def copied(fleet: Fleet) -> None:
    """What the first server has goes to the second, as the document says."""
    match = "match[]=" + quote('{home!=""}')
    found = fetch(f"{fleet.first.url}/api/v1/export/native?{match}&start={MIDNIGHT - 12 * 86400}")
    fetch(f"{fleet.second.url}/api/v1/import/native", found)


def lacks(fleet: Fleet, homes: Sequence[Home], when: str) -> int:
    load.at_rest(fleet)
    first, second = (load.lacking(server, homes) for server in (fleet.first, fleet.second))
    if first or second:
        sleep(INDEXED_WITHIN)
        first, second = (load.lacking(server, homes) for server in (fleet.first, fleet.second))
    total = sum(len(samples(home.sent)) for home in homes)
    print(f"{when}: of {total} values the first server lacks {first}, the second {second}", flush=True)
    return first + second


def run(folder: Path, count: int, size: float) -> int:
    """Go through all phases; `size` shortens them."""
    days = [day(_made(folder / f"house-{seed}"), seed, 1440 if size == 1 else 90) for seed in range(KINDS)]
    told_of(days)
    with running(folder, load.users(count)) as fleet:
        memory(fleet, f"with {count} tokens, at rest")
        context = ssl.create_default_context(cafile=fleet.ca)
        homes = [Home(number, fleet, context, days[number % KINDS]) for number in range(count)]
        told("first minute, every series is new", measured(fleet, homes, FIRST))
        minutes = OPEN[: int(len(OPEN) * size)]
        told("ordinary minutes, connections stay open", measured(fleet, homes, minutes))
        memory(fleet, "with a connection of each home")
        told("the same, a connection for each", measured(fleet, homes, ANEW[: int(len(ANEW) * size)], anew=True))
        fault = lacks(fleet, homes, "so far")
        begun, before = monotonic(), [len(home.sent) for home in homes]
        times = killed(fleet, homes, KILLED)
        print(f"killed {times} times in {len(KILLED)} minutes, of {monotonic() - begun:.0f} s", flush=True)
        if lacks(fleet, homes, "after that"):
            copied(fleet)
            lacks(fleet, homes, "after what the first has was copied to the second")
            for home, known in zip(homes, before, strict=True):
                home.waiting, home.sent = home.sent[known:], home.sent[:known]
                home.send()
        fault += lacks(fleet, homes, "after an upload of that hour")
        told("the rest of the day at once", measured(fleet, homes, range(61, len(days[0])), at_once=True))
        memory(fleet, "after that")
        hang_up(home.wire for home in homes)
        fault += lacks(fleet, homes, "in the end")
        values = sum(len(samples(home.sent)) for home in homes)
        for name in ("VictoriaMetrics", "second"):
            used = load.disk(load.programs(fleet)[name])
            print(f"disk of {name}: {used / MB:.1f} MB, {used / values:.2f} bytes a value", flush=True)
    return int(fault > 0)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.longrun.fleet", description=__doc__)
    parser.add_argument("--homes", type=int, default=1000)
    parser.add_argument("--size", type=float, default=1.0, help="less than 1 for shorter phases")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the programs end too
    with TemporaryDirectory() as name:
        return run(Path(name), options.homes, options.size)


if __name__ == "__main__":
    raise SystemExit(main())
