"""How something was paid is said in the reader's language."""

from __future__ import annotations

import pytest

from gateway.payments.methods import paid_with
from gateway.web.language import speaking


@pytest.mark.parametrize(
    ("kept", "english", "spanish"),
    [
        ("Visa ending in 4242", "Visa ending in 4242", "Visa terminada en 4242"),
        ("Card ending in 0119", "Card ending in 0119", "Tarjeta terminada en 0119"),
        ("Bank transfer", "Bank transfer", "Transferencia bancaria"),
        ("Card", "Card", "Tarjeta"),
        ("Gift of a neighbor", "Gift of a neighbor", "Gift of a neighbor"),
    ],
)
def test_a_payment_is_named_in_the_language_spoken(kept: str, english: str, spanish: str) -> None:
    assert paid_with(kept) == english
    with speaking("es"):
        assert paid_with(kept) == spanish
