"""Write docs/commands.md and docs/man/homemon.1 from what the commands say of themselves: `make docs`.

The first is the text of each `--help`. The second is the same in roff (groff_man(7)), from the same
click commands: their help, their options, and a few lines on files and the environment.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import wrap

import click

from homemon import __version__
from homemon.cli.commands import GROUPS
from homemon.cli.main import homemon
from homemon.config.keys import DEFAULT_DIR
from homemon.config.place import PLACES
from homemon.storage.database import FILE

DOCS = Path(__file__).parent.parent / "docs"
WIDTH = 100
HEAD = """\
# Commands

What `homemon --help` and each command's own `--help` say; `man homemon` says the same. Made by `make docs`.
"""


def contexts(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[click.Context]:
    """A command and all below it, each in a context that knows its whole name and a fixed width."""
    settings = {"terminal_width": WIDTH, "max_content_width": WIDTH, **command.context_settings}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            below = command.get_command(context, child)
            assert below is not None
            yield from contexts(below, child, context)


TOP, *BELOW = contexts(homemon, "homemon")


def by_group() -> Iterator[tuple[str, list[click.Context]]]:
    """The groups of `homemon --help`, each with its commands and what stands below those."""
    for group, names in GROUPS.items():
        yield group, [context for context in BELOW if context.command_path.split()[1] in names]


# --- docs/commands.md ------------------------------------------------------------------


def markdown() -> str:
    """The page."""
    parts = [HEAD, fenced(TOP)]
    for group, members in by_group():
        parts.append(f"## {group}\n")
        parts += [f"### {context.command_path}\n\n{fenced(context)}" for context in members]
    return "\n".join(parts)


def fenced(context: click.Context) -> str:
    return f"```text\n{context.get_help()}\n```\n"


# --- docs/man/homemon.1 ------------------------------------------------------------------


def manual() -> str:
    """The manual page."""
    lines = [
        f'.TH HOMEMON 1 "" "homemon {__version__}" "User Commands"',
        ".SH NAME",
        f"homemon {roff('-')} {roff(first_line(TOP).rstrip('.'))}",
        ".SH SYNOPSIS",
        *usage(TOP),
        ".SH DESCRIPTION",
        *prose(TOP.command.help),
        ".SH OPTIONS",
        *options(TOP),
    ]
    for group, members in by_group():
        lines.append(f".SH {group.upper()}")
        for context in members:
            lines += [f'.SS "{roff(context.command_path)}"', *usage(context), *prose(context.command.help)]
            lines += [*options(context), *prose(context.command.epilog)]
    lines += [".SH ENVIRONMENT", *listed(ENVIRONMENT.items())]
    lines += [".SH FILES", *listed(FILES.items())]
    lines += [".SH SEE ALSO", *prose("The folder docs of the source: config.md, data.md, operations.md, hardware.md.")]
    return "\n".join(lines) + "\n"


ENVIRONMENT = {
    "HOMEMON_CONFIG": "The configuration, where --config names none.",
    "XDG_CONFIG_HOME": "The folder in place of ~/.config.",
    "XDG_STATE_HOME": "The folder in place of ~/.local/state, unless homemon's own is there already.",
    "NO_COLOR": "Nothing is in colours, where it is not empty.",
    "LC_ALL, LC_MESSAGES, LANG": "The language of what people read: Japanese, else English.",
}
FILES = {
    ", ".join(PLACES): "The configuration: the first of these that exists.",
    f"{DEFAULT_DIR}/{FILE}": "The store: all readings, and which of them the server still lacks.",
    f"{DEFAULT_DIR}/state.toml": "What was learned of the meter (address, channel, PAN ID, unit) and of the EcoCute.",
}


def first_line(context: click.Context) -> str:
    return (context.command.help or "").split("\n")[0]


def usage(context: click.Context) -> Iterator[str]:
    pieces = " ".join(context.command.collect_usage_pieces(context))
    yield f".B {roff(context.command_path)}"
    yield roff(pieces)


def prose(text: str | None) -> Iterator[str]:
    """Paragraphs; one that click is to leave as it is (a line of backspace) keeps its lines."""
    for paragraph in re.split(r"\n{2,}", (text or "").strip()):
        if paragraph.startswith("\b"):
            yield from (".PP", ".nf", *map(roff, paragraph.split("\n")[1:]), ".fi")
        elif paragraph:
            yield ".PP"
            yield from map(roff, wrap(" ".join(paragraph.split()), 76, break_on_hyphens=False))


def options(context: click.Context) -> Iterator[str]:
    """Its options; --help once is enough."""
    own = context.command.get_params(context) if context is TOP else context.command.params
    records = (option.get_help_record(context) for option in own if isinstance(option, click.Option))
    return listed(record for record in records if record is not None)


def listed(entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, text in entries:
        yield from (".TP", f".B {roff(term)}", *map(roff, wrap(text, 76, break_on_hyphens=False)))


def roff(line: str) -> str:
    """A line of text as roff wants it: nothing in it is a request, an escape or a hyphen to break at."""
    line = line.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    line = re.sub("[^\n -~]", lambda match: f"\\[u{ord(match[0]):04X}]", line)
    return f"\\&{line}" if line.startswith((".", "'")) else line


WRITTEN = {DOCS / "commands.md": markdown, DOCS / "man" / "homemon.1": manual}

if __name__ == "__main__":
    for path, make in WRITTEN.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(make(), "utf-8")
