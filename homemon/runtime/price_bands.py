"""The prices of each day's hours, by the contracts of config.ini."""

from collections.abc import Iterable, Mapping
from datetime import date

from homemon.energy.periods import ONE_DAY, billed
from homemon.energy.price_bands import PriceBand, price_bands
from homemon.runtime.context import App
from homemon.runtime.energy import agreed_of, plan_of, tariff_of


def of_days(app: App, days: Iterable[date]) -> Mapping[date, tuple[PriceBand, ...]]:
    """Return the bands of each of some days whose plan has hours, or follows the market. Raise ConfigError."""
    wanted = sorted(days)
    found: dict[date, tuple[PriceBand, ...]] = {}
    if not wanted:
        return {}
    for contract, each in billed(app.config.contracts, wanted[0], wanted[-1] + ONE_DAY):
        charges = tariff_of(app, plan_of(app, contract.plan), each, agreed_of(contract))
        own = [day for day in wanted if each.first <= day < each.after]
        found |= {day: price_bands(charges, day) for day in own} if charges else {}
    return {day: bands for day, bands in found.items() if bands}
