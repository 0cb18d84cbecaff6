"""Which provider takes cards here, by the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.payments.local import LocalProvider
from gateway.payments.stripe import StripeProvider

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.payments.provider import PaymentProvider
    from gateway.records.store import RecordsStore
    from gateway.settings import Settings


def open_provider(settings: Settings, store: RecordsStore, clock: Callable[[], datetime]) -> PaymentProvider | None:
    """The provider, or None where nobody can pay in the portal."""
    if settings.payments == "stripe":
        return StripeProvider(settings.stripe_secret_key, settings.stripe_webhook_secret, settings.stripe_api_url)
    return LocalProvider(store, clock) if settings.payments == "test" else None
