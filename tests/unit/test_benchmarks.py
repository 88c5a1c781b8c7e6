"""`make bench` says what got worse since the last release."""

from pathlib import Path

from tests.longrun.benchmarks.released import Ratio, compared, newest, ratios

PAGE = """
| what | homemon | measured against | | ratio | reach |
|---|---|---|---|---|---|
| `--help`, CPU | 48.6 ms | click | 48.4 ms | {help} | ≤ 1.15 |
| one write | 269 µs | the same | 267 µs | 1.01 | ≤ 1.30 |
| decode E7 | 452k/s | momonga | 3,634k/s | {decode}, missed by 75.1% | ≥ 0.50 |
| new | – | old | – | not measured: no such program | |
"""


def since(before: str, now: str) -> list[str]:
    return "\n".join(compared(ratios(now), "0.1.0", ratios(before))).splitlines()


def test_a_page_has_a_ratio_for_each_row_that_was_measured() -> None:
    assert ratios(PAGE.format(help="1.04", decode="0.13")) == {
        ("`--help`, CPU", "click"): Ratio(1.04, is_rate=False),
        ("one write", "the same"): Ratio(1.01, is_rate=False),
        ("decode E7", "momonga"): Ratio(0.13, is_rate=True),
    }


def test_what_got_worse_is_said_the_worst_first_and_what_got_better_is_not() -> None:
    lines = since(PAGE.format(help="1.00", decode="0.50"), PAGE.format(help="1.10", decode="0.25"))
    assert lines[-2:] == [
        "| decode E7 | momonga | 0.5 | 0.25 | 50% |",
        "| `--help`, CPU | click | 1 | 1.1 | 10% |",
    ]
    assert "Of 3 rows that 0.1.0 had as well, 2 got worse by more than 5%." in lines
    better = since(PAGE.format(help="1.00", decode="0.25"), PAGE.format(help="0.50", decode="0.50"))
    assert better[-1] == "Of 3 rows that 0.1.0 had as well, 0 got worse by more than 5%."


def test_what_differs_from_run_to_run_is_not_worse() -> None:
    page = since(PAGE.format(help="1.00", decode="0.50"), PAGE.format(help="1.04", decode="0.48"))
    assert page[-1] == "Of 3 rows that 0.1.0 had as well, 0 got worse by more than 5%."


def test_the_last_release_is_the_highest_version(tmp_path: Path) -> None:
    for version, ratio in (("0.9.0", "1.00"), ("0.10.0", "2.00"), ("0.2.1", "3.00")):
        (tmp_path / f"{version}.md").write_text(PAGE.format(help=ratio, decode="1.00"))
    version, found = newest(tmp_path)
    assert (version, found["`--help`, CPU", "click"].value) == ("0.10.0", 2.0)
    assert len(newest()[1]) >= 30  # that of the last release is here
