"""config.ini, changed where that is asked for; every other byte stays: comments, order, line ends, mode and owner.

Each change is verified: the file must read as before, but for what was changed. One that is laid out in a way that
this cannot follow is left alone.
"""

import configparser
import errno
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from homemon.config.read import parse
from homemon.config.values import straightened
from homemon.core.errors import ConfigError
from homemon.core.files import make_dir, replace_file

BOM = b"\xef\xbb\xbf"
BY_HAND = "its layout is unusual; write {} into it by hand"


class Change(NamedTuple):
    """What a key is to say. An empty key only makes sure that the section is there."""

    section: str
    key: str = ""
    value: str = ""


def replace_address(path: Path, address: str) -> None:
    """Write `address` into the line `[smartmeter] address = …`. Raise OSError where that cannot be done."""
    change = Change("smartmeter", "address", address)
    try:
        change_file(path, [change])
    except ConfigError:
        raise OSError(errno.EINVAL, BY_HAND.format(_named([change]))) from None


def change_file(path: Path, changes: Sequence[Change]) -> None:
    """Make the changes in the file, which is replaced atomically; a new one is for its owner alone.

    Raise OSError when the file or its folder cannot be written, or when the result would not say the same in all
    other respects; ConfigError when it would be wrong.
    """
    original = path.read_bytes() if path.exists() else b""
    changed = edited(original, changes, path)
    if changed == original:
        return
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it is not writable")
    make_dir(path.parent, 0o700)
    replace_file(path.resolve(), changed)


def close(path: Path) -> bool:
    """Take the file from everybody but its owner, who we must be; return whether others had it. Raise OSError."""
    status = path.stat() if path.exists() else None
    if status is None or status.st_uid != os.geteuid() or not status.st_mode & 0o077:
        return False
    path.chmod(status.st_mode & 0o700)
    return True


def edited(original: bytes, changes: Sequence[Change], path: Path) -> bytes:
    """Return the content with the changes made; `path` is for messages. Raise OSError and ConfigError as above."""
    before, changed = _sections(original), original
    for section in dict.fromkeys(change.section for change in changes if change.section not in before):
        changed = _with_section(changed, section.encode())
    for change in reversed(changes):  # each new line is the first of its section
        if change.key and before.get(change.section, {}).get(change.key) != change.value:
            changed = _with(changed, change)
    if _sections(changed) != _merged(before, changes):
        raise OSError(errno.EINVAL, BY_HAND.format(_named(changes)))
    parse(changed.decode("utf-8-sig"), path)
    return changed


def _named(changes: Iterable[Change]) -> str:
    return ", ".join(f"`{change.key}`" if change.key else f"[{change.section}]" for change in changes)


Sections = dict[str, dict[str, str]]


def _sections(content: bytes) -> Sections:
    """Return what configparser reads, by section and key. Raise ConfigError where it reads nothing."""
    parser = configparser.ConfigParser(
        interpolation=None, strict=False, default_section="", empty_lines_in_values=False
    )
    try:
        parser.read_string(straightened(content.decode("utf-8-sig")))
    except (configparser.Error, UnicodeDecodeError):
        raise ConfigError("config.ini cannot be read", "`homemon check` says why.") from None
    return {name: dict(parser[name]) for name in parser.sections()}


def _merged(before: Mapping[str, Mapping[str, str]], changes: Iterable[Change]) -> Sections:
    wanted = {section: dict(keys) for section, keys in before.items()}
    for section, key, value in changes:
        wanted.setdefault(section, {}).update({key: value} if key else {})
    return wanted


_NEXT_SECTION = re.compile(rb"(?m)^[ \t]*\[")
_INDENT = re.compile(rb"(?m)^([ \t]*)[^\s#;]")


def _with(content: bytes, change: Change) -> bytes:
    """Return `content` with the change in its line; as it is where the section is not found."""
    name, key, value = (part.encode() for part in change)
    head = re.compile(rb"(?m)^(?:\xef\xbb\xbf)?[ \t]*\[" + re.escape(name) + rb"\][^\r\n]*(\r?\n|$)")
    section = head.search(content)
    if section is None:
        return content
    following = _NEXT_SECTION.search(content, section.end())
    end = following.start() if following else len(content)
    there = re.compile(rb"(?im)^([ \t]*" + re.escape(key) + rb"[ \t]*[=:][ \t]*)([^\r\n]*)")
    if line := there.search(content, section.end(), end):
        return content[: line.start(2)] + value + content[line.end(2) :]
    return _with_line(content, section, end, key + b" = " + value)


def _with_section(content: bytes, name: bytes) -> bytes:
    """Return `content` with a section of that name, without keys, at its end."""
    newline = b"\r\n" if b"\r\n" in content else b"\n"
    ended = content if content.endswith(b"\n") or content in (b"", BOM) else content + newline
    apart = newline if ended not in (b"", BOM) else b""
    return ended + apart + b"[" + name + b"]" + newline


def _with_line(content: bytes, section: re.Match[bytes], end: int, line: bytes) -> bytes:
    """Return `content` with a line more in the section that begins with the match and ends at `end`: its first one."""
    start = section.end()
    indent = _INDENT.search(content, start, end)
    lead = b"" if section[1] else b"\n"
    return content[:start] + lead + (indent[1] if indent else b"") + line + (section[1] or b"\n") + content[start:]
