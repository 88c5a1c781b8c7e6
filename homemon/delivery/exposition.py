"""Prometheus' text format, version 0.0.4.

Source: "Exposition formats" of Prometheus' documentation. No sample has a time: node_exporter's textfile collector
refuses a file with one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from homemon.core.points import Number, number_text

PREFIX = "homemon_"
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_]+")
_IN_HELPS = str.maketrans({"\\": "\\\\", "\n": "\\n"})
_IN_VALUES = _IN_HELPS | str.maketrans({'"': '\\"'})


class Sample(NamedTuple):
    """A value, in the unit that its family's name ends with, and the labels that tell it from others."""

    value: Number | Decimal
    labels: Mapping[str, str] = {}


class Family(NamedTuple):
    """Samples of one metric. `name` goes without `PREFIX`; `help` is a line for people, `type` gauge or counter."""

    name: str
    help: str
    samples: tuple[Sample, ...]
    type: str = "gauge"


def text(families: Iterable[Family]) -> str:
    """Return families as text that ends with a newline; those without a sample are left out.

    Of samples with the same labels the first stands: a scrape with two of them is refused as a whole.
    """
    return "".join(f"{line}\n" for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    name = PREFIX + family.name
    yield f"# HELP {name} {family.help.translate(_IN_HELPS)}"
    yield f"# TYPE {name} {family.type}"
    shown = {_labels(sample.labels): sample.value for sample in reversed(family.samples)}
    yield from (f"{name}{labels} {_number(shown[labels])}" for labels in reversed(shown))


def _labels(labels: Mapping[str, str]) -> str:
    """Return labels as they stand behind a name: `{a="1",b="2"}`, or the empty text."""
    pairs = ",".join(f'{name}="{value.translate(_IN_VALUES)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _number(value: Number | Decimal) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else number_text(value)


def label_name(name: str, taken: Iterable[str] = ()) -> str:
    """Return a tag's name as a label may have it: of letters, digits and `_`, which is not first, and not `taken`."""
    fit = _NOT_IN_A_NAME.sub("_", name).strip("_")
    return fit if fit and not fit[0].isdigit() and fit not in taken else f"tag_{fit}"
