"""The promise, end to end, under stress: real processes, real servers, a small disk; and the judge of it."""

from pathlib import Path
from random import Random

import pytest

from homemon.core.points import moment_text
from tests.longrun.chaos.faults import ORDINARY, live_through
from tests.longrun.chaos.judge import Evidence, Said, judge
from tests.longrun.chaos.places import SERVERS
from tests.longrun.chaos.published import Message, Publication
from tests.longrun.chaos.storm import storm
from tests.longrun.chaos.system import LISTENERS, running_system
from tests.reliability import put_section, section
from tests.servers import Points
from tests.stores import T

SEED = 1  # as good as any; `make chaos` takes others


def test_under_stress_nothing_is_lost_or_doubled_and_every_value_is_true(tmp_path: Path) -> None:
    with running_system(tmp_path, "hurried", speed=600.0, within=200.0) as system:
        done = live_through(system, Random(SEED))
        system.live_until(half_hours=3)
        system.come_to_rest()
        evidence = system.evidence()
        assert judge(evidence).faults + system.warnings() == []
    assert done.total() >= len(done) - 4, "all that was to be killed in the middle of its work was done already"
    assert {line.split(" ")[0] for line in evidence.printed} >= {*SERIES, "power", "ecocute"}
    assert all(len(evidence.half_hours[name]) > 1 for name in SERIES)


def test_what_a_storm_of_kills_leaves_is_whole(tmp_path: Path) -> None:
    with running_system(tmp_path, "hurried", speed=600.0, within=200.0) as system:
        done = storm(system, Random(SEED), 12, place_dies=4)
        system.come_to_rest()
        assert judge(system.evidence()).faults + system.warnings() == []
    assert sum(run.killed for run in system.runs) == done.total() >= 12


def test_of_a_store_that_is_moved_under_everybody_nothing_is_lost(tmp_path: Path) -> None:
    """What the new store lacks is asked for, and printed, again; so nobody looks for doubled lines."""
    with running_system(tmp_path, "hurried", speed=600.0, within=200.0) as system:
        for name in LISTENERS:
            system.listener(name)
        for command in ORDINARY:
            system.run(*command)
        for _ in range(2):
            polls = [system.start(*command) for command in ORDINARY]
            system.move_store()
            for poll in polls:
                poll.wait()
        for command in ORDINARY:
            system.run(*command)
        system.bring_back()
        system.come_to_rest()
        verdict = judge(system.evidence())
        assert verdict.lost + verdict.wrong + system.warnings() == []


def test_a_section_of_the_page_is_put_in_its_place(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n## One\n\nold\n\n## Two\n\nstays\n")
    put_section("## One", "new\n", page)
    put_section("## Three", "more\n", page)
    assert page.read_text() == "# Title\n\n## One\n\nnew\n\n## Two\n\nstays\n\n## Three\n\nmore\n"
    assert section("## Three", page) == "## Three\n\nmore\n"


# --- the judge ---------------------------------------------------------------------------

SERIES = ("+power", "-power", "hatuden", "baiden_diff")
HALF_HOUR = T // 1800 * 1800
POWER, OTHER, REGISTER = (
    f"power value=523 {T}000000000",
    f"power value=-7 {T + 60}000000000",
    f"+power value=1.5 {HALF_HOUR}000000000",
)
POINTS: Points = {("power", T): {"value": 523}, ("power", T + 60): {"value": -7}, ("+power", HALF_HOUR): {"value": 1.5}}
GOOD = Evidence(
    [POWER, OTHER, REGISTER],
    [POWER, OTHER, REGISTER],
    dict.fromkeys(SERVERS, POINTS),
    [Said("power", "value", 523, T - 0.5), Said("power", "value", -7, T + 60.2)],
    {"+power": lambda time: 1.5},
    {"+power": range(HALF_HOUR, HALF_HOUR + 1, 1800)},
)


def test_the_judge_finds_no_fault_with_what_is_right() -> None:
    assert judge(GOOD).faults + judge(GOOD).unheard == []


@pytest.mark.parametrize(
    ("spoilt", "kind", "reported"),
    [
        (GOOD._replace(stored=[POWER, REGISTER]), "lost", "was printed, and is not stored"),
        (GOOD._replace(half_hours={"+power": range(HALF_HOUR - 1800, HALF_HOUR, 1800)}), "lost", "is missing"),
        (GOOD._replace(printed=[POWER, *GOOD.printed]), "doubled", "was printed 2 times"),
        (GOOD._replace(printed=[*GOOD.printed, REGISTER.replace("1.5", "1.6")]), "doubled", "was printed 2 times"),
        (GOOD._replace(said=GOOD.said[1:]), "wrong", "was never said"),
        (GOOD._replace(said=[GOOD.said[0]._replace(time=T - 60), GOOD.said[1]]), "wrong", "was never said"),
        (GOOD._replace(registers={"+power": lambda time: 1.6}), "wrong", "the truth is 1.6"),
        (
            GOOD._replace(stored=[POWER.replace("523", "-7"), OTHER, REGISTER]),
            "wrong",
            "is stored, [523.0] was printed",
        ),
    ],
)
def test_the_judge_finds(spoilt: Evidence, kind: str, reported: str) -> None:
    assert any(reported in fault for fault in getattr(judge(spoilt), kind)), judge(spoilt)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("spoilt", "kind", "reported"),
    [
        ({("power", T): {}}, "lost", "power value=523 {T} is stored, and not in the {server}"),
        ({("power", T): {"value": 5}}, "wrong", "power value=5 {T} is in the {server}, 523.0 is stored"),
        ({("power", 1): {"value": 5}}, "wrong", "power value=5 1 is in the {server}, None is stored"),
    ],
)
def test_the_judge_finds_in_each_server(server: str, spoilt: Points, kind: str, reported: str) -> None:
    verdict = judge(GOOD._replace(served={**GOOD.served, server: POINTS | spoilt}))
    assert verdict.faults == getattr(verdict, kind) == [reported.format(T=T, server=server)]


