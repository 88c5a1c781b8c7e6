"""A listener whose EcoCute's address nobody wrote down, lived through in virtual time."""

from itertools import pairwise

import pytest

from homemon.core.dialogue import Step
from homemon.core.errors import NoAnswer
from homemon.echonet.codec import CONTROLLER, MULTICAST, Esv, Frame, Property, Unit
from homemon.sim.ecocute import HYBRID, Ecocute, Faults
from homemon.sources.lan.controller import Controller
from homemon.sources.lan.searching import (
    LOOK_ELSEWHERE,
    LOOK_FIRST,
    LOOK_LAST,
    MOST_DISMISSED,
    MOST_KEPT,
    MOST_OTHERS,
    Search,
)
from tests.virtual_lan import HOST, NODE, NOW, OTHER, UNIT, US, Passing, World, truth

ID = "FEFFFFFF" + b"homemon-sim-".hex().upper()
SEARCH = 8.0  # seconds in which a search is over
ANNOUNCED = Frame(1, NODE, NODE, Esv.INF, (Property(0xD5, b"\x01\x02\x6b\x01"),))


def unit(number: int = 1, faults: Faults | None = None) -> Ecocute:
    return Ecocute(Passing(), faults, number=number)


def at(host: str, number: int = 1) -> Unit:
    return Unit(host, UNIT, f"{ID}3{number}")


class Home(World):
    """A listener of units by address; `remembered` is what lies on the disk."""

    def __init__(self, units: dict[str, Ecocute], remembered: Unit | None = None, accept_any: bool = False) -> None:
        self.remembered = remembered
        self.search = Search(lambda: self.remembered)
        super().__init__(controller=Controller(self.search.host, UNIT, accept_any, 7, search=self.search))
        self.units = units

    def notifies(self, host: str, after: float = 0.0) -> None:
        """The values of the time at which it comes."""
        self.comes(Ecocute(Passing()).inform(NOW + self.now + after).data, host, after)

    def report(self, step: Step) -> None:
        super().report(step)
        self.remembered = next(iter(step.learned), self.remembered)

    @property
    def searches(self) -> list[float]:
        """When each began: three questions to everybody are one."""
        return [when for when, _, host in self.sent if host == MULTICAST][::3]

    @property
    def recorded_late(self) -> list[tuple[dict[str, object], float]]:
        return [(dict(point.fields), when) for point, when in self.late]


def test_a_unit_that_nobody_named_is_found_at_the_start_remembered_and_received() -> None:
    home = Home({HOST: unit()})
    home.listen(SEARCH)
    assert home.remembered == at(HOST)
    assert home.notes == [f"the EcoCute is at {HOST}"]
    home.notifies(HOST)
    home.listen(1.0)
    assert home.fields == [truth(SEARCH)]
    home.listen(10 * LOOK_ELSEWHERE)
    assert len(home.searches) == 1


def test_a_hybrid_water_heater_is_found_and_received_as_well() -> None:
    hybrid = Ecocute(Passing(), device=HYBRID)
    home = Home({HOST: hybrid})
    home.comes(hybrid.inform(NOW + 0.5).data, HOST, 0.5)
    home.listen(SEARCH)
    assert home.remembered == Unit(HOST, 0x02A601, f"{ID}31")
    assert home.recorded_late == [(truth(0.5), 0.5)]
    home.comes(hybrid.inform(NOW + home.now).data, HOST)
    home.listen(1.0)
    assert home.fields == [truth(SEARCH)]


def test_a_hybrid_one_that_moved_is_known_by_its_id() -> None:
    hybrid = Ecocute(Passing(), device=HYBRID)
    home = Home({OTHER: hybrid}, Unit(HOST, 0x02A601, f"{ID}31"))
    home.comes(hybrid.inform(NOW + 1.0).data, OTHER, 1.0)
    home.listen(SEARCH + 20.0)
    assert home.remembered == Unit(OTHER, 0x02A601, f"{ID}31")
    assert home.recorded_late == [(truth(1.0), 1.0)]


def test_what_it_says_while_it_is_looked_for_is_recorded_with_the_time_of_receipt() -> None:
    home = Home({HOST: unit()})
    for after in (0.5, 2.5):
        home.notifies(HOST, after)
    home.listen(SEARCH)
    assert home.recorded_late == [(truth(0.5), 0.5), (truth(2.5), 2.5)]
    assert home.points == []


def test_one_that_is_not_there_yet_is_looked_for_until_it_speaks() -> None:
    home = Home({})
    home.listen(3600.0)
    pauses = [later - earlier for earlier, later in pairwise(home.searches)]
    assert LOOK_FIRST <= pauses[0] < pauses[1] < pauses[-1] <= LOOK_LAST + SEARCH
    assert set(home.notes) == {note for note in home.notes if note.startswith("no EcoCute answered")}
    home.units[HOST] = unit()
    home.lan.time += LOOK_FIRST
    moment = home.now
    home.notifies(HOST)
    home.listen(SEARCH)
    assert (home.remembered, home.recorded_late) == (at(HOST), [(truth(moment), moment)])


def test_one_that_only_notifies_and_answers_nothing_is_received_too() -> None:
    home = Home({HOST: unit(faults=Faults(lost_every=1))})
    home.notifies(HOST, 0.5)
    home.listen(LOOK_FIRST * 3)
    assert home.remembered == Unit(HOST, UNIT, "")
    assert home.recorded_late == [(truth(0.5), 0.5)]


