"""E-mail addresses: `ann@example.org` or `Ann Lee <ann@example.org>`, one on a line, as RFC 5322 has them."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.headerregistry import Address

ADDRESS_CHARACTERS_MAX = 254  # RFC 3696, erratum 1690
NAME_CHARACTERS_MAX = 100
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_NAMES = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_LOCAL})@({_NAMES}(?:\.{_NAMES})*)")
_NAMED = re.compile(r"([^<>]*)<([^<>\s]+)>")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def is_address(text: str) -> bool:
    """Whether mail can be sent to this bare address. Domains in another script are written as `xn--...`."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and len(text) <= ADDRESS_CHARACTERS_MAX and len(found[1]) <= 64


def mailbox(text: str) -> Address:
    """The address with its name, if it has one; ValueError when mail cannot be sent there."""
    named = _NAMED.fullmatch(text.strip())
    name, bare = (named[1], named[2]) if named else ("", text.strip())
    if not is_address(bare):
        raise ValueError("an e-mail address looks like ann@example.org or Ann Lee <ann@example.org>")
    try:
        return Address(display_name=one_line(name).strip('" ')[:NAME_CHARACTERS_MAX], addr_spec=bare)
    except HeaderParseError as error:
        raise ValueError(f"{bare} is not an e-mail address") from error


def one_line(text: str) -> str:
    """The text on one line, so that no header can begin in it.

    Line breaks and other control characters become spaces, and `=?` is taken apart: the standard library would decode
    an encoded word, with the line breaks that are in it, and write it out again.
    """
    return " ".join(_CONTROLS.sub(" ", text).replace("=?", "= ?").split())
