"""Write config.ini from the add-on's options, and print what is to run, a line each: `keep …` or `every SECONDS …`.

    python3 options.py /data/options.json /data/homemon/config.ini

Secrets are in config.ini alone, which nobody else can read. Exit with 1, naming the option, where a value is more than
a line.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LOCALES = {"ja": "ja_JP.UTF-8", "en": "C.UTF-8"}
JOBS: Mapping[str, tuple[str, ...]] = {
    "smartmeter": ("keep meter-listen --poll 60",),
    "ecocute": ("keep ecocute-listen", "every 600 ecocute-poll"),
    "kyocera": ("every 1800 kyocera-dump",),
    "notify": ("every 300 notify",),
}
"""By the section that they need."""
ALWAYS = "keep serve --bind 0.0.0.0"
HEAD = "# Written anew from the options of the add-on at each start.\n"


def sections(options: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name and the keys of each section of config.ini."""
    for name, value in options.items():
        if isinstance(value, list):
            yield from ((f"{name} {each['since']}", without("since", each)) for each in value)
        elif isinstance(value, dict) and value.get("enabled", any(map(filled, value.values()))):
            yield name, without("enabled", value)


def without(key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key and filled(value)}


def filled(value: Any) -> bool:
    return value not in (None, "")


def config(options: Mapping[str, Any]) -> str:
    """Return config.ini. Raise ValueError naming the option that is more than a line."""
    return HEAD + "".join(f"\n[{name}]\n" + "".join(lines(name, keys)) for name, keys in sections(options))


def lines(section: str, keys: Mapping[str, Any]) -> Iterator[str]:
    for key, value in keys.items():
        if len(f"{value}".splitlines()) != 1:
            raise ValueError(f"{section}: {key}: must be a single line")
        yield f"{key} = {value}\n"


def jobs(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is to run, each with the command that run.sh starts."""
    lang = LOCALES[options.get("language", "ja")]
    for name, _ in sections(options):
        yield from (started(job, lang) for job in JOBS.get(name, ()))
    yield started(ALWAYS, lang)


def started(job: str, lang: str) -> str:
    how, *words = job.split()
    at = 1 if how == "every" else 0
    return " ".join((how, *words[:at], "env", f"LANG={lang}", "homemon", "-q", *words[at:]))


def write(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, never half of it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def main(source: Path, target: Path) -> int:
    options = json.loads(source.read_text("utf-8"))
    try:
        write(target, config(options))
    except ValueError as error:
        print(f"the add-on's options: {error}", file=sys.stderr)
        return 1
    print(*jobs(options), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
