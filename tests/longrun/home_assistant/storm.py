"""What befalls a house and its Home Assistant: readings late, lost and corrected; kills, absences, old backups."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from time import sleep, time
from typing import Any, Protocol

from homemon.core.files import replace_file
from homemon.core.points import DAY, HALF_HOUR, HOUR, Point
from homemon.energy.periods import day_of
from homemon.sim.house import House
from homemon.storage.store import Store
from tests.hourly import PLAN
from tests.judge import midnight
from tests.longrun.home_assistant.judge import Given, expected, faults
from tests.stores import put

TRIES = 8
CONFIG = """
[store]
dir = {folder}/store
[homeassistant]
url = {url}
token = {token}
[contract]
plan = own.toml
sell = 16
"""


class Home(Protocol):
    """A Home Assistant."""

    url: str
    token: str

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def back_up(self) -> Path: ...

    def restore(self, copy: Path) -> None: ...

    def statistics(self) -> dict[str, list[Mapping[str, Any]]]: ...


class Storm:
    """The house, what was given of it, and Home Assistant."""

    def __init__(self, home: Home, folder: Path, seed: int, weeks: int) -> None:
        self.home, self.folder, self.random = home, folder, Random(seed)
        start = midnight(day_of(int(time()))) - weeks * 7 * DAY
        self.house = House(start - 40 * DAY, seed)
        self.given, self.first, self.now = Given(), start, start
        self.missing: set[int] = set()
        self.copies: list[Path] = []
        self.stores: list[tuple[Path, Given]] = []
        self.until = int(time()) - HOUR
        folder.mkdir(exist_ok=True)
        self.more = ""
        self._configure()

    def _configure(self) -> None:
        config = CONFIG.format(folder=self.folder, url=self.home.url, token=self.home.token)
        replace_file(self.folder / "config.ini", (config + self.more).encode())
        replace_file(self.folder / "own.toml", PLAN.format(price=self.given.price / 100).encode())

    # --- readings -----------------------------------------------------------------

    def store(self, slots: list[int]) -> None:
        """Store the readings of half-hours, by their starts: registers at the start, and what was in them."""
        points = []
        for slot in slots:
            bought, sold = self.house.register_import(slot), self.house.register_export(slot)
            made = self.house.generation(slot)
            self.given.bought[slot], self.given.sold[slot], self.given.made[slot] = bought, sold, made
            points += [Point("+power", {"value": bought / 10}, slot), Point("-power", {"value": sold / 10}, slot)]
            points.append(Point("hatuden", {"value": made / 10}, slot))
            for at in range(slot + 60 * self.random.randrange(10), slot + HALF_HOUR, 600):
                self.given.heated[at] = self.house.ecocute_energy(at)
                points.append(Point("ecocute", {"powerSum": self.given.heated[at]}, at))
        store = Store(self.folder / "store")
        put(store, *points)
        store.close()

    def pass_time(self, hours: int, lost: float) -> None:
        """Let hours go by, of whose half-hours a part is lost."""
        slots = list(range(self.now, min(self.now + hours * HOUR, self.until), HALF_HOUR))
        kept = [slot for slot in slots if self.random.random() >= lost]
        self.missing |= set(slots) - set(kept)
        self.now = slots[-1] + HALF_HOUR if slots else self.now
        self.store(kept)

    # --- events -------------------------------------------------------------------

    def live(self) -> None:
        """Some hours, nearly all of them heard."""
        self.pass_time(self.random.randrange(1, 30), 0.05)

    def silence(self) -> None:
        """Nothing is heard for a while."""
        self.pass_time(self.random.randrange(2, 60), 1.0)
        self.pass_time(3, 0)

    def late(self) -> None:
        """Half-hours come late."""
        found = self.random.sample(sorted(self.missing), min(len(self.missing), self.random.randrange(1, 40)))
        self.missing -= set(found)
        self.store(found)

    def earlier(self) -> None:
        """The meter's record of before the first reading comes."""
        begin = self.first - self.random.randrange(1, 60) * HALF_HOUR
        if begin > self.house.start:
            self.store(list(range(begin, self.first, HALF_HOUR)))
            self.first = begin

    def correct(self) -> None:
        """The monitor corrects what it said of a half-hour."""
        slot = self.random.choice(sorted(self.given.made))
        self.given.made[slot] += 3
        store = Store(self.folder / "store")
        put(store, Point("hatuden", {"value": self.given.made[slot] / 10}, slot))
        store.close()

    def price(self) -> None:
        """The price changes, of the past too."""
        self.given.price = self.random.randrange(2000, 4000)
        self._configure()

    def away(self) -> None:
        """Home Assistant is away for weeks."""
        self.home.stop()
        self.pass_time(self.random.randrange(24, 24 * 10), 0.1)
        assert self.upload().returncode == 1
        self.home.start()

    def kill_home(self) -> None:
        """Home Assistant is killed while it is written to, or right after that."""
        self.live()
        process = self._process()
        sleep(self.random.uniform(0.1, 0.9))
        self.home.kill()
        process.communicate(timeout=120)
        self.home.start()

    def kill_at_success(self) -> None:
        """Home Assistant is killed as soon as it took hours."""
        self.live()
        assert self.upload().returncode in (0, 1)
        self.home.kill()
        self.home.start()

    def kill_homemon(self) -> None:
        """homemon is killed while it writes."""
        self.live()
        process = self._process()
        sleep(self.random.uniform(0.1, 0.7))
        process.kill()
        process.communicate(timeout=60)

    def back_up_home(self) -> None:
        """Home Assistant's database is copied."""
        self.home.stop()
        copy = self.folder / f"home-{len(self.copies)}.db"
        shutil.copy(self.home.back_up(), copy)
        self.copies.append(copy)
        self.home.start()

    def restore_home(self) -> None:
        """Home Assistant's database is put back as it was."""
        if self.copies:
            self.home.stop()
            self.home.restore(self.random.choice(self.copies))
            self.home.start()

    def back_up_store(self) -> None:
        """The store is copied."""
        copy = self.folder / f"store-{len(self.stores)}"
        shutil.copytree(self.folder / "store", copy, ignore=shutil.ignore_patterns("*.sock"))
        self.stores.append((copy, self.given.copy()))

    def drop(self) -> None:
        """What is older than keep_days is dropped; its hours stay where they are."""
        cut = self.first + self.random.randrange(1, 200) * HALF_HOUR
        for readings in (self.given.bought, self.given.sold, self.given.made, self.given.heated):
            for at in [at for at in readings if at < cut]:
                del readings[at]
        self.first, self.missing = min(self.given.bought), {at for at in self.missing if at >= cut}
        store = Store(self.folder / "store")
        with store.db.explained("written"), store.db.writing():
            store.db.execute("DELETE FROM point WHERE time < ?", (cut,))
        store.close()

    def restore_store(self) -> None:
        """The store is put back as it was; the meter has what came since."""
        if self.stores:
            copy, given = self.random.choice(self.stores)
            shutil.rmtree(self.folder / "store")
            shutil.copytree(copy, self.folder / "store")
            given.price = self.given.price
            slots = set(range(min(given.bought), self.now, HALF_HOUR)) - given.bought.keys()
            self.given, self.missing, self.first = given.copy(), slots, min(given.bought)
            self.store(sorted(slots)[-4:])
            self.missing -= set(sorted(slots)[-4:])

    # --- delivery -----------------------------------------------------------------

    def _process(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "homemon", "upload", "homeassistant"]
        output = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, stdout=output, stderr=output, text=True)

    def upload(self) -> subprocess.CompletedProcess[str]:
        process = self._process()
        said = "".join(process.communicate(timeout=300))
        assert "Traceback" not in said, said
        assert self.home.token not in said
        return subprocess.CompletedProcess([], process.returncode, said)

    def settle(self) -> str:
        """Deliver until nothing is lacking; what was said last."""
        for _ in range(TRIES):
            done = self.upload()
            if done.returncode == 0 and ", 0 " in done.stdout:
                return done.stdout.strip()
            sleep(1)
        raise AssertionError(done.stdout)

    def judged(self) -> list[str]:
        return list(faults(self.known(), self.home.statistics()))

    def known(self) -> Given:
        """What every hour is to equal."""
        return self.given

    def hours(self) -> int:
        """How many hours of all statistics that makes."""
        return sum(len(rows) for rows, _ in expected(self.known()).values())

    def events(self) -> "Mapping[Callable[[Any], None], int]":
        """What may happen, and how often."""
        return WEIGHTS


WEIGHTS: Mapping[Callable[[Storm], None], int] = {
    Storm.live: 4,
    Storm.silence: 2,
    Storm.late: 3,
    Storm.earlier: 1,
    Storm.correct: 2,
    Storm.price: 1,
    Storm.away: 1,
    Storm.kill_home: 3,
    Storm.kill_at_success: 3,
    Storm.kill_homemon: 3,
    Storm.back_up_home: 1,
    Storm.restore_home: 2,
    Storm.back_up_store: 1,
    Storm.restore_store: 2,
    Storm.drop: 2,
}


def storm(one: Storm, events: int) -> Iterator[tuple[str, str, list[str]]]:
    """Yield after each event its name, what the last delivery said, and what is wrong with the hours."""
    one.pass_time((one.until - one.now) // HOUR // 3, 0.02)
    one.back_up_store()
    one.back_up_home()
    weights = one.events()
    for number in range(events):
        event = one.random.choices(list(weights), list(weights.values()))[0] if number else Storm.live
        getattr(one, event.__name__)()
        yield event.__name__, one.settle(), one.judged()
