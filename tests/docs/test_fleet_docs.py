"""docs/server/fleet.md: what so many homes take follows from what was measured."""

from collections.abc import Mapping
from math import ceil, floor, log10

from tests.documents import DOCS, section, table, text_of

PAGE = DOCS / "server" / "fleet.md"
COPIES, SPARE, DISK = 2, 2, 0.8
BUSIEST = 2.2
DAY, YEAR = 86400, 365
COUNTS = (100, 10_000, 100_000, 1_000_000)


def measured() -> Mapping[str, float]:
    return {name: float(value) for name, value, _ in table(section(PAGE, "What it takes"))}


def rows(m: Mapping[str, float], homes: int) -> dict[str, float]:
    """What so many homes take, by the arithmetic of the page."""
    requests = homes * m["requests of a home a day"] / DAY
    values = homes * m["values of a home a day"] / DAY
    series = homes * m["series of a home"]
    busiest = BUSIEST * requests
    return {
        "requests a second": requests,
        "in the busiest second": busiest,
        "values a second": values,
        "series": series,
        "vmauth: cores": busiest * m["vmauth: a request by a kept connection"] / 1e6 * SPARE,
        "vmagent or vminsert: cores": busiest * m["vmagent: a request"] / 1e6 * SPARE,
        "vmstorage: cores": values * m["a server: a value of an ordinary minute"] / 1e6 * COPIES * SPARE,
        "vmauth: GB of memory": homes * m["vmauth: a home with its connection"] / 1e6 * SPARE,
        "vmstorage: GB of memory": series * m["a server: a series"] / 1e6 * COPIES * SPARE,
        "vmstorage: GB of disk a year": (
            homes * m["values of a home a day"] * YEAR * m["a server: a value, merged"] / 1e9 * COPIES / DISK
        ),
    }


def shown(value: float) -> str:
    """Rounded up to two digits."""
    step = 10.0 ** (floor(log10(value)) - 1)
    return f"{float(f'{ceil(round(value / step, 6)) * step:.6g}'):,.10g}"


def sizing() -> str:
    columns = [rows(measured(), homes) for homes in COUNTS]
    head = f"| homes | {' | '.join(f'{homes:,}' for homes in COUNTS)} |\n|---|{'---|' * len(COUNTS)}\n"
    return head + "".join(
        f"| {name} | {' | '.join(shown(column[name]) for column in columns)} |\n" for name in columns[0]
    )


def test_the_sizes_follow_from_what_was_measured() -> None:
    assert sizing() in section(PAGE, "Larger"), f"write\n{sizing()}"


def test_the_sentences_say_what_the_table_says() -> None:
    m, text = measured(), " ".join(text_of(PAGE).split())
    day = m["a day at once: vmauth"] + m["a day at once: vmagent"] + 2 * m["a day at once: a server"]
    said = (
        f"One core carries {core(m, 'kept'):,} homes",
        f"connect anew each time: {core(m, 'new'):,} of those",
        f"for {day / 1000:.0f} ms of CPU of all four programs",
        f"cost {day / 3600:.1f} core hours",
        f"2 GB hold {room(m):,} days of a home",
        f"fill that in {room(m) / 10_000:.1f} days",
    )
    assert [words for words in said if words not in text] == []


def room(m: Mapping[str, float]) -> int:
    """How many days of a home the document's vmagent has room for, rounded down to two digits."""
    return down(2e6 / m["vmagent: a day of a home that a server does not take"])


def core(m: Mapping[str, float], kind: str) -> int:
    """How many homes one core carries in their busiest second, rounded down to two digits."""
    request = m[f"vmauth: a request by a {kind} connection"] + m["vmagent: a request"]
    value = m["a server: a value of an ordinary minute"]
    taken = m["requests of a home a day"] * request + m["values of a home a day"] * value
    return down(1e6 * DAY / BUSIEST / taken)


def down(value: float) -> int:
    step: int = 10 ** (floor(log10(value)) - 1)
    return floor(value / step) * step
