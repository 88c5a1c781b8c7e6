"""An account of something: facts for a program, lines for a person."""

from typing import Any, NamedTuple

from homemon.core.errors import WireError

INDENT = "  "


class Account(NamedTuple):
    """`facts` go into JSON as they are; of `lines` the first is a headline. `sense` is False where there is none."""

    facts: dict[str, Any]
    lines: list[str]
    sense: bool = True


def stops(error: WireError) -> tuple[dict[str, Any], str]:
    """Return where something stops making sense, as a fact and as a line."""
    text = str(error).partition(": ")[2]
    return {"offset": error.offset, "text": text}, f"makes sense up to byte {error.offset}: {text}"


def no_sense(what: str, error: WireError) -> Account:
    """Return the account of something in which nothing makes sense."""
    fact, _ = stops(error)
    return Account({"type": what, "error": fact}, [str(error)], False)


def indented(lines: list[str]) -> list[str]:
    return [INDENT + line for line in lines]
