"""Text from outside, such as a device's answer or a file's line, as a terminal may show it."""

IDEOGRAPHIC_SPACE = "\u3000"  # the one space other than ASCII's that Japanese text is full of


def printable(text: str) -> str:
    r"""Return `text` as one line that moves no cursor: what is not printable as `\xNN`, `\uNNNN` or `\UNNNNNNNN`.

    Control characters are among that, and those that change the direction of writing. Printable text is
    returned as it is, so it does no harm to call this twice.
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable() or character == IDEOGRAPHIC_SPACE:
        return character
    code = ord(character)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
