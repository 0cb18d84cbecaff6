"""What a payment provider does for us. Card data are typed on the provider's own page and never reach this server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from models.vocabulary import PaymentReason


class ProviderSilent(Exception):  # noqa: N818 - read as a sentence where it is raised.
    """The provider gave no answer that can be relied on: what was asked may have happened or not."""


class ProviderRefused(Exception):  # noqa: N818 - read as a sentence where it is raised.
    """The provider turned the request down, so nothing happened; the message says why, for the log."""


class NotSigned(Exception):  # noqa: N818 - read as a sentence where it is raised.
    """A message that claims to come from the provider, and does not."""


class Standing(StrEnum):
    """How a checkout stands."""

    OPEN = "open"  # it can still be paid
    PAID = "paid"
    ENDED = "ended"  # it was not paid, and can no longer be


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be paid. `id` is the attempt's: the provider makes one checkout of it, however often it is asked.

    `description` is seen on the provider's page and statements, so it names nobody and nothing clinical.
    """

    id: str
    practice_id: str
    amount_cents: int
    description: str
    return_url: str
    until: datetime
    language: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """The provider's page for one order. `url` is a path of this site, or an https:// address elsewhere."""

    reference: str
    url: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a checkout. `method` in words (Visa ending in 4242), `charge` the provider's number of it."""

    standing: Standing
    amount_cents: int = 0
    charge: str | None = None
    method: str = ""
    reason: PaymentReason | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """A provider's message that something happened to an order; what, it is then asked."""

    practice_id: str
    attempt_id: str


class PaymentProvider(Protocol):
    """One way to take cards. Every method but `heard` raises ProviderSilent and ProviderRefused."""

    name: str

    async def start(self, order: Order) -> Checkout:
        """The checkout of an order; the same one for the same order."""
        ...

    async def outcome(self, reference: str) -> Outcome:
        """How a checkout stands."""
        ...

    async def cancel(self, reference: str) -> None:
        """See to it that a checkout can no longer be paid; one that was paid stays paid."""
        ...

    def heard(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Word | None:
        """What a message of the provider is about, None for one that does not matter; NotSigned for a forged one."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