@pytest.mark.parametrize("announced", [False, True])
def test_one_that_moved_is_known_by_its_id_as_soon_as_it_speaks(announced: bool) -> None:
    home = Home({OTHER: unit()}, at(HOST))
    home.listen(SEARCH)
    assert home.searches == []
    if announced:
        home.comes(ANNOUNCED, OTHER)
    else:
        home.notifies(OTHER)
    home.listen(2 * SEARCH)
    assert home.remembered == at(OTHER)
    assert home.recorded_late == ([] if announced else [(truth(SEARCH), SEARCH)])
    home.notifies(OTHER)
    home.listen(1.0)
    assert len(home.fields) == 1


def test_a_second_unit_is_not_taken_for_the_first_and_does_not_cause_a_search_each_time() -> None:
    home = Home({HOST: unit(1), OTHER: unit(2)}, at(HOST))
    for minute in range(50):
        home.notifies(OTHER, minute * 60.0)
        home.notifies(HOST, minute * 60.0 + 30.0)
    home.listen(LOOK_ELSEWHERE - 1)
    assert len(home.searches) == 1
    assert home.fields == [truth(minute * 60.0 + 30.0) for minute in range(50)]
    assert (home.late, home.warnings, home.remembered) == ([], [], at(HOST))


def test_one_that_moves_again_soon_is_followed() -> None:
    home = Home({HOST: unit(), US: unit(2)})
    home.notifies(HOST)
    home.notifies(US)
    home.listen(SEARCH)
    assert home.warnings
    del home.units[US]
    home.listen(LOOK_LAST)
    for host in (OTHER, HOST, OTHER):
        home.units = {host: unit()}
        home.notifies(host)
        home.listen(LOOK_FIRST + SEARCH)
        assert home.remembered == at(host)


def test_another_unit_is_not_taken_either_while_ours_is_silent() -> None:
    home = Home({OTHER: unit(2)}, at(HOST))
    home.notifies(OTHER)
    home.listen(4 * SEARCH)
    assert (home.fields, home.late, home.remembered) == ([], [], at(HOST))
    (reported,) = home.warnings
    assert f"{ID}31 was not found, but {OTHER} (ID {ID}32)" in reported
    assert "[ecocute] host" in reported


def test_what_is_known_is_not_forgotten_where_the_state_cannot_be_read() -> None:
    home = Home({OTHER: unit(2)}, at(HOST))
    home.remembered = None
    home.notifies(OTHER)
    home.listen(4 * SEARCH)
    assert (home.late, len(home.warnings)) == ([], 1)


def test_between_two_units_a_person_must_choose_and_nothing_is_recorded() -> None:
    home = Home({HOST: unit(1), OTHER: unit(2)})
    home.notifies(HOST, 1.0)
    home.listen(SEARCH)
    (reported,) = home.warnings
    assert f"several EcoCutes: {HOST} (ID {ID}31) and {OTHER} (ID {ID}32)" in reported
    assert (home.fields, home.late, home.remembered) == ([], [], None)


def test_one_that_a_poll_found_is_received_without_a_search() -> None:
    home = Home({}, at(HOST))
    home.listen(1.0)
    home.remembered = at(OTHER)
    values = (Property(0x84, b"\x00\x01"), Property(0x85, b"\x00\x00\x00\x02"), Property(0xE1, b"\x00\x03"))
    home.comes(Frame(9, UNIT, CONTROLLER, Esv.GET_RES, values), OTHER)
    home.listen(1.0)
    assert home.fields == [{"power": 1, "powerSum": 2, "tank": 3}]
    assert home.searches == []


def test_where_all_are_accepted_each_notification_counts_at_once() -> None:
    home = Home({HOST: unit(1), OTHER: unit(2)}, accept_any=True)
    for host in (HOST, OTHER):
        home.notifies(host, 1.0)
    home.listen(SEARCH)
    assert home.fields == [truth(1.0), truth(1.0)]


def test_a_flood_of_strangers_fills_no_memory() -> None:
    home = Home({HOST: unit()}, at(HOST))
    home.notifies(OTHER)
    home.listen(4 * SEARCH)
    search = home.search
    for round_number in range(10):
        for number in range(500):
            home.notifies(f"198.51.100.{number % 25 + 25 * round_number}", number / 100)
        home.listen(20.0)
        assert len(search._others) <= MOST_OTHERS
        assert len(search._dismissed) <= MOST_DISMISSED + MOST_OTHERS
        assert all(len(kept) <= MOST_KEPT for kept in search._others.values())


# --- asked by others ----------------------------------------------------------------


def test_a_poll_finds_a_unit_that_nobody_named() -> None:
    home = Home({HOST: unit()})
    assert home.run(home.controller.poll()) == {"power", "powerSum", "tank"}
    assert home.remembered == at(HOST)


def test_a_poll_finds_a_unit_that_moved() -> None:
    home = Home({OTHER: unit()}, at(HOST))
    assert home.run(home.controller.poll()) == {"power", "powerSum", "tank"}
    assert home.remembered == at(OTHER)


def test_a_unit_that_is_nowhere_is_searched_for_by_one_poll_in_five_minutes() -> None:
    home = Home({}, at(HOST))
    for _ in range(3):
        with pytest.raises(NoAnswer, match=f"the EcoCute at {HOST} did not answer"):
            home.run(home.controller.poll())
    assert len(home.searches) == 1
