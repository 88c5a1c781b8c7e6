"""Bills of real households and of the companies' own examples, to the yen."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from homemon.core.errors import ConfigError
from homemon.energy import shipped
from homemon.energy.bill import Bill, Contract, Price, demand_kw
from homemon.energy.market import MarketCost
from homemon.energy.plan import Plan
from homemon.energy.plan_file import read_plan
from homemon.energy.prices import Figure, read_price
from homemon.energy.toml_file import month

CHUBU = """
name = "a plan of the Chubu area"
company = "a retailer"
area = "chubu"
[[version]]
from = "2025-01"
source = "the contract"
checked = 2026-08-16
price = [[400, 27.00], 26.00]
items = ["fuel", "capacity", "levy"]
[version.base]
flat = 0
"""


def billed(
    plan: Plan, month: str, used: Mapping[str, int], given: Mapping[str, Price] | None = None, **agreed: int
) -> Bill:
    year, number = map(int, month.split("-"))
    kwh = {name: Decimal(count) for name, count in used.items()}
    return shipped.bill(plan, (year, number), Contract(**agreed), kwh, given or {})


@pytest.mark.parametrize(
    ("key", "month", "used", "agreed", "total"),
    [
        ("tepco-juryo-b", "2026-08", {"all": 374}, {"ampere": 40}, 12_093),
        ("tepco-juryo-b", "2024-05", {"all": 260}, {"ampere": 30}, 8_137),
        ("tepco-juryo-b", "2025-01", {"all": 260}, {"ampere": 30}, 8_821),
        ("tepco-juryo-b", "2026-02", {"all": 260}, {"ampere": 30}, 7_464),
        ("energia-juryo-a", "2026-04", {"all": 348}, {}, 10_711),
        ("energia-smart", "2026-04", {"all": 348}, {}, 10_543),
        ("energia-family-time-2", "2026-01", {"day": 23, "family": 152, "night": 376}, {"kva": 6}, 15_876),
        ("energia-economy-night", "2026-08", {"day": 100, "night": 1000}, {"kva": 6}, 26_578),
        ("energia-economy-night", "2026-08", {}, {"kva": 6}, 789),
        ("energia-juryo-b", "2026-07", {}, {"kva": 6}, 1_343),
    ],
)
def test_a_bill_is_what_the_company_billed(
    key: str, month: str, used: dict[str, int], agreed: dict[str, int], total: int
) -> None:
    assert billed(shipped.find(key), month, used, None, **agreed).total == total


@pytest.mark.parametrize(
    ("month", "kwh", "fuel", "capacity", "total"),
    [
        ("2025-08", 73, "1.80", 171, 2_563),
        ("2026-01", 428, "2.20", 237, 14_409),
        ("2026-05", 9, "5.83", 141, 473),
        ("2026-06", 3, "13.95", 327, 461),
    ],
)
def test_a_plan_and_prices_of_ones_own_give_the_bill(
    month: str, kwh: int, fuel: str, capacity: int, total: int
) -> None:
    prices = {"fuel": Price(Decimal(fuel)), "capacity": Price(Decimal(capacity), each=False)}
    assert billed(read_plan(CHUBU, "own.toml", "own"), month, {"all": kwh}, prices).total == total


def test_the_tax_is_printed_as_the_company_prints_it() -> None:
    assert billed(shipped.find("tepco-juryo-b"), "2026-08", {"all": 374}, ampere=40).tax == 1_099


@pytest.mark.parametrize("key", shipped.names())
def test_each_plan_that_is_shipped_can_be_read_and_billed(key: str) -> None:
    plan = shipped.find(key)
    version = plan.versions[-1]
    agreed = {"ampere": 30} if version.base.ampere else {"kva": 6, "kw": 6}
    used = {band.name: Decimal(100) for band in version.bands}
    market = MarketCost(Decimal(100), Decimal(2000)) if version.market else None
    free = dict.fromkeys(version.items, Price(Decimal(0)))
    assert shipped.bill(plan, (2026, 11), Contract(**agreed), used, free, market=market).total >= 1000


def test_a_price_that_is_not_known_yet_stands_in_and_says_so() -> None:
    bill = billed(shipped.find("tepco-juryo-b"), "2026-10", {"all": 100}, ampere=30)
    assert bill.provisional == ("fuel of 2026-10 is not known yet: that of 2026-08 stands in",)


@pytest.mark.parametrize(
    ("old", "new", "line", "fault"),
    [
        ("27.00", '"27"', 9, "is to be a number of yen, not '27'"),
        ("2026-08-16", '"yesterday"', 8, "is to be a day such as"),
        ("chubu", "edo", 4, "is to be one of hokkaido"),
        ("[400, 27.00]", "[400]", 9, "is to be [kWh, yen]"),
        ("flat = 0", "flat = 0\nkva = 3", 11, "it has kva, flat"),
        ("flat = 0", "minimum = { kwh = 15 }", 12, "base.minimum.price: is missing"),
        ("flat = 0", "flat = 0\n[[version.band]]\nname = 'night'", 13, "band[0].price: is missing"),
        ("items", "item", 10, "is not known"),
        ("[[400, 27.00], 26.00]", "[[400, 27.00], [300, 1], 26.00]", 9, "rise"),
        ("flat = 0", "", 11, "version[0].base: is to be one of ampere"),
        ('"fuel", "capacity"', '"fuel", "fuel"', 10, "has fuel twice"),
        ("flat = 0", 'flat = 0\n[version.holidays]\nnational = "yes"', 14, "is to be true or false, not 'yes'"),
        ('from = "2025-01"', 'from = "2025-13"', 6, "is to be a bill's month"),
        ('name = "a plan of the Chubu area"', "", 1, "name: is missing"),
        ("[[version]]", "[version]", 5, "is to be tables, [[version]]"),
    ],
)
def test_a_fault_of_a_plan_is_reported_once_with_its_line(old: str, new: str, line: int, fault: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_plan(CHUBU.replace(old, new), "own.toml", "own")
    first, *more = str(error.value).splitlines()
    assert first.startswith(f"own.toml:{line}: ")
    assert fault in first
    assert not more


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[400, 27.00]", "[400, 2700]"),
        ("26.00]", "-26.00]"),
        ("27.00], 26.00", "27.00], 2600"),
        ("flat = 0", "flat = -1"),
        ("flat = 0", "flat = 100_001"),
        ("flat = 0", "ampere = { 30 = -935.25 }"),
        ("flat = 0", "kva = -1"),
        ("flat = 0", "minimum = { price = -1, kwh = 15 }"),
        ("flat = 0", "block = { price = 1, above = -1 }"),
        ("flat = 0", "flat = 0\nunused = 2"),
        ("flat = 0", 'flat = 0\n[[version.discount]]\nname = "a"\nyen = -1'),
        ("flat = 0", 'flat = 0\n[[version.discount]]\nname = "a"\npercent = 101'),
        ("flat = 0", 'flat = 0\n[[version.discount]]\nname = "a"\nyen = 1\npercent = 1'),
        ("flat = 0", 'flat = 0\n[[version.discount]]\nname = "a"'),
        ("flat = 0", 'flat = 0\n[[version.discount]]\nname = "a"\nyen = 1\ncap = 1'),
        ("flat = 0", "flat = 0\n[version.market]\nfee = 1511"),
        ("checked", "least = -1\nchecked"),
    ],
)
def test_a_figure_that_is_a_slip_is_a_fault(old: str, new: str) -> None:
    with pytest.raises(ConfigError, match=r"own.toml:\d+: version\[0\]"):
        read_plan(CHUBU.replace(old, new), "own.toml", "own")


def test_hours_for_which_nothing_is_paid_are_no_slip() -> None:
    assert read_plan(CHUBU.replace("26.00]", "0]"), "own.toml", "own").versions[0].bands[0].tiers[-1] == (
        None,
        Decimal(0),
    )


BAND = """
[[version.band]]
name = "day"
price = 30
[[version.band]]
name = "night"
price = 20
hours = ["23-7"]
"""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("", "", "own.toml:5: version[0].band: night never holds: the bands before it have all of its half-hours"),
        ("price = 30", "price = 30\nmonths = []", "own.toml:16: version[0].band[0].months: is to be at least"),
        ("price = 30", 'price = 30\nhours = ["7"]', "own.toml:16: version[0].band[0].hours: is to be hours such as"),
        ("price = 30", 'price = 30\ndays = "weekend"', "own.toml:16: version[0].band[0].days: is to be one of"),
    ],
)
def test_a_band_that_never_holds_is_a_fault_and_what_follows_a_slip_is_none(old: str, new: str, fault: str) -> None:
    plan = CHUBU.replace("price = [[400, 27.00], 26.00]\n", "") + BAND.replace(old, new)
    with pytest.raises(ConfigError) as error:
        read_plan(plan, "own.toml", "own")
    assert str(error.value).startswith(fault)
    assert len(str(error.value).splitlines()) == 1


def test_amperes_that_the_plan_lacks_are_no_bill() -> None:
    with pytest.raises(ConfigError, match="no base charge for 45 A"):
        billed(shipped.find("tepco-juryo-b"), "2026-08", {"all": 1}, ampere=45)


NIGHT = {"night": 100}
ABOVE_10 = "the base charge above 10 kW is not confirmed by a source"
HOLIDAYS = "which days are holidays is not confirmed by a source"


@pytest.mark.parametrize(
    ("key", "month", "used", "agreed", "doubts"),
    [
        ("kyuden-night-select-22", "2026-08", NIGHT, {"kw": 10}, []),
        ("kyuden-night-select-22", "2026-08", NIGHT, {"kw": 11}, [ABOVE_10]),
        ("kyuden-night-select-22", "2026-06", {"day": 1}, {"kw": 10}, []),
        ("kyuden-night-select-22", "2026-06", {"day": 1, "holiday": 1}, {"kw": 10}, [HOLIDAYS]),
        ("chuden-smartlife", "2026-06", {"home": 1, "day": 0}, {"kva": 10}, []),
        ("chuden-smartlife", "2026-06", {"day": 1}, {"kva": 10}, [HOLIDAYS]),
        ("energia-economy-night", "2026-06", {"day": 220}, {"kva": 6}, []),
        (
            *("energia-economy-night", "2026-06", {"day": 221}, {"kva": 6}),
            ["the price of day above 220 kWh is not confirmed by a source"],
        ),
        ("energia-family-time-2", "2026-06", {"day": 1}, {"kva": 6}, []),
        (
            *("energia-family-time-2", "2026-10", {"day": 1}, {"kva": 6}),
            ["the price of day from July to September is not confirmed by a source"],
        ),
        ("okiden-ee-smart", "2026-06", {}, {}, ["the base charge is not confirmed by a source"]),
    ],
)
def test_a_figure_that_is_not_confirmed_is_named_on_the_bills_that_it_concerns(
    key: str, month: str, used: dict[str, int], agreed: dict[str, int], doubts: list[str]
) -> None:
    bill = billed(shipped.find(key), month, used, {"fuel": Price(Decimal(0))}, **agreed)
    assert list(bill.provisional) == doubts


@pytest.mark.parametrize(
    ("unsure", "fault"),
    [
        ('[{ what = "it", bands = ["noon"] }]', "there is no band noon"),
        ('[{ what = "it", when = 1 }]', "not when"),
        ("[{ above = 10 }]", "is to be text"),
        ('[{ what = "it", months = [13] }]', "from 1 to 12"),
    ],
)
def test_a_wrong_reason_is_reported_with_its_line(unsure: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=rf"own.toml:10: version\[0\].unsure: .*{fault}"):
        read_plan(CHUBU.replace("items", f"unsure = {unsure}\nitems"), "own.toml", "own")


@pytest.mark.parametrize(
    ("typed", "price"),
    [
        ("-7.30", Price(Decimal("-7.30"))),
        ("\N{MINUS SIGN}7.30", Price(Decimal("-7.30"))),
        ("-7.30/kwh", Price(Decimal("-7.30"))),
        ("171/month", Price(Decimal(171), each=False)),
        ("-143.77+-9.57", Price(Decimal("-9.57"), Decimal("-143.77"))),
        ("20+1.5", Price(Decimal("1.5"), Decimal(20))),
    ],
)
def test_a_price_reads_as_it_is_typed(typed: str, price: Price) -> None:
    assert read_price(typed) == price


SLIPS = ["-1027", "2862", "-14377+-9.57", "100001/month", "１", "1_0", "1e1"]


@pytest.mark.parametrize("typed", ["", "x", "NaN", "1/day", "1+", "+", "1+2/month", "1 2", "1+2+3", "99999999", *SLIPS])
def test_what_is_no_price_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="price"):
        read_price(typed)


def levy(known: str, figure: Figure, wanted: str, key: str = "tepco-juryo-b") -> Price | None:
    kept = {"levy": {month(known): figure}}
    plan = shipped.find(key)
    return shipped.prices(plan, plan.versions[-1], {}, kept)("levy", month(wanted))


@pytest.mark.parametrize(
    ("known", "wanted", "stands_in"),
    [
        ("2027-05", "2028-04", False),
        ("2027-05", "2028-05", True),
        ("2027-12", "2028-04", False),
        ("2027-12", "2028-05", True),
        ("2028-04", "2028-04", False),
        ("2028-04", "2028-05", True),
    ],
)
def test_a_levy_holds_to_the_next_aprils_bill_from_whichever_bill_it_is_known(
    known: str, wanted: str, stands_in: bool
) -> None:
    found = levy(known, Figure(Decimal("4.50")), wanted)
    assert found
    assert found.doubt == (f"levy of {wanted} is not known yet: that of {known} stands in" if stands_in else "")


def test_a_levy_is_charged_as_it_is_kept() -> None:
    a_month = Figure(Decimal(171), each=False)
    assert levy("2027-05", a_month, "2027-06") == Price(Decimal(171), each=False)
    with_lump = Figure(Decimal("4.50"), Decimal(60))
    assert levy("2027-05", with_lump, "2027-06", "energia-juryo-a") == Price(Decimal("4.50"), Decimal(60))


def test_a_lump_that_is_given_bills_the_minimum_charge_as_the_company_does() -> None:
    plan = shipped.find("energia-juryo-a")
    bill = billed(plan, "2026-04", {"all": 348}, {"fuel": read_price("-171.12+-11.39")})
    assert (bill.total, bill.provisional) == (10_711, ())


def test_a_lump_for_a_plan_without_a_minimum_charge_is_no_bill() -> None:
    with pytest.raises(ConfigError, match="no minimum charge"):
        billed(shipped.find("tepco-juryo-b"), "2026-04", {"all": 1}, {"fuel": read_price("-1+-2")}, ampere=30)


@pytest.mark.parametrize(
    ("peaks", "kw"), [(["1.74"], 3), (["1.75"], 4), (["0.5", "2.9", "1.1"], 6), (["2.25"], 5), (["0"], 0)]
)
def test_the_real_demand_is_twice_the_highest_half_hour_rounded_half_up(peaks: list[str], kw: int) -> None:
    assert demand_kw(map(Decimal, peaks)) == kw


def test_without_a_half_hour_there_is_no_real_demand() -> None:
    with pytest.raises(ValueError, match="empty"):
        demand_kw([])


ROUNDED = CHUBU.replace('"fuel", "capacity", "levy"', '"fuel", "levy"').replace("400, 27.00", "400, 27.33")


@pytest.mark.parametrize(
    ("rounding", "total"),
    [  # 3 kWh: energy 81.99, fuel -1.23 each, levy 4.18 each
        ("", 81.99 - 3.69 + 12),
        ("[version.rounding]", 81.99 - 3.69 + 12.54),
        ('[version.rounding]\ntotal = "up"', 91),
        ('[version.rounding]\nenergy = "up"\nfuel = "up"\nlevy = "down"', 82 - 4 + 12),
        ('[version.rounding]\nenergy = "down"\nfuel = "down"\nlevy = "down"', 81 - 3 + 12),
        ('[version.rounding]\nenergy = "half-up"\nfuel = "half-up"\nlevy = "half-up"', 82 - 4 + 13),
    ],
)
def test_what_is_rounded_and_how_is_the_plans(rounding: str, total: float) -> None:
    plan = read_plan(f"{ROUNDED}{rounding}", "own.toml", "own")
    prices = {"fuel": Price(Decimal("-1.23")), "levy": Price(Decimal("4.18"))}
    found = billed(plan, "2026-05", {"all": 3}, prices)
    assert found.total == int(total)
    assert int(sum(line.yen for line in found.lines)) <= found.total


@pytest.mark.parametrize(
    ("rounding", "fault"),
    [
        ('levy = "nearest"', "own.toml:14: version[0].rounding.levy: is to be one of down, up, half-up, not 'nearest'"),
        ('capacity = "up"', "own.toml:14: version[0].rounding.capacity: is not known"),
    ],
)
def test_a_slip_in_what_is_rounded_is_reported_with_its_line(rounding: str, fault: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_plan(f"{ROUNDED}[version.rounding]\n{rounding}\n", "own.toml", "own")
    assert str(error.value) == fault
