"""A short storm over the small Home Assistant; those over real ones are `python -m tests.longrun.home_assistant`."""

from pathlib import Path

import pytest

from tests.longrun.home_assistant.small import SmallOne
from tests.longrun.home_assistant.storm import Storm, storm


@pytest.mark.parametrize("seed", [1, 2])
def test_every_hour_equals_what_was_given_after_each_event(tmp_path: Path, seed: int) -> None:
    home = SmallOne(tmp_path)
    home.start()
    try:
        events = list(storm(Storm(home, tmp_path / "house", seed, 9), 20))
    finally:
        home.kill()
    assert [(event, found[:3]) for event, _, found in events if found] == []
