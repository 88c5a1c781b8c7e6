"""`homemon bill compare`: the last bills by every plan of the area."""

import json
import os

import click

from homemon.cli.terminal import show
from homemon.core.language import language
from homemon.energy.bill import Contract
from homemon.energy.plan_file import hours
from homemon.runtime import output
from homemon.runtime.context import App


class Hours(click.ParamType[tuple[int, int]]):
    """Hours of the day: 10-15, 22-6 over midnight, 9:30-11."""

    name = "HOURS"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        try:
            return value if isinstance(value, tuple) else hours(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.option("--months", type=click.IntRange(1, 120), default=12, show_default=True, help="So many bills.")
@click.option("--plan", "plans", multiple=True, metavar="NAME|FILE", help="Also a plan of another area, or your own.")
@click.option(
    "--shift", type=(click.Choice(["ecocute"]), Hours()), metavar="ecocute HOURS", help="If it heated then: 10-15."
)
@click.option("--ampere", type=click.IntRange(1, 200), help="If that were 契約アンペア.")
@click.option("--kva", type=click.IntRange(1, 100), help="If that were 契約容量.")
@click.option("--kw", type=click.IntRange(1, 100), help="If that were 契約電力, in place of the real demand.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def compare(
    app: App,
    months: int,
    plans: tuple[str, ...],
    shift: tuple[str, tuple[int, int]] | None,
    ampere: int | None,
    kva: int | None,
    kw: int | None,
    as_json: bool,
) -> int:
    """Compare plans by what you used.

    The stored half-hours of the last bills that are over, through each plan of your area that is shipped: yen a year
    and a month, the difference to your present plan, and below it what fell into which band and tier. The cheapest
    comes first. What may be otherwise is marked ~, and said below; a plan that lacks something is named with what it
    needs. The base charge by kW of real demand follows from the half-hours.

    What if: the EcoCute heated at other hours (--shift ecocute 10-15), or the contract had other amperes (--ampere 50).
    Where the meter's currents are recorded, it says which amperes would have held.
    """
    from homemon.energy import compared
    from homemon.runtime.compare import Wish
    from homemon.runtime.compare import compared as compare_plans

    wish = Wish(months, Contract(ampere=ampere, kva=kva, kw=kw), plans, shift[1] if shift else None)
    found = compare_plans(app, wish)
    if as_json:
        app.put(json.dumps(compared.facts(found), ensure_ascii=False))
    else:
        for text in compared.described(found, output.said, language(os.environ)):
            show(text, indent=compared.MARGIN if text.startswith(" ") else 2)
    return int(app.store.db.left_out is not None)