ISO = "%Y-%m-%dT%H:%M:%S+09:00"
NEWS = Message("homemon/power", {"value": 523}, T)
LATER = Message("homemon/power", {"value": -7}, T + 60)
KEPT = {
    "homemon/power": f'{{"value": -7, "time": "{moment_text(T + 60, ISO)}"}}',
    "homemon/bought": f'{{"value": 1.5, "time": "{moment_text(HALF_HOUR, ISO)}"}}',
    "homemon/meter-listen/status": "offline",
}
PUBLISHED = Publication([NEWS, LATER], KEPT, T + 61.0)


@pytest.mark.parametrize(
    ("spoilt", "kind", "reported"),
    [
        (PUBLISHED, "wrong", ""),
        (PUBLISHED._replace(heard=[LATER, NEWS]), "wrong", f"was published after one of {T + 60}"),
        (PUBLISHED._replace(heard=[NEWS._replace(values={"value": 5}), LATER]), "wrong", "and its value never read"),
        (PUBLISHED._replace(heard=[LATER._replace(time=T)]), "wrong", "and its value never read"),
        (PUBLISHED._replace(kept={}), "lost", "homemon/power is {} in the end"),
        (PUBLISHED._replace(kept={}, now=T + 1e5), "lost", ""),
        (PUBLISHED._replace(kept={**KEPT, "homemon/power": KEPT["homemon/bought"]}), "lost", "homemon/power is {"),
        (
            PUBLISHED._replace(kept={**KEPT, "homemon/meter-listen/status": "online"}),
            "lost",
            "homemon/meter-listen/status is not offline in the end",
        ),
    ],
)
def test_the_judge_finds_in_a_broker(spoilt: Publication, kind: str, reported: str) -> None:
    verdict = judge(GOOD._replace(published=spoilt))
    assert verdict.faults == getattr(verdict, kind)
    assert bool(verdict.faults) == bool(reported)
    assert all(reported in fault for fault in verdict.faults[:1])


FULL_HOUR = T // 3600 * 3600
HOURS = [{"start": (FULL_HOUR + i * 3600) * 1000, "sum": i + 1.0, "state": i + 1.0} for i in range(2)]


@pytest.mark.parametrize(
    ("spoilt", "reported"),
    [
        (HOURS, ""),
        (HOURS[:1], f"homemon:grid_import: the hour of {FULL_HOUR + 3600} is missing"),
        ([HOURS[0], HOURS[1] | {"sum": 2.5}], f"homemon:grid_import: {FULL_HOUR + 3600} is 2.5, not 2.0"),
    ],
)
def test_the_judge_finds_in_home_assistant(spoilt: list[dict[str, float]], reported: str) -> None:
    stored = [f"+power value={i / 2} {FULL_HOUR + i * 1800}000000000" for i in range(5)]
    evidence = Evidence([], stored, {}, [], {"+power": lambda time: (time - FULL_HOUR) / 3600})
    verdict = judge(evidence._replace(statistics={"homemon:grid_import": spoilt}))
    assert [fault for fault in verdict.faults if "grid_import:" in fault] == [reported] * bool(reported)


def test_the_judge_finds_what_was_recorded_twice_of_one_saying() -> None:
    again = POWER.replace(str(T), str(T + 1))
    served: Points = POINTS | {("power", T + 1): {"value": 523}}
    verdict = judge(GOOD._replace(stored=[*GOOD.stored, again], served=dict.fromkeys(SERVERS, served)))
    assert verdict.doubled == [f"power value=523 {T + 1} was said less often than it was recorded"]
    assert verdict.faults == verdict.doubled


def test_the_judge_knows_what_nobody_was_there_to_receive() -> None:
    verdict = judge(GOOD._replace(said=[*GOOD.said, Said("power", "value", 99, T + 5)]))
    assert verdict.unheard == ["power value=99"]
    assert verdict.faults == []


def test_of_two_readings_in_one_second_either_may_be_stored() -> None:
    later = POWER.replace("523", "524")
    verdict = judge(
        GOOD._replace(printed=[*GOOD.printed, later], said=[*GOOD.said, Said("power", "value", 524, T + 0.3)])
    )
    assert verdict.faults == []
