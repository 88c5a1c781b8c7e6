r"""The module's lines out of a line of a log, whatever a program wrote around them.

    2025-11-26 17:00:01 b'ERXUDP FE80:… 0012 \x10\x81…\r\n'   Python's repr; so Ruby's, Go's, Rust's and JSON's
    ['ERXUDP', 'FE80:…', …, '0012', '1081…']                  the words of a line, as a list
    ESC[32m[D] << ERXUDP FE80:… 0012 10 81 …ESC[0m            colours, a logger's prefix, hex with spaces
    <<< 45:52:58:55:44:50:20:…                                 the line itself in hex, or as decimal numbers

A datagram ends where its own LEN says, so what stands behind it does not count; one that is shorter, or longer
without a break, is none. Its payload may be in hex, in raw bytes, or a list of numbers. Addresses that somebody
made illegible (XXXX, ****, <omitted>) are read as zeros.
"""

import re
from collections.abc import Callable, Iterator
from ipaddress import AddressValueError, IPv6Address

from homemon.skstack.lines import Happening, Noise, Parser

DEEPEST = 3  # quotations in one another: a repr in JSON in a log's JSON
PAN_NAMES = ("Channel Page", "Channel", "Pan ID", "Addr", "LQI", "Side", "PairID")

_ANSI = re.compile(r"(?:\x1b|\\(?:x1[bB]|033|e|u001[bB]|u\{1[bB]\}))\[[0-9;?]*[A-Za-z]")
_APART = r"(?:[\s,;|\[\](){}'\"]|\\[t'\"]|b(?=['\"]))+(?:[A-Za-z_]{2,14}['\"]?\s*[=:]\s*(?:b?['\"])?)?"
_IP = (
    r"((?:[0-9A-Fa-fXx*]{4}:){7}[0-9A-Fa-fXx*]{4}"
    r"|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,5}::[0-9A-Fa-f:]{1,30}|<[^<>]{0,40}>)"
)
_MAC = r"([0-9A-Fa-f]{16}|[0-9A-Fa-fXx*]{12,20}|<[^<>]{0,40}>)"
_HEAD = re.compile(
    _APART.join(("ERXUDP", _IP, _IP, "([0-9A-Fa-f]{4})", "([0-9A-Fa-f]{4})", _MAC, ""))
    + rf"(?:([0-9A-Fa-f]{{2}}){_APART})?([0-9A-Fa-f]){_APART}(?:([0-9A-Fa-f]){_APART})?([0-9A-Fa-f]{{4}}){_APART}"
)
_EVENT = re.compile(
    rf"EVENT{_APART}([0-9A-Fa-f]{{2}}){_APART}{_IP}(?:{_APART}([01]))?(?:{_APART}([0-9A-Fa-f]{{2}}))?(?![0-9A-Za-z:])"
)
_EINFO = re.compile(
    _APART.join(("EINFO", _IP, _MAC, "([0-9A-Fa-f]{2})", "([0-9A-Fa-f]{4})", "([0-9A-Fa-f]{1,4})(?![0-9A-Za-z])"))
)
_BRIEF = re.compile(r"FAIL ER[0-9]{2}(?![0-9A-Za-z])|EVER [0-9][0-9A-Za-z.-]*|EPANDESC(?=$|\\[rn]|['\"\s])")
_START = re.compile(r"ERXUDP|\b(?:EVENT|EINFO|FAIL|EVER|EPANDESC)\b")
_BEHIND = r"(?:\\[rn]|[\s'\",;\])}])*$"  # what may close a quotation
_FIELD = re.compile(rf"(?:^|.*?[\s'\"<>|\]:])({'|'.join(PAN_NAMES)}):\s*([0-9A-Fa-fXx*]+){_BEHIND}", re.DOTALL)
_REST = re.compile(rf"(?:^|[<>:|\])=-]\s*)((?:OK|SK[A-Z]|[RW]OPT|FE80:)[^'\"\\]*?){_BEHIND}")
_QUOTED = re.compile(r"(?:(?<![0-9A-Za-z])|(?<=\b[bBrRuU]))(['\"])((?:\\.|(?!\1).)*)(\1|$)", re.DOTALL)
_FRAME = re.compile(r"(?<![0-9A-Fa-f])(?:0x)?(1081[0-9A-Fa-f]{20,})(?! ?[0-9A-Fa-f])")
_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,5})\}|([0-3][0-7]{2})|([abtnvfre0\\'\"/]))"
)
_NAMED = dict(zip("abtnvfre0", "\a\b\t\n\v\f\r\x1b\0", strict=True))
_BYTE = re.compile(r"[\s:,_'\"\[\]-]*(?:0[xX])?([0-9A-Fa-f]{2})")
_PAIRS = re.compile(r"(?<![0-9A-Za-z])(?:(?:0[xX])?[0-9A-Fa-f]{2}[ :,-]{0,2}){8,}(?![0-9A-Za-z])")
_DECIMALS = re.compile(r"\b[0-9]{1,3}(?:(?:, ?| )[0-9]{1,3}){7,}\b")
_LINE_STARTS = (b"ERXUDP", b"EVENT ", b"EPANDES", b"EINFO ", b"FAIL ER", b"EVER ", b"OK", b"SK", b"  ")
EHD = b"\x10\x81"
END = "\uffff"  # stands where a quotation ended: no byte of a payload
JUNK = b" '\"\\\r\n)]},"  # that may stand behind a payload: one that ends so may have ended before
_NO_UTF8 = re.compile("[\udc80-\udcff]")  # as `as_text` keeps such bytes
CHARSETS = ("euc_jp", "cp932")
SCRIPT_WORDS = re.compile(
    r"\s*(?:$|#|瞬時電力計測値|正方向定時積算電力量|Other (?:EPC|ESV|SEOJ): |Not ERXUDP|unknown: |[0-9.]+kWh"
    r"|[0-9]+: \[|[0-9/]{10} [0-9:]{8} -> |[0-9]+(?:, [0-9]+){2}$)"
)
"""What the original scripts print for a person, and comments."""


def as_text(raw: bytes) -> str:
    """Return a line of a file as text; bytes that are no UTF-8 stay as surrogates. UTF-16 loses its NULs."""
    if raw.count(0) * 3 > len(raw):
        raw = raw.replace(b"\0", b"").removeprefix(b"\xff\xfe")
    return raw.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def as_bytes(text: str) -> bytes:
    """Return the bytes that `as_text` made `text` of; surrogates that are no such bytes become question marks."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def readable(data: bytes) -> str:
    """Return bytes of a log as text: UTF-8, EUC-JP or CP932, with bytes that are none of these as `\\xNN`."""
    text = as_text(data)
    broken = len(_NO_UTF8.findall(text))
    if broken and broken * 2 > sum(not character.isascii() for character in text):
        text = next((found for charset in CHARSETS if (found := _decoded(data, charset))), text)
    return _NO_UTF8.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02X}", text)


def _decoded(data: bytes, charset: str) -> str:
    try:
        text = data.decode(charset)
    except UnicodeDecodeError:
        return ""
    return text if any(character.isprintable() and not character.isascii() for character in text) else ""


def spoken(line: bytes) -> list[Happening]:
    """Return what the module said on one line of its own."""
    return Parser().feed(line.rstrip(b"\r\n") + b"\r\n")


def is_script(raw: bytes) -> bool:
    """Return whether a line is what the original scripts print for a person, or a comment."""
    return SCRIPT_WORDS.match(readable(raw)) is not None


def unwrapped(text: str) -> list[str]:
    """Return the module's lines that stand on one line of a log, as the module wrote them; `text` alone where none do.

    The line may hold a bare ECHONET Lite frame too: that is given in hex.
    """
    if _is_sound(text):
        return [text]
    plain = _ANSI.sub("", text)
    for _ in range(DEEPEST + 1):
        if found := list(_lines(plain)) or _quoted(plain) or _from_numbers(plain):
            return found
        if (peeled := _peeled(plain)) == plain:
            break
        plain = _ANSI.sub("", peeled)
    frame = None if "ERXUDP" in text else _FRAME.search(text)
    return [frame[1]] if frame else [text]


def _peeled(text: str) -> str:
    """Return what the quotation around the module's line contains, and those behind; else all, without escapes."""
    start = _START.search(text)
    if start is None:
        return unescaped(text)
    at = start.start()
    outer = [quotation.start() for quotation in _QUOTED.finditer(text) if quotation.start() < at < quotation.end()]
    nearest = [quote.start() for quote in re.finditer(r"(?<!\\)['\"]", text[:at])]
    if not (outer or nearest):
        return unescaped(text)
    peeled = ""
    for quotation in _QUOTED.finditer(text, (outer or nearest)[-1]):
        peeled += unescaped(quotation[2])
        if not quotation[3] or quotation[2].endswith("\\"):  # what looked like its end may be an escaped mark
            break
        peeled += END
    return peeled


def unescaped(text: str) -> str:
    r"""Return `text` with the escapes of Python, C, Go, Ruby, Rust and JSON resolved: `\x10`, `\u0010`, `\r`."""
    return _ESCAPE.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    byte, short, braced, octal, name = match.groups()
    if name:
        return _NAMED.get(name, name)
    code = int(octal, 8) if octal else int(byte or short or braced, 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _is_sound(text: str) -> bool:
    """Return whether a parser of the module's own lines accepts all of it."""
    found = spoken(as_bytes(text))
    return bool(found) and not any(isinstance(event, Noise) for event in found)


def _lines(text: str) -> Iterator[str]:
    """Yield each line that is whole by itself, and the rest of one that is not, where another is."""
    begun, last = 0, ""
    for start in _START.finditer(text):
        if start.start() >= begun and (whole := _line_at(text, start.start())):
            yield from _torn(text[begun : start.start()])
            last, begun = whole
            yield last
    if last == "EPANDESC":
        yield from (f"  {name}:{value}" for name, value in _PAN_IN_TEXT.findall(text, begun))
    elif last:
        yield from _torn(text[begun:])
    elif field := _FIELD.fullmatch(text):
        yield f"  {field[1]}:{field[2]}"
    elif (rest := _REST.search(text)) and _is_sound(rest[1]):
        yield rest[1]


def _torn(text: str) -> list[str]:
    """Return a datagram's line that is not whole, among what lies between others."""
    at = text.find("ERXUDP")
    return [text[at:].replace(END, "")] if at >= 0 else []


_PAN_IN_TEXT = re.compile(rf"\s({'|'.join(PAN_NAMES)}):\s*([0-9A-Fa-f]+)")


def _line_at(text: str, at: int) -> tuple[str, int] | None:
    """Return the whole line of the module that begins here, and where it ends."""
    if text.startswith("ERXUDP", at):
        return _datagram(text, at)
    for pattern, word in ((_EVENT, "EVENT"), (_EINFO, "EINFO")):
        if found := pattern.match(text, at):
            words = [_address(part) if ":" in part or "<" in part else part.upper() for part in found.groups() if part]
            return " ".join((word, *words)), found.end()
    brief = _BRIEF.match(text, at)
    return (brief[0], brief.end()) if brief else None


def _datagram(text: str, at: int) -> tuple[str, int] | None:
    head = _HEAD.match(text, at)
    if head is None:
        return None
    sender, destination, rport, lport, mac, rssi, secured, side, length = head.groups()
    size = int(length, 16)
    for read in (_digits, _decimals, _pairs, _raw):
        if found := read(text, head.end(), size):
            break
    else:
        return None
    mac = mac if re.fullmatch("[0-9A-Fa-f]{16}", mac) else "0" * 16
    words = (_address(sender), _address(destination), rport, lport, mac, rssi, secured, side, length)
    line = " ".join(word.upper() for word in ("ERXUDP", *words, found[0].hex()) if word)
    return line, found[1]


def _address(text: str) -> str:
    """Return an address with all its digits; zeros for one that is illegible."""
    try:
        return IPv6Address(text).exploded.upper()
    except AddressValueError:
        return ":".join(["0000"] * 8)


Payload = Callable[[str, int, int], tuple[bytes, int] | None]


def _digits(text: str, at: int, size: int) -> tuple[bytes, int] | None:
    """Return a payload in hex without gaps."""
    at += 2 if text.startswith(("0x", "0X"), at) else 0
    end = at + 2 * size
    whole = re.fullmatch(f"[0-9A-Fa-f]{{{2 * size}}}", text[at:end])
    return (bytes.fromhex(whole[0]), end) if whole and not re.match("[0-9A-Fa-f]", text[end:]) else None


def _decimals(text: str, at: int, size: int) -> tuple[bytes, int] | None:
    """Return a payload as a list of numbers, [16, 129, …]."""
    found = re.compile(rf"\s*16(?:\s*[, ]\s*[0-9]{{1,3}}){{{max(0, size - 1)}}}(?![0-9])").match(text, at)
    numbers = [int(number) for number in re.findall("[0-9]+", found[0])] if found else []
    return (bytes(numbers), found.end()) if found and numbers[1:2] == [129] and max(numbers) < 256 else None


def _pairs(text: str, at: int, size: int) -> tuple[bytes, int] | None:
    """Return a payload in hex with gaps; a long run of digits followed by anything else is not one."""
    if re.match("(?:0[xX])?[0-9A-Fa-f]{5}", text[at:]):
        return None
    data = bytearray()
    for _ in range(size):
        if (pair := _BYTE.match(text, at)) is None:
            return None
        data.append(int(pair[1], 16))
        at = pair.end()
    return None if re.match("[0-9A-Fa-f]", text[at:]) else (bytes(data), at)


def _raw(text: str, at: int, size: int) -> tuple[bytes, int] | None:
    """Return a payload as it is: bytes, or characters that stand for bytes."""
    rest = as_bytes(text[at:])
    if END not in text and len(rest) >= size and _ends(rest[:size], rest[size : size + 1]):
        return rest[:size], at + len(as_text(rest[:size]))
    characters = text[at : at + size]
    if len(characters) == size and all(character <= "\xff" for character in characters):
        data, behind = characters.encode("latin-1"), text[at + size : at + size + 1]
        if _ends(data, b"\n" if behind == END else as_bytes(behind)):
            return data, at + size
    return None


def _ends(data: bytes, behind: bytes) -> bool:
    """Return whether a raw payload ends here."""
    if not data.startswith(EHD):
        return False
    return behind in (b"\r", b"\n") or (data[-1:] not in JUNK and behind in (b"", b" ", b"'", b'"', b"\\", b"\x1b"))


def _quoted(text: str) -> list[str]:
    """Return the lines in quotation marks, each whole, such as 'OK' and "SKVER"; frames in them in hex."""
    found: list[str] = []
    for quotation in _QUOTED.finditer(text):
        inside = unescaped(quotation[2]).replace(END, "")
        if _START.search(inside):
            continue
        if re.match("\x10\x81[\0-\xff]{10}", inside):
            found.append(inside.encode("latin-1", "replace").hex().upper())
        elif inside.endswith(("\r", "\n")) or re.match("(?:OK|SK[A-Z]|[RW]OPT)", inside):
            lines = [line for line in re.split("[\r\n]+", inside) if line.strip()]
            found += [line for line in lines if _is_sound(line)]
    return found


def _from_numbers(text: str) -> list[str]:
    """Return the lines that a run of bytes spells, in hex or in decimal."""
    for found in (*_PAIRS.finditer(text), *_DECIMALS.finditer(text)):
        words = re.findall("[0-9A-Fa-f]+", found[0])
        try:
            hexadecimal = re.sub("0[xX]|[^0-9A-Fa-f]", "", found[0])
            data = bytes(map(int, words)) if found.re is _DECIMALS else bytes.fromhex(hexadecimal)
        except ValueError:
            continue
        if data.lstrip(b"\r\n").startswith(_LINE_STARTS):
            spelled = data.decode("latin-1").strip("\r\n")
            return list(_lines(spelled)) or [line for line in re.split("[\r\n]+", spelled) if _is_sound(line)]
    return []
