"""How something was paid, in the reader's language; it is kept in words, as the card's name and its last digits."""

from __future__ import annotations

import re

from gateway.web.language import N_, _

_CARD = re.compile(r"(.+) ending in (\S+)")
_KNOWN = frozenset({N_("Card"), N_("Bank transfer")})


def paid_with(method: str) -> str:
    """The words of a `Payment.method`; a card keeps its name, and what a practice wrote itself stays as it is."""
    card = _CARD.fullmatch(method)
    if card is not None:
        return _("%(card)s ending in %(digits)s", card=paid_with(card[1]), digits=card[2])
    return _(method) if method in _KNOWN else method
